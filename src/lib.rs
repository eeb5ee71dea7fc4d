//! The SIP engine of the `drachtio` package for Node.js.
//!
//! The modules are layers, and each one depends only on those below it:
//!
//! | module | what it is |
//! |---|---|
//! | [`addon`] | the only code that knows N-API: batches of events up, batches of commands down |
//! | [`server`] | the server of applications: connections, secrets, queues |
//! | [`protocol`] | the drachtio protocol: bytes to and from what applications and servers say |
//! | [`apps`] | the applications that are connected: who gets a new request |
//! | [`driver`] | one thread per engine that joins the engine, the sockets and the applications |
//! | [`dns`] | where names lead to: NAPTR, SRV and address records |
//! | [`engine`] | the SIP engine, sans-IO: transactions, dialogs, proxy, timers |
//! | [`observe`] | logs, traces and numbers of an engine at work |
//! | [`transport`] | sockets: UDP, TCP, the connection table |
//! | [`message`] | SIP grammar: parse, edit, build |
//!
//! `docs/architecture.md` explains the choices behind this picture.

pub mod addon;
pub mod apps;
pub mod dns;
pub mod driver;
pub mod engine;
pub mod message;
pub mod observe;
pub mod protocol;
pub mod server;
pub mod transport;

/// A message is some twenty small pieces of memory, half of which go with its transaction half a minute
/// later. The system's allocator takes a twentieth more of the time of a proxied call.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
