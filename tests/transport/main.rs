//! The sockets, the connection table and the driver on the loopback: one file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod capacity;
mod certificates;
mod close;
mod common;
mod driver;
mod failure;
mod framing;
mod handshakes_elsewhere;
mod keep_alive;
mod reuse;
mod sni;
mod stall;
mod stalled_handshakes;
mod tls;
mod tls_errors;
mod tls_reload;
mod udp;
mod websocket;
mod websocket_hostile;
