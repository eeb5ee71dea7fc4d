//! SIP messages: parse, edit, build (RFC 3261 §7, §19, §20, §25).
//!
//! A [`Message`] is the bytes from the wire and an index of offsets over them. Nothing is copied
//! and no value is read before it is asked for. Reading goes in three steps, each with its own
//! kind of error:
//!
//! 1. [`Message::parse`] finds the start line, the headers and the body ([`ParseError`]).
//! 2. [`Message::validate`] checks what RFC 3261 asks of a received message and says how to
//!    answer one that fails ([`Fault`]).
//! 3. The typed views, [`Message::top_via`] and its like, cut one value into its parts when it
//!    is needed ([`HeaderError`]). Whether each part is well-formed is what `validate` has
//!    checked, or the `check` of the view does.
//!
//! [`Edit`] makes a changed copy that keeps every byte it was not asked to change, [`Builder`]
//! writes a message from nothing, [`framing`] cuts a byte stream into messages. There is no I/O
//! here, no clock and no randomness.

mod amend;
mod auth;
mod builder;
mod class;
mod cseq;
mod cursor;
mod edit;
pub mod framing;
mod grammar;
mod header;
mod header_table;
mod host;
mod index;
pub mod limits;
#[allow(clippy::module_inception)]
mod message;
mod method;
mod name_addr;
mod params;
mod parse_error;
mod reindex;
mod start_line;
pub mod status;
mod text;
mod typed;
mod uri;
mod validate;
mod via;

pub use auth::Auth;
pub use builder::Builder;
pub use cseq::{CSeq, RAck};
pub use edit::{Edit, EditError, Name};
pub use framing::{Frame, FramingError, StreamFramer};
pub use grammar::{unescape, unquote, GrammarError};
pub use header::HeaderId;
pub use host::Host;
pub use message::{Header, Message, Values};
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::{Params, ParamsIter};
pub use parse_error::ParseError;
pub use start_line::StartLine;
pub use typed::HeaderError;
pub use uri::{Scheme, Uri, UriError};
pub(crate) use validate::Checked;
pub use validate::Fault;
pub use via::Via;
