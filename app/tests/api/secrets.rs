//! No secret is in a log, in a refusal or in a database: each is planted, and looked for where it must not be.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::db::dump;
use crate::support::authenticator::Authenticator;
use crate::support::mailbox::Mailbox;
use crate::support::process::Process;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, Reply, SECRET_KEY, SETUP_TOKEN, Stores};

const FIRST_PASSWORD: &str = "seven copper kettles under the stairs";
const LATER_PASSWORD: &str = "nobody waters the plastic ferns here";
const WRONG_PASSWORD: &str = "a guess that was typed in by mistake";
const STAFF_PASSWORD: &str = "the cellar door sticks when it rains";
const STAFF_EMAIL: &str = "tom@example.org";

/// What must not be seen, by what it is.
#[derive(Default)]
struct Planted(Vec<(&'static str, String)>);

impl Planted {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{what}: {secret}");
        self.0.push((what, secret.clone()));
        secret
    }

    /// What an answer shows once.
    fn shown(&mut self, what: &'static str, answer: &Value, field: &str) -> String {
        self.add(what, answer[field].as_str().unwrap_or_else(|| panic!("{what}: {answer}")))
    }

    fn tokens(&mut self, tokens: &Value) {
        self.shown("an access token", tokens, "access_token");
        self.shown("a refresh token", tokens, "refresh_token");
        if tokens["device_token"].is_string() {
            self.shown("a device's token", tokens, "device_token");
        }
    }

    #[track_caller]
    fn assert_unseen(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            assert!(!text.contains(secret.as_str()), "{what} is in {place}");
        }
    }

    #[track_caller]
    fn assert_not_among(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.0 {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{what} is in {place}");
        }
    }
}

/// Does everything that has a secret in it; answers what was refused meanwhile.
async fn live(api: &Api, mailbox: &Mailbox, planted: &mut Planted) -> Vec<Reply> {
    let mut refused = Vec::new();
    let owner = json!({
        "setup_token": SETUP_TOKEN, "email": OWNER_EMAIL, "password": FIRST_PASSWORD, "name": "Olga Ott",
        "tenant_name": "The Corner Kitchen", "currency": "EUR", "time_zone": "Europe/Paris",
    });
    let tokens = api.post("/v1/auth/setup", owner).await.ok(201);
    planted.tokens(&tokens);
    let log_in = async |password: &str| api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": password })).await;
    refused.push(log_in(WRONG_PASSWORD).await);
    let owner = Client::of(api, &tokens);
    let passwords = json!({ "current_password": FIRST_PASSWORD, "password": LATER_PASSWORD });
    owner.post_without_key("/v1/auth/me/password", passwords).await.ok(200);

    let begun = owner.post_without_key("/v1/auth/mfa/totp", Value::Null).await.ok(200);
    planted.shown("the secret of a second factor", &begun, "secret");
    let app = Authenticator::of(&begun);
    planted.add("the secret of a second factor, in hexadecimal", app.hex());
    let confirmed = owner.post_without_key("/v1/auth/mfa/totp/confirm", json!({ "code": app.code_at(api.now()) })).await.ok(200);
    for code in confirmed["recovery_codes"].as_array().expect("codes") {
        planted.add("a recovery code", code.as_str().expect("a code"));
    }
    let half = log_in(LATER_PASSWORD).await.ok(200);
    let mfa_token = planted.shown("the token of half a log-in", &half, "mfa_token");
    let recovery = confirmed["recovery_codes"][0].clone();
    let finished = api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, "recovery_code": recovery })).await.ok(200);
    planted.tokens(&finished);
    refused.push(api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, "recovery_code": recovery })).await);
    let owner = Client::of(api, &finished);

    let below = format!("/v1/auth/tenants/{}", owner.tenant_id);
    let key = owner.post_without_key(&format!("{below}/api-keys"), json!({ "name": "Till", "scopes": ["read"], "all_sites": true })).await.ok(201);
    let key = planted.shown("an API key", &key, "secret");
    let till = owner.with_token(&key);
    till.get("/v1/inventory/stock").await.ok(200);
    refused.push(till.get("/v1/auth/me").await);
    let invite = json!({ "email": STAFF_EMAIL, "role": "staff", "all_sites": true });
    let invite = owner.post_without_key(&format!("{below}/invites"), invite).await.ok(201);
    let invite = planted.shown("the token of an invite", &invite, "token");
    planted.add("the token of a mailed invite", mailbox.next_to(STAFF_EMAIL).await.token());
    refused.push(api.post("/v1/auth/invites/accept", json!({ "token": invite, "name": "Tom", "password": "short" })).await);
    let accepted = api.post("/v1/auth/invites/accept", json!({ "token": invite, "name": "Tom", "password": STAFF_PASSWORD })).await.ok(201);
    planted.tokens(&json!({ "access_token": accepted["access_token"], "refresh_token": accepted["refresh_token"] }));
    let staff = Client::of(api, &accepted).get("/v1/auth/me").await.ok(200)["membership_id"].as_str().expect("an id").to_owned();
    let link = owner.post_without_key(&format!("{below}/members/{staff}/reset-link"), json!({})).await.ok(201);
    planted.shown("the token of a link", &link, "token");
    api.post("/v1/auth/password/forgot", json!({ "email": STAFF_EMAIL })).await.ok(202);
    let mailed = planted.add("the token of a mailed link", mailbox.next_to(STAFF_EMAIL).await.token());
    let reset = json!({ "token": mailed, "password": WRONG_PASSWORD.repeat(9) });
    refused.push(api.post("/v1/auth/password/reset", reset).await);

    let refresh = planted.add("a made-up refresh token", "larr_ThisOneWasNeverMadeByAnybodyAtAll00000000000000");
    refused.push(api.post("/v1/auth/refresh", json!({ "refresh_token": refresh })).await);
    refused.push(owner.with_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.madeup").get("/v1/inventory/stock").await);
    let next = api.post("/v1/auth/refresh", json!({ "refresh_token": accepted["refresh_token"] })).await.ok(200);
    planted.tokens(&next);
    refused
}

async fn no_secret_is_seen(engine: Engine) {
    let Some(stores) = Stores::make(engine).await else { return };
    let (stores, mailbox) = (Arc::new(stores), Mailbox::open().await);
    let mut variables = stores.variables();
    variables.extend(mailbox.variables().into_iter().map(|(name, value)| (name.to_owned(), value)));
    variables.insert("LARDER_LOG_FILTER".into(), "debug,larder=trace,auth=trace,inventory=trace,kernel=trace".into());
    let mut planted = Planted::default();
    for (what, secret) in
        [("the secret key", SECRET_KEY), ("the set-up token", SETUP_TOKEN), ("a password", FIRST_PASSWORD), ("a later password", LATER_PASSWORD)]
    {
        planted.add(what, secret);
    }
    planted.add("a wrong password", WRONG_PASSWORD);
    planted.add("a password of staff", STAFF_PASSWORD);
    let process = Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let api = Api::of_process(stores.clone(), &process).await;
    let refused = live(&api, &mailbox, &mut planted).await;
    for reply in &refused {
        assert!(reply.status >= 400, "{} {}", reply.status, reply.text);
        planted.assert_unseen("a refusal", &reply.text);
    }
    let log = process.log();
    assert!(log.len() > 1_000 && log.contains("/v1/auth/login"), "this log would show nothing: {log}");
    planted.assert_unseen("the log", &log);
    for database in [api.auth_db(), api.inventory_db()] {
        for (table, rows) in dump(database).await {
            planted.assert_unseen(&format!("the table {table}"), &rows.join("\n"));
        }
    }
    // Neither in what was deleted: pages of the file and its log.
    for file in std::fs::read_dir(stores.folder().path()).expect("the folder").map(|file| file.expect("a file").path()) {
        planted.assert_not_among(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default());
    }
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_log_a_refusal_or_a_database_sqlite() {
    no_secret_is_seen(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_log_a_refusal_or_a_database_postgres() {
    no_secret_is_seen(Engine::Postgres).await;
}
