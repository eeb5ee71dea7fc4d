//! The only code that knows N-API: batches of events up, batches of commands down.
//!
//! Crossing the boundary costs by the call, not by the byte. So both directions are flat arrays
//! of numbers and strings, of up to hundreds of events or commands at a time, and a message is
//! its text and an index of offsets from which JavaScript cuts what it is asked for.
//!
//! | file | what it is |
//! |---|---|
//! | `engine.rs` | the class that JavaScript sees |
//! | `running.rs` | a started engine on the JavaScript thread: promises, end, clean-up |
//! | `bell.rs` | waking the JavaScript thread; leaving an environment in time |
//! | `mailbox.rs` | what both threads share |
//! | `frame.rs` | events as text and offsets |
//! | `codec.rs`, `server_frame.rs` | the same events and commands, of a server behind a connection |
//! | `config_file.rs` | configuration files as trees |
//! | `request.rs` | commands from text |
//! | `settings.rs`, `server_settings.rs`, `observe_settings.rs`, `option_value.rs` | what `connect` and `serve` were told |
//! | `simulated_engine.rs` | an engine on the JavaScript thread, for tests of applications |
//! | `values.rs` | raw Node-API calls |

mod bell;
mod codec;
mod config_file;
mod engine;
mod frame;
mod mailbox;
mod observe_settings;
mod option_value;
mod request;
mod running;
mod server_frame;
mod server_settings;
mod settings;
mod simulated_engine;
mod values;

pub use codec::ProtocolCodec;
pub use config_file::{parse_toml, parse_xml, TomlValue, XmlAttribute, XmlElement};
pub use engine::{check_options, header_names, Engine};
pub use simulated_engine::{
    SimulatedDestination, SimulatedEngine, SimulatedQuery, SimulatedTransmit,
};
