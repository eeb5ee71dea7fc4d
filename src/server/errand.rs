//! Connections to applications that are to take one request: they say who they are first, get the
//! request, and have its dialog from then on.

use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{timeout_at, Instant};

use super::conversation::converse;
use super::places::Place;
use super::seats::Seat;
use super::stream::set_options;
use super::Shared;
use crate::engine::{AppId, CommandId, TransactionId};
use crate::transport::Stream;

/// A request that is brought to an application.
#[derive(Debug, Clone)]
pub struct Errand {
    /// The application that owns the request so far.
    pub director: AppId,
    /// The command of its that this is, which is answered when the request has been given away.
    pub command: CommandId,
    /// The request.
    pub transaction: TransactionId,
    /// Where the application is.
    pub place: Place,
    /// Whether it must prove who it is, by TLS.
    pub proof: Proof,
}

/// Whether an application must prove that it is the one that its host's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It must.
    Needed,
    /// It may be anybody.
    Needless,
}

/// A request could not be brought to its application, and still is the director's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// There is no connection.
    #[error("no connection to {0}: {1}")]
    Unreachable(Place, String),
    /// It did not show the secret in time.
    #[error("{0} did not say who it is")]
    Unknown(Place),
    /// There are too many connections.
    #[error("too many connections")]
    TooMany,
}

impl Failure {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Unreachable(..) => "DRT_ERR_APP_UNREACHABLE",
            Failure::Unknown(_) => "DRT_ERR_APP_NOT_AUTHENTICATED",
            Failure::TooMany => "DRT_ERR_LIMIT_REACHED",
        }
    }
}

/// Connects to the application and carries on the conversation until its end.
pub(super) async fn run(shared: Arc<Shared>, errand: Errand, seat: Seat) {
    let (command, place, proof) = (errand.command, errand.place.clone(), errand.proof);
    let connect_by = Instant::now() + shared.limits.connect;
    let failure = match open(&shared, &place, proof, connect_by).await {
        Ok(stream) => {
            let authenticate_by = Instant::now() + shared.limits.authentication;
            let (shared, peer) = (shared.clone(), place.to_string());
            let conversation = converse(shared, stream, peer, seat, Some(errand), authenticate_by);
            match conversation.await {
                true => return,
                false => Failure::Unknown(place),
            }
        }
        Err(why) => Failure::Unreachable(place, why),
    };
    tracing::info!(%failure, "a request can't be brought to its application");
    (shared.report)(command, &failure);
}

async fn open(shared: &Shared, place: &Place, proof: Proof, by: Instant) -> Result<Stream, String> {
    let opening = async {
        let stream = TcpStream::connect((place.host.as_str(), place.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        set_options(&stream, shared.limits.keep_alive);
        if !place.secure {
            return Ok(Stream::Plain(stream));
        }
        let tls = shared.tls().client(proof);
        let secured = tls.connect(stream, &place.host).await;
        let secured = secured.map_err(|error| error.to_string())?;
        Ok(Stream::Tls(Box::new(secured)))
    };
    match timeout_at(by, opening).await {
        Ok(opened) => opened,
        Err(_) => Err("it takes too long".to_owned()),
    }
}
