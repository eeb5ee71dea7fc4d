//! RFC 3261 §16.11: requests that are forwarded without anything being kept of them.

use crate::world::{companion, respond, routes, value, with_branch, Heard, Node, Party, World, OK};
use drachtio::engine::{CommandId, ProxyPlan, Transport};
use drachtio::message::HeaderId;

struct Case {
    node: Node,
    alice: Party,
    bob: Party,
}

fn case(world: &mut World, transport: Transport) -> Case {
    let node = world.node_told("10.0.0.1:5060", |config| config.stateless = true);
    let alice = world.phone("10.0.0.8:5060").by(transport);
    let bob = world.phone("10.0.0.9:5060");
    let ua = world.ua(alice, "sip:bob@10.0.0.1");
    let called = world.ua(bob, "");
    Case {
        node,
        alice: Party { phone: alice, ua },
        bob: Party {
            phone: bob,
            ua: called,
        },
    }
}

fn plan() -> ProxyPlan {
    let mut plan = crate::world::plan(&["sip:bob@10.0.0.9"]);
    plan.stateless = true;
    plan
}

impl Case {
    /// The application is told of this request and has it forwarded.
    fn forwards(&self, world: &mut World, method: &str, plan: ProxyPlan) -> CommandId {
        let told = world.next_told(self.node);
        assert_eq!((told.what().as_str(), told.dialog), (method, None));
        let command = world.proxy(self.node, told.transaction.unwrap(), plan);
        world.settle();
        command
    }

    /// The caller's INVITE as the callee hears it.
    fn invites(&mut self, world: &mut World, plan: ProxyPlan) -> (String, Heard) {
        let invite = self.alice.asks(world, self.node, "INVITE");
        assert!(world.heard(self.alice.phone).is_empty(), "there is no 100");
        let command = self.forwards(world, "INVITE", plan);
        assert_eq!(world.proxy_replies(self.node, command), ["done"]);
        self.keeps_nothing(world);
        (invite, self.bob.hears(world, "INVITE"))
    }

    fn keeps_nothing(&self, world: &World) {
        assert!(
            world.census(self.node).is_empty(),
            "{:?}",
            world.census(self.node)
        );
    }
}

fn branch_of(heard: &Heard) -> &str {
    heard.top_via().unwrap().branch().unwrap()
}

#[test]
fn a_call_passes_to_its_end_and_nothing_is_kept() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(1);
        let mut case = case(&mut world, transport);
        let mut plan = plan();
        plan.remain_in_dialog = true;
        let (_, invite) = case.invites(&mut world, plan);
        let recorded: Vec<_> = invite.values(HeaderId::RecordRoute).collect();
        let is_marked = |route: &&[u8]| route.ends_with(b";lr;stateless>");
        assert!(recorded.iter().all(is_marked));
        let sides = if transport == Transport::Udp { 1 } else { 2 };
        assert_eq!(recorded.len(), sides);
        case.bob.ua = crate::world::Ua::called(case.bob.phone, &invite, "b");
        for code in [180, 200] {
            case.bob.answers(&mut world, &invite, code);
            let heard = case.alice.hears(&mut world, &code.to_string());
            assert_eq!(heard.path.transport, transport);
            assert_eq!(heard.values(HeaderId::Via).count(), 1);
            case.alice.ua.answered(&heard);
            case.keeps_nothing(&world);
        }
        let ack = case.alice.ua.ack();
        world.say(case.alice.phone, case.node, ack);
        world.settle();
        case.bob.hears(&mut world, "ACK");
        for (from_alice, method) in [(true, "INFO"), (false, "INVITE"), (false, "BYE")] {
            let (from, to) = match from_alice {
                true => (&mut case.alice, &case.bob),
                false => (&mut case.bob, &case.alice),
            };
            from.asks(&mut world, case.node, method);
            let heard = to.hears(&mut world, method);
            assert!(routes(&heard).is_empty());
            to.answers(&mut world, &heard, 200);
            from.hears(&mut world, "200");
            if method == "INVITE" {
                let ack = from.ua.ack();
                world.say(from.phone, case.node, ack);
                world.settle();
                to.hears(&mut world, "ACK");
            }
            case.keeps_nothing(&world);
        }
        assert!(world.told(case.node).is_empty());
        world.finish();
    }
}

#[test]
fn a_repetition_is_the_same_in_every_byte() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let (invite, first) = case.invites(&mut world, plan());
    for _ in 0..3 {
        world.say(case.alice.phone, case.node, &invite);
        world.settle();
        case.forwards(&mut world, "INVITE", plan());
        let again = case.bob.hears(&mut world, "INVITE");
        assert_eq!(again.text(), first.text());
    }
    // While the application thinks, a repetition is not another request.
    world.say(case.alice.phone, case.node, &invite);
    world.say(case.alice.phone, case.node, &invite);
    world.settle();
    case.forwards(&mut world, "INVITE", plan());
    assert!(world.told(case.node).is_empty());
    assert_eq!(world.heard_what(case.bob.phone), ["INVITE"]);
    case.keeps_nothing(&world);
    world.finish();
}

#[test]
fn its_cancel_and_the_ack_to_its_failure_follow_it_with_its_branch() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let (invite, heard) = case.invites(&mut world, plan());
    case.bob.answers(&mut world, &heard, 180);
    case.alice.hears(&mut world, "180");

    world.say(
        case.alice.phone,
        case.node,
        companion(&invite, "CANCEL", None),
    );
    world.settle();
    case.forwards(&mut world, "CANCEL", plan());
    let cancel = case.bob.hears(&mut world, "CANCEL");
    assert_eq!(branch_of(&cancel), branch_of(&heard));
    assert_eq!(cancel.request_uri(), heard.request_uri());
    case.bob.answers(&mut world, &cancel, 200);
    case.bob.answers(&mut world, &heard, 487);
    let ok = case.alice.hears(&mut world, "200");
    assert_eq!(value(&ok, HeaderId::CSeq), "1 CANCEL");
    let terminated = case.alice.hears(&mut world, "487");

    let ack = companion(&invite, "ACK", Some(&terminated));
    for _ in 0..2 {
        world.say(case.alice.phone, case.node, &ack);
        world.settle();
        case.forwards(&mut world, "ACK", plan());
        let heard_ack = case.bob.hears(&mut world, "ACK");
        assert_eq!(branch_of(&heard_ack), branch_of(&heard));
        case.keeps_nothing(&world);
    }
    world.finish();
}

#[test]
fn a_slow_decision_is_covered_by_a_100_and_by_state() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let invite = case.alice.asks(&mut world, case.node, "INVITE");
    world.run_ms(199);
    assert!(world.heard(case.alice.phone).is_empty());
    world.run_ms(20);
    case.alice.hears(&mut world, "100");
    // Now the caller does not repeat it any more, so somebody else has to.
    case.forwards(&mut world, "INVITE", plan());
    assert_eq!(world.census(case.node).proxies, 1);
    let first = case.bob.hears(&mut world, "INVITE");
    world.run_ms(600);
    let again = case.bob.hears(&mut world, "INVITE");
    assert_eq!(again.text(), first.text());
    case.bob.answers(&mut world, &first, 486);
    let busy = case.alice.hears(&mut world, "486");
    world.say(
        case.alice.phone,
        case.node,
        companion(&invite, "ACK", Some(&busy)),
    );
    world.finish();
}

#[test]
fn with_state_the_100_comes_as_soon_as_that_is_decided() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let invite = case.alice.asks(&mut world, case.node, "INVITE");
    let stateful = crate::world::plan(&["sip:bob@10.0.0.9"]);
    case.forwards(&mut world, "INVITE", stateful);
    case.alice.hears(&mut world, "100");
    let heard = case.bob.hears(&mut world, "INVITE");
    case.bob.answers(&mut world, &heard, 486);
    let busy = case.alice.hears(&mut world, "486");
    world.say(
        case.alice.phone,
        case.node,
        companion(&invite, "ACK", Some(&busy)),
    );
    world.run_secs(1);
    assert!(
        world.told(case.node).is_empty(),
        "this ACK has a transaction"
    );
    world.finish();
}

#[test]
fn an_engine_that_was_not_started_for_it_takes_other_requests_only() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let mut to_callee = call.plan(&[0]);
    to_callee.stateless = true;
    let command = world.proxy(call.node, call.id, to_callee.clone());
    assert_eq!(
        world.proxy_replies(call.node, command),
        ["an INVITE can not be proxied without state: the engine was not started for that"]
    );
    world.respond(call.node, call.id, "SIP/2.0 503 Later\r\n");
    world.run_secs(60);
    world.heard(call.caller);
    let message = world.ua(call.caller, "sip:bob@10.0.0.1").request("MESSAGE");
    world.say(call.caller, call.node, message);
    world.settle();
    let id = world.next_told(call.node).id();
    world.proxy(call.node, id, to_callee);
    world.settle();
    assert!(world.census(call.node).is_empty());
    world.phone_answers(call.callees[0], "MESSAGE", 200);
    world.hear_what(call.caller, "200");
    world.finish();
}

#[test]
fn several_destinations_need_state() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    case.alice.asks(&mut world, case.node, "MESSAGE");
    let told = world.next_told(case.node);
    let mut two = crate::world::plan(&["sip:a@10.0.0.9", "sip:b@10.0.0.9"]);
    two.stateless = true;
    let command = world.proxy(case.node, told.id(), two);
    assert_eq!(
        world.proxy_replies(case.node, command),
        ["too many destinations without state: the limit is 1"]
    );
    world.respond(case.node, told.id(), OK);
    world.finish();
}

#[test]
fn a_response_to_what_was_not_sent_from_here_goes_nowhere() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let (_, heard) = case.invites(&mut world, plan());
    let own = branch_of(&heard).to_string();
    let digit = if own.ends_with('0') { "1" } else { "0" };
    let response = crate::world::answer(&heard, 180, "b", &[], "");
    let start = own.len() - 1;
    let others = [
        format!("{}{digit}", &own[..start]),
        format!(
            "z9hG4bK{}{}",
            if &own[7..8] == "0" { "1" } else { "0" },
            &own[8..]
        ),
        "z9hG4bK000000000000000000000000".to_string(),
        "z9hG4bKx".to_string(),
    ];
    for other in others {
        world.say_back(case.bob.phone, &heard, with_branch(&response, Some(&other)));
    }
    // The right branch, but for somebody else.
    let elsewhere = response.replacen("10.0.0.8:5060", "10.0.0.7:5060", 1);
    let victim = world.phone("10.0.0.7:5060");
    world.say_back(case.bob.phone, &heard, elsewhere);
    world.settle();
    assert!(world.heard(case.alice.phone).is_empty());
    assert!(world.heard(victim).is_empty());
    world.finish();
}

#[test]
fn what_the_application_does_not_forward_leaves_nothing() {
    let mut world = World::new(1);
    let mut case = case(&mut world, Transport::Udp);
    let invite = case.alice.ua.request("INVITE");
    world.say(case.alice.phone, case.node, companion(&invite, "ACK", None));
    world.say(
        case.alice.phone,
        case.node,
        companion(&invite, "CANCEL", None),
    );
    world.settle();
    let ack = world.next_told(case.node);
    let refusal = world.refused(case.node, respond(ack.id(), OK));
    assert_eq!(refusal.code(), "DRT_ERR_UNKNOWN_TRANSACTION");
    assert_eq!(world.next_told(case.node).what(), "CANCEL");
    world.run_secs(70);
    case.alice.hears(&mut world, "481");
    assert!(
        world.heard(case.alice.phone).is_empty(),
        "an ACK has no answer"
    );
    world.run_secs(40);
    case.keeps_nothing(&world);
    world.finish();
}

#[test]
fn a_name_is_looked_up_each_time_and_one_that_leads_nowhere_is_answered() {
    let mut world = World::new(1);
    world.name("bob.example.com", &["10.0.0.9"]);
    let mut case = case(&mut world, Transport::Udp);
    for (host, answers) in [("bob.example.com", false), ("nowhere.example.com", true)] {
        case.alice.asks(&mut world, case.node, "MESSAGE");
        let mut plan = crate::world::plan(&[&format!("sip:bob@{host}")]);
        plan.stateless = true;
        case.forwards(&mut world, "MESSAGE", plan);
        if answers {
            case.alice.hears(&mut world, "500");
        } else {
            let heard = case.bob.hears(&mut world, "MESSAGE");
            case.bob.answers(&mut world, &heard, 200);
            case.alice.hears(&mut world, "200");
        }
        case.keeps_nothing(&world);
    }
    world.finish();
}

#[test]
fn a_loop_ends_when_no_hop_is_left() {
    // RFC 5393 §4.2: who does not fork need not find loops, since Max-Forwards ends them (§16.3).
    for method in ["INVITE", "MESSAGE"] {
        let mut world = World::new(1);
        let mut case = case(&mut world, Transport::Udp);
        let request = case.alice.ua.request(method);
        let request = request.replace("Max-Forwards: 70", "Max-Forwards: 20");
        world.say(case.alice.phone, case.node, &request);
        world.settle();
        let mut itself = plan();
        itself.groups[0][0].uri = "sip:bob@10.0.0.1".to_owned();
        let mut turns = 0;
        while let Some(told) = world.told(case.node).pop() {
            assert_eq!(told.what(), method);
            turns += 1;
            world.proxy(case.node, told.id(), itself.clone());
            world.settle();
        }
        assert_eq!(turns, 21, "20 hops, and one that finds none left");
        let refused = case.alice.hears(&mut world, "483");
        assert_eq!(refused.values(HeaderId::Via).count(), 1);
        if method == "INVITE" {
            let ack = companion(&request, "ACK", Some(&refused));
            world.say(case.alice.phone, case.node, ack);
            world.settle();
            // It goes where the INVITE has gone, until no hop is left to it either.
            let mut turns = 0;
            while let Some(told) = world.told(case.node).pop() {
                turns += 1;
                world.proxy(case.node, told.id(), itself.clone());
                world.settle();
            }
            assert!((1..=71).contains(&turns), "{turns}");
        }
        world.finish();
    }
}
