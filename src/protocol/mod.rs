//! The drachtio protocol, by which an application drives a server over a stream: bytes to and from
//! typed values, and nothing else.
//!
//! Sans-IO: bytes are pushed in and written out, time and random numbers are passed in. A stream is
//! a row of frames, `<length>#<payload>`. A payload is a line of tokens between bars and, for most, a
//! SIP message after it. The server (`apps` and `engine` behind it) and the client in `lib/` are two
//! users of the same code.
//!
//! | file | what it is |
//! |---|---|
//! | `frame.rs` | frames out of a stream and into one |
//! | `token_line.rs` | the tokens of a payload; names that hold a bar |
//! | `app_message.rs` | what an application says: `authenticate`, `route`, `ping`, `sip`, `proxy` |
//! | `action.rs` | what `sip` and `proxy` ask of the engine |
//! | `proxy.rs` | `proxy`: where and how a request is forwarded |
//! | `time.rs` | spans of time: `2s`, `500ms` |
//! | `server_message.rs` | what a server says: `response`, `sip`, `cdr:…` |
//! | `message_ids.rs` | how a client tells which command a response is for |
//! | `refusal_code.rs` | the code of a refusal by its text |
//! | `envelope.rs`, `wall_clock.rs` | how a message travelled, as tokens |

mod action;
mod app_message;
mod envelope;
mod frame;
mod message_ids;
mod proxy;
mod refusal_code;
mod server_message;
mod time;
mod token_line;
mod wall_clock;

pub use action::{proxy_action, sip_action};
pub use app_message::{AppMessage, Command, Fault, Said, Secret, MAX_MESSAGE_ID};
pub use envelope::{write_address, write_envelope, write_number, write_transaction, Envelope};
pub use frame::{write_frame, FrameError, FrameReader, LengthUnit, MAX_PAYLOAD};
pub use message_ids::MessageIds;
pub use refusal_code::refusal_code;
pub use server_message::{
    write_authenticated, write_fault, write_news, write_ok, write_pong, write_progress,
    write_record, write_refusal, write_reply, Answer, Asked, Greeting, ServerMessage, ANSWERED,
    CONNECTION_CLOSED,
};
pub use token_line::{escape_name, unescape_name, Malformed, TokenLine, MAX_TOKEN_LINE};
pub use wall_clock::{Clocks, WallClock};
