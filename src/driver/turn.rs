//! The loop of an engine's thread: wait, let the engine work, hand out what it made.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::yield_now;

use super::waiting::{Waiting, WORK_BATCH};
use super::{Census, Order, Pace, Submission, FLUSH_TIMEOUT};
use crate::apps::{Apps, Exchange};
use crate::dns::{Answer, Resolver};
use crate::engine::limits::TableLimits;
use crate::engine::{AppId, Config, Engine, Legacy};
use crate::observe::{Observer, Snapshot};
use crate::transport::{Alarm, Arrival, Transports};

/// Orders taken at once.
const ORDER_BATCH: usize = 64;

/// Submissions carried out before sockets and connections get their turn.
const SUBMISSION_BATCH: usize = 256;

pub(super) struct Driver<'a> {
    engine: Engine,
    transports: Transports,
    apps: &'a mut Apps,
    resolver: Resolver,
    alarm: Alarm,
    inbox: &'a mut UnboundedReceiver<Order>,
    census: &'a Mutex<Census>,
    observer: &'a mut Observer,
    started: SystemTime,
    limits: TableLimits,
    /// Messages that could not be sent.
    unsent: u64,
    /// Connections that have ended.
    closed: u64,
    waiting: Waiting,
    /// Messages worked on since there was none left.
    worked: usize,
    pace: Pace,
    answers: Vec<Answer>,
    orders: Vec<Order>,
    submissions: VecDeque<(AppId, Submission)>,
    rings: bool,
    closing: bool,
    /// The number of the settings of TLS that are in force.
    last_reload: u64,
}

impl<'a> Driver<'a> {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(
        config: Config,
        transports: Transports,
        resolver: Resolver,
        inbox: &'a mut UnboundedReceiver<Order>,
        apps: &'a mut Apps,
        census: &'a Mutex<Census>,
        observer: &'a mut Observer,
    ) -> Driver<'a> {
        Driver {
            limits: config.limits,
            engine: Engine::new(config, rand::random()),
            transports,
            apps,
            resolver,
            alarm: Alarm::new(),
            inbox,
            census,
            observer,
            started: SystemTime::now(),
            unsent: 0,
            closed: 0,
            waiting: Waiting::default(),
            worked: 0,
            pace: Pace::default(),
            answers: Vec::new(),
            orders: Vec::new(),
            submissions: VecDeque::new(),
            rings: false,
            closing: false,
            last_reload: 0,
        }
    }

    /// Runs until somebody orders the end.
    pub(super) async fn run(mut self) {
        self.heed_record_routes();
        while !self.closing || !self.submissions.is_empty() {
            poll_fn(|cx| self.poll_input(cx)).await;
            self.work(Instant::now());
            let pause = self.pause();
            if !pause.is_zero() {
                self.transports.flush_datagrams();
            }
            // Connections write what they were given before they are given more.
            yield_now().await;
            thread::sleep(pause);
        }
        let now = Instant::now();
        let apps: Vec<AppId> = self.apps.ids().collect();
        for app in apps {
            self.engine.handle_app_gone(now, app, Legacy::default());
        }
        self.hand_out(now);
        self.apps.flush();
        self.transports.close(FLUSH_TIMEOUT).await;
    }

    /// How long to wait for more before the next turn: not at all while there is work, or was a
    /// lot of it.
    fn pause(&mut self) -> Duration {
        if !self.submissions.is_empty() || !self.waiting.is_empty() {
            return Duration::ZERO;
        }
        let worked = std::mem::take(&mut self.worked);
        match worked >= WORK_BATCH {
            true => Duration::ZERO,
            false => self.pace.pause(Instant::now(), worked),
        }
    }

    /// Collects everything that there is to work on.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = self.waiting.poll(cx, &mut self.transports).is_ready();
        while let Poll::Ready(answer) = self.resolver.poll(cx) {
            self.answers.push(answer);
            ready = true;
        }
        if self.alarm.poll(cx).is_ready() {
            self.rings = true;
            ready = true;
        }
        if !self.submissions.is_empty() {
            // What was ordered first is finished first.
            return Poll::Ready(());
        }
        let orders = self.inbox.poll_recv_many(cx, &mut self.orders, ORDER_BATCH);
        match orders {
            // Nobody is left to give orders.
            Poll::Ready(0) => self.closing = true,
            Poll::Ready(_) => {}
            Poll::Pending if ready => {}
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    fn work(&mut self, now: Instant) {
        if std::mem::take(&mut self.rings) {
            self.engine.handle_timeout(now);
            self.hand_out(now);
        }
        // Before the arrivals, so that an application that was connected before the start misses
        // nothing.
        let mut orders = std::mem::take(&mut self.orders);
        for order in orders.drain(..) {
            self.carry_out(now, order);
        }
        self.orders = orders;
        self.carry_out_submissions(now, SUBMISSION_BATCH);
        for _ in 0..WORK_BATCH {
            let Some((arrival, is_late)) = self.waiting.next(now) else {
                break;
            };
            self.worked += 1;
            self.engine.set_behind(is_late);
            self.take_in(now, arrival);
            // At once, since the next message may be about the same request.
            self.hand_out(now);
        }
        for answer in std::mem::take(&mut self.answers) {
            self.engine
                .handle_resolved(now, answer.id, &answer.destinations);
            self.hand_out(now);
        }
        self.apps.flush();
        self.alarm.set(self.engine.poll_timeout());
        self.count();
    }

    fn take_in(&mut self, now: Instant, arrival: Arrival) {
        match arrival {
            Arrival::Message { path, payload } => {
                self.observer.received(&path, &payload);
                self.engine.handle_message(now, path, payload);
            }
            Arrival::Unsent(token, failure) => {
                self.unsent += 1;
                self.engine.handle_send_failure(now, token, failure);
            }
            Arrival::Closed(connection) => {
                self.closed += 1;
                self.engine.handle_connection_closed(now, connection);
            }
        }
    }

    fn carry_out(&mut self, now: Instant, order: Order) {
        match order {
            Order::Submit(app, batch) => self
                .submissions
                .extend(batch.into_iter().map(|submission| (app, submission))),
            // The others wait for what was submitted before them.
            Order::Attach(app, outlet, profile) => {
                self.carry_out_submissions(now, usize::MAX);
                self.apps.add(app, outlet, profile);
                self.heed_record_routes();
            }
            Order::Detach(app, legacy) => {
                self.carry_out_submissions(now, usize::MAX);
                self.apps.remove(app);
                self.engine.handle_app_gone(now, app, legacy);
                self.hand_out(now);
                self.heed_record_routes();
            }
            Order::Adopt(from, heir) => {
                self.carry_out_submissions(now, usize::MAX);
                self.engine.handle_adoption(now, from, heir);
                self.hand_out(now);
            }
            Order::Drain => self.apps.drain(),
            Order::SetTls(number, context, done) => {
                let mut outcome = Ok(());
                if number > self.last_reload {
                    self.last_reload = number;
                    outcome = self.transports.set_tls(*context);
                }
                done(outcome);
            }
            Order::Snapshot(done) => done(self.snapshot()),
            Order::Log(level, text) => {
                if let Some(log) = self.observer.log() {
                    log.write(level, text);
                }
            }
            Order::SetLogLevel(level) => {
                if let Some(log) = self.observer.log() {
                    log.set_level(level);
                }
            }
            Order::Screen(screening) => self.engine.set_screening(screening),
            Order::Close => self.closing = true,
        }
    }

    fn carry_out_submissions(&mut self, now: Instant, limit: usize) {
        for _ in 0..limit {
            let Some((app, submission)) = self.submissions.pop_front() else {
                return;
            };
            let mut exchange = Exchange {
                engine: &mut self.engine,
                apps: self.apps,
            };
            match exchange.carry_out(now, app, submission) {
                true => self.heed_record_routes(),
                false => self.hand_out(now),
            }
        }
    }

    /// Records are made while somebody wants them.
    fn heed_record_routes(&mut self) {
        let wanted = self.apps.wants_records() || self.observer.takes_calls();
        self.engine.make_records(wanted);
    }

    /// Hands out what the engine has made.
    fn hand_out(&mut self, now: Instant) {
        let observer = &mut *self.observer;
        let mut exchange = Exchange {
            engine: &mut self.engine,
            apps: self.apps,
        };
        exchange.tell(now, |record| observer.recorded(record));
        while let Some(transmit) = self.engine.poll_transmit() {
            self.observer.sent(&transmit.path, &transmit.payload);
            let token = transmit.token;
            let connection = self.transports.send(transmit);
            if let (Some(token), Some(connection)) = (token, connection) {
                self.engine.handle_connection_used(token, connection);
            }
        }
        while let Some(connection) = self.engine.poll_hang_up() {
            self.transports.hang_up(connection);
        }
        while let Some(query) = self.engine.poll_query() {
            self.resolver.ask(query);
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            started: self.started,
            census: self.engine.census(),
            limits: self.limits,
            counters: self.engine.counters(),
            latencies: self.engine.latencies().clone(),
            traffic: self.observer.traffic().cloned().unwrap_or_default(),
            stable_dialogs: self.engine.confirmed_dialogs(),
            connections: self.transports.connections(),
            applications: self.apps.ids().count(),
            backlog: self.apps.backlog(),
            unsent: self.unsent,
            closed: self.closed,
            unwritten: self.observer.lost(),
        }
    }

    fn count(&self) {
        let census = Census {
            engine: self.engine.census(),
            connections: self.transports.connections(),
            backlog: self.apps.backlog(),
            counters: self.engine.counters(),
        };
        *self.census.lock().unwrap_or_else(PoisonError::into_inner) = census;
    }
}
