//! The one shape of an error: an RFC 9457 problem document with a stable code.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::guard::Guard;
use crate::http;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Violation {
    /// JSON pointer into the body (`/lines/0/quantity`), or `?name` for a query parameter.
    pub pointer: String,
    /// Stable code of what is wrong there. Of what a value looks like, any operation can say `required`, `unknown_field`, `given_twice`,
    /// `exactly_one` of several fields, `wrong_type`, `wrong_length`, `control_character`, `out_of_range`, `negative`, `not_positive`,
    /// `zero_quantity`, `invalid_decimal`, `decimal_string_required`, `too_precise`, `invalid_choice`, `invalid_id`, `invalid_code`,
    /// `invalid_batch_code`, `invalid_path`, `invalid_date`, `invalid_time`, `invalid_time_of_day`, `invalid_time_zone`, `invalid_as_of`,
    /// `invalid_limit` and, of a merge patch, `not_nullable`. What else it can be stands with each operation.
    pub code: Cow<'static, str>,
    /// The same for a person.
    pub detail: String,
}

/// What a client gets instead of an answer. Clients match `code`, never text.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub detail: String,
    pub errors: Vec<Violation>,
    /// Facts for the client beside the text: `short` lines of `insufficient_stock`, the `document_id` of a conflict …
    pub facts: Map<String, Value>,
    /// Seconds to wait before trying again; becomes `Retry-After`.
    pub retry_after_seconds: Option<u32>,
    /// `RateLimit` and `RateLimit-Policy`.
    limit: Option<[String; 2]>,
    /// The request in which this arose: a problem may become a response after its request's scope has ended.
    request_id: String,
    /// And what the answer to it tells browsers.
    guard: Guard,
}

/// The document as it is sent; also its schema.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Always `about:blank`: `code` says which problem it is.
    pub r#type: &'a str,
    /// The name of the status.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for a person.
    pub detail: &'a str,
    /// What happened, for a program: stable.
    pub code: &'a str,
    /// Also in the header `X-Request-Id` and in the server's log.
    pub request_id: String,
    /// Everything that is wrong with the request, at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [Violation],
    #[serde(flatten)]
    #[schema(ignore)]
    pub facts: &'a Map<String, Value>,
}

impl Problem {
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            facts: Map::new(),
            retry_after_seconds: None,
            limit: None,
            request_id: http::request_id(),
            guard: http::guard(),
        }
    }

    /// 422 with all violations at once.
    pub fn invalid(errors: Vec<Violation>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} things are wrong with this request; `errors` lists them.", many.len()),
        };
        Self { errors, ..Self::new(422, "invalid_request", detail) }
    }

    /// Something failed that the caller cannot mend: the log gets the whole chain, the client only the request id.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "internal error");
        Self::new(500, "internal_error", "Something went wrong on our side; the log has it under this request id.")
    }

    /// The database is away or too busy.
    pub fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "database unavailable");
        Self::new(503, "database_unavailable", "The database does not answer. Try again: under the same Idempotency-Key nothing is done twice.").retry_after(1)
    }

    /// An error of the database that no rule of the module explains.
    pub fn database(error: &sea_orm::DbErr) -> Self {
        if crate::database::is_unavailable(error) { Self::unavailable(error) } else { Self::internal(error) }
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Says which limit was reached, as draft-ietf-httpapi-ratelimit-headers has it: `quota` in `window_seconds`, nothing left of it for
    /// `wait_seconds`.
    #[must_use]
    pub fn over_limit(mut self, name: &str, quota: i64, window_seconds: i64, wait_seconds: u32) -> Self {
        self.limit = Some([format!("\"{name}\";r=0;t={wait_seconds}"), format!("\"{name}\";q={quota};w={window_seconds}")]);
        self.retry_after(wait_seconds)
    }

    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        self.facts.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub fn response(&self) -> HttpResponse {
        let status = self.status_code();
        let request_id = Some(http::request_id()).filter(|id| !id.is_empty()).unwrap_or_else(|| self.request_id.clone());
        let document = ProblemDocument {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: self.status,
            detail: &self.detail,
            code: self.code,
            request_id: request_id.clone(),
            errors: &self.errors,
            facts: &self.facts,
        };
        let mut response = HttpResponse::build(status).json(&document);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            headers.insert(http::REQUEST_ID, id);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in [RATE_LIMIT, RATE_LIMIT_POLICY].into_iter().zip(self.limit.iter().flatten()) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        self.guard.write(headers);
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.code, self.status, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        Self::status_code(self)
    }
    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

/// The error and all its causes in one line, for the log.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
