//! Admission: every call passes the gate before its body is decoded.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::access::{Caller, Peer, Rule, rule_for};
use crate::domain::{Error, Reason, Result};
use crate::vault::Vault;

use super::MAX_MESSAGE_BYTES;
use super::serve::to_the_end;
use super::status::{message_too_large, to_status};

/// Puts [`Admitted`] around a service.
#[derive(Clone)]
pub struct AdmitLayer {
    vault: Arc<Vault>,
}

/// A service that only sees calls which [`crate::access::Gate::admit`] let through, with the [`Caller`] in their extensions and
/// without their credential. Health checks and reflection pass as they are.
#[derive(Clone)]
pub struct Admitted<S> {
    inner: S,
    vault: Arc<Vault>,
}

impl AdmitLayer {
    /// Returns the layer that asks the gate of `vault`.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { inner, vault: Arc::clone(&self.vault) }
    }
}

impl<S, B, R> Service<Request<B>> for Admitted<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        let vault = Arc::clone(&self.vault);
        Box::pin(async move {
            if is_open(request.uri().path()) {
                request.headers_mut().remove(AUTHORIZATION);
                return ready.call(request).await;
            }
            let method = rule_for(request.uri().path()).map_or("unknown", Rule::operation);
            let response = match admit(Arc::clone(&vault), &mut request).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    plainly(ready.call(request).await?)
                }
                Err(error) => to_status(&error).into_http(),
            };
            vault.metrics().called(method, code_name(&response));
            Ok(response)
        })
    }
}

/// Returns the name of the code that a response begins with; a reply that has begun without one is on its way.
fn code_name<R>(response: &Response<R>) -> &'static str {
    match Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code()) {
        Code::Ok => "Ok",
        Code::Cancelled => "Cancelled",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
        Code::Unknown => "Unknown",
    }
}

/// Tells whether a path needs no credential: it tells nothing of the vault but whether it serves, and what its protocol is.
fn is_open(path: &str) -> bool {
    ["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"]
        .iter()
        .any(|open| path.starts_with(open))
}

async fn admit<B>(vault: Arc<Vault>, request: &mut Request<B>) -> Result<Caller> {
    let credential = request.headers_mut().remove(AUTHORIZATION);
    let path = request.uri().path().to_owned();
    let unknown = || Peer::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_else(unknown);
    if credential.is_none() && peer.certificate.is_some() {
        // The first call of a principal makes it known to the key store, which goes on when the client goes away.
        return to_the_end(async move { vault.gate().admit(&path, None, peer).await }).await;
    }
    let text = match &credential {
        // What is no text is a malformed credential, not a missing one.
        Some(value) => Some(value.to_str().unwrap_or("malformed")),
        None => None,
    };
    vault.gate().admit(&path, text, peer).await
}

/// Gives the failures to decode a message, which the transport answers by itself, the form of the vault's own errors.
fn plainly<R: Default>(response: Response<R>) -> Response<R> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    match status.code() {
        Code::OutOfRange => message_too_large(MAX_MESSAGE_BYTES).into_http(),
        Code::Internal if status.details().is_empty() => undecodable().into_http(),
        _ => response,
    }
}

/// Returns the status of a message that is not of its type, such as one with text that is not UTF-8.
pub(super) fn undecodable() -> Status {
    to_status(
        &Error::new(Reason::InvalidField)
            .hint("the message does not decode: wrong wire form, or text that is not UTF-8"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_health_and_reflection_are_open() {
        assert!(is_open("/grpc.health.v1.Health/Check"));
        assert!(is_open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
        for closed in ["/", "", "/grpc.health.v1", "/grpc.health.v1.Healthy/Check", "/subrosa.v1.KeyService/RotateKey"]
        {
            assert!(!is_open(closed), "{closed}");
        }
    }

    #[test]
    fn failures_to_decode_become_refusals_with_a_reason() {
        let code = |status: Status| {
            let response: Response<()> = plainly(status.into_http());
            Status::from_header_map(response.headers()).map(|status| (status.code(), !status.details().is_empty()))
        };
        assert_eq!(code(Status::out_of_range("too large")), Some((Code::ResourceExhausted, true)));
        assert_eq!(code(Status::internal("failed to decode")), Some((Code::InvalidArgument, true)));
        assert_eq!(code(to_status(&Error::new(Reason::Internal))), Some((Code::Internal, true)));
        assert_eq!(code(Status::not_found("x")), Some((Code::NotFound, false)));
    }
}
