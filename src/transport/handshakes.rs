//! A thread for TLS handshakes. One takes about a millisecond of computing, and a crowd of clients
//! that come back at once would keep the engine's thread from everybody's calls for as long.

use std::future::Future;
use std::io;
use std::thread::{self, JoinHandle};

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsStream;

use super::ending::Ending;
use super::tls::TlsFailure;

/// The thread. It ends, and is waited for, when this is dropped.
#[derive(Debug)]
pub(super) struct Handshakes {
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Handshakes {
    /// # Errors
    /// The system has no thread or no event queue for it.
    pub(super) fn start() -> io::Result<Handshakes> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("drachtio-tls".to_owned())
            .spawn(move || {
                // An error: the other end was dropped, which says the same.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Handshakes {
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Has a handshake made there, with a socket of the runtime that this is called in, and brings
    /// the outcome back to it. Dropping the future ends the handshake.
    pub(super) async fn make<H>(
        &self,
        mut stream: TcpStream,
        handshake: impl FnOnce(TcpStream) -> H + Send + 'static,
    ) -> Result<TlsStream<TcpStream>, Ending>
    where
        H: Future<Output = Result<TlsStream<TcpStream>, TlsFailure>> + Send,
    {
        let mut task = JoinSet::new();
        task.spawn_on(
            async move {
                register_here(&mut stream)?;
                handshake(stream).await
            },
            &self.runtime,
        );
        let outcome = task.join_next().await.ok_or(Ending::Orphaned)?;
        let mut secured = outcome.map_err(|_| Ending::Orphaned)??;
        register_here(secured.get_mut().0).map_err(Ending::Io)?;
        Ok(secured)
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It can't have panicked: tasks that do are caught.
            let _ = thread.join();
        }
    }
}

/// A socket wakes the runtime that it was registered with. From now on that is the current one.
fn register_here(stream: &mut TcpStream) -> io::Result<()> {
    let same = SockRef::from(&*stream).try_clone()?;
    *stream = TcpStream::from_std(same.into())?;
    Ok(())
}
