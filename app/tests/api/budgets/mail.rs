//! The use cases of auth that letters go with. A program sends them at a time of its own, among the statements that are looked at: so while these are,
//! the mail server holds the letter that was sent before.

use futures::future::BoxFuture;
use serde_json::json;

use super::Collected;
use crate::registration::application;
use crate::support::kitchen::Kitchen;
use crate::support::mailbox::{Mailbox, Mood};
use crate::support::trial::Bench;
use crate::support::{Call, Engine, OWNER_EMAIL, PASSWORD};
use larder::module::Module;

/// Makes what a request needs, and the request; letters are taken.
type Prepare = for<'a> fn(&'a Kitchen, &'a Mailbox) -> BoxFuture<'a, Call>;

const NEW: &str = "nora@example.org";

const USE_CASES: &[(&str, Prepare)] = &[
    ("a password that was forgotten", |kitchen, _| {
        Box::pin(async move { kitchen.owner.api().call("POST", "/v1/auth/password/forgot").json(&json!({ "email": OWNER_EMAIL })) })
    }),
    ("another address", |kitchen, _| Box::pin(async move { another_address(kitchen) })),
    ("another address that is confirmed", |kitchen, mailbox| {
        Box::pin(async move {
            assert_eq!(another_address(kitchen).send().await.status, 202);
            kitchen.owner.api().call("POST", "/v1/auth/email/verify").json(&json!({ "token": mailbox.next_to(NEW).await.token() }))
        })
    }),
    ("an account that is asked for", |kitchen, _| Box::pin(async move { account(kitchen) })),
    ("an account that is confirmed", |kitchen, mailbox| {
        Box::pin(async move {
            assert_eq!(account(kitchen).send().await.status, 202);
            let confirmed = json!({ "token": mailbox.next_to(NEW).await.token(), "password": PASSWORD });
            kitchen.owner.api().call("POST", "/v1/auth/register/confirm").json(&confirmed)
        })
    }),
];

fn another_address(kitchen: &Kitchen) -> Call {
    kitchen.owner.call("POST", "/v1/auth/me/email").json(&json!({ "email": NEW }))
}

fn account(kitchen: &Kitchen) -> Call {
    kitchen.owner.api().call("POST", "/v1/auth/register").json(&application(NEW))
}

/// Adds what they send, of a program of their own.
pub async fn add(collected: &mut Collected, engine: Engine) {
    let mailbox = Mailbox::open().await;
    let mut settings = mailbox.variables();
    settings.push(("LARDER_AUTH_REGISTRATION", "true".into()));
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(bench) = Bench::with(Module::Auth, engine, None, &settings).await else { return };
    for (use_case, prepare) in USE_CASES {
        let prepare = async || {
            // While a letter is held: of those that were written meanwhile none is sent.
            bench.clear().await;
            mailbox.becomes(Mood::Takes);
            mailbox.rest();
            let request = prepare(bench.kitchen(), &mailbox).await;
            mailbox.becomes(Mood::Holds);
            // Of a new key its maker is told by mail.
            let owner = &bench.kitchen().owner;
            let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
            owner.post_without_key(&format!("/v1/auth/tenants/{}/api-keys", owner.tenant_id), key).await.ok(201);
            mailbox.holds().await;
            request
        };
        collected.add(&bench, use_case, prepare).await;
    }
    mailbox.becomes(Mood::Takes);
    bench.close().await;
}
