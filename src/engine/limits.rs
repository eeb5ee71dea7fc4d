//! How large each table of the engine may grow. A full table refuses what is new and keeps what
//! it has: new requests are answered 503, commands are refused, calls in progress go on. For
//! these the last eighth of the tables of transactions and proxied requests is kept, see
//! [`Claim`].

/// Server transactions, those that wait out their last timer included. At 32 s each this is
/// room for some 15,000 new requests a second.
pub const MAX_SERVER_TRANSACTIONS: usize = 500_000;

/// Bytes of the requests of these transactions. What is kept of one, its response in the end, is
/// no larger: but whoever sends many that are as large as they may be must not get all the memory
/// there is. Room for half a million requests of 2 KiB.
pub const MAX_SERVER_TRANSACTION_BYTES: usize = 1024 * 1024 * 1024;

/// Client transactions, those that wait out their last timer included.
pub const MAX_CLIENT_TRANSACTIONS: usize = 500_000;

/// Dialogs, early and confirmed.
pub const MAX_DIALOGS: usize = 200_000;

/// Requests being proxied, those whose transactions wait out their last timer included. A call
/// makes two, its INVITE and its BYE, so this is room for some 7,000 new calls a second.
pub const MAX_PROXIES: usize = 500_000;

/// Names being looked up.
pub const MAX_QUERIES: usize = 10_000;

/// Destinations remembered because they have failed.
pub const MAX_FAILED_TARGETS: usize = 1_000;

/// Challenges of branches that a caller may still answer. When there are more, the oldest is
/// forgotten: its answer goes where the application sends it.
pub const MAX_CHALLENGES: usize = 10_000;

/// Ends of calls that are kept for the application that adopts the calls of one that has gone. When
/// there are more, the oldest are forgotten.
pub const MAX_UNTOLD: usize = 10_000;

/// Bytes of the messages that ended them.
pub const MAX_UNTOLD_BYTES: usize = 16 * 1024 * 1024;

/// Destinations of one name that are tried.
pub const MAX_DESTINATIONS: usize = 16;
/// Registrations of clients that are reached only the way they came. When there are more, the
/// one that would lapse first is forgotten.
pub const MAX_REGISTRATIONS: usize = 100_000;

/// Of these, those over one connection; further ones are not noted.
pub const MAX_CONNECTION_REGISTRATIONS: usize = 1_000;

/// Early and confirmed dialogs that one INVITE may make by forking; responses of further forks
/// are not followed.
pub const MAX_FORKS: usize = 32;

/// Destinations of one proxied request, those found by redirection included.
pub const MAX_BRANCHES: usize = 64;

/// Reliable provisional responses that wait for the PRACK of an earlier one (RFC 3262 §3).
pub const MAX_QUEUED_PROVISIONALS: usize = 16;

/// Names of peers on secure transports that are remembered at least, counted from the one that
/// was used last; twice as many at most.
pub const MAX_SERVER_NAMES: usize = 10_000;

/// Requests of an application's that wait in one dialog, for an ACK say.
pub const MAX_HELD_REQUESTS: usize = 4;

/// Route-set entries kept for a dialog.
pub const MAX_ROUTES: usize = 32;

/// How many entries the tables may hold: the constants above, unless an engine is given others
/// with [`Engine::with_limits`](super::Engine::with_limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// See [`MAX_SERVER_TRANSACTIONS`].
    pub server_transactions: usize,
    /// See [`MAX_SERVER_TRANSACTION_BYTES`].
    pub server_transaction_bytes: usize,
    /// See [`MAX_CLIENT_TRANSACTIONS`].
    pub client_transactions: usize,
    /// See [`MAX_DIALOGS`].
    pub dialogs: usize,
    /// See [`MAX_PROXIES`].
    pub proxies: usize,
    /// See [`MAX_QUERIES`].
    pub queries: usize,
    /// See [`MAX_FAILED_TARGETS`].
    pub failed_targets: usize,
    /// See [`MAX_REGISTRATIONS`].
    pub registrations: usize,
    /// See [`MAX_CHALLENGES`].
    pub challenges: usize,
}

impl Default for TableLimits {
    fn default() -> TableLimits {
        TableLimits {
            server_transactions: MAX_SERVER_TRANSACTIONS,
            server_transaction_bytes: MAX_SERVER_TRANSACTION_BYTES,
            client_transactions: MAX_CLIENT_TRANSACTIONS,
            dialogs: MAX_DIALOGS,
            proxies: MAX_PROXIES,
            queries: MAX_QUERIES,
            failed_targets: MAX_FAILED_TARGETS,
            registrations: MAX_REGISTRATIONS,
            challenges: MAX_CHALLENGES,
        }
    }
}

/// Who wants room in a table of transactions or proxied requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A request outside every dialog: at overload it has to come again later.
    New,
    /// What belongs to a call that is there: a request inside a dialog, or a CANCEL. Without it
    /// calls could not even end.
    Established,
}

impl Claim {
    /// How many entries there may be before this one, in a table of that size.
    pub(crate) fn share_of(self, limit: usize) -> usize {
        match self {
            Claim::New => limit - limit / 8,
            Claim::Established => limit,
        }
    }
}
