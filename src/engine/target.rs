//! From a URI to the path a request takes (RFC 3261 §8.1.2, §18.1.1).
//!
//! Numeric hosts are decided here; names go out as a [`Query`] and come back as addresses.

use std::net::{IpAddr, Ipv4Addr};

use super::event::Refusal;
use super::path::{Path, Transport};
use crate::message::{Host, Scheme, Uri};

/// The port of UDP and TCP when a URI names none (RFC 3261 §19.1.2).
pub(crate) const DEFAULT_PORT: u16 = 5060;

/// A name that must be looked up before a request can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Goes back with the answer.
    pub id: QueryId,
    /// The host name.
    pub host: String,
    /// The port of the addresses in the answer.
    pub port: u16,
}

/// Names a [`Query`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub u64);

/// Where a URI points to, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `None` when the URI leaves the choice to us.
    pub(crate) transport: Option<Transport>,
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

/// The way to a URI.
#[derive(Debug)]
pub(crate) enum Hop {
    Ready(Path),
    /// The host must be looked up first.
    Named(Name),
}

/// A host name and the port of its addresses.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    pub(crate) fn of(uri: &str) -> Result<Target, Refusal> {
        let invalid = || Refusal::InvalidRequestUri(uri.to_string());
        let uri = Uri::parse(uri).map_err(|_| invalid())?;
        match uri.scheme {
            Scheme::Sip => {}
            Scheme::Sips => return Err(Refusal::TransportNotAvailable),
            _ => return Err(invalid()),
        }
        let transport = match uri.transport() {
            Some(name) => Some(Transport::from_name(name).ok_or(Refusal::TransportNotAvailable)?),
            None => None,
        };
        let host = match uri.maddr() {
            Some(maddr) => maddr.parse().map_or_else(
                |_| TargetHost::Name(maddr.to_ascii_lowercase()),
                TargetHost::Address,
            ),
            None => match uri.host {
                Host::V4(address) => TargetHost::Address(address.into()),
                Host::V6(address) => TargetHost::Address(address.into()),
                // RFC 6761 §6.3: it needs no look-up.
                Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                    TargetHost::Address(Ipv4Addr::LOCALHOST.into())
                }
                Host::Name(name) => TargetHost::Name(name.to_ascii_lowercase()),
            },
        };
        Ok(Target {
            transport,
            host,
            port: uri.port.unwrap_or(DEFAULT_PORT),
        })
    }
}
