//! What every answer tells browsers: what they may do with it, and pages of which other origins may read it.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What holds unless an answer says more itself: it is no page, nobody shows it in a frame, guesses its type or is told where a
/// link in it was followed.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// For a year, of this host alone: other hosts below its name may be somebody else's.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// The headers of an answer that a page of another origin may read, beside the few that it always may.
const EXPOSED: &str = "etag, idempotent-replayed, location, ratelimit, ratelimit-policy, retry-after, x-request-id";

/// What the operator has decided. One value for all workers.
#[derive(Clone, Debug, Default)]
pub struct Exposure(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    origins: Vec<String>,
    is_https: bool,
}

impl Exposure {
    /// Pages of these origins may read answers, and of no other. `is_https` says that people reach this server by https only.
    pub fn new(origins: Vec<String>, is_https: bool) -> Self {
        Self(Arc::new(Inner { origins, is_https }))
    }

    /// The origin of the page that sends a request, where it may read the answer.
    pub fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let sent = headers.get(header::ORIGIN)?;
        // Byte by byte: a browser writes an origin in one way only.
        self.0.origins.iter().any(|origin| origin.as_bytes() == sent.as_bytes()).then(|| sent.clone())
    }

    pub(crate) fn guard(&self, headers: &HeaderMap) -> Guard {
        Guard { is_https: self.0.is_https, origin: self.origin(headers), differs_by_origin: !self.0.origins.is_empty() }
    }
}

/// What the answer to one request says of that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    is_https: bool,
    origin: Option<HeaderValue>,
    differs_by_origin: bool,
}

impl Guard {
    /// Leaves what the answer says itself.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in ALWAYS {
            if !headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        if self.is_https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
        }
        if self.differs_by_origin && !headers.contains_key(header::VARY) {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &[&str], sent: &str) -> bool {
        let exposure = Exposure::new(origins.iter().map(|origin| (*origin).to_owned()).collect(), false);
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_str(sent).expect("a value"));
        exposure.origin(&headers).is_some()
    }

    #[test]
    fn an_origin_is_allowed_exactly_as_it_was_named() {
        let origins = ["https://app.example.com"];
        assert!(allowed(&origins, "https://app.example.com"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "https://evil.test/https://app.example.com",
            "https://example.com",
            "https://APP.example.com",
            "null",
            "*",
            "",
        ] {
            assert!(!allowed(&origins, other), "{other}");
        }
        assert!(!allowed(&[], "null"));
    }

    #[test]
    fn what_an_answer_says_itself_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        Guard::default().write(&mut headers);
        assert_eq!(headers.get(header::CONTENT_SECURITY_POLICY).expect("a policy"), "default-src 'self'");
        assert_eq!(headers.get(header::REFERRER_POLICY).expect("a policy"), "no-referrer");
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY) && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
