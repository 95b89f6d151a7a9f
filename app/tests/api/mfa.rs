//! Second factors: enrolling one, logging in with it, who may take it away, and how often codes are tried.

use chrono::TimeDelta;
use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::authenticator::{Authenticator, Enrolled};
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, OWNER_EMAIL, PASSWORD, Reply};

const LOGIN: &str = "/v1/auth/login";
const FINISH: &str = "/v1/auth/login/mfa";
const ME: &str = "/v1/auth/me";
const BEGIN: &str = "/v1/auth/mfa/totp";
const CONFIRM: &str = "/v1/auth/mfa/totp/confirm";
const RECOVERY_CODES: &str = "/v1/auth/mfa/recovery-codes";
const REAUTH: &str = "/v1/auth/reauth";
const WRONG: &str = "not the password of anybody";
const NEW_PASSWORD: &str = "quiet lemon tractor 41";

async fn log_in(api: &Api, email: &str) -> Reply {
    api.post(LOGIN, json!({ "email": email, "password": PASSWORD })).await
}

/// The first half of a log-in: the token for the second one.
async fn half(api: &Api, email: &str) -> Value {
    log_in(api, email).await.ok(200)["mfa_token"].clone()
}

async fn finish(api: &Api, mfa_token: &Value, code: &str) -> Reply {
    api.post(FINISH, json!({ "mfa_token": mfa_token, "code": code })).await
}

async fn recover(api: &Api, mfa_token: &Value, code: &str) -> Reply {
    api.post(FINISH, json!({ "mfa_token": mfa_token, "recovery_code": code })).await
}

/// Both halves.
async fn whole(api: &Api, email: &str, app: &Authenticator) -> Client {
    let mfa_token = half(api, email).await;
    let tokens = finish(api, &mfa_token, &app.next_code(api)).await.ok(200);
    Client::of(api, &tokens)
}

async fn delete(client: &Client) -> Reply {
    client.delete(BEGIN, None).await
}

async fn arrange(api: &Api, sql: &str) {
    api.auth_db().execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn number(api: &Api, sql: &str) -> i64 {
    texts(api.auth_db(), &format!("SELECT CAST(({sql}) AS TEXT)")).await[0].parse().expect("a number")
}

async fn notices(api: &Api, kind: &str) -> i64 {
    number(api, &format!("SELECT COUNT(*) FROM notice WHERE kind = '{kind}'")).await
}

async fn charged(api: &Api, kind: &str) -> i64 {
    number(api, &format!("SELECT COALESCE(SUM(count), 0) FROM throttle WHERE kind = '{kind}'")).await
}

async fn audited(api: &Api, act: &str, outcome: &str) -> i64 {
    number(api, &format!("SELECT COALESCE(SUM(times), 0) FROM audit_event WHERE act = '{act}' AND outcome = '{outcome}'")).await
}

async fn membership(client: &Client) -> String {
    client.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned()
}

async fn email(client: &Client) -> String {
    client.get(ME).await.ok(200)["user"]["email"].as_str().expect("an address").to_owned()
}

async fn reset(client: &Client, member: &str) -> Reply {
    client.post(&format!("/v1/auth/tenants/{}/members/{member}/reset-mfa", client.tenant_id), Value::Null).await
}

/// A right that only a fresh session has.
async fn make_key(client: &Client) -> Reply {
    let body = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
    client.post(&format!("/v1/auth/tenants/{}/api-keys", client.tenant_id), body).await
}

#[track_caller]
fn waits(reply: Reply, seconds: i64) {
    assert_eq!(reply.header("retry-after"), seconds.to_string(), "{}", reply.text);
    reply.refused(429, "rate_limited");
}

both_engines! {
    async fn an_app_counts_once_a_code_of_it_was_shown(api: Api) {
        let owner = api.owner().await;
        owner.post(CONFIRM, json!({ "code": "123456" })).await.refused(409, "mfa_not_begun");
        let reply = owner.post(BEGIN, Value::Null).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let first = reply.ok(200);
        let uri = first["otpauth_uri"].as_str().expect("a URI");
        assert!(uri.starts_with("otpauth://totp/Larder:olga%40example.org?secret=") && uri.contains(first["secret"].as_str().expect("a secret")), "{uri}");
        assert_eq!(first["secret"].as_str().map(str::len), Some(32), "160 bits");
        // Nothing counts yet, and another takes its place.
        assert_eq!(owner.get(ME).await.ok(200)["mfa"], json!({ "is_enrolled": false, "is_required": false, "recovery_codes_left": 0 }));
        api.log_in(OWNER_EMAIL).await;
        let second = owner.post(BEGIN, Value::Null).await.ok(200);
        assert_ne!(second["secret"], first["secret"]);
        let (old, new) = (Authenticator::of(&first), Authenticator::of(&second));
        owner.post(CONFIRM, json!({ "code": old.code_at(api.now()) })).await.refused(401, "mfa_invalid");
        // As an app shows it.
        let code = new.code_at(api.now());
        let reply = owner.post(CONFIRM, json!({ "code": format!(" {} {}", &code[..3], &code[3..]) })).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let codes = reply.ok(200)["recovery_codes"].as_array().cloned().expect("codes");
        assert!(codes.len() == 10 && codes.iter().all(|code| code.as_str().is_some_and(|code| code.len() == 29)), "{codes:?}");
        assert_eq!(owner.get(ME).await.ok(200)["mfa"], json!({ "is_enrolled": true, "is_required": false, "recovery_codes_left": 10 }));
        owner.post(BEGIN, Value::Null).await.refused(409, "mfa_already_enrolled");
        owner.post(CONFIRM, json!({ "code": new.next_code(&api) })).await.refused(409, "mfa_already_enrolled");
        assert_eq!((notices(&api, "mfa_changed").await, audited(&api, "enrol_mfa", "done").await), (1, 1));
        assert_eq!((audited(&api, "begin_mfa", "done").await, audited(&api, "show_second_factor", "refused").await), (2, 1));
        // Whoever has the database has none of it.
        let stored = format!("{:?}", Contents::of(api.auth_db()).await);
        for secret in codes.iter().chain([&second["secret"]]).filter_map(Value::as_str) {
            assert!(!stored.contains(secret) && !stored.contains(&secret.replace('-', "")), "{secret}");
        }
        for path in [BEGIN, RECOVERY_CODES] {
            owner.call("POST", path).header("Idempotency-Key", "a-key").send().await.refused(400, "idempotency_key_not_allowed");
        }
    }

    async fn a_log_in_asks_for_the_second_factor_and_begins_a_session_with_both(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        let sessions = number(&api, "SELECT COUNT(*) FROM session").await;
        let reply = log_in(&api, OWNER_EMAIL).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let answer = reply.ok(200);
        assert_eq!((&answer["mfa_required"], &answer["expires_in"]), (&json!(true), &json!(300)));
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(3), "and no token of a session or a device: {answer}");
        assert_eq!(number(&api, "SELECT COUNT(*) FROM session").await, sessions);
        let mfa_token = &answer["mfa_token"];
        assert!(!format!("{:?}", Contents::of(api.auth_db()).await).contains(mfa_token.as_str().expect("a token")));
        assert_eq!((charged(&api, "account").await, charged(&api, "account_address").await), (1, 1), "until it is complete");
        finish(&api, mfa_token, &enrolled.app.wrong_code(&api)).await.refused(401, "mfa_invalid");
        let reply = finish(&api, mfa_token, &enrolled.app.next_code(&api)).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let tokens = reply.ok(200);
        Client::of(&api, &tokens).get(ME).await.ok(200);
        for kind in ["account", "account_address", "address_minute", "codes"] {
            assert_eq!(charged(&api, kind).await, 0, "{kind}");
        }
        assert_eq!((audited(&api, "login_password", "done").await, audited(&api, "login", "done").await), (1, 1));
        assert_eq!((audited(&api, "login", "refused").await, audited(&api, "show_second_factor", "refused").await), (0, 1));
        // Once, and a known device is known in both halves.
        finish(&api, mfa_token, &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
        let device = tokens["device_token"].as_str().expect("a device's token");
        let body = json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": device });
        let known = api.post(LOGIN, body).await.ok(200);
        assert_eq!(finish(&api, &known["mfa_token"], &enrolled.app.next_code(&api)).await.ok(200).get("device_token"), None);
        // What is no such token is as one that is too old.
        let mfa_token = half(&api, OWNER_EMAIL).await;
        api.advance(TimeDelta::minutes(5) - TimeDelta::seconds(30));
        let code = enrolled.app.next_code(&api);
        for token in [mfa_token, json!("larl_nonsense"), json!(device)] {
            finish(&api, &token, &code).await.refused(401, "mfa_invalid");
        }
        let both = json!({ "mfa_token": "x", "code": code, "recovery_code": "y" });
        for wrong in [both, json!({ "mfa_token": "x" })] {
            assert_eq!(api.post(FINISH, wrong).await.violations(), [(String::new(), "exactly_one".to_owned())]);
        }
    }

    async fn a_code_is_taken_once_however_many_try_it_at_the_same_moment(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        let code = enrolled.app.next_code(&api);
        for recovery_code in [None, Some(&enrolled.recovery_codes[0])] {
            let mut halves = Vec::new();
            for _ in 0..5 {
                halves.push(half(&api, OWNER_EMAIL).await);
            }
            let replies = join_all(halves.iter().map(|mfa_token| async {
                match recovery_code {
                    None => finish(&api, mfa_token, &code).await,
                    Some(code) => recover(&api, mfa_token, code).await,
                }
            }));
            let replies = replies.await;
            assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{replies:?}");
            for reply in replies.iter().filter(|reply| reply.status != 200) {
                // Those that were charged after the right one count on.
                assert!(matches!(reply.code(), "mfa_invalid" | "auth_busy" | "rate_limited"), "{reply:?}");
            }
            api.advance(TimeDelta::minutes(16));
        }
    }

    async fn a_used_recovery_code_is_not_taken_again_and_new_ones_take_the_place_of_all(api: Api) {
        let owner = api.owner().await;
        owner.post(RECOVERY_CODES, Value::Null).await.refused(409, "mfa_not_enrolled");
        let enrolled = Enrolled::of(&owner).await;
        let [first, second, ..] = enrolled.recovery_codes.as_slice() else { panic!("no codes") };
        let mfa_token = half(&api, OWNER_EMAIL).await;
        let typed = first.to_uppercase().replace('-', " ");
        let session = Client::of(&api, &recover(&api, &mfa_token, &typed).await.ok(200));
        assert_eq!(session.get(ME).await.ok(200)["mfa"]["recovery_codes_left"], 9);
        let mfa_token = half(&api, OWNER_EMAIL).await;
        recover(&api, &mfa_token, first).await.refused(401, "mfa_invalid");
        // Nor is it a code of the app, or the other way round.
        finish(&api, &mfa_token, second).await.refused(401, "mfa_invalid");
        recover(&api, &mfa_token, &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
        let codes = session.post(RECOVERY_CODES, Value::Null).await.ok(200)["recovery_codes"].clone();
        assert_eq!(session.get(ME).await.ok(200)["mfa"]["recovery_codes_left"], 10);
        recover(&api, &mfa_token, second).await.refused(401, "mfa_invalid");
        recover(&api, &mfa_token, codes[0].as_str().expect("a code")).await.ok(200);
        assert_eq!(notices(&api, "mfa_changed").await, 2);
        api.advance(TimeDelta::seconds(570));
        session.post(RECOVERY_CODES, Value::Null).await.refused(403, "reauth_required");
    }

    async fn a_code_is_taken_half_a_minute_early_or_late_and_none_before_the_last(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        api.advance(TimeDelta::minutes(5));
        let at = |seconds| enrolled.app.code_at(api.now().plus(TimeDelta::seconds(seconds)));
        let log_in = async |code: String| finish(&api, &half(&api, OWNER_EMAIL).await, &code).await;
        for (seconds, code) in [(-60, "mfa_invalid"), (60, "mfa_invalid"), (-30, ""), (-30, "mfa_invalid"), (30, ""), (0, "mfa_invalid"), (30, "mfa_invalid")] {
            assert_eq!(log_in(at(seconds)).await.code(), code, "{seconds}");
        }
    }

    async fn what_changed_between_the_halves_counts(api: Api) {
        let owner = api.owner().await;
        let staff = api.member("staff", None).await;
        let (address, enrolled) = (email(&staff).await, Enrolled::of(&staff).await);
        let user = format!("\"user\" SET {{}} WHERE email = '{address}'");
        let disable = |value: &str| format!("UPDATE {}", user.replace("{}", &format!("disabled_at = {value}")));
        let mfa_token = half(&api, &address).await;
        arrange(&api, &disable("created_at")).await;
        finish(&api, &mfa_token, &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
        arrange(&api, &disable("NULL")).await;
        // The code was not used up by that.
        finish(&api, &mfa_token, &enrolled.app.code_at(api.now())).await.ok(200);
        let mfa_token = half(&api, &address).await;
        let change = json!({ "current_password": PASSWORD, "password": NEW_PASSWORD, "code": enrolled.app.next_code(&api) });
        staff.post("/v1/auth/me/password", change).await.ok(200);
        finish(&api, &mfa_token, &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
        let again = api.post(LOGIN, json!({ "email": address, "password": NEW_PASSWORD })).await.ok(200);
        owner.delete(&format!("/v1/auth/tenants/{}/members/{}", owner.tenant_id, membership(&staff).await), None).await.ok(200);
        finish(&api, &again["mfa_token"], &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
    }

    async fn a_token_is_good_for_five_tries_and_five_wrong_ones_are_told_to_the_user(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        let mfa_token = half(&api, OWNER_EMAIL).await;
        // Wrong passwords, which anybody may try, are not counted with them.
        for _ in 0..4 {
            api.post(LOGIN, json!({ "email": OWNER_EMAIL, "password": WRONG })).await.refused(401, "invalid_credentials");
        }
        for _ in 0..5 {
            assert_eq!(notices(&api, "mfa_failed").await, 0);
            finish(&api, &mfa_token, &enrolled.app.wrong_code(&api)).await.refused(401, "mfa_invalid");
        }
        assert_eq!((notices(&api, "mfa_failed").await, audited(&api, "show_second_factor", "refused").await), (1, 1));
        waits(finish(&api, &mfa_token, &enrolled.app.wrong_code(&api)).await, 1);
        // Whatever comes with it now; and that costs nothing.
        finish(&api, &mfa_token, &enrolled.app.next_code(&api)).await.refused(401, "mfa_invalid");
        assert_eq!(charged(&api, "codes").await, 5);
        let mfa_token = half(&api, OWNER_EMAIL).await;
        finish(&api, &mfa_token, &enrolled.app.code_at(api.now())).await.ok(200);
        assert_eq!(charged(&api, "codes").await, 0);
    }

    async fn codes_of_a_user_count_together_wherever_they_are_tried_and_a_right_one_makes_them_forgotten(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        let reauth = async |code: &str| owner.post(REAUTH, json!({ "password": PASSWORD, "code": code })).await;
        let wrong = || enrolled.app.wrong_code(&api);
        let mfa_token = half(&api, OWNER_EMAIL).await;
        for _ in 0..3 {
            finish(&api, &mfa_token, &wrong()).await.refused(401, "mfa_invalid");
        }
        for _ in 0..2 {
            reauth(&wrong()).await.refused(401, "mfa_invalid");
        }
        let before = Contents::of(api.auth_db()).await;
        waits(finish(&api, &mfa_token, &enrolled.recovery_codes[0]).await, 1);
        assert_eq!(before.difference(&Contents::of(api.auth_db()).await), "", "a refusal writes nothing");
        for wait in [1, 2, 4] {
            waits(reauth(&wrong()).await, wait);
            api.advance(TimeDelta::seconds(wait));
            reauth(&wrong()).await.refused(401, "mfa_invalid");
        }
        // Who has not the password is not looked at, and makes nobody wait.
        let tries = charged(&api, "codes").await;
        for _ in 0..3 {
            api.post(LOGIN, json!({ "email": OWNER_EMAIL, "password": WRONG })).await.refused(401, "invalid_credentials");
        }
        finish(&api, &json!("larl_guessed"), "000000").await.refused(401, "mfa_invalid");
        assert_eq!(charged(&api, "codes").await, tries);
        api.advance(TimeDelta::seconds(8));
        reauth(&enrolled.app.next_code(&api)).await.ok(200);
        assert_eq!((charged(&api, "codes").await, charged(&api, "account_device").await), (0, 0));
    }

    /// Invariant 15, through the door: somebody who knows the password tries all day.
    async fn a_day_of_guesses_gets_fewer_than_two_hundred_tries(api: Api) {
        let owner = api.owner().await;
        let enrolled = Enrolled::of(&owner).await;
        let mfa_token = half(&api, OWNER_EMAIL).await;
        let device = recover(&api, &mfa_token, &enrolled.recovery_codes[1]).await.ok(200)["device_token"].clone();
        // From a device that is known: else the log-ins end sooner than the guesses.
        let by_device = async || api.post(LOGIN, json!({ "email": OWNER_EMAIL, "password": PASSWORD, "device_token": device })).await;
        let (mut mfa_token, mut looked_at) = (None, 0);
        for _ in 0..1_000 {
            api.advance(TimeDelta::milliseconds(86_400));
            if mfa_token.is_none() {
                mfa_token = by_device().await.body.get("mfa_token").cloned();
            }
            let Some(token) = &mfa_token else { continue };
            let before = charged(&api, "codes").await;
            let reply = finish(&api, token, &enrolled.app.wrong_code(&api)).await;
            match reply.code() {
                "mfa_invalid" if charged(&api, "codes").await > before => looked_at += 1,
                // Used up, or too old.
                "mfa_invalid" => mfa_token = None,
                code => assert_eq!(code, "rate_limited"),
            }
        }
        assert!((20..200).contains(&looked_at), "{looked_at}");
        // Nothing locks for ever.
        api.advance(TimeDelta::minutes(15));
        let answer = by_device().await.ok(200);
        recover(&api, &answer["mfa_token"], &enrolled.recovery_codes[0]).await.ok(200);
    }

    async fn who_shows_once_more_who_they_are_does_so_with_both(api: Api) {
        let (early, owner) = (api.owner().await, api.owner().await);
        make_key(&early).await.ok(201);
        let enrolled = Enrolled::of(&owner).await;
        make_key(&owner).await.ok(201);
        // A session from before has not shown it, and ends.
        make_key(&early).await.refused(401, "session_revoked");
        // Ten minutes after the log-in, and a moment before the token is too old.
        api.advance(TimeDelta::seconds(575));
        make_key(&owner).await.refused(403, "reauth_required");
        let reauth = async |more: Value| {
            let mut body = json!({ "password": PASSWORD });
            body.as_object_mut().expect("a body").extend(more.as_object().expect("fields").clone());
            owner.post(REAUTH, body).await
        };
        reauth(json!({})).await.refused(401, "mfa_invalid");
        assert_eq!(charged(&api, "codes").await, 0, "nothing was tried");
        let code = enrolled.app.code_at(api.now());
        // With a wrong password the code is not looked at.
        reauth(json!({ "password": WRONG, "code": code })).await.refused(401, "invalid_credentials");
        assert_eq!(charged(&api, "codes").await, 0);
        reauth(json!({ "code": code, "recovery_code": enrolled.recovery_codes[0] })).await.refused(422, "invalid_request");
        reauth(json!({ "code": code })).await.ok(200);
        make_key(&owner).await.ok(201);
        reauth(json!({ "code": code })).await.refused(401, "mfa_invalid");
        reauth(json!({ "recovery_code": enrolled.recovery_codes[0] })).await.ok(200);
        let change = json!({ "current_password": PASSWORD, "password": NEW_PASSWORD });
        owner.post("/v1/auth/me/password", change.clone()).await.refused(401, "mfa_invalid");
        let mut change = change;
        change["recovery_code"] = json!(enrolled.recovery_codes[0]);
        owner.post("/v1/auth/me/password", change.clone()).await.refused(401, "mfa_invalid");
        change["recovery_code"] = json!(enrolled.recovery_codes[1]);
        owner.post("/v1/auth/me/password", change).await.ok(200);
        // Another password leaves the second factor as it is.
        let answer = api.post(LOGIN, json!({ "email": OWNER_EMAIL, "password": NEW_PASSWORD })).await.ok(200);
        assert_eq!(answer["mfa_required"], true);
    }

    async fn a_session_that_comes_out_of_another_has_its_second_factor(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let enrolled = Enrolled::of(&owner).await;
        let invite = json!({ "email": OWNER_EMAIL, "role": "owner", "all_sites": true });
        let made = other.post(&format!("/v1/auth/tenants/{}/invites", other.tenant_id), invite.clone()).await.ok(201);
        let session = whole(&api, OWNER_EMAIL, &enrolled.app).await;
        let there = Client::of(&api, &session.post("/v1/auth/invites/accept", json!({ "token": made["token"] })).await.ok(201));
        make_key(&there).await.ok(201);
        let switched = session.post("/v1/auth/switch-tenant", json!({ "tenant_id": other.tenant_id })).await.ok(200);
        make_key(&Client::of(&api, &switched)).await.ok(201);
        // And one that has not shown it passes on nothing.
        arrange(&api, "UPDATE session SET mfa_at = NULL").await;
        api.advance(TimeDelta::seconds(5));
        let switched = session.post("/v1/auth/switch-tenant", json!({ "tenant_id": other.tenant_id })).await.ok(200);
        make_key(&Client::of(&api, &switched)).await.refused(403, "reauth_required");
    }

    async fn an_invite_is_accepted_by_nothing_less_than_a_log_in(api: Api) {
        let (owner, other) = (api.owner().await, api.other_tenant().await);
        let enrolled = Enrolled::of(&owner).await;
        let invite = json!({ "email": OWNER_EMAIL, "role": "owner", "all_sites": true });
        let made = other.post(&format!("/v1/auth/tenants/{}/invites", other.tenant_id), invite).await.ok(201);
        let accept = async |more: Value| {
            let mut body = json!({ "token": made["token"], "password": PASSWORD });
            body.as_object_mut().expect("a body").extend(more.as_object().expect("fields").clone());
            api.post("/v1/auth/invites/accept", body).await
        };
        accept(json!({ "password": WRONG, "recovery_code": enrolled.recovery_codes[0] })).await.refused(401, "invalid_credentials");
        accept(json!({})).await.refused(401, "mfa_invalid");
        accept(json!({ "code": enrolled.app.wrong_code(&api) })).await.refused(401, "mfa_invalid");
        assert_eq!((charged(&api, "account").await, charged(&api, "codes").await), (3, 1));
        let tokens = accept(json!({ "recovery_code": enrolled.recovery_codes[0] })).await.ok(201);
        make_key(&Client::of(&api, &tokens)).await.ok(201);
        assert_eq!((charged(&api, "account").await, charged(&api, "codes").await), (3, 0));
    }

    async fn who_has_shown_both_takes_it_away_unless_a_tenant_requires_it(api: Api) {
        let (owner, there) = (api.owner().await, email(&api.other_tenant().await).await);
        delete(&owner).await.refused(409, "mfa_not_enrolled");
        let enrolled = Enrolled::of(&owner).await;
        let early = whole(&api, OWNER_EMAIL, &enrolled.app).await;
        api.advance(TimeDelta::minutes(10));
        delete(&early).await.refused(403, "reauth_required");
        early.post(BEGIN, Value::Null).await.refused(403, "reauth_required");
        let session = whole(&api, OWNER_EMAIL, &enrolled.app).await;
        // Another tenant than that of the session, too.
        let invite = json!({ "email": OWNER_EMAIL, "role": "viewer", "all_sites": true });
        let other = api.log_in(&there).await;
        let made = other.post(&format!("/v1/auth/tenants/{}/invites", other.tenant_id), invite).await.ok(201);
        session.post("/v1/auth/invites/accept", json!({ "token": made["token"] })).await.ok(201);
        arrange(&api, "UPDATE tenant SET mfa_required = true WHERE name = 'The Other Kitchen'").await;
        delete(&session).await.refused(403, "mfa_enrollment_required");
        arrange(&api, "UPDATE tenant SET mfa_required = false").await;
        assert_eq!(delete(&session).await.status, 204);
        assert_eq!(session.get(ME).await.ok(200)["mfa"], json!({ "is_enrolled": false, "is_required": false, "recovery_codes_left": 0 }));
        api.log_in(OWNER_EMAIL).await;
        assert_eq!((audited(&api, "remove_mfa", "done").await, audited(&api, "remove_mfa", "refused").await), (1, 2));
        assert_eq!(notices(&api, "mfa_changed").await, 2);
    }

    async fn a_tenant_that_requires_it_opens_when_it_is_enrolled_and_no_sooner(api: Api) {
        let (owner, staff) = (api.owner().await, api.member("staff", None).await);
        let address = email(&staff).await;
        let key = make_key(&owner).await.ok(201)["secret"].as_str().expect("a secret").to_owned();
        arrange(&api, "UPDATE tenant SET mfa_required = true").await;
        api.advance(TimeDelta::seconds(5));
        staff.get("/v1/inventory/units").await.refused(403, "mfa_enrollment_required");
        assert_eq!(staff.get(ME).await.ok(200)["mfa"]["is_required"], true);
        // Also after another log-in; and a program with a key has none.
        let again = api.log_in(&address).await;
        again.get("/v1/inventory/units").await.refused(403, "mfa_enrollment_required");
        staff.with_token(key).get("/v1/inventory/units").await.ok(200);
        api.advance(TimeDelta::minutes(10));
        again.post(BEGIN, Value::Null).await.refused(403, "reauth_required");
        again.post(REAUTH, json!({ "password": PASSWORD })).await.ok(200);
        let app = Authenticator::of(&again.post(BEGIN, Value::Null).await.ok(200));
        again.post(CONFIRM, json!({ "code": app.code_at(api.now()) })).await.ok(200);
        again.get("/v1/inventory/units").await.ok(200);
        delete(&again).await.refused(403, "mfa_enrollment_required");
    }

    async fn who_has_lost_it_is_let_in_by_who_is_above_them_in_their_only_tenant(api: Api) {
        let (owner, manager, staff) = (api.owner().await, api.member("manager", None).await, api.member("staff", None).await);
        let (address, member) = (email(&staff).await, membership(&staff).await);
        reset(&manager, &member).await.refused(409, "mfa_not_enrolled");
        let enrolled = Enrolled::of(&staff).await;
        let mfa_token = half(&api, &address).await;
        let tokens = finish(&api, &mfa_token, &enrolled.app.next_code(&api)).await.ok(200);
        let second = half(&api, &address).await;
        reset(&staff, &membership(&manager).await).await.refused(403, "forbidden");
        reset(&manager, &membership(&owner).await).await.refused(403, "role_escalation");
        reset(&manager, &membership(&manager).await).await.refused(403, "forbidden");
        reset(&api.other_tenant().await, &member).await.refused(404, "not_found");
        assert_eq!(reset(&manager, &member).await.status, 204);
        for session in [&staff, &Client::of(&api, &tokens)] {
            session.get(ME).await.refused(401, "session_revoked");
        }
        recover(&api, &second, &enrolled.recovery_codes[0]).await.refused(401, "mfa_invalid");
        let body = json!({ "email": address, "password": PASSWORD, "device_token": tokens["device_token"] });
        let again = api.post(LOGIN, body).await.ok(200);
        assert!(again["device_token"].is_string(), "no device is known any more");
        assert_eq!(Client::of(&api, &again).get(ME).await.ok(200)["mfa"]["recovery_codes_left"], 0);
        assert_eq!((audited(&api, "reset_mfa", "done").await, notices(&api, "mfa_changed").await), (1, 2));
        let refused = audited(&api, "reset_mfa", "refused").await;
        // Not in the name of another tenant.
        Enrolled::of(&Client::of(&api, &again)).await;
        let elsewhere = "INSERT INTO membership (id, version, created_at, updated_at, tenant_id, user_id, role, all_sites) \
            SELECT t.id, 1, u.created_at, u.created_at, t.id, u.id, 'viewer', true FROM tenant t, \"user\" u";
        arrange(&api, &format!("{elsewhere} WHERE t.name = 'The Other Kitchen' AND u.email = '{address}'")).await;
        reset(&manager, &member).await.refused(409, "member_elsewhere");
        api.advance(TimeDelta::seconds(510));
        reset(&manager, &member).await.refused(403, "reauth_required");
        assert_eq!(audited(&api, "reset_mfa", "refused").await, refused + 2);
    }
}
