//! RFC 3263 §4.3, RFC 3261 §21.5.4: a destination that has failed is tried last for a while.

use crate::world::{answer, request, Heard, Node, Phone, World};
use drachtio::engine::limits::TableLimits;
use drachtio::engine::{Config, Listener, Transport};
use std::time::Duration;

const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\r\n";

struct Scene {
    world: World,
    node: Node,
    first: Phone,
    second: Phone,
}

/// Two servers of example.com, the first one preferred.
fn scene(configure: impl FnOnce(&mut Config)) -> Scene {
    let mut world = World::new(1);
    let first = world.phone("10.0.0.21:5060");
    let second = world.phone("10.0.0.22:5060");
    world.service(
        "example.com",
        &[
            (Transport::Udp, "10.0.0.21:5060"),
            (Transport::Udp, "10.0.0.22:5060"),
        ],
    );
    let mut config = Config::new(vec![Listener {
        transport: Transport::Udp,
        local: "10.0.0.1:5060".parse().unwrap(),
        user: None,
        advertised: Default::default(),
    }]);
    configure(&mut config);
    let node = world.node_with(config);
    Scene {
        world,
        node,
        first,
        second,
    }
}

impl Scene {
    /// Sends a request; true if the first server is asked first.
    fn first_is_asked(&mut self) -> bool {
        self.world.give(self.node, request(OPTIONS));
        self.world.settle();
        let (first, second) = (self.world.heard(self.first), self.world.heard(self.second));
        assert_eq!(first.len() + second.len(), 1);
        let asks_first = !first.is_empty();
        let phone = if asks_first { self.first } else { self.second };
        let options = first.into_iter().chain(second).next().unwrap();
        self.answer(phone, &options, 200, &[]);
        assert_eq!(self.world.told_what(self.node), ["200"]);
        asks_first
    }

    /// A request that the first server refuses with 503, and the second one takes.
    fn first_refuses(&mut self, headers: &[&str]) {
        self.world.give(self.node, request(OPTIONS));
        self.world.settle();
        let options = self.world.hear_what(self.first, "OPTIONS");
        self.answer(self.first, &options, 503, headers);
        let options = self.world.hear_what(self.second, "OPTIONS");
        self.answer(self.second, &options, 200, &[]);
        assert_eq!(self.world.told_what(self.node), ["200"]);
    }

    fn answer(&mut self, phone: Phone, request: &Heard, code: u16, headers: &[&str]) {
        let text = answer(request, code, "b", headers, "");
        self.world.say_back(phone, request, text);
        self.world.settle();
    }
}

#[test]
fn a_destination_that_has_failed_is_tried_last_for_half_a_minute() {
    let mut scene = scene(|_| {});
    assert!(scene.first_is_asked());
    scene.first_refuses(&[]);
    assert_eq!(scene.world.census(scene.node).failed_targets, 1);
    scene.world.run_secs(25);
    assert!(!scene.first_is_asked());
    scene.world.run_secs(6);
    assert!(scene.first_is_asked());
    scene.world.finish();
}

#[test]
fn it_is_tried_when_the_others_fail_too() {
    let mut scene = scene(|_| {});
    scene.first_refuses(&[]);
    scene.world.give(scene.node, request(OPTIONS));
    scene.world.settle();
    let options = scene.world.hear_what(scene.second, "OPTIONS");
    scene.answer(scene.second, &options, 503, &[]);
    let options = scene.world.hear_what(scene.first, "OPTIONS");
    scene.answer(scene.first, &options, 200, &[]);
    assert_eq!(scene.world.told_what(scene.node), ["200"]);
    // It has answered, so it is the better one now.
    assert!(scene.first_is_asked());
    scene.world.finish();
}

#[test]
fn one_that_fails_again_is_avoided_for_twice_as_long() {
    let mut scene = scene(|_| {});
    scene.first_refuses(&[]);
    scene.world.run_secs(31);
    scene.first_refuses(&[]);
    scene.world.run_secs(50);
    assert!(!scene.first_is_asked());
    scene.world.run_secs(11);
    assert!(scene.first_is_asked());
    scene.world.finish();
}

#[test]
fn a_retry_after_is_kept_to_within_reason() {
    for (value, avoided, over) in [
        ("100", 99, 101),
        ("120 (maintenance);duration=60", 119, 121),
        ("4294967295", 479, 481),
        ("soon", 29, 31),
    ] {
        let mut scene = scene(|_| {});
        scene.first_refuses(&[&format!("Retry-After: {value}")]);
        scene.world.run_secs(avoided);
        assert!(!scene.first_is_asked(), "{value}");
        scene.world.run_secs(over - avoided);
        assert!(scene.first_is_asked(), "{value}");
        scene.world.finish();
    }
}

#[test]
fn the_time_can_be_chosen() {
    let mut scene = scene(|config| config.next_hop.avoid_for = Duration::from_secs(5));
    scene.first_refuses(&[]);
    scene.world.run_secs(4);
    assert!(!scene.first_is_asked());
    scene.world.run_secs(2);
    assert!(scene.first_is_asked());
    scene.world.finish();
}

#[test]
fn none_is_avoided_if_the_time_is_zero() {
    let mut scene = scene(|config| config.next_hop.avoid_for = Duration::ZERO);
    scene.first_refuses(&[]);
    assert_eq!(scene.world.census(scene.node).failed_targets, 0);
    assert!(scene.first_is_asked());
    scene.world.finish();
}

#[test]
fn the_table_is_bounded() {
    let mut scene = scene(|config| {
        config.limits = TableLimits {
            failed_targets: 3,
            ..TableLimits::default()
        }
    });
    for number in 0..10 {
        let dead = format!("10.0.1.{number}:5060");
        scene.world.cut_off(&format!("10.0.1.{number}"));
        scene.world.service(
            "example.com",
            &[(Transport::Udp, &dead), (Transport::Udp, "10.0.0.22:5060")],
        );
        scene.world.give(scene.node, request(OPTIONS));
        scene.world.settle();
        let options = scene.world.hear_what(scene.second, "OPTIONS");
        scene.answer(scene.second, &options, 200, &[]);
        let known = scene.world.census(scene.node).failed_targets;
        assert_eq!(known, (number + 1).min(3));
    }
    scene.world.finish();
}
