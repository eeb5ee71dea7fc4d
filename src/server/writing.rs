//! What is in an application's queue, as frames on its connection.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::queue::{Item, Queue};
use super::Shared;
use crate::engine::{News, TransactionId};
use crate::protocol::{
    write_authenticated, write_fault, write_news, write_pong, write_reply, WallClock,
};

/// Bytes that are written at once, unless one frame alone has more.
const WRITE_SIZE: usize = 64 * 1024;

/// Writes what the queue is given until it is closed and empty, the connection fails, or the
/// application reads nothing for too long. The queue is closed then.
pub(super) async fn write_all(
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    stream: impl AsyncWrite + Unpin,
) {
    let outcome = write_queue(&shared, &queue, stream).await;
    if let Err(error) = outcome {
        tracing::info!(peer = queue.peer(), %error, "an application can't be written to");
    }
    queue.close();
}

async fn write_queue(
    shared: &Shared,
    queue: &Queue,
    mut stream: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let stall = shared.limits.stall;
    let mut clock = WallClock::new(|| (Instant::now(), SystemTime::now()));
    let mut out = Vec::new();
    while let Some(taken) = queue.take().await {
        for item in &taken.items {
            write_item(&mut out, item, shared, queue, &mut clock);
            if out.len() >= WRITE_SIZE {
                write_out(&mut stream, &mut out, stall).await?;
            }
        }
        write_out(&mut stream, &mut out, stall).await?;
        queue.written(&taken);
        out.shrink_to(WRITE_SIZE);
    }
    timeout(stall, stream.shutdown()).await?
}

fn write_item(
    out: &mut Vec<u8>,
    item: &Item,
    shared: &Shared,
    queue: &Queue,
    clock: &mut WallClock,
) {
    let id = TransactionId(rand::random());
    match item {
        Item::News(News::Reply { command, reply }) => {
            if let Some(pending) = queue.settle(*command, reply) {
                write_reply(out, id, &pending.id, pending.asked, reply, clock);
            }
        }
        Item::News(news) => write_news(out, id, news, clock),
        Item::Greeting(re) => write_authenticated(out, id, re, &shared.greeting),
        Item::Pong(re) => write_pong(out, id, re),
        Item::Fault(re, fault) => write_fault(out, id, re, fault),
    }
}

/// Writes everything; an application that reads slowly has `stall` for each bit of it.
async fn write_out(
    stream: &mut (impl AsyncWrite + Unpin),
    out: &mut Vec<u8>,
    stall: Duration,
) -> io::Result<()> {
    let mut rest = out.as_slice();
    while !rest.is_empty() {
        let written = timeout(stall, stream.write(rest)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = rest.get(written..).unwrap_or_default();
    }
    out.clear();
    timeout(stall, stream.flush()).await?
}
