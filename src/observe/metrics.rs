//! The numbers of an engine in the text format of Prometheus, under the names that
//! drachtio-server gives them; what it has no counterpart of has a name of its own.

use std::fmt::{Display, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::traffic::{Counts, Traffic};
use crate::engine::limits::TableLimits;
use crate::engine::{Census, Counters, Histogram, Latencies};

/// The numbers of an engine at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the engine was started.
    pub started: SystemTime,
    /// The sizes of its tables.
    pub census: Census,
    /// How large they may be.
    pub limits: TableLimits,
    /// What has happened.
    pub counters: Counters,
    /// How long things took.
    pub latencies: Latencies,
    /// Messages; empty if they are not counted.
    pub traffic: Traffic,
    /// Confirmed dialogs that peers have made, and those that were made here.
    pub stable_dialogs: (usize, usize),
    /// Stream connections.
    pub connections: usize,
    /// Applications that are connected.
    pub applications: usize,
    /// Pieces of news that they have not taken.
    pub backlog: usize,
    /// Messages that could not be sent.
    pub unsent: u64,
    /// Stream connections that have ended.
    pub closed: u64,
    /// Lines and messages that were not written.
    pub unwritten: u64,
}

/// The numbers as a page that Prometheus reads.
pub fn render(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    let Snapshot {
        census,
        counters,
        traffic,
        latencies,
        limits,
        ..
    } = snapshot;
    page.head("drachtio_build_info", "counter", "the version that runs");
    page.value(
        "drachtio_build_info",
        &[("version", &concat!("v", env!("CARGO_PKG_VERSION")))],
        1,
    );
    let started = snapshot
        .started
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    page.gauge(
        "drachtio_time_started",
        "when the engine was started, in seconds since 1970",
        started.as_secs(),
    );

    page.requests(
        "drachtio_sip_requests_in_total",
        "requests received",
        traffic.incoming(),
    );
    page.requests(
        "drachtio_sip_requests_out_total",
        "requests sent",
        traffic.outgoing(),
    );
    page.responses(
        "drachtio_sip_responses_in_total",
        "responses received",
        traffic.incoming(),
    );
    page.responses(
        "drachtio_sip_responses_out_total",
        "responses sent",
        traffic.outgoing(),
    );

    let (theirs, ours) = snapshot.stable_dialogs;
    page.head("drachtio_stable_dialogs", "gauge", "confirmed dialogs");
    page.value("drachtio_stable_dialogs", &[("type", &"inbound")], theirs);
    page.value("drachtio_stable_dialogs", &[("type", &"outbound")], ours);
    page.gauge(
        "drachtio_proxy_cores",
        "requests being proxied",
        census.proxies,
    );
    page.gauge(
        "drachtio_registered_endpoints",
        "registrations of clients that are reached only the way they came",
        census.registrations,
    );
    page.gauge(
        "drachtio_app_connections",
        "applications that are connected",
        snapshot.applications,
    );

    page.gauge(
        "drachtio_sofia_server_txn_hash_size",
        "server transactions that there may be",
        limits.server_transactions,
    );
    page.gauge(
        "drachtio_sofia_client_txn_hash_size",
        "client transactions that there may be",
        limits.client_transactions,
    );
    page.gauge(
        "drachtio_sofia_dialog_hash_size",
        "dialogs that there may be",
        limits.dialogs,
    );
    page.gauge(
        "drachtio_sofia_server_txns",
        "server transactions",
        census.server_transactions,
    );
    page.gauge(
        "drachtio_sofia_client_txns",
        "client transactions",
        census.client_transactions,
    );
    page.gauge(
        "drachtio_sofia_dialogs",
        "dialogs, early and confirmed",
        census.dialogs,
    );
    let (received, sent) = (traffic.incoming(), traffic.outgoing());
    page.gauge(
        "drachtio_sofia_msgs_recv",
        "messages received",
        received.all(),
    );
    page.gauge("drachtio_sofia_msgs_sent", "messages sent", sent.all());
    page.gauge(
        "drachtio_sofia_requests_recv_total",
        "requests received",
        received.requests(),
    );
    page.gauge(
        "drachtio_sofia_requests_sent",
        "requests sent",
        sent.requests(),
    );
    page.gauge(
        "drachtio_sofia_bad_msgs_recv",
        "malformed messages received",
        counters.malformed,
    );
    page.gauge(
        "drachtio_sofia_bad_reqs_recv",
        "requests received that were turned away or found every table full",
        counters.screened + counters.overloads,
    );
    page.gauge(
        "drachtio_sofia_retransmitted_requests",
        "repeated requests received",
        counters.repeated_requests,
    );
    page.gauge(
        "drachtio_sofia_retransmitted_responses",
        "messages sent again because no answer came",
        counters.retransmissions,
    );

    page.histogram(
        "drachtio_call_answer_seconds_in",
        "from an INVITE that was received to its 2xx",
        &latencies.answer_in,
    );
    page.histogram(
        "drachtio_call_answer_seconds_out",
        "from an INVITE that was sent to its 2xx",
        &latencies.answer_out,
    );
    page.histogram(
        "drachtio_call_pdd_seconds_in",
        "from an INVITE that was received to the first response but 100",
        &latencies.ringing_in,
    );
    page.histogram(
        "drachtio_call_pdd_seconds_out",
        "from an INVITE that was sent to the first response but 100",
        &latencies.ringing_out,
    );

    page.histogram(
        "drachtio_app_response_seconds",
        "from the delivery of a new request to what its application does about it",
        &latencies.application,
    );
    page.gauge(
        "drachtio_app_backlog",
        "pieces of news that applications have not taken",
        snapshot.backlog,
    );
    page.gauge(
        "drachtio_open_transactions",
        "transactions without a final response",
        census.open_transactions,
    );
    page.gauge(
        "drachtio_dns_lookups",
        "names being looked up",
        census.queries,
    );
    page.gauge(
        "drachtio_avoided_destinations",
        "destinations that are avoided because they have failed",
        census.failed_targets,
    );
    page.gauge(
        "drachtio_connections",
        "stream connections, open and opening",
        snapshot.connections,
    );
    page.counter(
        "drachtio_connections_closed_total",
        "stream connections that have ended",
        snapshot.closed,
    );
    page.counter(
        "drachtio_transport_errors_total",
        "messages that could not be sent",
        snapshot.unsent,
    );
    page.counter(
        "drachtio_failovers_total",
        "requests that went to another destination because one had failed",
        counters.failovers,
    );
    page.counter(
        "drachtio_overload_total",
        "requests refused because a table was full or messages waited too long",
        counters.overloads,
    );
    page.counter(
        "drachtio_screened_total",
        "requests turned away as unwelcome",
        counters.screened,
    );
    page.counter(
        "drachtio_unwritten_total",
        "lines and messages that logs and traces have lost",
        snapshot.unwritten,
    );
    page.0
}

impl Counts {
    fn requests(&self) -> u64 {
        self.requests.values().sum()
    }

    fn all(&self) -> u64 {
        self.requests() + self.responses.values().sum::<u64>() + self.garbage
    }
}

#[derive(Default)]
struct Page(String);

// Writing to a string does not fail.
impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// The labels are ours, and need no escaping.
    fn value(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, content)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{content}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.value(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "counter", help);
        self.value(name, &[], value);
    }

    fn requests(&mut self, name: &str, help: &str, counts: &Counts) {
        self.head(name, "counter", help);
        for (method, count) in &counts.requests {
            self.value(name, &[("method", method)], count);
        }
    }

    fn responses(&mut self, name: &str, help: &str, counts: &Counts) {
        self.head(name, "counter", help);
        for ((method, status), count) in &counts.responses {
            self.value(name, &[("method", method), ("code", status)], count);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.value(&bucket, &[("le", &bound.as_secs_f64())], count);
        }
        self.value(&bucket, &[("le", &"+Inf")], histogram.count());
        self.value(&format!("{name}_sum"), &[], histogram.sum().as_secs_f64());
        self.value(&format!("{name}_count"), &[], histogram.count());
    }
}
