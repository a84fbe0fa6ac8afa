//! What every method does around its use case.

use std::future::Future;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::access::Caller;
use crate::domain::{Error, Reason, Result};
use crate::vault::{Audited, Vault};
use crate::watch::task;

use super::ServerInfo;
use super::bounds::held;
use super::deadline;
use super::status::to_status;

/// The implementation of every service.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) vault: Arc<Vault>,
    pub(super) info: Arc<dyn ServerInfo>,
}

impl Api {
    /// Returns the services of `vault`.
    pub(super) fn new(vault: Arc<Vault>, info: Arc<dyn ServerInfo>) -> Self {
        Self { vault, info }
    }
}

/// Answers a call with what `run` makes of it; only what is audited can be answered.
pub(super) async fn serve<Q, A, F>(request: Request<Q>, run: impl FnOnce(Caller, Q) -> F) -> Result<Response<A>, Status>
where
    F: Future<Output = Result<Audited<A>>>,
{
    let (caller, message) = admitted(request)?;
    match run(caller, message).await {
        Ok(audited) => Ok(Response::new(audited.into_inner())),
        Err(error) => Err(to_status(&error)),
    }
}

/// Returns who calls, and the message. A deadline that is none is refused.
pub(super) fn admitted<Q>(request: Request<Q>) -> Result<(Caller, Q), Status> {
    let (metadata, mut extensions, message) = request.into_parts();
    deadline::asked(metadata.as_ref()).map_err(|error| to_status(&error))?;
    match extensions.remove::<Caller>() {
        Some(caller) => Ok((caller, message)),
        None => Err(to_status(&Error::new(Reason::Internal).because("a call came around the gate"))),
    }
}

/// Runs an act of several steps to its end, even when the client goes away in between. What its call holds of the budget it
/// keeps until then.
pub(super) async fn to_the_end<T, F>(act: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let held = held();
    let act = async move {
        let done = act.await;
        drop(held);
        done
    };
    // What a panic said may hold content, and an error's cause goes to the log.
    task::spawn("act", act).await.map_err(|_| Error::new(Reason::Internal).because("an act panicked"))?
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_a_call_and_what_it_said_is_in_no_error() {
        let error = to_the_end::<(), _>(async { panic!("canary-7f3a91") }).await.unwrap_err();
        assert_eq!(error.reason(), Reason::Internal);
        let told = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(!told.contains("canary"), "{told}");
    }
}
