//! What every answer tells browsers, and pages of which other origins may read it.

use serde_json::json;

use crate::support::{Api, Call, Engine, OWNER_EMAIL, Reply, on};

const ORIGIN: &str = "https://app.example.com";
const ALLOWED: (&str, &str) = ("LARDER_SERVER_CORS_ORIGINS", ORIGIN);

fn preflight(api: &Api, path: &str, origin: &str) -> Call {
    let call = api.call("OPTIONS", path).header("Origin", origin).header("Access-Control-Request-Method", "POST");
    call.header("Access-Control-Request-Headers", "authorization, content-type")
}

/// One answer of every kind: done, and refused by each of those who can refuse.
async fn of_all_kinds(api: &Api, origin: &str) -> Vec<Reply> {
    let owner = api.owner().await;
    let call = |method: &str, path: &str| api.call(method, path).header("Origin", origin);
    vec![
        call("GET", "/health/live").send().await,
        call("GET", "/openapi.json").send().await,
        call("GET", "/docs/").send().await,
        call("GET", "/nothing").send().await,
        call("DELETE", "/health/live").send().await,
        call("GET", "/v1/auth/me").send().await,
        call("GET", "/v1/inventory/items").send().await,
        call("GET", "/a%00b").send().await,
        owner.call("GET", "/v1/auth/me").header("Origin", origin).send().await,
        owner.call("GET", "/v1/auth/me?colour=red").header("Origin", origin).send().await,
        owner.call("POST", "/v1/auth/sessions/revoke-others").header("Origin", origin).send().await,
        call("POST", "/v1/auth/login").json(&json!({})).send().await,
        call("POST", "/v1/auth/login").body("text/plain", "x").send().await,
    ]
}

both_engines! {
    async fn every_answer_says_what_browsers_may_not_do_with_it(api: Api) {
        let replies = of_all_kinds(&api, ORIGIN).await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [200, 200, 200, 404, 405, 401, 401, 404, 200, 422, 200, 422, 415]);
        for reply in replies {
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(reply.header(name), value, "{name} of {reply:?}");
            }
            let policy = reply.header("content-security-policy");
            let is_page = reply.header("content-type").starts_with("text/html");
            assert!(policy.contains("frame-ancestors 'none'") && (is_page || policy == "default-src 'none'; frame-ancestors 'none'"), "{reply:?}");
            // Nobody has said that anybody reaches it by https, or that pages of others may read it.
            for name in ["strict-transport-security", "access-control-allow-origin", "access-control-allow-credentials", "vary"] {
                assert_eq!(reply.header(name), "", "{name} of {reply:?}");
            }
        }
        preflight(&api, "/v1/auth/login", ORIGIN).send().await.refused(405, "method_not_allowed");
    }

    async fn a_limit_that_was_reached_is_named(api: Api) {
        api.owner().await;
        let wrong = || api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": "not the password of anybody" }));
        for _ in 0..5 {
            let reply = wrong().await;
            assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), ("", ""));
            reply.refused(401, "invalid_credentials");
        }
        let reply = wrong().await;
        assert_eq!(reply.header("retry-after"), "1");
        assert_eq!(reply.header("ratelimit"), "\"account_address\";r=0;t=1");
        assert_eq!(reply.header("ratelimit-policy"), "\"account_address\";q=5;w=86400");
        reply.refused(429, "rate_limited");
        for number in 5..30 {
            api.post("/v1/auth/login", json!({ "email": format!("cook-{number}@example.org"), "password": "x" })).await.refused(401, "invalid_credentials");
        }
        let reply = api.post("/v1/auth/login", json!({ "email": "somebody@example.org", "password": "x" })).await;
        let wait = reply.header("retry-after").to_owned();
        assert_eq!(reply.header("ratelimit"), format!("\"address_minute\";r=0;t={wait}"));
        assert_eq!(reply.header("ratelimit-policy"), "\"address_minute\";q=30;w=60");
        reply.refused(429, "rate_limited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_an_origin_that_was_named_reads_every_answer() {
    on(Engine::Sqlite, &[ALLOWED], |api| async move {
        for reply in of_all_kinds(&api, ORIGIN).await {
            assert_eq!(reply.header("access-control-allow-origin"), ORIGIN, "{reply:?}");
            assert_eq!(reply.header("vary"), "Origin", "{reply:?}");
            let exposed = reply.header("access-control-expose-headers");
            assert!(["etag", "retry-after", "ratelimit", "x-request-id"].iter().all(|name| exposed.split(", ").any(|told| told == *name)), "{exposed}");
            assert_eq!(reply.header("access-control-allow-credentials"), "");
        }
        let asked = preflight(&api, "/v1/auth/login", ORIGIN).send().await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin"), asked.header("access-control-allow-methods")), (204, ORIGIN, "POST"));
        let taken = asked.header("access-control-allow-headers");
        assert!(["authorization", "content-type", "if-match", "idempotency-key"].iter().all(|name| taken.contains(name)), "{taken}");
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        // A path that asks for a token says so to the request itself, not to the question before it.
        let asked = preflight(&api, "/v1/inventory/items", ORIGIN).send().await;
        assert_eq!((asked.status, asked.header("access-control-allow-methods")), (204, "GET, POST"));
        preflight(&api, "/nothing", ORIGIN).send().await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_any_other_origin_reads_nothing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, &[ALLOWED], |api| async move {
            for origin in ["https://evil.example.com", "http://app.example.com", "https://app.example.com.evil.test", "https://app.example.com:8443", "null"] {
                for reply in of_all_kinds(&api, origin).await {
                    assert_eq!((reply.header("access-control-allow-origin"), reply.header("vary")), ("", "Origin"), "{origin}: {reply:?}");
                }
                let asked = preflight(&api, "/v1/auth/login", origin).send().await;
                assert_eq!((asked.header("access-control-allow-origin"), asked.header("access-control-allow-methods")), ("", ""));
                asked.refused(405, "method_not_allowed");
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_reached_by_https_says_that_nothing_else_is_to_be_tried() {
    on(Engine::Sqlite, &[("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com")], |api| async move {
        for reply in of_all_kinds(&api, ORIGIN).await {
            assert_eq!(reply.header("strict-transport-security"), "max-age=31536000", "{reply:?}");
        }
    })
    .await;
    on(Engine::Sqlite, &[("LARDER_AUTH_PUBLIC_URL", "http://localhost:8080")], |api| async move {
        assert_eq!(api.get("/health/live").await.header("strict-transport-security"), "");
    })
    .await;
}
