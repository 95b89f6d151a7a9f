//! What one tenant, role or site has, another neither sees nor touches.

use serde_json::{Value, json};

use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::{Api, fresh};

fn site(code: &str) -> Value {
    json!({ "kind": "site", "code": code, "name": "A kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" })
}

both_engines! {
    async fn a_location_of_one_tenant_is_not_there_for_another(api: Api) {
        let owner = api.owner().await;
        let made = owner.post("/v1/inventory/locations", site("main")).await.ok(201);
        let path = format!("/v1/inventory/locations/{}", made["id"].as_str().expect("an id"));
        assert_eq!(owner.get(&path).await.ok(200)["code"], "main");
        let stranger = api.other_tenant().await;
        stranger.get(&path).await.refused(404, "not_found");
        stranger.patch(&path, Some(1), json!({ "name": "Mine" })).await.refused(404, "not_found");
        // Codes are each tenant's own.
        stranger.post("/v1/inventory/locations", site("main")).await.ok(201);
    }

    async fn a_role_does_what_its_permissions_say_and_a_site_hides_the_others(api: Api) {
        let owner = api.owner().await;
        let [here, there] = [owner.post("/v1/inventory/locations", site("here")).await.ok(201), owner.post("/v1/inventory/locations", site("there")).await.ok(201)];
        let id = |site: &Value| site["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let cook = api.member("staff", Some(&[id(&here)])).await;
        cook.get(&format!("/v1/inventory/locations/{}", id(&here))).await.ok(200);
        cook.get(&format!("/v1/inventory/locations/{}", id(&there))).await.refused(404, "not_found");
        api.member("viewer", None).await.post("/v1/inventory/locations", site("mine")).await.refused(403, "forbidden");
    }

    async fn an_idempotency_key_makes_a_thing_once_also_over_a_restart(api: Api) {
        let owner = api.owner().await;
        let key = fresh("once");
        let made = owner.post_with_key("/v1/inventory/locations", &key, site("main")).await.ok(201);
        let api = api.restart().await;
        let again = owner.at(&api).post_with_key("/v1/inventory/locations", &key, site("main")).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &made));
        owner.at(&api).post_with_key("/v1/inventory/locations", &key, site("other")).await.refused(422, "idempotency_key_reused");
        api.stop().await;
    }

    async fn a_crash_between_the_two_databases_heals_with_the_first_write(api: Api) {
        // Auth commits the tenant, and inventory never hears of it: what it would write to is away.
        let database = api.inventory_db();
        database.execute_unprepared("ALTER TABLE tenant_settings RENAME TO away").await.expect("a table");
        let owner = api.owner().await;
        database.execute_unprepared("ALTER TABLE away RENAME TO tenant_settings").await.expect("a table");
        let count = async |table: &str| -> usize {
            let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS rows FROM {table}");
            let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql)).await.expect("a count").expect("a row");
            row.try_get::<i64>("", "rows").expect("a number").try_into().expect("a count")
        };
        assert_eq!((count("tenant_settings").await, count("ledger_head").await, count("unit").await), (0, 0, 0));
        // Many first writes at once make it once.
        let site = |number: usize| owner.post("/v1/inventory/locations", json!({ "kind": "site", "code": format!("site-{number}"), "name": "A site" }));
        for reply in futures::future::join_all((0..16).map(site)).await {
            reply.ok(201);
        }
        assert_eq!((count("tenant_settings").await, count("ledger_head").await), (1, 1));
        let units = owner.get("/v1/inventory/units?limit=500").await.ok(200);
        let codes: Vec<_> = units["data"].as_array().expect("units").iter().map(|unit| unit["code"].as_str().expect("a code").to_owned()).collect();
        assert_eq!(codes.len(), count("unit").await);
        assert!(["g", "kg", "lb", "ml", "l", "each"].iter().all(|code| codes.contains(&(*code).to_owned())), "{codes:?}");
        let reasons = owner.get("/v1/inventory/reasons?limit=500").await.ok(200);
        assert_eq!(reasons["data"].as_array().map(Vec::len), Some(count("reason").await));
    }

    async fn a_tenant_that_auth_has_closed_makes_nothing_new_here(api: Api) {
        let stranger = api.other_tenant().await;
        stranger.get("/v1/auth/me").await.ok(200);
        let closed = Statement::from_string(api.auth_db().get_database_backend(), "UPDATE tenant SET closed_at = updated_at WHERE name = 'The Other Kitchen'");
        api.auth_db().execute_raw(closed).await.expect("an update");
        let open = async || stranger.post("/v1/inventory/locations", json!({ "kind": "site", "code": "main", "name": "Main" })).await;
        // As long as its sessions are believed here, it is asked for itself.
        open().await.refused(403, "tenant_closed");
        api.advance(chrono::TimeDelta::seconds(6));
        open().await.refused(401, "session_revoked");
    }
}
