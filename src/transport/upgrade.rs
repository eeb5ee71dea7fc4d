//! The handshake that makes a WebSocket of a byte stream (RFC 6455 §4), with the subprotocol
//! `sip` (RFC 7118 §4). Any path will do, and any origin unless some are named: whoever calls is
//! asked for credentials by SIP.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tungstenite::handshake::client::{self, generate_key};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{self, create_response, write_response};
use tungstenite::http::header::{HeaderMap, HeaderName, HeaderValue};
use tungstenite::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS};
use tungstenite::http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use tungstenite::http::StatusCode;

use super::limits::MAX_UPGRADE;

/// The subprotocol of RFC 7118.
const SIP: &str = "sip";

/// The web sites whose pages may open a WebSocket, as browsers name them (RFC 6454 §7). `None`: any.
pub(super) type Origins = Option<Arc<[String]>>;

/// Why a handshake failed.
#[derive(Debug, Error)]
pub(super) enum UpgradeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the HTTP message is too long")]
    TooLong,
    #[error("the peer does not ask for a WebSocket: {0}")]
    NoUpgrade(tungstenite::Error),
    #[error("the peer does not ask for the subprotocol \"sip\"")]
    NoSip,
    #[error("a page of another web site asks for it")]
    StrangeOrigin,
    #[error("the peer does not open a WebSocket for SIP")]
    Refused,
}

/// Answers the peer's request. What came after it is returned.
pub(super) async fn accept<S>(stream: &mut S, origins: &Origins) -> Result<BytesMut, UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let outcome = match read_message::<server::Request, S>(stream).await {
        Ok((request, rest)) => answer(&request, origins).map(|answer| (answer, rest)),
        Err(error) => Err(error),
    };
    match outcome {
        Ok((answer, rest)) => {
            stream.write_all(&answer).await?;
            stream.flush().await?;
            Ok(rest)
        }
        Err(error) => {
            let status = match error {
                UpgradeError::StrangeOrigin => "403 Forbidden",
                _ => "400 Bad Request",
            };
            let refusal =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(refusal.as_bytes()).await?;
            stream.shutdown().await?;
            Err(error)
        }
    }
}

/// Asks the peer for a WebSocket. What came after its answer is returned.
pub(super) async fn connect<S>(stream: &mut S, host: &str) -> Result<BytesMut, UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = generate_key();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {SIP}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let (response, rest) = read_message::<client::Response, S>(stream).await?;
    let headers = response.headers();
    let agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS
        && names(headers, &UPGRADE, "websocket")
        && names(headers, &CONNECTION, "upgrade")
        && names(headers, &SEC_WEBSOCKET_PROTOCOL, SIP)
        && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
        && headers
            .get(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|accept| *accept == derive_accept_key(key.as_bytes()));
    if agreed {
        Ok(rest)
    } else {
        Err(UpgradeError::Refused)
    }
}

/// The response to a request for a WebSocket.
fn answer(request: &server::Request, origins: &Origins) -> Result<Vec<u8>, UpgradeError> {
    let mut response = create_response(request).map_err(UpgradeError::NoUpgrade)?;
    if !is_welcome(request.headers(), origins) {
        return Err(UpgradeError::StrangeOrigin);
    }
    if !names(request.headers(), &SEC_WEBSOCKET_PROTOCOL, SIP) {
        return Err(UpgradeError::NoSip);
    }
    let headers = response.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
    let mut text = Vec::new();
    write_response(&mut text, &response).map_err(UpgradeError::NoUpgrade)?;
    Ok(text)
}

/// Who is no browser shows no origin, and could show any (RFC 6455 §10.2): it is the pages of
/// others, opened by somebody inside our network, that are kept out.
fn is_welcome(headers: &HeaderMap, origins: &Origins) -> bool {
    let Some(origins) = origins else {
        return true;
    };
    headers.get_all(ORIGIN).iter().all(|shown| {
        let is_it = |known: &String| known.as_bytes().eq_ignore_ascii_case(shown.as_bytes());
        origins.iter().any(is_it)
    })
}

/// True if a header's comma-separated values have this one, in any case.
fn names(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|one| one.trim().eq_ignore_ascii_case(value))
}

/// Reads the head of an HTTP message, and perhaps what follows it.
async fn read_message<M: TryParse, S>(stream: &mut S) -> Result<(M, BytesMut), UpgradeError>
where
    S: AsyncRead + Unpin,
{
    let mut buffer = BytesMut::new();
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        // What can't be parsed is no request for a WebSocket either.
        if let Some((length, message)) = M::try_parse(&buffer).map_err(UpgradeError::NoUpgrade)? {
            let rest = buffer.split_off(length.min(buffer.len()));
            return Ok((message, rest));
        }
        if buffer.len() > MAX_UPGRADE {
            return Err(UpgradeError::TooLong);
        }
    }
}
