//! The server of applications: programs of their own that drive the engine by the drachtio protocol,
//! over TCP or TLS.
//!
//! All of it runs on one thread beside the engine's. An application that is slow or hostile costs that
//! thread a task and a bounded queue, and the engine nothing.
//!
//! | file | what it is |
//! |---|---|
//! | `thread.rs` | the thread: listening, and what it is asked to do |
//! | `places.rs` | where to listen and whom to connect to |
//! | `seats.rs` | how many connections there may be, and how many that have not shown the secret |
//! | `secrets.rs` | the comparison of secrets |
//! | `conversation.rs` | one connection, from its opening to its end |
//! | `stream.rs` | the options of sockets, and TLS |
//! | `queue.rs` | what an application has not read, and the commands that have no answer |
//! | `writing.rs` | what is in the queue, as frames |
//! | `departed.rs` | applications that have gone and may come back to their dialogs |
//! | `errand.rs` | connections to applications that are to take one request |

mod conversation;
mod departed;
mod errand;
mod places;
mod queue;
mod seats;
mod secrets;
mod stream;
mod thread;
mod writing;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::driver::Entrance;
use crate::engine::{CommandId, Listener};
use crate::protocol::{Greeting, Secret};
use crate::transport::{TlsError, TlsSettings};
use departed::Departed;
pub use errand::{Errand, Failure, Proof};
pub use places::{NotAPlace, Place};
use seats::Seats;
pub use secrets::Secrets;
use stream::Tls;
pub use thread::AppServer;

/// The version of drachtio-server whose protocol this is. Clients look at it to know what they may
/// send: pings since v0.8.2. Those of this package know by what follows that there are more events to
/// ask for.
pub const VERSION: &str = concat!("v0.9.10+drachtio.", env!("CARGO_PKG_VERSION"));

/// Tags of one application, each of up to [`MAX_TAG`] bytes.
pub const MAX_TAGS: usize = 64;

/// Bytes of a tag.
pub const MAX_TAG: usize = 128;

/// What the server is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where applications connect to.
    pub listen: Vec<Place>,
    /// What they must know, any of these.
    pub secrets: Vec<Secret>,
    /// For places with TLS, and for applications that are connected to by TLS.
    pub tls: TlsSettings,
    /// What connections may hold, and how long they may wait.
    pub limits: Limits,
    /// How long the dialogs of an application that has gone wait for one that comes with the same
    /// tags. Zero: they are ended at once.
    pub adopt: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: Vec::new(),
            secrets: Vec::new(),
            tls: TlsSettings::default(),
            limits: Limits::default(),
            adopt: Duration::ZERO,
        }
    }
}

/// What the connections of applications may hold, and how long they may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections, at most. Further ones are closed at once.
    pub connections: usize,
    /// Of these, connections that have not shown the secret.
    pub unauthenticated: usize,
    /// How long a connection may take to show it, the TLS handshake included.
    pub authentication: Duration,
    /// How long the opening of a connection to an application may take.
    pub connect: Duration,
    /// How long an application may read nothing although there is something for it.
    pub stall: Duration,
    /// How long a connection may be silent until it is probed; `None`: for ever.
    pub keep_alive: Option<Duration>,
    /// Bytes of messages that wait for one application; one that is further behind is dropped.
    pub queued_bytes: usize,
    /// Commands of one application that have no answer yet. Further ones are not read until then.
    pub commands: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            unauthenticated: 64,
            authentication: Duration::from_secs(5),
            connect: Duration::from_secs(2),
            stall: Duration::from_secs(15),
            keep_alive: Some(Duration::from_secs(45)),
            queued_bytes: 64 * 1024 * 1024,
            commands: 20_000,
        }
    }
}

/// The server can't be started.
#[derive(Debug, Error)]
pub enum ServeError {
    /// It can't listen there.
    #[error("cannot listen for applications on {0}: {1}")]
    Listen(Place, #[source] io::Error),
    /// TLS can't be done so.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no secret, or an empty one.
    #[error("a secret is needed that applications must know")]
    NoSecret,
}

impl ServeError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ServeError::Listen(_, error) => match error.kind() {
                io::ErrorKind::AddrInUse => "EADDRINUSE",
                io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
                io::ErrorKind::PermissionDenied => "EACCES",
                _ => "DRT_ERR_LISTEN",
            },
            ServeError::Tls(error) => error.code(),
            ServeError::NoSecret => "DRT_ERR_NO_SECRET",
        }
    }
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Applications that have shown the secret.
    pub applications: usize,
    /// Connections that have not.
    pub unauthenticated: usize,
    /// Applications that have gone and whose dialogs wait.
    pub departed: usize,
}

/// A server whose sockets are bound, and that waits for its engine.
#[derive(Debug)]
pub struct Bound {
    settings: Settings,
    tls: Tls,
    listeners: Vec<(std::net::TcpListener, bool)>,
    addresses: Vec<String>,
}

impl Bound {
    /// Reads certificates and binds the sockets.
    ///
    /// # Errors
    /// What can't be used.
    pub fn bind(settings: Settings) -> Result<Bound, ServeError> {
        let is_secret = |secret: &Secret| !secret.expose().is_empty();
        if settings.secrets.is_empty() || !settings.secrets.iter().all(is_secret) {
            return Err(ServeError::NoSecret);
        }
        let tls = Tls::new(&settings.tls)?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for place in &settings.listen {
            if place.secure && !tls.can_accept() {
                return Err(TlsError::NoCertificate(place.to_string()).into());
            }
            let (listener, address) =
                bind(place).map_err(|error| ServeError::Listen(place.clone(), error))?;
            addresses.push(format!("{}/{address}", place.scheme()));
            listeners.push((listener, place.secure));
        }
        Ok(Bound {
            settings,
            tls,
            listeners,
            addresses,
        })
    }

    /// Where applications connect to: `tcp/127.0.0.1:9022`.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

fn bind(place: &Place) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((place.host.as_str(), place.port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Told when an errand has failed.
pub type Report = Box<dyn Fn(CommandId, &Failure) + Send + Sync>;

/// What all connections share.
struct Shared {
    entrance: Entrance,
    greeting: Greeting,
    limits: Limits,
    adopt: Duration,
    secrets: Mutex<Secrets>,
    tls: Mutex<Tls>,
    seats: Arc<Seats>,
    departed: Mutex<Departed>,
    report: Report,
}

impl Shared {
    fn knows(&self, secret: &Secret) -> bool {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.contain(secret)
    }

    fn tls(&self) -> Tls {
        let tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        tls.clone()
    }

    fn departed(&self) -> MutexGuard<'_, Departed> {
        self.departed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What applications are told of the engine's listeners when they have shown the secret.
fn greeting(listeners: &[Listener]) -> Greeting {
    let shown = |listener: &Listener| {
        let port = listener.local.port();
        match &listener.advertised.external {
            None => format!("{}/{}", listener.transport, listener.local),
            Some(external) => {
                let port = external.port.unwrap_or(port);
                format!("{}/{}:{port}", listener.transport, external.host)
            }
        }
    };
    let local = |listener: &Listener| format!("{}/{}", listener.transport, listener.local);
    Greeting {
        hostports: listeners.iter().map(shown).collect(),
        version: VERSION.to_owned(),
        local_hostports: listeners.iter().map(local).collect(),
    }
}
