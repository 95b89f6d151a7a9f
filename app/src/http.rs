//! What surrounds every request here, beyond what the kernel does: panics, too many headers, paths and methods that are not there.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PathError;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::FutureExt as _;
use kernel::{Exposure, Problem, Violation};

use crate::openapi::{Outline, WITHOUT_CALLER};

/// The largest sum of all header fields of a request.
#[derive(Clone, Copy, Debug)]
pub struct HeaderLimit(pub usize);

/// The page at /docs may load only what this server serves.
const DOCS_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

#[derive(Debug)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a handler panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// A panic ends one request, with a 500, and not the connections beside it.
pub async fn caught(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => Err(Problem::internal(&Panicked(message(panic.as_ref()))).into()),
    }
}

/// Refuses headers beyond the limit and paths that nothing can have. A HEAD is a GET of which the body is not sent (RFC 9110, 9.3.2): the
/// connection, which has read it, leaves that out.
pub async fn guarded(mut request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if request.app_data::<HeaderLimit>().is_some_and(|limit| size > limit.0) {
        return Err(Problem::new(431, "headers_too_large", "The headers are larger than this server takes.").into());
    }
    if has_control(request.path()) {
        return Err(not_found().into());
    }
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let is_docs = request.path().starts_with("/docs");
    let mut response = next.call(request).await?;
    if is_docs {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    }
    Ok(response)
}

/// What a page of another origin may send beside what it always may.
const TAKEN_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, x-request-id";
/// How long a browser need not ask again.
const PREFLIGHT_SECONDS: &str = "600";

/// Answers browsers that ask whether a page of another origin may send a request, where the operator has named that origin. For all
/// others a request with OPTIONS is what it always was, and the browser stops there.
pub async fn preflight(
    outline: web::Data<Outline>,
    exposure: web::Data<Exposure>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let asks = request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if asks && exposure.origin(request.headers()).is_some() {
        let methods = outline.methods(request.path());
        if !methods.is_empty() {
            let answer = HttpResponse::NoContent()
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods.join(", ")))
                .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, TAKEN_HEADERS))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS))
                .insert_header((header::VARY, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"))
                .finish();
            return Ok(request.into_response(answer).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Whether a path has a control character when it is decoded. No name has one, and Postgres takes no text with U+0000.
fn has_control(path: &str) -> bool {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escaped = match after {
            [high, low, after @ ..] if *first == b'%' => digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&decoded).chars().any(char::is_control)
}

/// Refuses parameters where an operation has none: whoever writes `?dry_run=true` must not find that it was done.
pub async fn known_query(
    outline: web::Data<Outline>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let (method, path, query) = (request.method().as_str(), request.path(), request.query_string().to_owned());
    let is_operation = || outline.methods(path).iter().any(|taken| taken == method);
    if !query.is_empty() && !outline.takes_query(method, path) && is_operation() && is_let_in(&request).await {
        let name = query.split(['=', '&']).next().unwrap_or_default();
        let detail = "there is no parameter of this name here".into();
        return Err(Problem::invalid(vec![Violation { pointer: format!("?{name}"), code: "unknown_field".into(), detail }]).into());
    }
    next.call(request).await
}

/// Whether nothing else would be answered first: who may not come in is told that before anything.
async fn is_let_in(request: &ServiceRequest) -> bool {
    WITHOUT_CALLER.contains(&request.path()) || kernel::http::caller(request).await.is_ok()
}

/// What no route takes: 405 with `Allow` where the path is known under other methods, else 404.
pub async fn unmatched(request: HttpRequest, outline: web::Data<Outline>) -> HttpResponse {
    let mut methods = outline.methods(request.path());
    if methods.is_empty() {
        return not_found().response();
    }
    if let Some(place) = methods.iter().position(|method| method == "GET") {
        methods.insert(place + 1, "HEAD".to_owned());
    }
    let allow = methods.join(", ");
    let problem = Problem::new(405, "method_not_allowed", format!("This path takes {allow}."));
    let mut response = problem.response();
    if let Ok(value) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

fn not_found() -> Problem {
    Problem::new(404, "not_found", "There is nothing at this path.")
}

/// An id in the path that is none names nothing.
pub fn wrong_path(_: PathError, _: &HttpRequest) -> actix_web::Error {
    not_found().into()
}

/// `/docs` is where people look; the page is one level below.
pub async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((HeaderName::from_static("location"), HeaderValue::from_static("/docs/"))).finish()
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};

    use super::*;

    #[test]
    fn a_control_character_is_found_however_it_is_written() {
        for path in ["/a/%00", "/%00a", "/a%0Ab", "/a%0ab", "/a/%1F", "/%7f", "/%C2%80", "/x\u{7f}"] {
            assert!(has_control(path), "{path:?}");
        }
        // The percent sign of the second is a character of its own.
        for path in ["/", "/a%2500", "/%", "/%0", "/%zz", "/a%20b", "/cr%C3%A8me", "/%FF", "/caf\u{e9}"] {
            assert!(!has_control(path), "{path:?}");
        }
    }

    #[actix_web::test]
    async fn a_panic_in_a_handler_is_one_500_that_says_nothing_of_the_inside() {
        async fn panics() -> HttpResponse {
            panic!("the password is hunter2")
        }
        let app = init_service(App::new().wrap(from_fn(caught)).wrap(from_fn(kernel::http::traced)).route("/", web::get().to(panics))).await;
        let error = try_call_service(&app, TestRequest::get().uri("/").to_request()).await.err().expect("an error");
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        let body = actix_web::body::to_bytes(response.into_body()).await.expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["code"], "internal_error");
        assert!(!body.to_string().contains("hunter2"));
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
}
