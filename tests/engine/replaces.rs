//! RFC 3891 §3: an INVITE that is to replace a call names that call to its application.

use crate::world::{answer, companion, plan, respond, Heard, Node, Phone, Ua, World};
use crate::world::{BYE, OK, RINGING};
use drachtio::engine::{AppId, DialogId};

struct Scene {
    world: World,
    node: Node,
    /// In the call.
    phone: Phone,
    /// Wants to take its place.
    other: Phone,
}

fn scene() -> Scene {
    let mut world = World::new(1);
    let (node, phone) = world.node_and_phone();
    let other = world.phone("10.0.0.7:5060");
    Scene {
        world,
        node,
        phone,
        other,
    }
}

/// The tag in a header value of a phone's.
fn tag(value: &str) -> &str {
    value.split_once(";tag=").unwrap().1
}

/// The Replaces of a call of ours with this phone: our tag is the to-tag, the phone's the from-tag.
fn replaces(ua: &Ua, suffix: &str) -> String {
    let (ours, theirs) = (tag(&ua.remote), tag(&ua.local));
    format!(
        "Replaces: {};to-tag={ours};from-tag={theirs}{suffix}",
        ua.call_id
    )
}

impl Scene {
    /// The other phone sends an INVITE with these headers; the INVITE as the phone keeps it.
    fn invite(&mut self, headers: &[&str]) -> (Ua, String) {
        let mut carol = self.world.ua(self.other, "sip:bob@10.0.0.1");
        let invite = carol.request_with("INVITE", headers, "");
        self.world.say(self.other, self.node, &invite);
        self.world.settle();
        self.world.hear_what(self.other, "100");
        (carol, invite)
    }

    /// An answer of the application's becomes this refusal.
    fn answer_becomes(&mut self, invite: &str, text: &str, status: u16) {
        let told = self.world.next_told(self.node);
        assert_eq!((told.what().as_str(), &told.dialog), ("INVITE", &None));
        let refusal = self.world.refused(self.node, respond(told.id(), text));
        assert_eq!(refusal.code(), "DRT_ERR_REPLACES");
        assert_eq!(
            refusal.to_string(),
            format!(
                "the call to be replaced is not here or may not be replaced: {status} was sent"
            )
        );
        self.world.settle();
        let refused: Heard = self.world.hear_what(self.other, &status.to_string());
        let ack = companion(invite, "ACK", Some(&refused));
        self.world.say(self.other, self.node, ack);
        self.world.settle();
    }

    /// The application is told which call, and answers; it ends that call before or after.
    fn is_told(&mut self, mut carol: Ua, dialog: &DialogId) {
        let told = self.world.next_told(self.node);
        assert_eq!(
            (told.what().as_str(), told.dialog_id()),
            ("INVITE", dialog.clone())
        );
        let sent = self.world.respond(self.node, told.id(), OK);
        assert_ne!(&sent.dialog_id(), dialog);
        self.world.settle();
        let ok = self.world.hear_what(self.other, "200");
        carol.answered(&ok);
        let ack = carol.ack();
        self.world.say(self.other, self.node, ack);
        self.world.settle();
        assert_eq!(self.world.told_what(self.node), ["ACK"]);
        let (other, node) = (self.other, self.node);
        self.world.phone_hangs_up(other, node, &mut carol);
    }

    fn hang_up(mut self, dialog: &DialogId) {
        self.world.request_in(self.node, dialog, BYE);
        self.world.finish();
    }
}

#[test]
fn a_call_in_either_direction_is_found_by_our_tag_and_the_peers() {
    let mut scene = scene();
    let (alice, dialog) = scene.world.call_in(scene.phone, scene.node);
    let (carol, _) = scene.invite(&[&replaces(&alice, ""), "Require: replaces"]);
    scene.is_told(carol, &dialog);
    scene.hang_up(&dialog);

    let mut scene = self::scene();
    let (bob, dialog) = scene.world.call_out(scene.node, scene.phone);
    let (carol, _) = scene.invite(&[&replaces(&bob, " ;x=y")]);
    scene.is_told(carol, &dialog);
    scene.hang_up(&dialog);
}

#[test]
fn the_application_may_end_the_call_before_it_answers() {
    let mut scene = scene();
    let (alice, dialog) = scene.world.call_in(scene.phone, scene.node);
    let (carol, _) = scene.invite(&[&replaces(&alice, "")]);
    scene.world.request_in(scene.node, &dialog, BYE);
    scene.world.settle();
    let bye = scene.world.hear_what(scene.phone, "BYE");
    let text = answer(&bye, 200, "", &[], "");
    scene.world.say_back(scene.phone, &bye, text);
    scene.world.settle();
    assert_eq!(scene.world.census(scene.node).dialogs, 0);
    let invite = scene.world.next_told(scene.node);
    assert_eq!(scene.world.told_what(scene.node), ["200"]);
    scene.world.respond(scene.node, invite.id(), OK);
    scene.world.settle();
    scene.world.hear_what(scene.other, "200");
    drop(carol);
    scene.world.finish();
}

#[test]
fn a_call_that_is_not_here_is_answered_481_and_a_malformed_header_400() {
    let mut scene = scene();
    let (alice, dialog) = scene.world.call_in(scene.phone, scene.node);
    let right = replaces(&alice, "");
    let (ours, theirs) = (
        tag(&alice.remote).to_string(),
        tag(&alice.local).to_string(),
    );
    let id = alice.call_id.clone();
    // The tags in the wrong order name the call as the peer would.
    let swapped = format!("Replaces: {id};to-tag={theirs};from-tag={ours}");
    let other_call = format!("Replaces: other;to-tag={ours};from-tag={theirs}");
    let other_tag = format!("Replaces: {id};to-tag={ours};from-tag=x");
    for header in [&swapped, &other_call, &other_tag] {
        for text in [RINGING, OK] {
            let (_, invite) = scene.invite(&[header]);
            scene.answer_becomes(&invite, text, 481);
        }
    }
    let without = format!("Replaces: {id};to-tag={ours}");
    let twice = format!("{right};to-tag=x");
    let nameless = format!("Replaces: ;to-tag={ours};from-tag={theirs}");
    let listed = format!("Replaces: {id},b;to-tag={ours};from-tag={theirs}");
    for header in [&without, &twice, &nameless, &listed] {
        let (_, invite) = scene.invite(&[header]);
        scene.answer_becomes(&invite, OK, 400);
    }
    for second in [right.as_str(), "Join: a;to-tag=b;from-tag=c"] {
        let (_, invite) = scene.invite(&[&right, second]);
        scene.answer_becomes(&invite, OK, 400);
    }
    scene.hang_up(&dialog);
}

#[test]
fn a_call_that_is_up_is_busy_to_one_that_wants_it_early_only() {
    let mut scene = scene();
    let (alice, dialog) = scene.world.call_in(scene.phone, scene.node);
    let (_, invite) = scene.invite(&[&replaces(&alice, ";early-only")]);
    scene.answer_becomes(&invite, OK, 486);
    scene.hang_up(&dialog);
}

#[test]
fn only_the_callers_side_of_a_call_that_rings_can_be_replaced() {
    let mut scene = scene();
    let mut alice = scene.world.ua(scene.phone, "sip:bob@10.0.0.1");
    let first = alice.request("INVITE");
    scene.world.say(scene.phone, scene.node, first);
    scene.world.settle();
    let id = scene.world.next_told(scene.node).id();
    scene.world.respond(scene.node, id, RINGING);
    scene.world.settle();
    scene.world.hear_what(scene.phone, "100");
    alice.answered(&scene.world.hear_what(scene.phone, "180").clone());
    let (_, invite) = scene.invite(&[&replaces(&alice, "")]);
    scene.answer_becomes(&invite, OK, 481);
    scene.world.respond(scene.node, id, "SIP/2.0 486 No\r\n");
    scene.world.finish();

    let mut scene = self::scene();
    let sent = scene
        .world
        .request(scene.node, "INVITE sip:phone@10.0.0.9 SIP/2.0\r\n");
    scene.world.settle();
    let first = scene.world.hear_what(scene.phone, "INVITE");
    let bob = Ua::called(scene.phone, &first, "b");
    let ringing = answer(&first, 180, "b", &[&bob.contact_line()], "");
    scene.world.say_back(scene.phone, &first, ringing);
    scene.world.settle();
    assert_eq!(scene.world.told_what(scene.node), ["180"]);
    let (carol, _) = scene.invite(&[&replaces(&bob, ";early-only")]);
    scene.is_told(carol, &sent.dialog_id());
    let busy = answer(&first, 486, "b", &[], "");
    scene.world.say_back(scene.phone, &first, busy);
    scene.world.finish();
}

#[test]
fn the_invite_goes_to_the_application_that_has_the_call() {
    let mut scene = scene();
    let (alice, dialog) = scene.world.call_in(scene.phone, scene.node);
    scene.world.assign_requests(scene.node, AppId(2));
    let (carol, _) = scene.invite(&[&replaces(&alice, "")]);
    scene.is_told(carol, &dialog);
    scene.hang_up(&dialog);
}

#[test]
fn an_application_may_refuse_or_forward_whatever_it_is() {
    let mut scene = scene();
    let (_, invite) = scene.invite(&["Replaces: other;to-tag=a;from-tag=b"]);
    let id = scene.world.next_told(scene.node).id();
    scene.world.respond(scene.node, id, "SIP/2.0 403 No\r\n");
    scene.world.settle();
    let refused = scene.world.hear_what(scene.other, "403");
    let ack = companion(&invite, "ACK", Some(&refused));
    scene.world.say(scene.other, scene.node, ack);

    let (_, invite) = scene.invite(&["Replaces: other;to-tag=a;from-tag=b"]);
    let id = scene.world.next_told(scene.node).id();
    scene
        .world
        .proxy(scene.node, id, plan(&["sip:phone@10.0.0.9"]));
    scene.world.settle();
    let forwarded = scene.world.hear_what(scene.phone, "INVITE");
    assert!(forwarded.get_named("Replaces").is_some());
    let busy = answer(&forwarded, 486, "b", &[], "");
    scene.world.say_back(scene.phone, &forwarded, busy);
    scene.world.settle();
    let refused = scene.world.hear_what(scene.other, "486");
    let ack = companion(&invite, "ACK", Some(&refused));
    scene.world.say(scene.other, scene.node, ack);
    scene.world.finish();
}

#[test]
fn an_application_that_keeps_its_calls_elsewhere_may_have_it_unchecked() {
    let mut scene = scene();
    scene.node = scene
        .world
        .node_told("10.0.0.2:5060", |config| config.foreign_replaces = true);
    let (mut carol, _) = scene.invite(&["Replaces: other;to-tag=a;from-tag=b"]);
    let id = scene.world.next_told(scene.node).id();
    scene.world.respond(scene.node, id, OK);
    scene.world.settle();
    carol.answered(&scene.world.hear_what(scene.other, "200").clone());
    let ack = carol.ack();
    scene.world.say(scene.other, scene.node, ack);
    scene.world.settle();
    scene.world.told(scene.node);
    let (other, node) = (scene.other, scene.node);
    scene.world.phone_hangs_up(other, node, &mut carol);
    scene.world.finish();
}
