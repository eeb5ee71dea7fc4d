//! drachtio protocol §1.4: commands whose outcome nobody waits for get no reply.

use crate::world::{answer, plan, request, respond, World, BUSY, OK};

#[test]
fn what_they_ask_is_done_without_a_reply() {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let options = world.ua(phone, "sip:10.0.0.1").request("OPTIONS");
    world.say(phone, node, options);
    world.settle();
    let id = world.next_told(node).id();
    for text in [OK, BUSY] {
        // The second one comes too late, and nobody hears of that either.
        world.give_silently(node, respond(id, text));
    }
    world.settle();
    assert_eq!(world.heard_what(phone), ["200"]);

    world.give_silently(node, request("OPTIONS nonsense SIP/2.0\r\n"));
    let (_, transaction) = world.inbound_from(phone, node, "MESSAGE");
    let plan = plan(&["sip:phone@10.0.0.9"]);
    world.give_silently(node, drachtio::engine::Action::Proxy { transaction, plan });
    world.settle();
    let forwarded = world.hear_what(phone, "MESSAGE");
    world.say_back(phone, &forwarded, answer(&forwarded, 404, "b", &[], ""));
    world.settle();
    assert_eq!(world.heard_what(phone), ["404"]);
    world.finish();
}
