//! From contacts to bound sockets: one socket per address and protocol, so that every socket
//! knows its own address and a reply leaves from where the request arrived.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::contact::{Contact, Host};
use super::limits::LISTEN_BACKLOG;
use crate::engine::{Listener, Transport};

/// How often port 0 is tried afresh when the port the system gave for UDP is taken for TCP.
const PORT_ATTEMPTS: usize = 16;

/// A socket of this machine could not be bound.
#[derive(Debug, Error)]
pub enum BindError {
    /// The system refused.
    #[error("cannot listen on {transport}/{address} for contact {contact}: {}", explain(.source))]
    Refused {
        /// The protocol.
        transport: Transport,
        /// The address that was tried.
        address: SocketAddr,
        /// The contact that asked for it.
        contact: String,
        /// What the system said.
        source: io::Error,
    },
    /// The machine has no address of the wanted family.
    #[error("contact {contact} matches no address of this machine")]
    NoAddress {
        /// The contact.
        contact: String,
    },
    /// The machine's addresses could not be listed.
    #[error("cannot list the addresses of this machine: {0}")]
    Interfaces(#[source] io::Error),
    /// No contact was given.
    #[error("no contact to listen on")]
    NoContact,
}

impl BindError {
    /// A stable name for programs: the system's where there is one (`EADDRINUSE`).
    pub fn code(&self) -> &'static str {
        let source = match self {
            BindError::Refused { source, .. } => source,
            _ => return "DRT_ERR_BIND",
        };
        match source.kind() {
            io::ErrorKind::AddrInUse => "EADDRINUSE",
            io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
            io::ErrorKind::PermissionDenied => "EACCES",
            _ => "DRT_ERR_BIND",
        }
    }
}

/// A bound socket and what the engine is told of it.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) socket: BoundSocket,
}

#[derive(Debug)]
pub(super) enum BoundSocket {
    Datagram(UdpSocket),
    Stream(TcpListener),
}

/// Binds every contact, or nothing at all. `udp_buffer` is what the kernel is asked to buffer for
/// a UDP socket in each direction, in bytes.
pub(super) fn bind_all(contacts: &[Contact], udp_buffer: usize) -> Result<Vec<Bound>, BindError> {
    if contacts.is_empty() {
        return Err(BindError::NoContact);
    }
    let mut bound = Vec::new();
    for contact in contacts {
        bound.extend(bind_contact(contact, udp_buffer)?);
    }
    Ok(bound)
}

/// What a machine with these addresses would listen on, without binding anything. Every port is
/// free there, so that the system's choice is the usual one.
///
/// # Errors
/// There is no contact, or one that no address fits.
pub fn listeners_on(machine: &[IpAddr], contacts: &[Contact]) -> Result<Vec<Listener>, BindError> {
    if contacts.is_empty() {
        return Err(BindError::NoContact);
    }
    let mut listeners = Vec::new();
    for contact in contacts {
        let addresses = match contact.host {
            Host::Address(address) => vec![address],
            host => {
                let meant = machine.iter().filter(|address| is_meant(host, **address));
                meant.copied().collect()
            }
        };
        if addresses.is_empty() {
            return Err(no_address(contact));
        }
        for (port, transports) in ports(contact) {
            for address in &addresses {
                listeners.extend(transports.iter().map(|&transport| {
                    let port = Some(port).filter(|port| *port != 0);
                    let port = port.unwrap_or(transport.default_port());
                    listener(contact, transport, SocketAddr::new(*address, port))
                }));
            }
        }
    }
    Ok(listeners)
}

fn listener(contact: &Contact, transport: Transport, local: SocketAddr) -> Listener {
    Listener {
        transport,
        local,
        user: contact.user.clone(),
        advertised: contact.advertised.at(local.ip()),
    }
}

fn bind_contact(contact: &Contact, udp_buffer: usize) -> Result<Vec<Bound>, BindError> {
    let addresses = addresses(contact)?;
    let mut bound = Vec::new();
    for (port, transports) in ports(contact) {
        bound.extend(bind_ports(
            contact,
            &addresses,
            port,
            &transports,
            udp_buffer,
        )?);
    }
    if bound.is_empty() {
        return Err(no_address(contact));
    }
    Ok(bound)
}

/// Which transports listen on which port. UDP has the port of a stream transport, the first
/// with the same one.
fn ports(contact: &Contact) -> Vec<(u16, Vec<Transport>)> {
    let mut ports: Vec<(u16, Vec<Transport>)> = Vec::new();
    for &transport in &contact.transports {
        let port = contact.port.unwrap_or(transport.default_port());
        let is_udp = transport == Transport::Udp;
        let shared = ports.iter_mut().find(|(other, transports)| {
            *other == port && (is_udp || transports.as_slice() == [Transport::Udp])
        });
        match shared {
            Some((_, transports)) => transports.push(transport),
            None => ports.push((port, vec![transport])),
        }
    }
    ports
}

fn bind_ports(
    contact: &Contact,
    addresses: &[IpAddr],
    port: u16,
    transports: &[Transport],
    udp_buffer: usize,
) -> Result<Vec<Bound>, BindError> {
    let bind_on =
        |port, may_differ| bind_on(contact, addresses, port, transports, may_differ, udp_buffer);
    if port != 0 {
        return bind_on(port, false);
    }
    for _ in 0..PORT_ATTEMPTS {
        match bind_on(0, false) {
            Err(error) if error.code() == "EADDRINUSE" => continue,
            done => return done,
        }
    }
    bind_on(0, true)
}

/// Binds these transports on all addresses. With port 0 all take the port that the system gives
/// for the first, unless they may differ.
fn bind_on(
    contact: &Contact,
    addresses: &[IpAddr],
    port: u16,
    transports: &[Transport],
    may_differ: bool,
    udp_buffer: usize,
) -> Result<Vec<Bound>, BindError> {
    let mut bound: Vec<Bound> = Vec::new();
    for &address in addresses {
        for &transport in transports {
            let port = match bound.first() {
                Some(first) if !may_differ => first.listener.local.port(),
                _ => port,
            };
            let wanted = SocketAddr::new(address, port);
            match bind_one(transport, wanted, udp_buffer) {
                Ok((socket, local)) => bound.push(Bound {
                    listener: listener(contact, transport, local),
                    socket,
                }),
                // Listed a moment ago and gone now, or IPv6 still checking for duplicates.
                Err(source)
                    if source.kind() == io::ErrorKind::AddrNotAvailable
                        && !matches!(contact.host, Host::Address(_)) => {}
                Err(source) => {
                    return Err(BindError::Refused {
                        transport,
                        address: wanted,
                        contact: contact.to_string(),
                        source,
                    })
                }
            }
        }
    }
    Ok(bound)
}

fn bind_one(
    transport: Transport,
    address: SocketAddr,
    udp_buffer: usize,
) -> io::Result<(BoundSocket, SocketAddr)> {
    let (kind, protocol) = match transport {
        Transport::Udp => (Type::DGRAM, Protocol::UDP),
        _ => (Type::STREAM, Protocol::TCP),
    };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // The families are never mixed: an IPv4 peer must not show as ::ffff:192.0.2.1.
        socket.set_only_v6(true)?;
    }
    match transport {
        Transport::Udp => {
            // Best effort: the kernel clips what it does not allow.
            let _ = socket.set_recv_buffer_size(udp_buffer);
            let _ = socket.set_send_buffer_size(udp_buffer);
            socket.bind(&address.into())?;
            let socket = UdpSocket::from(socket);
            let local = socket.local_addr()?;
            Ok((BoundSocket::Datagram(socket), local))
        }
        _ => {
            // A restart must not wait for the old connections' TIME-WAIT. On Windows the option
            // would mean that others may take the port.
            #[cfg(unix)]
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(LISTEN_BACKLOG)?;
            let socket = TcpListener::from(socket);
            let local = socket.local_addr()?;
            Ok((BoundSocket::Stream(socket), local))
        }
    }
}

/// The addresses a contact means; a loopback address comes after the others, since the order
/// of listeners is the order of preference.
fn addresses(contact: &Contact) -> Result<Vec<IpAddr>, BindError> {
    if let Host::Address(address) = contact.host {
        return Ok(vec![address]);
    }
    let interfaces = if_addrs::get_if_addrs().map_err(BindError::Interfaces)?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in interfaces.iter().map(|interface| interface.ip()) {
        if is_meant(contact.host, address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(no_address(contact));
    }
    addresses.sort_by_key(IpAddr::is_loopback);
    Ok(addresses)
}

/// True when a wildcard stands for this address of the machine.
fn is_meant(host: Host, address: IpAddr) -> bool {
    match (host, address) {
        (Host::EveryV6, IpAddr::V4(_)) | (Host::EveryV4, IpAddr::V6(_)) => false,
        (_, IpAddr::V4(_)) => true,
        // A link-local address is nothing without its interface, which SIP can't express.
        (_, IpAddr::V6(v6)) => !v6.is_unicast_link_local(),
    }
}

fn no_address(contact: &Contact) -> BindError {
    BindError::NoAddress {
        contact: contact.to_string(),
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use by another program".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(contacts: &[&str]) -> Result<Vec<Bound>, BindError> {
        let contacts: Vec<Contact> = contacts.iter().map(|c| c.parse().unwrap()).collect();
        bind_all(&contacts, 65_536)
    }

    #[test]
    fn udp_and_tcp_of_a_contact_share_the_port_the_system_chose() {
        let bound = bind(&["sip:127.0.0.1:0"]).unwrap();
        let ports: Vec<u16> = bound.iter().map(|b| b.listener.local.port()).collect();
        assert_eq!(ports.len(), 2);
        assert_ne!(ports[0], 0);
        assert_eq!(ports[0], ports[1]);
    }

    #[test]
    fn udp_sockets_buffer_what_they_are_told_to() {
        let buffers = |size| {
            let contacts = ["sip:127.0.0.1:0;transport=udp".parse().unwrap()];
            let bound = bind_all(&contacts, size).unwrap().remove(0);
            let BoundSocket::Datagram(socket) = bound.socket else {
                panic!("not UDP");
            };
            let socket = socket2::SockRef::from(&socket);
            (
                socket.recv_buffer_size().unwrap(),
                socket.send_buffer_size().unwrap(),
            )
        };
        let (small, large) = (buffers(16_384), buffers(65_536));
        assert!(small.0 >= 16_384 && small.1 >= 16_384, "{small:?}");
        assert!(large.0 > small.0 && large.1 > small.1, "{large:?}");
    }

    #[test]
    fn each_transport_of_a_contact_without_a_port_has_its_default_one() {
        let contact = "sip:127.0.0.1;transport=tls,udp,ws,tcp,wss".parse();
        let expected = [
            (5061, vec![Transport::Tls]),
            (5060, vec![Transport::Udp, Transport::Tcp]),
            (80, vec![Transport::Ws]),
            (443, vec![Transport::Wss]),
        ];
        assert_eq!(ports(&contact.unwrap()), expected);
    }

    #[test]
    fn each_stream_transport_has_its_own_port_when_the_system_chooses() {
        let bound = bind(&["sip:127.0.0.1:0;transport=udp,tcp,tls"]).unwrap();
        let port = |n: usize| (bound[n].listener.transport, bound[n].listener.local.port());
        assert_eq!(port(0), (Transport::Udp, port(1).1));
        assert_eq!(port(2).0, Transport::Tls);
        assert_ne!(port(2).1, port(1).1);
    }

    #[test]
    fn a_taken_port_is_named_with_protocol_address_and_contact() {
        for transport in ["udp", "tcp"] {
            let first = bind(&[&format!("sip:127.0.0.1:0;transport={transport}")]).unwrap();
            let local = first[0].listener.local;
            let contact = format!("sip:{local};transport={transport}");
            let error = bind(&[&contact]).unwrap_err();
            assert_eq!(error.code(), "EADDRINUSE");
            let text = error.to_string();
            assert!(text.contains(&format!("{transport}/{local}")), "{text}");
            assert!(text.contains(&contact), "{text}");
        }
    }

    #[test]
    fn one_bad_contact_among_several_binds_nothing() {
        let taken = bind(&["sip:127.0.0.1:0;transport=udp"]).unwrap();
        let free = bind(&["sip:127.0.0.1:0;transport=udp"]).unwrap()[0]
            .listener
            .local;
        let error = bind(&[
            &format!("sip:{free};transport=udp"),
            &format!("sip:{};transport=udp", taken[0].listener.local),
        ])
        .unwrap_err();
        assert_eq!(error.code(), "EADDRINUSE");
        assert!(bind(&[&format!("sip:{free};transport=udp")]).is_ok());
    }

    #[test]
    fn a_star_gives_one_socket_per_address_and_never_a_wildcard() {
        let bound = bind(&["sip:*:0;transport=udp"]).unwrap();
        assert!(bound
            .iter()
            .all(|b| !b.listener.local.ip().is_unspecified()));
        assert!(bound.iter().any(|b| b.listener.local.ip().is_loopback()));
        assert!(bound.last().unwrap().listener.local.ip().is_loopback());
    }

    #[test]
    fn a_foreign_address_is_refused_by_name() {
        let error = bind(&["sip:203.0.113.77:0;transport=udp"]).unwrap_err();
        assert_eq!(error.code(), "EADDRNOTAVAIL");
    }

    #[test]
    fn the_user_part_reaches_the_listener() {
        let bound = bind(&["sip:alice@127.0.0.1:0;transport=tcp"]).unwrap();
        assert_eq!(bound[0].listener.user.as_deref(), Some("alice"));
    }

    #[test]
    fn a_machine_that_is_not_there_has_the_usual_ports() {
        let machine = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap());
        let on = |contact: &str| {
            let listeners = listeners_on(&machine, &[contact.parse().unwrap()]).unwrap();
            let shown = listeners
                .iter()
                .map(|l| format!("{}/{}", l.transport, l.local));
            shown.collect::<Vec<_>>()
        };
        let both = ["udp/192.0.2.1:5060", "udp/[2001:db8::1]:5060"];
        assert_eq!(on("sip:*;transport=udp"), both);
        let v4 = ["udp/192.0.2.1:5060", "tls/192.0.2.1:5061"];
        assert_eq!(on("sip:0.0.0.0:0;transport=udp,tls"), v4);
        assert_eq!(on("sip:10.0.0.9:5070;transport=tcp"), ["tcp/10.0.0.9:5070"]);
        assert!(matches!(
            listeners_on(&machine, &[]),
            Err(BindError::NoContact)
        ));
        let no_address = listeners_on(&[], &["sip:*".parse().unwrap()]);
        assert!(matches!(no_address, Err(BindError::NoAddress { .. })));
    }

    #[test]
    fn nothing_to_listen_on_is_an_error() {
        assert!(matches!(bind(&[]), Err(BindError::NoContact)));
    }
}
