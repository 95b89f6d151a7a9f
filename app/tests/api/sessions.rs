//! Refreshing, and what a user sees and ends of their sessions.

use chrono::TimeDelta;
use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{Api, Client, OWNER_EMAIL, PASSWORD, Reply};

const ME: &str = "/v1/auth/me";

async fn log_in(api: &Api) -> Value {
    api.owner().await;
    api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.ok(200)
}

async fn refresh(api: &Api, tokens: &Value) -> Reply {
    api.post("/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await
}

/// Uses an access token, as whoever got it would.
async fn used(api: &Api, tokens: &Value) {
    Client::of(api, tokens).get(ME).await.ok(200);
}

async fn me(api: &Api, tokens: &Value) -> Reply {
    Client::of(api, tokens).get(ME).await
}

async fn acts(api: &Api, act: &str) -> i64 {
    let count = Query::select().expr_as(Expr::col("id").count(), "rows").from("audit_event").and_where(Expr::col("act").eq(act)).take();
    api.auth_db().query_one(&count).await.expect("a count").expect("a row").try_get("", "rows").expect("a number")
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

both_engines! {
    async fn a_refresh_token_gives_the_next_tokens_of_the_same_session(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        api.advance(seconds(600));
        let reply = refresh(&api, &first).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let second = reply.ok(200);
        assert_eq!((&second["session_id"], &second["tenant_id"]), (&first["session_id"], &first["tenant_id"]));
        assert!(second["refresh_token"] != first["refresh_token"] && second["access_token"] != first["access_token"]);
        api.advance(seconds(31));
        me(&api, &first).await.refused(401, "token_expired");
        used(&api, &second).await;
        // From log-in on for thirty days, if it is refreshed every two weeks.
        let days = |days| TimeDelta::days(days) - seconds(700);
        api.advance(days(14));
        let third = refresh(&api, &second).await.ok(200);
        used(&api, &third).await;
        api.advance(days(14));
        let fourth = refresh(&api, &third).await.ok(200);
        used(&api, &fourth).await;
        let until = |tokens: &Value| chrono::DateTime::parse_from_rfc3339(tokens["refresh_expires_at"].as_str().expect("a time")).expect("a time");
        assert_eq!(until(&fourth), until(&first) + TimeDelta::days(16));
        api.advance(TimeDelta::days(3));
        refresh(&api, &fourth).await.refused(401, "session_revoked");
    }

    async fn a_session_that_lies_idle_for_two_weeks_is_over(api: Api) {
        let tokens = log_in(&api).await;
        api.advance(TimeDelta::days(14));
        refresh(&api, &tokens).await.refused(401, "session_revoked");
    }

    async fn fifty_refreshes_at_once_have_one_successor(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        let answers = join_all((0..50).map(|_| refresh(&api, &first))).await;
        let successors: std::collections::BTreeSet<String> = answers.into_iter().map(|reply| reply.ok(200)["refresh_token"].to_string()).collect();
        assert_eq!(successors.len(), 1);
        assert_eq!(acts(&api, "refresh_repeated").await, 49);
    }

    async fn an_answer_that_was_lost_is_given_again_until_somebody_has_used_it(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        let lost = refresh(&api, &first).await.ok(200);
        // Hours later: nobody used what was lost.
        api.advance(TimeDelta::hours(5));
        let again = refresh(&api, &first).await.ok(200);
        assert_eq!(again["refresh_token"], lost["refresh_token"]);
        used(&api, &again).await;
        refresh(&api, &first).await.refused(401, "refresh_reused");
        me(&api, &again).await.refused(401, "session_revoked");
    }

    async fn two_tabs_may_share_a_token_for_ten_seconds(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        let one = refresh(&api, &first).await.ok(200);
        used(&api, &one).await;
        api.advance(seconds(10));
        let other = refresh(&api, &first).await.ok(200);
        assert_eq!(other["refresh_token"], one["refresh_token"]);
        used(&api, &other).await;
    }

    async fn a_token_that_was_used_before_ends_its_session_and_no_other(api: Api) {
        let (first, beside) = (log_in(&api).await, log_in(&api).await);
        used(&api, &first).await;
        let second = refresh(&api, &first).await.ok(200);
        used(&api, &second).await;
        api.advance(seconds(11));
        // A copy of the first token, used by whoever has it.
        refresh(&api, &first).await.refused(401, "refresh_reused");
        me(&api, &second).await.refused(401, "session_revoked");
        refresh(&api, &second).await.refused(401, "session_revoked");
        used(&api, &beside).await;
        refresh(&api, &beside).await.ok(200);
        assert_eq!(acts(&api, "refresh_reused").await, 1);
        // Two behind is a copy in any case, however quickly it comes.
        let start = log_in(&api).await;
        let next = refresh(&api, &start).await.ok(200);
        refresh(&api, &next).await.ok(200);
        refresh(&api, &start).await.refused(401, "refresh_reused");
    }

    async fn a_token_from_after_the_backup_that_was_restored_ends_its_session(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        let second = refresh(&api, &first).await.ok(200);
        // The database as it was before the refresh.
        api.auth_db().execute_unprepared("UPDATE session SET counter = 0, rotated_at = NULL").await.expect("restored");
        refresh(&api, &second).await.refused(401, "refresh_invalid");
        refresh(&api, &first).await.refused(401, "session_revoked");
        assert_eq!(acts(&api, "refresh_ahead").await, 1);
    }

    async fn a_token_of_another_epoch_or_made_up_writes_nothing(api: Api) {
        let tokens = log_in(&api).await;
        let token = tokens["refresh_token"].as_str().expect("a token");
        let before = (acts(&api, "refresh_reused").await, acts(&api, "refresh_ahead").await, acts(&api, "login").await);
        for wrong in ["larr_AQ", "x", &token[..token.len() - 6], &token.replace("larr_", "lark_"), tokens["access_token"].as_str().expect("a token")] {
            let reply = api.post("/v1/auth/refresh", json!({ "refresh_token": wrong })).await;
            if wrong.len() <= 200 {
                reply.refused(401, "refresh_invalid");
            } else {
                reply.refused(422, "invalid_request");
            }
        }
        let keyed = api.call("POST", "/v1/auth/refresh").header("Idempotency-Key", "one").json(&json!({ "refresh_token": token })).send().await;
        keyed.refused(400, "idempotency_key_not_allowed");
        api.auth_db().execute_unprepared("UPDATE instance SET epoch = epoch + 1").await.expect("another epoch");
        refresh(&api, &tokens).await.refused(401, "refresh_invalid");
        assert_eq!((acts(&api, "refresh_reused").await, acts(&api, "refresh_ahead").await, acts(&api, "login").await), before);
    }

    async fn a_logout_by_refresh_token_ends_the_session_whatever_its_counter(api: Api) {
        let first = log_in(&api).await;
        used(&api, &first).await;
        let second = refresh(&api, &first).await.ok(200);
        used(&api, &second).await;
        api.advance(TimeDelta::hours(1));
        let leave = async |tokens: &Value| api.post("/v1/auth/logout", json!({ "refresh_token": tokens["refresh_token"] })).await;
        assert_eq!(leave(&first).await.status, 204);
        me(&api, &second).await.refused(401, "token_expired");
        refresh(&api, &second).await.refused(401, "session_revoked");
        assert_eq!(leave(&second).await.status, 204, "it is over already");
        assert_eq!(acts(&api, "logout").await, 1);
        api.post("/v1/auth/logout", json!({ "refresh_token": "larr_x" })).await.refused(401, "refresh_invalid");
        api.call("POST", "/v1/auth/logout").send().await.refused(401, "token_invalid");
        api.call("POST", "/v1/auth/logout").body("text/plain", "{}").send().await.refused(415, "unsupported_media_type");
    }

    async fn a_logout_that_races_refreshes_is_never_undone(api: Api) {
        for _ in 0..10 {
            let first = log_in(&api).await;
            used(&api, &first).await;
            let refreshing = (0..4).map(|_| refresh(&api, &first));
            let leaving = api.post("/v1/auth/logout", json!({ "refresh_token": first["refresh_token"] }));
            let (answers, left) = futures::join!(join_all(refreshing), leaving);
            assert_eq!(left.status, 204);
            for answer in answers {
                if answer.status == 200 {
                    me(&api, &answer.body).await.refused(401, "session_revoked");
                    refresh(&api, &answer.body).await.refused(401, "session_revoked");
                } else {
                    answer.refused(401, "session_revoked");
                }
            }
            me(&api, &first).await.refused(401, "session_revoked");
        }
    }

    async fn who_is_no_member_any_more_refreshes_nothing(api: Api) {
        let member = api.member("buyer", None).await;
        let email = api.add_member(member.tenant_id, "staff", None).await;
        let tokens = api.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.ok(200);
        let disable = format!("UPDATE \"user\" SET disabled_at = '2026-11-25T12:00:00+00:00' WHERE email = '{email}'");
        api.auth_db().execute_unprepared(&disable).await.expect("disabled");
        refresh(&api, &tokens).await.refused(401, "session_revoked");
        api.auth_db().execute_unprepared("UPDATE \"user\" SET disabled_at = NULL").await.expect("enabled");
        refresh(&api, &tokens).await.ok(200);
    }

    async fn a_user_sees_where_they_are_logged_in_and_ends_what_they_do_not_know(api: Api) {
        let (stranger, owner) = (api.other_tenant().await, api.owner().await);
        owner.call("POST", "/v1/auth/sessions/revoke-others").send().await.ok(200);
        let body = json!({ "email": OWNER_EMAIL, "password": PASSWORD });
        let tablet = api.call("POST", "/v1/auth/login").header("User-Agent", "Kitchen tablet").json(&body).send().await.ok(200);
        api.advance(seconds(60));
        let phone = api.call("POST", "/v1/auth/login").header("User-Agent", &"p".repeat(400)).json(&body).send().await.ok(200);
        let list = async |path: &str| Client::of(&api, &tablet).get(path).await.ok(200);

        let page = list("/v1/auth/sessions").await;
        let ids: Vec<&Value> = page["data"].as_array().expect("a list").iter().map(|session| &session["id"]).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(ids[0], &phone["session_id"], "the last one first");
        let named = |id: &Value| page["data"].as_array().expect("a list").iter().find(|session| &session["id"] == id).expect("listed").clone();
        assert_eq!((&named(&tablet["session_id"])["user_agent"], &named(&tablet["session_id"])["current"]), (&json!("Kitchen tablet"), &json!(true)));
        assert_eq!(named(&phone["session_id"])["user_agent"].as_str().map(str::len), Some(300));
        assert_eq!(named(&phone["session_id"])["tenant_name"], "The Corner Kitchen");
        let mut paged = Vec::new();
        let mut path = "/v1/auth/sessions?limit=1".to_owned();
        loop {
            let page = list(&path).await;
            paged.extend(page["data"].as_array().expect("a list").iter().map(|session| session["id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/auth/sessions?limit=1&cursor={cursor}");
        }
        assert_eq!(paged.iter().collect::<Vec<_>>(), ids);
        Client::of(&api, &tablet).get("/v1/auth/sessions?cursor=x").await.refused(400, "invalid_cursor");

        let end = async |who: &Client, id: &str| who.call("DELETE", &format!("/v1/auth/sessions/{id}")).send().await;
        let phone_id = phone["session_id"].as_str().expect("an id");
        end(&stranger, phone_id).await.refused(404, "not_found");
        end(&owner, &Uuid::nil().to_string()).await.refused(404, "not_found");
        end(&owner, "nothing").await.refused(404, "not_found");
        used(&api, &phone).await;
        assert_eq!(end(&owner, phone_id).await.status, 204);
        me(&api, &phone).await.refused(401, "session_revoked");
        end(&owner, phone_id).await.refused(404, "not_found");

        used(&api, &tablet).await;
        assert_eq!(owner.call("POST", "/v1/auth/sessions/revoke-others").send().await.ok(200), json!({ "ended": 1 }));
        me(&api, &tablet).await.refused(401, "session_revoked");
        owner.get(ME).await.ok(200);
        stranger.get(ME).await.ok(200);
        assert_eq!(owner.call("POST", "/v1/auth/sessions/revoke-others").send().await.ok(200), json!({ "ended": 0 }));
        assert_eq!((acts(&api, "end_session").await, acts(&api, "end_other_sessions").await), (1, 2));
    }

    async fn a_session_in_another_tenant_is_another_session(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let switch = async |tokens: &Value, tenant: Uuid| {
            let call = Client::of(&api, tokens).call("POST", "/v1/auth/switch-tenant");
            call.json(&json!({ "tenant_id": tenant })).send().await
        };
        let first = log_in(&api).await;
        switch(&first, other.tenant_id).await.refused(404, "not_found");
        switch(&first, Uuid::nil()).await.refused(404, "not_found");
        // The owner becomes a viewer of the other tenant, too.
        let user = owner.get(ME).await.ok(200)["user"]["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()).expect("an id");
        let now = chrono::DateTime::<chrono::FixedOffset>::from(api.now());
        let insert = Query::insert()
            .into_table("membership")
            .columns(["id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites"])
            .values_panic([api.id().into(), 1_i64.into(), now.into(), now.into(), other.tenant_id.into(), user.into(), "viewer".into(), true.into()])
            .take();
        api.auth_db().execute(&insert).await.expect("a membership");

        api.advance(TimeDelta::days(10));
        let first = refresh(&api, &first).await.ok(200);
        let reply = switch(&first, other.tenant_id).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let second = reply.ok(200);
        assert_ne!(second["session_id"], first["session_id"]);
        let (here, there) = (me(&api, &first).await.ok(200), me(&api, &second).await.ok(200));
        assert_eq!((&here["role"], &there["role"]), (&json!("owner"), &json!("viewer")));
        assert_eq!((here["tenant"]["id"].as_str(), there["tenant"]["id"].as_str()), (Some(&*owner.tenant_id.to_string()), Some(&*other.tenant_id.to_string())));
        // Refreshed, each stays where it is.
        let (here, there) = (refresh(&api, &first).await.ok(200), refresh(&api, &second).await.ok(200));
        assert_eq!((&here["tenant_id"], &there["tenant_id"]), (&json!(owner.tenant_id), &json!(other.tenant_id)));
        used(&api, &here).await;
        used(&api, &there).await;
        // It ends when the first one ends.
        let mut last = there;
        for _ in 0..2 {
            api.advance(TimeDelta::days(9));
            last = refresh(&api, &last).await.ok(200);
            used(&api, &last).await;
        }
        api.advance(TimeDelta::days(3));
        refresh(&api, &last).await.refused(401, "session_revoked");
    }

    async fn a_database_that_fails_refreshes_nothing(api: Api) {
        let tokens = log_in(&api).await;
        api.auth_db().execute_unprepared("ALTER TABLE session RENAME TO session_away").await.expect("away");
        let reply = refresh(&api, &tokens).await;
        assert!(reply.status >= 500, "{}", reply.text);
        assert!(!reply.text.contains("session_away") && !reply.text.contains("access_token"));
    }
}
