//! What `connect` was told, for the driver.
//!
//! Every option that JavaScript lets pass has its line here: one that the engine does not know is
//! an error, so none is accepted and ignored.

use std::net::IpAddr;

use napi::bindgen_prelude::Unknown;
use thiserror::Error;

use super::observe_settings::read_observe;
use super::option_value::{OptionError, OptionValue};
use super::server_settings::{read_secrets, read_server};
use crate::apps::{OptionsAnswer, MAX_ROUTES};
use crate::dns::{DnsSettings, DNS_PORT};
use crate::driver::Settings;
use crate::engine::limits::TableLimits;
use crate::engine::{
    External, ExternalHost, Nat, NextHop, Refresher, Refusal, Screening, ScreeningAction,
    SessionTimers, SpammerHeader, SpammerSign, Timers,
};
use crate::message::limits::MAX_DATAGRAM;
use crate::message::{Scheme, Uri};
use crate::protocol::Secret;
use crate::server;
use crate::transport::{
    AdvertisedAs, Certificate, ClientCertificates, Contact, ContactError, Limits, Pem, TlsSettings,
    TlsVersion,
};

/// What an engine with one application is started with.
#[derive(Debug, Default)]
pub(super) struct Start {
    pub(super) settings: Settings,
    /// The methods whose new requests the application wants from the beginning.
    pub(super) routes: Vec<String>,
    /// For other applications, if there may be any. The first one, which is this JavaScript, directs
    /// the requests of its methods then.
    pub(super) server: Option<server::Settings>,
}

/// An engine can't be started so.
#[derive(Debug, Error)]
pub(super) enum SettingsError {
    #[error(transparent)]
    Option(#[from] OptionError),
    #[error(transparent)]
    Contact(#[from] ContactError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl SettingsError {
    /// A stable name for programs.
    pub(super) fn code(&self) -> &str {
        match self {
            SettingsError::Option(OptionError::Js(error)) => error.status.as_ref(),
            SettingsError::Option(_) => "DRT_ERR_INVALID_OPTION",
            SettingsError::Contact(_) => "DRT_ERR_INVALID_CONTACT",
            SettingsError::Refused(refusal) => refusal.code(),
        }
    }
}

/// What the options of a contact must be.
const EXTERNAL: &str = "an address or a name, with a port or without";
const SUBNET: &str = "a range of addresses such as '10.0.0.0/8'";
const NAME: &str = "a host name without a port, or '*.' and a domain";

pub(super) type Result<T> = std::result::Result<T, SettingsError>;

/// Reads the argument of `Engine.start`.
pub(super) fn read_start(options: Unknown<'_>) -> Result<Start> {
    let mut start = Start::default();
    for option in OptionValue::root(options).entries()? {
        match option.key() {
            "contacts" => start.settings.contacts = read_contacts(&option)?,
            "routes" => start.routes = read_routes(&option)?,
            "engine" => read_engine(&option, &mut start.settings)?,
            "server" => start.server = Some(read_server(&option)?),
            "observe" => start.settings.observe = read_observe(&option)?,
            _ => option.unknown()?,
        }
    }
    Ok(start)
}

fn read_contacts(option: &OptionValue<'_>) -> Result<Vec<Contact>> {
    option.elements()?.iter().map(read_contact).collect()
}

fn read_contact(section: &OptionValue<'_>) -> Result<Contact> {
    let mut uri = String::new();
    let mut advertised = AdvertisedAs::default();
    for option in section.entries()? {
        match option.key() {
            "uri" => uri = option.text()?,
            "externalIp" => advertised.external = Some(option.parsed(EXTERNAL)?),
            "localNet" => {
                let nets: std::result::Result<_, _> = option
                    .elements()?
                    .iter()
                    .map(|net| net.parsed(SUBNET))
                    .collect();
                advertised.local_net = Some(nets?);
            }
            "dnsNames" => {
                for name in option.elements()? {
                    advertised.names.push(read_name(&name)?);
                }
            }
            _ => option.unknown()?,
        }
    }
    let mut contact: Contact = uri.parse()?;
    contact.advertised = advertised;
    Ok(contact)
}

/// A name, or every name below it: `*.example.com`.
fn read_name(option: &OptionValue<'_>) -> Result<String> {
    let text = option.text()?;
    let name = text.strip_prefix("*.").unwrap_or(&text);
    match name.parse() {
        Ok(External {
            host: ExternalHost::Name(_),
            port: None,
        }) => Ok(text),
        _ => Err(option.wrong(NAME).into()),
    }
}

fn read_routes(option: &OptionValue<'_>) -> Result<Vec<String>> {
    let routes = option.texts()?;
    if routes.len() > MAX_ROUTES {
        return Err(Refusal::LimitReached("routes", MAX_ROUTES).into());
    }
    Ok(routes)
}

fn read_engine(section: &OptionValue<'_>, settings: &mut Settings) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "nat" => read_nat(&option, &mut settings.engine.nat)?,
            "timers" => read_timers(&option, &mut settings.engine.timers)?,
            "sessionTimers" => read_session_timers(&option, &mut settings.engine.session_timers)?,
            "alwaysRing" => settings.engine.always_ring = option.flag()?,
            "bestEffortTls" => settings.engine.best_effort_tls = option.flag()?,
            "screening" => settings.engine.screening = read_screening(&option)?,
            "foreignReplaces" => settings.engine.foreign_replaces = option.flag()?,
            "stateless" => settings.engine.stateless = option.flag()?,
            "optionsAutoAnswer" => settings.options_answer = read_options_answer(&option)?,
            "supported" => settings.engine.understanding.extensions = Some(option.texts()?),
            "accept" => settings.engine.understanding.bodies = Some(option.texts()?),
            "limits" => read_limits(&option, &mut settings.engine.limits, &mut settings.limits)?,
            "tls" => settings.tls = read_tls(&option)?,
            "connections" => read_connections(&option, settings)?,
            "dns" => read_dns(&option, &mut settings.dns)?,
            "nextHop" => read_next_hop(&option, &mut settings.engine.next_hop)?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_options_answer(option: &OptionValue<'_>) -> Result<OptionsAnswer> {
    Ok(match option.flag() {
        Ok(true) => OptionsAnswer::Everybody,
        Ok(false) => OptionsAnswer::Nobody,
        Err(_) => OptionsAnswer::UserAgent(option.text()?),
    })
}

/// Reads the argument of `Engine.setScreening`.
pub(super) fn read_screening_settings(options: Unknown<'_>) -> Result<Screening> {
    read_screening(&OptionValue::root(options))
}

fn read_screening(section: &OptionValue<'_>) -> Result<Screening> {
    let mut screening = Screening::default();
    for option in section.entries()? {
        match option.key() {
            "spammers" => {
                let signs = option.elements()?;
                screening.spammers = signs.iter().map(read_spammer_sign).collect::<Result<_>>()?;
            }
            "action" => screening.action = read_screening_action(&option)?,
            "streamAction" => screening.stream_action = read_screening_action(&option)?,
            "blocked" => {
                for one in option.elements()? {
                    let address: IpAddr = one.parsed("a numeric address")?;
                    // `::ffff:192.0.2.1` is 192.0.2.1: no socket takes in both families.
                    screening.blocked.insert(address.to_canonical());
                }
            }
            "registerNeedsRealm" => screening.register_needs_realm = option.flag()?,
            _ => option.unknown()?,
        }
    }
    Ok(screening)
}

fn read_screening_action(option: &OptionValue<'_>) -> Result<ScreeningAction> {
    Ok(match option.text()?.as_str() {
        "reject" => ScreeningAction::Reject,
        "discard" => ScreeningAction::Discard,
        _ => return Err(option.wrong("'reject' or 'discard'").into()),
    })
}

fn read_spammer_sign(section: &OptionValue<'_>) -> Result<SpammerSign> {
    let mut sign = SpammerSign {
        header: SpammerHeader::UserAgent,
        contains: Vec::new(),
    };
    for option in section.entries()? {
        match option.key() {
            "header" => {
                sign.header = match option.text()?.as_str() {
                    "User-Agent" => SpammerHeader::UserAgent,
                    "From" => SpammerHeader::From,
                    "To" => SpammerHeader::To,
                    _ => return Err(option.wrong("'User-Agent', 'From' or 'To'").into()),
                }
            }
            "contains" => sign.contains = option.texts()?,
            _ => option.unknown()?,
        }
    }
    Ok(sign)
}

fn read_sip_uri(option: &OptionValue<'_>) -> Result<String> {
    let text = option.text()?;
    let is_sip =
        Uri::parse(&text).is_ok_and(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips));
    match is_sip {
        true => Ok(text),
        false => Err(option.wrong("a SIP URI").into()),
    }
}

fn read_nat(section: &OptionValue<'_>, nat: &mut Nat) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "inDialog" => nat.in_dialog = option.parsed("'auto', 'source' or 'contact'")?,
            "registrations" => nat.registrations = option.flag()?,
            "markedRoutes" => nat.marked_routes = option.flag()?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_timers(section: &OptionValue<'_>, timers: &mut Timers) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "t1" => timers.t1 = option.milliseconds()?,
            "t2" => timers.t2 = option.milliseconds()?,
            "t4" => timers.t4 = option.milliseconds()?,
            "transaction" => timers.transaction = Some(option.milliseconds()?),
            "c" => timers.c = option.milliseconds()?,
            "application" => timers.application = option.milliseconds()?,
            "ringing" => timers.ringing = option.milliseconds()?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_session_timers(section: &OptionValue<'_>, timers: &mut SessionTimers) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "expires" => timers.expires = Some(option.seconds()?),
            "minSE" => timers.min_se = option.seconds()?,
            "refresher" => {
                timers.refresher = match option.text()?.as_str() {
                    "uas" => Some(Refresher::Uas),
                    "none" => None,
                    _ => Some(Refresher::Uac),
                }
            }
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_limits(
    section: &OptionValue<'_>,
    tables: &mut TableLimits,
    connections: &mut Limits,
) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "serverTransactions" => tables.server_transactions = option.count()?,
            "clientTransactions" => tables.client_transactions = option.count()?,
            "dialogs" => tables.dialogs = option.count()?,
            "proxies" => tables.proxies = option.count()?,
            "lookups" => tables.queries = option.count()?,
            "registrations" => tables.registrations = option.count()?,
            "connections" => connections.connections = option.count()?,
            "queuedMessages" => connections.queued_messages = option.count()?,
            "udpBuffer" => connections.udp_buffer = option.count()?,
            "queuedBytes" => connections.queued_bytes = option.count()?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

/// Reads the argument of `Engine.setSecrets`.
pub(super) fn read_new_secrets(secrets: Unknown<'_>) -> Result<Vec<Secret>> {
    read_secrets(&OptionValue::root(secrets))
}

/// Reads the argument of `Engine.reloadTls`.
pub(super) fn read_tls_settings(options: Unknown<'_>) -> Result<TlsSettings> {
    read_tls(&OptionValue::root(options))
}

pub(super) fn read_tls(section: &OptionValue<'_>) -> Result<TlsSettings> {
    let mut tls = TlsSettings::default();
    for option in section.entries()? {
        match option.key() {
            "certificates" => {
                let certificates = option.elements()?;
                tls.certificates = certificates
                    .iter()
                    .map(read_certificate)
                    .collect::<Result<_>>()?;
            }
            "ca" => {
                let authorities = option.texts()?.into_iter().map(Pem::from);
                tls.authorities = Some(authorities.collect());
            }
            "verifyServer" => tls.verify_server = option.flag()?,
            "clientCertificate" => tls.client_certificate = Some(read_certificate(&option)?),
            "clientCertificates" => {
                tls.client_certificates = match option.text()?.as_str() {
                    "ignore" => ClientCertificates::Ignore,
                    "request" => ClientCertificates::Request,
                    "require" => ClientCertificates::Require,
                    _ => option.unknown()?,
                }
            }
            "ciphers" => tls.ciphers = Some(option.texts()?),
            "minVersion" => {
                tls.min_version = match option.text()?.as_str() {
                    "TLSv1.2" => TlsVersion::V1_2,
                    "TLSv1.3" => TlsVersion::V1_3,
                    _ => option.unknown()?,
                }
            }
            _ => option.unknown()?,
        }
    }
    Ok(tls)
}

fn read_certificate(section: &OptionValue<'_>) -> Result<Certificate> {
    let mut certificate = Certificate {
        chain: Pem::Text(String::new()),
        key: Pem::Text(String::new()),
        names: Vec::new(),
    };
    for option in section.entries()? {
        match option.key() {
            "cert" => certificate.chain = Pem::from(option.text()?),
            "key" => certificate.key = Pem::from(option.text()?),
            "names" => certificate.names = option.texts()?,
            _ => option.unknown()?,
        }
    }
    Ok(certificate)
}

fn read_connections(section: &OptionValue<'_>, settings: &mut Settings) -> Result<()> {
    let limits = &mut settings.limits;
    for option in section.entries()? {
        match option.key() {
            "maxTimeouts" => {
                let count = u32::try_from(option.count()?).unwrap_or(u32::MAX);
                settings.engine.dead_after = Some(count).filter(|count| *count > 0);
                continue;
            }
            "webSocketOrigins" => {
                settings.web_origins = Some(option.texts()?);
                continue;
            }
            _ => {}
        }
        let time = option.milliseconds()?;
        let unless_zero = Some(time).filter(|time| !time.is_zero());
        match option.key() {
            "connectTimeout" => limits.connect = time,
            "tlsHandshakeTimeout" => limits.tls_handshake = time,
            "webSocketHandshakeTimeout" => limits.websocket_handshake = time,
            "messageTimeout" => limits.assembly = time,
            "writeTimeout" => limits.stall = time,
            "idleTimeout" => limits.idle = unless_zero,
            "keepAliveInterval" => limits.keep_alive = unless_zero,
            "webSocketPingInterval" => limits.websocket_ping = unless_zero,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_dns(section: &OptionValue<'_>, dns: &mut DnsSettings) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "servers" => dns.servers = option.endpoints(DNS_PORT)?,
            "timeout" => dns.timeout = option.milliseconds()?,
            "attempts" => dns.attempts = option.count()?,
            "deadline" => dns.deadline = option.milliseconds()?,
            "naptr" => dns.naptr = option.flag()?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}

fn read_next_hop(section: &OptionValue<'_>, next_hop: &mut NextHop) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "outboundProxy" => next_hop.outbound_proxy = Some(read_sip_uri(&option)?),
            "avoidFor" => next_hop.avoid_for = option.milliseconds()?,
            "udpRequestLimit" => {
                let limit = option.count()?;
                // No datagram is larger.
                next_hop.udp_request_limit = (limit < MAX_DATAGRAM).then_some(limit);
            }
            _ => option.unknown()?,
        }
    }
    Ok(())
}
