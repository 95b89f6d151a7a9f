//! The use cases of auth that go without mail, each as its caller was seen a moment before.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::authenticator::{Authenticator, Enrolled};
use crate::support::kitchen::{Kitchen, text};
use crate::support::tables::run;
use crate::support::trial::Prepare;
use crate::support::{Call, Client, OWNER_EMAIL, PASSWORD, SETUP_TOKEN};

/// A request of the owner's.
macro_rules! owners {
    ($name:literal, $method:literal, $path:literal) => {
        ($name, |kitchen| Box::pin(async move { kitchen.owner.call($method, &path(&kitchen.owner, $path)) }))
    };
    ($name:literal, $method:literal, $path:literal, $($body:tt)+) => {
        ($name, |kitchen| Box::pin(async move { kitchen.owner.call($method, &path(&kitchen.owner, $path)).header("If-Match", "*").json(&json!($($body)+)) }))
    };
}

/// A request about what the owner has made or found before.
macro_rules! about {
    ($name:literal, $method:literal, $path:literal, $made:path) => {
        ($name, |kitchen| {
            Box::pin(async move {
                let id = $made(kitchen).await;
                kitchen.owner.call($method, &path(&kitchen.owner, $path).replace("{id}", &id)).header("If-Match", "*")
            })
        })
    };
}

pub const USE_CASES: &[(&str, Prepare)] = &[
    ("set-up", |kitchen| {
        Box::pin(async move {
            // The kitchen was set up before anything is looked at.
            let open = format!("UPDATE instance SET bootstrapped_at = NULL, setup_token_hash = '{}'", kernel::hex(&Sha256::digest(SETUP_TOKEN)));
            run(kitchen.owner.api().auth_db(), &open).await;
            kitchen.owner.api().call("POST", "/v1/auth/setup").json(&json!({
                "setup_token": SETUP_TOKEN, "email": "nora@example.org", "password": PASSWORD, "name": "Nora Neu",
                "tenant_name": "Bistro Neu", "currency": "CHF", "time_zone": "Europe/Zurich",
            }))
        })
    }),
    ("log-in", |kitchen| {
        Box::pin(async move { kitchen.owner.api().call("POST", "/v1/auth/login").json(&json!({ "email": OWNER_EMAIL, "password": PASSWORD })) })
    }),
    ("log-in that is refreshed", |kitchen| {
        Box::pin(async move {
            let tokens = logged_in(kitchen).await;
            kitchen.owner.api().call("POST", "/v1/auth/refresh").json(&json!({ "refresh_token": tokens["refresh_token"] }))
        })
    }),
    ("log-out", |kitchen| {
        Box::pin(async move {
            let tokens = logged_in(kitchen).await;
            kitchen.owner.api().call("POST", "/v1/auth/logout").json(&json!({ "refresh_token": tokens["refresh_token"] }))
        })
    }),
    ("public keys", |kitchen| Box::pin(async move { kitchen.owner.api().call("GET", "/v1/auth/jwks.json") })),
    owners!("oneself", "GET", "/v1/auth/me"),
    owners!("change of a name", "PATCH", "/v1/auth/me", { "name": "Olga Otto" }),
    owners!("export of what is known of oneself", "GET", "/v1/auth/me/export"),
    owners!("a device that was lost", "POST", "/v1/auth/me/lost-device"),
    about!("a notice that was seen", "DELETE", "/v1/auth/me/notices/{id}", notice),
    owners!("change of a password", "POST", "/v1/auth/me/password", { "current_password": PASSWORD, "password": "quiet lemon tractor 41" }),
    owners!("password once more", "POST", "/v1/auth/reauth", { "password": PASSWORD }),
    ("end of an account", |kitchen| {
        Box::pin(async move {
            let member = kitchen.owner.api().member("staff", None).await;
            let email = member.get("/v1/auth/me").await.ok(200)["user"]["email"].clone();
            member.call("DELETE", "/v1/auth/me").json(&json!({ "confirm": email }))
        })
    }),
    ("switch to another tenant", |kitchen| {
        Box::pin(async move { kitchen.owner.call("POST", "/v1/auth/switch-tenant").json(&json!({ "tenant_id": kitchen.owner.tenant_id })) })
    }),
    owners!("sessions", "GET", "/v1/auth/sessions"),
    owners!("end of all other sessions", "POST", "/v1/auth/sessions/revoke-others"),
    about!("end of a session", "DELETE", "/v1/auth/sessions/{id}", other_session),
    owners!("beginning of a second factor", "POST", "/v1/auth/mfa/totp"),
    ("second factor that is enrolled", |kitchen| {
        Box::pin(async move {
            let app = Authenticator::of(&kitchen.owner.post("/v1/auth/mfa/totp", Value::Null).await.ok(200));
            kitchen.owner.call("POST", "/v1/auth/mfa/totp/confirm").json(&json!({ "code": app.next_code(kitchen.owner.api()) }))
        })
    }),
    ("log-in by a second factor", |kitchen| {
        Box::pin(async move {
            let enrolled = Enrolled::of(&kitchen.owner).await;
            let half = json!({ "mfa_token": logged_in(kitchen).await["mfa_token"], "code": enrolled.app.next_code(kitchen.owner.api()) });
            kitchen.owner.api().call("POST", "/v1/auth/login/mfa").json(&half)
        })
    }),
    ("log-in by a recovery code", |kitchen| {
        Box::pin(async move {
            let enrolled = Enrolled::of(&kitchen.owner).await;
            let half = json!({ "mfa_token": logged_in(kitchen).await["mfa_token"], "recovery_code": enrolled.recovery_codes[0] });
            kitchen.owner.api().call("POST", "/v1/auth/login/mfa").json(&half)
        })
    }),
    ("new recovery codes", |kitchen| {
        Box::pin(async move {
            Enrolled::of(&kitchen.owner).await;
            kitchen.owner.call("POST", "/v1/auth/mfa/recovery-codes")
        })
    }),
    ("end of a second factor", |kitchen| {
        Box::pin(async move {
            Enrolled::of(&kitchen.owner).await;
            kitchen.owner.call("DELETE", "/v1/auth/mfa/totp")
        })
    }),
    ("end of the second factor of another", |kitchen| {
        Box::pin(async move {
            let member = kitchen.owner.api().member("staff", None).await;
            Enrolled::of(&member).await;
            let id = text(&member.get("/v1/auth/me").await.ok(200)["membership_id"]);
            let at = path(&kitchen.owner, "/v1/auth/tenants/{tenant}/members/{id}/reset-mfa").replace("{id}", &id);
            kitchen.owner.call("POST", &at)
        })
    }),
    owners!("tenants of a user", "GET", "/v1/auth/tenants"),
    owners!("another tenant", "POST", "/v1/auth/tenants", { "name": "The Other Corner", "currency": "EUR", "time_zone": "Europe/Paris" }),
    owners!("change of a tenant", "PATCH", "/v1/auth/tenants/{tenant}", { "name": "The Other Corner" }),
    owners!("closing of a tenant", "DELETE", "/v1/auth/tenants/{tenant}", { "confirm": "The Corner Kitchen" }),
    owners!("what was audited", "GET", "/v1/auth/tenants/{tenant}/audit"),
    owners!("API keys", "GET", "/v1/auth/tenants/{tenant}/api-keys"),
    owners!("creation of an API key", "POST", "/v1/auth/tenants/{tenant}/api-keys", { "name": "till", "scopes": ["read"], "all_sites": true }),
    about!("end of an API key", "DELETE", "/v1/auth/tenants/{tenant}/api-keys/{id}", api_key),
    owners!("invites", "GET", "/v1/auth/tenants/{tenant}/invites"),
    owners!("an invite", "POST", "/v1/auth/tenants/{tenant}/invites", { "email": "tom@example.org", "role": "viewer", "all_sites": true }),
    about!("withdrawal of an invite", "DELETE", "/v1/auth/tenants/{tenant}/invites/{id}", invite),
    ("acceptance of an invite", |kitchen| {
        Box::pin(async move {
            let accept = json!({ "token": invited(kitchen).await["token"], "name": "Tom", "password": "quiet lemon tractor 41" });
            kitchen.owner.api().call("POST", "/v1/auth/invites/accept").json(&accept)
        })
    }),
    owners!("members", "GET", "/v1/auth/tenants/{tenant}/members"),
    about!("a member", "GET", "/v1/auth/tenants/{tenant}/members/{id}", member),
    ("change of a member", |kitchen| {
        Box::pin(async move {
            let at = path(&kitchen.owner, "/v1/auth/tenants/{tenant}/members/{id}").replace("{id}", &member(kitchen).await);
            kitchen.owner.call("PATCH", &at).header("If-Match", "*").json(&json!({ "role": "viewer" }))
        })
    }),
    about!("removal of a member", "DELETE", "/v1/auth/tenants/{tenant}/members/{id}", member),
    about!("a link to a new password", "POST", "/v1/auth/tenants/{tenant}/members/{id}/reset-link", member),
    ("a new password by a link", |kitchen| {
        Box::pin(async move {
            let at = path(&kitchen.owner, "/v1/auth/tenants/{tenant}/members/{id}/reset-link").replace("{id}", &member(kitchen).await);
            let link = kitchen.owner.call("POST", &at).send().await.ok(201);
            let reset = json!({ "token": link["token"], "password": "quiet lemon tractor 41" });
            kitchen.owner.api().call("POST", "/v1/auth/password/reset").json(&reset)
        })
    }),
];

fn path(client: &Client, path: &str) -> String {
    path.replace("{tenant}", &client.tenant_id.to_string())
}

/// The tokens of another session of the owner's.
async fn logged_in(kitchen: &Kitchen) -> Value {
    kitchen.owner.api().post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200)
}

async fn other_session(kitchen: &Kitchen) -> String {
    let tokens = logged_in(kitchen).await;
    let other = kitchen.owner.with_token(text(&tokens["access_token"]));
    text(&other.get("/v1/auth/me").await.ok(200)["session_id"])
}

async fn api_key(kitchen: &Kitchen) -> String {
    let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
    text(&kitchen.owner.post_without_key(&path(&kitchen.owner, "/v1/auth/tenants/{tenant}/api-keys"), key).await.ok(201)["id"])
}

/// The one of a key that was made.
async fn notice(kitchen: &Kitchen) -> String {
    api_key(kitchen).await;
    text(&kitchen.owner.get("/v1/auth/me").await.ok(200)["notices"][0]["id"])
}

async fn invited(kitchen: &Kitchen) -> Value {
    let invite = json!({ "email": "tom@example.org", "role": "viewer", "all_sites": true });
    kitchen.owner.post_without_key(&path(&kitchen.owner, "/v1/auth/tenants/{tenant}/invites"), invite).await.ok(201)
}

async fn invite(kitchen: &Kitchen) -> String {
    text(&invited(kitchen).await["invite"]["id"])
}

/// A cook's membership.
async fn member(kitchen: &Kitchen) -> String {
    let member: Call = kitchen.owner.api().member("staff", None).await.call("GET", "/v1/auth/me");
    text(&member.send().await.ok(200)["membership_id"])
}
