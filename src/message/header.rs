//! Header field names: canonical spelling, compact forms, numbers.

use std::fmt;

use super::header_table;

macro_rules! headers {
    ($($id:ident = $name:literal, $kind:ident;)*) => {
        /// A header field by name. The numbers are stable within one build only: the JavaScript
        /// side asks for the list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderId {
            $(#[doc = concat!("`", $name, "`")] $id,)*
            /// A name that is not in this list.
            Other = 255,
        }

        impl HeaderId {
            /// Every known header field, in the order of their numbers.
            pub const ALL: &'static [HeaderId] = &[$(HeaderId::$id),*];

            /// The canonical spelling; empty for [`HeaderId::Other`].
            pub const fn name(self) -> &'static str {
                match self {
                    $(HeaderId::$id => $name,)*
                    HeaderId::Other => "",
                }
            }

            /// True when several values may stand in one line, separated by commas.
            pub const fn allows_list(self) -> bool {
                match self {
                    $(HeaderId::$id => headers!(@$kind),)*
                    HeaderId::Other => false,
                }
            }
        }
    };
    (@list) => { true };
    (@one) => { false };
}

headers! {
    Via = "Via", list;
    From = "From", one;
    To = "To", one;
    CallId = "Call-ID", one;
    CSeq = "CSeq", one;
    MaxForwards = "Max-Forwards", one;
    Contact = "Contact", list;
    Route = "Route", list;
    RecordRoute = "Record-Route", list;
    ContentLength = "Content-Length", one;
    ContentType = "Content-Type", one;
    Require = "Require", list;
    Supported = "Supported", list;
    ProxyRequire = "Proxy-Require", list;
    Unsupported = "Unsupported", list;
    RSeq = "RSeq", one;
    RAck = "RAck", one;
    Expires = "Expires", one;
    MinExpires = "Min-Expires", one;
    Event = "Event", one;
    SubscriptionState = "Subscription-State", one;
    ReferTo = "Refer-To", one;
    ReferredBy = "Referred-By", one;
    Replaces = "Replaces", one;
    SessionExpires = "Session-Expires", one;
    MinSe = "Min-SE", one;
    Allow = "Allow", list;
    AllowEvents = "Allow-Events", list;
    Authorization = "Authorization", one;
    WwwAuthenticate = "WWW-Authenticate", one;
    ProxyAuthorization = "Proxy-Authorization", one;
    ProxyAuthenticate = "Proxy-Authenticate", one;
    AuthenticationInfo = "Authentication-Info", one;
    PAssertedIdentity = "P-Asserted-Identity", list;
    PPreferredIdentity = "P-Preferred-Identity", list;
    Path = "Path", list;
    ServiceRoute = "Service-Route", list;
    UserAgent = "User-Agent", one;
    Server = "Server", one;
    RetryAfter = "Retry-After", one;
    Timestamp = "Timestamp", one;
    Reason = "Reason", list;
    Subject = "Subject", one;
    Accept = "Accept", list;
    AcceptEncoding = "Accept-Encoding", list;
    AcceptLanguage = "Accept-Language", list;
    AcceptContact = "Accept-Contact", list;
    RejectContact = "Reject-Contact", list;
    RequestDisposition = "Request-Disposition", list;
    AlertInfo = "Alert-Info", list;
    CallInfo = "Call-Info", list;
    ErrorInfo = "Error-Info", list;
    ContentDisposition = "Content-Disposition", one;
    ContentEncoding = "Content-Encoding", list;
    ContentLanguage = "Content-Language", list;
    Date = "Date", one;
    Diversion = "Diversion", list;
    HistoryInfo = "History-Info", list;
    Identity = "Identity", list;
    IdentityInfo = "Identity-Info", one;
    InReplyTo = "In-Reply-To", list;
    Join = "Join", one;
    MimeVersion = "MIME-Version", one;
    Organization = "Organization", one;
    Priority = "Priority", one;
    Privacy = "Privacy", one;
    ReplyTo = "Reply-To", one;
    SipEtag = "SIP-ETag", one;
    SipIfMatch = "SIP-If-Match", one;
    TargetDialog = "Target-Dialog", one;
    Warning = "Warning", list;
}

impl HeaderId {
    /// The header field of that name, in any case or compact (RFC 3261 §7.3.3 and the IANA
    /// registry).
    #[inline]
    pub fn from_name(name: &[u8]) -> HeaderId {
        if let [letter] = name {
            return from_compact(*letter);
        }
        header_table::find(name)
    }

    /// The header field with that number; `Other` for a number that none has.
    pub fn from_number(number: u8) -> HeaderId {
        HeaderId::ALL
            .get(usize::from(number))
            .copied()
            .unwrap_or(HeaderId::Other)
    }

    /// Its number; 255 for [`HeaderId::Other`].
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// A set with this one member; the last bit is shared by all from the 64th on and `Other`.
    pub(crate) const fn bit(self) -> u64 {
        1 << if self.number() < 63 {
            self.number()
        } else {
            63
        }
    }
}

impl fmt::Display for HeaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cold]
fn from_compact(letter: u8) -> HeaderId {
    match letter.to_ascii_lowercase() {
        b'a' => HeaderId::AcceptContact,
        b'b' => HeaderId::ReferredBy,
        b'c' => HeaderId::ContentType,
        b'd' => HeaderId::RequestDisposition,
        b'e' => HeaderId::ContentEncoding,
        b'f' => HeaderId::From,
        b'i' => HeaderId::CallId,
        b'j' => HeaderId::RejectContact,
        b'k' => HeaderId::Supported,
        b'l' => HeaderId::ContentLength,
        b'm' => HeaderId::Contact,
        b'n' => HeaderId::IdentityInfo,
        b'o' => HeaderId::Event,
        b'r' => HeaderId::ReferTo,
        b's' => HeaderId::Subject,
        b't' => HeaderId::To,
        b'u' => HeaderId::AllowEvents,
        b'v' => HeaderId::Via,
        b'x' => HeaderId::SessionExpires,
        b'y' => HeaderId::Identity,
        _ => HeaderId::Other,
    }
}
