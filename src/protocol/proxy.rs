//! `proxy`: where and how a request is forwarded.
//!
//! The head has these tokens, with bars between them: `remainInDialog`, `fullResponse`,
//! `followRedirects`, `simultaneous` (any other text in their places means no), the provisional
//! and the final timeout (`2s`, `500ms` or nothing), then the destinations. The text is a draft:
//! its headers are added to every forwarded request, its start line says nothing.
//!
//! That is all that drachtio-server knows. It ignores the draft's body, so what this package's
//! client says beyond it to this package's server is written there: lines that end with CRLF, of
//! a keyword and, after a blank, a value. A body that does not begin with `plan` says nothing.
//!
//! | line | what it says |
//! |---|---|
//! | `plan` | this is such a body |
//! | `progress` | tell how the search goes while it goes |
//! | `redirects <number>` | follow so many redirections in a row, 0 to 255 |
//! | `set <name>: <value>` | a header that takes the place of all of its name |
//! | `remove <name>` | a header that is taken off |
//! | `request-uri keep`, `request-uri replace` | what the caller wrote, or the target's URI, whoever it named |
//! | `stateless` | keep nothing of the request |
//! | `routes follow` | go along the routes that the caller has written |
//! | `group` | the targets that follow are tried at once, when those before have failed |
//! | `target <uri>` | one more target; if there is any, the destinations of the head do not count |
//!
//! These speak of the target above them:
//!
//! | line | what it says |
//! |---|---|
//! | `via <uri>` | send there instead |
//! | `transport <name>` | send by `udp`, `tcp`, `tls`, `ws` or `wss` |
//! | `provisional-timeout <time>`, `final-timeout <time>` | in place of the head's |
//! | `header <name>: <value>` | a header for this target alone |

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::time::read_time;
use crate::engine::{
    limits, PreloadedRoutes, ProxyPlan, ProxyTarget, RequestUri, Transport, DEFAULT_REDIRECTS,
};
use crate::message::{Message, ParseError};

/// The first line of a body that is for us.
const EXTRA: &[u8] = b"plan\r\n";

/// Why a text is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NotAPlan {
    /// It is not written as it should be.
    #[error("{0}")]
    Malformed(&'static str),
    /// The draft is none.
    #[error(transparent)]
    Draft(#[from] ParseError),
}

/// Reads a plan from the tokens of the head, those from `remainInDialog` on, and the draft.
pub(crate) fn read_plan(head: &str, text: Bytes) -> Result<ProxyPlan, NotAPlan> {
    let mut tokens = head.split('|');
    let mut token = || tokens.next().ok_or(NotAPlan::Malformed("too few tokens"));
    let remain_in_dialog = token()? == "remainInDialog";
    let full_response = token()? == "fullResponse";
    let follow_redirects = token()? == "followRedirects";
    let simultaneous = token()? == "simultaneous";
    let provisional_timeout = optional_time(token()?)?;
    let final_timeout = optional_time(token()?)?;
    let draft = Message::parse_draft(text)?;
    let body = draft.body();
    let mut plan = ProxyPlan {
        remain_in_dialog,
        full_response,
        redirects: if follow_redirects {
            DEFAULT_REDIRECTS
        } else {
            0
        },
        provisional_timeout,
        final_timeout,
        headers: Some(draft),
        ..if simultaneous {
            ProxyPlan::simultaneous(tokens)
        } else {
            ProxyPlan::serial(tokens)
        }
    };
    if let Some(lines) = body.strip_prefix(EXTRA) {
        read_extra(&mut plan, lines)?;
    }
    Ok(plan)
}

fn read_extra(plan: &mut ProxyPlan, body: &[u8]) -> Result<(), NotAPlan> {
    let text = std::str::from_utf8(body).map_err(|_| NotAPlan::Malformed("no UTF-8"))?;
    let mut groups: Vec<Vec<Target>> = Vec::new();
    let mut count = 0;
    let mut set = String::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        match keyword {
            "progress" => plan.progress = true,
            "redirects" => {
                let number = value.parse();
                plan.redirects = number.map_err(|_| NotAPlan::Malformed("redirects: 0 to 255"))?;
            }
            "set" => add_line(&mut set, value),
            "remove" => plan.changes.remove.push(value.to_owned()),
            "request-uri" => plan.request_uri = request_uri(value)?,
            "stateless" => plan.stateless = true,
            "routes" if value == "follow" => plan.preloaded_routes = PreloadedRoutes::Followed,
            "group" => groups.push(Vec::new()),
            "target" => {
                count += 1;
                if count > limits::MAX_BRANCHES {
                    return Err(NotAPlan::Malformed("too many targets"));
                }
                if groups.is_empty() {
                    groups.push(Vec::new());
                }
                if let Some(group) = groups.last_mut() {
                    group.push(Target::to(value));
                }
            }
            _ => {
                let target = groups.last_mut().and_then(|group| group.last_mut());
                let target = target.ok_or(NotAPlan::Malformed("a line that is about no target"))?;
                target.read_line(keyword, value)?;
            }
        }
    }
    plan.changes.set = headers_of(&set)?;
    if count > 0 {
        let groups = groups.into_iter().filter(|group| !group.is_empty());
        plan.groups = groups
            .map(|group| group.into_iter().map(Target::finish).collect())
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// A target that is being read.
struct Target {
    target: ProxyTarget,
    headers: String,
}

impl Target {
    fn to(uri: &str) -> Target {
        Target {
            target: ProxyTarget::to(uri),
            headers: String::new(),
        }
    }

    fn read_line(&mut self, keyword: &str, value: &str) -> Result<(), NotAPlan> {
        let target = &mut self.target;
        match keyword {
            "via" => target.next_hop = Some(value.to_owned()),
            "transport" => {
                let transport = Transport::from_name(value);
                let transport = transport.ok_or(NotAPlan::Malformed("no such transport"))?;
                target.transport = Some(transport);
            }
            "provisional-timeout" => target.provisional_timeout = Some(time(value)?),
            "final-timeout" => target.final_timeout = Some(time(value)?),
            "header" => add_line(&mut self.headers, value),
            _ => return Err(NotAPlan::Malformed("unknown keyword")),
        }
        Ok(())
    }

    fn finish(self) -> Result<ProxyTarget, NotAPlan> {
        let mut target = self.target;
        target.headers = headers_of(&self.headers)?;
        Ok(target)
    }
}

fn add_line(lines: &mut String, line: &str) {
    lines.push_str(line);
    lines.push_str("\r\n");
}

/// A draft of these header lines, if there are any.
fn headers_of(lines: &str) -> Result<Option<Message>, ParseError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let draft = format!("INVITE sip:target SIP/2.0\r\n{lines}\r\n");
    Message::parse_draft(draft.into()).map(Some)
}

fn request_uri(text: &str) -> Result<RequestUri, NotAPlan> {
    match text {
        "keep" => Ok(RequestUri::Kept),
        "replace" => Ok(RequestUri::Replaced),
        _ => Err(NotAPlan::Malformed("request-uri: keep or replace")),
    }
}

fn optional_time(text: &str) -> Result<Option<Duration>, NotAPlan> {
    match text {
        "" => Ok(None),
        text => time(text).map(Some),
    }
}

fn time(text: &str) -> Result<Duration, NotAPlan> {
    read_time(text).ok_or(NotAPlan::Malformed("a time is a number with ms or s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str, extra: &str) -> Result<ProxyPlan, NotAPlan> {
        let text = format!("INVITE sip:a@b SIP/2.0\r\nX-All: 1\r\n\r\nplan\r\n{extra}");
        read_plan(head, text.into())
    }

    fn uris(plan: &ProxyPlan) -> Vec<Vec<&str>> {
        let groups = plan.groups.iter();
        groups
            .map(|group| group.iter().map(|target| &*target.uri).collect())
            .collect()
    }

    #[test]
    fn the_tokens_of_the_head_say_it_all_for_the_old_form() {
        let plan = read(
            "remainInDialog|fullResponse|followRedirects|simultaneous|500ms|20s|sip:a|sip:b",
            "",
        );
        let plan = plan.unwrap();
        assert!(plan.remain_in_dialog && plan.full_response && !plan.progress);
        assert_eq!(plan.redirects, DEFAULT_REDIRECTS);
        assert_eq!(plan.provisional_timeout, Some(Duration::from_millis(500)));
        assert_eq!(plan.final_timeout, Some(Duration::from_secs(20)));
        assert_eq!(uris(&plan), [vec!["sip:a", "sip:b"]]);
        assert_eq!(plan.headers.unwrap().get_named("X-All"), Some(&b"1"[..]));
        let plan = read("|||serial|||sip:a|sip:b", "").unwrap();
        assert!(!plan.remain_in_dialog && !plan.full_response);
        assert_eq!(plan.redirects, 0);
        assert_eq!((plan.provisional_timeout, plan.final_timeout), (None, None));
        assert_eq!(uris(&plan), [["sip:a"], ["sip:b"]]);
    }

    #[test]
    fn lines_in_the_body_say_what_the_head_has_no_place_for() {
        let body = [
            "progress",
            "redirects 2",
            "target sip:a@x",
            "via sip:edge;lr",
            "transport tcp",
            "header X-One: 1, 2 | 3",
            "header Subject: s",
            "group",
            "target sip:b@x",
            "provisional-timeout 500ms",
            "final-timeout 3s",
            "target sip:c@x",
            "",
        ];
        let plan = read("|||serial|1s|2s|sip:old", &body.join("\r\n")).unwrap();
        assert!(plan.progress);
        assert_eq!(plan.redirects, 2);
        assert_eq!(uris(&plan), [vec!["sip:a@x"], vec!["sip:b@x", "sip:c@x"]]);
        let [a, b] = [&plan.groups[0][0], &plan.groups[1][0]];
        assert_eq!(a.next_hop.as_deref(), Some("sip:edge;lr"));
        assert_eq!(a.transport, Some(Transport::Tcp));
        let headers = a.headers.as_ref().unwrap();
        assert_eq!(headers.get_named("X-One"), Some(&b"1, 2 | 3"[..]));
        assert_eq!(headers.header_count(), 2);
        assert_eq!((a.provisional_timeout, a.final_timeout), (None, None));
        assert_eq!(b.provisional_timeout, Some(Duration::from_millis(500)));
        assert_eq!(b.final_timeout, Some(Duration::from_secs(3)));
        assert!(b.headers.is_none() && b.transport.is_none() && b.next_hop.is_none());
    }

    #[test]
    fn what_is_changed_in_the_request_is_said_line_by_line() {
        let body = [
            "set Subject: new: one",
            "set X-List: 1",
            "set X-List: 2",
            "remove User-Agent",
            "remove X-Secret",
            "request-uri keep",
            "routes follow",
            "stateless",
            "",
        ];
        let plan = read("|||serial|||sip:a", &body.join("\r\n")).unwrap();
        let set = plan.changes.set.unwrap();
        assert_eq!(set.get_named("Subject"), Some(&b"new: one"[..]));
        assert_eq!(set.header_count(), 3);
        assert_eq!(plan.changes.remove, ["User-Agent", "X-Secret"]);
        assert_eq!(plan.request_uri, RequestUri::Kept);
        assert_eq!(plan.preloaded_routes, PreloadedRoutes::Followed);
        assert!(plan.stateless);
        let plan = read("|||serial|||sip:a", "request-uri replace\r\n").unwrap();
        assert_eq!(plan.request_uri, RequestUri::Replaced);
        let plan = read("|||serial|||sip:a", "").unwrap();
        assert!(plan.changes.set.is_none() && plan.changes.remove.is_empty());
        assert_eq!(plan.request_uri, RequestUri::IfOurs);
        assert_eq!(plan.preloaded_routes, PreloadedRoutes::Dropped);
        for line in ["request-uri drop", "routes", "routes drop", "set no colon"] {
            assert!(
                read("||||||sip:a", &format!("{line}\r\n")).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn options_without_targets_leave_the_destinations_of_the_head() {
        let plan = read("|||simultaneous|||sip:a|sip:b", "progress\r\n").unwrap();
        assert!(plan.progress);
        assert_eq!(uris(&plan), [vec!["sip:a", "sip:b"]]);
    }

    #[test]
    fn a_body_that_is_not_for_us_says_nothing() {
        let text = "INVITE sip:a@b SIP/2.0\r\n\r\nv=0\r\ntarget sip:c\r\n";
        let plan = read_plan("||||||sip:a", text.into()).unwrap();
        assert_eq!(uris(&plan), [["sip:a"]]);
    }

    #[test]
    fn what_is_no_plan_is_said_to_be_none() {
        for (head, body) in [
            ("", ""),
            ("||||5|", ""),
            ("||||||sip:a", "transport tcp\r\n"),
            ("||||||sip:a", "nonsense\r\n"),
            ("||||||sip:a", "target sip:a\r\nnonsense 1\r\n"),
            ("||||||sip:a", "target sip:a\r\ntransport sctp\r\n"),
            ("||||||sip:a", "target sip:a\r\nfinal-timeout 5\r\n"),
            ("||||||sip:a", "redirects 300\r\n"),
        ] {
            let plan = read(head, body);
            assert!(matches!(plan, Err(NotAPlan::Malformed(_))), "{head} {body}");
        }
        let bad_header = read("||||||sip:a", "target sip:a\r\nheader no colon\r\n");
        assert!(matches!(bad_header, Err(NotAPlan::Draft(_))));
        let many = "target sip:a\r\n".repeat(limits::MAX_BRANCHES + 1);
        assert!(read("||||||sip:a", &many).is_err());
    }
}
