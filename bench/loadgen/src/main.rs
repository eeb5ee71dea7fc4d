//! Offers SIP load at a given rate, whatever the answers do, and prints one line of JSON.
//!
//! The load is open: the next request is sent when it is due and not when the last one was answered, and a latency is
//! counted from the time at which its request was due. So a server that stalls is charged for the stall.
//! `bench/README.md` says how the figures are used.

mod args;
mod call;
mod caller;
mod connection;
mod load;
mod sip;
mod stats;
mod udp;

use std::process::ExitCode;

fn main() -> ExitCode {
    let plan = match args::parse(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(message) => {
            eprintln!("loadgen: {message}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match load::run(&plan) {
        Ok(report) => {
            println!("{}", report.to_json());
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("loadgen: {err}");
            ExitCode::FAILURE
        }
    }
}
