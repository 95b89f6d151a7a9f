//! `larder auth …`, each command with the server up and down, on both engines. The server is a process, and so is the command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::keys::{kid, published};
use crate::support::authenticator::Authenticator;
use crate::support::patience::HANGS;
use crate::support::process::{Ended, Process, run};
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, Stores};

const ME: &str = "/v1/auth/me";
const NEW_SECRET: &str = "another-secret-key-of-the-tests-0123456789abcdef";

/// A server on databases of its own, which is stopped and started, and commands beside it.
pub struct House {
    pub stores: Arc<Stores>,
    variables: std::sync::Mutex<BTreeMap<String, String>>,
    process: Mutex<Option<Process>>,
}

impl House {
    pub async fn open(engine: Engine) -> Option<Self> {
        let house = Self::closed(engine).await?;
        house.start().await;
        Some(house)
    }

    /// One on which no server was started yet.
    pub async fn closed(engine: Engine) -> Option<Self> {
        let stores = Arc::new(Stores::make(engine).await?);
        let mut variables = stores.variables();
        variables.insert("LARDER_TRUSTED_PROXIES".into(), "127.0.0.0/8".into());
        variables.insert("LARDER_AUTH_PUBLIC_URL".into(), "https://stock.example.com".into());
        Some(Self { stores, variables: std::sync::Mutex::new(variables), process: Mutex::new(None) })
    }

    fn set(&self, name: &str, value: &str) {
        self.variables.lock().expect("the variables").insert(name.to_owned(), value.to_owned());
    }

    /// Keeps the secret key in a file of its folder, and not in a variable.
    pub fn keep_key_in_file(&self) {
        self.variables.lock().expect("the variables").remove("LARDER_SECRET_KEY");
    }

    fn variables(&self) -> BTreeMap<String, String> {
        self.variables.lock().expect("the variables").clone()
    }

    /// One more server on the same databases.
    pub fn another(&self) -> Process {
        let variables = self.variables();
        Process::serve(self.stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    pub async fn start(&self) {
        *self.process.lock().await = Some(self.another());
    }

    /// Ends the server as a power cut would.
    pub async fn stop(&self) {
        drop(self.process.lock().await.take());
    }

    async fn restart(&self) {
        self.stop().await;
        self.start().await;
    }

    pub async fn api(&self) -> Api {
        Api::of_process(self.stores.clone(), self.process.lock().await.as_ref().expect("a server")).await
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let variables = self.variables();
        run(self.stores.folder().path(), arguments, variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// What a command answers that must succeed.
    #[track_caller]
    pub fn larder(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, 0, "{arguments:?}: {} {}", ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", ended.stdout))
    }

    /// What a command says that must be refused.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, 1, "{arguments:?}: {} {}", ended.stdout, ended.stderr);
        let answer: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", ended.stdout));
        answer["error"]["message"].as_str().expect("a message").to_owned()
    }

    /// A start that must fail; answers what it says.
    #[track_caller]
    fn start_refused(&self) -> String {
        let ended = self.run(&["serve", "--port", "0"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
        ended.stderr
    }

    /// Waits until a running server has followed.
    pub async fn until(&self, followed: impl AsyncFn() -> bool) {
        let give_up = Instant::now() + HANGS;
        while !followed().await {
            assert!(Instant::now() < give_up, "a running server never followed");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn contents(&self) -> (Contents, Contents) {
        let (auth, inventory) = self.stores.connect().await;
        let contents = (Contents::of(&auth).await, Contents::of(&inventory).await);
        auth.close().await.expect("closed");
        inventory.close().await.expect("closed");
        contents
    }

    pub async fn close(self) {
        self.stop().await;
        self.stores.remove().await;
    }
}

/// Makes two tests of one, on SQLite and on Postgres.
macro_rules! both_houses {
    ($($(#[$attribute:meta])* async fn $name:ident($house:ident: &House) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn test($house: &House) $body

            async fn on(engine: Engine) {
                let Some(house) = House::closed(engine).await else { return };
                test(&house).await;
                house.close().await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(Engine::Sqlite).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(Engine::Postgres).await;
            }
        })*
    };
}

async fn log_in(api: &Api, email: &str) -> Value {
    api.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.ok(200)
}

/// From somewhere, by somebody who has never been there.
async fn log_in_from(api: &Api, from: &str, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password });
    api.call("POST", "/v1/auth/login").header("X-Forwarded-For", from).json(&body).send().await
}

async fn acts(api: &Api, act: &str) -> usize {
    texts(api.auth_db(), &format!("SELECT act FROM audit_event WHERE act = '{act}' AND user_id IS NULL AND outcome = 'done'")).await.len()
}

async fn arrange(api: &Api, sql: &str) {
    api.auth_db().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn me(api: &Api, tokens: &Value) -> Reply {
    Client::of(api, tokens).get(ME).await
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

both_houses! {
    async fn bootstrap_replaces_the_setup_token_until_somebody_has_set_up(house: &House) {
        let says = house.refused(&["auth", "bootstrap"]);
        assert!(says.contains("no server was started") || says.contains("cannot be opened"), "{says}");
        house.variables.lock().expect("the variables").remove("LARDER_SETUP_TOKEN");
        house.start().await;
        let set_up = async |token: &str| {
            let body = json!({ "setup_token": token, "email": OWNER_EMAIL, "password": PASSWORD, "name": "Olga", "tenant_name": "The Corner Kitchen",
                "currency": "EUR", "time_zone": "Europe/Paris" });
            house.api().await.post("/v1/auth/setup", body).await
        };
        house.stop().await;
        let first = house.larder(&["auth", "bootstrap"]);
        house.start().await;
        let second = house.larder(&["auth", "bootstrap"]);
        set_up(text(&first, "setup_token")).await.refused(401, "setup_token_invalid");
        set_up(text(&second, "setup_token")).await.ok(201);
        assert_eq!(acts(&house.api().await, "bootstrap").await, 2);
        assert!(house.refused(&["auth", "bootstrap"]).contains("set"));
    }

    async fn a_reset_link_is_made_for_a_user_that_there_is(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let up = house.larder(&["auth", "reset-link", OWNER_EMAIL]);
        house.stop().await;
        let down = house.larder(&["auth", "reset-link", &OWNER_EMAIL.to_uppercase()]);
        for made in [&up, &down] {
            let token = text(made, "token");
            assert_eq!(text(made, "link"), format!("https://stock.example.com/reset#{token}"));
        }
        let open = "SELECT purpose FROM one_time_token WHERE used_at IS NULL AND revoked_at IS NULL AND NOT is_mailed";
        assert_eq!(texts(api.auth_db(), open).await, ["reset_password", "reset_password"], "a new one leaves the older one valid");
        let secret = texts(api.auth_db(), "SELECT token_hash FROM one_time_token").await;
        assert!(!secret.contains(&text(&up, "token").to_owned()), "only its hash is stored");
        assert!(house.refused(&["auth", "reset-link", "nobody@example.org"]).contains("no such user"));
        assert_eq!(acts(&api, "make_reset_link").await, 2);
    }

    async fn unlock_lets_a_user_in_whom_others_keep_out(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        for number in 0..20 {
            log_in_from(&api, &format!("192.0.2.{number}"), OWNER_EMAIL, "wrong, and long enough").await.refused(401, "invalid_credentials");
        }
        log_in_from(&api, "192.0.2.100", OWNER_EMAIL, PASSWORD).await.refused(429, "rate_limited");
        let token = text(&house.larder(&["auth", "unlock", OWNER_EMAIL]), "device_token").to_owned();
        log_in_from(&api, "192.0.2.100", OWNER_EMAIL, PASSWORD).await.ok(200);
        house.stop().await;
        let another = text(&house.larder(&["auth", "unlock", OWNER_EMAIL]), "device_token").to_owned();
        house.start().await;
        let api = house.api().await;
        for token in [token, another] {
            let tokens = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": token })).await.ok(200);
            assert!(tokens.get("device_token").is_none(), "it is a device that is known");
        }
        assert!(house.refused(&["auth", "unlock", "nobody@example.org"]).contains("no such user"));
        assert_eq!(acts(&api, "unlock").await, 2);
    }

    async fn sessions_and_keys_end_for_one_or_for_all(house: &House) {
        house.start().await;
        let api = house.api().await;
        let owner = log_in(&api, &{ api.owner().await; OWNER_EMAIL.to_owned() }).await;
        let email = api.add_member(text(&owner, "tenant_id").parse().expect("an id"), "manager", None).await;
        let other = log_in(&api, &email).await;
        let key = json!({ "name": "Till", "scopes": ["read"], "all_sites": true });
        let made = Client::of(&api, &owner).post(&format!("/v1/auth/tenants/{}/api-keys", text(&owner, "tenant_id")), key).await.ok(201);
        let items = async |api: &Api| api.call("GET", "/v1/inventory/items").header("Authorization", &format!("Bearer {}", text(&made, "secret"))).send().await;
        items(&api).await.ok(200);
        me(&api, &other).await.ok(200);
        let ended = house.larder(&["auth", "revoke-sessions", &email]);
        assert_eq!((&ended["sessions"], &ended["api_keys"]), (&json!(1), &json!(0)));
        house.until(async || me(&api, &other).await.status == 401).await;
        me(&api, &owner).await.ok(200);
        house.stop().await;
        let ended = house.larder(&["auth", "revoke-sessions", "--all", "--keys"]);
        assert_eq!(ended["api_keys"], json!(1));
        house.start().await;
        let api = house.api().await;
        me(&api, &owner).await.refused(401, "session_revoked");
        items(&api).await.refused(401, "token_invalid");
        assert_eq!(acts(&api, "revoke_sessions").await, 2);
        let usage = house.run(&["auth", "revoke-sessions"]);
        assert!(usage.code == 1 && usage.stderr.contains("--all"), "{}", usage.stderr);
    }

    async fn a_second_factor_that_was_lost_is_taken_away(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let totp = "INSERT INTO totp (user_id, sealed_secret, secret_id, created_at, confirmed_at) SELECT id, '00', 'id', created_at, created_at FROM \"user\"";
        let code = "INSERT INTO recovery_code (id, user_id, code_hash, created_at) SELECT id, id, 'hash', created_at FROM \"user\"";
        for is_up in [true, false] {
            arrange(&api, totp).await;
            arrange(&api, code).await;
            if !is_up {
                house.stop().await;
            }
            assert_eq!(house.larder(&["auth", "disable-mfa", OWNER_EMAIL])["was_enrolled"], true);
            assert!(texts(api.auth_db(), "SELECT code_hash FROM recovery_code").await.is_empty());
            assert_eq!(house.larder(&["auth", "disable-mfa", OWNER_EMAIL])["was_enrolled"], false);
        }
        assert_eq!(acts(&api, "disable_mfa").await, 4);
        assert_eq!(texts(api.auth_db(), "SELECT kind FROM notice").await, ["mfa_changed", "mfa_changed"], "the user is told");
    }

    async fn what_is_done_to_a_member_is_seen_by_the_owners_of_each_of_their_tenants(house: &House) {
        house.start().await;
        let api = house.api().await;
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let email = api.add_member(owner.tenant_id, "staff", None).await;
        let invite = json!({ "email": email, "role": "staff", "all_sites": true });
        let invite = other.post(&format!("/v1/auth/tenants/{}/invites", other.tenant_id), invite).await.ok(201);
        api.post("/v1/auth/invites/accept", json!({ "token": invite["token"], "password": PASSWORD })).await.ok(201);
        let member = api.log_in(&email).await.get(ME).await.ok(200);
        let run_all = || {
            for command in ["reset-link", "unlock", "disable-mfa", "revoke-sessions"] {
                house.larder(&["auth", command, &email]);
            }
        };
        run_all();
        for client in [&owner, &other] {
            for act in ["make_reset_link", "unlock", "disable_mfa", "revoke_sessions"] {
                let events = client.get(&format!("/v1/auth/tenants/{}/audit?act={act}", client.tenant_id)).await.ok(200);
                let [event] = events["data"].as_array().expect("a list").as_slice() else { panic!("{act}: {events}") };
                assert_eq!((&event["object_id"], &event["user_id"]), (&member["user"]["id"], &Value::Null), "{act}");
            }
        }
        // Of who is a member of nothing it is written down as well.
        arrange(&api, &format!("DELETE FROM membership WHERE user_id = (SELECT id FROM \"user\" WHERE email_key = '{email}')")).await;
        run_all();
        assert_eq!((acts(&api, "disable_mfa").await, acts(&api, "unlock").await), (3, 3));
        let nobodys = "SELECT act FROM audit_event WHERE tenant_id IS NULL AND act IN ('make_reset_link', 'unlock', 'disable_mfa', 'revoke_sessions') ORDER BY act";
        assert_eq!(texts(api.auth_db(), nobodys).await, ["disable_mfa", "make_reset_link", "revoke_sessions", "unlock"]);
    }

    async fn signing_keys_are_rotated_and_removed(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let first = log_in(&api, OWNER_EMAIL).await;
        let keys = house.larder(&["auth", "rotate-keys"]);
        let statuses: Vec<_> = keys["lines"].as_array().expect("keys").iter().map(|key| text(key, "status").to_owned()).collect();
        assert_eq!(statuses, ["pending", "active"]);
        house.until(async || published(&api).await.len() == 2).await;
        assert_eq!(kid(&log_in(&api, OWNER_EMAIL).await), kid(&first), "it signs in a day");
        house.stop().await;
        house.larder(&["auth", "rotate-keys", "--now"]);
        house.start().await;
        let api = house.api().await;
        let second = log_in(&api, OWNER_EMAIL).await;
        assert_ne!(kid(&second), kid(&first));
        for tokens in [&first, &second] {
            me(&api, tokens).await.ok(200);
        }
        house.larder(&["auth", "rotate-keys", "--remove", &kid(&second)]);
        house.until(async || me(&api, &second).await.status == 401).await;
        assert_ne!(kid(&log_in(&api, OWNER_EMAIL).await), kid(&second));
        for nobodys in ["nothing", "-nothing"] {
            assert!(house.refused(&["auth", "rotate-keys", "--remove", nobodys]).contains("no such signing key"));
        }
        assert_eq!((acts(&api, "rotate_signing_keys").await, acts(&api, "remove_signing_key").await), (3, 1));
    }

    async fn an_owner_is_made_of_a_member_and_of_a_stranger(house: &House) {
        house.start().await;
        let api = house.api().await;
        let owner = api.owner().await;
        let email = api.add_member(owner.tenant_id, "staff", None).await;
        let tokens = log_in(&api, &email).await;
        let (tenant, members) = (owner.tenant_id.to_string(), format!("/v1/auth/tenants/{}/members", owner.tenant_id));
        Client::of(&api, &tokens).get(&members).await.refused(403, "forbidden");
        assert_eq!(text(&house.larder(&["auth", "make-owner", &email]), "tenant_id"), tenant);
        house.until(async || Client::of(&api, &tokens).get(&members).await.status == 200).await;
        api.other_tenant().await;
        arrange(&api, &format!("DELETE FROM membership WHERE user_id = (SELECT id FROM \"user\" WHERE email_key = '{OWNER_EMAIL}')")).await;
        house.stop().await;
        assert!(house.refused(&["auth", "make-owner", OWNER_EMAIL]).contains("several tenants"));
        house.larder(&["auth", "make-owner", OWNER_EMAIL, "--tenant", &tenant]);
        house.start().await;
        let api = house.api().await;
        let again = log_in(&api, OWNER_EMAIL).await;
        assert_eq!(text(&again, "tenant_id"), tenant);
        Client::of(&api, &again).get(&members).await.ok(200);
        let nobodys = "00000000-0000-7000-8000-000000000000";
        assert!(house.refused(&["auth", "make-owner", OWNER_EMAIL, "--tenant", nobodys]).contains("no such tenant"));
        arrange(&api, &format!("UPDATE \"user\" SET disabled_at = created_at WHERE email_key = '{email}'")).await;
        assert!(house.refused(&["auth", "make-owner", &email]).contains("disabled"));
        assert_eq!(acts(&api, "make_owner").await, 2);
    }

    /// Invariant 27.
    async fn a_wrong_or_missing_secret_key_stops_the_start_and_changes_nothing(house: &House) {
        house.start().await;
        let tokens = log_in(&house.api().await, &{ house.api().await.owner().await; OWNER_EMAIL.to_owned() }).await;
        house.stop().await;
        let before = house.contents().await;
        let right = house.variables()["LARDER_SECRET_KEY"].clone();
        for wrong in [NEW_SECRET, ""] {
            house.set("LARDER_SECRET_KEY", wrong);
            let says = house.start_refused();
            assert!(says.contains("nothing was changed"), "{says}");
            for command in [["auth", "after-restore"], ["auth", "bootstrap"], ["auth", "rotate-secret"]] {
                let says = house.refused(&command);
                assert!(says.contains("secret key") || says.contains("LARDER_SECRET_KEY"), "{says}");
            }
            assert!(!house.stores.folder().path().join("secret.key").exists());
        }
        assert!(house.contents().await == before, "{}", house.contents().await.0.difference(&before.0));
        house.set("LARDER_SECRET_KEY", &right);
        house.start().await;
        me(&house.api().await, &tokens).await.ok(200);
    }

    async fn the_secret_key_is_exchanged_and_nobody_notices_as_long_as_the_one_before_is_given(house: &House) {
        house.start().await;
        let tokens = log_in(&house.api().await, &{ house.api().await.owner().await; OWNER_EMAIL.to_owned() }).await;
        house.stop().await;
        let old = house.variables()["LARDER_SECRET_KEY"].clone();
        house.set("LARDER_SECRET_KEY", NEW_SECRET);
        assert!(house.refused(&["auth", "rotate-secret"]).contains("LARDER_SECRET_KEY_PREVIOUS"));
        house.set("LARDER_SECRET_KEY_PREVIOUS", &old);
        assert!(house.start_refused().contains("larder auth rotate-secret"));
        // What neither key opens is not lost silently: nothing is changed.
        let (auth, inventory) = house.stores.connect().await;
        let strange = "INSERT INTO totp (user_id, sealed_secret, secret_id, created_at) SELECT id, '00', 'id', created_at FROM \"user\"";
        auth.execute_unprepared(strange).await.expect("a row");
        let before = Contents::of(&auth).await;
        assert!(house.refused(&["auth", "rotate-secret"]).contains("totp"));
        assert_eq!(before.difference(&Contents::of(&auth).await), "");
        auth.execute_unprepared("DELETE FROM totp").await.expect("deleted");
        auth.close().await.expect("closed");
        inventory.close().await.expect("closed");
        assert_eq!(house.larder(&["auth", "rotate-secret"])["sealed"]["signing_keys"], 1);
        assert_eq!(house.larder(&["auth", "rotate-secret"])["sealed"]["signing_keys"], 0, "twice is as once");
        house.start().await;
        let api = house.api().await;
        me(&api, &tokens).await.ok(200);
        let next = api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.ok(200);
        let known = json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": tokens["device_token"] });
        assert!(api.post("/v1/auth/login", known).await.ok(200).get("device_token").is_none(), "the device is known");
        // Without the one before, what it has made is void, and nothing else.
        house.set("LARDER_SECRET_KEY_PREVIOUS", "");
        house.restart().await;
        let api = house.api().await;
        api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.refused(401, "refresh_invalid");
        api.post("/v1/auth/refresh", json!({ "refresh_token": next["refresh_token"] })).await.ok(200);
        house.stop().await;
        house.set("LARDER_SECRET_KEY", &old);
        assert!(house.start_refused().contains("secret key is not the one"));
    }

    async fn a_server_that_runs_goes_on_while_the_secret_key_is_exchanged(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let old = house.variables()["LARDER_SECRET_KEY"].clone();
        house.set("LARDER_SECRET_KEY", NEW_SECRET);
        house.set("LARDER_SECRET_KEY_PREVIOUS", &old);
        house.larder(&["auth", "rotate-secret"]);
        // Longer than anything is believed.
        tokio::time::sleep(Duration::from_millis(5_500)).await;
        let tokens = log_in(&api, OWNER_EMAIL).await;
        house.restart().await;
        me(&house.api().await, &tokens).await.ok(200);
    }

    async fn the_secret_key_in_a_file_is_exchanged(house: &House) {
        house.keep_key_in_file();
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let tokens = log_in(&api, OWNER_EMAIL).await;
        let file = house.stores.folder().path().join("secret.key");
        let key = || std::fs::read_to_string(&file).expect("the key");
        let app = enrolled(&api, &tokens).await;
        let (first, before) = (key(), house.contents().await.0);
        house.larder(&["auth", "rotate-secret"]);
        assert_ne!(key(), first);
        house.restart().await;
        let api = house.api().await;
        me(&api, &tokens).await.ok(200);
        api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.ok(200);
        for table in ["signing_key", "totp"] {
            assert_ne!(house.contents().await.0.0[table], before.0[table], "{table} is sealed anew");
        }
        me(&api, &log_in_with(&api, &app).await).await.ok(200);
        // Killed after the database had the next key and before the file was exchanged: a start ends it.
        let present = key();
        house.stop().await;
        std::fs::rename(&file, file.with_extension("key.next")).expect("renamed");
        std::fs::write(&file, &first).expect("written");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        house.start().await;
        me(&house.api().await, &tokens).await.ok(200);
        assert_eq!(key(), present);
        assert!(!file.with_extension("key.next").exists());
    }

    async fn a_lost_secret_key_is_given_up(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let tokens = log_in(&api, OWNER_EMAIL).await;
        arrange(&api, "INSERT INTO totp (user_id, sealed_secret, secret_id, created_at, confirmed_at) SELECT id, '00', 'id', created_at, created_at FROM \"user\"").await;
        assert!(house.refused(&["auth", "accept-secret-loss", "--yes"]).contains("nothing is lost"));
        house.stop().await;
        house.set("LARDER_SECRET_KEY", NEW_SECRET);
        assert!(house.refused(&["auth", "accept-secret-loss"]).contains("--yes"));
        house.start_refused();
        house.larder(&["auth", "accept-secret-loss", "--yes"]);
        house.start().await;
        let api = house.api().await;
        assert_eq!(me(&api, &tokens).await.status, 401);
        api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.refused(401, "refresh_invalid");
        assert!(texts(api.auth_db(), "SELECT sealed_secret FROM totp").await.is_empty());
        let anew = log_in(&api, OWNER_EMAIL).await;
        me(&api, &anew).await.ok(200);
        assert_eq!(acts(&api, "accept_secret_loss").await, 1);
    }

    async fn after_restore_voids_what_a_running_server_has_given_and_lists_who_may_come_in(house: &House) {
        house.start().await;
        let api = house.api().await;
        api.owner().await;
        let tokens = log_in(&api, OWNER_EMAIL).await;
        let tenant = text(&tokens, "tenant_id");
        let key = json!({ "name": "Till", "scopes": ["read"], "all_sites": true });
        let key = Client::of(&api, &tokens).post(&format!("/v1/auth/tenants/{tenant}/api-keys"), key).await.ok(201);
        let invite = json!({ "email": "tom@example.org", "role": "staff", "all_sites": true });
        let invite = Client::of(&api, &tokens).post(&format!("/v1/auth/tenants/{tenant}/invites"), invite).await.ok(201);
        house.larder(&["auth", "reset-link", OWNER_EMAIL]);
        let kids = published(&api).await;
        let listed = house.larder(&["auth", "after-restore"]);
        let lines = listed["lines"].as_array().expect("lines");
        assert_eq!(lines.iter().map(|line| text(line, "is")).collect::<Vec<_>>(), ["member", "api_key"]);
        assert_eq!((text(&lines[0], "email"), text(&lines[1], "prefix")), (OWNER_EMAIL, text(&key, "prefix")));
        house.until(async || me(&api, &tokens).await.status == 401).await;
        api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await.refused(401, "refresh_invalid");
        let accept = json!({ "token": invite["token"], "name": "Tom", "password": PASSWORD });
        api.post("/v1/auth/invites/accept", accept).await.refused(410, "invite_expired");
        assert!(texts(api.auth_db(), "SELECT purpose FROM one_time_token WHERE revoked_at IS NULL").await.is_empty());
        house.until(async || published(&api).await.iter().all(|kid| !kids.contains(kid))).await;
        let anew = log_in(&api, OWNER_EMAIL).await;
        house.until(async || me(&api, &log_in(&api, OWNER_EMAIL).await).await.status == 200).await;
        assert_ne!(kid(&anew), kid(&tokens));
        // And with the server down.
        house.stop().await;
        let told = house.run(&["auth", "after-restore"]);
        assert!(told.code == 0 && told.stdout.contains(&format!("<{OWNER_EMAIL}>")), "{}", told.stdout);
        house.start().await;
        assert_eq!(me(&house.api().await, &anew).await.status, 401);
        assert_eq!(acts(&api, "after_restore").await, 2);
    }
}

/// Enrols an app for the owner of these tokens.
async fn enrolled(api: &Api, tokens: &Value) -> Authenticator {
    let owner = Client::of(api, tokens);
    let app = Authenticator::of(&owner.post_without_key("/v1/auth/mfa/totp", Value::Null).await.ok(200));
    owner.post_without_key("/v1/auth/mfa/totp/confirm", json!({ "code": app.code_at(api.now()) })).await.ok(200);
    app
}

/// Logs the owner in with both factors: by the code of the next half minute, since that of this one was used.
async fn log_in_with(api: &Api, app: &Authenticator) -> Value {
    let mfa_token = log_in(api, OWNER_EMAIL).await["mfa_token"].clone();
    let code = app.code_at(api.now().plus(chrono::TimeDelta::seconds(30)));
    api.post("/v1/auth/login/mfa", json!({ "mfa_token": mfa_token, "code": code })).await.ok(200)
}

#[test]
fn databases_in_memory_and_those_that_are_not_there_have_nothing_to_look_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = run(folder.path(), &["auth", "rotate-keys"], [("USE_IN_MEMORY_REPOSITORIES", "true")]);
    assert!(ended.code == 1 && ended.stderr.contains("in memory"), "{}", ended.stderr);
    let ended = run(folder.path(), &["auth", "rotate-keys"], []);
    assert!(ended.code == 1 && ended.stderr.contains("cannot be opened"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing is made");
}

/// Only root can give a file away, and root is also who is tempted to run a command beside a server of another user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_file_of_another_user_is_left_alone() {
    let house = House::open(Engine::Sqlite).await.expect("a house");
    house.api().await.owner().await;
    house.stop().await;
    let file = house.stores.folder().path().join("auth.db");
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        println!("SKIPPED: only root can give a file to somebody else");
        return;
    }
    for command in [&["auth", "rotate-keys"][..], &["auth", "rotate-secret"], &["auth", "unlock", OWNER_EMAIL]] {
        assert!(house.refused(command).contains("12345"));
    }
    house.close().await;
}
