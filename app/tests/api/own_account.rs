//! What users do with themselves: another name, an export, a lost device, and going.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::Enrolled;
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, OWNER_EMAIL, PASSWORD, Reply};

const ME: &str = "/v1/auth/me";
const EXPORT: &str = "/v1/auth/me/export";
const LOST: &str = "/v1/auth/me/lost-device";

fn at(client: &Client, path: &str) -> String {
    format!("/v1/auth/tenants/{}/{path}", client.tenant_id)
}

async fn go(client: &Client, email: &str) -> Reply {
    client.call("DELETE", ME).json(&json!({ "confirm": email })).send().await
}

async fn login(api: &Api, email: &str) -> Reply {
    api.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await
}

async fn invite(client: &Client, email: &str, role: &str) -> Value {
    client.post_without_key(&at(client, "invites"), json!({ "email": email, "role": role, "all_sites": true })).await.ok(201)
}

async fn key(client: &Client, name: &str) -> Value {
    client.post_without_key(&at(client, "api-keys"), json!({ "name": name, "scopes": ["read"], "all_sites": true })).await.ok(201)
}

async fn id_of(client: &Client) -> String {
    client.get(ME).await.ok(200)["user"]["id"].as_str().expect("an id").to_owned()
}

async fn membership(client: &Client) -> String {
    client.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned()
}

async fn change(client: &Client, member: &str, role: &str) -> Reply {
    client.call("PATCH", &at(client, &format!("members/{member}"))).header("If-Match", "*").json(&json!({ "role": role })).send().await
}

/// Who may do everything in each tenant that is open: how many enabled owners.
async fn owners(api: &Api) -> Vec<String> {
    let owners = "SELECT CAST(COUNT(u.id) AS TEXT) FROM tenant t LEFT JOIN membership m ON m.tenant_id = t.id AND m.role = 'owner' \
                  LEFT JOIN \"user\" u ON u.id = m.user_id AND u.disabled_at IS NULL WHERE t.closed_at IS NULL GROUP BY t.id";
    texts(api.auth_db(), owners).await
}

/// Makes a user a member of another tenant, too: in a session there.
async fn join(api: &Api, email: &str, other: &Client, role: &str) -> Client {
    let made = invite(other, email, role).await;
    let tokens = api.post("/v1/auth/invites/accept", json!({ "token": made["token"], "password": PASSWORD })).await.ok(201);
    Client::of(api, &tokens)
}

both_engines! {
    async fn a_user_changes_their_name_as_they_have_seen_it(api: Api) {
        let owner = api.owner().await;
        let seen = owner.get(ME).await;
        assert_eq!(seen.header("etag"), "\"1\"");
        assert_eq!((&seen.body["version"], &seen.body["email_verified"]), (&json!(1), &json!(false)));
        owner.call("PATCH", ME).json(&json!({ "name": "Olga Otto" })).send().await.refused(428, "if_match_required");
        let changed = owner.patch(ME, Some(1), json!({ "name": "  Olga Otto " })).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        assert_eq!(changed.ok(200)["user"]["name"], "Olga Otto");
        owner.patch(ME, Some(1), json!({ "name": "Olga" })).await.refused(412, "version_mismatch");
        // What is as it was is no change.
        assert_eq!(owner.patch(ME, Some(2), json!({ "name": "Olga Otto" })).await.ok(200)["version"], 2);
        assert_eq!(owner.patch(ME, Some(2), json!({})).await.ok(200)["version"], 2);
        let wrong = owner.patch(ME, Some(2), json!({ "name": " ", "email": "x@example.org" })).await.violations();
        assert_eq!(wrong, [("/name".to_owned(), "wrong_length".to_owned()), ("/email".to_owned(), "unknown_field".to_owned())]);
        let events = owner.get(&at(&owner, "audit?act=change_user")).await.ok(200);
        assert_eq!(events["data"].as_array().map(Vec::len), Some(1));
    }

    async fn who_has_not_shown_since_then_who_they_are_marks_no_notice_as_seen(api: Api) {
        let owner = api.owner().await;
        api.advance(TimeDelta::minutes(1));
        key(&owner, "till").await;
        let notice = async || owner.get(ME).await.ok(200)["notices"][0]["id"].as_str().map(str::to_owned);
        let mark = async |client: &Client, id: &str| client.delete(&format!("{ME}/notices/{id}"), None).await;
        let id = notice().await.expect("a notice");
        // Whoever holds the session could have made the key.
        mark(&owner, &id).await.refused(403, "reauth_required");
        assert_eq!(notice().await.as_ref(), Some(&id));
        let again = api.log_in(OWNER_EMAIL).await;
        assert_eq!(mark(&again, &id).await.status, 204);
        mark(&owner, &id).await.refused(404, "not_found");
        // With all that they log in with, and once for everything that was before.
        let enrolled = Enrolled::of(&owner).await;
        let id = notice().await.expect("a notice");
        mark(&owner, &id).await.refused(403, "reauth_required");
        let proof = json!({ "password": PASSWORD, "code": enrolled.app.next_code(&api) });
        owner.post("/v1/auth/reauth", proof).await.ok(200);
        assert_eq!(mark(&owner, &id).await.status, 204);
        assert_eq!(notice().await, None);
    }

    async fn an_export_holds_everything_of_the_user_and_no_secret(api: Api) {
        let owner = api.owner().await;
        let cook = api.member("staff", None).await;
        invite(&owner, "tom@example.org", "staff").await;
        let made = key(&owner, "till").await;
        owner.call("POST", "/v1/auth/me/password").json(&json!({ "current_password": PASSWORD, "password": "quiet lemon tractor 41" })).send().await.ok(200);
        let reply = owner.get(EXPORT).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let text = reply.text.clone();
        let told = reply.ok(200);
        assert_eq!((&told["user"]["email"], &told["memberships"][0]["role"]), (&json!(OWNER_EMAIL), &json!("owner")));
        for (list, rows) in [("memberships", 1), ("sessions", 2), ("devices", 1), ("api_keys", 1), ("invites", 1), ("notices", 2), ("events", 6)] {
            assert_eq!(told[list].as_array().map(Vec::len), Some(rows), "{list}: {}", told[list]);
        }
        assert_eq!((&told["invites"][0]["email"], &told["notices"][0]["kind"]), (&json!("tom@example.org"), &json!("password_changed")));
        assert_eq!((&told["events"][0]["act"], &told["events"][0]["address"]), (&json!("export_user"), &json!("127.0.0.1")));
        assert!(!text.contains("$argon2") && !text.contains("hash") && !text.contains("nonce") && !text.contains(made["secret"].as_str().expect("a secret")));
        // Somebody else's is not in it.
        let told = cook.get(EXPORT).await.ok(200);
        assert_eq!((&told["api_keys"], &told["invites"], told["events"].as_array().map(Vec::len)), (&json!([]), &json!([]), Some(2)));
        api.advance(TimeDelta::minutes(10));
        cook.get(EXPORT).await.refused(403, "reauth_required");
    }

    async fn a_lost_device_holds_nothing_any_more_in_any_tenant(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let there = join(&api, OWNER_EMAIL, &other, "owner").await;
        let device = login(&api, OWNER_EMAIL).await.ok(200);
        let lost = Client::of(&api, &device);
        let keys = [key(&owner, "till").await, key(&there, "scale").await];
        let invites = [invite(&owner, "a@example.org", "staff").await, invite(&there, "b@example.org", "staff").await];
        let others_key = key(&other, "other").await;
        // Who holds nothing but a session locks nobody out.
        api.advance(TimeDelta::minutes(10));
        let before = Contents::of(api.auth_db()).await;
        lost.post_without_key(LOST, json!({})).await.refused(403, "reauth_required");
        let mut after = Contents::of(api.auth_db()).await;
        for table in ["audit_event", "audit_address"] {
            after.0.insert(table.to_owned(), before.0[table].clone());
        }
        assert_eq!(before.difference(&after), "");
        // The owner logs in anew, from wherever.
        let home = Client::of(&api, &login(&api, OWNER_EMAIL).await.ok(200));
        let ended = home.call("POST", LOST).send().await.ok(200);
        assert_eq!((&ended["ended_sessions"], ended["ended_api_keys"].as_array().map(Vec::len)), (&json!(4), Some(2)));
        assert_eq!(ended["withdrawn_invite_ids"].as_array().map(Vec::len), Some(2));
        for client in [&owner, &there, &lost] {
            client.get(ME).await.refused(401, "session_revoked");
        }
        api.post("/v1/auth/refresh", json!({ "refresh_token": device["refresh_token"] })).await.refused(401, "session_revoked");
        for made in &keys {
            home.with_token(made["secret"].as_str().expect("a secret")).get("/v1/inventory/units").await.refused(401, "token_invalid");
        }
        for made in &invites {
            let body = json!({ "token": made["token"], "name": "X", "password": "quiet lemon tractor 41" });
            api.post("/v1/auth/invites/accept", body).await.refused(410, "invite_expired");
        }
        let devices = "SELECT CAST(COUNT(*) AS TEXT) FROM device d JOIN \"user\" u ON u.id = d.user_id WHERE d.revoked_at IS NULL AND u.email_key = 'olga@example.org'";
        assert_eq!(texts(api.auth_db(), devices).await, ["0"]);
        // The session that asked goes on, and so does what is somebody else's.
        home.get(ME).await.ok(200);
        other.get(ME).await.ok(200);
        other.with_token(others_key["secret"].as_str().expect("a secret")).get("/v1/inventory/units").await.ok(200);
    }

    async fn who_goes_leaves_an_id_behind_and_nothing_that_says_who_it_was(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let made = invite(&owner, "Mia.Moss@example.org", "staff").await;
        let body = json!({ "token": made["token"], "name": "Mia Moss", "password": PASSWORD });
        let mia = Client::of(&api, &api.post("/v1/auth/invites/accept", body).await.ok(201));
        let there = join(&api, "mia.moss@example.org", &other, "owner").await;
        let till = key(&there, "till").await;
        let id = id_of(&mia).await;
        let open = invite(&owner, "somebody@example.org", "staff").await;
        // It must be meant.
        let reply = go(&mia, "somebody@example.org").await;
        assert_eq!(reply.violations(), [("/confirm".to_owned(), "confirmation_mismatch".to_owned())]);
        api.advance(TimeDelta::minutes(10));
        go(&mia, "mia.moss@example.org").await.refused(403, "reauth_required");
        let mia = Client::of(&api, &login(&api, "mia.moss@example.org").await.ok(200));
        assert_eq!(go(&mia, "MIA.Moss@example.org").await.status, 204);
        for client in [&mia, &there] {
            client.get(ME).await.refused(401, "session_revoked");
        }
        mia.with_token(till["secret"].as_str().expect("a secret")).get("/v1/inventory/units").await.refused(401, "token_invalid");
        login(&api, "mia.moss@example.org").await.refused(401, "invalid_credentials");
        login(&api, &format!("erased:{id}")).await.refused(401, "invalid_credentials");
        let left = Contents::of(api.auth_db()).await;
        for (table, rows) in &left.0 {
            let said = rows.iter().find(|row| row.to_lowercase().contains("mia.moss") || row.contains("Mia"));
            assert_eq!(said, None, "{table}");
        }
        // What was done stays, under the id.
        let owner = api.log_in(OWNER_EMAIL).await;
        let events = owner.get(&at(&owner, &format!("audit?user_id={id}"))).await.ok(200);
        let acts: Vec<&str> = events["data"].as_array().expect("a list").iter().filter_map(|event| event["act"].as_str()).collect();
        assert_eq!(acts, ["delete_user", "login", "delete_user", "accept_invite"]);
        // Whoever has the address next is somebody else.
        let again = invite(&owner, "mia.moss@example.org", "staff").await;
        let body = json!({ "token": again["token"], "name": "Mia", "password": "quiet lemon tractor 41" });
        let next = Client::of(&api, &api.post("/v1/auth/invites/accept", body).await.ok(201));
        assert_ne!(id_of(&next).await, id);
        assert_eq!(owner.get(&at(&owner, "invites")).await.ok(200)["data"][1]["id"], open["invite"]["id"], "others' invites stay");
    }

    async fn the_last_owner_does_not_go_before_the_tenant(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let refused = go(&owner, OWNER_EMAIL).await.refused(409, "last_owner");
        assert_eq!(refused["tenant_ids"], json!([owner.tenant_id]));
        let there = join(&api, OWNER_EMAIL, &other, "owner").await;
        // A disabled owner does not count.
        let second = api.add_member(owner.tenant_id, "owner", None).await;
        api.auth_db().execute_unprepared(&format!("UPDATE \"user\" SET disabled_at = created_at WHERE email = '{second}'")).await.expect("disabled");
        go(&owner, OWNER_EMAIL).await.refused(409, "last_owner");
        // All of them at once, and none that is named already.
        let others = format!("UPDATE membership SET role = 'staff' WHERE user_id <> (SELECT id FROM \"user\" WHERE email_key = '{OWNER_EMAIL}')");
        api.auth_db().execute_unprepared(&others).await.expect("made less");
        let mut both = [owner.tenant_id, other.tenant_id];
        both.sort();
        assert_eq!(go(&there, OWNER_EMAIL).await.refused(409, "last_owner")["tenant_ids"], json!(both));
        let body = json!({ "confirm": OWNER_EMAIL, "close_tenant_ids": [owner.tenant_id] });
        let refused = there.call("DELETE", ME).json(&body).send().await.refused(409, "last_owner");
        assert_eq!(refused["tenant_ids"], json!([other.tenant_id]));
        api.auth_db().execute_unprepared("UPDATE membership SET role = 'owner' WHERE role = 'staff'").await.expect("made more");
        // Another tenant, which keeps an owner, is not closed because it is named.
        let body = json!({ "confirm": OWNER_EMAIL, "close_tenant_ids": [owner.tenant_id, other.tenant_id] });
        assert_eq!(there.call("DELETE", ME).json(&body).send().await.status, 204);
        let closed = texts(api.auth_db(), "SELECT name FROM tenant WHERE closed_at IS NOT NULL").await;
        assert_eq!(closed, ["The Corner Kitchen"]);
        other.get(ME).await.ok(200);
        assert_eq!(owners(&api).await, ["1"]);
    }

    /// Invariant 2, with who goes.
    async fn a_tenant_keeps_an_owner_however_many_go_at_once(api: Api) {
        let owner = api.owner().await;
        let other = api.other_tenant().await;
        for round in 0..8 {
            let [one, two] = [api.add_member(owner.tenant_id, "owner", None).await, api.add_member(owner.tenant_id, "owner", None).await];
            let cook = api.add_member(owner.tenant_id, "staff", None).await;
            let (a, b, c) = (api.log_in(&one).await, api.log_in(&two).await, api.log_in(&cook).await);
            // The same two own another tenant as well, which they leave in the other order.
            let there = [join(&api, &two, &other, "owner").await, join(&api, &one, &other, "owner").await];
            let (mine, theirs) = (membership(&a).await, membership(&c).await);
            // The others are out of the way: these two are the last.
            for gone in api_owners_but(&api, &[&one, &two]).await {
                api.auth_db().execute_unprepared(&format!("UPDATE \"user\" SET disabled_at = created_at WHERE email = '{gone}'")).await.expect("disabled");
            }
            let replies = match round % 4 {
                // Both go.
                0 => futures::join!(go(&a, &one), go(&b, &two)),
                // One goes while the other makes less of them.
                1 => futures::join!(go(&a, &one), change(&b, &mine, "viewer")),
                // One goes while the other makes a third one owner, and goes.
                2 => futures::join!(go(&a, &one), async {
                    change(&b, &theirs, "owner").await.ok(200);
                    go(&b, &two).await
                }),
                // One goes while they leave the other tenant.
                _ => futures::join!(go(&a, &one), go(&there[0], &two)),
            };
            assert!([&replies.0, &replies.1].iter().any(|reply| matches!(reply.status, 200 | 204)), "{replies:?}");
            let left = owners(&api).await;
            assert!(left.iter().all(|owners| owners != "0"), "round {round}: {left:?} {replies:?}");
            api.auth_db().execute_unprepared("UPDATE \"user\" SET disabled_at = NULL WHERE erased_at IS NULL").await.expect("enabled");
        }
    }

    /// Invariant 2: a promotion elsewhere neither saves who goes nor is lost with them.
    async fn who_goes_while_they_are_promoted_is_gone_and_the_others_stay(api: Api) {
        let owner = api.owner().await;
        for _ in 0..6 {
            let cook = api.add_member(owner.tenant_id, "staff", None).await;
            let client = api.log_in(&cook).await;
            let theirs = membership(&client).await;
            let (gone, promoted) = futures::join!(go(&client, &cook), change(&owner, &theirs, "owner"));
            // As an owner beside another one they go all the same.
            assert_eq!(gone.status, 204, "{gone:?}");
            assert!(promoted.status == 200 || promoted.code() == "not_found", "{promoted:?}");
            client.get(ME).await.refused(401, "session_revoked");
            owner.get(&at(&owner, &format!("members/{theirs}"))).await.refused(404, "not_found");
        }
        assert_eq!(owners(&api).await, ["1"]);
    }

    async fn what_is_begun_while_somebody_goes_does_not_outlive_them(api: Api) {
        let owner = api.owner().await;
        for _ in 0..4 {
            let email = api.add_member(owner.tenant_id, "owner", None).await;
            let client = api.log_in(&email).await;
            let switch = client.post_without_key("/v1/auth/switch-tenant", json!({ "tenant_id": owner.tenant_id }));
            let (path, body) = (at(&client, "api-keys"), json!({ "name": "till", "scopes": ["read"], "all_sites": true }));
            let (gone, begun, made, _) = futures::join!(go(&client, &email), switch, client.post_without_key(&path, body), login(&api, &email));
            assert_eq!(gone.status, 204, "{gone:?}");
            if begun.status == 200 {
                Client::of(&api, &begun.body).get(ME).await.refused(401, "session_revoked");
            }
            if made.status == 201 {
                client.with_token(made.body["secret"].as_str().expect("a secret")).get("/v1/inventory/units").await.refused(401, "token_invalid");
            }
        }
        let left = "SELECT CAST(COUNT(*) AS TEXT) FROM membership m JOIN \"user\" u ON u.id = m.user_id WHERE u.erased_at IS NOT NULL";
        assert_eq!(texts(api.auth_db(), left).await, ["0"]);
    }
}

/// The addresses of all owners but these.
async fn api_owners_but(api: &Api, but: &[&String]) -> Vec<String> {
    let all = texts(api.auth_db(), "SELECT DISTINCT u.email FROM \"user\" u JOIN membership m ON m.user_id = u.id WHERE m.role = 'owner'").await;
    all.into_iter().filter(|email| !but.contains(&email)).collect()
}
