//! One connection: a task that takes in what the peer sends and writes what it is given. How
//! messages lie on it is the framing's matter, what is below it the stream's.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::alarm::Alarm;
use super::ending::Ending;
use super::framing::{Framing, Received};
use super::keep_alive::{KeepAlive, Vigil};
use super::limits::{
    Limits, CLOSE_TIMEOUT, READ_CHUNK, READ_PAUSE_BYTES, SHORT_PARTIAL_BYTES, WRITE_BATCH,
};
use super::opening::Opening;
use super::stream::Stream;
use super::Arrival;
use crate::engine::{Path, SendFailure, SendToken};

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
    /// Whether its handshakes are done.
    open: AtomicBool,
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

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self, now: u64) {
        self.active.store(now, Ordering::Relaxed);
    }
}

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// Bytes that wait on all of them together.
    queued: AtomicUsize,
    /// Bytes of messages that are not complete on any of them.
    partial: AtomicUsize,
    /// Accepted connections whose handshakes are not done.
    handshakes: AtomicUsize,
    started: Instant,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            queued: AtomicUsize::new(0),
            partial: AtomicUsize::new(0),
            handshakes: AtomicUsize::new(0),
            started: Instant::now(),
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    pub(super) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// Milliseconds since the table was made.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// When a connection last carried something.
    fn last_active(&self, gauge: &Gauge) -> Instant {
        let millis = gauge.active.load(Ordering::Relaxed);
        self.started + Duration::from_millis(millis)
    }

    /// A connection that held so many bytes of an incomplete message holds others now. Returns how
    /// many all of them hold.
    fn hold(&self, before: usize, now: usize) -> usize {
        self.partial.fetch_add(now, Ordering::Relaxed);
        self.partial.fetch_sub(before, Ordering::Relaxed) - before
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
    /// How long the peer may be silent before it is asked whether it lives.
    pub(super) keep_alive: Option<Duration>,
}

/// Something on its way to the peer, as it goes on the wire.
#[derive(Debug)]
struct Pending {
    bytes: Bytes,
    /// What it counts for in the gauge.
    charge: usize,
    token: Option<SendToken>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Ping,
    Pong,
}

/// Runs a connection from its opening to its end. What was not written is reported to its
/// senders, and last the end itself.
pub(super) async fn run(opening: Opening, mut line: Line) {
    let mut pending = VecDeque::new();
    let accepted = opening.is_accepted();
    let handshakes = &line.shared.clone().handshakes;
    handshakes.fetch_add(usize::from(accepted), Ordering::Relaxed);
    // Elsewhere, so that the room for handshakes is given back after them.
    let opened = Box::pin(open(opening, &mut line)).await;
    handshakes.fetch_sub(usize::from(accepted), Ordering::Relaxed);
    line.gauge.open.store(true, Ordering::Relaxed);
    let ending = match opened {
        Ok((stream, framing)) => serve(stream, framing, &mut line, &mut pending).await,
        Err(ending) => ending,
    };
    match &ending {
        // Whoever runs this must be able to find out why nothing goes to that peer.
        Ending::Tls(_) | Ending::WebSocket(_) => {
            tracing::info!(peer = %line.path.peer, transport = %line.path.transport, %ending, "no connection");
        }
        _ => tracing::debug!(peer = %line.path.peer, %ending, "connection closed"),
    }
    let failure = SendFailure::from(&ending);
    line.outbox.close();
    while let Some((charge, token)) = next_unsent(&mut pending, &mut line.outbox) {
        line.shared.dequeue(&line.gauge, charge);
        if let Some(token) = token {
            // Fails when the engine has gone; then nobody is left to be told.
            let _ = line.arrivals.send(Arrival::Unsent(token, failure)).await;
        }
    }
    if let Some(id) = line.path.connection {
        let _ = line.arrivals.send(Arrival::Closed(id)).await;
    }
}

fn next_unsent(
    pending: &mut VecDeque<Pending>,
    outbox: &mut mpsc::Receiver<Outgoing>,
) -> Option<(usize, Option<SendToken>)> {
    if let Some(first) = pending.pop_front() {
        return Some((first.charge, first.token));
    }
    let outgoing = outbox.try_recv().ok()?;
    Some((outgoing.payload.len(), outgoing.token))
}

async fn open(opening: Opening, line: &mut Line) -> Result<(Stream, Framing), Ending> {
    tokio::select! {
        opened = opening.complete(&line.path, &line.limits) => opened,
        _ = &mut line.hang_up => Err(Ending::Local),
    }
}

async fn serve(
    stream: Stream,
    framing: Framing,
    line: &mut Line,
    pending: &mut VecDeque<Pending>,
) -> Ending {
    let (reader, writer) = tokio::io::split(stream);
    let mut exchange = Exchange {
        keep_alive: KeepAlive::new(line.keep_alive, line.limits.pong, Instant::now()),
        line,
        pending,
        framing,
        reader,
        writer,
        written: 0,
        unflushed: false,
        held: 0,
        assembly: None,
        stall: None,
    };
    let Err(ending) = exchange.run().await;
    exchange.line.shared.hold(exchange.held, 0);
    exchange.part(&ending).await;
    ending
}

/// A connection in use.
struct Exchange<'a> {
    line: &'a mut Line,
    framing: Framing,
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    pending: &'a mut VecDeque<Pending>,
    /// Bytes of the first pending message that are written already.
    written: usize,
    /// Whether something written may still lie in the stream's own buffer.
    unflushed: bool,
    keep_alive: KeepAlive,
    /// Bytes of the message that has begun to arrive.
    held: usize,
    /// By when the message that has begun to arrive must be complete.
    assembly: Option<Instant>,
    /// By when the peer must have read something.
    stall: Option<Instant>,
}

impl Exchange<'_> {
    async fn run(&mut self) -> Result<Infallible, Ending> {
        let mut taken = Vec::new();
        let mut alarm = Alarm::new();
        let mut outbox_open = true;
        // What came along with the last handshake.
        self.take_frames().await?;
        loop {
            let unsent = !self.pending.is_empty() || self.unflushed;
            if !unsent {
                self.stall = None;
                if !outbox_open {
                    return Err(Ending::Local);
                }
            } else if self.stall.is_none() {
                self.stall = Some(Instant::now() + self.line.limits.stall);
            }
            alarm.set(self.deadline());
            let reading = outbox_open && self.line.gauge.queued() < READ_PAUSE_BYTES;
            tokio::select! {
                biased;
                _ = &mut self.line.hang_up => return Err(Ending::Local),
                () = alarm.rings() => self.check_deadlines(Instant::now())?,
                sent = write_some(&mut self.writer, self.pending, self.written), if unsent => {
                    self.settle(sent?);
                }
                count = self.line.outbox.recv_many(&mut taken, WRITE_BATCH),
                    if outbox_open && self.pending.len() < WRITE_BATCH =>
                {
                    outbox_open = count > 0;
                    for outgoing in taken.drain(..) {
                        self.pending.push_back(Pending {
                            charge: outgoing.payload.len(),
                            bytes: self.framing.wrap(outgoing.payload),
                            token: outgoing.token,
                            kind: Kind::Message,
                        });
                    }
                }
                read = read_some(&mut self.reader, &mut self.framing), if reading => {
                    if read? == 0 {
                        return Err(Ending::Peer);
                    }
                    self.keep_alive.heard(Instant::now());
                    self.take_frames().await?;
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.assembly,
            self.stall,
            self.keep_alive.deadline(),
            self.idle(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// When the connection has been idle for too long.
    fn idle(&self) -> Option<Instant> {
        let Line { gauge, shared, .. } = &*self.line;
        let limit = self.line.limits.idle?;
        Some(shared.last_active(gauge) + limit)
    }

    fn check_deadlines(&mut self, now: Instant) -> Result<(), Ending> {
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_over(self.assembly) {
            return Err(Ending::AssemblyTimeout);
        }
        if is_over(self.stall) {
            return Err(Ending::Stalled);
        }
        if is_over(self.idle()) {
            return Err(Ending::Idle);
        }
        match self.keep_alive.check(now) {
            Vigil::Wait => Ok(()),
            Vigil::Dead => Err(Ending::Dead),
            Vigil::Ask => {
                let ping = self.framing.ping();
                self.push_own(ping, Kind::Ping);
                Ok(())
            }
        }
    }

    /// Hands on every complete message and answers pings.
    async fn take_frames(&mut self) -> Result<(), Ending> {
        let mut complete = false;
        while let Some(received) = self.framing.next()? {
            complete |= !self.framing.is_between_fragments();
            match received {
                Received::Message(payload) => {
                    let line = &mut *self.line;
                    line.gauge.proven.store(true, Ordering::Relaxed);
                    let message = Arrival::Message {
                        path: line.path,
                        payload,
                    };
                    let sent = line.arrivals.send(message).await;
                    sent.map_err(|_| Ending::Orphaned)?;
                }
                Received::Ping(answer) => {
                    // Pings that come faster than their answers leave share one.
                    if self
                        .pending
                        .back()
                        .is_none_or(|last| last.kind != Kind::Pong)
                    {
                        self.push_own(answer, Kind::Pong);
                    }
                }
                Received::Pong => continue,
                Received::Farewell(answer) => {
                    self.say(answer).await;
                    return Err(Ending::Peer);
                }
            }
            self.line.gauge.touch(self.line.shared.now());
        }
        self.hold()?;
        self.assembly = match self.assembly {
            _ if !self.framing.is_partial() => None,
            Some(deadline) if !complete => Some(deadline),
            _ => Some(Instant::now() + self.line.limits.assembly),
        };
        Ok(())
    }

    /// Keeps count of what has come of a message. Those that hold much of one make room when
    /// all of them hold too much.
    fn hold(&mut self) -> Result<(), Ending> {
        let before = std::mem::replace(&mut self.held, self.framing.held());
        if before == self.held {
            return Ok(());
        }
        let in_all = self.line.shared.hold(before, self.held);
        if in_all > self.line.limits.partial_bytes_in_all && self.held > SHORT_PARTIAL_BYTES {
            return Err(Ending::ShortOfMemory);
        }
        Ok(())
    }

    /// Queues something that is no message.
    fn push_own(&mut self, bytes: Bytes, kind: Kind) {
        let charge = bytes.len();
        self.line.shared.enqueue(&self.line.gauge, charge);
        self.pending.push_back(Pending {
            bytes,
            charge,
            token: None,
            kind,
        });
    }

    /// Drops what has been written completely. Nothing sent means that all has left.
    fn settle(&mut self, sent: usize) {
        let line = &*self.line;
        self.unflushed = sent > 0;
        self.written += sent;
        while let Some(first) = self.pending.front() {
            let length = first.bytes.len();
            if self.written < length {
                break;
            }
            self.written -= length;
            line.shared.dequeue(&line.gauge, first.charge);
            // This side's own pings are no sign that the connection is of use.
            if first.kind != Kind::Ping {
                line.gauge.touch(line.shared.now());
            }
            self.pending.pop_front();
        }
        self.stall = None;
    }

    /// Ends the connection as its protocols ask for, unless it is broken.
    async fn part(&mut self, ending: &Ending) {
        let reason = match ending {
            Ending::Unreadable(unreadable) => Some(unreadable),
            Ending::Local | Ending::Idle | Ending::AssemblyTimeout | Ending::ShortOfMemory => None,
            _ => return,
        };
        match self.framing.farewell(reason) {
            // Amid a message it would be read as a part of that.
            Some(farewell) if self.written == 0 => self.say(farewell).await,
            _ => {
                let _ = timeout(CLOSE_TIMEOUT, self.writer.shutdown()).await;
            }
        }
    }

    /// Writes the last words.
    async fn say(&mut self, words: Bytes) {
        let saying = async {
            self.writer.write_all(&words).await?;
            self.writer.shutdown().await
        };
        let _ = timeout(CLOSE_TIMEOUT, saying).await;
    }
}

/// Reads into the framing by way of the stack, so that an idle connection holds no buffer.
async fn read_some<R: AsyncRead + Unpin>(
    reader: &mut R,
    framing: &mut Framing,
) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut chunk = [MaybeUninit::uninit(); READ_CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        Pin::new(&mut *reader)
            .poll_read(cx, &mut chunk)
            .map_ok(|()| {
                framing.push(chunk.filled());
                chunk.filled().len()
            })
    })
    .await
}

/// Writes as much as the peer takes of what is pending, and says how much. When nothing is, sees
/// to it that all has left, and says zero. Nothing is written if it is cancelled.
async fn write_some<W: AsyncWrite + Unpin>(
    writer: &mut W,
    pending: &VecDeque<Pending>,
    written: usize,
) -> io::Result<usize> {
    if pending.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    let mut slices = [IoSlice::new(&[]); WRITE_BATCH];
    let mut filled = 0;
    for (slice, pending) in slices.iter_mut().zip(pending) {
        let skip = if filled == 0 { written } else { 0 };
        *slice = IoSlice::new(pending.bytes.get(skip..).unwrap_or_default());
        filled += 1;
    }
    let slices = slices.get(..filled).unwrap_or_default();
    match writer.write_vectored(slices).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}
