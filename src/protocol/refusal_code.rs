//! The code of a refusal by its text, which is all that a server sends of it.

/// How the texts of [`Refusal`](crate::engine::Refusal) begin, and those of drachtio-server that it has
/// not got.
const CODES: &[(&str, &str)] = &[
    ("invalid request-uri:", "DRT_ERR_INVALID_REQUEST_URI"),
    (
        "requested protocol/transport not available",
        "DRT_ERR_TRANSPORT_NOT_AVAILABLE",
    ),
    ("no address found for ", "DRT_ERR_NAME_NOT_RESOLVED"),
    ("no connection leads to ", "DRT_ERR_FLOW_FAILED"),
    (
        "transport for response has been shutdown or closed",
        "DRT_ERR_FLOW_FAILED",
    ),
    (
        "Unable to find transport for transaction",
        "DRT_ERR_FLOW_FAILED",
    ),
    (
        "connection error: remote side may have closed socket",
        "DRT_ERR_FLOW_FAILED",
    ),
    (
        "failed sending, possibly due to far end closing socket",
        "DRT_ERR_FLOW_FAILED",
    ),
    (
        "several clients have registered ",
        "DRT_ERR_AMBIGUOUS_CONTACT",
    ),
    (
        "invalid from value provided by client:",
        "DRT_ERR_INVALID_FROM",
    ),
    ("missing content-type", "DRT_ERR_MISSING_CONTENT_TYPE"),
    (
        "Server error: missing content-type",
        "DRT_ERR_MISSING_CONTENT_TYPE",
    ),
    ("can not send request to myself", "DRT_ERR_SEND_TO_MYSELF"),
    (
        "Error creating sip transaction for uac request",
        "DRT_ERR_MALFORMED_HEADER",
    ),
    ("Error creating leg", "DRT_ERR_MALFORMED_HEADER"),
    (
        "Server error: unable to find dialog for dialog id provided",
        "DRT_ERR_UNKNOWN_DIALOG",
    ),
    (
        "Server error: unable to find active leg for dialog",
        "DRT_ERR_UNKNOWN_DIALOG",
    ),
    (
        "Server error: ACK for non-success final response",
        "DRT_ERR_ACK_NOT_NEEDED",
    ),
    ("ACK for non-success responses", "DRT_ERR_ACK_NOT_NEEDED"),
    ("Server error: unable to find route ", "DRT_ERR_NO_ROUTE"),
    (
        "another INVITE is in progress in this dialog",
        "DRT_ERR_INVITE_IN_PROGRESS",
    ),
    ("the call to be replaced is not here", "DRT_ERR_REPLACES"),
    (
        "Server error: invalid or missing method supplied",
        "DRT_ERR_INVALID_METHOD",
    ),
    (
        "Server error: unable to find IIP when sending PRACK",
        "DRT_ERR_INVALID_PRACK",
    ),
    (
        "Server error: Error creating sip transaction for request",
        "DRT_ERR_INVALID_PRACK",
    ),
    ("unable to cancel unknown transaction id:", "DRT_ERR_CANCEL"),
    (
        "internal server error canceling transaction id:",
        "DRT_ERR_CANCEL",
    ),
    (
        "Unknown server error sending response",
        "DRT_ERR_MALFORMED_RESPONSE",
    ),
    (
        "dialog already exists, rejecting this request",
        "DRT_ERR_DIALOG_EXISTS",
    ),
    (
        "Remote endpoint does not support 100rel",
        "DRT_ERR_100REL_NOT_SUPPORTED",
    ),
    (
        "Response not sent due to unknown transaction",
        "DRT_ERR_UNKNOWN_TRANSACTION",
    ),
    (
        "200 OK to incoming CANCEL is automatically generated",
        "DRT_ERR_UNKNOWN_TRANSACTION",
    ),
    ("Unknown transaction id:", "DRT_ERR_UNKNOWN_TRANSACTION"),
    ("Rejected with 483 Too Many Hops", "DRT_ERR_TOO_MANY_HOPS"),
    (
        "Rejected with 440 Max-Breadth Exceeded",
        "DRT_ERR_MAX_BREADTH",
    ),
    ("the header ", "DRT_ERR_PROTECTED_HEADER"),
    (
        "an INVITE can not be proxied without state",
        "DRT_ERR_NOT_STATELESS",
    ),
    (
        "a request inside a dialog goes along its recorded route",
        "DRT_ERR_ROUTE_IS_RECORDED",
    ),
    (
        "a request of somebody else's dialog",
        "DRT_ERR_NOT_OUR_DIALOG",
    ),
    ("error proxying request to", "DRT_ERR_NO_BRANCH"),
    (
        "the request requires extensions that are not supported",
        "DRT_ERR_BAD_EXTENSION",
    ),
    (
        "the request has a body that is not supported",
        "DRT_ERR_UNSUPPORTED_MEDIA_TYPE",
    ),
    (
        "the application did not answer in time",
        "DRT_ERR_NOT_ANSWERED",
    ),
    ("too many ", "DRT_ERR_LIMIT_REACHED"),
    ("the engine has been stopped", "DRT_ERR_STOPPED"),
    ("incorrect secret", "DRT_ERR_AUTHENTICATION"),
    ("Invalid message format", "DRT_ERR_MALFORMED_COMMAND"),
    ("Unknown message type", "DRT_ERR_MALFORMED_COMMAND"),
    ("transaction id missing", "DRT_ERR_MALFORMED_COMMAND"),
    ("Invalid proxy request:", "DRT_ERR_MALFORMED_COMMAND"),
];

/// The code of a refusal with this text; `DRT_ERR_REFUSED` for one that is not known.
pub fn refusal_code(text: &str) -> &'static str {
    CODES
        .iter()
        .find(|(beginning, _)| text.starts_with(beginning))
        .map_or("DRT_ERR_REFUSED", |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{DialogId, Refusal};

    fn every_refusal() -> Vec<Refusal> {
        let text = || "x".to_owned();
        vec![
            Refusal::InvalidRequestUri(text()),
            Refusal::TransportNotAvailable,
            Refusal::NameNotResolved(text()),
            Refusal::FlowFailed(text()),
            Refusal::AmbiguousContact(text()),
            Refusal::InvalidFrom(text()),
            Refusal::MissingContentType,
            Refusal::SendToMyself,
            Refusal::MalformedHeader(text()),
            Refusal::UnknownDialog,
            Refusal::AckForFailure,
            Refusal::AckWithoutSuccess,
            Refusal::NoRouteInDialog(DialogId("d".into())),
            Refusal::InviteInProgress,
            Refusal::CannotReplace(481),
            Refusal::InvalidMethod(text()),
            Refusal::MissingContentTypeInDialog,
            Refusal::PrackWithoutInvite,
            Refusal::PrackWithoutRAck,
            Refusal::CancelUnknown(text()),
            Refusal::CancelTooLate(text()),
            Refusal::MalformedResponse(text()),
            Refusal::DialogExists,
            Refusal::PeerLacks100rel,
            Refusal::UnknownTransaction,
            Refusal::ProxyUnknown(text()),
            Refusal::TooManyHops,
            Refusal::TooBroad,
            Refusal::NotStateless,
            Refusal::ProtectedHeader(text()),
            Refusal::RouteIsRecorded,
            Refusal::NotOurDialog,
            Refusal::NoBranch,
            Refusal::BadExtension(text()),
            Refusal::UnsupportedMediaType(text()),
            Refusal::NotAnswered(480),
            Refusal::LimitReached("routes", 1),
            Refusal::Stopped,
        ]
    }

    /// Does not compile when a refusal has been added that is not in the list above.
    fn is_listed(refusal: &Refusal) -> bool {
        match refusal {
            Refusal::InvalidRequestUri(_)
            | Refusal::TransportNotAvailable
            | Refusal::NameNotResolved(_)
            | Refusal::FlowFailed(_)
            | Refusal::AmbiguousContact(_)
            | Refusal::InvalidFrom(_)
            | Refusal::MissingContentType
            | Refusal::SendToMyself
            | Refusal::MalformedHeader(_)
            | Refusal::UnknownDialog
            | Refusal::AckForFailure
            | Refusal::AckWithoutSuccess
            | Refusal::NoRouteInDialog(_)
            | Refusal::InviteInProgress
            | Refusal::CannotReplace(_)
            | Refusal::InvalidMethod(_)
            | Refusal::MissingContentTypeInDialog
            | Refusal::PrackWithoutInvite
            | Refusal::PrackWithoutRAck
            | Refusal::CancelUnknown(_)
            | Refusal::CancelTooLate(_)
            | Refusal::MalformedResponse(_)
            | Refusal::DialogExists
            | Refusal::PeerLacks100rel
            | Refusal::UnknownTransaction
            | Refusal::ProxyUnknown(_)
            | Refusal::TooManyHops
            | Refusal::TooBroad
            | Refusal::NotStateless
            | Refusal::ProtectedHeader(_)
            | Refusal::RouteIsRecorded
            | Refusal::NotOurDialog
            | Refusal::NoBranch
            | Refusal::BadExtension(_)
            | Refusal::UnsupportedMediaType(_)
            | Refusal::NotAnswered(_)
            | Refusal::LimitReached(..)
            | Refusal::Stopped => true,
        }
    }

    #[test]
    fn every_refusal_of_the_engine_is_known_by_its_text() {
        for refusal in every_refusal() {
            assert!(is_listed(&refusal));
            let text = refusal.to_string();
            assert_eq!(refusal_code(&text), refusal.code(), "{text}");
        }
        assert_eq!(refusal_code("something else"), "DRT_ERR_REFUSED");
    }
}
