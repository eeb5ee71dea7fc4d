//! What happens in one scenario, all of it drawn from the seed.

use std::time::Duration;

use drachtio::engine::{ProxyPlan, ProxyTarget, Transport};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::Link;

/// How many phones there are to be called.
pub const CALLEES: usize = 5;

/// Nothing that is sent there arrives.
pub const SILENT: &str = "10.0.0.30";

/// Nothing can be sent there.
pub const UNREACHABLE: &str = "10.0.0.31";

/// A name that leads to two of the phones.
pub const NAME: &str = "phones.example.com";

/// How a call goes.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub is_invite: bool,
    pub link: Link,
    pub plan: ProxyPlan,
    /// How long the application thinks.
    pub decides_after: Duration,
    /// When the caller wants no more of it.
    pub caller_cancels: Option<Duration>,
    /// When the application wants no more of it.
    pub application_stops: Option<Duration>,
    pub callees: Vec<Manner>,
}

/// What a phone does with a call.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Its provisional response, and when.
    pub rings: Option<(Duration, u16)>,
    /// Its final response, and when after it has rung.
    pub answers: Option<(Duration, u16)>,
    /// What it says when it is cancelled.
    pub cancelled: (Duration, u16),
    /// The Contacts of a redirection.
    pub contacts: String,
}

impl Scenario {
    pub fn of(seed: u64) -> Scenario {
        let mut dice = Dice(StdRng::seed_from_u64(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ));
        let link = Link {
            loss: dice.one_of(&[0.0, 0.0, 0.05, 0.1]),
            duplication: dice.one_of(&[0.0, 0.0, 0.1]),
            jitter: Duration::from_millis(dice.one_of(&[0, 0, 50, 400])),
            ..Link::good()
        };
        Scenario {
            is_invite: dice.chance(0.9),
            link,
            plan: dice.plan(),
            decides_after: dice.up_to_ms(200),
            caller_cancels: dice.chance(0.25).then(|| dice.up_to_ms(15_000)),
            application_stops: dice.chance(0.08).then(|| dice.up_to_ms(15_000)),
            callees: (0..CALLEES).map(|_| dice.manner()).collect(),
        }
    }
}

struct Dice(StdRng);

impl Dice {
    fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())]
    }

    fn up_to_ms(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.0.random_range(0..=most))
    }

    fn time_limit(&mut self, most: u64) -> Option<Duration> {
        self.chance(0.25)
            .then(|| Duration::from_millis(self.0.random_range(300..=most)))
    }

    fn plan(&mut self) -> ProxyPlan {
        let count = self.0.random_range(1..=5);
        let mut groups: Vec<Vec<ProxyTarget>> = Vec::new();
        for _ in 0..count {
            let target = ProxyTarget {
                transport: self.chance(0.15).then_some(Transport::Tcp),
                provisional_timeout: self.time_limit(3_000),
                final_timeout: self.time_limit(20_000),
                ..ProxyTarget::to(&self.uri())
            };
            match groups.last_mut() {
                Some(group) if self.chance(0.6) => group.push(target),
                _ => groups.push(vec![target]),
            }
        }
        ProxyPlan {
            groups,
            progress: true,
            remain_in_dialog: self.chance(0.5),
            redirects: self.0.random_range(0..=3),
            provisional_timeout: self.time_limit(3_000),
            final_timeout: self.time_limit(20_000),
            ..ProxyPlan::default()
        }
    }

    fn uri(&mut self) -> String {
        let user = self.0.random_range(0..1000);
        let host = match self.0.random_range(0..20) {
            0 => SILENT.to_string(),
            1 => UNREACHABLE.to_string(),
            2 => NAME.to_string(),
            3 => "nowhere.example.com".to_string(),
            _ => format!("10.0.0.{}", 21 + self.0.random_range(0..CALLEES)),
        };
        format!("sip:user-{user}@{host}")
    }

    fn manner(&mut self) -> Manner {
        let rings = self.chance(0.8).then(|| {
            let code = self.one_of(&[100, 180, 180, 183]);
            (self.up_to_ms(2_000), code)
        });
        let code = self.one_of(&[
            200, 200, 200, 302, 401, 404, 407, 480, 486, 486, 500, 503, 600, 603,
        ]);
        let longest = if rings.is_some() { 25_000 } else { 10_000 };
        let answers = self.chance(0.85).then(|| (self.up_to_ms(longest), code));
        let contacts = (0..self.0.random_range(1..=3))
            .map(|_| {
                let uri = self.uri();
                let q = self.0.random_range(0..=10);
                format!("<{uri}>;q={}.{}", q / 10, q % 10)
            })
            .collect::<Vec<_>>()
            .join(", ");
        // Some answer just when they are cancelled, and some refuse in their own words.
        let cancelled = (
            self.up_to_ms(1_000),
            self.one_of(&[487, 487, 487, 200, 486]),
        );
        Manner {
            rings,
            answers,
            cancelled,
            contacts,
        }
    }
}
