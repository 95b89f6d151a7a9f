//! What holds for every request: ids, limits, paths that are not there, health, and how the server stops.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;

use crate::support::patience::HANGS;
use crate::support::process::Process;
use crate::support::{Api, Engine, Stores, on};

both_engines! {
    async fn health_names_each_database(api: Api) {
        assert_eq!(api.get("/health/live").await.ok(200)["status"], "live");
        let ready = api.get("/health/ready").await.ok(200);
        assert_eq!(ready["databases"], json!({ "auth": "up", "inventory": "up" }));
        let document = api.get("/openapi.json").await.ok(200);
        for field in ["auth", "inventory"] {
            assert_eq!(document["components"]["schemas"]["Reached"]["properties"][field]["description"], "`up` or `away`.");
        }
    }

    async fn a_request_has_an_id_in_its_answer(api: Api) {
        let reply = api.get("/health/live").await;
        assert!(!reply.header("x-request-id").is_empty());
        let reply = api.call("GET", "/no/such/path").header("X-Request-Id", "shift-7.line_3").send().await;
        assert_eq!((reply.header("x-request-id"), reply.body["request_id"].as_str()), ("shift-7.line_3", Some("shift-7.line_3")));
        // One that does not look like an id is replaced, not repeated.
        let reply = api.call("GET", "/health/live").header("X-Request-Id", "<script>").send().await;
        assert!(!reply.header("x-request-id").contains('<') && !reply.header("x-request-id").is_empty());
    }

    async fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow(api: Api) {
        for path in ["/", "/v1", "/v1/auth", "/v1/auth/nothing", "/nothing/at/all", "/health/live/"] {
            api.get(path).await.refused(404, "not_found");
        }
        for (method, path, allow) in [
            ("DELETE", "/health/live", "GET, HEAD"),
            ("GET", "/v1/auth/login", "POST"),
            ("PATCH", "/v1/auth/setup", "POST"),
            ("OPTIONS", "/openapi.json", "GET, HEAD"),
        ] {
            let reply = api.call(method, path).send().await;
            assert_eq!(reply.header("allow"), allow, "{method} {path}");
            reply.refused(405, "method_not_allowed");
        }
    }

    async fn head_answers_as_get_does_without_the_body(api: Api) {
        let owner = api.owner().await;
        for path in ["/health/live", "/health/ready", "/openapi.json", "/v1/inventory/units", "/v1/auth/tenants"] {
            let (got, head) = (owner.get(path).await, owner.call("HEAD", path).send().await);
            assert_eq!((head.status, head.text.as_str(), head.header("content-type")), (200, "", got.header("content-type")), "{path}");
            assert_eq!(head.header("content-length"), got.text.len().to_string(), "{path}");
        }
        for (path, status) in [("/v1/inventory/units", 401), ("/nothing", 404), ("/v1/auth/login", 405)] {
            let head = api.call("HEAD", path).send().await;
            assert_eq!((head.status, head.text.as_str()), (status, ""), "{path}");
        }
    }

    async fn behind_the_caller_401_comes_first_and_then_404_and_405(api: Api) {
        api.get("/v1/inventory/nothing").await.refused(401, "token_invalid");
        let owner = api.owner().await;
        owner.get("/v1/inventory/nothing").await.refused(404, "not_found");
        let reply = owner.call("DELETE", "/v1/inventory/items").send().await;
        assert!(reply.header("allow").contains("GET"), "{reply:?}");
        reply.refused(405, "method_not_allowed");
        owner.get("/v1/inventory/items/not-an-id").await.refused(404, "not_found");
    }

    async fn a_control_character_in_a_path_is_404_wherever_it_stands(api: Api) {
        let owner = api.owner().await;
        let item = json!({ "sku": "MILK", "name": "Milk", "base_unit": "ml" });
        let item = owner.post("/v1/inventory/items", item).await.ok(201)["id"].as_str().expect("an id").to_owned();
        let mut templates: Vec<_> = api.contract().operations().iter().filter(|operation| operation.path.contains('{')).collect();
        templates.sort_by(|one, other| one.path.cmp(&other.path));
        assert!(templates.len() > 3);
        for operation in templates {
            // Every parameter in turn, with the others as right as they can be.
            let places: Vec<_> = operation.path.split('/').enumerate().filter(|(_, part)| part.starts_with('{')).map(|(place, _)| place).collect();
            for place in places {
                for wrong in ["%00", "a%00b", "%0A", "%7F", "%C2%80"] {
                    let part = |(at, part): (usize, &str)| match part {
                        _ if at == place => wrong.to_owned(),
                        "{id}" => item.clone(),
                        part if part.starts_with('{') => "ml".to_owned(),
                        part => part.to_owned(),
                    };
                    let path = operation.path.split('/').enumerate().map(part).collect::<Vec<_>>().join("/");
                    let call = owner.call(&operation.method, &path).header("If-Match", "*").header("Idempotency-Key", "a-key");
                    call.json(&json!({})).send().await.refused(404, "not_found");
                }
            }
        }
        owner.get("/%00").await.refused(404, "not_found");
    }

    async fn what_cannot_be_read_is_told_apart(api: Api) {
        let login = || api.call("POST", "/v1/auth/login");
        login().body("application/json", "{\"email\": ").send().await.refused(400, "malformed_json");
        login().body("application/json", "").send().await.refused(400, "malformed_json");
        login().body("text/plain", "{}").send().await.refused(415, "unsupported_media_type");
        login().send().await.refused(415, "unsupported_media_type");
        let large = json!({ "email": "a".repeat(64 * 1024), "password": "x" });
        login().json(&large).send().await.refused(413, "body_too_large");
        login().body("application/json; charset=utf-8", "[]").send().await.refused(422, "invalid_request");
    }

    async fn a_body_or_a_query_that_is_broken_is_told_apart_from_one_that_is_wrong(api: Api) {
        let owner = api.owner().await;
        for path in ["/v1/inventory/items?q=%FF", "/v1/inventory/items?%C3=x", "/v1/inventory/stock?sku=%ED%A0%80"] {
            owner.get(path).await.refused(400, "malformed_query");
        }
        owner.get("/v1/inventory/items?q=%C3%9Cber").await.ok(200);
        // A length of a piece that is no number.
        let (address, token) = (api.address().to_owned(), owner.token.clone());
        let broken = move |path: &str, kind: &str| {
            let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: broken\r\nContent-Type: {kind}\r\n");
            raw(&address, format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"x\":\r\nno number\r\n").as_bytes())
        };
        let answers = tokio::task::spawn_blocking(move || {
            [("/v1/inventory/units", "application/json"), ("/v1/inventory/imports/opening-stock", "text/csv")].map(|(path, kind)| broken(path, kind))
        });
        for answer in answers.await.expect("answers") {
            assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("\"code\":\"malformed_body\""), "{answer}");
        }
    }

    async fn unknown_fields_are_refused_by_name_with_all_other_violations(api: Api) {
        let reply = api.post("/v1/auth/login", json!({ "email": 7, "pasword": "x" })).await;
        let found = reply.violations();
        for expected in [("/email", "wrong_type"), ("/password", "required"), ("/pasword", "unknown_field")] {
            assert!(found.iter().any(|(pointer, code)| (pointer.as_str(), code.as_str()) == expected), "{expected:?} is not in {found:?}");
        }
        reply.refused(422, "invalid_request");
    }

    async fn an_answer_says_that_its_body_is_what_its_type_says(api: Api) {
        assert_eq!(api.get("/health/live").await.header("x-content-type-options"), "nosniff");
        assert_eq!(api.get("/nothing").await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_beyond_the_limit_are_refused() {
    on(Engine::Sqlite, &[("LARDER_SERVER_HEADER_LIMIT_BYTES", "2048")], |api| async move {
        api.call("GET", "/health/live").header("X-Long", &"x".repeat(1000)).send().await.ok(200);
        api.call("GET", "/health/live").header("X-Long", &"x".repeat(3000)).send().await.refused(431, "headers_too_large");
    })
    .await;
}

/// What a connection answers when it is sent these bytes, until it is closed.
fn raw(address: &str, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(address.trim_start_matches("http://")).expect("a connection");
    connection.set_read_timeout(Some(HANGS)).expect("a timeout");
    connection.write_all(bytes).expect("sent");
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_do_not_come_to_an_end_in_time_end_the_connection() {
    on(Engine::Sqlite, &[("LARDER_SERVER_HEADER_TIMEOUT_SECONDS", "1")], |api| async move {
        let address = api.address().to_owned();
        let answer = tokio::task::spawn_blocking(move || raw(&address, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ")).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_to_an_end_in_time_is_given_up() {
    on(Engine::Sqlite, &[("LARDER_SERVER_REQUEST_TIMEOUT_SECONDS", "1")], |api| async move {
        let address = api.address().to_owned();
        let head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{";
        let answer = tokio::task::spawn_blocking(move || raw(&address, head)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("timed_out") && answer.to_lowercase().contains("retry-after"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_fails_and_names_the_database_that_is_away() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let Stores::Postgres(_, pair) = &stores else { panic!("Postgres") };
    let variables = stores.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let process = Process::serve(stores.folder().path(), &[], variables);
    pair.inventory.remove().await;
    let answer = reqwest::get(format!("{}/health/ready", process.address)).await.expect("an answer");
    assert_eq!(answer.status(), 503);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!((&body["code"], &body["databases"]), (&json!("database_unavailable"), &json!({ "auth": "up", "inventory": "away" })));
    assert_eq!(reqwest::get(format!("{}/health/live", process.address)).await.expect("an answer").status(), 200);
    drop(process);
    stores.remove().await;
}

#[test]
fn a_signal_lets_running_requests_end_and_takes_no_new_ones() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Process::serve(folder.path(), &[], []);
        let place = process.address.trim_start_matches("http://").to_owned();
        let mut running = TcpStream::connect(&place).expect("a connection");
        running.set_read_timeout(Some(HANGS)).expect("a timeout");
        let body = "{\"email\": \"nobody@example.org\", \"password\": \"whatever\"}";
        let head = format!(
            "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        running.write_all(head.as_bytes()).expect("sent");
        // The server has the head, and waits for the body: the request runs.
        let mut goes_on = [0; 25];
        running.read_exact(&mut goes_on).expect("a hundred");
        assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        process.signal(signal);
        let give_up = Instant::now() + HANGS;
        while TcpStream::connect(&place).is_ok() {
            assert!(Instant::now() < give_up, "{signal}: new connections are taken");
        }
        running.write_all(body.as_bytes()).expect("sent");
        let mut answer = String::new();
        running.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 401"), "{signal}: {answer}");
        assert_eq!(process.ended(), 0, "{signal}");
    }
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::serve(folder.path(), &[], []);
    let mut idle = TcpStream::connect(process.address.trim_start_matches("http://")).expect("a connection");
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut answer = [0; 16];
    idle.read_exact(&mut answer).expect("an answer");
    process.signal("TERM");
    assert_eq!(process.ended(), 0);
}

#[test]
fn the_log_may_be_json_and_holds_the_request_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::serve(folder.path(), &[], [("LARDER_LOG_FORMAT", "json")]);
    let answer = raw(&process.address, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: find-me\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let log = process.log();
    let found =
        log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON")).any(|line| line.to_string().contains("find-me"));
    assert!(found, "{log}");
}
