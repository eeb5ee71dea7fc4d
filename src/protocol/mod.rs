//! The drachtio wire protocol: how a command is written.
//!
//! | file | what it is |
//! |---|---|
//! | `proxy.rs` | `proxy`: where and how a request is forwarded |
//! | `time.rs` | spans of time: `2s`, `500ms` |

mod proxy;
mod time;

pub(crate) use proxy::{read_plan, NotAPlan};
