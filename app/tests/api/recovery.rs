//! A new password for somebody who has lost theirs: links that are mailed, and links that a member hands over.

use std::sync::Arc;

use auth::admin::Whose;
use chrono::TimeDelta;
use futures::future::join_all;
use kernel::Ids;
use larder::Surroundings;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::keys::installation;
use crate::support::authenticator::Enrolled;
use crate::support::mailbox::Mailbox;
use crate::support::tables::texts;
use crate::support::wire::{Event, Verdict, Wire};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, Stores, fixed_clock, on};
use crate::with_mail;

const ME: &str = "/v1/auth/me";
const NEW_PASSWORD: &str = "quiet lemon tractor 41";
const FORGOT: &str = "/v1/auth/password/forgot";

fn at(client: &Client, path: &str) -> String {
    format!("/v1/auth/tenants/{}/{path}", client.tenant_id)
}

async fn forgot(api: &Api, email: &str) -> Reply {
    api.post(FORGOT, json!({ "email": email })).await
}

async fn reset(api: &Api, token: &str) -> Reply {
    api.post("/v1/auth/password/reset", json!({ "token": token, "password": NEW_PASSWORD })).await
}

async fn log_in(api: &Api, email: &str, password: &str) -> Reply {
    api.post("/v1/auth/login", json!({ "email": email, "password": password })).await
}

async fn membership(client: &Client) -> String {
    client.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned()
}

/// A member asks for a link for another.
async fn reset_link(client: &Client, member: &str) -> Reply {
    client.call("POST", &at(client, &format!("members/{member}/reset-link"))).send().await
}

async fn handed_over(client: &Client, member: &str) -> String {
    reset_link(client, member).await.ok(201)["token"].as_str().expect("a token").to_owned()
}

async fn count(api: &Api, sql: &str) -> String {
    texts(api.auth_db(), &format!("SELECT CAST(COUNT(*) AS TEXT) {sql}")).await.pop().expect("a count")
}

async fn arrange(api: &Api, sql: &str) {
    api.auth_db().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

with_mail! {
    async fn a_mailed_link_sets_another_password_once_and_verifies_the_address(api: Api, mailbox: Mailbox) {
        api.owner().await;
        let asked = forgot(&api, &OWNER_EMAIL.to_uppercase()).await;
        assert_eq!((asked.status, asked.text.as_str()), (202, ""));
        let letter = mailbox.next().await;
        assert_eq!((letter.to.as_str(), letter.subject()), (OWNER_EMAIL, "A new password for Larder"));
        assert!(letter.link().starts_with("https://stock.example.com/reset#larl_"), "{}", letter.text);
        let token = letter.token();
        // Looking at it uses nothing up, and a bad password neither.
        api.get("/v1/auth/password/reset").await.refused(405, "method_not_allowed");
        let reply = api.post("/v1/auth/password/reset", json!({ "token": token, "password": "the corner kitchen!" })).await;
        assert_eq!(reply.violations(), [("/password".to_owned(), "password_blocked".to_owned())]);
        let done = reset(&api, &token).await;
        assert_eq!(done.header("cache-control"), "no-store");
        assert_eq!(done.ok(200)["ended_sessions"], 1);
        log_in(&api, OWNER_EMAIL, PASSWORD).await.refused(401, "invalid_credentials");
        log_in(&api, OWNER_EMAIL, NEW_PASSWORD).await.ok(200);
        reset(&api, &token).await.refused(410, "link_used");
        reset(&api, "larl_nothing").await.refused(404, "not_found");
        assert_eq!(count(&api, "FROM \"user\" WHERE email_verified_at IS NOT NULL").await, "1");
        assert_eq!(mailbox.next().await.subject(), "Your password for Larder was changed");
    }

    async fn a_link_is_used_once_however_many_try(api: Api, mailbox: Mailbox) {
        api.owner().await;
        forgot(&api, OWNER_EMAIL).await;
        let token = mailbox.next().await.token();
        let replies = join_all((0..8).map(|_| reset(&api, &token))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert!(matches!(reply.code(), "link_used" | "auth_busy"), "{reply:?}");
        }
        assert_eq!(count(&api, "FROM audit_event WHERE act = 'reset_password' AND outcome = 'done'").await, "1");
    }

    async fn a_link_lives_an_hour_and_a_new_one_leaves_it_valid_and_three_an_hour_are_mailed(api: Api, mailbox: Mailbox) {
        api.owner().await;
        forgot(&api, OWNER_EMAIL).await;
        let first = mailbox.next().await.token();
        api.advance(TimeDelta::minutes(30));
        forgot(&api, OWNER_EMAIL).await;
        let second = mailbox.next().await.token();
        for _ in 0..4 {
            assert_eq!(forgot(&api, OWNER_EMAIL).await.status, 202);
        }
        mailbox.next().await;
        while count(&api, "FROM outbox").await != "0" {
            tokio::task::yield_now().await;
        }
        assert!(mailbox.rest().is_empty());
        api.advance(TimeDelta::minutes(30) - TimeDelta::microseconds(1));
        // The first is still good, and all others are void when it is used.
        reset(&api, &first).await.ok(200);
        reset(&api, &second).await.refused(410, "link_expired");
        mailbox.next().await;
        api.advance(TimeDelta::minutes(31));
        forgot(&api, OWNER_EMAIL).await;
        let late = mailbox.next().await.token();
        api.advance(TimeDelta::hours(1));
        reset(&api, &late).await.refused(410, "link_expired");
    }

    async fn nobody_is_mailed_who_is_unknown_or_disabled(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let disabled = api.add_member(owner.tenant_id, "staff", None).await;
        arrange(&api, &format!("UPDATE \"user\" SET disabled_at = created_at WHERE email = '{disabled}'")).await;
        for email in ["nobody@example.org", "no address at all", disabled.as_str()] {
            let reply = forgot(&api, email).await;
            assert_eq!((reply.status, reply.text.as_str()), (202, ""), "{email}");
        }
        forgot(&api, OWNER_EMAIL).await;
        assert_eq!(mailbox.next().await.to, OWNER_EMAIL);
        while count(&api, "FROM outbox").await != "0" {
            tokio::task::yield_now().await;
        }
        assert_eq!((mailbox.rest().len(), count(&api, "FROM one_time_token").await), (0, "1".to_owned()));
    }

    // Invariant 16.
    async fn a_reset_keeps_second_factors_begins_no_session_and_ends_all_else(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let device = log_in(&api, OWNER_EMAIL, PASSWORD).await.ok(200)["device_token"].clone();
        let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        let key = owner.post(&at(&owner, "api-keys"), key).await.ok(201);
        let invite = json!({ "email": "tom@example.org", "role": "staff", "all_sites": true });
        let invite = owner.post(&at(&owner, "invites"), invite).await.ok(201);
        owner.post("/v1/auth/me/email", json!({ "email": "thief@example.net" })).await;
        let change = mailbox.next_to("thief@example.net").await.token();
        let factor = "INSERT INTO totp (user_id, sealed_secret, secret_id, created_at, confirmed_at) SELECT id, '00', 'id', created_at, created_at FROM \"user\"";
        arrange(&api, factor).await;
        let code = "INSERT INTO recovery_code (id, user_id, code_hash, created_at) SELECT id, id, 'hash', created_at FROM \"user\"";
        arrange(&api, code).await;
        let sessions = count(&api, "FROM session").await;
        forgot(&api, OWNER_EMAIL).await;
        let token = loop {
            let letter = mailbox.next_to(OWNER_EMAIL).await;
            if letter.subject() == "A new password for Larder" {
                break letter.token();
            }
        };
        let done = reset(&api, &token).await.ok(200);
        assert_eq!((&done["ended_sessions"], &done["api_keys"][0]["id"], &done["invite_ids"]), (&json!(2), &key["id"], &json!([invite["invite"]["id"]])));
        for name in ["access_token", "refresh_token", "session_id"] {
            assert_eq!(done.get(name), None, "it is no session");
        }
        assert_eq!(count(&api, "FROM session").await, sessions);
        assert_eq!(count(&api, "FROM session WHERE revoked_at IS NULL").await, "0");
        assert_eq!((count(&api, "FROM totp WHERE confirmed_at IS NOT NULL").await, count(&api, "FROM recovery_code").await), ("1".into(), "1".into()));
        owner.get(ME).await.refused(401, "session_revoked");
        api.post("/v1/auth/email/verify", json!({ "token": change })).await.refused(410, "link_expired");
        let live = texts(api.auth_db(), "SELECT token_hash FROM device WHERE revoked_at IS NULL").await;
        assert_eq!(live.len(), 1, "the one of the answer");
        assert_ne!(done["device_token"], device);
        assert_eq!(count(&api, "FROM notice WHERE kind = 'password_changed'").await, "1");
    }

    // Decision 0014.
    async fn a_mailed_reset_keeps_the_factor_of_whoever_had_the_address_first_and_the_operator_takes_it_away(api: Api, mailbox: Mailbox) {
        // Somebody made an account under another's address, by an invite that was handed over.
        let owner = api.owner().await;
        let invite = json!({ "email": "vera@example.org", "role": "manager", "all_sites": true });
        let invite = owner.post(&at(&owner, "invites"), invite).await.ok(201);
        let accept = json!({ "token": invite["token"], "name": "Not Vera", "password": PASSWORD });
        let stranger = Client::of(&api, &api.post("/v1/auth/invites/accept", accept).await.ok(201));
        Enrolled::of(&stranger).await;
        arrange(&api, "UPDATE membership SET role = 'owner'").await;
        api.advance(TimeDelta::seconds(5));
        let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        let key = stranger.post(&at(&stranger, "api-keys"), key).await.ok(201)["secret"].as_str().expect("a secret").to_owned();
        stranger.with_token(&key).get("/v1/inventory/units").await.ok(200);
        // Whose it is reads the mail, and sets a password: that alone lets nobody in.
        forgot(&api, "vera@example.org").await;
        let token = loop {
            let letter = mailbox.next_to("vera@example.org").await;
            if letter.subject() == "A new password for Larder" {
                break letter.token();
            }
        };
        let done = reset(&api, &token).await.ok(200);
        assert_eq!(done["api_keys"].as_array().map(Vec::len), Some(1), "{done}");
        stranger.get(ME).await.refused(401, "session_revoked");
        log_in(&api, "vera@example.org", PASSWORD).await.refused(401, "invalid_credentials");
        assert_eq!(log_in(&api, "vera@example.org", NEW_PASSWORD).await.ok(200)["mfa_required"], true);
        // Whoever runs the installation has seen who it is.
        let admin = installation(&api).await;
        assert!(admin.disable_mfa("vera@example.org").await.expect("done"));
        admin.revoke_sessions(Whose::User("vera@example.org".into()), true).await.expect("done");
        let vera = Client::of(&api, &log_in(&api, "vera@example.org", NEW_PASSWORD).await.ok(200));
        let me = vera.get(ME).await.ok(200);
        assert_eq!((&me["email_verified"], &me["mfa"]["is_enrolled"]), (&json!(true), &json!(false)));
        api.advance(TimeDelta::seconds(5));
        vera.with_token(key).get("/v1/inventory/units").await.refused(401, "token_invalid");
    }

    async fn a_link_to_an_address_that_is_no_longer_the_accounts_is_void(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        forgot(&api, OWNER_EMAIL).await;
        let token = mailbox.next_to(OWNER_EMAIL).await.token();
        owner.post("/v1/auth/me/email", json!({ "email": "new@example.org" })).await;
        let change = mailbox.next_to("new@example.org").await.token();
        api.post("/v1/auth/email/verify", json!({ "token": change })).await.ok(200);
        reset(&api, &token).await.refused(410, "link_expired");
        arrange(&api, "UPDATE one_time_token SET revoked_at = NULL").await;
        reset(&api, &token).await.refused(410, "link_expired");
    }
}

both_engines! {
    async fn a_member_hands_a_link_over_to_whom_they_are_above(api: Api) {
        let (owner, manager, cook) = (api.owner().await, api.member("manager", None).await, api.member("staff", None).await);
        let (owner_id, manager_id, cook_id) = (membership(&owner).await, membership(&manager).await, membership(&cook).await);
        let email = cook.get(ME).await.ok(200)["user"]["email"].as_str().expect("an address").to_owned();
        reset_link(&cook, &manager_id).await.refused(403, "forbidden");
        reset_link(&manager, &owner_id).await.refused(403, "role_escalation");
        reset_link(&manager, &manager_id).await.refused(403, "forbidden");
        reset_link(&manager, &api.id().to_string()).await.refused(404, "not_found");
        let call = manager.call("POST", &at(&manager, &format!("members/{cook_id}/reset-link")));
        call.header("Idempotency-Key", "a-key").send().await.refused(400, "idempotency_key_not_allowed");
        let reply = reset_link(&manager, &cook_id).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let made = reply.ok(201);
        assert_eq!((&made["link"], &made["expires_at"]), (&Value::Null, &json!(api.now().plus(TimeDelta::hours(1)))));
        let token = made["token"].as_str().expect("a token");
        assert_eq!(count(&api, &format!("FROM one_time_token WHERE token_hash = '{token}'")).await, "0");
        cook.get(ME).await.ok(200);
        reset(&api, token).await.ok(200);
        cook.get(ME).await.refused(401, "session_revoked");
        log_in(&api, &email, NEW_PASSWORD).await.ok(200);
        assert_eq!(count(&api, "FROM \"user\" WHERE email_verified_at IS NOT NULL").await, "0", "nobody has mailed it");
        // At sites of their own only, and only who has shown lately who they are.
        let site: Uuid = api.id();
        let elsewhere = membership(&api.member("staff", Some(&[site])).await).await;
        let here = api.member("manager", Some(&[api.id()])).await;
        reset_link(&here, &elsewhere).await.refused(403, "role_escalation");
        reset_link(&manager, &elsewhere).await.ok(201);
        assert_eq!(count(&api, "FROM audit_event WHERE act = 'make_reset_link' AND outcome = 'done'").await, "2");
        assert_eq!(count(&api, "FROM audit_event WHERE act = 'make_reset_link' AND outcome = 'refused'").await, "4");
        arrange(&api, "UPDATE session SET authenticated_at = '2026-11-25T11:50:00+00:00'").await;
        let again = api.restart().await;
        reset_link(&manager.at(&again), &elsewhere).await.refused(403, "reauth_required");
        again.stop().await;
    }

    async fn a_link_that_was_handed_over_is_good_as_long_as_its_maker_may_make_it(api: Api) {
        let owner = api.owner().await;
        let cook = membership(&api.member("staff", None).await).await;
        let expired = async |token: &str| reset(&api, token).await.refused(410, "link_expired");
        let change = async |member: &str, body: Value| {
            let call = owner.call("PATCH", &at(&owner, &format!("members/{member}"))).header("If-Match", "*");
            call.json(&body).send().await.ok(200);
        };
        // Whoever made it is made less,
        let manager = api.member("manager", None).await;
        let maker = membership(&manager).await;
        let token = handed_over(&manager, &cook).await;
        change(&maker, json!({ "role": "staff" })).await;
        expired(&token).await;
        change(&maker, json!({ "role": "manager", "site_ids": [site(&owner).await] })).await;
        expired(&token).await;
        change(&maker, json!({ "all_sites": true })).await;
        // or whom it is for becomes more,
        change(&cook, json!({ "role": "owner", "all_sites": true })).await;
        expired(&token).await;
        change(&cook, json!({ "role": "staff" })).await;
        // or is disabled, or whoever made it is,
        for who in ["manager", "staff"] {
            arrange(&api, &format!("UPDATE \"user\" SET disabled_at = created_at WHERE email LIKE '{who}-%'")).await;
            expired(&token).await;
            arrange(&api, "UPDATE \"user\" SET disabled_at = NULL").await;
        }
        // or is sent away: that ends it for good.
        owner.delete(&at(&owner, &format!("members/{maker}")), None).await.ok(200);
        reset(&api, &token).await.refused(404, "not_found");
        let token = handed_over(&owner, &cook).await;
        reset(&api, &token).await.ok(200);
    }

    async fn whoever_works_elsewhere_too_is_nobodys_to_decide_about(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let email = api.add_member(owner.tenant_id, "staff", None).await;
        let cook = api.log_in(&email).await;
        let id = membership(&cook).await;
        let token = handed_over(&owner, &id).await;
        let invite = json!({ "email": email, "role": "viewer", "all_sites": true });
        let invite = other.post(&at(&other, "invites"), invite).await.ok(201);
        cook.post("/v1/auth/invites/accept", json!({ "token": invite["token"] })).await.ok(201);
        reset(&api, &token).await.refused(410, "link_expired");
        // Also where nothing but the membership tells.
        arrange(&api, "UPDATE one_time_token SET revoked_at = NULL").await;
        reset(&api, &token).await.refused(410, "link_expired");
        reset_link(&owner, &id).await.refused(409, "member_elsewhere");
    }

    async fn after_a_reset_nobody_waits_for_what_strangers_have_tried(api: Api) {
        let owner = api.owner().await;
        let email = api.add_member(owner.tenant_id, "staff", None).await;
        let id = membership(&api.log_in(&email).await).await;
        log_in(&api, &email, "not the password of anybody").await.refused(401, "invalid_credentials");
        arrange(&api, "UPDATE throttle SET count = 100 WHERE kind = 'account'").await;
        log_in(&api, &email, PASSWORD).await.refused(429, "rate_limited");
        let token = handed_over(&owner, &id).await;
        let device = reset(&api, &token).await.ok(200)["device_token"].clone();
        assert_eq!(count(&api, "FROM throttle WHERE kind = 'account'").await, "0");
        let body = json!({ "email": email, "password": NEW_PASSWORD, "device_token": device });
        assert_eq!(api.post("/v1/auth/login", body).await.ok(200).get("device_token"), None, "it is known");
        log_in(&api, &email, NEW_PASSWORD).await.ok(200);
    }
}

async fn site(owner: &Client) -> Value {
    let body = json!({ "kind": "site", "code": "here", "name": "A kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" });
    owner.post("/v1/inventory/locations", body).await.ok(201)["id"].clone()
}

/// What a request for a link sends to the database, with nothing of what is done beside it.
async fn statements(wire: &Wire, api: &Api, email: &str) -> Vec<String> {
    let (mut events, mut statements, mut others) = (wire.listen(), Vec::new(), Vec::new());
    let mut asking = std::pin::pin!(forgot(api, email));
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => if let Event::Step(step) = event {
                // Whoever sends the mail looks whether there is some, and goes no further until the request is answered.
                if step.sql.starts_with("SELECT \"outbox\"") {
                    others.push(step);
                } else {
                    statements.push(step.sql.clone());
                    step.decide(Verdict::Pass);
                }
            },
            reply = &mut asking => {
                assert_eq!((reply.status, reply.text.as_str()), (202, ""));
                break;
            }
        }
    }
    statements
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_asked_for_takes_the_same_statements_whoever_has_the_address() {
    for with_mail in [true, false] {
        let Some(stores) = Stores::make(Engine::Postgres).await else { return };
        let (stores, mailbox) = (Arc::new(stores), Mailbox::open().await);
        let wire = Wire::in_front_of(&stores.variables()["AUTH_DATABASE_URL"], None).await;
        let mut variables = if with_mail { mailbox.variables() } else { Vec::new() };
        variables.extend(wire.variables().map(|(_, value)| ("AUTH_DATABASE_URL", value.to_owned())));
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let api = Api::start(stores.clone(), &variables, Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
        let owner = api.owner().await;
        let disabled = api.add_member(owner.tenant_id, "staff", None).await;
        arrange(&api, &format!("UPDATE \"user\" SET disabled_at = created_at WHERE email = '{disabled}'")).await;
        let mut seen = Vec::new();
        // The fourth for one account in an hour, too.
        for email in [OWNER_EMAIL, OWNER_EMAIL, OWNER_EMAIL, OWNER_EMAIL, "nobody@example.org", "no address at all", disabled.as_str()] {
            seen.push(statements(&wire, &api, email).await);
            while count(&api, "FROM outbox").await != "0" {
                tokio::task::yield_now().await;
            }
        }
        // With a mail server what was asked is written down, in one statement; without one there is nothing to write.
        let inserts = |statement: &&String| statement.starts_with("INSERT INTO \"outbox\"");
        assert_eq!(seen[0].iter().filter(inserts).count(), usize::from(with_mail), "{seen:?}");
        assert!(!seen[0].iter().any(|statement| statement.starts_with("SELECT")), "{seen:?}");
        assert!(seen.iter().all(|statements| *statements == seen[0]), "{seen:#?}");
        api.stop().await;
        stores.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_hand_over_leads_to_the_public_address_sqlite() {
    on(Engine::Sqlite, &[("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com/")], |api| async move {
        let owner = api.owner().await;
        let id = membership(&api.member("staff", None).await).await;
        let made = reset_link(&owner, &id).await.ok(201);
        assert_eq!(made["link"], json!(format!("https://stock.example.com/reset#{}", made["token"].as_str().expect("a token"))));
    })
    .await;
}
