//! One question to the name servers, the hosts file or the system.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverConfig, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::TokioResolver;

use super::locate::Reach;
use super::records::{naptr_transport, Naptr, Question, Records, Srv};
use super::DnsSettings;

/// Answers that are kept for as long as they are valid.
const CACHE_SIZE: u64 = 4_096;

/// How long it is believed at most that something does not exist: new records are often looked
/// for before they are there.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(300);

/// Questions under way to one name server.
const MAX_ACTIVE_QUESTIONS: usize = 512;

/// Asks.
pub(super) struct Lookups {
    /// `None` if there is no name server.
    dns: Option<TokioResolver>,
    /// Names that are not in the DNS may be known to the system by other means.
    asks_system: bool,
    ipv4: bool,
    ipv6: bool,
}

impl Lookups {
    /// Reads the system's configuration if it must.
    pub(super) fn new(settings: &DnsSettings, reach: &Reach) -> Lookups {
        let dns = dns(settings)
            .inspect_err(|error| tracing::warn!(%error, "no name server can be asked"))
            .ok();
        Lookups {
            dns,
            asks_system: settings.servers.is_empty(),
            ipv4: reach.has_ipv4(),
            ipv6: reach.has_ipv6(),
        }
    }

    /// What there is; nothing if there is no answer.
    pub(super) async fn ask(&self, question: &Question) -> Records {
        let records = match question {
            Question::Naptr(name) => self.services(name, RecordType::NAPTR).await,
            Question::Srv(name) => self.services(name, RecordType::SRV).await,
            Question::Addresses(host) => self.addresses(host).await,
        };
        records.trimmed()
    }

    async fn services(&self, name: &str, kind: RecordType) -> Records {
        let mut records = Records::default();
        for data in self.records(name, kind).await {
            match data {
                RData::NAPTR(naptr) => {
                    let transport = naptr_transport(&naptr.services);
                    let leads_to_srv = naptr.flags.eq_ignore_ascii_case(b"s");
                    if let (Some(transport), true) = (transport, leads_to_srv) {
                        records.naptr.push(Naptr {
                            order: naptr.order,
                            preference: naptr.preference,
                            transport,
                            replacement: host_text(&naptr.replacement),
                        });
                    }
                }
                RData::SRV(srv) => records.srv.push(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: host_text(&srv.target),
                }),
                _ => {}
            }
        }
        records
    }

    async fn addresses(&self, host: &str) -> Records {
        let family = |wanted, kind| async move {
            if wanted {
                self.records(host, kind).await
            } else {
                Vec::new()
            }
        };
        let (v6, v4) = tokio::join!(
            family(self.ipv6, RecordType::AAAA),
            family(self.ipv4, RecordType::A)
        );
        let found = v6.into_iter().chain(v4);
        let mut addresses: Vec<IpAddr> = found.filter_map(|data| data.ip_addr()).collect();
        if addresses.is_empty() && self.asks_system {
            addresses = ask_system(host).await;
        }
        Records {
            addresses,
            ..Records::default()
        }
    }

    async fn records(&self, name: &str, kind: RecordType) -> Vec<RData> {
        let (Some(dns), Ok(mut fqdn)) = (&self.dns, Name::from_ascii(name)) else {
            return Vec::new();
        };
        // The domains that the system searches are for names of one label.
        fqdn.set_fqdn(fqdn.is_fqdn() || fqdn.num_labels() > 1);
        match dns.lookup(fqdn, kind).await {
            Ok(lookup) => {
                let records = lookup.answers().iter().map(|record| record.data.clone());
                records.collect()
            }
            Err(error) => {
                tracing::debug!(name, %kind, %error, "no answer of the DNS");
                Vec::new()
            }
        }
    }
}

fn dns(settings: &DnsSettings) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = if settings.servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = settings.servers.iter().map(|server| {
            let port = server.port();
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.map(|mut connection| {
                connection.port = port;
                connection
            });
            NameServerConfig::new(server.ip(), true, connections.to_vec())
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        let provider = TokioRuntimeProvider::default();
        TokioResolver::builder_with_config(config, provider)
    };
    let options = builder.options_mut();
    if !settings.servers.is_empty() {
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    }
    options.timeout = settings.timeout;
    options.attempts = settings.attempts.saturating_sub(1);
    options.cache_size = CACHE_SIZE;
    options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
    options.max_active_requests = MAX_ACTIVE_QUESTIONS;
    builder.build()
}

/// The system may know names by other means than the DNS.
async fn ask_system(host: &str) -> Vec<IpAddr> {
    match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(error) => {
            tracing::debug!(host, %error, "the system does not know a host");
            Vec::new()
        }
    }
}

/// A name as a host of a URI: without the dot at its end, so that the root is empty.
fn host_text(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.trim_end_matches('.').to_string()
}
