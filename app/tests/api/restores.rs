//! The drill of the runbook: databases and their key in another place, which becomes an installation of its own.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::admin::House;
use crate::support::authenticator::Authenticator;
use crate::support::patience::soon;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, Stores};

const ME: &str = "/v1/auth/me";

async fn me(api: &Api, tokens: &Value) -> Reply {
    Client::of(api, tokens).get(ME).await
}

async fn refresh(api: &Api, tokens: &Value) -> Reply {
    api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await
}

/// The first half of a log-in.
async fn half(api: &Api) -> Value {
    let half = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200);
    assert_eq!(half["mfa_required"], true);
    half["mfa_token"].clone()
}

async fn finish(api: &Api, mfa_token: &Value, factor: &str, code: &str) -> Reply {
    api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, factor: code })).await
}

/// As a backup that was put back somewhere else: of files, or of databases.
async fn restore(from: &House, to: &House) {
    match (&*from.stores, &*to.stores) {
        (Stores::Postgres(_, from), Stores::Postgres(_, to)) => {
            futures::join!(Box::pin(to.auth.become_copy_of(&from.auth)), Box::pin(to.inventory.become_copy_of(&from.inventory)));
        }
        (from, to) => {
            // Who was connected goes a moment after it was let go, and takes the write-ahead log along.
            let is_closed = async || {
                let mut files = std::fs::read_dir(from.folder().path()).expect("the folder").map(|file| file.expect("a file").file_name());
                !files.any(|name| name.to_string_lossy().ends_with("-wal"))
            };
            soon("the files are closed", is_closed).await;
            for file in std::fs::read_dir(from.folder().path()).expect("the folder").map(|file| file.expect("a file")) {
                std::fs::copy(file.path(), to.folder().path().join(file.file_name())).expect("copied");
            }
        }
    }
}

async fn a_restored_copy(engine: Engine) {
    let (Some(house), Some(copy)) = (House::closed(engine).await, House::closed(engine).await) else { return };
    if engine == Engine::Sqlite {
        house.keep_key_in_file();
        copy.keep_key_in_file();
    }
    house.start().await;
    let api = house.api().await;
    api.owner().await;
    let tokens = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200);
    let owner = Client::of(&api, &tokens);
    let app = Authenticator::of(&owner.post("/v1/auth/mfa/totp", Value::Null).await.ok(200));
    let confirmed = owner.post("/v1/auth/mfa/totp/confirm", json!({ "code": app.code_at(api.now()) })).await.ok(200);
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).expect("codes");
    let by_code = finish(&api, &half(&api).await, "recovery_code", &codes[0]).await.ok(200);
    let begun = half(&api).await;
    let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
    let key = owner.post(&format!("/v1/auth/tenants/{}/api-keys", owner.tenant_id), key).await.ok(201);
    let site = json!({ "kind": "site", "code": "main", "name": "A kitchen", "time_zone": "Europe/Paris" });
    owner.post("/v1/inventory/locations", site).await.ok(201);
    house.stop().await;
    // What is connected holds up a copy.
    drop((owner, api));
    restore(&house, &copy).await;

    let listed = copy.larder(&["auth", "after-restore"]);
    let listed: Vec<&str> = listed["lines"].as_array().expect("lines").iter().filter_map(|line| line["is"].as_str()).collect();
    assert_eq!(listed, ["member", "api_key"]);
    copy.start().await;
    house.start().await;
    let (there, here) = (house.api().await, copy.api().await);
    for tokens in [&tokens, &by_code] {
        assert_eq!(me(&here, tokens).await.status, 401);
        refresh(&here, tokens).await.refused(401, "refresh_invalid");
        me(&there, tokens).await.ok(200);
        refresh(&there, tokens).await.ok(200);
    }
    finish(&here, &begun, "recovery_code", &codes[1]).await.refused(401, "mfa_invalid");
    // The app, of the next half minute: the code of the one in which it was enrolled was used.
    let next = app.code_at(here.now().plus(TimeDelta::seconds(30)));
    let by_app = finish(&here, &half(&here).await, "code", &next).await.ok(200);
    finish(&here, &half(&here).await, "recovery_code", &codes[0]).await.refused(401, "mfa_invalid");
    let anew = finish(&here, &half(&here).await, "recovery_code", &codes[1]).await.ok(200);
    assert_eq!(me(&here, &anew).await.ok(200)["mfa"], json!({ "is_enrolled": true, "is_required": false, "recovery_codes_left": 8 }));
    for tokens in [&by_app, &anew] {
        me(&here, tokens).await.ok(200);
        assert_eq!(me(&there, tokens).await.status, 401, "and the other way round");
    }
    // What was posted is there, and a program goes on: its key is on the list.
    let till = Client::of(&here, &anew).with_token(key["secret"].as_str().expect("a secret"));
    assert_eq!(till.get("/v1/inventory/locations").await.ok(200)["data"][0]["code"], "main");
    house.close().await;
    copy.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_copy_becomes_an_installation_of_its_own_with_both_factors_on_sqlite() {
    a_restored_copy(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_copy_becomes_an_installation_of_its_own_with_both_factors_on_postgres() {
    a_restored_copy(Engine::Postgres).await;
}
