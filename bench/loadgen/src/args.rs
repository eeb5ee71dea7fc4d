//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub const USAGE: &str = "\
usage: loadgen KIND --target IP:PORT --rate PER_SECOND --count N [--transport NAME]
               [--ca FILE] [--hold] [--give-up SECONDS]

KIND      options   OPTIONS, 200
          call      INVITE, 200, ACK, BYE, 200
          proxied   the same call; loadgen is the callee too, and its address is the user part's
                    destination: the target is asked for sip:callee@ADDRESS-OF-THE-CALLEE
--transport udp (default), tcp, tls, ws or wss; a proxied call is over udp
--ca      PEM file of the target's certificate, or of who signed it, for tls and wss
--hold    after the last call is up, print {\"held\":N}, keep the calls up until a line (or the end)
          of standard input, then send the BYEs
--give-up how long a request waits for its final response (default 8)";

/// What kind of work the target is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One OPTIONS request and its 200.
    Options,
    /// A call that the target answers.
    Call,
    /// A call that the target proxies to this process.
    Proxied,
}

/// What carries the requests to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    const ALL: [Transport; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Its name in a URI.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }
}

/// What to do, as the command line says.
#[derive(Debug)]
pub struct Plan {
    /// The work asked of the target.
    pub kind: Kind,
    /// What carries the requests to the target.
    pub transport: Transport,
    /// The certificate that the target, or who signed the target's, has.
    pub ca: Option<PathBuf>,
    /// Where the first request of each call goes.
    pub target: SocketAddr,
    /// Requests or calls started per second.
    pub rate: f64,
    /// Requests or calls in all.
    pub count: usize,
    /// Whether the calls stay up until standard input says otherwise.
    pub hold: bool,
    /// How long a request waits for its final response.
    pub give_up: Duration,
}

/// Reads the arguments that follow the program's name.
pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Plan, String> {
    let kind = match args.next().as_deref() {
        Some("options") => Kind::Options,
        Some("call") => Kind::Call,
        Some("proxied") => Kind::Proxied,
        Some(other) => return Err(format!("unknown kind {other}")),
        None => return Err("what kind of load?".into()),
    };
    let (mut target, mut rate, mut count) = (None, None, None);
    let (mut transport, mut ca) = (Transport::Udp, None);
    let mut hold = false;
    let mut give_up = Duration::from_secs(8);
    while let Some(name) = args.next() {
        if name == "--hold" {
            hold = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let wrong = |_| format!("{value} is no value for {name}");
        match name.as_str() {
            "--target" => target = Some(value.parse().map_err(|_| wrong(()))?),
            "--transport" => {
                let mut all = Transport::ALL.into_iter();
                transport = all.find(|it| it.name() == value).ok_or_else(|| wrong(()))?;
            }
            "--ca" => ca = Some(value.into()),
            "--rate" => rate = Some(value.parse().map_err(|_| wrong(()))?),
            "--count" => count = Some(value.parse().map_err(|_| wrong(()))?),
            "--give-up" => give_up = Duration::from_secs(value.parse().map_err(|_| wrong(()))?),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    if kind == Kind::Proxied && transport != Transport::Udp {
        return Err("a proxied call is over udp".into());
    }
    Ok(Plan {
        kind,
        transport,
        ca,
        target: target.ok_or("--target is missing")?,
        rate: rate.filter(|rate| *rate > 0.0).ok_or("--rate is missing")?,
        count: count.ok_or("--count is missing")?,
        hold: hold && kind != Kind::Options,
        give_up,
    })
}
