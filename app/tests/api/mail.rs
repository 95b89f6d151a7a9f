//! Mail: sent after what it tells, once, however the mail server behaves; and what users are told.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::Ids;
use larder::Surroundings;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::mailbox::{Mailbox, Mood};
use crate::support::tables::texts;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, Stores, fixed_clock, fresh};
use crate::with_mail;

const ME: &str = "/v1/auth/me";
const FORGOT: &str = "/v1/auth/password/forgot";

fn at(client: &Client, path: &str) -> String {
    format!("/v1/auth/tenants/{}/{path}", client.tenant_id)
}

async fn invite(client: &Client, email: &str, role: &str) -> Reply {
    client.post(&at(client, "invites"), json!({ "email": email, "role": role, "all_sites": true })).await
}

async fn accept(api: &Api, token: &str) -> Reply {
    api.post("/v1/auth/invites/accept", json!({ "token": token, "name": "Tom Thorn", "password": "quiet lemon tractor 41" })).await
}

async fn kinds(client: &Client) -> Vec<String> {
    let me = client.get(ME).await.ok(200);
    me["notices"].as_array().expect("a list").iter().map(|notice| notice["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// Waits until nothing is to be sent.
async fn is_sent(api: &Api) {
    while waiting(api).await > 0 {
        tokio::task::yield_now().await;
    }
}

async fn waiting(api: &Api) -> usize {
    texts(api.auth_db(), "SELECT kind FROM outbox").await.len()
}

async fn verified_since(api: &Api, email: &str) -> bool {
    let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM \"user\" WHERE email_key = '{email}' AND email_verified_at IS NOT NULL");
    texts(api.auth_db(), &sql).await == ["1"]
}

with_mail! {
    async fn a_letter_is_sent_after_what_it_tells_is_done_and_once(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let made = invite(&owner, "Tom@Example.org", "staff").await.ok(201);
        let letter = mailbox.next().await;
        assert_eq!((letter.to.as_str(), letter.subject()), ("Tom@Example.org", "You are invited to Larder"));
        assert!(letter.headers.contains("From: \"Stock room\" <stock@example.com>"), "{}", letter.headers);
        assert!(letter.text.contains("\"The Corner Kitchen\""), "{}", letter.text);
        assert!(letter.link().starts_with("https://stock.example.com/invite#lari_"), "{}", letter.text);
        assert_ne!(json!(letter.token()), made["token"]);
        is_sent(&api).await;
        // Also not by another one, and not after a restart.
        let again = api.restart().await;
        again.post(FORGOT, json!({ "email": OWNER_EMAIL })).await;
        assert_eq!(mailbox.next().await.to, OWNER_EMAIL);
        is_sent(&again).await;
        assert_eq!((mailbox.rest().len(), mailbox.tried()), (0, 2));
        again.stop().await;
    }

    async fn what_waits_to_be_sent_cannot_be_read_in_the_database(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        mailbox.becomes(Mood::Refuses);
        invite(&owner, "tom@example.org", "staff").await.ok(201);
        mailbox.begun(1).await;
        let rows = texts(api.auth_db(), "SELECT kind || ' ' || sealed_message || ' ' || secret_id FROM outbox").await;
        assert!(rows.len() == 1 && rows[0].starts_with("invite "), "{rows:?}");
        assert!(!rows[0].contains("tom@example.org") && !rows[0].contains("lari_"), "{rows:?}");
    }

    async fn a_refused_letter_is_tried_again_later_and_later_until_it_is_of_no_use(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        mailbox.becomes(Mood::Refuses);
        invite(&owner, "tom@example.org", "staff").await.ok(201);
        mailbox.begun(1).await;
        let wait = async || texts(api.auth_db(), "SELECT CAST(tries AS TEXT) FROM outbox").await;
        assert_eq!(wait().await, ["1"]);
        for (minutes, mood) in [(1, Mood::HangsUp), (2, Mood::Refuses)] {
            mailbox.becomes(mood);
            let before = mailbox.tried();
            api.advance(TimeDelta::minutes(minutes));
            mailbox.begun(before + 1).await;
        }
        assert_eq!((wait().await, mailbox.tried()), (vec!["3".to_owned()], 3));
        // Less than the next wait is too early.
        api.advance(TimeDelta::minutes(3));
        mailbox.becomes(Mood::Takes);
        invite(&owner, "bob@example.org", "staff").await.ok(201);
        mailbox.next_to("bob@example.org").await;
        assert_eq!(mailbox.tried(), 4);
        api.advance(TimeDelta::minutes(1));
        mailbox.next_to("tom@example.org").await;
        is_sent(&api).await;
        // What is of no use any more is given up.
        mailbox.becomes(Mood::Refuses);
        api.post(FORGOT, json!({ "email": OWNER_EMAIL })).await.ok(202);
        mailbox.begun(6).await;
        api.advance(TimeDelta::hours(1));
        is_sent(&api).await;
        assert_eq!(mailbox.tried(), 6);
    }

    async fn a_mail_server_that_is_away_fails_no_request_and_is_tried_again_after_a_restart(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        mailbox.becomes(Mood::HangsUp);
        invite(&owner, "tom@example.org", "staff").await.ok(201);
        mailbox.begun(1).await;
        assert_eq!(waiting(&api).await, 1);
        let again = api.restart().await;
        mailbox.becomes(Mood::Takes);
        again.advance(TimeDelta::minutes(1));
        mailbox.next_to("tom@example.org").await;
        is_sent(&again).await;
        // Where nobody listens at all.
        mailbox.close();
        owner.at(&again).post(&at(&owner, "invites"), json!({ "email": "bob@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        again.stop().await;
    }

    async fn what_is_not_done_is_not_told(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let staff = api.member("staff", None).await;
        is_sent(&api).await;
        let (before, told) = (mailbox.tried(), texts(api.auth_db(), "SELECT kind FROM notice").await);
        invite(&staff, "tom@example.org", "viewer").await.refused(403, "forbidden");
        invite(&owner, OWNER_EMAIL, "viewer").await.refused(409, "already_member");
        let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        staff.post(&at(&staff, "api-keys"), key.clone()).await.refused(403, "forbidden");
        // The last statement of the transaction fails: of those before it nothing is left.
        api.auth_db().execute_unprepared("ALTER TABLE audit_event RENAME TO elsewhere").await.expect("moved");
        owner.post(&at(&owner, "api-keys"), key).await.refused(500, "internal_error");
        invite(&owner, "tom@example.org", "viewer").await.refused(500, "internal_error");
        api.auth_db().execute_unprepared("ALTER TABLE elsewhere RENAME TO audit_event").await.expect("moved back");
        assert_eq!((waiting(&api).await, mailbox.tried()), (0, before));
        assert_eq!(texts(api.auth_db(), "SELECT kind FROM notice").await, told);
    }

    async fn an_invite_that_was_mailed_verifies_the_address_and_the_one_that_was_handed_over_does_not(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        for (email, by_mail) in [("tom@example.org", true), ("bob@example.org", false)] {
            let made = invite(&owner, email, "staff").await.ok(201);
            let mailed = mailbox.next_to(email).await.token();
            let handed_over = made["token"].as_str().expect("a token").to_owned();
            let (used, other) = if by_mail { (mailed, handed_over) } else { (handed_over, mailed) };
            accept(&api, &used).await.ok(201);
            assert_eq!(verified_since(&api, email).await, by_mail, "{email}");
            accept(&api, &other).await.refused(410, "invite_used");
        }
        // Nobody's mailbox is filled.
        for _ in 0..5 {
            invite(&owner, "ann@example.org", "staff").await.ok(201);
        }
        is_sent(&api).await;
        assert_eq!(mailbox.rest().len(), 3);
    }

    async fn a_user_is_told_by_mail_and_after_a_log_in_of_what_may_not_have_been_they(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let first = api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200);
        let device = first["device_token"].as_str().expect("a token").to_owned();
        assert!(kinds(&owner).await.is_empty(), "there was no device before");
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": device })).await.ok(200);
        assert!(kinds(&owner).await.is_empty(), "that one is known");
        api.log_in(OWNER_EMAIL).await;
        assert_eq!(mailbox.next().await.subject(), "A new device at Larder");
        owner.post(&at(&owner, "api-keys"), json!({ "name": "till", "scopes": ["read"], "all_sites": true })).await.ok(201);
        assert_eq!(mailbox.next().await.subject(), "A new API key at Larder");
        let token = invite(&owner, "tom@example.org", "owner").await.ok(201)["token"].as_str().expect("a token").to_owned();
        mailbox.next_to("tom@example.org").await;
        let tom = Client::of(&api, &accept(&api, &token).await.ok(201));
        assert_eq!(mailbox.next().await.subject(), "A new owner at Larder");
        let body = json!({ "current_password": PASSWORD, "password": "quiet lemon tractor 41" });
        owner.post("/v1/auth/me/password", body).await.ok(200);
        let letter = mailbox.next().await;
        assert_eq!((letter.to.as_str(), letter.subject()), (OWNER_EMAIL, "Your password for Larder was changed"));
        is_sent(&api).await;
        assert_eq!(mailbox.rest().len(), 0);
        assert_eq!(kinds(&owner).await, ["password_changed", "owner_created", "api_key_created", "new_device"]);
        // Each until it is seen, by whom it is for.
        let me = owner.get(ME).await.ok(200);
        let path = format!("{ME}/notices/{}", me["notices"][0]["id"].as_str().expect("an id"));
        tom.delete(&path, None).await.refused(404, "not_found");
        assert_eq!(owner.delete(&path, None).await.status, 204);
        owner.delete(&path, None).await.refused(404, "not_found");
        assert_eq!(kinds(&owner).await, ["owner_created", "api_key_created", "new_device"]);
    }

    async fn nobody_fills_a_mailbox_with_invites_however_many_tenants_they_have(api: Api, mailbox: Mailbox) {
        api.owner().await;
        let mailed = async |expected: usize| {
            is_sent(&api).await;
            assert_eq!(mailbox.rest().iter().filter(|letter| letter.subject() == "You are invited to Larder").count(), expected);
        };
        for expected in [3, 3, 3, 0] {
            let client = api.other_tenant().await;
            for _ in 0..4 {
                // It can be handed over all the same.
                assert!(invite(&client, "tom@example.org", "staff").await.ok(201)["token"].is_string());
            }
            mailed(expected).await;
        }
        let client = api.other_tenant().await;
        invite(&client, "tim@example.org", "staff").await.ok(201);
        mailed(1).await;
        api.advance(TimeDelta::hours(1));
        let client = api.other_tenant().await;
        invite(&client, "tom@example.org", "staff").await.ok(201);
        mailed(1).await;
    }

    async fn an_owner_is_told_of_another_one_who_is_promoted(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let manager = api.member("manager", None).await;
        let id = manager.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned();
        let change = async |role: &str| owner.call("PATCH", &at(&owner, &format!("members/{id}"))).header("If-Match", "*").json(&json!({ "role": role })).send().await;
        change("owner").await.ok(200);
        assert_eq!(mailbox.next_to(OWNER_EMAIL).await.subject(), "A new owner at Larder");
        change("owner").await.ok(200);
        assert_eq!(kinds(&owner).await, ["owner_created"]);
        assert!(kinds(&manager).await.is_empty());
    }

    async fn an_address_changes_when_the_new_one_is_confirmed_and_the_old_one_is_told(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let new = "Olga.Ott@Example.net";
        let ask = async |email: &str| owner.post("/v1/auth/me/email", json!({ "email": email })).await;
        let verify = async |token: &str| api.post("/v1/auth/email/verify", json!({ "token": token })).await;
        assert_eq!(ask(new).await.status, 202);
        let link = mailbox.next_to(new).await;
        assert!(link.link().starts_with("https://stock.example.com/verify-email#larl_"), "{}", link.text);
        assert_eq!(mailbox.next_to(OWNER_EMAIL).await.subject(), "Another address for your account at Larder");
        assert_eq!(owner.get(ME).await.ok(200)["user"]["email"], OWNER_EMAIL, "nobody has confirmed it");
        // Looking at the page uses nothing up.
        api.get("/v1/auth/email/verify").await.refused(405, "method_not_allowed");
        let verified = verify(&link.token()).await.ok(200);
        assert_eq!((&verified["email"], &verified["changed"]), (&json!(new), &json!(true)));
        verify(&link.token()).await.refused(410, "link_used");
        assert_eq!(mailbox.next_to(OWNER_EMAIL).await.subject(), "Your address for Larder was changed");
        assert_eq!((owner.get(ME).await.ok(200)["user"]["email"].clone(), kinds(&owner).await), (json!(new), vec!["email_changed".to_owned()]));
        assert!(verified_since(&api, "olga.ott@example.net").await);
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.refused(401, "invalid_credentials");
        api.post("/v1/auth/login", json!({ "email": new, "password": PASSWORD })).await.ok(200);
        verify("larl_nothing").await.refused(404, "not_found");
        api.advance(TimeDelta::minutes(10));
        ask("x@example.net").await.refused(403, "reauth_required");
        ask("no address").await.refused(422, "invalid_request");
    }

    async fn whether_somebody_has_an_address_is_told_to_its_owner_alone(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        let taken = api.add_member(owner.tenant_id, "staff", None).await;
        let ask = async |email: &str| owner.post("/v1/auth/me/email", json!({ "email": email })).await;
        let verify = async |token: &str| api.post("/v1/auth/email/verify", json!({ "token": token })).await;
        assert_eq!(ask(&taken).await.status, 202);
        let token = mailbox.next_to(&taken).await.token();
        verify(&token).await.refused(409, "email_taken");
        verify(&token).await.refused(410, "link_used");
        assert_eq!(owner.get(ME).await.ok(200)["user"]["email"], OWNER_EMAIL);
        // Three an hour, and no word of it.
        for email in ["a@example.net", "b@example.net", "c@example.net", "d@example.net"] {
            assert_eq!(ask(email).await.status, 202);
        }
        is_sent(&api).await;
        let sent: Vec<_> = mailbox.rest().into_iter().map(|letter| letter.to).filter(|to| to != OWNER_EMAIL).collect();
        assert_eq!(sent, ["a@example.net", "b@example.net"]);
        api.advance(TimeDelta::hours(1));
        owner.post("/v1/auth/reauth", json!({ "password": PASSWORD })).await.refused(401, "token_expired");
        let later = api.log_in(OWNER_EMAIL).await;
        assert_eq!(later.post("/v1/auth/me/email", json!({ "email": "e@example.net" })).await.status, 202);
        mailbox.next_to("e@example.net").await;
    }

    async fn the_present_address_is_verified_by_a_link(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        assert_eq!(owner.post("/v1/auth/me/email", json!({ "email": OWNER_EMAIL.to_uppercase() })).await.status, 202);
        let token = mailbox.next_to(OWNER_EMAIL).await.token();
        assert!(!verified_since(&api, OWNER_EMAIL).await);
        let verified = api.post("/v1/auth/email/verify", json!({ "token": token })).await.ok(200);
        assert_eq!((&verified["email"], &verified["changed"]), (&json!(OWNER_EMAIL), &json!(false)));
        assert!(verified_since(&api, OWNER_EMAIL).await);
        is_sent(&api).await;
        assert_eq!(mailbox.rest().len(), 0, "nothing has changed");
    }

    async fn a_new_password_voids_a_pending_change_of_the_address(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        owner.post("/v1/auth/me/email", json!({ "email": "thief@example.net" })).await;
        let token = mailbox.next_to("thief@example.net").await.token();
        let body = json!({ "current_password": PASSWORD, "password": "quiet lemon tractor 41" });
        owner.post("/v1/auth/me/password", body).await.ok(200);
        api.post("/v1/auth/email/verify", json!({ "token": token })).await.refused(410, "link_expired");
    }
}

both_engines! {
    async fn without_a_mail_server_nothing_is_written_for_one_and_users_are_told_after_a_log_in(api: Api) {
        let owner = api.owner().await;
        let made = invite(&owner, "tom@example.org", "staff").await.ok(201);
        accept(&api, made["token"].as_str().expect("a token")).await.ok(201);
        assert!(!verified_since(&api, "tom@example.org").await);
        owner.post("/v1/auth/me/email", json!({ "email": "new@example.org" })).await.refused(409, "mail_not_configured");
        assert_eq!(api.post(FORGOT, json!({ "email": OWNER_EMAIL })).await.status, 202);
        for _ in 0..2 {
            api.log_in(OWNER_EMAIL).await;
        }
        assert_eq!(kinds(&owner).await, ["new_device"]);
        for table in ["outbox", "one_time_token"] {
            assert!(texts(api.auth_db(), &format!("SELECT CAST(id AS TEXT) FROM {table}")).await.is_empty(), "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_send_each_letter_once() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (stores, surroundings, mailbox) = (Arc::new(stores), Surroundings { clock: fixed_clock(), ids: Ids::System }, Mailbox::open().await);
    let variables = mailbox.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let replicas = [Api::start(stores.clone(), &variables, surroundings.clone()).await, Api::start(stores.clone(), &variables, surroundings).await];
    let owner = replicas[0].owner().await;
    let mut expected = Vec::new();
    for number in 0..30 {
        let email = fresh("guest") + "@example.org";
        invite(&owner.at(&replicas[number % 2]), &email, "viewer").await.ok(201);
        expected.push(email);
    }
    is_sent(&replicas[0]).await;
    let mut sent: Vec<_> = mailbox.rest().into_iter().map(|letter| letter.to).collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    for replica in &replicas {
        replica.stop().await;
    }
    stores.remove().await;
}

with_mail! {
    async fn no_secret_of_a_letter_stays_in_the_database(api: Api, mailbox: Mailbox) {
        let owner = api.owner().await;
        mailbox.becomes(Mood::Refuses);
        invite(&owner, "tom@example.org", "staff").await.ok(201);
        api.post(FORGOT, json!({ "email": OWNER_EMAIL })).await;
        mailbox.begun(2).await;
        mailbox.becomes(Mood::Takes);
        let contents = format!("{:?}", crate::support::tables::Contents::of(api.auth_db()).await);
        api.advance(TimeDelta::minutes(1));
        for to in ["tom@example.org", OWNER_EMAIL] {
            let token: Value = mailbox.next_to(to).await.token().into();
            assert!(!contents.contains(token.as_str().expect("a token")));
        }
    }
}
