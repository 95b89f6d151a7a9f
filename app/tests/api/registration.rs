//! Whoever comes in without an invite, where that is allowed.

use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::mailbox::Mailbox;
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, on};

const REGISTER: &str = "/v1/auth/register";

fn application(email: &str) -> Value {
    json!({
        "email": email, "name": "Nora Neu", "tenant_name": "Bistro Neu", "currency": "CHF", "time_zone": "Europe/Zurich",
    })
}

async fn confirm(api: &Api, token: &str) -> Reply {
    api.post("/v1/auth/register/confirm", json!({ "token": token, "password": PASSWORD })).await
}

async fn with_registration(engine: Engine, test: impl AsyncFnOnce(Api, Mailbox)) {
    let mailbox = Mailbox::open().await;
    let mut variables = mailbox.variables();
    variables.push(("LARDER_AUTH_REGISTRATION", "true".into()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    on(engine, &variables, async |api| test(api, mailbox).await).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_confirms_has_a_tenant_of_their_own_sqlite() {
    with_registration(Engine::Sqlite, whoever_confirms_has_a_tenant_of_their_own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_confirms_has_a_tenant_of_their_own_postgres() {
    with_registration(Engine::Postgres, whoever_confirms_has_a_tenant_of_their_own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_an_account_is_told_so_by_mail_alone_sqlite() {
    with_registration(Engine::Sqlite, whoever_has_an_account_is_told_so_by_mail_alone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_an_account_is_told_so_by_mail_alone_postgres() {
    with_registration(Engine::Postgres, whoever_has_an_account_is_told_so_by_mail_alone).await;
}

both_engines! {
    async fn nobody_registers_where_that_is_not_allowed(api: Api) {
        api.post(REGISTER, application("nora@example.org")).await.refused(403, "registration_off");
        confirm(&api, "larl_nothing").await.refused(403, "registration_off");
        api.owner().await;
        assert_eq!(texts(api.auth_db(), "SELECT email FROM \"user\"").await, [OWNER_EMAIL]);
    }
}
