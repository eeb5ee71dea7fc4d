//! The connected applications: who is told what, and who gets a new request.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod backlog;
mod choosing;
mod directing;
mod leaving;
mod recorder;
mod records;
