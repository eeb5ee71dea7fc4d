//! One stream connection: a task that cuts what it reads into messages and writes what it is
//! given. It knows a byte stream only, so that every stream protocol is served by it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{poll_fn, Future};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout, Instant};

use super::limits::{Limits, CLOSE_TIMEOUT, READ_CHUNK, READ_PAUSE_BYTES, WRITE_BATCH};
use super::Arrival;
use crate::engine::{Path, SendFailure, SendToken};
use crate::message::framing::{Frame, StreamFramer};

/// The answer to a keep-alive (RFC 5626 §3.5.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

/// A message on its way to the peer.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) payload: Bytes,
    pub(super) token: Option<SendToken>,
}

/// What the connection table sees of a connection while its task runs.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Bytes given to the connection and not yet written.
    queued: AtomicUsize,
    /// When it last carried something, in milliseconds of the table's clock.
    active: AtomicU64,
    /// Whether a message ever arrived on it.
    proven: AtomicBool,
}

impl Gauge {
    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// The smaller, the sooner the connection may be closed to make room.
    pub(super) fn worth(&self) -> (bool, u64) {
        (
            self.proven.load(Ordering::Relaxed),
            self.active.load(Ordering::Relaxed),
        )
    }

    pub(super) fn touch(&self, now: u64) {
        self.active.store(now, Ordering::Relaxed);
    }
}

/// The bytes that wait on all connections together, and the clock they share.
#[derive(Debug)]
pub(super) struct Shared {
    queued: AtomicUsize,
    started: Instant,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            queued: AtomicUsize::new(0),
            started: Instant::now(),
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Milliseconds since the table was made.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn enqueue(&self, gauge: &Gauge, bytes: usize) {
        gauge.queued.fetch_add(bytes, Ordering::Relaxed);
        self.queued.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn dequeue(&self, gauge: &Gauge, bytes: usize) {
        gauge.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The ends that a connection's task holds.
#[derive(Debug)]
pub(super) struct Line {
    /// Names the connection; `connection` is always given.
    pub(super) path: Path,
    pub(super) outbox: mpsc::Receiver<Outgoing>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// Resolves, with an error, when the table gives the connection up.
    pub(super) hang_up: oneshot::Receiver<()>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) shared: Arc<Shared>,
    pub(super) limits: Limits,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("closed by the peer")]
    Peer,
    #[error("closed by this side")]
    Local,
    #[error("the peer did not answer in time")]
    ConnectTimeout,
    #[error("the stream can't be cut into messages: {0}")]
    Framing(String),
    #[error("a message was not completed in time")]
    AssemblyTimeout,
    #[error("the peer stopped reading")]
    Stalled,
    #[error("the engine has gone")]
    Orphaned,
}

impl From<&Ending> for SendFailure {
    fn from(ending: &Ending) -> SendFailure {
        match ending {
            Ending::ConnectTimeout => SendFailure::ConnectTimeout,
            Ending::Stalled => SendFailure::Stalled,
            _ => SendFailure::Closed,
        }
    }
}

/// Runs a connection from the opening of its stream to its end. What was not written is reported
/// to its senders, and last the end itself.
pub(super) async fn run<S, F>(opening: F, mut line: Line)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = io::Result<S>>,
{
    let mut pending = VecDeque::new();
    let ending = match open(opening, &mut line).await {
        Ok(stream) => serve(stream, &mut line, &mut pending).await,
        Err(ending) => ending,
    };
    tracing::debug!(peer = %line.path.peer, %ending, "connection closed");
    let failure = SendFailure::from(&ending);
    line.outbox.close();
    while let Some(outgoing) = next_unsent(&mut pending, &mut line.outbox) {
        line.shared.dequeue(&line.gauge, outgoing.payload.len());
        if let Some(token) = outgoing.token {
            // Fails when the engine has gone; then nobody is left to be told.
            let _ = line.arrivals.send(Arrival::Unsent(token, failure)).await;
        }
    }
    if let Some(id) = line.path.connection {
        let _ = line.arrivals.send(Arrival::Closed(id)).await;
    }
}

fn next_unsent(
    pending: &mut VecDeque<Outgoing>,
    outbox: &mut mpsc::Receiver<Outgoing>,
) -> Option<Outgoing> {
    pending.pop_front().or_else(|| outbox.try_recv().ok())
}

async fn open<S>(
    opening: impl Future<Output = io::Result<S>>,
    line: &mut Line,
) -> Result<S, Ending> {
    tokio::select! {
        opened = timeout(line.limits.connect, opening) => {
            Ok(opened.map_err(|_| Ending::ConnectTimeout)??)
        }
        _ = &mut line.hang_up => Err(Ending::Local),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    line: &mut Line,
    pending: &mut VecDeque<Outgoing>,
) -> Ending {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let Err(ending) = exchange(&mut reader, &mut writer, line, pending).await;
    if matches!(ending, Ending::Local) {
        let _ = timeout(CLOSE_TIMEOUT, writer.shutdown()).await;
    }
    ending
}

async fn exchange<R, W>(
    reader: &mut R,
    writer: &mut W,
    line: &mut Line,
    pending: &mut VecDeque<Outgoing>,
) -> Result<Infallible, Ending>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut framer = StreamFramer::new();
    let mut taken = Vec::new();
    // Bytes of the first pending message that are written already.
    let mut written = 0;
    let mut assembly: Option<Instant> = None;
    let mut stall: Option<Instant> = None;
    let mut outbox_open = true;
    loop {
        if pending.is_empty() {
            stall = None;
            if !outbox_open {
                return Err(Ending::Local);
            }
        } else if stall.is_none() {
            stall = Some(Instant::now() + line.limits.stall);
        }
        let deadline = match (assembly, stall) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let reading = outbox_open && line.gauge.queued() < READ_PAUSE_BYTES;
        tokio::select! {
            biased;
            _ = &mut line.hang_up => return Err(Ending::Local),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                return Err(match assembly {
                    Some(assembly) if assembly <= Instant::now() => Ending::AssemblyTimeout,
                    _ => Ending::Stalled,
                });
            }
            sent = write_some(writer, pending, written), if !pending.is_empty() => {
                written = settle(line, pending, written + sent?);
                stall = None;
            }
            count = line.outbox.recv_many(&mut taken, WRITE_BATCH),
                if outbox_open && pending.len() < WRITE_BATCH =>
            {
                outbox_open = count > 0;
                pending.extend(taken.drain(..));
            }
            read = read_some(reader, &mut framer), if reading => {
                if read? == 0 {
                    return Err(Ending::Peer);
                }
                let complete = take_frames(&mut framer, line, pending).await?;
                assembly = match assembly {
                    _ if !framer.is_partial() => None,
                    Some(since) if !complete => Some(since),
                    _ => Some(Instant::now() + line.limits.assembly),
                };
            }
        }
    }
}

/// Reads into the framer by way of the stack, so that an idle connection holds no buffer.
async fn read_some<R: AsyncRead + Unpin>(
    reader: &mut R,
    framer: &mut StreamFramer,
) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut chunk = [MaybeUninit::uninit(); READ_CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        Pin::new(&mut *reader)
            .poll_read(cx, &mut chunk)
            .map_ok(|()| {
                framer.push(chunk.filled());
                chunk.filled().len()
            })
    })
    .await
}

/// Hands on every complete message and answers pings. True if there was any.
async fn take_frames(
    framer: &mut StreamFramer,
    line: &mut Line,
    pending: &mut VecDeque<Outgoing>,
) -> Result<bool, Ending> {
    let mut any = false;
    loop {
        let frame = framer
            .next()
            .map_err(|error| Ending::Framing(error.to_string()))?;
        match frame {
            None => return Ok(any),
            Some(Frame::Message(payload)) => {
                line.gauge.proven.store(true, Ordering::Relaxed);
                let message = Arrival::Message {
                    path: line.path,
                    payload,
                };
                let sent = line.arrivals.send(message).await;
                sent.map_err(|_| Ending::Orphaned)?;
            }
            Some(Frame::Ping) => {
                // Pings that come faster than their answers leave share one.
                if pending.back().is_none_or(|last| last.payload != PONG) {
                    line.shared.enqueue(&line.gauge, PONG.len());
                    pending.push_back(Outgoing {
                        payload: PONG,
                        token: None,
                    });
                }
            }
            Some(Frame::Pong) => {}
        }
        any = true;
        line.gauge.touch(line.shared.now());
    }
}

/// Writes as much as the peer takes of what is pending. Nothing is written if it is cancelled.
async fn write_some<W: AsyncWrite + Unpin>(
    writer: &mut W,
    pending: &VecDeque<Outgoing>,
    written: usize,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); WRITE_BATCH];
    let mut filled = 0;
    for (slice, outgoing) in slices.iter_mut().zip(pending) {
        let skip = if filled == 0 { written } else { 0 };
        *slice = IoSlice::new(outgoing.payload.get(skip..).unwrap_or_default());
        filled += 1;
    }
    let slices = slices.get(..filled).unwrap_or_default();
    match writer.write_vectored(slices).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// Drops what has been written completely. Returns how much of the first remaining message has.
fn settle(line: &Line, pending: &mut VecDeque<Outgoing>, mut written: usize) -> usize {
    while let Some(first) = pending.front() {
        let length = first.payload.len();
        if written < length {
            break;
        }
        written -= length;
        pending.pop_front();
        line.shared.dequeue(&line.gauge, length);
    }
    line.gauge.touch(line.shared.now());
    written
}
