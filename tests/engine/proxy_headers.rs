//! RFC 3261 §16.6 items 2 and 5: what an application may change in what is forwarded, and what
//! it may not.

use crate::world::{draft, plan, uri_of, value, Heard, Proxying, World};
use drachtio::engine::{ProxyPlan, RequestUri};
use drachtio::message::HeaderId;

/// The request of a caller, and what comes of a plan.
fn forwarded(world: &mut World, call: &Proxying, plan: ProxyPlan) -> Heard {
    world.proxy(call.node, call.id, plan);
    world.settle();
    world.hear_what(call.callees[0], "INVITE")
}

fn end(mut world: World, call: &Proxying, invite: &Heard) {
    world.answer(call.callees[0], invite, 486);
    let busy = world.hear_what(call.caller, "486");
    world.acknowledge_failure(call, &busy);
    world.finish();
}

#[test]
fn headers_are_replaced_taken_off_and_added() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    let mut plan = call.plan(&[0]);
    plan.changes.set = Some(draft(
        "INVITE sip:x SIP/2.0\r\nm: <sip:sbc@10.0.0.1>\r\nX-List: 1\r\nX-List: 2\r\n",
    ));
    plan.changes.remove = vec!["User-Agent".to_string(), "x-LIST".to_string()];
    plan.headers = Some(draft("INVITE sip:x SIP/2.0\r\nX-List: 3\r\n"));
    let invite = forwarded(&mut world, &call, plan);
    assert_eq!(uri_of(&invite, HeaderId::Contact), "sip:sbc@10.0.0.1");
    assert_eq!(invite.values(HeaderId::Contact).count(), 1);
    let text = String::from_utf8_lossy(invite.text());
    let list: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("X-List"))
        .collect();
    assert_eq!(list, ["X-List: 1", "X-List: 2", "X-List: 3"]);
    drop(text);
    end(world, &call, &invite);
}

#[test]
fn the_tags_of_from_and_to_stay_whatever_else_they_say() {
    for with_tag in [false, true] {
        let mut world = World::new(1);
        let call = world.proxying("INVITE");
        let tag = call.ua.local.split_once(";tag=").unwrap().1.to_string();
        let from = match with_tag {
            true => format!("\"A\" <sip:a@b.example>;tag={tag}"),
            false => "\"A\" <sip:a@b.example>".to_string(),
        };
        let mut plan = call.plan(&[0]);
        let set = format!("INVITE sip:x SIP/2.0\r\nf: {from}\r\nTo: <sip:t@b.example>\r\n");
        plan.changes.set = Some(draft(&set));
        let invite = forwarded(&mut world, &call, plan);
        assert_eq!(
            value(&invite, HeaderId::From),
            format!("\"A\" <sip:a@b.example>;tag={tag}")
        );
        assert_eq!(value(&invite, HeaderId::To), "<sip:t@b.example>");
        end(world, &call, &invite);
    }
}

#[test]
fn what_the_proxy_and_the_transaction_work_by_is_refused_by_name() {
    let mut world = World::new(1);
    let call = world.proxying("INVITE");
    for name in [
        "Via",
        "Route",
        "Record-Route",
        "Max-Forwards",
        "Call-ID",
        "CSeq",
        "Content-Length",
        "Content-Type",
        "i",
        "From",
        "To",
    ] {
        let mut removing = call.plan(&[0]);
        removing.changes.remove = vec!["Subject".to_string(), name.to_string()];
        let value = match name {
            "From" => "<sip:a@b>;tag=other",
            "To" => "<sip:a@b>;tag=other",
            _ => "1",
        };
        let mut setting = call.plan(&[0]);
        let set = format!("INVITE sip:x SIP/2.0\r\nSubject: s\r\n{name}: {value}\r\n");
        setting.changes.set = Some(draft(&set));
        for plan in [removing, setting] {
            let command = world.proxy(call.node, call.id, plan);
            let refusal = format!("the header {name} of a forwarded request can not be changed");
            assert_eq!(world.proxy_replies(call.node, command), [refusal]);
        }
    }
    // Nothing has happened to the request.
    let invite = forwarded(&mut world, &call, call.plan(&[0]));
    end(world, &call, &invite);
}

#[test]
fn the_request_uri_is_kept_or_replaced_as_it_is_asked() {
    let foreign = "sip:bob@example.com;x=y";
    let ours = "sip:bob@10.0.0.1";
    let target = "sip:phone@10.0.0.21";
    for (received, how, expected) in [
        (ours, RequestUri::IfOurs, target),
        (foreign, RequestUri::IfOurs, foreign),
        (ours, RequestUri::Kept, ours),
        (foreign, RequestUri::Kept, foreign),
        (ours, RequestUri::Replaced, target),
        (foreign, RequestUri::Replaced, target),
    ] {
        let mut world = World::new(1);
        let node = world.node("10.0.0.1:5060");
        let caller = world.phone("10.0.0.8:5060");
        let callee = world.phone("10.0.0.21:5060");
        let message = world.ua(caller, received).request("MESSAGE");
        world.say(caller, node, message);
        world.settle();
        let id = world.next_told(node).id();
        let mut plan = plan(&[target]);
        plan.request_uri = how;
        world.proxy(node, id, plan);
        world.settle();
        let message = world.hear_what(callee, "MESSAGE");
        assert_eq!(message.request_uri(), Some(expected), "{received} {how:?}");
        world.answer(callee, &message, 200);
        world.hear_what(caller, "200");
        world.finish();
    }
}
