//! RFC 3261 §8.1.3.1, §15: requests that are open when their dialog ends have one final response too.

use crate::world::{answer, request_in, World, BYE, INFO, OK};

const METHODS: [&str; 7] = [
    "INFO",
    "UPDATE",
    "INVITE",
    "NOTIFY",
    "REFER",
    "SUBSCRIBE",
    "OPTIONS",
];

#[test]
fn a_bye_of_the_peers_leaves_each_request_its_answer() {
    for method in METHODS {
        // The peer answers after its BYE, or says nothing more.
        for answers in [true, false] {
            let mut world = World::new(1);
            let (node, phone, mut alice, dialog) = world.inbound_call();
            let text = format!("{method} sip:x SIP/2.0\r\nEvent: x\r\n");
            let sent = world.request_in(node, &dialog, &text);
            world.settle();
            let heard = world.hear_what(phone, method);
            world.phone_hangs_up(phone, node, &mut alice);
            if answers {
                world.say_back(phone, &heard, answer(&heard, 481, "", &[], ""));
            }
            world.run_secs(33);
            let told = world.next_told(node);
            let status = if answers { "481" } else { "408" };
            assert_eq!(
                (told.what().as_str(), told.id()),
                (status, sent.transaction),
                "{method}"
            );
            assert!(world.told(node).is_empty());
            world.finish();
        }
    }
}

#[test]
fn what_waits_for_a_name_when_the_dialog_ends_is_refused() {
    let mut world = World::new(1);
    world.name("phone.example", &["10.0.0.9"]);
    let (node, phone) = world.node_and_phone();
    let (mut alice, dialog) = world.call_in_with(phone, node, |alice| {
        let invite = alice.request("INVITE");
        invite.replace(&alice.contact_line(), "Contact: <sip:phone@phone.example>")
    });
    // The look-up takes longer than the call.
    world.set_look_up_time(std::time::Duration::from_secs(2));
    let command = world.give(node, request_in(&dialog, INFO));
    let bye = alice.request("BYE");
    world.say(phone, node, bye);
    world.run_secs(1);
    let told = world.next_told(node);
    assert_eq!(told.what(), "BYE");
    world.respond(node, told.id(), OK);
    world.run_secs(3);
    assert_eq!(world.replies(node, command).len(), 1);
    world.finish();
}

#[test]
fn a_call_that_is_gone_at_the_peer_ends_with_our_bye_however_that_fails() {
    for code in [404, 408, 481, 500, 503, 603] {
        let mut world = World::new(1);
        let (node, phone, _, dialog) = world.outbound_call();
        let bye = world.app_asks(node, phone, &dialog, BYE);
        world.answer(phone, &bye, code);
        assert_eq!(world.told_what(node), [code.to_string()]);
        assert_eq!(world.census(node).dialogs, 0);
        world.finish();
    }
}
