//! Whoever comes in without an invite, where that is allowed.

use chrono::TimeDelta;
use futures::future::join_all;
use futures::join;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::Enrolled;
use crate::support::mailbox::{Mailbox, Received};
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, on};

const REGISTER: &str = "/v1/auth/register";
/// The subject of what is mailed to whoever registers.
const ANSWER: &str = "Your account at Larder";
const CONFIRM: &str = "/v1/auth/register/confirm";

pub fn application(email: &str) -> Value {
    json!({
        "email": email, "name": "Nora Neu", "tenant_name": "Bistro Neu", "currency": "CHF", "time_zone": "Europe/Zurich",
    })
}

async fn confirm(api: &Api, token: &str) -> Reply {
    api.post(CONFIRM, json!({ "token": token, "password": PASSWORD })).await
}

async fn with_registration(engine: Engine, test: impl AsyncFnOnce(Api, Mailbox)) {
    let mailbox = Mailbox::open().await;
    let mut variables = mailbox.variables();
    variables.push(("LARDER_AUTH_REGISTRATION", "true".into()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    on(engine, &variables, async |api| test(api, mailbox).await).await;
}

/// Two tests of each, as `both_engines!` makes them, where anybody may register.
macro_rules! both_with_registration {
    ($($name:ident),+) => {$(
        mod $name {
            use super::{Engine, with_registration};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                with_registration(Engine::Sqlite, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                with_registration(Engine::Postgres, super::$name).await;
            }
        }
    )+};
}

async fn whoever_confirms_has_a_tenant_of_their_own(api: Api, mailbox: Mailbox) {
    let owner = api.owner().await;
    let asked = api.post(REGISTER, application("Nora@Example.org")).await;
    assert_eq!((asked.status, asked.text.as_str()), (202, ""));
    let letter = mailbox.next().await;
    assert!(letter.to == "Nora@Example.org" && letter.link().starts_with("https://stock.example.com/register#larl_"), "{letter:?}");
    // Nothing is there yet, and nothing of it can be read.
    let login = json!({ "email": "nora@example.org", "password": PASSWORD });
    api.post("/v1/auth/login", login.clone()).await.refused(401, "invalid_credentials");
    let contents = format!("{:?}", Contents::of(api.auth_db()).await);
    assert!(!contents.contains("Bistro") && !contents.contains(&letter.token()));
    let token = letter.token();
    let replies = join_all((0..4).map(|_| confirm(&api, &token))).await;
    let made: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(made.len(), 1, "{replies:?}");
    confirm(&api, &token).await.refused(410, "link_used");
    let nora = Client::of(&api, &made[0].body);
    assert_ne!(nora.tenant_id, owner.tenant_id);
    let me = nora.get("/v1/auth/me").await.ok(200);
    assert_eq!((&me["role"], &me["tenant"]["name"], &me["tenant"]["currency"]), (&json!("owner"), &json!("Bistro Neu"), &json!("CHF")));
    nora.get("/v1/inventory/locations").await.ok(200);
    api.post("/v1/auth/login", login).await.ok(200);
    let verified = "SELECT email FROM \"user\" WHERE email_verified_at IS NOT NULL";
    assert_eq!(texts(api.auth_db(), verified).await, ["Nora@Example.org"]);
    // Of the link nothing is left that says whom it made.
    assert_eq!(texts(api.auth_db(), "SELECT email FROM one_time_token WHERE email IS NOT NULL OR sealed_payload IS NOT NULL").await, [""; 0]);
    confirm(&api, "larl_nothing").await.refused(404, "not_found");
}

async fn whoever_has_an_account_is_told_so_by_mail_alone(api: Api, mailbox: Mailbox) {
    api.owner().await;
    for email in [OWNER_EMAIL, "nora@example.org"] {
        for _ in 0..4 {
            let asked = api.post(REGISTER, application(email)).await;
            assert_eq!((asked.status, asked.text.as_str()), (202, ""));
        }
    }
    let mut first = None;
    for page in ["reset", "reset", "reset", "register", "register", "register"] {
        let letter = mailbox.next().await;
        assert!(letter.link().starts_with(&format!("https://stock.example.com/{page}#")), "{letter:?}");
        first = first.or(Some(letter).filter(|_| page == "register"));
    }
    while !texts(api.auth_db(), "SELECT kind FROM outbox").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(mailbox.rest().is_empty(), "three an hour");
    // Whoever gets the address before it is confirmed keeps it.
    api.add_member(api.owner().await.tenant_id, "staff", None).await;
    api.auth_db()
        .execute_unprepared("UPDATE \"user\" SET email = 'nora@example.org', email_key = 'nora@example.org' WHERE name = 'staff'")
        .await
        .expect("the address");
    let token = first.expect("a letter").token();
    confirm(&api, &token).await.refused(409, "email_taken");
    confirm(&api, &token).await.refused(410, "link_used");
}

/// Leaves the tenant of a session, or closes it.
async fn leave(client: &Client) {
    let me = client.get("/v1/auth/me").await.ok(200);
    let path = format!("/v1/auth/tenants/{}", client.tenant_id);
    if me["role"] == "owner" {
        let closing = client.call("DELETE", &path).json(&json!({ "confirm": me["tenant"]["name"] }));
        assert_eq!(closing.send().await.status, 204);
    } else {
        client.delete(&format!("{path}/members/{}", me["membership_id"].as_str().expect("an id")), None).await.ok(200);
    }
}

/// The next letter to an address that answers a registration. Others tell of new devices and the like.
async fn answer_to(mailbox: &Mailbox, email: &str) -> Received {
    loop {
        let letter = mailbox.next_to(email).await;
        if letter.subject() == ANSWER {
            return letter;
        }
    }
}

async fn asked_again(api: &Api, mailbox: &Mailbox, email: &str) -> String {
    api.post(REGISTER, application(&email.to_uppercase())).await.ok(202);
    let letter = answer_to(mailbox, email).await;
    assert!(letter.link().starts_with("https://stock.example.com/register#larl_") && letter.text.contains("password of your account"), "{letter:?}");
    letter.token()
}

async fn count(api: &Api, from: &str) -> String {
    texts(api.auth_db(), &format!("SELECT CAST(COUNT(*) AS TEXT) FROM {from}")).await.remove(0)
}

async fn whoever_has_left_or_closed_their_last_tenant_begins_anew_with_the_same_account(api: Api, mailbox: Mailbox) {
    let owner = api.owner().await;
    let cook = api.add_member(owner.tenant_id, "staff", None).await;
    for (email, client) in [(cook.as_str(), api.log_in(&cook).await), (OWNER_EMAIL, owner)] {
        let user = client.get("/v1/auth/me").await.ok(200)["user"].clone();
        leave(&client).await;
        let log_in = json!({ "email": email, "password": PASSWORD });
        api.post("/v1/auth/login", log_in.clone()).await.refused(401, "invalid_credentials");
        let token = asked_again(&api, &mailbox, email).await;
        // The link sets no password, and a wrong one leaves it as it is.
        let wrong = json!({ "token": token, "password": "quiet lemon tractor 41" });
        api.post(CONFIRM, wrong).await.refused(401, "invalid_credentials");
        let made = confirm(&api, &token).await.ok(201);
        assert!(made["device_token"].is_string(), "{made}");
        let again = Client::of(&api, &made);
        let me = again.get("/v1/auth/me").await.ok(200);
        assert_eq!((&me["user"], &me["role"], &me["tenant"]["name"]), (&user, &json!("owner"), &json!("Bistro Neu")));
        assert_eq!((&me["tenant"]["currency"], &me["email_verified"]), (&json!("CHF"), &json!(true)));
        again.get("/v1/inventory/locations").await.ok(200);
        api.post("/v1/auth/login", log_in).await.ok(200);
        confirm(&api, &token).await.refused(410, "link_used");
        let events = again.get(&format!("/v1/auth/tenants/{}/audit?act=register", again.tenant_id)).await.ok(200);
        assert_eq!(events["data"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(count(&api, "one_time_token WHERE email IS NOT NULL OR sealed_payload IS NOT NULL").await, "0");
    // Three an hour, like everybody.
    let cook = api.log_in(&cook).await;
    leave(&cook).await;
    let email = texts(api.auth_db(), "SELECT email FROM \"user\" WHERE name = 'staff'").await.remove(0);
    for _ in 0..4 {
        api.post(REGISTER, application(&email)).await.ok(202);
    }
    for _ in 0..3 {
        answer_to(&mailbox, &email).await;
    }
    while !texts(api.auth_db(), "SELECT kind FROM outbox").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(mailbox.rest().iter().filter(|letter| letter.subject() == ANSWER).count(), 0, "three an hour");
}

async fn whoever_begins_anew_shows_their_second_factor(api: Api, mailbox: Mailbox) {
    let owner = api.owner().await;
    let enrolled = Enrolled::of(&owner).await;
    leave(&owner).await;
    let token = asked_again(&api, &mailbox, OWNER_EMAIL).await;
    let with = async |password: &str, code: &str| api.post(CONFIRM, json!({ "token": token, "password": password, "code": code })).await;
    confirm(&api, &token).await.refused(401, "mfa_invalid");
    with(PASSWORD, &enrolled.app.wrong_code(&api)).await.refused(401, "mfa_invalid");
    let code = enrolled.app.next_code(&api);
    with("quiet lemon tractor 41", &code).await.refused(401, "invalid_credentials");
    let again = Client::of(&api, &with(PASSWORD, &code).await.ok(201));
    assert_eq!(again.get("/v1/auth/me").await.ok(200)["mfa"]["is_enrolled"], true);
    // It is as fresh as a log-in with both.
    let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
    again.post(&format!("/v1/auth/tenants/{}/api-keys", again.tenant_id), key).await.ok(201);
    assert_eq!(count(&api, "audit_event WHERE act = 'show_second_factor' AND outcome = 'refused'").await, "1");
}

async fn whoever_has_a_tenant_by_then_is_given_no_other(api: Api, mailbox: Mailbox) {
    let owner = api.owner().await;
    let cook = api.add_member(owner.tenant_id, "staff", None).await;
    for round in 0..6 {
        let client = api.log_in(&cook).await;
        leave(&client).await;
        let token = asked_again(&api, &mailbox, &cook).await;
        if round == 0 {
            // Disabled: nobody comes in, and nothing is told but that.
            api.auth_db().execute_unprepared("UPDATE \"user\" SET disabled_at = created_at WHERE name = 'staff'").await.expect("disabled");
            confirm(&api, &token).await.refused(409, "email_taken");
            api.auth_db().execute_unprepared("UPDATE \"user\" SET disabled_at = NULL").await.expect("enabled");
        }
        let (token, second) = match round {
            0 => (asked_again(&api, &mailbox, &cook).await, asked_again(&api, &mailbox, &cook).await),
            _ => (token, asked_again(&api, &mailbox, &cook).await),
        };
        let invite = json!({ "email": cook, "role": "staff", "all_sites": true });
        let path = format!("/v1/auth/tenants/{}/invites", owner.tenant_id);
        let made = api.log_in(OWNER_EMAIL).await.post(&path, invite).await.ok(201);
        let accept = api.post("/v1/auth/invites/accept", json!({ "token": made["token"], "password": PASSWORD }));
        let (accepted, one, other) = join!(accept, confirm(&api, &token), confirm(&api, &second));
        assert_eq!(accepted.status, 201, "{accepted:?}");
        let founded = [&one, &other].iter().filter(|reply| reply.status == 201).count();
        assert!(founded <= 1 && [&one, &other].iter().all(|reply| reply.status == 201 || reply.code() == "email_taken"), "{one:?} {other:?}");
        let open = "membership m JOIN \"user\" u ON u.id = m.user_id JOIN tenant t ON t.id = m.tenant_id WHERE u.name = 'staff' AND t.closed_at IS NULL";
        assert_eq!(count(&api, open).await, (1 + founded).to_string());
        confirm(&api, &token).await.refused(410, "link_used");
        // For the next round they are a member of one.
        if let Some(reply) = [one, other].iter().find(|reply| reply.status == 201) {
            leave(&Client::of(&api, &reply.body)).await;
        }
        api.advance(TimeDelta::hours(1));
    }
}

both_with_registration! {
    whoever_confirms_has_a_tenant_of_their_own,
    whoever_has_an_account_is_told_so_by_mail_alone,
    whoever_has_left_or_closed_their_last_tenant_begins_anew_with_the_same_account,
    whoever_begins_anew_shows_their_second_factor,
    whoever_has_a_tenant_by_then_is_given_no_other
}

both_engines! {
    async fn nobody_registers_where_that_is_not_allowed(api: Api) {
        api.post(REGISTER, application("nora@example.org")).await.refused(403, "registration_off");
        confirm(&api, "larl_nothing").await.refused(403, "registration_off");
        api.owner().await;
        assert_eq!(texts(api.auth_db(), "SELECT email FROM \"user\"").await, [OWNER_EMAIL]);
    }
}
