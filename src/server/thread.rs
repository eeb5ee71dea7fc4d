//! The thread that all connections of applications are on.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc::{channel, unbounded_channel, Sender, UnboundedReceiver, UnboundedSender};
use tokio::time::{sleep, timeout, timeout_at, Instant};

use super::conversation::converse;
use super::seats::Seats;
use super::stream::{set_options, Tls};
use super::{
    errand, greeting, Bound, Census, Departed, Errand, Failure, Report, Secrets, ServeError, Shared,
};
use crate::driver::{Entrance, Pace, FLUSH_TIMEOUT};
use crate::engine::Listener;
use crate::protocol::Secret;
use crate::transport::{Stream, TlsError, TlsSettings};

/// How long nothing is accepted when the system can't.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Look-ups of names of applications at once.
const LOOKUPS: usize = 4;

/// A server of applications. Dropping it ends all connections and waits for its thread.
pub struct AppServer {
    shared: Arc<Shared>,
    addresses: Vec<String>,
    orders: UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for AppServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppServer").finish_non_exhaustive()
    }
}

enum Order {
    Run(Errand),
    Close,
}

impl AppServer {
    /// Begins to accept applications, for the engine with these listeners. To be called on the
    /// engine's thread, whose log is the server's too. `report` is called on the server's thread.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(
        bound: Bound,
        entrance: Entrance,
        listeners: &[Listener],
        report: Report,
    ) -> io::Result<AppServer> {
        let settings = bound.settings;
        let limits = settings.limits;
        let shared = Arc::new(Shared {
            entrance,
            greeting: greeting(listeners),
            limits,
            adopt: settings.adopt,
            secrets: Mutex::new(Secrets::new(&settings.secrets)),
            tls: Mutex::new(bound.tls),
            seats: Seats::new(limits.connections, limits.unauthenticated),
            departed: Mutex::new(Departed::default()),
            report,
        });
        let pace = Pace::default();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || pace.rest())
            .max_blocking_threads(LOOKUPS)
            .build()?;
        let (orders, inbox) = unbounded_channel();
        // What happens here is logged where what happens on the engine's thread is.
        let log = tracing::dispatcher::get_default(Clone::clone);
        for address in &bound.addresses {
            tracing::info!("listening for applications on {address}");
        }
        let (listeners, inside) = (bound.listeners, shared.clone());
        let thread = std::thread::Builder::new()
            .name("drachtio-apps".to_owned())
            .spawn(move || {
                let _listening = tracing::dispatcher::set_default(&log);
                runtime.block_on(serve(inside, listeners, inbox));
                runtime.shutdown_background();
            })?;
        Ok(AppServer {
            shared,
            addresses: bound.addresses,
            orders,
            thread: Some(thread),
        })
    }

    /// Where applications connect to: `tcp/127.0.0.1:9022`.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Brings a request to an application. How that goes, the director is told.
    pub fn run(&self, errand: Errand) {
        let _ = self.orders.send(Order::Run(errand));
    }

    /// Applications that come later must know one of these secrets.
    ///
    /// # Errors
    /// There is none, or an empty one.
    pub fn set_secrets(&self, secrets: &[Secret]) -> Result<(), ServeError> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose().is_empty()) {
            return Err(ServeError::NoSecret);
        }
        let mut current = self
            .shared
            .secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Secrets::new(secrets);
        Ok(())
    }

    /// Connections that begin later do TLS in this way. Reads files.
    ///
    /// # Errors
    /// The settings can't be used, and change nothing.
    pub fn set_tls(&self, settings: &TlsSettings) -> Result<(), TlsError> {
        let tls = Tls::new(settings)?;
        let mut current = self
            .shared
            .tls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if current.can_accept() && !tls.can_accept() {
            return Err(TlsError::NoCertificate(self.addresses.join(", ")));
        }
        *current = tls;
        Ok(())
    }

    /// How many connections there are.
    pub fn census(&self) -> Census {
        Census {
            applications: self.shared.seats.applications(),
            unauthenticated: self.shared.seats.unauthenticated(),
            departed: self.shared.departed().len(),
        }
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    shared: Arc<Shared>,
    listeners: Vec<(std::net::TcpListener, bool)>,
    mut orders: UnboundedReceiver<Order>,
) {
    // Every conversation has a sender: when the last one is dropped, all are over.
    let (alive, mut all_over) = channel::<Infallible>(1);
    let mut accepting = Vec::new();
    for (listener, secure) in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let (shared, alive) = (shared.clone(), alive.clone());
                accepting.push(tokio::spawn(accept_all(shared, listener, secure, alive)));
            }
            Err(error) => tracing::error!(%error, "cannot listen for applications"),
        }
    }
    while let Some(Order::Run(errand)) = orders.recv().await {
        let Some(seat) = shared.seats.take_invited() else {
            (shared.report)(errand.command, &Failure::TooMany);
            continue;
        };
        let (shared, alive) = (shared.clone(), alive.clone());
        tokio::spawn(async move {
            errand::run(shared, errand, seat).await;
            drop(alive);
        });
    }
    for task in accepting {
        task.abort();
    }
    drop(alive);
    // The engine has ended before, and with it every queue; what is in them is written.
    let _ = timeout(FLUSH_TIMEOUT, all_over.recv()).await;
}

async fn accept_all(
    shared: Arc<Shared>,
    listener: TcpListener,
    secure: bool,
    alive: Sender<Infallible>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept applications");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(seat) = shared.seats.take() else {
            tracing::warn!(%peer, "too many applications");
            continue;
        };
        set_options(&stream, shared.limits.keep_alive);
        let (shared, alive) = (shared.clone(), alive.clone());
        tokio::spawn(async move {
            let authenticate_by = Instant::now() + shared.limits.authentication;
            let peer = peer.to_string();
            if let Some(stream) = secured(&shared, stream, &peer, secure, authenticate_by).await {
                converse(shared, stream, peer, seat, None, authenticate_by).await;
            }
            drop(alive);
        });
    }
}

async fn secured(
    shared: &Shared,
    stream: TcpStream,
    peer: &str,
    secure: bool,
    by: Instant,
) -> Option<Stream> {
    if !secure {
        return Some(Stream::Plain(stream));
    }
    let tls = shared.tls().server();
    match timeout_at(by, tls.accept(stream)).await {
        Ok(Ok(stream)) => return Some(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => tracing::info!(peer, %error, "an application does not do TLS"),
        Err(_) => tracing::info!(peer, "an application does not do TLS in time"),
    }
    None
}
