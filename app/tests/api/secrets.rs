//! No secret is in a log, in a refusal or in a database: each is planted, and looked for where it must not be.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::db::dump;
use crate::support::authenticator::Authenticator;
use crate::support::mailbox::Mailbox;
use crate::support::process::{Process, run};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, Reply, SECRET_KEY, SETUP_TOKEN, Stores};

const FIRST_PASSWORD: &str = "seven copper kettles under the stairs";
const LATER_PASSWORD: &str = "nobody waters the plastic ferns here";
const WRONG_PASSWORD: &str = "a guess that was typed in by mistake";
const STAFF_PASSWORD: &str = "the cellar door sticks when it rains";
const RESET_PASSWORD: &str = "three lanterns over the quiet bridge";
const PREVIOUS_KEY: &str = "the-key-before-it-of-the-tests-0123456789abcdef";
const MAIL_PASSWORD: &str = "what-the-mail-server-asks-for";
const STAFF_EMAIL: &str = "tom@example.org";

/// What must not be seen, by what it is.
#[derive(Default)]
struct Planted {
    secrets: Vec<(&'static str, String)>,
    /// Six digits are part of many a number: these are looked for where they stand by themselves.
    codes: Vec<(&'static str, String)>,
}

impl Planted {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{what}: {secret}");
        self.secrets.push((what, secret.clone()));
        secret
    }

    /// A code of an app, as people type it.
    fn typed(&mut self, what: &'static str, code: String) -> String {
        let typed = format!("{} {}", &code[..3], &code[3..]);
        self.codes.push((what, code));
        self.add(what, typed)
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
        for (what, secret) in &self.secrets {
            assert!(!text.contains(secret.as_str()), "{what} is in {place}");
        }
        for (what, code) in &self.codes {
            let seen = stands_in(text, code);
            assert!(seen.is_none(), "{what} is in {place}: {seen:?}");
        }
    }

    #[track_caller]
    fn assert_not_among(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{what} is in {place}");
        }
    }
}

/// The token of the next link to an address: they are told other things as well.
async fn mailed_link(mailbox: &Mailbox, to: &str) -> String {
    loop {
        let letter = mailbox.next_to(to).await;
        if letter.text.contains("#larl_") {
            return letter.token();
        }
    }
}

/// Where a number stands by itself, with what is around it: not as part of a longer one, of an id, or as a fraction of a second.
fn stands_in<'t>(text: &'t str, number: &str) -> Option<&'t str> {
    let is_part = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || "._-".contains(character));
    text.match_indices(number).find_map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + number.len()..]);
        let stands = !is_part(before.chars().next_back()) && !after.starts_with(|character: char| is_part(Some(character)) && character != '.');
        stands.then(|| text.get(at.saturating_sub(40)..at + number.len()).unwrap_or_default())
    })
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
    let confirm = async |code: String| owner.post_without_key("/v1/auth/mfa/totp/confirm", json!({ "code": code })).await;
    refused.push(confirm(planted.typed("a wrong code", app.wrong_code(api))).await);
    let confirmed = confirm(planted.typed("a code", app.code_at(api.now()))).await.ok(200);
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
    let link = planted.shown("the token of a link that was handed over", &link, "token");
    api.post("/v1/auth/password/reset", json!({ "token": link, "password": RESET_PASSWORD })).await.ok(200);
    refused.push(api.post("/v1/auth/password/reset", json!({ "token": link, "password": RESET_PASSWORD })).await);
    let staff = api.post("/v1/auth/login", json!({ "email": STAFF_EMAIL, "password": RESET_PASSWORD })).await.ok(200);
    planted.tokens(&staff);
    api.post("/v1/auth/password/forgot", json!({ "email": STAFF_EMAIL })).await.ok(202);
    let mailed = planted.add("the token of a mailed link", mailed_link(mailbox, STAFF_EMAIL).await);
    let reset = json!({ "token": mailed, "password": WRONG_PASSWORD.repeat(9) });
    refused.push(api.post("/v1/auth/password/reset", reset).await);

    let refresh = planted.add("a made-up refresh token", "larr_ThisOneWasNeverMadeByAnybodyAtAll00000000000000");
    refused.push(api.post("/v1/auth/refresh", json!({ "refresh_token": refresh })).await);
    // And a second half of a log-in with codes that are wrong, or were used.
    let half = log_in(LATER_PASSWORD).await.ok(200);
    let mfa_token = planted.shown("the token of half a log-in", &half, "mfa_token");
    for code in [planted.typed("a wrong code", app.wrong_code(api)), app.code_at(api.now().plus(chrono::TimeDelta::minutes(-10)))] {
        refused.push(api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, "code": code })).await);
    }
    let late = planted.typed("a code", app.code_at(api.now().plus(chrono::TimeDelta::seconds(30))));
    let finished = api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, "code": late })).await.ok(200);
    planted.tokens(&finished);
    refused.push(owner.with_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.madeup").get("/v1/inventory/stock").await);
    let next = api.post("/v1/auth/refresh", json!({ "refresh_token": staff["refresh_token"] })).await.ok(200);
    planted.tokens(&next);
    refused
}

async fn no_secret_is_seen(engine: Engine) {
    let Some(stores) = Stores::make(engine).await else { return };
    let (stores, mailbox) = (Arc::new(stores), Mailbox::open().await);
    let mut variables = stores.variables();
    variables.extend(mailbox.variables().into_iter().map(|(name, value)| (name.to_owned(), value)));
    variables.insert("LARDER_MAIL_USER".into(), "stock".into());
    variables.insert("LARDER_MAIL_PASSWORD".into(), MAIL_PASSWORD.into());
    variables.insert("LARDER_SECRET_KEY_PREVIOUS".into(), PREVIOUS_KEY.into());
    variables.insert("LARDER_LOG_FILTER".into(), "debug,larder=trace,auth=trace,inventory=trace,kernel=trace".into());
    let mut planted = Planted::default();
    for (what, secret) in
        [("the secret key", SECRET_KEY), ("the set-up token", SETUP_TOKEN), ("a password", FIRST_PASSWORD), ("a later password", LATER_PASSWORD)]
    {
        planted.add(what, secret);
    }
    for (what, secret) in [
        ("a wrong password", WRONG_PASSWORD),
        ("a password of staff", STAFF_PASSWORD),
        ("a password by a link", RESET_PASSWORD),
        ("the previous secret key", PREVIOUS_KEY),
        ("the mail server's password", MAIL_PASSWORD),
    ] {
        planted.add(what, secret);
    }
    for name in ["AUTH_DATABASE_URL", "INVENTORY_DATABASE_URL"] {
        if let Some(url) = variables.get(name) {
            planted.add("a database's password", url.split([':', '@']).nth(2).expect("a password"));
        }
    }
    let process = Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let api = Api::of_process(stores.clone(), &process).await;
    let refused = live(&api, &mailbox, &mut planted).await;
    planted.add("the mail server's password, as it is sent", mailbox.shown());
    for reply in &refused {
        assert!(reply.status >= 400, "{} {}", reply.status, reply.text);
        planted.assert_unseen("a refusal", &reply.text);
    }
    let looked = run(stores.folder().path(), &["doctor"], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    assert!(looked.stdout.contains("takes letters"), "{looked:?}");
    planted.assert_unseen("what doctor says", &format!("{} {}", looked.stdout, looked.stderr));
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
