//! What one tenant, role or site has, another neither sees nor touches.

use serde_json::{Value, json};

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
}
