//! What users do with their tenants: making, naming and closing them.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, on};

const ME: &str = "/v1/auth/me";
const TENANTS: &str = "/v1/auth/tenants";

fn own(client: &Client) -> String {
    format!("{TENANTS}/{}", client.tenant_id)
}

async fn close(client: &Client, name: &str) -> Reply {
    client.call("DELETE", &own(client)).json(&json!({ "confirm": name })).send().await
}

fn annex() -> Value {
    json!({ "name": "The Annex", "currency": "CHF", "time_zone": "Europe/Zurich" })
}

async fn new_tenants(engine: Engine) {
    on(engine, &[("LARDER_AUTH_NEW_TENANTS", "true")], |api| async move {
        let owner = api.owner().await;
        let reply = owner.post_without_key(TENANTS, annex()).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let there = Client::of(&api, &reply.ok(201));
        let me = there.get(ME).await.ok(200);
        assert_eq!((&me["role"], &me["tenant"]["name"], &me["tenant"]["currency"]), (&json!("owner"), &json!("The Annex"), &json!("CHF")));
        assert_eq!(me["user"]["email"], OWNER_EMAIL);
        // It has its place in inventory, and nothing of the first one.
        let site = json!({ "kind": "site", "code": "main", "name": "A kitchen", "time_zone": "Europe/Zurich", "day_starts_at": "04:00" });
        owner.post("/v1/inventory/locations", site.clone()).await.ok(201);
        assert_eq!(there.get("/v1/inventory/locations").await.ok(200)["data"], json!([]));
        there.post("/v1/inventory/locations", site).await.ok(201);
        // A member who owns nothing may, too.
        let cook = api.member("staff", None).await;
        let theirs = Client::of(&api, &cook.post_without_key(TENANTS, annex()).await.ok(201));
        assert_eq!(theirs.get(ME).await.ok(200)["role"], "owner");
        assert_eq!(cook.get(ME).await.ok(200)["role"], "staff");
        let listed = cook.get(TENANTS).await.ok(200);
        let listed: Vec<(&Value, &Value)> = listed["data"].as_array().expect("a list").iter().map(|own| (&own["tenant"]["name"], &own["role"])).collect();
        assert_eq!(listed, [(&json!("The Corner Kitchen"), &json!("staff")), (&json!("The Annex"), &json!("owner"))]);
        let wrong = owner.post_without_key(TENANTS, json!({ "name": "", "currency": "XXX", "time_zone": "Paris" })).await.violations();
        let codes: Vec<&str> = wrong.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(codes, ["wrong_length", "invalid_currency", "invalid_time_zone"]);
        owner.post_with_key(TENANTS, "key", annex()).await.refused(400, "idempotency_key_not_allowed");
        // There is an end to it.
        for _ in 2..20 {
            owner.post_without_key(TENANTS, annex()).await.ok(201);
        }
        owner.post_without_key(TENANTS, annex()).await.refused(409, "too_many_tenants");
        let first = owner.get(&format!("{TENANTS}?limit=15")).await.ok(200);
        let cursor = first["next_cursor"].as_str().expect("more");
        let second = owner.get(&format!("{TENANTS}?limit=15&cursor={cursor}")).await.ok(200);
        assert_eq!((first["data"].as_array().map(Vec::len), second["data"].as_array().map(Vec::len)), (Some(15), Some(5)));
        assert_eq!(second["next_cursor"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_makes_a_tenant_where_the_operator_lets_them_sqlite() {
    new_tenants(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_makes_a_tenant_where_the_operator_lets_them_postgres() {
    new_tenants(Engine::Postgres).await;
}

both_engines! {
    async fn nobody_makes_a_tenant_where_the_operator_has_not_said_so(api: Api) {
        let owner = api.owner().await;
        owner.post_without_key(TENANTS, annex()).await.refused(403, "new_tenants_off");
        assert_eq!(owner.get(TENANTS).await.ok(200)["data"].as_array().map(Vec::len), Some(1));
    }

    async fn an_owner_names_the_tenant_anew_as_they_have_seen_it(api: Api) {
        let owner = api.owner().await;
        let path = own(&owner);
        let seen = owner.get(TENANTS).await.ok(200)["data"][0]["tenant"].clone();
        assert_eq!((&seen["version"], &seen["mfa_required"]), (&json!(1), &json!(false)));
        owner.call("PATCH", &path).json(&json!({ "name": "The Cellar" })).send().await.refused(428, "if_match_required");
        owner.patch(&path, Some(7), json!({ "name": "The Cellar" })).await.refused(412, "version_mismatch");
        let changed = owner.patch(&path, Some(1), json!({ "name": "The Cellar" })).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        assert_eq!(changed.ok(200)["name"], "The Cellar");
        assert_eq!(owner.get(ME).await.ok(200)["tenant"]["name"], "The Cellar");
        // The books are kept in these.
        let wrong = owner.patch(&path, Some(2), json!({ "currency": "USD", "time_zone": "UTC" })).await.violations();
        assert_eq!(wrong.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), ["unknown_field", "unknown_field"]);
        let manager = api.member("manager", None).await;
        manager.patch(&path, Some(2), json!({ "name": "Mine" })).await.refused(403, "forbidden");
        let stranger = api.other_tenant().await;
        stranger.patch(&path, Some(2), json!({ "name": "Mine" })).await.refused(404, "not_found");
    }

    async fn who_demands_a_second_factor_has_one(api: Api) {
        let owner = api.owner().await;
        let path = own(&owner);
        let demand = async |client: &Client, demanded: bool| client.call("PATCH", &path).header("If-Match", "*").json(&json!({ "mfa_required": demanded })).send().await;
        demand(&owner, true).await.refused(403, "mfa_enrollment_required");
        // One that was begun and not confirmed is none.
        let begun = Authenticator::of(&owner.post_without_key("/v1/auth/mfa/totp", Value::Null).await.ok(200));
        demand(&owner, true).await.refused(403, "mfa_enrollment_required");
        demand(&owner, false).await.ok(200);
        owner.post_without_key("/v1/auth/mfa/totp/confirm", json!({ "code": begun.code_at(api.now()) })).await.ok(200);
        api.advance(TimeDelta::minutes(10));
        demand(&owner, true).await.refused(403, "reauth_required");
        owner.post_without_key("/v1/auth/reauth", json!({ "password": PASSWORD, "code": begun.code_at(api.now()) })).await.ok(200);
        assert_eq!(demand(&owner, true).await.ok(200)["mfa_required"], true);
    }

    async fn a_closed_tenant_lets_nobody_in_and_loses_nothing(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let manager = api.member("manager", None).await;
        let body = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        let key = owner.post_without_key(&format!("{}/api-keys", own(&owner)), body).await.ok(201);
        let till = owner.with_token(key["secret"].as_str().expect("a secret"));
        till.get("/v1/inventory/units").await.ok(200);
        let invite = json!({ "email": "tom@example.org", "role": "staff", "all_sites": true });
        let invite = owner.post_without_key(&format!("{}/invites", own(&owner)), invite).await.ok(201);
        // The owner is in the other one, too.
        let made = json!({ "email": OWNER_EMAIL, "role": "viewer", "all_sites": true });
        let made = other.post_without_key(&format!("{}/invites", own(&other)), made).await.ok(201);
        let there = Client::of(&api, &api.post("/v1/auth/invites/accept", json!({ "token": made["token"], "password": PASSWORD })).await.ok(201));

        close(&manager, "The Corner Kitchen").await.refused(403, "forbidden");
        other.call("DELETE", &own(&owner)).json(&json!({ "confirm": "The Corner Kitchen" })).send().await.refused(404, "not_found");
        assert_eq!(close(&owner, "the corner kitchen").await.violations(), [("/confirm".to_owned(), "confirmation_mismatch".to_owned())]);
        api.advance(TimeDelta::minutes(10));
        close(&owner, "The Corner Kitchen").await.refused(403, "reauth_required");
        let fresh = json!({ "email": OWNER_EMAIL, "password": PASSWORD, "tenant_id": owner.tenant_id });
        let fresh = Client::of(&api, &api.post("/v1/auth/login", fresh).await.ok(200));
        assert_eq!(close(&fresh, "The Corner Kitchen").await.status, 204);

        for client in [&owner, &manager, &fresh] {
            client.get(ME).await.refused(401, "session_revoked");
        }
        till.get("/v1/inventory/units").await.refused(401, "token_invalid");
        let accept = json!({ "token": invite["token"], "name": "Tom", "password": "quiet lemon tractor 41" });
        api.post("/v1/auth/invites/accept", accept).await.refused(410, "invite_expired");
        there.post_without_key("/v1/auth/switch-tenant", json!({ "tenant_id": owner.tenant_id })).await.refused(404, "not_found");
        let back = json!({ "email": OWNER_EMAIL, "password": PASSWORD, "tenant_id": owner.tenant_id });
        api.post("/v1/auth/login", back.clone()).await.refused(401, "invalid_credentials");
        assert_eq!(there.get(TENANTS).await.ok(200)["data"].as_array().map(Vec::len), Some(1));
        there.patch(&own(&owner), Some(1), json!({ "name": "Mine" })).await.refused(404, "not_found");
        // As the runbook opens it again: people log in anew, and what had ended stays so.
        api.auth_db().execute_unprepared("UPDATE tenant SET closed_at = NULL WHERE name = 'The Corner Kitchen'").await.expect("open");
        owner.get(ME).await.refused(401, "session_revoked");
        till.get("/v1/inventory/units").await.refused(401, "token_invalid");
        let again = Client::of(&api, &api.post("/v1/auth/login", back).await.ok(200));
        let told = again.get(&format!("{}/audit?act=close_tenant", own(&again))).await.ok(200);
        let outcomes: Vec<&Value> = told["data"].as_array().expect("a list").iter().map(|event| &event["outcome"]).collect();
        assert_eq!(outcomes, ["done", "refused", "refused"]);
    }
}
