//! Signing keys over months, at several servers; what a restored database and a wrong clock do.

use std::sync::Arc;

use auth::admin::{Admin, SecretChange, Wish};
use auth::{SecretKey, Secrets};
use chrono::TimeDelta;
use kernel::{Clock, Ids};
use larder::{Settings, Surroundings, databases};
use serde_json::{Value, json};

use crate::admin::House;
use crate::support::tables::{Contents, Saved, run};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, SECRET_KEY, Stores, fixed_clock};

const ME: &str = "/v1/auth/me";

/// The installation, as the command line opens it; its keys are tidied by it as by the hourly task of a server.
pub async fn installation(api: &Api) -> Admin {
    let settings = Settings::load_built_in(&api.stores().variables()).unwrap_or_else(|refusal| panic!("{refusal}"));
    let database = databases::open_auth(&settings).await.unwrap_or_else(|failure| panic!("{failure}"));
    let secrets = Secrets::given(SecretKey::parse(SECRET_KEY).expect("a key"), None);
    Admin::open(database, "", secrets, api.clock(), Ids::System, None).await.expect("the installation")
}

async fn log_in(api: &Api) -> Value {
    api.owner().await;
    api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200)
}

async fn refreshed(api: &Api, tokens: &Value) -> Value {
    api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.ok(200)
}

/// The key that a token names.
pub fn kid(tokens: &Value) -> String {
    use std::io::Read as _;
    let header = tokens["access_token"].as_str().and_then(|token| token.split('.').next()).expect("a header").to_owned();
    let mut text = String::new();
    unbase64(&header).as_slice().read_to_string(&mut text).expect("text");
    serde_json::from_str::<Value>(&text).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
}

/// base64url without padding (RFC 4648), which no crate of the tests reads.
fn unbase64(text: &str) -> Vec<u8> {
    let value = |character: u8| match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let (mut bits, mut number, mut bytes) = (0_u32, 0_u32, Vec::new());
    for character in text.bytes() {
        (bits, number) = (bits + 6, (number << 6) | u32::from(value(character)));
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((number >> bits) & 0xff).expect("a byte"));
        }
    }
    bytes
}

pub async fn published(api: &Api) -> Vec<String> {
    let keys = api.get("/v1/auth/jwks.json").await.ok(200);
    keys["keys"].as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

both_engines! {
    /// Invariant 18, over half a year of twelve hours each.
    async fn a_token_is_good_for_its_ten_minutes_whatever_becomes_of_its_key(api: Api) {
        let tidying = installation(&api).await;
        let mut tokens = log_in(&api).await;
        let (mut known, mut seen) = (published(&api).await, vec![kid(&tokens)]);
        for half_day in 1..=370 {
            api.advance(TimeDelta::hours(12) - TimeDelta::seconds(629));
            tokens = if half_day % 40 == 0 { log_in(&api).await } else { refreshed(&api, &tokens).await };
            // Whoever read the keys half a day ago can verify it.
            assert!(known.contains(&kid(&tokens)), "after {half_day} half days");
            tidying.rotate_keys(Wish::WhatIsDue).await.expect("rotated");
            known = published(&api).await;
            api.advance(TimeDelta::seconds(629));
            Client::of(&api, &tokens).get(ME).await.ok(200);
            if seen.last() != Some(&kid(&tokens)) {
                seen.push(kid(&tokens));
            }
        }
        assert_eq!(seen.len(), 3, "two rotations: {seen:?}");
        assert!(known.len() <= 2, "what was retired is forgotten: {known:?}");
    }

    async fn a_key_that_is_removed_is_trusted_by_nobody_five_seconds_later(api: Api) {
        let tidying = installation(&api).await;
        let tokens = log_in(&api).await;
        let keys = tidying.remove_key(&kid(&tokens)).await.expect("removed");
        assert_eq!(keys.len(), 1);
        api.advance(TimeDelta::seconds(5));
        Client::of(&api, &tokens).get(ME).await.refused(401, "token_invalid");
        assert_eq!(published(&api).await, [keys[0].kid.clone()]);
        // The session goes on: its refresh token is of another kind.
        let anew = refreshed(&api, &tokens).await;
        Client::of(&api, &anew).get(ME).await.ok(200);
        assert_eq!(kid(&anew), keys[0].kid);
        assert!(tidying.remove_key("no-such-key").await.is_err());
    }

    async fn any_number_of_rotations_at_once_is_one(api: Api) {
        api.owner().await;
        let tidying = installation(&api).await;
        api.advance(TimeDelta::days(89));
        let all = futures::future::join_all((0..8).map(|_| tidying.rotate_keys(Wish::WhatIsDue))).await;
        assert!(all.into_iter().all(|keys| keys.is_ok_and(|keys| keys.len() == 2)));
        api.advance(TimeDelta::days(1));
        let all = futures::future::join_all((0..8).map(|_| tidying.rotate_keys(Wish::WhatIsDue))).await;
        for keys in all {
            let statuses: Vec<_> = keys.expect("rotated").into_iter().map(|key| key.status).collect();
            assert_eq!(statuses, ["active", "retired"]);
        }
        api.advance(TimeDelta::hours(1));
        assert_eq!(tidying.rotate_keys(Wish::WhatIsDue).await.expect("rotated").len(), 1);
    }

    async fn a_key_that_the_secret_does_not_open_never_signs(api: Api) {
        let tidying = installation(&api).await;
        let tokens = log_in(&api).await;
        let statuses = |keys: &[auth::admin::Key]| keys.iter().map(|key| (key.kid.clone(), key.status.clone())).collect::<Vec<_>>();
        let broken = "UPDATE signing_key SET sealed_private_key = '00', secret_id = 'another' WHERE status = 'pending'";
        let published_next = async || {
            let keys = tidying.rotate_keys(Wish::Next).await.expect("published");
            keys.into_iter().find(|key| key.status == "pending").expect("a key that waits").kid
        };
        // Before its time it is forgotten, and another is published in its place when one is due.
        let lost = published_next().await;
        run(api.auth_db(), broken).await;
        let keys = statuses(&tidying.rotate_keys(Wish::WhatIsDue).await.expect("rotated"));
        assert_eq!(keys, [(kid(&tokens), "active".into())]);
        let lost_too = published_next().await;
        run(api.auth_db(), broken).await;
        api.advance(TimeDelta::days(1));
        let keys = statuses(&tidying.rotate_keys(Wish::Next).await.expect("rotated"));
        assert!(keys.len() == 2 && keys[0].1 == "pending" && ![lost, lost_too].contains(&keys[0].0), "{keys:?}");
        assert_eq!(keys[1], (kid(&tokens), "active".into()));
        // At once, too.
        run(api.auth_db(), broken).await;
        let keys = statuses(&tidying.rotate_keys(Wish::AtOnce).await.expect("rotated"));
        assert_eq!(keys.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>(), ["active", "retired"]);
        api.advance(TimeDelta::seconds(5));
        let anew = log_in(&api).await;
        assert_eq!(kid(&anew), keys[0].0);
        Client::of(&api, &anew).get(ME).await.ok(200);
    }

    async fn a_server_that_has_the_secret_of_before_publishes_nothing(api: Api) {
        log_in(&api).await;
        let late = installation(&api).await;
        let (before, next) = (SecretKey::parse(SECRET_KEY).expect("a key"), SecretKey::parse(&"n".repeat(48)).expect("a key"));
        let settings = Settings::load_built_in(&api.stores().variables()).unwrap_or_else(|refusal| panic!("{refusal}"));
        let database = databases::open_auth(&settings).await.unwrap_or_else(|failure| panic!("{failure}"));
        let change = SecretChange::of(database, api.clock(), Ids::System);
        change.rotate(Secrets::given(next, Some(before))).await.expect("exchanged");
        let keys = Contents::of(api.auth_db()).await.0["signing_key"].clone();
        for wish in [Wish::WhatIsDue, Wish::Next, Wish::AtOnce] {
            late.rotate_keys(wish).await.expect_err("it could be opened by nobody");
        }
        assert_eq!(Contents::of(api.auth_db()).await.0["signing_key"], keys);
    }

    /// Invariant 26, in the place of the database that was saved.
    async fn after_a_restore_nothing_is_taken_that_was_handed_out_before(api: Api) {
        let before = log_in(&api).await;
        Client::of(&api, &before).get(ME).await.ok(200);
        let saved = Saved::take(api.auth_db(), "yesterday", api.stores().folder().path()).await;
        let later = log_in(&api).await;
        saved.put_back().await;
        api.advance(TimeDelta::seconds(5));
        let listed = installation(&api).await.after_restore().await.expect("done");
        assert_eq!(listed.len(), 1, "{listed:?}");
        api.advance(TimeDelta::seconds(5));
        for tokens in [&before, &later] {
            let reply = Client::of(&api, tokens).get(ME).await;
            assert_eq!(reply.status, 401, "{}", reply.text);
            api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.refused(401, "refresh_invalid");
            // Nor is a device known that was before.
            let known = json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": tokens["device_token"] });
            assert!(api.post("/v1/auth/login", known).await.ok(200)["device_token"].is_string());
        }
        let anew = log_in(&api).await;
        Client::of(&api, &anew).get(ME).await.ok(200);
        refreshed(&api, &anew).await;
    }
}

/// Invariant 18, with the clock and the cache of each of two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_take_each_others_tokens_while_keys_are_rotated() {
    let Some(house) = House::open(Engine::Postgres).await else { return };
    let process = house.another();
    let (one, other) = (house.api().await, Api::of_process(house.stores.clone(), &process).await);
    let first = log_in(&one).await;
    house.larder(&["auth", "rotate-keys", "--now"]);
    let next = loop {
        let tokens = log_in_again(&one).await;
        Client::of(&other, &tokens).get(ME).await.ok(200);
        Client::of(&other, &first).get(ME).await.ok(200);
        if kid(&tokens) != kid(&first) {
            break tokens;
        }
    };
    house.larder(&["auth", "rotate-keys", "--remove", &kid(&next)]);
    for api in [&one, &other] {
        house.until(async || Client::of(api, &next).get(ME).await.status == 401).await;
        let tokens = log_in_again(api).await;
        Client::of(&one, &tokens).get(ME).await.ok(200);
        Client::of(&other, &tokens).get(ME).await.ok(200);
    }
    drop(process);
    house.close().await;
}

async fn log_in_again(api: &Api) -> Value {
    api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200)
}

async fn ready_with_a_clock_that_is_off(engine: Engine, seconds: i64) -> Option<Value> {
    let stores = Arc::new(Stores::make(engine).await?);
    let clock = Clock::Skewed(TimeDelta::seconds(seconds));
    let api = Api::start(stores.clone(), &[], Surroundings { clock, ids: Ids::System }).await;
    let reply = api.get("/health/ready").await;
    api.stop().await;
    stores.remove().await;
    Some(json!({ "status": reply.status, "code": reply.code() }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clock_is_not_the_databases_is_not_ready() {
    for (seconds, status, code) in [(3600, 503, "clock_skew"), (-3600, 503, "clock_skew"), (0, 200, "")] {
        let Some(answer) = ready_with_a_clock_that_is_off(Engine::Postgres, seconds).await else { return };
        assert_eq!(answer, json!({ "status": status, "code": code }), "{seconds} s");
    }
    let embedded = ready_with_a_clock_that_is_off(Engine::Sqlite, 3600).await.expect("an answer");
    assert_eq!(embedded["status"], 200, "an embedded database has the program's clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixed_clock_is_not_held_against_the_databases() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let stores = Arc::new(stores);
    let api = Api::start(stores.clone(), &[], Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
    api.get("/health/ready").await.ok(200);
    api.stop().await;
    stores.remove().await;
}
