//! Setting up, logging in and out, who is calling.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use larder::{Application, Settings, Surroundings};
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, SETUP_TOKEN, fixed_clock, on};

/// Everything that a replica may believe is older than this.
const STALE: TimeDelta = TimeDelta::seconds(5);

fn setup() -> Value {
    json!({
        "setup_token": SETUP_TOKEN, "email": "Mia@Example.org", "password": PASSWORD, "name": "Mia Keller",
        "tenant_name": "Trattoria Luna", "currency": "EUR", "time_zone": "Europe/Rome",
    })
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

async fn log_in(api: &Api, email: &str, password: &str) -> Reply {
    api.post("/v1/auth/login", json!({ "email": email, "password": password })).await
}

async fn arrange(api: &Api, sql: &str) {
    api.auth_db().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn rows(api: &Api, table: &'static str) -> i64 {
    let count = Query::select().expr_as(Expr::col("id").count(), "rows").from(table).take();
    api.auth_db().query_one(&count).await.expect("a count").expect("a row").try_get("", "rows").expect("a number")
}

/// Act, outcome and subject of every audit event, oldest first.
async fn audit(api: &Api) -> Vec<(String, String, Option<String>)> {
    let events = Query::select().columns(["act", "outcome", "subject"]).from("audit_event").order_by("occurred_at", sea_orm::Order::Asc).take();
    let events = api.auth_db().query_all(&events).await.expect("the events");
    let text = |row: &sea_orm::QueryResult, name: &str| row.try_get("", name).expect("a text");
    events.iter().map(|row| (text(row, "act"), text(row, "outcome"), row.try_get("", "subject").expect("a subject"))).collect()
}

/// A problem without what differs from request to request.
fn without_request_id(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    body.as_object_mut().expect("a problem").remove("request_id");
    body
}

both_engines! {
    async fn setup_makes_the_owner_of_the_first_tenant_and_logs_in(api: Api) {
        let reply = api.post("/v1/auth/setup", setup()).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let tokens = reply.ok(201);
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert!(tokens["refresh_token"].as_str().is_some_and(|token| token.starts_with("larr_")));
        let me = Client::of(&api, &tokens).get("/v1/auth/me").await.ok(200);
        assert_eq!(me["user"]["email"], "Mia@Example.org");
        assert_eq!(me["tenant"]["id"], tokens["tenant_id"]);
        assert_eq!((&me["tenant"]["currency"], &me["tenant"]["time_zone"]), (&json!("EUR"), &json!("Europe/Rome")));
        assert_eq!((&me["role"], &me["all_sites"], &me["site_ids"]), (&json!("owner"), &json!(true), &json!([])));
        assert_eq!(me["permissions"].as_array().map(Vec::len), Some(15));
        assert_eq!(me["session_id"], tokens["session_id"]);
        assert_eq!(audit(&api).await, [("setup".to_owned(), "done".to_owned(), None)]);
    }

    async fn setup_works_once(api: Api) {
        api.post("/v1/auth/setup", setup()).await.ok(201);
        api.post("/v1/auth/setup", setup()).await.refused(409, "already_bootstrapped");
        api.post("/v1/auth/setup", with(setup(), "setup_token", "another-token-of-some-length")).await.refused(409, "already_bootstrapped");
        // By a flag, and not because there is an owner.
        arrange(&api, "DELETE FROM membership").await;
        api.post("/v1/auth/setup", setup()).await.refused(409, "already_bootstrapped");
        let again = api.restart().await;
        again.post("/v1/auth/setup", setup()).await.refused(409, "already_bootstrapped");
        again.stop().await;
    }

    async fn fifty_setups_at_once_make_one_owner(api: Api) {
        let replies = join_all((0..50).map(|_| api.post("/v1/auth/setup", setup()))).await;
        let mut counts = BTreeMap::new();
        for reply in &replies {
            *counts.entry((reply.status, reply.code().to_owned())).or_insert(0) += 1;
        }
        assert_eq!(counts.remove(&(201, String::new())), Some(1), "{counts:?}");
        // A slow machine may turn some away before they are decided.
        assert!(counts.keys().all(|(status, code)| matches!((status, code.as_str()), (409, "already_bootstrapped") | (503, "auth_busy"))), "{counts:?}");
        for table in ["user", "tenant", "membership", "session", "audit_event"] {
            assert_eq!(rows(&api, table).await, 1, "{table}");
        }
    }

    async fn setup_refuses_a_wrong_token_and_writes_nothing(api: Api) {
        for token in ["wrong", "", &SETUP_TOKEN[1..]] {
            let reply = api.post("/v1/auth/setup", with(setup(), "setup_token", token)).await;
            if token.is_empty() {
                reply.refused(422, "invalid_request");
            } else {
                assert_eq!(reply.header("www-authenticate"), "Bearer");
                reply.refused(401, "setup_token_invalid");
            }
        }
        assert_eq!((rows(&api, "user").await, rows(&api, "audit_event").await), (0, 0));
        api.post("/v1/auth/setup", setup()).await.ok(201);
    }

    async fn setup_tells_everything_that_is_wrong_at_once(api: Api) {
        let body = json!({ "setup_token": SETUP_TOKEN, "email": "mia", "password": "too short", "name": "", "currency": "eur", "time_zone": "Rome", "colour": "red" });
        let reply = api.post("/v1/auth/setup", body).await;
        let expected = [
            ("/email", "invalid_email"),
            ("/name", "wrong_length"),
            ("/tenant_name", "required"),
            ("/currency", "invalid_currency"),
            ("/time_zone", "invalid_time_zone"),
            ("/colour", "unknown_field"),
            ("/password", "password_too_short"),
        ];
        assert_eq!(reply.violations(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        reply.refused(422, "invalid_request");
        for (password, code) in [("trattoria luna 1", "password_blocked"), ("aaaaaaaaaaaaaaaaaaaa", "password_blocked"), (&*"q".repeat(257), "password_too_long")] {
            let reply = api.post("/v1/auth/setup", with(setup(), "password", password)).await;
            assert_eq!(reply.violations(), [("/password".to_owned(), code.to_owned())]);
        }
        assert_eq!(rows(&api, "user").await, 0);
    }

    async fn credentials_are_answered_to_a_plain_request_only(api: Api) {
        for path in ["/v1/auth/setup", "/v1/auth/login"] {
            let right = if path.ends_with("setup") { setup() } else { json!({ "email": "mia@example.org", "password": PASSWORD }) };
            api.call("POST", path).header("Idempotency-Key", "a-key").json(&right).send().await.refused(400, "idempotency_key_not_allowed");
            api.post(path, with(right.clone(), "password", "x".repeat(17_000))).await.refused(413, "body_too_large");
            api.call("POST", path).body("text/plain", right.to_string()).send().await.refused(415, "unsupported_media_type");
            api.call("POST", path).body("application/json", "{").send().await.refused(400, "malformed_json");
            api.post(path, json!([])).await.refused(422, "invalid_request");
            api.get(path).await.refused(405, "method_not_allowed");
        }
        assert_eq!(rows(&api, "user").await, 0);
    }

    async fn a_login_begins_a_session_of_its_own(api: Api) {
        let first = api.owner().await;
        let reply = log_in(&api, &format!("  {} ", OWNER_EMAIL.to_uppercase()), PASSWORD).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let tokens = reply.ok(200);
        let second = Client::of(&api, &tokens);
        assert_eq!(second.tenant_id, first.tenant_id);
        let session = |me: Value| me["session_id"].clone();
        assert_ne!(session(first.get("/v1/auth/me").await.ok(200)), session(second.get("/v1/auth/me").await.ok(200)));
        assert_eq!(audit(&api).await.last().map(|(act, outcome, _)| (act.clone(), outcome.clone())), Some(("login".into(), "done".into())));
    }

    async fn nobody_learns_from_a_failed_login_who_has_an_account(api: Api) {
        let owner = api.owner().await;
        let disabled = api.add_member(owner.tenant_id, "staff", None).await;
        let removed = api.add_member(owner.tenant_id, "staff", None).await;
        arrange(&api, &format!("UPDATE \"user\" SET disabled_at = '2026-11-25T12:00:00+00:00' WHERE email = '{disabled}'")).await;
        arrange(&api, &format!("DELETE FROM membership WHERE user_id IN (SELECT id FROM \"user\" WHERE email = '{removed}')")).await;
        let tries = [
            (OWNER_EMAIL, "not the password of anybody"),
            (OWNER_EMAIL, ""),
            ("nobody@example.org", PASSWORD),
            ("nobody@example.org", ""),
            ("no address at all", PASSWORD),
            (disabled.as_str(), PASSWORD),
            (removed.as_str(), PASSWORD),
        ];
        let before = (rows(&api, "session").await, rows(&api, "audit_event").await);
        let mut bodies = Vec::new();
        for (email, password) in tries {
            let reply = log_in(&api, email, password).await;
            bodies.push(without_request_id(&reply));
            reply.refused(401, "invalid_credentials");
        }
        let elsewhere = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD, "tenant_id": api.id() })).await;
        bodies.push(without_request_id(&elsewhere));
        elsewhere.refused(401, "invalid_credentials");
        assert!(bodies.iter().all(|body| body == &bodies[0]), "{bodies:?}");
        assert_eq!((rows(&api, "session").await, rows(&api, "audit_event").await), (before.0, before.1 + 5), "each address is recorded once an hour");

        let subjects: Vec<String> = audit(&api).await.into_iter().filter(|(_, outcome, _)| outcome == "refused").filter_map(|(.., subject)| subject).collect();
        assert_eq!(subjects.len(), 5);
        assert!(subjects.iter().all(|subject| subject.len() == 64 && !subject.contains('@')), "no address is written");
    }

    async fn a_login_without_its_fields_is_told_which(api: Api) {
        let reply = api.post("/v1/auth/login", json!({ "email": 7, "tenant_id": "x", "device": "y" })).await;
        let expected = [("/email", "wrong_type"), ("/password", "required"), ("/tenant_id", "invalid_id"), ("/device", "unknown_field")];
        assert_eq!(reply.violations(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }

    async fn a_member_of_two_tenants_names_one_or_gets_the_oldest(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let me = owner.get("/v1/auth/me").await.ok(200);
        let (user_id, membership_id) = (me["user"]["id"].as_str().expect("an id").to_owned(), api.id());
        let as_uuid = |id: &str| Uuid::parse_str(id).expect("an id");
        let late = chrono::DateTime::<chrono::FixedOffset>::from(api.now().plus(TimeDelta::hours(1)));
        let insert = Query::insert()
            .into_table("membership")
            .columns(["id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites"])
            .values_panic([
                membership_id.into(), 1_i64.into(), late.into(), late.into(), other.tenant_id.into(), as_uuid(&user_id).into(), "viewer".into(), true.into(),
            ])
            .take();
        api.auth_db().execute(&insert).await.expect("a membership");
        let log_in = async |tenant_id: Option<Uuid>| {
            let tokens = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD, "tenant_id": tenant_id })).await.ok(200);
            Client::of(&api, &tokens)
        };
        assert_eq!(log_in(None).await.tenant_id, owner.tenant_id);
        let second = log_in(Some(other.tenant_id)).await;
        assert_eq!(second.tenant_id, other.tenant_id);
        assert_eq!(second.get("/v1/auth/me").await.ok(200)["role"], "viewer");
        assert_eq!(owner.get("/v1/auth/me").await.ok(200)["role"], "owner", "a session keeps its tenant");
        // A closed tenant is none.
        arrange(&api, "UPDATE tenant SET closed_at = '2026-11-25T12:00:00+00:00' WHERE name = 'The Corner Kitchen'").await;
        assert_eq!(log_in(None).await.tenant_id, other.tenant_id);
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD, "tenant_id": owner.tenant_id })).await.refused(401, "invalid_credentials");
    }

    async fn a_logout_ends_its_own_session_at_once(api: Api) {
        let (first, second) = (api.owner().await, api.owner().await);
        first.get("/v1/auth/me").await.ok(200);
        assert_eq!(first.call("POST", "/v1/auth/logout").send().await.status, 204);
        first.get("/v1/auth/me").await.refused(401, "session_revoked");
        first.call("POST", "/v1/auth/logout").send().await.refused(401, "session_revoked");
        second.get("/v1/auth/me").await.ok(200);
        let logouts = audit(&api).await.into_iter().filter(|(act, ..)| act == "logout").count();
        assert_eq!(logouts, 1);
    }

    async fn a_logout_wins_against_the_readings_around_it(api: Api) {
        for _ in 0..10 {
            let client = api.owner().await;
            let reading = (0..8).map(|_| async { client.get("/v1/auth/me").await });
            let leaving = async { client.call("POST", "/v1/auth/logout").send().await };
            let (_, left) = futures::join!(join_all(reading), leaving);
            assert_eq!(left.status, 204);
            client.get("/v1/auth/me").await.refused(401, "session_revoked");
        }
    }

    async fn what_a_member_may_do_is_read_from_the_database(api: Api) {
        let sites = [api.id(), api.id()];
        let staff = api.member("staff", Some(&sites)).await;
        let me = staff.get("/v1/auth/me").await.ok(200);
        assert_eq!((&me["role"], &me["all_sites"]), (&json!("staff"), &json!(false)));
        assert_eq!(me["permissions"], json!(["read", "receive", "waste", "use_stock", "transfer", "count"]));
        let mut ids: Vec<Uuid> = serde_json::from_value(me["site_ids"].clone()).expect("ids");
        ids.sort_unstable();
        let mut expected = sites.to_vec();
        expected.sort_unstable();
        assert_eq!(ids, expected);

        arrange(&api, "UPDATE membership SET role = 'viewer', all_sites = true WHERE role = 'staff'").await;
        api.advance(STALE);
        let me = staff.get("/v1/auth/me").await.ok(200);
        assert_eq!((&me["role"], &me["all_sites"], &me["permissions"]), (&json!("viewer"), &json!(true), &json!(["read", "see_costs"])));
    }

    async fn a_disabled_user_and_a_removed_member_are_out_within_five_seconds(api: Api) {
        let acts = [
            "UPDATE \"user\" SET disabled_at = '2026-11-25T12:00:00+00:00' WHERE email LIKE 'buyer%'",
            "DELETE FROM membership WHERE role = 'buyer'",
            "UPDATE session SET revoked_at = '2026-11-25T12:00:00+00:00'",
            "UPDATE tenant SET closed_at = '2026-11-25T12:00:00+00:00'",
        ];
        for (act, undo) in acts.into_iter().zip(["UPDATE \"user\" SET disabled_at = NULL", "", "", ""]) {
            let member = api.member("buyer", None).await;
            member.get("/v1/auth/me").await.ok(200);
            arrange(&api, act).await;
            api.advance(STALE);
            member.get("/v1/auth/me").await.refused(401, "session_revoked");
            member.call("POST", "/v1/auth/logout").send().await.refused(401, "session_revoked");
            if !undo.is_empty() {
                arrange(&api, undo).await;
            }
        }
    }

    async fn only_a_token_of_this_installation_is_taken_while_it_lasts(api: Api) {
        let owner = api.owner().await;
        let (head, tail) = owner.token.rsplit_once('.').expect("a token");
        let (header, claims) = head.split_once('.').expect("a token");
        let other = if claims.ends_with('A') { "B" } else { "A" };
        // {"alg":"none","typ":"at+jwt"} and {"alg":"HS256","typ":"at+jwt"}
        let (none, hs256) = ("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9");
        let forged = [
            String::new(),
            "nonsense".to_owned(),
            format!("{head}."),
            format!("{header}.{}{other}.{tail}", &claims[..claims.len() - 1]),
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{tail}"),
            format!("{hs256}.{claims}.{tail}"),
            format!("{head}.{}", tail.chars().rev().collect::<String>()),
        ];
        for token in forged {
            let reply = api.call("GET", "/v1/auth/me").header("Authorization", &format!("Bearer {token}")).send().await;
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            reply.refused(401, "token_invalid");
        }
        api.get("/v1/auth/me").await.refused(401, "token_invalid");
        api.call("GET", "/v1/auth/me").header("Authorization", &format!("Basic {}", owner.token)).send().await.refused(401, "token_invalid");

        owner.get("/v1/auth/me").await.ok(200);
        api.advance(TimeDelta::seconds(629));
        owner.get("/v1/auth/me").await.ok(200);
        api.advance(TimeDelta::seconds(1));
        owner.get("/v1/auth/me").await.refused(401, "token_expired");
        owner.call("POST", "/v1/auth/logout").send().await.refused(401, "token_expired");
    }

    async fn the_published_key_is_the_one_that_signs_and_a_restart_keeps_it(api: Api) {
        let owner = api.owner().await;
        let keys = api.get("/v1/auth/jwks.json").await.ok(200);
        let key = &keys["keys"][0];
        assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
        assert_eq!((&key["kty"], &key["crv"], &key["alg"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig")));
        assert_eq!(key.as_object().map(serde_json::Map::len), Some(6), "and no private part");
        let again = api.restart().await;
        assert_eq!(again.get("/v1/auth/jwks.json").await.ok(200), keys);
        owner.at(&again).get("/v1/auth/me").await.ok(200);
        again.stop().await;
    }

    async fn a_database_that_fails_lets_nobody_in(api: Api) {
        let owner = api.owner().await;
        owner.get("/v1/auth/me").await.ok(200);
        arrange(&api, "ALTER TABLE membership RENAME TO gone").await;
        api.advance(STALE);
        owner.get("/v1/auth/me").await.refused(500, "internal_error");
        log_in(&api, OWNER_EMAIL, PASSWORD).await.refused(500, "internal_error");
    }

    async fn another_secret_key_stops_the_start_and_changes_nothing(api: Api) {
        let owner = api.owner().await;
        let mut variables = api.stores().variables();
        variables.insert("LARDER_SECRET_KEY".into(), "another-secret-key-of-the-tests-0123456789".into());
        let settings = Settings::load_built_in(&variables).unwrap_or_else(|refusal| panic!("{refusal}"));
        let failure = Application::build(settings, Surroundings { clock: fixed_clock(), ids: kernel::Ids::System }).await.err().expect("refused");
        assert!(failure.to_string().contains("secret key is not the one"), "{failure}");
        assert!(!failure.to_string().contains("another-secret-key"));
        assert_eq!(rows_of_keys(&api).await, 1);
        owner.get("/v1/auth/me").await.ok(200);
    }

    async fn an_audit_event_is_never_changed_or_deleted(api: Api) {
        api.owner().await;
        let mut acts = vec!["UPDATE audit_event SET act = 'nothing'", "DELETE FROM audit_event"];
        if api.engine() == Engine::Postgres {
            acts.push("TRUNCATE audit_event CASCADE");
        }
        for act in acts {
            let refusal = api.auth_db().execute_unprepared(act).await.expect_err(act).to_string();
            assert!(refusal.contains("audit events are never changed or deleted"), "{refusal}");
        }
        assert_eq!(rows(&api, "audit_event").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_keep_the_password_gate_busy_with_setups_on_sqlite() {
    strangers_cannot_keep_the_gate_busy(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_keep_the_password_gate_busy_with_setups_on_postgres() {
    strangers_cannot_keep_the_gate_busy(Engine::Postgres).await;
}

async fn strangers_cannot_keep_the_gate_busy(engine: Engine) {
    // Log-ins that fill the gate come from many addresses: one alone is held up before that.
    on(engine, &[("LARDER_TRUSTED_PROXIES", "127.0.0.1")], async |api: Api| {
        let weak = || with(setup(), "password", "aaaaaaaaaaaaaaaaaaaa");
        // Of a password that would be refused nothing is looked at but its length.
        api.post("/v1/auth/setup", with(weak(), "setup_token", "wrong")).await.refused(401, "setup_token_invalid");
        turned_away_while_the_gate_is_full(&api, 1, &with(setup(), "setup_token", "wrong"), (401, "setup_token_invalid")).await;
        api.post("/v1/auth/setup", setup()).await.ok(201);
        api.post("/v1/auth/setup", weak()).await.refused(409, "already_bootstrapped");
        turned_away_while_the_gate_is_full(&api, 2, &setup(), (409, "already_bootstrapped")).await;
    })
    .await;
}

/// Sends set-ups at the moment when log-ins from a network have left the gate no place: whoever needed one would be answered `auth_busy`.
async fn turned_away_while_the_gate_is_full(api: &Api, network: usize, body: &Value, expected: (u16, &str)) {
    let log_in = |number: usize| {
        let body = json!({ "email": format!("nobody-{number}@example.org"), "password": PASSWORD });
        api.call("POST", "/v1/auth/login").header("X-Forwarded-For", &format!("192.0.{network}.{number}")).json(&body).send()
    };
    let mut logins: FuturesUnordered<_> = (0..200).map(log_in).collect();
    while logins.next().await.expect("the gate was never full").code() != "auth_busy" {}
    let setups = join_all((0..20).map(|_| api.post("/v1/auth/setup", body.clone())));
    let (setups, _) = futures::join!(setups, logins.collect::<Vec<_>>());
    for reply in setups {
        reply.refused(expected.0, expected.1);
    }
}

async fn rows_of_keys(api: &Api) -> i64 {
    let count = Query::select().expr_as(Expr::col("kid").count(), "rows").from("signing_key").take();
    api.auth_db().query_one(&count).await.expect("a count").expect("a row").try_get("", "rows").expect("a number")
}

/// A key that is missing beside a database that was made with one is not replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_file_stops_the_start_and_is_not_made_anew() {
    on(Engine::Sqlite, &[("LARDER_SECRET_KEY", "")], async |api: Api| {
        api.owner().await;
        api.stop().await;
        let path = api.stores().folder().path().join("secret.key");
        std::fs::remove_file(&path).expect("the key file");
        let mut variables = api.stores().variables();
        variables.remove("LARDER_SECRET_KEY");
        let settings = Settings::load_built_in(&variables).unwrap_or_else(|refusal| panic!("{refusal}"));
        let failure = Application::build(settings, Surroundings { clock: fixed_clock(), ids: kernel::Ids::System }).await.err().expect("refused");
        assert!(failure.to_string().contains("secret key is missing"), "{failure}");
        assert!(!path.exists());
    })
    .await;
}
