//! What the sockets may hold and how long they may wait. A peer that overruns a limit loses its
//! own connection and nothing else.

use std::time::Duration;

/// What the kernel is asked to buffer for a UDP socket in each direction, in bytes. It gives
/// less where `net.core.rmem_max` and `wmem_max` say so.
pub const UDP_BUFFER: usize = 4 * 1024 * 1024;

/// Datagrams read from one socket before other work gets its turn.
pub const UDP_BATCH: usize = 64;

/// Datagrams that wait for room in the kernel's buffer of a UDP socket. Further ones are lost
/// as the network might lose them, and are retransmitted by their transactions.
pub const MAX_QUEUED_DATAGRAMS: usize = 4_096;

/// Stream connections, open and opening.
pub const MAX_CONNECTIONS: usize = 10_000;

/// Messages that may wait on one connection.
pub const MAX_QUEUED_MESSAGES: usize = 8_192;

/// Bytes that may wait on one connection.
pub const MAX_QUEUED_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that may wait on all connections together before each of them is held to
/// [`SHORT_QUEUE_BYTES`].
pub const MAX_QUEUED_BYTES_IN_ALL: usize = 256 * 1024 * 1024;

/// Bytes that may wait on one connection while memory is short.
pub const SHORT_QUEUE_BYTES: usize = 64 * 1024;

/// Bytes of messages that have begun to arrive, on all connections together, before none of them
/// may hold more than [`SHORT_PARTIAL_BYTES`].
pub const MAX_PARTIAL_BYTES_IN_ALL: usize = 128 * 1024 * 1024;

/// Bytes of a message that has begun to arrive while memory is short: no less than a datagram may
/// have.
pub const SHORT_PARTIAL_BYTES: usize = 64 * 1024;

/// Bytes that wait on a connection from which on nothing more is read from it: who does not read
/// answers may not go on asking.
pub const READ_PAUSE_BYTES: usize = 256 * 1024;

/// Bytes read from a connection at once.
pub const READ_CHUNK: usize = 16 * 1024;

/// Messages taken from a connection's queue, and slices given to one write, at once.
pub const WRITE_BATCH: usize = 32;

/// How long the peer may take to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a TLS handshake may take.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the handshake of a WebSocket may take, that of TLS not counted.
pub const WEBSOCKET_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepted connections whose handshakes are not done; when there are more, the oldest of them
/// is closed.
pub const MAX_HANDSHAKES: usize = 1_000;

/// Bytes of the HTTP request or response that opens a WebSocket.
pub const MAX_UPGRADE: usize = 8 * 1024;

/// Fragments of one WebSocket message.
pub const MAX_FRAGMENTS: usize = 128;

/// Bytes that TLS keeps for a connection in each direction before they are taken or written.
pub const TLS_BUFFER: usize = 64 * 1024;

/// How long a WebSocket may be silent before its peer is sent a ping, which any must answer
/// (RFC 6455 §5.5.2).
pub const WEBSOCKET_PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a peer may take to answer a ping (RFC 5626 §4.4.1).
pub const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be silent before the system asks whether the peer's host still
/// knows it (TCP keep-alive), how often it asks, and how often in vain.
pub const TCP_KEEP_ALIVE: (Duration, Duration, u32) =
    (Duration::from_secs(60), Duration::from_secs(15), 4);

/// How long the peer may take from the first byte of a message to its last.
pub const ASSEMBLY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the peer may leave what is sent to it unread. By then the transactions that sent it
/// have given up (64 × T1, RFC 3261 §17).
pub const STALL_TIMEOUT: Duration = Duration::from_secs(32);

/// How long the farewell of a connection that this side closes may take.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that the kernel completes before they are accepted.
pub const LISTEN_BACKLOG: i32 = 1_024;

/// Connections accepted from one listener before other work gets its turn.
pub const ACCEPT_BATCH: usize = 32;

/// The wait after the system refused to accept a connection (for want of file descriptors, say).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Messages from all connections that wait for the engine. A connection reads on when its
/// message has found room.
pub const ARRIVALS_QUEUE: usize = 1_024;

/// Messages and failures of stream connections that are handed to the engine at once.
pub const ARRIVALS_BATCH: usize = 64;

/// The limits of the connection table that may be set. [`Limits::default`] has the constants of
/// this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`MAX_CONNECTIONS`]. When the table is full, the connection that is missed least makes
    /// room: one that never carried a message before one that did, and of those the one that was
    /// silent longest.
    pub connections: usize,
    /// See [`MAX_QUEUED_MESSAGES`].
    pub queued_messages: usize,
    /// See [`MAX_QUEUED_BYTES`].
    pub queued_bytes: usize,
    /// See [`MAX_PARTIAL_BYTES_IN_ALL`].
    pub partial_bytes_in_all: usize,
    /// See [`UDP_BUFFER`].
    pub udp_buffer: usize,
    /// See [`CONNECT_TIMEOUT`].
    pub connect: Duration,
    /// See [`TLS_HANDSHAKE_TIMEOUT`].
    pub tls_handshake: Duration,
    /// See [`WEBSOCKET_HANDSHAKE_TIMEOUT`].
    pub websocket_handshake: Duration,
    /// See [`MAX_HANDSHAKES`].
    pub handshakes: usize,
    /// See [`ASSEMBLY_TIMEOUT`].
    pub assembly: Duration,
    /// See [`STALL_TIMEOUT`].
    pub stall: Duration,
    /// How long a connection may go without a message, a write or a ping of the peer's before it
    /// is closed. `None`, the default: for ever.
    pub idle: Option<Duration>,
    /// How long the peer of a TCP or TLS connection that this side opened may be silent before it
    /// is sent a ping (RFC 5626 §4.4.1). `None`, the default, sends none: a peer that does not
    /// answer them would be taken for dead.
    pub keep_alive: Option<Duration>,
    /// See [`WEBSOCKET_PING_INTERVAL`]. `None` sends none.
    pub websocket_ping: Option<Duration>,
    /// See [`PONG_TIMEOUT`].
    pub pong: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: MAX_CONNECTIONS,
            queued_messages: MAX_QUEUED_MESSAGES,
            queued_bytes: MAX_QUEUED_BYTES,
            partial_bytes_in_all: MAX_PARTIAL_BYTES_IN_ALL,
            udp_buffer: UDP_BUFFER,
            connect: CONNECT_TIMEOUT,
            tls_handshake: TLS_HANDSHAKE_TIMEOUT,
            websocket_handshake: WEBSOCKET_HANDSHAKE_TIMEOUT,
            handshakes: MAX_HANDSHAKES,
            assembly: ASSEMBLY_TIMEOUT,
            stall: STALL_TIMEOUT,
            idle: None,
            keep_alive: None,
            websocket_ping: Some(WEBSOCKET_PING_INTERVAL),
            pong: PONG_TIMEOUT,
        }
    }
}
