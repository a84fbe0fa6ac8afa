//! Admission: every call passes the gate before its body is decoded.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tonic::{Code, Status};
use tower::{Layer, Service};
use zeroize::Zeroizing;

use crate::access::{Caller, Peer, Rule, rule_for};
use crate::domain::{Error, Reason, Result};
use crate::vault::Vault;

use super::bounds::{Account, Bounded, Bounds, Budget, Charged, Reserve, bounds, held_by, open_bounds};
use super::places::source;
use super::serve::to_the_end;
use super::status::to_status;

/// Puts [`Admitted`] around a service.
#[derive(Clone)]
pub struct AdmitLayer {
    vault: Arc<Vault>,
    budget: Arc<Budget>,
}

/// A service that only sees calls which [`crate::access::Gate::admit`] let through, with the [`Caller`] in their extensions and
/// without their credential. Health checks and reflection need none. What each call may send and hold is bounded.
#[derive(Clone)]
pub struct Admitted<S> {
    inner: S,
    vault: Arc<Vault>,
    budget: Arc<Budget>,
}

impl AdmitLayer {
    /// Returns the layer that asks the gate of `vault`, and lets calls hold what `budget` has room for.
    pub fn new(vault: Arc<Vault>, budget: Arc<Budget>) -> Self {
        Self { vault, budget }
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { inner, vault: Arc::clone(&self.vault), budget: Arc::clone(&self.budget) }
    }
}

impl<S, B, R> Service<Request<B>> for Admitted<S>
where
    S: Service<Request<Bounded<B>>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<Charged<R>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        let (vault, budget) = (Arc::clone(&self.vault), Arc::clone(&self.budget));
        Box::pin(async move {
            if !is_grpc(&request) {
                return Ok(not_grpc());
            }
            if is_open(request.uri().path()) {
                request.headers_mut().remove(AUTHORIZATION);
                let bounds = open_bounds(request.uri().path());
                let account = budget.open_account(&source(peer(&request).address).to_string(), &bounds);
                return bounded(&mut ready, request, bounds, account).await;
            }
            let method = rule_for(request.uri().path()).map_or("unknown", Rule::operation);
            let response = match admit(Arc::clone(&vault), &mut request).await {
                Ok(caller) => {
                    let bounds = bounds(caller.permission());
                    let account = budget.account(&caller.principal().pseudonym, &bounds);
                    request.extensions_mut().insert(caller);
                    bounded(&mut ready, request, bounds, account).await?
                }
                Err(error) => refusal(&to_status(&error)),
            };
            vault.metrics().called(method, code_name(&response));
            Ok(response)
        })
    }
}

/// Answers a call within its bounds, once there is room for it.
async fn bounded<S, B, R>(
    service: &mut S,
    request: Request<B>,
    bounds: Bounds,
    account: Account,
) -> Result<Response<Charged<R>>, Infallible>
where
    S: Service<Request<Bounded<B>>, Response = Response<R>, Error = Infallible>,
    R: Default,
{
    if is_compressed(&request) {
        return Ok(compressed());
    }
    let held = match account.begin(bounds.answer).await {
        Ok(held) => held,
        Err(error) => return Ok(refusal(&to_status(&error))),
    };
    let request = request.map(|body| Bounded::new(body, bounds, account, Arc::clone(&held)));
    let response = plainly(held_by(Arc::clone(&held), service.call(request)).await?);
    if bounds.unary() {
        held.done();
    }
    // A probe's answer is a few bytes: who does not take it keeps no other from asking.
    let kept = (bounds.reserve != Reserve::Probe).then_some(held);
    Ok(response.map(|body| Charged::new(body, kept)))
}

fn refusal<R: Default>(status: &Status) -> Response<Charged<R>> {
    status.clone().into_http::<R>().map(|body| Charged::new(body, None))
}

/// Tells whether a request is a call at all: `POST`, with a content type of gRPC.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let rest = content_type.strip_prefix(b"application/grpc");
    request.method() == Method::POST && rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Returns what the gRPC protocol answers to what is no call.
fn not_grpc<R: Default>() -> Response<Charged<R>> {
    let mut response = Response::new(Charged::new(R::default(), None));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

/// The header that names the compression of a request's messages, and the one that names what is taken.
const ENCODING: &str = "grpc-encoding";
const ACCEPTED: &str = "grpc-accept-encoding";

fn is_compressed<B>(request: &Request<B>) -> bool {
    request.headers().get_all(ENCODING).iter().any(|encoding| encoding != "identity")
}

/// Returns the refusal of compressed messages, with what is taken instead.
fn compressed<R: Default>() -> Response<Charged<R>> {
    let mut response = refusal(&to_status(
        &Error::new(Reason::Unsupported).hint("messages are taken uncompressed (grpc-encoding: identity)"),
    ));
    response.headers_mut().insert(ACCEPTED, HeaderValue::from_static("identity"));
    response
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

fn peer<B>(request: &Request<B>) -> Peer {
    let unknown = || Peer::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    request.extensions().get::<Peer>().cloned().unwrap_or_else(unknown)
}

async fn admit<B>(vault: Arc<Vault>, request: &mut Request<B>) -> Result<Caller> {
    let credential = request.headers_mut().remove(AUTHORIZATION);
    let path = request.uri().path().to_owned();
    let peer = peer(request);
    // What is no text is a malformed credential, not a missing one.
    let text = credential.as_ref().map(|value| value.to_str().unwrap_or("malformed"));
    if vault.gate().is_at_hand(text) {
        return vault.gate().admit(&path, text, peer).await;
    }
    // A failed login is counted, and a principal made known, when the client does not wait for it too.
    let text = text.map(|text| Zeroizing::new(text.to_owned()));
    to_the_end(async move { vault.gate().admit(&path, text.as_ref().map(|text| text.as_str()), peer).await }).await
}

/// Gives the failures to decode a message, which the transport answers by itself, the form of the vault's own errors. A message
/// over its bounds does not come as far as that.
fn plainly<R: Default>(response: Response<R>) -> Response<R> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    match status.code() {
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
        assert_eq!(code(Status::internal("failed to decode")), Some((Code::InvalidArgument, true)));
        assert_eq!(code(to_status(&Error::new(Reason::Internal))), Some((Code::Internal, true)));
        assert_eq!(code(Status::not_found("x")), Some((Code::NotFound, false)));
    }
}
