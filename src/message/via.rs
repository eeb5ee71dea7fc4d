//! The Via header field (RFC 3261 §20.42).

use super::cursor::Cursor;
use super::grammar::GrammarError;
use super::host::Host;
use super::params::Params;

/// One Via value.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    /// The transport of the sent-protocol, as written: `UDP`.
    pub transport: &'a str,
    /// The host of the sent-by, without the brackets of an IPv6 address.
    pub host: &'a str,
    /// The port of the sent-by.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and whatever else.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Cuts one value (not a comma list) into its parts.
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, GrammarError> {
        let mut cursor = Cursor::new(value)?;
        let via = Via::read(&mut cursor)?;
        cursor.finish()?;
        Ok(via)
    }

    /// Checks what has only been cut out: the host and the parameters.
    pub fn check(&self) -> Result<(), GrammarError> {
        self.check_for_branch().map(drop)
    }

    /// Checks the same, and returns the branch on the way.
    pub(crate) fn check_for_branch(&self) -> Result<Option<&'a str>, GrammarError> {
        Host::parse(self.host)?;
        Ok(self.params.check_for_marks()?.branch)
    }

    /// Takes one value, up to the comma behind it or the end.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Via<'a>, GrammarError> {
        cursor.skip_lws();
        // Nearly every Via begins like this.
        if !cursor.eat_text("SIP/2.0/") {
            protocol_part(cursor)?;
            slash(cursor)?;
            protocol_part(cursor)?;
            slash(cursor)?;
        }
        let transport = protocol_part(cursor)?;
        if !cursor.skip_lws() {
            return Err(GrammarError::Protocol);
        }
        let host = cursor.host()?;
        cursor.skip_lws();
        let mut port = None;
        if cursor.eat(b':') {
            cursor.skip_lws();
            port = Some(cursor.port()?);
        }
        let params = Params::take_element(cursor)?;
        Ok(Via {
            transport,
            host,
            port,
            params,
        })
    }

    /// The branch, which names the transaction together with the sent-by. Absent from RFC 2543
    /// messages.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }

    /// The address the request really came from.
    pub fn received(&self) -> Option<&'a str> {
        self.params.value("received")
    }

    /// `rport` (RFC 3581): `None` when absent, `Some(None)` when asked for, `Some(Some(port))`
    /// when filled in. A value that is no port counts as asked for.
    pub fn rport(&self) -> Option<Option<u16>> {
        Some(self.params.get("rport")?.and_then(|port| port.parse().ok()))
    }

    /// The time to live of a multicast request.
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl")?.parse().ok()
    }

    /// The multicast address or proxy to send responses to.
    pub fn maddr(&self) -> Option<&'a str> {
        self.params.value("maddr")
    }
}

fn protocol_part<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, GrammarError> {
    cursor.skip_lws();
    cursor.token().map_err(|_| GrammarError::Protocol)
}

/// `SLASH`: white space may stand on both sides.
fn slash(cursor: &mut Cursor<'_>) -> Result<(), GrammarError> {
    cursor.skip_lws();
    if !cursor.eat(b'/') {
        return Err(GrammarError::Protocol);
    }
    Ok(())
}
