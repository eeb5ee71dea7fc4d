//! Why a message could not be sent.

use thiserror::Error;

/// Why a message could not be sent. The text goes, in a Warning header, into the 503 that the
/// sender of a request gets from its own engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SendFailure {
    /// The system has no way to the peer, or the peer's port is closed.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// The peer did not answer the opening of a connection in time.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// The TLS handshake was not done in time.
    #[error("the TLS handshake took too long")]
    TlsTimeout,
    /// The peer ended the TLS handshake, for want of a client certificate for example.
    #[error("the peer refused the TLS handshake")]
    TlsRefused,
    /// The peer does not speak TLS as it should.
    #[error("the TLS handshake failed")]
    TlsFailed,
    /// The peer's certificate is for other names than the one asked for (RFC 5922 §7.4).
    #[error("the certificate is for another name")]
    CertificateName,
    /// The peer's certificate is out of date.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The peer's certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid,
    /// The peer has signed its certificate itself, and nobody has said that it is trusted.
    #[error("the certificate is self-signed")]
    CertificateSelfSigned,
    /// The peer's certificate leads to no authority that is trusted.
    #[error("the certificate is of an unknown authority")]
    CertificateUnknownAuthority,
    /// The peer's certificate is wrong in another way.
    #[error("the certificate is not valid")]
    CertificateInvalid,
    /// The WebSocket handshake was not done in time.
    #[error("the WebSocket handshake took too long")]
    WebSocketTimeout,
    /// The peer does not want to talk SIP over a WebSocket.
    #[error("the peer refused the WebSocket handshake")]
    WebSocketRefused,
    /// The connection ended before the message was written.
    #[error("the connection was closed")]
    Closed,
    /// The peer does not read what it is sent.
    #[error("the peer does not read")]
    Stalled,
    /// No message of this size can be sent this way.
    #[error("the message is too long")]
    TooLong,
    /// There is no socket for it.
    #[error("no socket fits")]
    NoSocket,
}
