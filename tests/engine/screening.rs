//! drachtio-server §2.1, §5.4, §5.5; RFC 3261 §21.6.2: unwelcome requests are turned away before
//! anybody is asked, and calls that are up go on.

use crate::world::{Node, Phone, World, BYE, OK};
use drachtio::engine::{Screening, ScreeningAction, SpammerHeader, SpammerSign};

fn node(world: &mut World, screening: Screening) -> Node {
    world.node_told("10.0.0.1:5060", |config| config.screening = screening)
}

fn sign(header: SpammerHeader, contains: &[&str]) -> SpammerSign {
    SpammerSign {
        header,
        contains: contains.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn spammers(signs: Vec<SpammerSign>) -> Screening {
    Screening {
        spammers: signs,
        ..Screening::default()
    }
}

/// What the phone hears of an OPTIONS with this header, and whether the application got it.
fn outcome(world: &mut World, node: Node, phone: Phone, header: &str) -> (Vec<String>, bool) {
    let options = world
        .ua(phone, "sip:bob@10.0.0.1")
        .request_with("OPTIONS", &[header], "");
    world.say(phone, node, options);
    world.settle();
    let told = world.told(node);
    for request in &told {
        world.respond(node, request.id(), OK);
    }
    world.settle();
    (world.heard_what(phone), !told.is_empty())
}

/// What a phone hears to a request that the application accepts if it is asked.
fn answer_to(world: &mut World, node: Node, method: &str, uri: &str) -> Vec<String> {
    let phone = world.phone("10.0.0.9:5060");
    let mut ua = world.ua(phone, uri);
    world.phone_asks(phone, node, &mut ua, method);
    for request in world.told(node) {
        world.respond(node, request.id(), OK);
    }
    world.settle();
    world.heard_what(phone)
}

#[test]
fn a_program_is_known_by_any_part_of_its_user_agent_as_it_is_written() {
    let mut world = World::new(1);
    let signs = vec![sign(
        SpammerHeader::UserAgent,
        &["sipcli", "friendly-scanner"],
    )];
    let node = node(&mut world, spammers(signs));
    let phone = world.phone("10.0.0.9:5060");
    for (agent, status) in [
        ("sipcli/v1.8", "603"),
        ("a friendly-scanner", "603"),
        ("Friendly-Scanner", "200"),
        ("baresip", "200"),
    ] {
        let (heard, delivered) = outcome(&mut world, node, phone, &format!("User-Agent: {agent}"));
        assert_eq!(heard, [status], "{agent}");
        assert_eq!(delivered, status == "200", "{agent}");
    }
    assert_eq!(world.counters(node).screened, 2);
    assert!(world.census(node).is_empty() || world.census(node).server_transactions == 2);
    world.finish();
}

#[test]
fn the_user_of_from_and_to_is_looked_at_and_not_their_names() {
    for (header, uri, status) in [
        (SpammerHeader::To, "sip:1000@10.0.0.1", "603"),
        (SpammerHeader::To, "sip:bob@1000.example.com", "200"),
        // The phone of the test is sip:phone@….
        (SpammerHeader::From, "sip:bob@10.0.0.1", "200"),
    ] {
        let mut world = World::new(1);
        let node = node(&mut world, spammers(vec![sign(header, &["1000"])]));
        assert_eq!(
            answer_to(&mut world, node, "OPTIONS", uri),
            [status],
            "{uri}"
        );
        world.finish();
    }
}

#[test]
fn what_is_discarded_is_not_answered_by_udp_or_by_a_connection_as_each_is_told() {
    for (action, stream_action) in [
        (ScreeningAction::Discard, ScreeningAction::Reject),
        (ScreeningAction::Reject, ScreeningAction::Discard),
    ] {
        let mut world = World::new(1);
        let screening = Screening {
            action,
            stream_action,
            ..spammers(vec![sign(SpammerHeader::UserAgent, &["sipcli"])])
        };
        let node = node(&mut world, screening);
        let udp = world.phone("10.0.0.9:5060");
        let tcp = world.phone("10.0.0.8:5060").by_tcp();
        for (phone, action) in [(udp, action), (tcp, stream_action)] {
            let (heard, delivered) = outcome(&mut world, node, phone, "User-Agent: sipcli");
            assert!(!delivered);
            assert_eq!(heard.is_empty(), action == ScreeningAction::Discard);
        }
        world.finish();
    }
}

#[test]
fn nothing_is_heard_from_a_blocked_address_but_in_a_call_that_is_up() {
    let mut world = World::new(1);
    let (node, phone, mut ua, _) = world.inbound_call();
    let other = world.phone("10.0.0.8:5060");
    let blocked = ["10.0.0.9".parse().unwrap()].into();
    world.screen(
        node,
        Screening {
            blocked,
            ..Screening::default()
        },
    );
    let (heard, delivered) = outcome(&mut world, node, phone, "X: y");
    assert!(heard.is_empty() && !delivered);
    let (heard, _) = outcome(&mut world, node, other, "X: y");
    assert_eq!(heard, ["200"]);
    world.phone_asks(phone, node, &mut ua, "BYE");
    let told = world.app_accepts(node);
    assert!(BYE.starts_with("BYE") && told.what() == "BYE");
    assert_eq!(world.heard_what(phone), ["200"]);
    world.finish();
}

/// A tag is no proof of a call, and a refusal is an answer, too.
#[test]
fn who_is_blocked_gets_in_by_no_tag_and_hears_of_no_fault() {
    let mut world = World::new(1);
    let blocked = Screening {
        blocked: ["10.0.0.9".parse().unwrap()].into(),
        ..Screening::default()
    };
    let node = node(&mut world, blocked);
    let phone = world.phone("10.0.0.9:5060");
    let (to, tagged) = ("To: <sip:bob@10.0.0.1>", "To: <sip:bob@10.0.0.1>;tag=x");
    for method in [
        "INVITE",
        "REGISTER",
        "MESSAGE",
        "SUBSCRIBE",
        "OPTIONS",
        "BYE",
    ] {
        let request = world.ua(phone, "sip:bob@10.0.0.1").request(method);
        assert!(request.contains(to));
        world.say(phone, node, request.replace(to, tagged));
        world.say(phone, node, request.replace(to, "To: <"));
        world.say_to(phone.by_tcp(), node.address, request.replace(to, tagged));
    }
    world.settle();
    assert!(world.told(node).is_empty());
    assert!(world.heard(phone).is_empty());
    assert!(world.census(node).is_empty());
    world.finish();
}

#[test]
fn a_register_without_a_domain_is_refused_when_asked_for() {
    for (needed, uri, status) in [
        (true, "sip:10.0.0.1", "403"),
        (true, "sip:[2001:db8::1]", "403"),
        (true, "sip:example.com", "200"),
        (false, "sip:10.0.0.1", "200"),
    ] {
        let mut world = World::new(1);
        let screening = Screening {
            register_needs_realm: needed,
            ..Screening::default()
        };
        let node = node(&mut world, screening);
        assert_eq!(
            answer_to(&mut world, node, "REGISTER", uri),
            [status],
            "{uri}"
        );
        world.finish();
    }
}
