//! The loop: sends what is due, reads what has come, and sends again what was not answered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use crate::args::{Kind, Plan, Transport};
use crate::call::{Call, Dialog, Step, T1};
use crate::caller::Caller;
use crate::sip::{address_of, respond, uri_of, Lines, Request};
use crate::stats::Report;
use crate::udp;

/// Messages read before what is due is sent.
const READ_BATCH: usize = 64;
/// The longest sleep: the loop also looks at standard input.
const NAP: Duration = Duration::from_millis(20);

/// Offers the load of `plan` and returns what came of it.
pub fn run(plan: &Plan) -> io::Result<Report> {
    let mut load = Load::new(plan)?;
    load.start_all()?;
    load.report.in_time = load.report.succeeded;
    if plan.hold {
        load.hold()?;
        load.hang_up_all()?;
    }
    while !load.report.is_complete(plan.count) {
        load.turn(None)?;
    }
    load.report.elapsed = load.started.elapsed();
    Ok(load.report)
}

struct Load<'p> {
    plan: &'p Plan,
    run: u32,
    caller: Caller,
    callee: UdpSocket,
    callee_address: SocketAddr,
    uri: Vec<u8>,
    calls: Vec<Call>,
    /// When to look at a call again: to send its request once more, or to give it up.
    alarms: BinaryHeap<Reverse<(Instant, usize)>>,
    out: Vec<u8>,
    buffer: Vec<u8>,
    started: Instant,
    report: Report,
}

impl<'p> Load<'p> {
    fn new(plan: &'p Plan) -> io::Result<Self> {
        let (caller, callee) = (Caller::open(plan)?, udp::socket()?);
        let callee_address = callee.local_addr()?;
        let uri = match plan.kind {
            Kind::Proxied => format!("sip:callee@{callee_address}"),
            Kind::Options | Kind::Call => format!("sip:load@{}", plan.target),
        };
        Ok(Load {
            plan,
            run: std::process::id(),
            caller,
            callee,
            callee_address,
            uri: uri.into_bytes(),
            calls: Vec::with_capacity(plan.count),
            alarms: BinaryHeap::new(),
            out: Vec::with_capacity(2048),
            buffer: vec![0; 65_535],
            started: Instant::now(),
            report: Report::default(),
        })
    }

    fn start_all(&mut self) -> io::Result<()> {
        let interval = Duration::from_secs_f64(1.0 / self.plan.rate);
        for number in 0..self.plan.count {
            let due = self.started + interval.mul_f64(number as f64);
            self.wait_until(due)?;
            self.calls.push(Call::new(due, Instant::now()));
            self.report.started += 1;
            self.send_first(number)?;
            self.watch(number);
        }
        Ok(())
    }

    /// Waits until every call is up or over, says so, and keeps them up until standard input says otherwise.
    fn hold(&mut self) -> io::Result<()> {
        while self.calls.iter().any(|call| call.step == Step::First) {
            self.turn(None)?;
        }
        println!(
            "{{\"held\":{}}}",
            self.calls
                .iter()
                .filter(|call| call.step == Step::Up)
                .count()
        );
        let released = Arc::new(AtomicBool::new(false));
        let release = Arc::clone(&released);
        std::thread::spawn(move || {
            let _ = io::stdin().read_line(&mut String::new());
            release.store(true, Ordering::Relaxed);
        });
        while !released.load(Ordering::Relaxed) {
            self.turn(None)?;
        }
        Ok(())
    }

    fn hang_up_all(&mut self) -> io::Result<()> {
        let start = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / self.plan.rate);
        for number in 0..self.calls.len() {
            self.wait_until(start + interval.mul_f64(number as f64))?;
            self.hang_up(number)?;
        }
        Ok(())
    }

    fn wait_until(&mut self, due: Instant) -> io::Result<()> {
        while Instant::now() < due {
            self.turn(Some(due))?;
        }
        // A load that is late must still hear the answers, of which there are several to a call: if they were lost
        // here, the server would be blamed.
        if self.report.started.is_multiple_of(READ_BATCH) {
            while self.read()? >= READ_BATCH {}
        }
        Ok(())
    }

    /// Handles what has come and what is late, then sleeps until there is more to do, at the latest at `until`.
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let heard = self.read()?;
        self.ring_alarms()?;
        if heard > 0 {
            return Ok(());
        }
        let now = Instant::now();
        let next = self.alarms.peek().map(|Reverse((at, _))| *at);
        let wake = [until, next, Some(now + NAP)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now);
        let nap = wake.saturating_duration_since(now);
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: nap.subsec_nanos().into(),
        };
        let mut sockets = self.caller.interests();
        sockets.push(PollFd::new(&self.callee, PollFlags::IN));
        match poll(&mut sockets, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut heard = 0;
        while heard < READ_BATCH {
            let Some(length) = self.caller.receive(&mut buffer)? else {
                break;
            };
            heard += 1;
            self.on_response(&Lines::of(&buffer[..length]))?;
        }
        while heard < 2 * READ_BATCH {
            let Some((length, source)) = udp::receive(&self.callee, &mut buffer)? else {
                break;
            };
            heard += 1;
            self.on_request(&Lines::of(&buffer[..length]), source)?;
        }
        self.buffer = buffer;
        Ok(heard)
    }

    fn on_response(&mut self, response: &Lines<'_>) -> io::Result<()> {
        let Some(number) = response
            .call_number()
            .filter(|number| *number < self.calls.len())
        else {
            return Ok(());
        };
        let Some(status) = response.status() else {
            return Ok(());
        };
        let call = &mut self.calls[number];
        let awaited = match call.step {
            Step::First => response.method() != b"BYE",
            Step::Bye => response.method() == b"BYE",
            Step::Up | Step::Over => false,
        };
        if !awaited {
            self.report.repeated += usize::from(status >= 200);
            return Ok(());
        }
        if status < 200 {
            call.quiet = true;
            return Ok(());
        }
        if call.step == Step::First && status < 300 {
            let latency = call.due.elapsed().as_micros();
            self.report
                .latencies
                .push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
        if status >= 300 {
            return self.refuse(number, response);
        }
        if call.step == Step::Bye || self.plan.kind == Kind::Options {
            call.step = Step::Over;
            call.dialog = None;
            self.report.succeeded += 1;
            return Ok(());
        }
        self.establish(number, response)
    }

    /// A 2xx to the INVITE: the route set and the target come from it (RFC 3261 §12.1.2).
    fn establish(&mut self, number: usize, response: &Lines<'_>) -> io::Result<()> {
        let target = uri_of(response.contact).to_vec();
        let routes: Vec<Vec<u8>> = response
            .record_route
            .iter()
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|value| uri_of(value).to_vec())
            .rev()
            .collect();
        let next_hop = address_of(routes.first().unwrap_or(&target)).unwrap_or(self.plan.target);
        let dialog = Box::new(Dialog {
            to: response.to.to_vec(),
            target,
            routes,
            next_hop,
        });
        self.calls[number].dialog = Some(dialog);
        self.calls[number].step = Step::Up;
        self.send_in_dialog(number, "ACK")?;
        match self.plan.hold {
            true => Ok(()),
            false => self.hang_up(number),
        }
    }

    /// RFC 3261 §17.1.1.3: the ACK to a failure belongs to the INVITE's transaction and goes where the INVITE went.
    fn refuse(&mut self, number: usize, response: &Lines<'_>) -> io::Result<()> {
        let was_invite = response.method() == b"INVITE";
        self.calls[number].step = Step::Over;
        self.report.refused += 1;
        if was_invite {
            let request = Request {
                to: Some(response.to),
                ..self.request(number, "ACK", 1)?
            };
            let mut out = Vec::new();
            request.write(&mut out);
            self.caller.send(number, &out, self.plan.target)?;
        }
        Ok(())
    }

    fn hang_up(&mut self, number: usize) -> io::Result<()> {
        if self.calls[number].step != Step::Up {
            return Ok(());
        }
        self.calls[number].enter(Step::Bye, Instant::now());
        self.send_in_dialog(number, "BYE")?;
        self.watch(number);
        Ok(())
    }

    /// The callee of a proxied call answers each request at once and remembers only what it has seen.
    fn on_request(&mut self, request: &Lines<'_>, source: SocketAddr) -> io::Result<()> {
        let kind = match request.method() {
            b"INVITE" => 0,
            b"BYE" => 1,
            _ => return Ok(()),
        };
        if let Some(call) = request
            .call_number()
            .and_then(|number| self.calls.get_mut(number))
        {
            self.report.repeated += usize::from(std::mem::replace(&mut call.seen[kind], true));
        }
        if kind == 0 {
            respond(&mut self.out, request, "180 Ringing", self.callee_address);
            udp::send(&self.callee, &self.out, source)?;
        }
        respond(&mut self.out, request, "200 OK", self.callee_address);
        udp::send(&self.callee, &self.out, source)
    }

    fn ring_alarms(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while let Some(Reverse((at, number))) = self.alarms.peek().copied() {
            if at > now {
                break;
            }
            self.alarms.pop();
            let call = &mut self.calls[number];
            // The alarm of an earlier step may ring in a later one, which has its own.
            if at != call.alarm || !matches!(call.step, Step::First | Step::Bye) {
                continue;
            }
            if now >= call.sent + self.plan.give_up {
                call.step = Step::Over;
                self.report.timed_out += 1;
                continue;
            }
            if !call.quiet && self.plan.transport == Transport::Udp {
                call.resends += 1;
                self.report.resent += 1;
                match call.step {
                    Step::Bye => self.send_in_dialog(number, "BYE")?,
                    _ => self.send_first(number)?,
                }
            }
            self.watch(number);
        }
        Ok(())
    }

    /// Sets the next alarm: RFC 3261 §17.1.1.2, doubling from T1.
    fn watch(&mut self, number: usize) {
        let call = &mut self.calls[number];
        let waited = T1 * ((2 << call.resends.min(6)) - 1);
        let at = match call.quiet || self.plan.transport != Transport::Udp {
            true => call.sent + self.plan.give_up,
            false => call.sent + waited.min(self.plan.give_up),
        };
        call.alarm = at;
        self.alarms.push(Reverse((at, number)));
    }

    fn send_first(&mut self, number: usize) -> io::Result<()> {
        let method = if self.plan.kind == Kind::Options {
            "OPTIONS"
        } else {
            "INVITE"
        };
        let mut out = std::mem::take(&mut self.out);
        self.request(number, method, 1)?.write(&mut out);
        self.caller.send(number, &out, self.plan.target)?;
        self.out = out;
        Ok(())
    }

    fn send_in_dialog(&mut self, number: usize, method: &'static str) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.out);
        let Some(dialog) = self.calls[number].dialog.as_deref() else {
            return Ok(());
        };
        let branch = if method == "ACK" { 2 } else { 3 };
        let request = Request {
            uri: &dialog.target,
            to: Some(&dialog.to),
            routes: &dialog.routes,
            cseq: if method == "ACK" { 1 } else { 2 },
            ..self.request(number, method, branch)?
        };
        request.write(&mut out);
        let next_hop = dialog.next_hop;
        self.caller.send(number, &out, next_hop)?;
        self.out = out;
        Ok(())
    }

    fn request(&self, number: usize, method: &'static str, branch: u8) -> io::Result<Request<'_>> {
        Ok(Request {
            method,
            uri: &self.uri,
            transport: self.plan.transport,
            local: self.caller.address(number)?,
            branch,
            number,
            run: self.run,
            cseq: 1,
            to: None,
            routes: &[],
        })
    }
}
