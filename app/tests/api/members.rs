//! Members, invites, and showing once more who one is.

use chrono::TimeDelta;
use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Reply, fresh, on};

const ME: &str = "/v1/auth/me";
const NEW_PASSWORD: &str = "quiet lemon tractor 41";

/// A path below the client's own tenant.
fn at(client: &Client, path: &str) -> String {
    format!("/v1/auth/tenants/{}/{path}", client.tenant_id)
}

async fn site(owner: &Client, code: &str) -> Uuid {
    let body = json!({ "kind": "site", "code": code, "name": "A kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" });
    let made = owner.post("/v1/inventory/locations", body).await.ok(201);
    made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

async fn membership(client: &Client) -> String {
    client.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned()
}

/// A POST without a key: the answer may hold a credential.
async fn post(client: &Client, path: &str, body: Value) -> Reply {
    client.post_without_key(path, body).await
}

async fn invite(client: &Client, body: Value) -> Reply {
    post(client, &at(client, "invites"), body).await
}

async fn accept(api: &Api, token: &Value) -> Reply {
    api.post("/v1/auth/invites/accept", json!({ "token": token, "name": "Tom Thorn", "password": NEW_PASSWORD })).await
}

async fn change(client: &Client, member: &str, body: Value) -> Reply {
    client.call("PATCH", &at(client, &format!("members/{member}"))).header("If-Match", "*").json(&body).send().await
}

async fn remove(client: &Client, member: &str) -> Reply {
    client.delete(&at(client, &format!("members/{member}")), None).await
}

/// How often an act was written down with an outcome.
async fn audited(api: &Api, act: &str, outcome: &str) -> i64 {
    let which = Expr::col("act").eq(act).and(Expr::col("outcome").eq(outcome));
    let count = Query::select().expr_as(Expr::col("id").count(), "rows").from("audit_event").and_where(which).take();
    api.auth_db().query_one(&count).await.expect("a count").expect("a row").try_get("", "rows").expect("a number")
}

both_engines! {
    async fn who_is_invited_accepts_and_is_a_member_of_that_site_only(api: Api) {
        let owner = api.owner().await;
        let (here, there) = (site(&owner, "here").await, site(&owner, "there").await);
        let reply = invite(&owner, json!({ "email": "Tom@Example.org", "role": "staff", "site_ids": [here] })).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let made = reply.ok(201);
        assert_eq!((&made["invite"]["status"], &made["invite"]["role"], &made["invite"]["site_ids"]), (&json!("open"), &json!("staff"), &json!([here])));
        assert!(made["token"].as_str().is_some_and(|token| token.starts_with("lari_")) && made["link"] == Value::Null);
        let tokens = accept(&api, &made["token"]).await.ok(201);
        let tom = Client::of(&api, &tokens);
        let me = tom.get(ME).await.ok(200);
        assert_eq!((&me["user"]["email"], &me["user"]["name"], &me["role"]), (&json!("Tom@Example.org"), &json!("Tom Thorn"), &json!("staff")));
        assert_eq!((&me["all_sites"], &me["site_ids"]), (&json!(false), &json!([here])));
        tom.get(&format!("/v1/inventory/locations/{here}")).await.ok(200);
        tom.get(&format!("/v1/inventory/locations/{there}")).await.refused(404, "not_found");
        // Once.
        accept(&api, &made["token"]).await.refused(410, "invite_used");
        api.post("/v1/auth/login", json!({ "email": "tom@example.org", "password": NEW_PASSWORD })).await.ok(200);
        // Who manages members sees both, and their invite.
        let members = owner.get(&at(&owner, "members")).await.ok(200);
        let roles: Vec<&Value> = members["data"].as_array().expect("a list").iter().map(|member| &member["role"]).collect();
        assert_eq!(roles, ["owner", "staff"]);
        assert_eq!(owner.get(&at(&owner, "invites")).await.ok(200)["data"][0]["status"], "accepted");
        tom.get(&at(&tom, "members")).await.refused(403, "forbidden");
        assert_eq!((audited(&api, "invite", "done").await, audited(&api, "accept_invite", "done").await), (1, 1));
    }

    async fn an_invite_is_accepted_once_however_many_try(api: Api) {
        let owner = api.owner().await;
        let made = invite(&owner, json!({ "email": "tom@example.org", "role": "viewer", "all_sites": true })).await.ok(201);
        let answers = join_all((0..8).map(|_| accept(&api, &made["token"]))).await;
        let accepted = answers.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(accepted, 1, "{answers:?}");
        for reply in answers.into_iter().filter(|reply| reply.status != 201) {
            // Whoever comes after the account was made is asked for its password, which is the same here.
            assert!(matches!(reply.code(), "invite_used" | "invalid_credentials" | "auth_busy" | "rate_limited"), "{reply:?}");
        }
        assert_eq!(owner.get(&at(&owner, "members")).await.ok(200)["data"].as_array().map(Vec::len), Some(2));
    }

    async fn a_new_address_that_two_tenants_invite_becomes_one_account(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        for _ in 0..4 {
            let body = json!({ "email": fresh("tom") + "@example.org", "role": "viewer", "all_sites": true });
            let (here, there) = (invite(&owner, body.clone()).await.ok(201), invite(&other, body).await.ok(201));
            let (one, two) = futures::join!(accept(&api, &here["token"]), accept(&api, &there["token"]));
            for reply in [&one, &two] {
                assert!(reply.status == 201 || reply.code() == "invalid_credentials", "{reply:?}");
            }
            assert!(one.status == 201 || two.status == 201, "{one:?} {two:?}");
            // Whoever came second shows the password of the account that there is now.
            for (reply, invite) in [(one, here), (two, there)] {
                if reply.status != 201 {
                    accept(&api, &invite["token"]).await.ok(201);
                }
            }
        }
    }

    async fn whoever_has_an_account_shows_that_it_is_theirs(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let ours = api.log_in(OWNER_EMAIL).await;
        // The owner of the first tenant is invited to the other one.
        let made = invite(&other, json!({ "email": OWNER_EMAIL.to_uppercase(), "role": "viewer", "all_sites": true })).await.ok(201);
        let body = |password: &str| json!({ "token": made["token"], "password": password, "name": "Somebody" });
        // The link sets no password.
        api.post("/v1/auth/invites/accept", body(NEW_PASSWORD)).await.refused(401, "invalid_credentials");
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": NEW_PASSWORD })).await.refused(401, "invalid_credentials");
        // Another account takes nothing, and the invite stays open.
        post(&other, "/v1/auth/invites/accept", json!({ "token": made["token"] })).await.refused(403, "invite_email_mismatch");
        let tokens = post(&ours, "/v1/auth/invites/accept", json!({ "token": made["token"] })).await.ok(201);
        assert_eq!(tokens["tenant_id"], json!(other.tenant_id));
        let there = Client::of(&api, &tokens);
        assert_eq!(there.get(ME).await.ok(200)["role"], "viewer");
        assert_eq!(owner.get(ME).await.ok(200)["role"], "owner", "in the first tenant nothing has changed");
        invite(&other, json!({ "email": OWNER_EMAIL, "role": "viewer", "all_sites": true })).await.refused(409, "already_member");
        // Who was removed everywhere has an account still: its password is enough to come back.
        let (staff, email) = member(&api, &owner, "staff", None).await;
        remove(&owner, &membership(&staff).await).await.ok(200);
        api.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.refused(401, "invalid_credentials");
        let again = invite(&owner, json!({ "email": email, "role": "staff", "all_sites": true })).await.ok(201);
        api.post("/v1/auth/invites/accept", json!({ "token": again["token"], "password": PASSWORD })).await.ok(201);
    }

    async fn an_invite_ends_with_time_by_hand_and_by_another(api: Api) {
        let owner = api.owner().await;
        let body = json!({ "email": "tom@example.org", "role": "viewer", "all_sites": true });
        let first = invite(&owner, body.clone()).await.ok(201);
        let second = invite(&owner, body.clone()).await.ok(201);
        accept(&api, &first["token"]).await.refused(410, "invite_expired");
        let id = second["invite"]["id"].as_str().expect("an id");
        let stranger = api.other_tenant().await;
        stranger.delete(&at(&stranger, &format!("invites/{id}")), None).await.refused(404, "not_found");
        stranger.delete(&at(&owner, &format!("invites/{id}")), None).await.refused(404, "not_found");
        for _ in 0..2 {
            assert_eq!(owner.delete(&at(&owner, &format!("invites/{id}")), None).await.status, 204);
        }
        accept(&api, &second["token"]).await.refused(410, "invite_expired");
        accept(&api, &json!("lari_nothing")).await.refused(404, "not_found");
        let third = invite(&owner, body).await.ok(201);
        api.advance(TimeDelta::days(7));
        accept(&api, &third["token"]).await.refused(410, "invite_expired");
        let owner = api.log_in(OWNER_EMAIL).await;
        let told = owner.get(&at(&owner, "invites")).await.ok(200);
        let told: Vec<&Value> = told["data"].as_array().expect("a list").iter().map(|invite| &invite["status"]).collect();
        assert_eq!(told, ["expired", "withdrawn", "withdrawn"]);
    }

    async fn nobody_gives_more_than_they_have_when_it_is_accepted(api: Api) {
        let owner = api.owner().await;
        let here = site(&owner, "here").await;
        let (manager, _) = member(&api, &owner, "manager", None).await;
        let id = membership(&manager).await;
        invite(&manager, json!({ "email": "a@example.org", "role": "owner", "all_sites": true })).await.refused(403, "role_escalation");
        let staff = invite(&manager, json!({ "email": "b@example.org", "role": "staff", "site_ids": [here] })).await.ok(201);
        let buyer = invite(&manager, json!({ "email": "c@example.org", "role": "buyer", "all_sites": true })).await.ok(201);
        // The manager keeps one site: what goes beyond it is withdrawn.
        let changed = change(&owner, &id, json!({ "site_ids": [here] })).await.ok(200);
        assert_eq!((&changed["version"], &changed["all_sites"]), (&json!(2), &json!(false)));
        accept(&api, &buyer["token"]).await.refused(410, "invite_expired");
        invite(&manager, json!({ "email": "d@example.org", "role": "staff", "all_sites": true })).await.refused(403, "role_escalation");
        accept(&api, &staff["token"]).await.ok(201);
        // What an invite grants goes with who made it.
        let last = invite(&manager, json!({ "email": "e@example.org", "role": "staff", "site_ids": [here] })).await.ok(201);
        remove(&owner, &id).await.ok(200);
        accept(&api, &last["token"]).await.refused(404, "not_found");
        assert_eq!(audited(&api, "invite", "refused").await, 2);
    }

    async fn a_change_counts_at_once_and_without_a_new_log_in(api: Api) {
        let owner = api.owner().await;
        let (cook, _) = member(&api, &owner, "viewer", None).await;
        let id = membership(&cook).await;
        let body = json!({ "kind": "site", "code": "mine", "name": "Mine", "time_zone": "Europe/Paris" });
        cook.post("/v1/inventory/locations", body.clone()).await.refused(403, "forbidden");
        let path = at(&owner, &format!("members/{id}"));
        let seen = owner.get(&path).await;
        assert_eq!(seen.header("etag"), "\"1\"");
        owner.call("PATCH", &path).json(&json!({ "role": "manager" })).send().await.refused(428, "if_match_required");
        owner.patch(&path, Some(7), json!({ "role": "manager" })).await.refused(412, "version_mismatch");
        assert_eq!(owner.patch(&path, Some(1), json!({ "role": "manager" })).await.header("etag"), "\"2\"");
        cook.post("/v1/inventory/locations", body.clone()).await.ok(201);
        // Doing it again changes nothing.
        assert_eq!(change(&owner, &id, json!({ "role": "manager" })).await.ok(200)["version"], 2);
        change(&owner, &id, json!({ "role": "viewer" })).await.ok(200);
        cook.post("/v1/inventory/locations", body).await.refused(403, "forbidden");
        assert_eq!(remove(&owner, &id).await.ok(200), json!({ "ended_api_keys": [] }));
        cook.get(ME).await.refused(401, "session_revoked");
        owner.get(&path).await.refused(404, "not_found");
        let wrong = json!({ "role": "king", "all_sites": true, "site_ids": [Uuid::nil()], "shoe": 1 });
        let reply = change(&owner, &membership(&owner).await, wrong).await;
        let codes: Vec<String> = reply.violations().into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, ["invalid_role", "sites_contradict", "unknown_field"]);
        let unknown = change(&owner, &membership(&owner).await, json!({ "role": "manager", "site_ids": [Uuid::nil()] })).await;
        assert_eq!(unknown.violations(), [("/site_ids".to_owned(), "unknown_site".to_owned())]);
    }

    async fn a_tenant_is_never_without_an_owner(api: Api) {
        let owner = api.owner().await;
        let (first, here) = (membership(&owner).await, site(&owner, "here").await);
        change(&owner, &first, json!({ "role": "manager" })).await.refused(409, "last_owner");
        let refused = remove(&owner, &first).await.refused(409, "last_owner");
        assert_eq!(refused["tenant_ids"], json!([owner.tenant_id]));
        let reply = change(&owner, &first, json!({ "site_ids": [here] })).await;
        assert_eq!(reply.violations(), [("/all_sites".to_owned(), "owner_needs_all_sites".to_owned())]);
        // Two who send each other away at once.
        for round in 0..6 {
            let (second, _) = member(&api, &owner, "owner", None).await;
            let (mine, theirs) = (membership(&owner).await, membership(&second).await);
            let (one, other) = if round % 2 == 0 {
                futures::join!(change(&owner, &theirs, json!({ "role": "viewer" })), change(&second, &mine, json!({ "role": "viewer" })))
            } else {
                futures::join!(remove(&owner, &theirs), change(&second, &mine, json!({ "role": "viewer" })))
            };
            assert_eq!([&one, &other].into_iter().filter(|reply| reply.status == 200).count(), 1, "{one:?} {other:?}");
            if one.status == 200 {
                // It was sent away, or is a viewer and can send nobody away.
                assert!(matches!(other.status, 401 | 403), "{other:?}");
                continue;
            }
            // The first one is a viewer now, until the other makes an owner of them again.
            change(&second, &mine, json!({ "role": "owner" })).await.ok(200);
            remove(&owner, &theirs).await.ok(200);
        }
        // A disabled owner is none.
        let (second, email) = member(&api, &owner, "owner", None).await;
        let disable = format!("UPDATE \"user\" SET disabled_at = '2026-11-25T12:00:00+00:00' WHERE email = '{email}'");
        api.auth_db().execute_unprepared(&disable).await.expect("disabled");
        remove(&owner, &first).await.refused(409, "last_owner");
        drop(second);
        // Who has another beside them may leave, and whoever may nothing else may leave, too.
        member(&api, &owner, "owner", None).await;
        let (cook, _) = member(&api, &owner, "staff", None).await;
        remove(&cook, &membership(&cook).await).await.ok(200);
        remove(&owner, &first).await.ok(200);
        owner.get(ME).await.refused(401, "session_revoked");
    }

    async fn nobody_acts_on_who_is_above_them(api: Api) {
        let owner = api.owner().await;
        let (here, there) = (site(&owner, "here").await, site(&owner, "there").await);
        let (manager, _) = member(&api, &owner, "manager", Some(&[here])).await;
        let (elsewhere, _) = member(&api, &owner, "staff", Some(&[here, there])).await;
        let (cook, _) = member(&api, &owner, "staff", Some(&[here])).await;
        let first = membership(&owner).await;
        remove(&manager, &first).await.refused(403, "role_escalation");
        change(&manager, &first, json!({ "role": "viewer" })).await.refused(403, "role_escalation");
        remove(&manager, &membership(&elsewhere).await).await.refused(403, "role_escalation");
        change(&manager, &membership(&cook).await, json!({ "all_sites": true })).await.refused(403, "role_escalation");
        change(&manager, &membership(&cook).await, json!({ "role": "owner", "all_sites": true })).await.refused(403, "role_escalation");
        change(&manager, &membership(&manager).await, json!({ "all_sites": true })).await.refused(403, "role_escalation");
        change(&manager, &membership(&cook).await, json!({ "role": "viewer" })).await.ok(200);
        remove(&cook, &membership(&manager).await).await.refused(403, "forbidden");
        // Another tenant's members are not there.
        let stranger = api.other_tenant().await;
        for reply in [
            stranger.get(&at(&owner, "members")).await,
            stranger.get(&at(&stranger, &format!("members/{first}"))).await,
            change(&stranger, &first, json!({ "role": "viewer" })).await,
            remove(&stranger, &first).await,
            stranger.delete(&at(&owner, &format!("members/{first}")), None).await,
            post(&stranger, &at(&owner, "invites"), json!({ "email": "x@example.org", "role": "staff", "all_sites": true })).await,
        ] {
            reply.refused(404, "not_found");
        }
        assert_eq!(audited(&api, "change_member", "refused").await, 4);
    }

    async fn who_may_not_do_it_learns_of_no_site_whether_it_is_there(api: Api) {
        let owner = api.owner().await;
        let (here, there, nowhere) = (site(&owner, "here").await, site(&owner, "there").await, api.id());
        let (cook, _) = member(&api, &owner, "staff", None).await;
        let (manager, _) = member(&api, &owner, "manager", Some(&[here])).await;
        let theirs = membership(&cook).await;
        for id in [there, nowhere] {
            let body = json!({ "email": "x@example.org", "role": "viewer", "site_ids": [id] });
            invite(&cook, body.clone()).await.refused(403, "forbidden");
            change(&cook, &theirs, json!({ "site_ids": [id] })).await.refused(403, "forbidden");
            let key = json!({ "name": "till", "scopes": ["read"], "site_ids": [id] });
            post(&cook, &at(&cook, "api-keys"), key).await.refused(403, "forbidden");
            // Nor does who may do it at other sites.
            invite(&manager, body).await.refused(403, "role_escalation");
        }
        let unknown = invite(&owner, json!({ "email": "x@example.org", "role": "viewer", "site_ids": [nowhere] })).await;
        assert_eq!(unknown.violations(), [("/site_ids".to_owned(), "unknown_site".to_owned())]);
    }

    async fn what_strangers_have_tried_keeps_nobody_from_accepting_an_invite(api: Api) {
        let owner = api.owner().await;
        let made = invite(&owner, json!({ "email": "tom@example.org", "role": "viewer", "all_sites": true })).await.ok(201);
        let wrong = async || api.post("/v1/auth/login", json!({ "email": "tom@example.org", "password": PASSWORD })).await;
        for _ in 0..5 {
            wrong().await.refused(401, "invalid_credentials");
        }
        wrong().await.refused(429, "rate_limited");
        accept(&api, &made["token"]).await.ok(201);
    }

    async fn owners_and_managers_are_made_by_who_has_shown_lately_who_they_are(api: Api) {
        let owner = api.owner().await;
        let (cook, _) = member(&api, &owner, "staff", None).await;
        let id = membership(&cook).await;
        api.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        change(&owner, &id, json!({ "role": "manager" })).await.ok(200);
        change(&owner, &id, json!({ "role": "staff" })).await.ok(200);
        api.advance(TimeDelta::seconds(1));
        change(&owner, &id, json!({ "role": "manager" })).await.refused(403, "reauth_required");
        invite(&owner, json!({ "email": "tom@example.org", "role": "manager", "all_sites": true })).await.refused(403, "reauth_required");
        invite(&owner, json!({ "email": "tom@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        change(&owner, &id, json!({ "role": "viewer" })).await.ok(200);
        let reauth = async |password: &str| post(&owner, "/v1/auth/reauth", json!({ "password": password })).await;
        reauth("not that one, certainly").await.refused(401, "invalid_credentials");
        change(&owner, &id, json!({ "role": "manager" })).await.refused(403, "reauth_required");
        let until = reauth(PASSWORD).await.ok(200);
        assert_eq!(until["fresh_until"], json!(api.now().plus(TimeDelta::minutes(10))));
        change(&owner, &id, json!({ "role": "manager" })).await.ok(200);
        // Tries are the user's, whatever session they come from.
        for _ in 0..5 {
            reauth("not that one, certainly").await.refused(401, "invalid_credentials");
        }
        let elsewhere = post(&owner, "/v1/auth/switch-tenant", json!({ "tenant_id": owner.tenant_id })).await.ok(200);
        let body = json!({ "password": "not that one, certainly" });
        post(&Client::of(&api, &elsewhere), "/v1/auth/reauth", body).await.refused(429, "rate_limited");
        owner.post_with_key("/v1/auth/reauth", "key", json!({ "password": PASSWORD })).await.refused(400, "idempotency_key_not_allowed");
        assert_eq!((audited(&api, "reauth", "done").await, audited(&api, "reauth", "refused").await), (1, 1));
    }

    async fn a_new_password_ends_every_other_session_and_tells_what_goes_on(api: Api) {
        let owner = api.owner().await;
        let beside = api.log_in(OWNER_EMAIL).await;
        invite(&owner, json!({ "email": "tom@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        let key = post(&owner, &at(&owner, "api-keys"), json!({ "name": "till", "scopes": ["read"], "all_sites": true })).await.ok(201);
        let change = async |current: &str, new: &str| post(&owner, "/v1/auth/me/password", json!({ "current_password": current, "password": new })).await;
        change("something else entirely", NEW_PASSWORD).await.refused(401, "invalid_credentials");
        assert_eq!(change(PASSWORD, "short").await.violations(), [("/password".to_owned(), "password_too_short".to_owned())]);
        assert_eq!(change(PASSWORD, "the corner kitchen!").await.violations(), [("/password".to_owned(), "password_blocked".to_owned())]);
        beside.get(ME).await.ok(200);
        let changed = change(PASSWORD, NEW_PASSWORD).await.ok(200);
        assert_eq!((&changed["ended_sessions"], &changed["api_keys"][0]["id"]), (&json!(1), &key["id"]));
        assert_eq!(changed["invite_ids"].as_array().map(Vec::len), Some(1));
        beside.get(ME).await.refused(401, "session_revoked");
        owner.get(ME).await.ok(200);
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": PASSWORD })).await.refused(401, "invalid_credentials");
        api.post("/v1/auth/login", json!({ "email": OWNER_EMAIL, "password": NEW_PASSWORD })).await.ok(200);
    }

    async fn members_are_listed_page_by_page(api: Api) {
        let owner = api.owner().await;
        for _ in 0..4 {
            api.add_member(owner.tenant_id, "staff", None).await;
        }
        let (mut seen, mut path) = (Vec::new(), at(&owner, "members?limit=2"));
        loop {
            let page = owner.get(&path).await.ok(200);
            seen.extend(page["data"].as_array().expect("a list").iter().map(|member| member["id"].to_string()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = at(&owner, &format!("members?limit=2&cursor={cursor}"));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
        owner.get(&at(&owner, "members?cursor=x")).await.refused(400, "invalid_cursor");
    }
}

/// A member of the client's tenant with the harness's password, logged in, and the address.
async fn member(api: &Api, owner: &Client, role: &str, sites: Option<&[Uuid]>) -> (Client, String) {
    let email = api.add_member(owner.tenant_id, role, sites).await;
    (api.log_in(&email).await, email)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_to_the_public_address_sqlite() {
    let variables = [("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com/")];
    on(Engine::Sqlite, &variables, |api| async move {
        let owner = api.owner().await;
        let made = invite(&owner, json!({ "email": fresh("tom") + "@example.org", "role": "staff", "all_sites": true })).await.ok(201);
        let token = made["token"].as_str().expect("a token");
        assert_eq!(made["link"], json!(format!("https://stock.example.com/invite#{token}")));
    })
    .await;
}
