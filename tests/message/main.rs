//! The message layer: one file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod auth;
mod build;
mod caps;
mod edit;
mod faults;
mod framing;
mod index;
mod lists;
mod mutations;
mod properties;
mod torture;
mod typed;
mod uri;
