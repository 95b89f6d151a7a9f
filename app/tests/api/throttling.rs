//! What a stranger, a known device and a whole network can try and cannot, and who is taken for whom.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use kernel::Ids;
use larder::Surroundings;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::Enrolled;
use crate::support::kitchen::{Kitchen, WALK_IN};
use crate::support::patience::{HANGS, soon};
use crate::support::process::Process;
use crate::support::tables::{Contents, texts};
use crate::support::wire::{Event, Verdict, Wire};
use crate::support::{Api, Engine, OWNER_EMAIL, PASSWORD, Reply, Stores, fixed_clock, on};

/// The tests come from 127.0.0.1, and as whom they say.
const PROXY: (&str, &str) = ("LARDER_TRUSTED_PROXIES", "127.0.0.1");
const LOGIN: &str = "/v1/auth/login";
const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";
const WRONG: &str = "not the password of anybody";

/// Two tests of one, as `both_engines!` makes them, behind a proxy that is trusted.
macro_rules! behind_a_proxy {
    ($(async fn $name:ident($api:ident: Api) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($api: Api) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(Engine::Sqlite, &[PROXY], test).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(Engine::Postgres, &[PROXY], test).await;
            }
        }
    )*};
}

async fn log_in(api: &Api, from: &str, email: &str, password: &str) -> Reply {
    api.call("POST", LOGIN).header("X-Forwarded-For", from).json(&json!({ "email": email, "password": password })).send().await
}

async fn wrong(api: &Api, from: &str) -> Reply {
    log_in(api, from, OWNER_EMAIL, WRONG).await
}

async fn right(api: &Api, from: &str) -> Reply {
    log_in(api, from, OWNER_EMAIL, PASSWORD).await
}

/// With the token of a device.
async fn by_device(api: &Api, from: &str, token: &str, password: &str) -> Reply {
    let body = json!({ "email": OWNER_EMAIL, "password": password, "device_token": token });
    api.call("POST", LOGIN).header("X-Forwarded-For", from).json(&body).send().await
}

fn token(tokens: &Value) -> String {
    tokens["device_token"].as_str().expect("a device's token").to_owned()
}

/// A refusal that says to wait for so many seconds.
#[track_caller]
fn waits(reply: Reply, seconds: i64) {
    assert_eq!(reply.header("retry-after"), seconds.to_string(), "{}", reply.text);
    reply.refused(429, "rate_limited");
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// The only text that a statement answers.
async fn text(api: &Api, sql: &str) -> String {
    texts(api.auth_db(), sql).await.pop().unwrap_or_else(|| panic!("{sql}: no row"))
}

/// How many tries are charged to a kind of limits.
async fn charged(api: &Api, kind: &str) -> String {
    text(api, &format!("SELECT CAST(COALESCE(SUM(count), 0) AS TEXT) FROM throttle WHERE kind = '{kind}'")).await
}

behind_a_proxy! {
    async fn after_five_wrong_passwords_each_try_from_the_same_address_waits_longer_and_a_right_one_ends_that(api: Api) {
        api.owner().await;
        for _ in 0..5 {
            wrong(&api, HERE).await.refused(401, "invalid_credentials");
        }
        for wait in [1, 2, 4, 8] {
            // However often it is tried meanwhile, and with the right password too.
            for _ in 0..3 {
                waits(right(&api, HERE).await, wait);
            }
            api.advance(seconds(wait) - TimeDelta::milliseconds(1));
            waits(right(&api, HERE).await, 1);
            api.advance(TimeDelta::milliseconds(1));
            wrong(&api, HERE).await.refused(401, "invalid_credentials");
        }
        right(&api, ELSEWHERE).await.ok(200);
        waits(right(&api, HERE).await, 16);
        api.advance(seconds(16));
        right(&api, HERE).await.ok(200);
        for _ in 0..5 {
            wrong(&api, HERE).await.refused(401, "invalid_credentials");
        }
        waits(wrong(&api, HERE).await, 1);
    }

    async fn a_refusal_writes_nothing(api: Api) {
        api.owner().await;
        for _ in 0..5 {
            wrong(&api, HERE).await.refused(401, "invalid_credentials");
        }
        let before = Contents::of(api.auth_db()).await;
        for _ in 0..20 {
            waits(wrong(&api, HERE).await, 1);
        }
        assert_eq!(before.difference(&Contents::of(api.auth_db()).await), "");
    }

    async fn nobody_else_holds_up_a_known_device_also_from_the_same_address(api: Api) {
        api.owner().await;
        let device = token(&right(&api, HERE).await.ok(200));
        assert!(device.starts_with("lard_"));
        let others = (0..40).map(|number| format!("cook-{number}@example.org"));
        for email in others {
            log_in(&api, HERE, &email, WRONG).await;
        }
        for from in (0..30).map(|number| format!("198.51.100.{number}")) {
            wrong(&api, &from).await;
        }
        assert_eq!(right(&api, HERE).await.code(), "rate_limited", "the address has tried too often");
        assert_eq!(right(&api, "192.0.2.1").await.code(), "rate_limited", "so has everybody with this account");
        let tokens = by_device(&api, HERE, &device, PASSWORD).await.ok(200);
        assert_eq!(tokens.get("device_token"), None, "it has one");
        by_device(&api, "192.0.2.1", &device, PASSWORD).await.ok(200);
        // It waits for its own tries alone, and nobody waits for those.
        let others_before = (charged(&api, "account").await, charged(&api, "address_minute").await);
        for _ in 0..5 {
            by_device(&api, HERE, &device, WRONG).await.refused(401, "invalid_credentials");
        }
        waits(by_device(&api, ELSEWHERE, &device, PASSWORD).await, 1);
        assert_eq!((charged(&api, "account").await, charged(&api, "address_minute").await), others_before);
        api.advance(seconds(1));
        by_device(&api, ELSEWHERE, &device, PASSWORD).await.ok(200);
        for _ in 0..5 {
            by_device(&api, HERE, &device, WRONG).await.refused(401, "invalid_credentials");
        }
    }

    async fn a_device_is_known_to_its_own_user_until_it_is_revoked_or_not_used_for_half_a_year(api: Api) {
        let owner = api.owner().await;
        let other = api.add_member(owner.tenant_id, "staff", None).await;
        let device = token(&right(&api, HERE).await.ok(200));
        let others = token(&log_in(&api, HERE, &other, PASSWORD).await.ok(200));
        let wrong_end = if device.ends_with('A') { "B" } else { "A" };
        let changed = format!("{}{wrong_end}", &device[..device.len() - 1]);
        let is_known = async |token: &str| by_device(&api, HERE, token, PASSWORD).await.ok(200).get("device_token").is_none();
        assert!(is_known(&device).await);
        for token in [others.as_str(), &changed, "lard_", "nonsense"] {
            assert!(!is_known(token).await, "{token}");
        }
        let hash = text(&api, "SELECT token_hash FROM device ORDER BY created_at LIMIT 1").await;
        assert!(hash.len() == 64 && !device.contains(&hash));
        api.advance(TimeDelta::days(180));
        assert!(is_known(&device).await, "and from now on for half a year again");
        api.advance(TimeDelta::days(180) + seconds(1));
        assert!(!is_known(&device).await);
        let device = token(&right(&api, HERE).await.ok(200));
        assert!(is_known(&device).await);
        api.auth_db().execute_unprepared("UPDATE device SET revoked_at = created_at").await.expect("revoked");
        assert!(!is_known(&device).await);
        // Not more than fifty of one user are kept.
        for _ in 0..60 {
            right(&api, HERE).await.ok(200);
        }
        let kept = "SELECT CAST(COUNT(*) AS TEXT) FROM device WHERE user_id = (SELECT id FROM \"user\" WHERE email_key = 'olga@example.org')";
        assert_eq!(text(&api, kept).await, "50");
    }

    async fn one_address_has_thirty_tries_a_minute_for_all_accounts_and_a_64_is_one_address(api: Api) {
        api.owner().await;
        for (from, same, other) in [(HERE, HERE, ELSEWHERE), ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1")] {
            for number in 0..30 {
                log_in(&api, from, &format!("cook-{number}@example.org"), WRONG).await.refused(401, "invalid_credentials");
            }
            waits(right(&api, same).await, 62);
            right(&api, other).await.ok(200);
            api.advance(seconds(62));
            right(&api, same).await.ok(200);
            api.advance(seconds(58));
        }
    }

    async fn after_twenty_failures_from_everywhere_unknown_devices_wait_and_after_a_hundred_only_known_ones_come_in(api: Api) {
        api.owner().await;
        let device = token(&right(&api, HERE).await.ok(200));
        let mut addresses = (0..200).map(|number| format!("192.0.2.{number}"));
        let mut from = || addresses.next().expect("an address");
        for _ in 0..20 {
            wrong(&api, &from()).await.refused(401, "invalid_credentials");
        }
        waits(right(&api, HERE).await, 180);
        by_device(&api, HERE, &device, PASSWORD).await.ok(200);
        log_in(&api, HERE, "cook@example.org", WRONG).await.refused(401, "invalid_credentials");
        for _ in 20..100 {
            api.advance(seconds(180));
            wrong(&api, &from()).await.refused(401, "invalid_credentials");
            waits(wrong(&api, &from()).await, if charged(&api, "account").await == "101" { 86_400 } else { 180 });
        }
        api.advance(TimeDelta::hours(20));
        waits(right(&api, HERE).await, 4 * 3_600);
        by_device(&api, HERE, &device, PASSWORD).await.ok(200);
        api.advance(TimeDelta::hours(4));
        right(&api, HERE).await.ok(200);
    }

    async fn who_knows_the_password_may_log_in_all_the_time(api: Api) {
        api.owner().await;
        for _ in 0..40 {
            right(&api, HERE).await.ok(200);
        }
        for kind in ["account", "account_address", "address_minute", "address_hour"] {
            assert_eq!(charged(&api, kind).await, "0", "{kind}");
        }
    }

    async fn failures_are_forgotten_after_a_day_also_where_their_user_logs_in_meanwhile(api: Api) {
        api.owner().await;
        for number in 0..10 {
            wrong(&api, &format!("192.0.2.{number}")).await.refused(401, "invalid_credentials");
        }
        for _ in 0..3 {
            api.advance(TimeDelta::hours(8) - seconds(1));
            right(&api, HERE).await.ok(200);
            assert_eq!(charged(&api, "account").await, "10");
        }
        api.advance(seconds(3));
        wrong(&api, HERE).await.refused(401, "invalid_credentials");
        assert_eq!(charged(&api, "account").await, "1");
    }

    async fn what_nobody_had_time_to_look_at_is_not_charged(api: Api) {
        api.owner().await;
        let tries = (0..200).map(|number| {
            let (api, from, email) = (&api, format!("198.51.100.{number}"), format!("cook-{number}@example.org"));
            async move { log_in(api, &from, &email, WRONG).await }
        });
        let mut codes = BTreeMap::new();
        for reply in join_all(tries).await {
            *codes.entry(reply.code().to_owned()).or_insert(0) += 1;
        }
        let looked_at = codes.remove("invalid_credentials").unwrap_or(0).to_string();
        assert!(codes.keys().all(|code| code == "auth_busy"), "{codes:?}");
        for kind in ["account", "account_address", "address_minute", "address_hour"] {
            assert_eq!(charged(&api, kind).await, looked_at, "{kind}");
        }
    }

    async fn who_hangs_up_has_tried(api: Api) {
        api.owner().await;
        let body = json!({ "email": OWNER_EMAIL, "password": WRONG }).to_string();
        let head = format!("POST {LOGIN} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {HERE}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        for number in 1..=5 {
            let mut connection = TcpStream::connect(api.address().trim_start_matches("http://")).expect("a connection");
            connection.write_all(format!("{head}{body}").as_bytes()).expect("sent");
            // As soon as it is charged: nobody waits for the answer.
            soon("it is charged", async || charged(&api, "account_address").await == number.to_string()).await;
            drop(connection);
        }
        waits(right(&api, HERE).await, 1);
        assert_eq!(charged(&api, "account").await, "5");
    }

    async fn failures_of_an_account_are_two_events_an_hour_that_say_how_many_there_were(api: Api) {
        api.owner().await;
        let events = async || texts(api.auth_db(), "SELECT CAST(times AS TEXT) FROM audit_event WHERE act = 'login' ORDER BY occurred_at, id").await;
        for number in 0..7 {
            wrong(&api, &format!("192.0.2.{number}")).await.refused(401, "invalid_credentials");
        }
        assert_eq!(events().await, ["1"]);
        api.advance(TimeDelta::hours(1));
        wrong(&api, HERE).await.refused(401, "invalid_credentials");
        assert_eq!(events().await, ["1", "6", "1"], "the six others when the hour is over");
        wrong(&api, HERE).await.refused(401, "invalid_credentials");
        log_in(&api, HERE, "nobody@example.org", WRONG).await.refused(401, "invalid_credentials");
        assert_eq!(events().await, ["1", "6", "1", "1"]);
        // What has nothing to say any more goes, and what it had to say is said.
        api.advance(TimeDelta::hours(25));
        let again = api.restart().await;
        soon("all is forgotten", async || text(&again, "SELECT CAST(COUNT(*) AS TEXT) FROM throttle").await == "0").await;
        assert_eq!(events().await, ["1", "6", "1", "1", "1"]);
        again.stop().await;
    }

    async fn of_more_rows_than_are_kept_those_go_first_that_hold_back_nobody(api: Api) {
        api.owner().await;
        for _ in 0..5 {
            wrong(&api, HERE).await.refused(401, "invalid_credentials");
        }
        // What a flood leaves, of which nothing is forgotten yet.
        let columns = "key, kind, version, count, count_before, since, drained_at, forgotten_at";
        let numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200300)";
        let at = |day| format!("'2026-11-{day}T12:00:00+00:00'");
        let row = format!("'flood-' || n, 'account', 1, 1, 0, {0}, {0}, {1}", at(25), at(26));
        let flood = format!("INSERT INTO throttle ({columns}) {numbers} SELECT {row} FROM numbers");
        api.auth_db().execute_unprepared(&flood).await.expect("a flood");
        let again = api.restart().await;
        soon("the rest is forgotten", async || text(&again, "SELECT CAST(COUNT(*) AS TEXT) FROM throttle").await == "200000").await;
        waits(wrong(&again, HERE).await, 1);
        again.stop().await;
    }

    async fn a_client_is_who_the_nearest_untrusted_address_is(api: Api) {
        api.owner().await;
        for number in 0..5 {
            wrong(&api, &format!("192.0.2.{number}, {HERE}")).await.refused(401, "invalid_credentials");
        }
        waits(wrong(&api, &format!("192.0.2.77, ::ffff:{HERE}, 127.0.0.1")).await, 1);
        right(&api, &format!("{HERE}, {ELSEWHERE}")).await.ok(200);
        assert_eq!(api.get("/health/ready").await.ok(200)["forwarding"], "fine");
    }

    async fn a_hash_of_another_cost_is_replaced_when_its_user_logs_in(api: Api) {
        api.owner().await;
        // The same password, with 8 MiB and one pass.
        let old = "$argon2id$v=19$m=8192,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$KR7BICIw/sAVqTBmieVoh5pmWx639OLkxka6VY1AJKg";
        api.auth_db().execute_unprepared(&format!("UPDATE \"user\" SET password_hash = '{old}'")).await.expect("an old hash");
        wrong(&api, HERE).await.refused(401, "invalid_credentials");
        let stored = async || text(&api, "SELECT password_hash FROM \"user\"").await;
        assert_eq!(stored().await, old);
        right(&api, HERE).await.ok(200);
        let new = stored().await;
        assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
        right(&api, HERE).await.ok(200);
        assert_eq!(stored().await, new);
    }

    async fn a_flood_from_a_48_leaves_known_devices_and_postings_alone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("MILK", json!({})).await;
        let device = token(&right(&api, HERE).await.ok(200));
        let mut flood: FuturesUnordered<_> = (0..400)
            .map(|number| {
                let (api, from, email) = (&api, format!("2001:db8:1:{number:x}::1"), format!("cook-{number}@example.org"));
                async move { log_in(api, &from, &email, WRONG).await.code().to_owned() }
            })
            .collect();
        // At the moment when strangers have left each other no place.
        while flood.next().await.expect("the queue was never full") != "auth_busy" {}
        let receipt = json!({ "location": WALK_IN, "lines": [{ "sku": "MILK", "quantity": "1", "line_total": "1" }] });
        let working = async {
            for _ in 0..3 {
                by_device(&api, "2001:db8:1:1::1", &device, PASSWORD).await.ok(200);
                kitchen.owner.post("/v1/inventory/receipts", receipt.clone()).await.ok(201);
            }
        };
        let (codes, ()) = futures::join!(flood.collect::<Vec<_>>(), working);
        assert!(codes.iter().all(|code| code == "auth_busy" || code == "invalid_credentials"), "{codes:?}");
    }
}

both_engines! {
    async fn what_an_untrusted_client_says_of_its_address_is_ignored_and_told(api: Api) {
        api.owner().await;
        assert_eq!(api.get("/health/ready").await.ok(200)["forwarding"], "fine");
        for number in 0..5 {
            wrong(&api, &format!("192.0.2.{number}")).await.refused(401, "invalid_credentials");
        }
        waits(wrong(&api, "192.0.2.77").await, 1);
        // Most likely 127.0.0.1 is a proxy of ours.
        assert_eq!(api.get("/health/ready").await.ok(200)["forwarding"], "proxy_untrusted");
    }
}

/// Invariant 12, on the wire: the same statements in the same order. That each takes one hashing is seen where passwords are verified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_that_fails_takes_the_same_statements_whether_there_is_such_a_user_or_not() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let stores = Arc::new(stores);
    let wire = Wire::in_front_of(&stores.variables()["AUTH_DATABASE_URL"], None).await;
    let api = Api::start(stores.clone(), &[("AUTH_DATABASE_URL", wire.url()), PROXY], Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
    let owner = api.owner().await;
    let mut emails = Vec::new();
    for _ in 0..5 {
        emails.push(api.add_member(owner.tenant_id, "staff", None).await);
    }
    let arrange = async |sql: String| api.auth_db().execute_unprepared(&sql).await.expect("arranged");
    arrange(format!("UPDATE \"user\" SET disabled_at = created_at WHERE email = '{}'", emails[2])).await;
    arrange(format!("DELETE FROM membership WHERE user_id = (SELECT id FROM \"user\" WHERE email = '{}')", emails[3])).await;
    Enrolled::of(&api.log_in(&emails[4]).await).await;
    let tries = [
        (emails[0].as_str(), WRONG),
        (&emails[1], ""),
        (&emails[2], PASSWORD),
        (&emails[3], PASSWORD),
        // Who has a second factor.
        (&emails[4], WRONG),
        ("nobody@example.org", PASSWORD),
        ("somebody@example.org", ""),
        ("no address at all", PASSWORD),
    ];
    let mut seen: Vec<Vec<String>> = Vec::new();
    for (number, (email, password)) in tries.into_iter().enumerate() {
        let (mut events, mut statements) = (wire.listen(), Vec::new());
        let from = format!("192.0.2.{number}");
        let mut trying = std::pin::pin!(log_in(&api, &from, email, password));
        let answered = async {
            loop {
                tokio::select! {
                    biased;
                    Some(event) = events.recv() => if let Event::Step(step) = event {
                        statements.push(step.sql.clone());
                        step.decide(Verdict::Pass);
                    },
                    reply = &mut trying => break reply,
                }
            }
        };
        let reply = tokio::time::timeout(HANGS, answered).await.expect("an answer");
        reply.refused(401, "invalid_credentials");
        seen.push(statements);
    }
    assert!(seen[0].len() > 8, "{seen:?}");
    assert!(seen.iter().all(|statements| *statements == seen[0]), "{seen:#?}");
    api.stop().await;
    stores.remove().await;
}

/// Invariant 14: what two replicas let through counts once each, in one database.
async fn over_two_replicas(replicas: &[Api; 2]) {
    let [one, other] = replicas;
    one.owner().await;
    let tries = (0..18).map(|number| {
        let api = if number % 2 == 0 { one } else { other };
        async move { wrong(api, &format!("192.0.2.{number}")).await }
    });
    let looked_at = join_all(tries).await.iter().filter(|reply| reply.code() == "invalid_credentials").count();
    assert!(looked_at > 0);
    assert_eq!(charged(one, "account").await, looked_at.to_string());
    assert_eq!(text(one, "SELECT CAST(SUM(times) AS TEXT) FROM audit_event WHERE act = 'login'").await, "1");
    let failed = text(one, "SELECT CAST(count AS TEXT) FROM throttle WHERE kind = 'login'").await;
    assert_eq!(failed, looked_at.to_string(), "and as many are to be audited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_two_replicas_count_together() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (stores, surroundings) = (Arc::new(stores), Surroundings { clock: fixed_clock(), ids: Ids::System });
    let replicas = [Api::start(stores.clone(), &[PROXY], surroundings.clone()).await, Api::start(stores.clone(), &[PROXY], surroundings).await];
    over_two_replicas(&replicas).await;
    // And from one address: five of both together, whichever is asked.
    for number in 0..5 {
        log_in(&replicas[number % 2], HERE, "cook@example.org", WRONG).await.refused(401, "invalid_credentials");
    }
    for replica in &replicas {
        waits(log_in(replica, HERE, "cook@example.org", WRONG).await, 1);
        replica.stop().await;
    }
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_two_processes_count_together() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (stores, mut variables) = (Arc::new(stores), BTreeMap::new());
    variables.extend(stores.variables());
    variables.insert(PROXY.0.to_owned(), PROXY.1.to_owned());
    let serve = || Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let processes = [serve(), serve()];
    let replicas = [Api::of_process(stores.clone(), &processes[0]).await, Api::of_process(stores.clone(), &processes[1]).await];
    over_two_replicas(&replicas).await;
    drop(processes);
    stores.remove().await;
}
