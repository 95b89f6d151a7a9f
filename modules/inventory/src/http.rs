//! How this module's answers look on the wire.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, Responder};
use kernel::{Caller, Page};
use serde::Serialize;

use crate::arithmetic::Money;

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

/// A resource with the version it is at, in the body and as ETag.
pub fn versioned<T: Serialize>(version: i64, body: &T) -> HttpResponse {
    HttpResponse::Ok().insert_header(kernel::http::etag(version)).json(body)
}
