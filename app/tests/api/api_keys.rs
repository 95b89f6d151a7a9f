//! Keys that programs hold.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::kitchen::{Kitchen, WALK_IN};
use crate::support::patience::soon;
use crate::support::{Api, Client, OWNER_EMAIL, Reply};

fn keys(client: &Client) -> String {
    format!("/v1/auth/tenants/{}/api-keys", client.tenant_id)
}

async fn create(client: &Client, body: Value) -> Reply {
    client.post_without_key(&keys(client), body).await
}

async fn key(client: &Client, scopes: Value) -> Client {
    let made = create(client, json!({ "name": "till", "scopes": scopes, "all_sites": true })).await.ok(201);
    program(client, &made)
}

/// A program that has the key.
fn program(client: &Client, made: &Value) -> Client {
    client.with_token(made["secret"].as_str().expect("a secret"))
}

async fn demote(api: &Api, role: &str) {
    let sql = format!("UPDATE membership SET role = '{role}'");
    api.auth_db().execute_unprepared(&sql).await.expect("another role");
    api.advance(TimeDelta::seconds(5));
}

both_engines! {
    async fn a_key_does_what_it_was_made_for_and_nothing_else(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("MILK", json!({})).await;
        let owner = kitchen.owner.clone();
        let reply = create(&owner, json!({ "name": "till in the bar", "scopes": ["read", "receive"], "all_sites": true })).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let made = reply.ok(201);
        let (secret, prefix) = (made["secret"].as_str().expect("a secret"), made["prefix"].as_str().expect("a prefix"));
        assert!(secret.starts_with(&format!("lark_{prefix}_")) && secret.len() == 82);
        let till = program(&owner, &made);
        let receipt = json!({ "location": WALK_IN, "lines": [{ "sku": "MILK", "quantity": "3", "line_total": "1.01" }] });
        let posted = till.post("/v1/inventory/receipts", receipt).await.ok(201);
        assert!(posted["entries"][0].get("value").is_none(), "see_costs is not among its scopes");
        let me = owner.get("/v1/auth/me").await.ok(200);
        assert_eq!(posted["entries"][0]["actor_id"], me["user"]["id"], "it acts for whoever made it");
        let waste = json!({ "location": WALK_IN, "lines": [{ "sku": "MILK", "quantity": "1", "reason": "spoiled" }] });
        till.post("/v1/inventory/waste", waste).await.refused(403, "forbidden");
        // The module's own endpoints are for people.
        for path in ["/v1/auth/me", "/v1/auth/sessions", &keys(&owner), &format!("/v1/auth/tenants/{}/members", owner.tenant_id)] {
            till.get(path).await.refused(403, "forbidden");
        }
        till.post_without_key("/v1/auth/reauth", json!({ "password": "x" })).await.refused(403, "forbidden");
        till.post_without_key("/v1/auth/switch-tenant", json!({ "tenant_id": owner.tenant_id })).await.refused(403, "forbidden");
        till.post_without_key("/v1/auth/invites/accept", json!({ "token": "lari_x" })).await.refused(403, "forbidden");
        till.call("POST", "/v1/auth/logout").send().await.refused(401, "session_revoked");
        // It is listed, without its secret, and ends at once.
        let listed = owner.get(&keys(&owner)).await;
        assert!(!listed.text.contains(secret));
        let listed = listed.ok(200)["data"][0].clone();
        assert_eq!((&listed["id"], &listed["scopes"], &listed["made_by"]), (&made["id"], &json!(["read", "receive"]), &me["membership_id"]));
        let path = format!("{}/{}", keys(&owner), made["id"].as_str().expect("an id"));
        let stranger = api.other_tenant().await;
        stranger.delete(&path, None).await.refused(404, "not_found");
        stranger.delete(&format!("{}/{}", keys(&stranger), made["id"].as_str().expect("an id")), None).await.refused(404, "not_found");
        assert_eq!(owner.delete(&path, None).await.status, 204);
        till.get("/v1/inventory/items").await.refused(401, "token_invalid");
        owner.delete(&path, None).await.refused(404, "not_found");
        assert_eq!(owner.get(&keys(&owner)).await.ok(200)["data"], json!([]));
    }

    async fn a_key_that_is_changed_in_one_place_is_none(api: Api) {
        let till = key(&api.owner().await, json!(["read"])).await;
        till.get("/v1/inventory/items").await.ok(200);
        let secret = till.token.clone();
        let other = |index: usize| {
            let mut text = secret.clone().into_bytes();
            text[index] = if text[index] == b'0' { b'1' } else { b'0' };
            String::from_utf8(text).expect("a text")
        };
        for wrong in [other(5), other(18), other(81), format!("{secret}0"), secret[..81].to_owned(), "lark_".to_owned(), secret.replace("lark_", "larr_")] {
            till.with_token(wrong).get("/v1/inventory/items").await.refused(401, "token_invalid");
        }
        // The database holds no secret.
        let dump = api.auth_db().query_one_raw(sea_orm::Statement::from_string(api.auth_db().get_database_backend(), "SELECT secret_hash FROM api_key")).await;
        let hash: String = dump.expect("a row").expect("a row").try_get("", "secret_hash").expect("a hash");
        assert!(!secret.contains(&hash) && hash.len() == 64);
    }

    async fn a_key_shrinks_with_its_maker_and_ends_with_them(api: Api) {
        let owner = api.owner().await;
        let email = api.add_member(owner.tenant_id, "owner", None).await;
        let maker = api.log_in(&email).await;
        let till = key(&maker, json!(["read", "see_costs", "manage_catalogue"])).await;
        let item = json!({ "sku": "MILK", "name": "Milk", "base_unit": "ml", "kind": "ingredient" });
        till.post("/v1/inventory/items", item).await.ok(201);
        let id = maker.get("/v1/auth/me").await.ok(200)["membership_id"].as_str().expect("an id").to_owned();
        let member = format!("/v1/auth/tenants/{}/members/{id}", owner.tenant_id);
        let change = async |role: &str| owner.call("PATCH", &member).header("If-Match", "*").json(&json!({ "role": role })).send().await;
        change("viewer").await.ok(200);
        let other = json!({ "sku": "EGGS", "name": "Eggs", "base_unit": "each", "kind": "ingredient" });
        till.post("/v1/inventory/items", other.clone()).await.refused(403, "forbidden");
        till.get("/v1/inventory/items").await.ok(200);
        change("owner").await.ok(200);
        till.post("/v1/inventory/items", other).await.ok(201);
        // What dies with a member is seen before.
        assert_eq!(owner.get(&member).await.ok(200)["api_keys"][0]["name"], "till");
        assert_eq!(owner.delete(&member, None).await.ok(200)["ended_api_keys"][0]["name"], "till");
        till.get("/v1/inventory/items").await.refused(401, "token_invalid");
        // Not even when they come back.
        let invite = json!({ "email": email, "role": "staff", "all_sites": true });
        let made = owner.post_without_key(&format!("/v1/auth/tenants/{}/invites", owner.tenant_id), invite).await.ok(201);
        api.post("/v1/auth/invites/accept", json!({ "token": made["token"], "password": crate::support::PASSWORD })).await.ok(201);
        till.get("/v1/inventory/items").await.refused(401, "token_invalid");
    }

    async fn another_replica_believes_a_key_for_five_seconds_at_the_most(api: Api) {
        let owner = api.owner().await;
        let till = key(&owner, json!(["read", "see_costs"])).await;
        till.get("/v1/inventory/items").await.ok(200);
        demote(&api, "viewer").await;
        till.get("/v1/inventory/items").await.ok(200);
        api.auth_db().execute_unprepared("UPDATE api_key SET revoked_at = created_at").await.expect("ended elsewhere");
        api.advance(TimeDelta::seconds(5));
        till.get("/v1/inventory/items").await.refused(401, "token_invalid");
    }

    async fn a_key_is_limited_to_its_sites_and_to_those_of_its_maker(api: Api) {
        let owner = api.owner().await;
        let site = async |code: &str| -> Uuid {
            let body = json!({ "kind": "site", "code": code, "name": "A kitchen", "time_zone": "Europe/Paris" });
            owner.post("/v1/inventory/locations", body).await.ok(201)["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
        };
        let (here, there) = (site("here").await, site("there").await);
        let made = create(&owner, json!({ "name": "till", "scopes": ["read"], "site_ids": [here] })).await.ok(201);
        let till = program(&owner, &made);
        till.get(&format!("/v1/inventory/locations/{here}")).await.ok(200);
        till.get(&format!("/v1/inventory/locations/{there}")).await.refused(404, "not_found");
        for (body, code) in [
            (json!({ "name": "x", "scopes": [], "all_sites": true }), "invalid_scopes"),
            (json!({ "name": "x", "scopes": ["fly"], "all_sites": true }), "invalid_scopes"),
            (json!({ "name": "x", "scopes": ["read"] }), "required"),
            (json!({ "name": "x", "scopes": ["read"], "site_ids": [Uuid::nil()] }), "unknown_site"),
            (json!({ "name": "x", "scopes": ["read"], "all_sites": true, "expires_at": "2020-01-01T00:00:00Z" }), "in_the_past"),
        ] {
            let reply = create(&owner, body).await;
            assert_eq!(reply.violations().first().map(|(_, code)| code.as_str()), Some(code), "{reply:?}");
        }
        owner.post_with_key(&keys(&owner), "key", json!({ "name": "x", "scopes": ["read"], "all_sites": true })).await.refused(400, "idempotency_key_not_allowed");
    }

    async fn only_an_owner_who_has_shown_lately_who_they_are_makes_keys(api: Api) {
        let owner = api.owner().await;
        let body = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        for role in ["manager", "buyer", "staff", "viewer"] {
            create(&api.member(role, None).await, body.clone()).await.refused(403, "forbidden");
        }
        api.advance(TimeDelta::minutes(10));
        create(&owner, body.clone()).await.refused(403, "reauth_required");
        create(&api.log_in(OWNER_EMAIL).await, body).await.ok(201);
    }

    async fn a_key_ends_by_itself_and_says_when_it_was_used(api: Api) {
        let owner = api.owner().await;
        let end = api.now().plus(TimeDelta::minutes(5));
        let made = create(&owner, json!({ "name": "till", "scopes": ["read"], "all_sites": true, "expires_at": end })).await.ok(201);
        assert_eq!((&made["expires_at"], &made["last_used_at"]), (&json!(end), &Value::Null));
        let till = program(&owner, &made);
        let used = async || {
            // Written beside the request.
            soon("its use is written down", async || owner.get(&keys(&owner)).await.ok(200)["data"][0]["last_used_at"] == json!(api.now())).await;
        };
        till.get("/v1/inventory/items").await.ok(200);
        used().await;
        let first = api.now();
        api.advance(TimeDelta::seconds(59));
        till.get("/v1/inventory/items").await.ok(200);
        assert_eq!(owner.get(&keys(&owner)).await.ok(200)["data"][0]["last_used_at"], json!(first), "at most once a minute");
        api.advance(TimeDelta::seconds(1));
        till.get("/v1/inventory/items").await.ok(200);
        used().await;
        api.advance(TimeDelta::minutes(4));
        till.get("/v1/inventory/items").await.refused(401, "token_invalid");
    }
}
