//! RFC 3261 §19.1.2, §25.1, RFC 5118: calls between IPv6 addresses.

use crate::world::{answer, plan, uri_of, value, World, BYE};
use drachtio::message::HeaderId;

#[test]
fn a_call_in_and_a_call_out() {
    for tcp in [false, true] {
        let mut world = World::new(1);
        let node = world.node("[2001:db8::1]:5060");
        let mut phone = world.phone("[2001:db8::9]:5060");
        if tcp {
            phone = phone.by_tcp();
        }
        let (mut alice, _) = world.call_in(phone, node);
        assert!(alice.target.starts_with("sip:[2001:db8::1]:5060"));
        world.phone_hangs_up(phone, node, &mut alice);

        let (_, dialog) = world.call_out(node, phone);
        let bye = world.request_in(node, &dialog, BYE);
        let via = bye.message.top_via().unwrap();
        assert_eq!((via.host, via.port), ("2001:db8::1", Some(5060)));
        world.settle();
        let bye = world.hear_what(phone, "BYE");
        world.say_back(phone, &bye, answer(&bye, 200, "", &[], ""));
        world.finish();
    }
}

#[test]
fn the_source_is_noted_without_brackets_and_only_if_it_differs() {
    let mut world = World::new(1);
    let node = world.node("[2001:db8::1]:5060");
    let phone = world.phone("[2001:db8::9]:5060");
    for (sent_by, received) in [
        ("[2001:db8::9]:5060", None),
        // The same address, written otherwise.
        ("[2001:0DB8:0::9]:5060", None),
        ("[2001:db8::77]:5060", Some("2001:db8::9")),
        ("phone.example.com", Some("2001:db8::9")),
    ] {
        let options = world.ua(phone, "sip:[2001:db8::1]").request("OPTIONS");
        world.say(
            phone,
            node,
            options.replacen("[2001:db8::9]:5060", sent_by, 1),
        );
        world.settle();
        let told = world.next_told(node);
        assert_eq!(
            told.message.top_via().unwrap().received(),
            received,
            "{sent_by}"
        );
        world.respond(node, told.id(), crate::world::OK);
        world.settle();
        world.hear_what(phone, "200");
    }
    world.finish();
}

#[test]
fn localhost_and_routes_have_brackets() {
    let mut world = World::new(1);
    let node = world.node("[2001:db8::1]:5060");
    let phone = world.phone("[2001:db8::9]:5060");
    let callee = world.phone("[2001:db8::21]:5060");
    let draft = "OPTIONS sip:[2001:db8::9] SIP/2.0\r\nFrom: <sip:a@localhost:5099>\r\n";
    let sent = world.request(node, draft);
    assert_eq!(
        uri_of(&sent.message, HeaderId::From),
        "sip:a@[2001:db8::1]:5099"
    );
    world.settle();
    let options = world.hear_what(phone, "OPTIONS");
    world.say_back(phone, &options, answer(&options, 200, "b", &[], ""));
    world.settle();
    world.told(node);

    let message = world.ua(phone, "sip:bob@[2001:DB8::1]").request("INVITE");
    world.say(phone, node, message);
    world.settle();
    let id = world.next_told(node).id();
    let mut plan = plan(&["sip:x@[2001:db8::21]"]);
    plan.remain_in_dialog = true;
    world.proxy(node, id, plan);
    world.settle();
    let forwarded = world.hear_what(callee, "INVITE");
    assert_eq!(
        forwarded.request_uri(),
        Some("sip:x@[2001:db8::21]"),
        "it named us"
    );
    assert_eq!(
        value(&forwarded, HeaderId::RecordRoute),
        "<sip:[2001:db8::1]:5060;lr>"
    );
    world.answer(callee, &forwarded, 486);
    world.finish();
}
