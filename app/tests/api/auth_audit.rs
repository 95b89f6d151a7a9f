//! What happened in a tenant, from where, and what is forgotten of it.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::patience::soon;
use crate::support::tables::texts;
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, on};

fn audit(client: &Client, query: &str) -> String {
    format!("/v1/auth/tenants/{}/audit{query}", client.tenant_id)
}

async fn events(client: &Client, query: &str) -> Vec<Value> {
    client.get(&audit(client, query)).await.ok(200)["data"].as_array().expect("a list").clone()
}

fn acts(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["act"].as_str()).collect()
}

/// How many rows a table has.
async fn rows(api: &Api, table: &str) -> String {
    texts(api.auth_db(), &format!("SELECT CAST(COUNT(*) AS TEXT) FROM \"{table}\"")).await.pop().expect("a number")
}

both_engines! {
    async fn an_owner_reads_what_happened_in_their_tenant_the_last_of_it_first(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let first = api.now();
        api.advance(TimeDelta::minutes(1));
        let (manager, body) = (api.member("manager", None).await, json!({ "email": "x@example.org", "role": "owner", "all_sites": true }));
        let call = manager.call("POST", &format!("/v1/auth/tenants/{}/invites", owner.tenant_id)).header("X-Request-Id", "the-one");
        call.json(&body).send().await.refused(403, "role_escalation");
        let all = events(&owner, "").await;
        // Set-up, the harness's log-ins as owner, the manager's, and what they tried.
        assert_eq!((acts(&all)[0], acts(&all).last()), ("invite", Some(&"setup")));
        assert_eq!((&all[0]["outcome"], &all[0]["address"], &all[0]["request_id"]), (&json!("refused"), &json!("127.0.0.1"), &json!("the-one")));
        assert_eq!(all[0]["occurred_at"], json!(api.now()));
        // Another tenant's are not there.
        let theirs = events(&other, "").await;
        assert!(theirs.iter().all(|event| all.iter().all(|ours| ours["id"] != event["id"])), "{theirs:?}");
        other.get(&audit(&owner, "")).await.refused(404, "not_found");
        manager.get(&audit(&manager, "")).await.refused(403, "forbidden");
        // Which of them are asked for.
        assert_eq!(acts(&events(&owner, "?act=setup").await), ["setup"]);
        let user = all[0]["user_id"].as_str().expect("an id");
        assert_eq!(acts(&events(&owner, &format!("?user_id={user}")).await), ["invite", "login"]);
        let (before, since) = (events(&owner, &format!("?to={}", api.now())).await, events(&owner, &format!("?from={}", api.now())).await);
        assert_eq!(before.len() + since.len(), all.len());
        assert!(before.iter().all(|event| event["occurred_at"] == json!(first)) && since.len() >= 2, "{before:?}");
        let wrong = owner.get(&audit(&owner, "?from=yesterday&user_id=me&colour=red")).await.violations();
        assert_eq!(wrong.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), ["invalid_id", "invalid_time", "unknown_field"]);
        // Page by page they are the same.
        let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
        while let Some(next) = {
            let page = owner.get(&audit(&owner, &query)).await.ok(200);
            paged.extend(page["data"].as_array().expect("a list").clone());
            assert!(paged.len() <= all.len(), "the pages do not end");
            page["next_cursor"].as_str().map(str::to_owned)
        } {
            query = format!("?limit=2&cursor={next}");
        }
        assert_eq!(paged, all);
        owner.get(&audit(&owner, "?cursor=x")).await.refused(400, "invalid_cursor");
        // What nobody can have done is not answered as if nobody had.
        let wrong = owner.get(&audit(&owner, "?act=nope")).await;
        assert_eq!(wrong.violations(), [("?act".to_owned(), "invalid_choice".to_owned())]);
    }

    async fn a_cursor_is_taken_by_the_list_that_gave_it_out_alone(api: Api) {
        let owner = api.owner().await;
        api.member("staff", None).await;
        let tenant = format!("/v1/auth/tenants/{}", owner.tenant_id);
        for email in ["a@example.org", "b@example.org"] {
            owner.post(&format!("{tenant}/invites"), json!({ "email": email, "role": "staff", "all_sites": true })).await.ok(201);
            owner.post(&format!("{tenant}/api-keys"), json!({ "name": email, "scopes": ["read"], "all_sites": true })).await.ok(201);
        }
        api.log_in(OWNER_EMAIL).await;
        let lists = [format!("{tenant}/members"), format!("{tenant}/audit"), format!("{tenant}/invites"), format!("{tenant}/api-keys"), "/v1/auth/sessions".into()];
        for from in &lists {
            let page = owner.get(&format!("{from}?limit=1")).await.ok(200);
            let cursor = page["next_cursor"].as_str().unwrap_or_else(|| panic!("{from} has one page"));
            for to in lists.iter().map(String::as_str).chain(["/v1/auth/tenants"]) {
                let reply = owner.get(&format!("{to}?cursor={cursor}")).await;
                if to == from {
                    reply.ok(200);
                } else {
                    reply.refused(400, "invalid_cursor");
                }
            }
        }
    }

    async fn what_is_over_for_long_is_forgotten_and_nothing_else(api: Api) {
        let owner = api.owner().await;
        let path = format!("/v1/auth/tenants/{}/invites", owner.tenant_id);
        owner.post_without_key(&path, json!({ "email": "tom@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        owner.post_without_key(&path, json!({ "email": "tom@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        api.log_in(OWNER_EMAIL).await;
        let links = "INSERT INTO one_time_token (id, purpose, token_hash, user_id, is_mailed, tries, created_at, expires_at) \
                     SELECT id, 'mfa', 'hash', id, false, 0, created_at, created_at FROM \"user\"";
        let notices = "INSERT INTO notice (id, user_id, kind, created_at) SELECT id, id, 'password_changed', created_at FROM \"user\"";
        for sql in [links, notices] {
            api.auth_db().execute_unprepared(sql).await.expect("a row");
        }
        let counted = async |api: &Api| {
            let mut all = Vec::new();
            for table in ["session", "invite", "one_time_token", "notice", "audit_address"] {
                all.push(rows(api, table).await);
            }
            all
        };
        let before = counted(&api).await;
        assert_eq!(before[..4], ["2", "2", "1", "1"]);
        // The link is over since long; an invite that another took the place of, and the addresses, not before so many days have passed.
        api.advance(TimeDelta::days(90));
        let api = api.restart().await;
        soon("the link is forgotten", async || rows(&api, "one_time_token").await == "0").await;
        assert_eq!(counted(&api).await, ["2", "2", "0", "1", &before[4]]);
        api.advance(TimeDelta::microseconds(1));
        let api = api.restart().await;
        soon("addresses are forgotten", async || rows(&api, "audit_address").await == "0").await;
        assert_eq!(counted(&api).await, ["2", "1", "0", "1", "0"]);
        // The other invite has ended after one week, and the sessions after two weeks without use.
        api.advance(TimeDelta::days(14));
        let api = api.restart().await;
        soon("sessions are forgotten", async || rows(&api, "session").await == "0").await;
        soon("invites are forgotten", async || rows(&api, "invite").await == "0").await;
        api.advance(TimeDelta::days(77));
        let again = api.restart().await;
        soon("notices are forgotten", async || rows(&again, "notice").await == "0").await;
        // Who is a member is one still.
        let owner = again.log_in(OWNER_EMAIL).await;
        assert!(!events(&owner, "?act=setup").await.is_empty(), "and what happened is never forgotten");
        again.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_is_the_clients_and_not_the_proxys() {
    on(Engine::Sqlite, &[("LARDER_TRUSTED_PROXIES", "127.0.0.1")], |api| async move {
        let owner = api.owner().await;
        let body = json!({ "email": OWNER_EMAIL, "password": PASSWORD });
        api.call("POST", "/v1/auth/login").header("X-Forwarded-For", "::ffff:203.0.113.7").json(&body).send().await.ok(200);
        assert_eq!(events(&owner, "?act=login&limit=1").await[0]["address"], "203.0.113.7");
        let wrong = json!({ "email": OWNER_EMAIL, "password": "not the password of anybody" });
        for from in ["2001:db8::1", "2001:db8::2"] {
            api.call("POST", "/v1/auth/login").header("X-Forwarded-For", from).json(&wrong).send().await.refused(401, "invalid_credentials");
        }
        // Of failures, the first one says from where it came; the others came from nobody knows how many places.
        api.advance(TimeDelta::hours(1));
        api.call("POST", "/v1/auth/login").header("X-Forwarded-For", "2001:db8::3").json(&wrong).send().await.refused(401, "invalid_credentials");
        let told = "SELECT COALESCE(a.address, 'unknown') || ' ' || e.times FROM audit_event e LEFT JOIN audit_address a ON a.audit_event_id = e.id \
                    WHERE e.act = 'login' AND e.outcome = 'refused' ORDER BY e.id";
        assert_eq!(texts(api.auth_db(), told).await, ["2001:db8::1 1", "unknown 1", "2001:db8::3 1"]);
    })
    .await;
}
