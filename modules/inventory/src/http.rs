//! How this module's answers look on the wire.

use std::future::Ready;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use kernel::http::IfMatch;
use kernel::{Body, Caller, Fingerprint, FromFields, Outcome, Page, Problem, SiteId, Sites, Txn};
use serde::Serialize;

use crate::arithmetic::Money;
use crate::error::Error;
use crate::ledger::Head;
use crate::names::DocumentId;

/// An answer from which money can be left out, for a caller without `see_costs`.
pub trait HideCosts {
    fn hide_costs(&mut self) {}
}

impl<T: HideCosts> HideCosts for Vec<T> {
    fn hide_costs(&mut self) {
        self.iter_mut().for_each(HideCosts::hide_costs);
    }
}

impl<T: HideCosts> HideCosts for Page<T> {
    fn hide_costs(&mut self) {
        self.data.hide_costs();
    }
}

/// A stored answer that is about to be given again: whether the caller may still have it. Permissions are checked before a key
/// is looked at; what depends on the thing itself (its site, its day) is checked here.
pub trait Recheck: Sync {
    fn recheck<'a>(&'a self, _: &'a Caller, _: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async { Ok(()) })
    }

    /// The document whose numbers it was stored without: those were made in the statement that stored it.
    fn unnumbered(&self) -> Option<DocumentId> {
        None
    }

    /// Gives the document its numbers.
    fn number(&mut self, _: &Head) {}
}

/// 403 for a site that the caller may not see.
pub fn need_site(caller: &Caller, site: SiteId) -> Result<(), Error> {
    if caller.sites.contain(site) {
        return Ok(());
    }
    Err(Error::Problem(Problem::new(403, "forbidden", "You have no access to this site.")))
}

/// 403 for a caller who sees only some sites, where what is done is done to all of them.
pub fn need_all_sites(caller: &Caller) -> Result<(), Error> {
    if caller.sites == Sites::All {
        return Ok(());
    }
    Err(Error::Problem(Problem::new(403, "forbidden", "This is done to every site, and you have access to some of them only.")))
}

/// Leaves an amount out: an absent field, not a zero.
pub fn hide(amounts: &mut [&mut Option<Money>]) {
    for amount in amounts {
        **amount = None;
    }
}

/// What the caller may see of `body`.
pub fn seen_by<T: HideCosts>(mut body: T, caller: &Caller) -> T {
    if !caller.sees_costs() {
        body.hide_costs();
    }
    body
}

/// The answer to a POST: made now, or the same as the first time.
#[derive(Debug)]
pub struct Answer<T> {
    pub status: i64,
    pub body: T,
    pub replayed: bool,
}

impl<T: HideCosts> Answer<T> {
    pub fn seen_by(self, caller: &Caller) -> Self {
        Self { body: seen_by(self.body, caller), ..self }
    }
}

impl<T: Serialize> Responder for Answer<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = u16::try_from(self.status).ok().and_then(|status| actix_web::http::StatusCode::from_u16(status).ok());
        let mut response = HttpResponse::build(status.unwrap_or(actix_web::http::StatusCode::CREATED));
        if self.replayed {
            response.insert_header((HeaderName::from_static("idempotent-replayed"), "true"));
        }
        response.json(self.body)
    }
}

/// The `{id}` of a path; what is no UUID names nothing: 404.
pub struct Id(pub uuid::Uuid);

impl FromRequest for Id {
    type Error = Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|text| uuid::Uuid::try_parse(text).ok());
        std::future::ready(id.map(Self).ok_or(Error::NotFound("resource")))
    }
}

/// A JSON body that may be left out altogether: that says the same as an object without fields. A body that is there is read, or
/// refused with 415 where it does not say that it is JSON.
pub struct OptionalBody<T>(pub Body<T>);

impl<T: FromFields + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let is_there =
            headers.contains_key(header::CONTENT_TYPE) || headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0");
        if is_there {
            let body = Body::<T>::from_request(request, payload);
            return Box::pin(async move { body.await.map(Self) });
        }
        let fingerprint = Fingerprint::of(request, b"{}");
        Box::pin(async move { Ok(Self(Body { request: kernel::reading::read(&serde_json::json!({}))?, fingerprint })) })
    }
}

/// The version that the client has seen, where it says so with If-Match.
#[derive(Clone, Copy, Debug)]
pub struct Seen(pub Option<IfMatch>);

impl Seen {
    /// 412 where the resource has moved on.
    pub fn check(self, version: i64) -> Result<(), Problem> {
        self.0.map_or(Ok(()), |seen| seen.check(version))
    }
}

impl FromRequest for Seen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return std::future::ready(Ok(Self(None)));
        }
        std::future::ready(IfMatch::from_request(request, payload).into_inner().map(|seen| Self(Some(seen))))
    }
}

/// A resource with the version it is at, in the body and as ETag.
pub fn versioned<T: Serialize>(version: i64, body: &T) -> HttpResponse {
    HttpResponse::Ok().insert_header(kernel::http::etag(version)).json(body)
}

/// A request's published shape has exactly the fields that are read, no more and no less.
#[cfg(test)]
pub fn assert_shape<T: kernel::FromFields, S: utoipa::ToSchema>() {
    fn properties(schema: &serde_json::Value, names: &mut std::collections::BTreeSet<String>) {
        for part in ["allOf", "oneOf", "anyOf"] {
            for inner in schema[part].as_array().into_iter().flatten() {
                properties(inner, names);
            }
        }
        names.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    let mut schemas = vec![(String::new(), S::schema())];
    S::schemas(&mut schemas);
    let all: serde_json::Map<String, serde_json::Value> =
        schemas.iter().map(|(name, schema)| (name.clone(), serde_json::to_value(schema).expect("a schema"))).collect();
    let mut root = all[""].clone();
    // Flattened parts are references: resolve those that stand beside the object itself.
    for inner in root["allOf"].as_array_mut().into_iter().flatten() {
        if let Some(name) = inner["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            *inner = all[name].clone();
        }
    }
    let mut published = std::collections::BTreeSet::new();
    properties(&root, &mut published);
    let read: std::collections::BTreeSet<String> = kernel::reading::field_names::<T>().into_iter().map(str::to_owned).collect();
    assert_eq!(published, read);
}
