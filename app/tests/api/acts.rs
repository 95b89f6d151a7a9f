//! What is written down of every act: who did it, in which tenant, to what, and how it came out.

use std::collections::{BTreeMap, BTreeSet};

use auth::admin::{Admin, SecretChange, Whose, Wish};
use auth::{SecretKey, Secrets};
use chrono::TimeDelta;
use kernel::Ids;
use larder::{Settings, databases};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::{Authenticator, Enrolled};
use crate::support::mailbox::Mailbox;
use crate::support::patience::soon;
use crate::support::tables::Contents;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, SECRET_KEY, on};
use crate::walls::sources;

const WRONG: &str = "not the password of anybody";
const NEW_PASSWORD: &str = "quiet lemon tractor 41";
const OTHER_SECRETS: [&str; 2] = ["another-secret-key-of-the-tests-0123456789abcdef", "one-more-secret-key-of-the-tests-0123456789abcdef"];
const TOM: &str = "tom@example.org";
const MANAGER: &str = "manager@example.com";
const NORA: &str = "nora@example.org";
const OTTO: &str = "otto@example.org";

/// The audit as it grows. Each event is read once, as a sentence.
struct Book {
    api: Api,
    read: BTreeSet<String>,
    /// What has an id, also where it is not there any more.
    names: BTreeMap<String, String>,
    /// Act and outcome of all that was read.
    seen: BTreeSet<(String, String)>,
    /// What no event may hold.
    secrets: Vec<String>,
}

/// Ids as every engine writes them.
fn plain(id: &Value) -> Option<String> {
    id.as_str().map(|id| id.replace('-', "").to_ascii_lowercase())
}

fn text<'v>(row: &'v Value, column: &str) -> &'v str {
    row[column].as_str().unwrap_or_default()
}

impl Book {
    fn of(api: &Api) -> Self {
        let secrets = [PASSWORD, NEW_PASSWORD, WRONG, SECRET_KEY, OTHER_SECRETS[0], OTHER_SECRETS[1]].map(str::to_owned).to_vec();
        Self { api: api.clone(), read: BTreeSet::new(), names: BTreeMap::new(), seen: BTreeSet::new(), secrets }
    }

    /// Keeps the credentials of an answer in mind, and hands it on.
    fn learn(&mut self, answer: Value) -> Value {
        for (name, value) in answer.as_object().into_iter().flatten() {
            let is_credential = ["token", "secret", "link", "uri"].iter().any(|end| name.ends_with(end));
            let texts: Vec<&Value> = if name == "recovery_codes" { value.as_array().into_iter().flatten().collect() } else { vec![value] };
            if is_credential || name == "recovery_codes" {
                self.secrets.extend(texts.into_iter().filter_map(Value::as_str).map(str::to_owned));
            }
        }
        answer
    }

    fn name(&mut self, id: &Value, name: impl Into<String>) {
        if let Some(id) = plain(id) {
            self.names.entry(id).or_insert(name.into());
        }
    }

    fn named(&self, id: &Value) -> String {
        plain(id).map_or_else(|| "nothing".to_owned(), |id| self.names.get(&id).cloned().unwrap_or_else(|| "what was not made".to_owned()))
    }

    /// Gives names to what there is now.
    fn look_around(&mut self, contents: &BTreeMap<String, Vec<Value>>) {
        let of = |table: &str| contents.get(table).cloned().unwrap_or_default();
        for row in of("user") {
            self.name(&row["id"], text(&row, "name").split(' ').next().unwrap_or_default());
        }
        for row in of("tenant") {
            self.name(&row["id"], text(&row, "name").rsplit(' ').next().unwrap_or_default());
        }
        for (table, what) in [("session", "session of "), ("membership", "member ")] {
            for row in of(table) {
                let name = format!("{what}{}", self.named(&row["user_id"]));
                self.name(&row["id"], name);
            }
        }
        for (table, name) in [("invite", "invite"), ("one_time_token", "link"), ("api_key", "key")] {
            for row in of(table) {
                self.name(&row["id"], name);
            }
        }
    }

    /// `act outcome: who in tenant, object`.
    fn sentence(&self, row: &Value) -> String {
        let who = match (&row["user_id"], &row["subject"]) {
            (Value::Null, Value::Null) => "the operator".to_owned(),
            (Value::Null, _) => "somebody".to_owned(),
            (user, _) => self.named(user),
        };
        // Whoever acts in a session does so in one of their own.
        assert!(row["session_id"].is_null() || self.named(&row["session_id"]) == format!("session of {who}"), "{row}");
        let place = if row["tenant_id"].is_null() { String::new() } else { format!(" in {}", self.named(&row["tenant_id"])) };
        let object = if row["object_id"].is_null() { String::new() } else { format!(", {}", self.named(&row["object_id"])) };
        format!("{} {}: {who}{place}{object}", text(row, "act"), text(row, "outcome"))
    }

    fn hides_everything(&self, row: &Value) {
        let written = row.to_string();
        assert!(!written.contains('@'), "an address: {written}");
        assert!(self.secrets.iter().all(|secret| !written.contains(secret.as_str())), "{written}");
        let subject = &row["subject"];
        let is_pseudonym = |subject: &str| subject.len() == 64 && subject.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(subject.is_null() || subject.as_str().is_some_and(is_pseudonym), "{written}");
    }

    /// What has happened since it was read last is this, in whatever order.
    async fn tells(&mut self, expected: &[&str]) {
        let api = self.api.clone();
        let mut contents = BTreeMap::new();
        let known = self.read.len();
        // Some of it happens beside the request.
        soon("all of it is written down", async || {
            let rows = |(table, rows): (String, Vec<String>)| (table, rows.iter().map(|row| serde_json::from_str(row).expect("a row")).collect());
            contents = Contents::of(api.auth_db()).await.0.into_iter().map(rows).collect::<BTreeMap<String, Vec<Value>>>();
            contents.get("audit_event").map_or(0, Vec::len) >= known + expected.len()
        })
        .await;
        self.look_around(&contents);
        let mut sentences = Vec::new();
        for row in contents.remove("audit_event").unwrap_or_default() {
            if self.read.insert(plain(&row["id"]).expect("an id")) {
                self.hides_everything(&row);
                self.seen.insert((text(&row, "act").to_owned(), text(&row, "outcome").to_owned()));
                sentences.push(self.sentence(&row));
            }
        }
        sentences.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(sentences, expected);
    }

    async fn post(&mut self, path: &str, body: Value) -> Reply {
        let reply = self.api.post(path, body).await;
        self.learn(reply.body.clone());
        reply
    }

    async fn log_in(&mut self, email: &str) -> Value {
        self.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.ok(200)
    }

    async fn client(&mut self, email: &str) -> Client {
        let tokens = self.log_in(email).await;
        Client::of(&self.api, &tokens)
    }
}

async fn me(client: &Client) -> Value {
    client.get("/v1/auth/me").await.ok(200)
}

async fn membership(client: &Client) -> String {
    text(&me(client).await, "membership_id").to_owned()
}

fn below(client: &Client, path: &str) -> String {
    format!("/v1/auth/tenants/{}/{path}", client.tenant_id)
}

async fn admin(api: &Api) -> Admin {
    let database = database(api).await;
    let secrets = Secrets::given(SecretKey::parse(SECRET_KEY).expect("a key"), None);
    Admin::open(database, "", secrets, api.clock(), Ids::System, None).await.expect("the installation")
}

async fn database(api: &Api) -> kernel::Database {
    let settings = Settings::load_built_in(&api.stores().variables()).unwrap_or_else(|refusal| panic!("{refusal}"));
    databases::open_auth(&settings).await.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn set_up(book: &mut Book) -> Client {
    let token = admin(&book.api).await.bootstrap().await.expect("a token");
    let body = json!({
        "setup_token": token, "email": OWNER_EMAIL, "password": PASSWORD, "name": "Olga Ott",
        "tenant_name": "The Corner Kitchen", "currency": "EUR", "time_zone": "Europe/Paris",
    });
    book.secrets.push(token);
    let owner = book.post("/v1/auth/setup", body).await.ok(201);
    book.tells(&["bootstrap done: the operator", "setup done: Olga in Kitchen"]).await;
    Client::of(&book.api, &owner)
}

async fn sessions(book: &mut Book, owner: &Client) {
    let api = book.api.clone();
    for _ in 0..2 {
        api.post("/v1/auth/login", json!({ "email": "nobody@example.org", "password": WRONG })).await.refused(401, "invalid_credentials");
    }
    // Of those in one hour the first one is told at once.
    book.tells(&["login refused: somebody"]).await;
    let tokens = book.log_in(OWNER_EMAIL).await;
    let refreshed = async |book: &mut Book, tokens: &Value| book.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    me(&Client::of(&api, &tokens)).await;
    let next = refreshed(book, &tokens).await.ok(200);
    refreshed(book, &tokens).await.ok(200);
    me(&Client::of(&api, &next)).await;
    api.advance(TimeDelta::seconds(11));
    refreshed(book, &tokens).await.refused(401, "refresh_reused");
    book.tells(&["login done: Olga in Kitchen", "refresh_repeated done: Olga in Kitchen", "refresh_reused refused: Olga in Kitchen"]).await;
    let ahead = book.log_in(OWNER_EMAIL).await;
    me(&Client::of(&api, &ahead)).await;
    let ahead = refreshed(book, &ahead).await.ok(200);
    api.auth_db().execute_unprepared("UPDATE session SET counter = 0, rotated_at = NULL").await.expect("restored");
    refreshed(book, &ahead).await.refused(401, "refresh_invalid");
    book.tells(&["login done: Olga in Kitchen", "refresh_ahead refused: Olga in Kitchen"]).await;
    let leaving = book.client(OWNER_EMAIL).await;
    assert_eq!(leaving.call("POST", "/v1/auth/logout").send().await.status, 204);
    let strange = book.log_in(OWNER_EMAIL).await;
    assert_eq!(owner.delete(&format!("/v1/auth/sessions/{}", text(&strange, "session_id")), None).await.status, 204);
    book.log_in(OWNER_EMAIL).await;
    owner.call("POST", "/v1/auth/sessions/revoke-others").send().await.ok(200);
    let login = "login done: Olga in Kitchen";
    let ends = ["logout done: Olga in Kitchen", "end_session done: Olga in Kitchen", "end_other_sessions done: Olga in Kitchen"];
    book.tells(&[[login; 3], ends].concat()).await;
}

async fn oneself(book: &mut Book, owner: &Client) {
    let reauth = async |password: &str| owner.post("/v1/auth/reauth", json!({ "password": password })).await;
    reauth(WRONG).await.refused(401, "invalid_credentials");
    reauth(PASSWORD).await.ok(200);
    book.tells(&["reauth refused: somebody", "reauth done: Olga in Kitchen, session of Olga"]).await;
    let change = async |from: &str, to: &str| owner.post("/v1/auth/me/password", json!({ "current_password": from, "password": to })).await;
    change(WRONG, NEW_PASSWORD).await.refused(401, "invalid_credentials");
    change(PASSWORD, NEW_PASSWORD).await.ok(200);
    change(NEW_PASSWORD, PASSWORD).await.ok(200);
    let changed = "change_password done: Olga in Kitchen, Olga";
    book.tells(&["change_password refused: somebody", changed, changed]).await;
    owner.call("PATCH", "/v1/auth/me").header("If-Match", "*").json(&json!({ "name": "Olga Ottokar" })).send().await.ok(200);
    owner.get("/v1/auth/me/export").await.ok(200);
    book.tells(&["change_user done: Olga in Kitchen, Olga", "export_user done: Olga in Kitchen, Olga"]).await;
}

async fn members(book: &mut Book, owner: &Client) -> Client {
    let api = book.api.clone();
    let (manager_email, staff_email) = (api.add_member(owner.tenant_id, "manager", None).await, api.add_member(owner.tenant_id, "staff", None).await);
    let (manager, staff) = (book.client(&manager_email).await, book.client(&staff_email).await);
    book.tells(&["login done: manager in Kitchen", "login done: staff in Kitchen"]).await;
    let (olga, cook) = (below(owner, &format!("members/{}", membership(owner).await)), below(owner, &format!("members/{}", membership(&staff).await)));
    let change = async |client: &Client, path: &str| client.call("PATCH", path).header("If-Match", "*").json(&json!({ "role": "viewer" })).send().await;
    change(&manager, &olga).await.refused(403, "role_escalation");
    manager.delete(&olga, None).await.refused(403, "role_escalation");
    manager.call("POST", &format!("{olga}/reset-link")).send().await.refused(403, "role_escalation");
    manager.call("POST", &format!("{olga}/reset-mfa")).send().await.refused(403, "role_escalation");
    let refused = ["change_member", "remove_member", "make_reset_link", "reset_mfa"].map(|act| format!("{act} refused: manager in Kitchen, member Olga"));
    book.tells(&refused.each_ref().map(String::as_str)).await;
    change(owner, &cook).await.ok(200);
    let link = owner.call("POST", &format!("{cook}/reset-link")).send().await.ok(201);
    book.learn(link.clone());
    book.post("/v1/auth/password/reset", json!({ "token": link["token"], "password": NEW_PASSWORD })).await.ok(200);
    let done = ["change_member done: Olga in Kitchen, member staff", "make_reset_link done: Olga in Kitchen, member staff"];
    book.tells(&[done[0], done[1], "reset_password done: staff in Kitchen, link"]).await;
    let staff = book.post("/v1/auth/login", json!({ "email": staff_email, "password": NEW_PASSWORD })).await.ok(200);
    Enrolled::of(&Client::of(&api, &staff)).await;
    book.tells(&["login done: staff in Kitchen", "begin_mfa done: staff in Kitchen, staff", "enrol_mfa done: staff in Kitchen, staff"]).await;
    assert_eq!(owner.call("POST", &format!("{cook}/reset-mfa")).send().await.status, 204);
    owner.delete(&cook, None).await.ok(200);
    book.tells(&["reset_mfa done: Olga in Kitchen, member staff", "remove_member done: Olga in Kitchen, member staff"]).await;
    manager
}

async fn invites_and_keys(book: &mut Book, owner: &Client, manager: &Client) {
    let invite = async |client: &Client, email: &str, role: &str| {
        client.post(&below(client, "invites"), json!({ "email": email, "role": role, "all_sites": true })).await
    };
    invite(manager, "chef@example.org", "owner").await.refused(403, "role_escalation");
    let made = book.learn(invite(owner, "chef@example.org", "owner").await.ok(201));
    let path = below(owner, &format!("invites/{}", text(&made["invite"], "id")));
    manager.delete(&path, None).await.refused(403, "role_escalation");
    assert_eq!(owner.delete(&path, None).await.status, 204);
    book.tells(&[
        "invite refused: manager in Kitchen, what was not made",
        "invite done: Olga in Kitchen, invite",
        "withdraw_invite refused: manager in Kitchen, invite",
        "withdraw_invite done: Olga in Kitchen, invite",
    ])
    .await;
    let made = book.learn(invite(owner, TOM, "staff").await.ok(201));
    manager.post("/v1/auth/invites/accept", json!({ "token": made["token"] })).await.refused(403, "invite_email_mismatch");
    book.post("/v1/auth/invites/accept", json!({ "token": made["token"], "name": "Tom", "password": PASSWORD })).await.ok(201);
    book.tells(&["invite done: Olga in Kitchen, invite", "accept_invite refused: manager in Kitchen, invite", "accept_invite done: Tom in Kitchen, invite"])
        .await;
    let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
    manager.post(&below(manager, "api-keys"), key.clone()).await.refused(403, "forbidden");
    let made = book.learn(owner.post(&below(owner, "api-keys"), key).await.ok(201));
    let path = below(owner, &format!("api-keys/{}", text(&made, "id")));
    manager.delete(&path, None).await.refused(403, "forbidden");
    assert_eq!(owner.delete(&path, None).await.status, 204);
    book.tells(&[
        "create_api_key refused: manager in Kitchen, what was not made",
        "create_api_key done: Olga in Kitchen, key",
        "end_api_key refused: manager in Kitchen, key",
        "end_api_key done: Olga in Kitchen, key",
    ])
    .await;
}

async fn tenants(book: &mut Book, owner: &Client, manager: &Client) {
    let own = |client: &Client| below(client, "").trim_end_matches('/').to_owned();
    let change = async |client: &Client| client.call("PATCH", &own(client)).header("If-Match", "*").json(&json!({ "name": "The Cellar" })).send().await;
    change(manager).await.refused(403, "forbidden");
    change(owner).await.ok(200);
    let close = async |client: &Client, name: &str| client.call("DELETE", &own(client)).json(&json!({ "confirm": name })).send().await;
    close(manager, "The Cellar").await.refused(403, "forbidden");
    book.tells(&[
        "change_tenant refused: manager in Kitchen, Kitchen",
        "change_tenant done: Olga in Kitchen, Kitchen",
        "close_tenant refused: manager in Kitchen, Kitchen",
    ])
    .await;
    let annex = book.learn(owner.post("/v1/auth/tenants", json!({ "name": "The Annex", "currency": "EUR", "time_zone": "Europe/Paris" })).await.ok(201));
    let there = book.learn(owner.post("/v1/auth/switch-tenant", json!({ "tenant_id": annex["tenant_id"] })).await.ok(200));
    book.tells(&["create_tenant done: Olga in Annex, Annex", "switch_tenant done: Olga in Annex"]).await;
    assert_eq!(close(&Client::of(&book.api, &there), "The Annex").await.status, 204);
    book.tells(&["close_tenant done: Olga in Annex, Annex"]).await;
}

/// The token of the next link for an account: of invites and notices there are letters, too.
async fn link_to(mailbox: &Mailbox, email: &str) -> String {
    loop {
        let letter = mailbox.next_to(email).await;
        if letter.text.contains("#larl_") {
            return letter.token();
        }
    }
}

/// What is done by mail.
async fn addresses(book: &mut Book, owner: &Client, manager: &Client, mailbox: &Mailbox) {
    let asks = async |client: &Client, email: &str| assert_eq!(client.post("/v1/auth/me/email", json!({ "email": email })).await.status, 202);
    asks(owner, OWNER_EMAIL).await;
    let own = link_to(mailbox, OWNER_EMAIL).await;
    let opens = async |book: &Book, token: &str| book.api.post("/v1/auth/email/verify", json!({ "token": token })).await;
    opens(book, &own).await.ok(200);
    book.tells(&["request_email done: Olga in Kitchen, Olga", "verify_email done: Olga, link"]).await;
    // An address that somebody else has got meanwhile, and one that nobody has.
    asks(manager, TOM).await;
    let taken = link_to(mailbox, TOM).await;
    opens(book, &taken).await.refused(409, "email_taken");
    asks(manager, MANAGER).await;
    let free = link_to(mailbox, MANAGER).await;
    opens(book, &free).await.ok(200);
    book.secrets.extend([own, taken, free]);
    let asked = "request_email done: manager in Kitchen, manager";
    book.tells(&[asked, asked, "change_email refused: manager, link", "change_email done: manager, link"]).await;
    for email in [OWNER_EMAIL, "nobody@example.org"] {
        book.post("/v1/auth/password/forgot", json!({ "email": email })).await.ok(202);
    }
    book.tells(&["mail_reset_link done: Olga", "mail_reset_link refused: somebody"]).await;
    let application = json!({ "email": NORA, "name": "Nora Neu", "tenant_name": "Bistro Neu", "currency": "CHF", "time_zone": "Europe/Zurich" });
    book.post("/v1/auth/register", application).await.ok(202);
    let token = link_to(mailbox, NORA).await;
    book.secrets.push(token.clone());
    book.post("/v1/auth/register/confirm", json!({ "token": token, "password": PASSWORD })).await.ok(201);
    book.tells(&["register done: Nora in Neu, link"]).await;
}

/// Of Otto, who closes the only tenant that he is in, and comes back.
async fn returning(book: &mut Book, mailbox: &Mailbox) {
    let register = async |book: &Book, tenant: &str| {
        let application = json!({ "email": OTTO, "name": "Otto Alt", "tenant_name": tenant, "currency": "CHF", "time_zone": "Europe/Zurich" });
        book.api.post("/v1/auth/register", application).await.ok(202);
        link_to(mailbox, OTTO).await
    };
    let confirm = async |book: &mut Book, token: &str, password: &str| {
        book.secrets.push(token.to_owned());
        book.post("/v1/auth/register/confirm", json!({ "token": token, "password": password })).await
    };
    let token = register(book, "Imbiss Eins").await;
    let tokens = confirm(book, &token, PASSWORD).await.ok(201);
    let otto = Client::of(&book.api, &tokens);
    let closing = otto.call("DELETE", below(&otto, "").trim_end_matches('/')).json(&json!({ "confirm": "Imbiss Eins" }));
    assert_eq!(closing.send().await.status, 204);
    book.tells(&["register done: Otto in Eins, link", "close_tenant done: Otto in Eins, Eins"]).await;
    let token = register(book, "Imbiss Zwei").await;
    confirm(book, &token, WRONG).await.refused(401, "invalid_credentials");
    confirm(book, &token, PASSWORD).await.ok(201);
    book.tells(&["register refused: somebody", "register done: Otto in Zwei, link"]).await;
}

/// Of Nora, who is alone in her tenant.
async fn second_factors(book: &mut Book) {
    let (api, nora) = (book.api.clone(), book.client(NORA).await);
    let begun = book.learn(nora.post("/v1/auth/mfa/totp", Value::Null).await.ok(200));
    let app = Authenticator::of(&begun);
    book.secrets.push(app.hex());
    let confirm = async |code: String| nora.post("/v1/auth/mfa/totp/confirm", json!({ "code": code })).await;
    confirm(app.wrong_code(&api)).await.refused(401, "mfa_invalid");
    book.learn(confirm(app.code_at(api.now())).await.ok(200));
    book.tells(&["login done: Nora in Neu", "begin_mfa done: Nora in Neu, Nora", "show_second_factor refused: somebody", "enrol_mfa done: Nora in Neu, Nora"])
        .await;
    let half = book.log_in(NORA).await;
    let code = app.next_code(&api);
    let whole = book.post("/v1/auth/login/mfa", json!({ "mfa_token": half["mfa_token"], "code": code })).await.ok(200);
    book.tells(&["login_password done: Nora in Neu", "login done: Nora in Neu"]).await;
    let nora = Client::of(&api, &whole);
    book.learn(nora.post("/v1/auth/mfa/recovery-codes", Value::Null).await.ok(200));
    assert_eq!(nora.delete("/v1/auth/mfa/totp", None).await.status, 204);
    book.tells(&["replace_recovery_codes done: Nora in Neu, Nora", "remove_mfa done: Nora in Neu, Nora"]).await;
}

/// What asks for who has lately shown who they are, by who has not.
async fn stale(book: &mut Book) {
    let (api, tom) = (book.api.clone(), book.client(TOM).await);
    api.advance(TimeDelta::minutes(10));
    for (method, path, body) in [
        ("GET", "/v1/auth/me/export", Value::Null),
        ("POST", "/v1/auth/me/email", json!({ "email": "thomas@example.org" })),
        ("DELETE", "/v1/auth/me", json!({ "confirm": TOM })),
        ("POST", "/v1/auth/me/lost-device", Value::Null),
        ("POST", "/v1/auth/mfa/totp", Value::Null),
        ("POST", "/v1/auth/mfa/totp/confirm", json!({ "code": "123456" })),
        ("POST", "/v1/auth/mfa/recovery-codes", Value::Null),
        ("DELETE", "/v1/auth/mfa/totp", Value::Null),
        ("POST", "/v1/auth/tenants", json!({ "name": "The Annex", "currency": "EUR", "time_zone": "Europe/Paris" })),
    ] {
        let call = tom.call(method, path);
        let reply = if body.is_null() { call.send().await } else { call.json(&body).send().await };
        reply.refused(403, "reauth_required");
    }
    let acts = ["export_user", "request_email", "delete_user", "lost_device", "begin_mfa", "enrol_mfa", "replace_recovery_codes", "remove_mfa"];
    let mut refused = acts.map(|act| format!("{act} refused: Tom in Kitchen, Tom")).to_vec();
    refused.extend(["create_tenant refused: Tom in Kitchen, what was not made".to_owned(), "login done: Tom in Kitchen".to_owned()]);
    book.tells(&refused.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let tom = book.client(TOM).await;
    book.tells(&["login done: Tom in Kitchen"]).await;
    tom.call("POST", "/v1/auth/me/lost-device").send().await.ok(200);
    assert_eq!(tom.call("DELETE", "/v1/auth/me").json(&json!({ "confirm": TOM })).send().await.status, 204);
    book.tells(&["lost_device done: Tom in Kitchen, member Tom", "delete_user done: Tom in Kitchen, member Tom"]).await;
}

/// What whoever runs the installation does has no user.
async fn operator(book: &mut Book) {
    let api = book.api.clone();
    let tools = admin(&api).await;
    let token = tools.unlock(MANAGER).await.expect("unlocked");
    let link = tools.reset_link(MANAGER).await.expect("a link").token;
    book.secrets.extend([token, link]);
    tools.revoke_sessions(Whose::User(MANAGER.to_owned()), true).await.expect("ended");
    tools.revoke_sessions(Whose::Everybodys, false).await.expect("ended");
    tools.make_owner(MANAGER, None).await.expect("an owner");
    book.tells(&[
        "unlock done: the operator in Kitchen, manager",
        "make_reset_link done: the operator in Kitchen, manager",
        "revoke_sessions done: the operator in Kitchen, manager",
        "revoke_sessions done: the operator",
        "make_owner done: the operator in Kitchen, member manager",
    ])
    .await;
    let nora = book.client(NORA).await;
    Enrolled::of(&nora).await;
    tools.disable_mfa(NORA).await.expect("taken away");
    let enrolled = ["begin_mfa done: Nora in Neu, Nora", "enrol_mfa done: Nora in Neu, Nora"];
    book.tells(&[&["login done: Nora in Neu", "disable_mfa done: the operator in Neu, Nora"][..], &enrolled].concat()).await;
    let keys = tools.rotate_keys(Wish::AtOnce).await.expect("rotated");
    book.tells(&["rotate_signing_keys done: the operator"]).await;
    let retired = keys.iter().find(|key| key.status == "retired").expect("a retired key");
    tools.remove_key(&retired.kid).await.expect("removed");
    book.tells(&["remove_signing_key done: the operator"]).await;
    tools.after_restore().await.expect("done");
    book.tells(&["after_restore done: the operator"]).await;
    let key = |text: &str| SecretKey::parse(text).expect("a key");
    let change = SecretChange::of(database(&api).await, api.clock(), Ids::System);
    change.rotate(Secrets::given(key(OTHER_SECRETS[0]), Some(key(SECRET_KEY)))).await.expect("sealed anew");
    book.tells(&["rotate_secret done: the operator"]).await;
    change.accept_loss(Secrets::given(key(OTHER_SECRETS[1]), None)).await.expect("given up");
    book.tells(&["accept_secret_loss done: the operator"]).await;
}

/// The variants of `Act` with their names, and with how each may come out: as the sources of auth have it.
fn acts_of_the_sources() -> BTreeSet<(String, String)> {
    let sources = sources("modules/auth/src");
    let (_, audit) = sources.iter().find(|(file, _)| file == "modules/auth/src/audit.rs").expect("the audit");
    let names = audit.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("Self::");
        let (variant, name) = line.split_once(" => \"").or_else(|| line.split_once(" = \""))?;
        let is_variant = variant.starts_with(|first: char| first.is_ascii_uppercase()) && variant.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_variant.then_some((variant.to_owned(), name.split('"').next()?.to_owned()))
    });
    let names: BTreeMap<String, String> = names.collect();
    let mut acts = BTreeSet::new();
    for line in sources.iter().filter(|(file, _)| file != "modules/auth/src/audit.rs").flat_map(|(_, code)| code.lines()) {
        for mention in line.split("Act::").skip(1) {
            let variant = mention.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default();
            let Some(name) = names.get(variant) else { continue };
            let outcome = if ["done(", "done_in(", "record_of("].iter().any(|call| line.contains(call)) { "done" } else { "refused" };
            acts.insert((name.clone(), outcome.to_owned()));
        }
    }
    let used: BTreeSet<&String> = acts.iter().map(|(name, _)| name).collect();
    assert!(names.values().all(|name| used.contains(name)) && names.len() > 40, "an act that nobody does: {names:?}");
    acts
}

async fn every_act(engine: Engine) {
    let mailbox = Mailbox::open().await;
    let mut variables = mailbox.variables();
    variables.extend([("LARDER_AUTH_REGISTRATION", "true".into()), ("LARDER_AUTH_NEW_TENANTS", "true".into())]);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    on(engine, &variables, async |api: Api| {
        let mut book = Book::of(&api);
        let owner = set_up(&mut book).await;
        sessions(&mut book, &owner).await;
        oneself(&mut book, &owner).await;
        let manager = members(&mut book, &owner).await;
        invites_and_keys(&mut book, &owner, &manager).await;
        tenants(&mut book, &owner, &manager).await;
        addresses(&mut book, &owner, &manager, &mailbox).await;
        returning(&mut book, &mailbox).await;
        second_factors(&mut book).await;
        stale(&mut book).await;
        operator(&mut book).await;
        let (sources, seen) = (acts_of_the_sources(), &book.seen);
        assert_eq!(sources.difference(seen).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "this test does not do these");
        assert_eq!(seen.difference(&sources).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "nor are these in the sources");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_says_who_did_it_to_what_and_no_secret_on_sqlite() {
    every_act(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_says_who_did_it_to_what_and_no_secret_on_postgres() {
    every_act(Engine::Postgres).await;
}
