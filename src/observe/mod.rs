//! What is shown of an engine at work: a log, every message to a capture server (HEP) or a file
//! (pcap), and numbers.
//!
//! The engine's thread counts, and hands copies of what is to be written to one thread that
//! writes. When that is behind, it loses some and says how many; the engine never waits for it.
//!
//! | file | what it is |
//! |---|---|
//! | `settings.rs` | what is wanted |
//! | `tap.rs` | where messages pass: the engine's side |
//! | `writer.rs` | the thread that writes |
//! | `log.rs`, `line.rs` | events of the program, and lines of a log |
//! | `secrets.rs` | what no log may hold |
//! | `rotating_file.rs`, `syslog.rs` | where lines go |
//! | `hep.rs`, `pcap.rs` | messages as others read them |
//! | `records.rs` | call detail records |
//! | `traffic.rs` | messages, counted |
//! | `metrics.rs` | numbers as Prometheus reads them |

mod hep;
mod line;
mod log;
mod metrics;
mod pcap;
mod records;
mod rotating_file;
mod secrets;
mod settings;
mod syslog;
mod tap;
mod traffic;
mod writer;

pub use metrics::{render, Snapshot};
pub use rotating_file::FileSettings;
pub use settings::{HepSettings, HepVersion, LogFormat, LogLevel, LogSettings, NotALevel, Observe};
pub use syslog::{Facility, NotAFacility, SyslogSettings};
pub use tap::{LogHandle, ObserveError, Observer};
pub use traffic::Traffic;
