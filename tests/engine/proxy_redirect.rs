//! RFC 3261 §16.5, §16.7 step 4: redirections that are followed.

use crate::world::{answer, at_once, Heard, Phone, Proxying, World};
use drachtio::engine::{CommandId, DEFAULT_REDIRECTS};

fn following(world: &mut World, method: &str, places: &[usize]) -> (Proxying, CommandId) {
    let call = world.proxying(method);
    let mut plan = call.plan(places);
    plan.redirects = DEFAULT_REDIRECTS;
    let command = world.proxy(call.node, call.id, plan);
    world.settle();
    (call, command)
}

fn redirect(world: &mut World, phone: Phone, request: &Heard, contacts: &str) {
    let contact = format!("Contact: {contacts}");
    let text = answer(request, 302, "r", &[&contact], "");
    world.say_back(phone, request, text);
    world.settle();
}

#[test]
fn the_contacts_are_tried_before_the_other_destinations() {
    let mut world = World::new(1);
    let (call, command) = following(&mut world, "INVITE", &[0, 2]);
    let [a, b, c] = call.callees;
    let invite = world.hear_what(a, "INVITE");
    redirect(
        &mut world,
        a,
        &invite,
        "<sip:x@10.0.0.22>, <sip:y@10.0.0.22>;q=0.5",
    );
    world.hear_what(a, "ACK");
    let invite = world.hear_what(b, "INVITE");
    assert_eq!(invite.request_uri(), Some("sip:x@10.0.0.22"));
    assert!(world.heard(c).is_empty());
    world.answer(b, &invite, 486);
    world.hear_what(b, "ACK");
    let invite = world.hear_what(b, "INVITE");
    assert_eq!(invite.request_uri(), Some("sip:y@10.0.0.22"));
    world.answer(b, &invite, 404);
    world.phone_answers(c, "INVITE", 200);
    assert_eq!(world.heard_what(call.caller), ["200"]);
    let replies = world.proxy_replies(call.node, command);
    assert_eq!(replies, ["302", "486", "404", "200", "done"]);
    world.finish();
}

#[test]
fn a_redirection_that_is_not_to_be_followed_goes_back() {
    let mut world = World::new(1);
    let (call, invite) = world.search("INVITE", &[0]);
    let [a, b, _] = call.callees;
    redirect(&mut world, a, &invite, "<sip:x@10.0.0.22>");
    assert!(world.heard(b).is_empty());
    let moved = world.hear_what(call.caller, "302");
    assert_eq!(moved.contact().unwrap().unwrap().uri, "sip:x@10.0.0.22");
    world.acknowledge_failure(&call, &moved);
    world.finish();
}

#[test]
fn a_redirection_in_a_circle_ends() {
    let mut world = World::new(1);
    let (call, command) = following(&mut world, "INVITE", &[0]);
    let [a, b, _] = call.callees;
    let invite = world.hear_what(a, "INVITE");
    redirect(&mut world, a, &invite, "<sip:phone@10.0.0.22:5060>");
    let invite = world.hear_what(b, "INVITE");
    redirect(&mut world, b, &invite, "<sip:phone@10.0.0.21:5060>");
    assert_eq!(world.heard_what(a), ["ACK"], "it has been tried");
    // Nothing new to try: the last direction is all that the caller can be given.
    world.caller_is_refused(&call, 302);
    assert_eq!(
        world.proxy_replies(call.node, command),
        ["302", "302", "done"]
    );
    world.finish();
}

#[test]
fn a_redirection_without_a_usable_contact_goes_back() {
    for contacts in ["<mailto:x@y>, <tel:+1>", "<sip:phone@10.0.0.21:5060>", "*"] {
        let mut world = World::new(1);
        let (call, command) = following(&mut world, "INVITE", &[0]);
        let [a, b, _] = call.callees;
        let invite = world.hear_what(a, "INVITE");
        redirect(&mut world, a, &invite, contacts);
        assert!(world.heard(b).is_empty());
        world.caller_is_refused(&call, 302);
        assert_eq!(
            world.proxy_replies(call.node, command).last().unwrap(),
            "done"
        );
        world.finish();
    }
}

#[test]
fn in_a_simultaneous_search_the_contacts_are_called_at_once() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let [a, b, c] = call.callees;
    let mut plan = call.plan(&[0, 1]);
    plan.redirects = DEFAULT_REDIRECTS;
    plan = at_once(plan);
    let command = world.proxy(call.node, call.id, plan);
    world.settle();
    let first = world.hear_what(a, "INVITE");
    let second = world.phone_answers(b, "INVITE", 180);
    redirect(
        &mut world,
        a,
        &first,
        "<sip:x@10.0.0.23>, <sip:y@10.0.0.23>",
    );
    let third = world.hear_what(c, "INVITE");
    let fourth = world.hear_what(c, "INVITE");
    world.answer(c, &third, 486);
    world.hear_what(c, "ACK");
    // Each response still finds its own branch.
    world.answer(b, &second, 200);
    assert_eq!(world.heard_what(call.caller), ["180", "200"]);
    world.answer(c, &fourth, 180);
    world.hear_what(c, "CANCEL");
    world.answer(c, &fourth, 487);
    assert_eq!(
        world.proxy_replies(call.node, command),
        ["302", "486", "200", "done"]
    );
    world.finish();
}

#[test]
fn redirections_are_followed_up_to_the_limit_of_destinations() {
    let mut world = World::new(1);
    let (call, command) = following(&mut world, "MESSAGE", &[0]);
    let [a, ..] = call.callees;
    let most = drachtio::engine::limits::MAX_BRANCHES;
    let mut tried = 0;
    while let Some(message) = world.heard(a).into_iter().next() {
        tried += 1;
        let contacts: Vec<String> = (0..20)
            .map(|number| format!("<sip:{tried}-{number}@10.0.0.21>"))
            .collect();
        redirect(&mut world, a, &message, &contacts.join(", "));
    }
    assert_eq!(tried, most);
    world.hear_what(call.caller, "302");
    assert_eq!(world.proxy_replies(call.node, command).len(), most + 1);
    world.finish();
}

#[test]
fn the_contacts_are_tried_by_their_preference() {
    let mut world = World::new(1);
    let (call, _) = following(&mut world, "MESSAGE", &[0]);
    let [a, b, _] = call.callees;
    let message = world.hear_what(a, "MESSAGE");
    redirect(
        &mut world,
        a,
        &message,
        "<sip:low@10.0.0.22>;q=0.1, <sip:high@10.0.0.22>;q=0.9, <sip:most@10.0.0.22>",
    );
    for user in ["most", "high", "low"] {
        let message = world.hear_what(b, "MESSAGE");
        let uri = format!("sip:{user}@10.0.0.22");
        assert_eq!(message.request_uri(), Some(&*uri));
        world.answer(b, &message, 404);
    }
    assert_eq!(world.heard_what(call.caller), ["404"]);
    world.finish();
}

#[test]
fn no_more_redirections_in_a_row_are_followed_than_asked() {
    for (most, last) in [(0, 0), (1, 1), (3, 3)] {
        let mut world = World::new(1);
        let call = world.proxying("MESSAGE");
        let [a, ..] = call.callees;
        let mut plan = call.plan(&[0]);
        plan.redirects = most;
        world.proxy(call.node, call.id, plan);
        world.settle();
        let mut followed = 0;
        let mut message = world.hear_what(a, "MESSAGE");
        loop {
            let contact = format!("<sip:{followed}@10.0.0.21>");
            redirect(&mut world, a, &message, &contact);
            let Some(next) = world.heard(a).pop() else {
                break;
            };
            followed += 1;
            message = next;
        }
        assert_eq!(followed, last);
        world.hear_what(call.caller, "302");
        world.finish();
    }
}

#[test]
fn a_uri_that_is_the_same_in_other_words_is_not_tried_twice() {
    let mut world = World::new(1);
    let (call, _) = following(&mut world, "MESSAGE", &[0]);
    let [a, ..] = call.callees;
    let message = world.hear_what(a, "MESSAGE");
    redirect(
        &mut world,
        a,
        &message,
        "<SIP:%70hone@10.0.0.21:5060>, <sip:phone@10.0.0.21:5060>",
    );
    assert!(world.heard(a).is_empty());
    world.hear_what(call.caller, "302");
    world.finish();
}

#[test]
fn headers_in_a_contact_do_not_go_into_the_request_line() {
    let mut world = World::new(1);
    let (call, _) = following(&mut world, "MESSAGE", &[0]);
    let [a, b, _] = call.callees;
    let message = world.hear_what(a, "MESSAGE");
    redirect(&mut world, a, &message, "<sip:x@10.0.0.22;y=1?Subject=s>");
    let message = world.hear_what(b, "MESSAGE");
    assert_eq!(message.request_uri(), Some("sip:x@10.0.0.22;y=1"));
    world.answer(b, &message, 200);
    world.finish();
}
