//! The drachtio protocol: frames, and what is said in them.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod app_messages;
mod framing;
mod hostile_input;
mod names;
mod server_messages;
