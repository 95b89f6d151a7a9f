//! Who may do what: one table that has every operation of the OpenAPI document, and a walk over all of them.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::support::patience::soon;
use crate::support::tables::{Contents, texts};
use crate::support::{Api, Client, Reply, fresh};
use Need::{Anybody, Either, Has, Nobody};

/// What a caller must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Not even a token.
    Nobody,
    /// To be logged in.
    Anybody,
    Has(&'static str),
    /// One of the two.
    Either(&'static str, &'static str),
}

impl Need {
    fn permissions(self) -> Vec<&'static str> {
        match self {
            Nobody | Anybody => Vec::new(),
            Has(permission) => vec![permission],
            Either(one, other) => vec![one, other],
        }
    }
}

/// An operation, what it needs, and a body that is right as far as can be said before anybody looks at who sends it. What stands in
/// braces in a path is the name of something that the kitchen of this test has.
type Row = (&'static str, &'static str, Need, &'static str);

const TABLE: &[Row] = &[
    ("GET", "/health/live", Nobody, ""),
    ("GET", "/health/ready", Nobody, ""),
    ("GET", "/openapi.json", Nobody, ""),
    ("POST", "/v1/auth/setup", Nobody, ""),
    ("POST", "/v1/auth/login", Nobody, ""),
    ("POST", "/v1/auth/refresh", Nobody, ""),
    ("POST", "/v1/auth/logout", Nobody, ""),
    ("POST", "/v1/auth/invites/accept", Nobody, ""),
    ("GET", "/v1/auth/jwks.json", Nobody, ""),
    ("POST", "/v1/auth/password/forgot", Nobody, ""),
    ("POST", "/v1/auth/password/reset", Nobody, ""),
    ("POST", "/v1/auth/email/verify", Nobody, ""),
    ("POST", "/v1/auth/register", Nobody, ""),
    ("POST", "/v1/auth/register/confirm", Nobody, ""),
    ("POST", "/v1/auth/me/email", Anybody, r#"{"email": "x@example.org"}"#),
    ("DELETE", "/v1/auth/me/notices/{notice}", Anybody, ""),
    ("GET", "/v1/auth/me", Anybody, ""),
    ("POST", "/v1/auth/me/password", Anybody, r#"{"current_password": "x", "password": "a long enough one, surely"}"#),
    ("POST", "/v1/auth/reauth", Anybody, r#"{"password": "x"}"#),
    ("POST", "/v1/auth/switch-tenant", Anybody, r#"{"tenant_id": "00000000-0000-0000-0000-000000000000"}"#),
    ("GET", "/v1/auth/sessions", Anybody, ""),
    ("POST", "/v1/auth/sessions/revoke-others", Anybody, ""),
    ("DELETE", "/v1/auth/sessions/{session}", Anybody, ""),
    ("GET", "/v1/auth/tenants/{tenant}/members", Has("manage_members"), ""),
    ("GET", "/v1/auth/tenants/{tenant}/members/{member}", Has("manage_members"), ""),
    ("PATCH", "/v1/auth/tenants/{tenant}/members/{member}", Has("manage_members"), r#"{"role": "viewer"}"#),
    ("DELETE", "/v1/auth/tenants/{tenant}/members/{member}", Has("manage_members"), ""),
    ("POST", "/v1/auth/tenants/{tenant}/members/{member}/reset-link", Has("manage_members"), ""),
    ("GET", "/v1/auth/tenants/{tenant}/invites", Has("manage_members"), ""),
    ("POST", "/v1/auth/tenants/{tenant}/invites", Has("manage_members"), r#"{"email": "x@example.org", "role": "viewer", "all_sites": true}"#),
    ("DELETE", "/v1/auth/tenants/{tenant}/invites/{invite}", Has("manage_members"), ""),
    ("GET", "/v1/auth/tenants/{tenant}/api-keys", Has("admin"), ""),
    ("POST", "/v1/auth/tenants/{tenant}/api-keys", Has("admin"), r#"{"name": "x", "scopes": ["read"], "all_sites": true}"#),
    ("DELETE", "/v1/auth/tenants/{tenant}/api-keys/{key}", Has("admin"), ""),
    ("POST", "/v1/auth/login/mfa", Nobody, ""),
    ("POST", "/v1/auth/mfa/totp", Anybody, ""),
    ("POST", "/v1/auth/mfa/totp/confirm", Anybody, r#"{"code": "000000"}"#),
    ("POST", "/v1/auth/mfa/recovery-codes", Anybody, ""),
    ("DELETE", "/v1/auth/mfa/totp", Anybody, ""),
    ("POST", "/v1/auth/tenants/{tenant}/members/{member}/reset-mfa", Has("manage_members"), ""),
    ("PATCH", "/v1/auth/me", Anybody, r#"{"name": "Y"}"#),
    ("DELETE", "/v1/auth/me", Anybody, r#"{"confirm": "x"}"#),
    ("GET", "/v1/auth/me/export", Anybody, ""),
    ("POST", "/v1/auth/me/lost-device", Anybody, ""),
    ("GET", "/v1/auth/tenants", Anybody, ""),
    ("POST", "/v1/auth/tenants", Anybody, r#"{"name": "X", "currency": "EUR", "time_zone": "Europe/Paris"}"#),
    ("PATCH", "/v1/auth/tenants/{tenant}", Has("admin"), r#"{"name": "Y"}"#),
    ("DELETE", "/v1/auth/tenants/{tenant}", Has("admin"), r#"{"confirm": "x"}"#),
    ("GET", "/v1/auth/tenants/{tenant}/audit", Has("admin"), ""),
    ("GET", "/v1/inventory/adjustments", Has("read"), ""),
    ("POST", "/v1/inventory/adjustments", Has("adjust"), r#"{"location": "main/walk-in", "lines": [{"sku": "EGG", "quantity": "-1", "reason": "missing"}]}"#),
    ("GET", "/v1/inventory/adjustments/{adjustment}", Has("read"), ""),
    ("GET", "/v1/inventory/audit", Either("close", "admin"), ""),
    ("GET", "/v1/inventory/counts", Has("read"), ""),
    ("POST", "/v1/inventory/counts", Has("count"), r#"{"location": "main/walk-in"}"#),
    ("GET", "/v1/inventory/counts/{count}", Has("read"), ""),
    ("PATCH", "/v1/inventory/counts/{count}", Has("count"), r#"{"uncounted": "zero"}"#),
    ("POST", "/v1/inventory/counts/{count}/approve", Has("approve"), "{}"),
    ("POST", "/v1/inventory/counts/{count}/cancel", Has("count"), "{}"),
    ("GET", "/v1/inventory/counts/{count}/lines", Has("read"), ""),
    ("PUT", "/v1/inventory/counts/{count}/lines", Has("count"), r#"{"lines": [{"sku": "EGG", "quantity": "1"}]}"#),
    ("POST", "/v1/inventory/counts/{count}/post", Has("count"), "{}"),
    ("POST", "/v1/inventory/counts/{count}/recount", Has("count"), r#"{"lines": [{"sku": "EGG"}]}"#),
    ("POST", "/v1/inventory/counts/{count}/repost", Has("adjust"), r#"{"reason": "typing_error"}"#),
    ("POST", "/v1/inventory/counts/{count}/review", Has("count"), "{}"),
    ("POST", "/v1/inventory/counts/{count}/start", Has("count"), "{}"),
    ("GET", "/v1/inventory/documents", Has("read"), ""),
    ("GET", "/v1/inventory/documents/{receipt}", Has("read"), ""),
    ("POST", "/v1/inventory/documents/{receipt}/reverse", Has("adjust"), r#"{"reason": "typing_error"}"#),
    ("POST", "/v1/inventory/imports/counts", Has("count"), "sku,location,quantity\nEGG,main/walk-in,1\n"),
    ("POST", "/v1/inventory/imports/opening-stock", Has("adjust"), "sku,location,quantity,unit_cost\nEGG,main/walk-in,1,1\n"),
    ("POST", "/v1/inventory/imports/receipts", Has("receive"), "sku,location,quantity,unit_price\nEGG,main/walk-in,1,1\n"),
    ("GET", "/v1/inventory/items", Has("read"), ""),
    ("POST", "/v1/inventory/items", Has("manage_catalogue"), r#"{"sku": "X", "name": "X", "base_unit": "each"}"#),
    ("GET", "/v1/inventory/items/{item}", Has("read"), ""),
    ("PATCH", "/v1/inventory/items/{item}", Has("manage_catalogue"), r#"{"name": "Y"}"#),
    ("GET", "/v1/inventory/items/{item}/convert?quantity=1&from=each&to=each", Has("read"), ""),
    ("GET", "/v1/inventory/items/{item}/units", Has("read"), ""),
    ("POST", "/v1/inventory/items/{item}/units", Has("manage_catalogue"), r#"{"unit": "crate", "quantity": "90", "of": "each"}"#),
    ("DELETE", "/v1/inventory/items/{item}/units/{unit_code}", Has("manage_catalogue"), ""),
    ("GET", "/v1/inventory/ledger", Has("read"), ""),
    ("GET", "/v1/inventory/locations", Has("read"), ""),
    ("POST", "/v1/inventory/locations", Has("manage_catalogue"), r#"{"kind": "site", "code": "x", "name": "X", "time_zone": "Europe/Paris"}"#),
    ("GET", "/v1/inventory/locations/{location}", Has("read"), ""),
    ("PATCH", "/v1/inventory/locations/{location}", Has("manage_catalogue"), r#"{"name": "Y"}"#),
    ("GET", "/v1/inventory/lots", Has("read"), ""),
    ("GET", "/v1/inventory/lots/{lot}", Has("read"), ""),
    ("PATCH", "/v1/inventory/lots/{lot}", Either("adjust", "approve"), r#"{"status": "hold"}"#),
    ("POST", "/v1/inventory/lots/{lot}/open", Has("use_stock"), r#"{"location": "main/walk-in", "quantity": "1"}"#),
    ("POST", "/v1/inventory/lots/{lot}/recall", Has("approve"), "{}"),
    ("POST", "/v1/inventory/lots/{lot}/reseal", Has("adjust"), r#"{"reason": "typing_error"}"#),
    ("GET", "/v1/inventory/lots/{lot}/trace", Has("read"), ""),
    ("GET", "/v1/inventory/periods", Has("read"), ""),
    ("POST", "/v1/inventory/periods", Has("close"), r#"{"last_day": "2026-10-31"}"#),
    ("GET", "/v1/inventory/periods/{period}", Has("read"), ""),
    ("POST", "/v1/inventory/periods/{period}/close", Has("close"), "{}"),
    ("POST", "/v1/inventory/periods/{period}/reopen", Has("close"), "{}"),
    ("GET", "/v1/inventory/reasons", Has("read"), ""),
    ("POST", "/v1/inventory/reasons", Has("manage_catalogue"), r#"{"kind": "waste", "code": "x", "name": "X"}"#),
    ("GET", "/v1/inventory/reasons/{reason}", Has("read"), ""),
    ("PATCH", "/v1/inventory/reasons/{reason}", Has("manage_catalogue"), r#"{"name": "Y"}"#),
    ("GET", "/v1/inventory/receipts", Has("read"), ""),
    ("POST", "/v1/inventory/receipts", Has("receive"), r#"{"location": "main/walk-in", "lines": [{"sku": "EGG", "quantity": "1", "line_total": "1"}]}"#),
    ("GET", "/v1/inventory/receipts/{receipt}", Has("read"), ""),
    ("POST", "/v1/inventory/receipts/{receipt}/charges", Has("receive"), r#"{"charges": [{"label": "freight", "amount": "1"}]}"#),
    ("POST", "/v1/inventory/receipts/{receipt}/correct", Has("receive"), r#"{"line": 1, "quantity": "12", "line_total": "6"}"#),
    ("GET", "/v1/inventory/reports/valuation", Has("see_costs"), ""),
    ("GET", "/v1/inventory/reports/waste?from=2026-11-01&to=2026-11-30", Has("read"), ""),
    ("GET", "/v1/inventory/reservations", Has("read"), ""),
    ("POST", "/v1/inventory/reservations", Has("use_stock"), r#"{"location": "main/walk-in", "sku": "EGG", "quantity": "1"}"#),
    ("DELETE", "/v1/inventory/reservations/{reservation}", Has("use_stock"), ""),
    ("GET", "/v1/inventory/reservations/{reservation}", Has("read"), ""),
    ("GET", "/v1/inventory/shortages", Has("read"), ""),
    ("GET", "/v1/inventory/shortages/{shortage}", Has("read"), ""),
    ("POST", "/v1/inventory/shortages/{shortage}/clear", Has("use_stock"), r#"{"note": "x"}"#),
    ("GET", "/v1/inventory/stock", Has("read"), ""),
    ("GET", "/v1/inventory/transfers", Has("read"), ""),
    (
        "POST",
        "/v1/inventory/transfers",
        Has("transfer"),
        r#"{"from_location": "main/walk-in", "to_location": "main/dry-store", "lines": [{"sku": "EGG", "quantity": "1"}]}"#,
    ),
    ("GET", "/v1/inventory/transfers/{transfer}", Has("read"), ""),
    ("POST", "/v1/inventory/transfers/{transfer}/cancel", Has("transfer"), "{}"),
    ("POST", "/v1/inventory/transfers/{transfer}/dispatch", Has("transfer"), "{}"),
    ("POST", "/v1/inventory/transfers/{transfer}/loss", Has("transfer"), r#"{"lines": [{"sku": "EGG", "quantity": "1", "reason": "lost_in_transit"}]}"#),
    ("POST", "/v1/inventory/transfers/{transfer}/receive", Has("transfer"), "{}"),
    ("GET", "/v1/inventory/transformations", Has("read"), ""),
    (
        "POST",
        "/v1/inventory/transformations",
        Has("use_stock"),
        r#"{"location": "main/walk-in", "kind": "repack", "inputs": [{"sku": "EGG", "quantity": "1"}], "outputs": [{"sku": "EGG", "quantity": "1"}]}"#,
    ),
    ("GET", "/v1/inventory/transformations/{transformation}", Has("read"), ""),
    ("GET", "/v1/inventory/units", Has("read"), ""),
    ("POST", "/v1/inventory/units", Has("manage_catalogue"), r#"{"code": "stone", "name": "Stone", "dimension": "mass", "num": 635029318, "den": 100000}"#),
    ("GET", "/v1/inventory/units/{unit}", Has("read"), ""),
    ("PATCH", "/v1/inventory/units/{unit}", Has("manage_catalogue"), r#"{"name": "Y"}"#),
    ("GET", "/v1/inventory/usage", Has("read"), ""),
    ("POST", "/v1/inventory/usage", Has("use_stock"), r#"{"location": "main/walk-in", "purpose": "service", "lines": [{"sku": "EGG", "quantity": "1"}]}"#),
    ("GET", "/v1/inventory/usage/{usage}", Has("read"), ""),
    ("GET", "/v1/inventory/vendor-returns", Has("read"), ""),
    (
        "POST",
        "/v1/inventory/vendor-returns",
        Has("receive"),
        r#"{"location": "main/walk-in", "lines": [{"sku": "EGG", "quantity": "1", "reason": "quality"}]}"#,
    ),
    ("GET", "/v1/inventory/vendor-returns/{vendor_return}", Has("read"), ""),
    ("GET", "/v1/inventory/waste", Has("read"), ""),
    ("POST", "/v1/inventory/waste", Has("waste"), r#"{"location": "main/walk-in", "lines": [{"sku": "EGG", "quantity": "1", "reason": "spoiled"}]}"#),
    ("GET", "/v1/inventory/waste/{waste}", Has("read"), ""),
];

/// What asks for more than the permission of its row: for that of what it changes or reads, or for costs.
const NEEDS_MORE: [(&str, &str); 5] = [
    ("POST", "/v1/inventory/counts/{count}/repost"),
    ("POST", "/v1/inventory/documents/{receipt}/reverse"),
    ("POST", "/v1/inventory/receipts/{receipt}/charges"),
    ("POST", "/v1/inventory/receipts/{receipt}/correct"),
    ("GET", "/v1/inventory/reports/valuation"),
];

/// What each role holds, as docs/auth.md has it: owner, manager, buyer, staff, viewer.
const ROLES: [&str; 5] = ["owner", "manager", "buyer", "staff", "viewer"];
const HELD: &[(&str, &str)] = &[
    ("read", "xxxxx"),
    ("see_costs", "xxx-x"),
    ("receive", "xxxx-"),
    ("waste", "xxxx-"),
    ("use_stock", "xxxx-"),
    ("transfer", "xxxx-"),
    ("count", "xxxx-"),
    ("order", "xxx--"),
    ("manage_catalogue", "xx---"),
    ("adjust", "xx---"),
    ("approve", "xx---"),
    ("backdate", "xx---"),
    ("close", "xx---"),
    ("manage_members", "xx---"),
    ("admin", "x----"),
];

fn holds(role: usize, permission: &str) -> bool {
    let (_, marks) = HELD.iter().find(|(name, _)| *name == permission).expect("a permission of the table");
    marks.as_bytes()[role] == b'x'
}

/// The kitchen of a tenant with one of everything, by the names in the table.
struct Full {
    owner: Client,
    names: BTreeMap<&'static str, String>,
}

impl Full {
    async fn open(owner: Client) -> Self {
        let kitchen = Kitchen::of(owner.clone()).await;
        let mut names = BTreeMap::new();
        let made = async |path: &str, body: Value| owner.post(&format!("/v1/inventory/{path}"), body).await.ok(201);
        let id = |body: &Value| text(&body["id"]);
        let document = |body: &Value| text(&body["document"]["id"]);
        let egg = kitchen.item("EGG", json!({})).await;
        let receipt = kitchen.receive(json!([{ "sku": "EGG", "quantity": "100", "line_total": "50" }])).await;
        names.insert("item", id(&egg));
        names.insert("lot", text(&receipt["entries"][0]["lot_id"]));
        names.insert("receipt", document(&receipt));
        names.insert("location", text(&receipt["entries"][0]["location_id"]));
        owner.post(&format!("/v1/inventory/items/{}/units", names["item"]), json!({ "unit": "tray", "quantity": "30", "of": "each" })).await.ok(201);
        names.insert("unit_code", "tray".into());
        let line = |more: Value| {
            let mut line = json!({ "sku": "EGG", "quantity": "1" });
            line.as_object_mut().expect("a line").extend(more.as_object().expect("fields").clone());
            json!({ "location": WALK_IN, "lines": [line] })
        };
        names.insert("waste", document(&made("waste", line(json!({ "reason": "spoiled" }))).await));
        names.insert("adjustment", document(&made("adjustments", line(json!({ "quantity": "-1", "reason": "missing" }))).await));
        names.insert("vendor_return", document(&made("vendor-returns", line(json!({ "reason": "quality" }))).await));
        let mut usage = line(json!({}));
        usage["purpose"] = json!("service");
        names.insert("usage", document(&made("usage", usage.clone()).await));
        usage["lines"][0]["quantity"] = json!("1000");
        usage["on_short"] = json!("record");
        usage["lines"][0]["sku"] = json!("SALT");
        kitchen.item("SALT", json!({})).await;
        made("usage", usage).await;
        names.insert("shortage", text(&owner.get("/v1/inventory/shortages").await.ok(200)["data"][0]["id"]));
        names.insert("reservation", id(&made("reservations", json!({ "location": WALK_IN, "sku": "EGG", "quantity": "1" })).await));
        let lines = json!([{ "sku": "EGG", "quantity": "1" }]);
        let repack = json!({ "location": WALK_IN, "kind": "repack", "inputs": lines, "outputs": lines });
        names.insert("transformation", document(&made("transformations", repack).await));
        let transfer = made("transfers", json!({ "from_location": WALK_IN, "to_location": "main/dry-store", "lines": lines })).await;
        names.insert("transfer", text(&transfer["transfer"]["id"]));
        names.insert("count", id(&made("counts", json!({ "location": "main/dry-store" })).await));
        names.insert("period", id(&made("periods", json!({ "last_day": "2026-09-30" })).await));
        for (name, list) in [("reason", "reasons"), ("unit", "units")] {
            names.insert(name, id(&owner.get(&format!("/v1/inventory/{list}?limit=1")).await.ok(200)["data"][0]));
        }
        names.insert("tenant", owner.tenant_id.to_string());
        let me = owner.get("/v1/auth/me").await.ok(200);
        names.insert("session", text(&me["session_id"]));
        names.insert("member", text(&me["membership_id"]));
        let below = format!("/v1/auth/tenants/{}", owner.tenant_id);
        let invite = json!({ "email": "invited@example.org", "role": "viewer", "all_sites": true });
        names.insert("invite", id(&owner.post_without_key(&format!("{below}/invites"), invite).await.ok(201)["invite"]));
        let key = json!({ "name": "till", "scopes": ["read"], "all_sites": true });
        names.insert("key", id(&owner.post_without_key(&format!("{below}/api-keys"), key).await.ok(201)));
        // It tells its maker of the key.
        names.insert("notice", text(&owner.get("/v1/auth/me").await.ok(200)["notices"][0]["id"]));
        Self { owner, names }
    }

    /// A path of the table with the names of this kitchen in it.
    fn path(&self, path: &str) -> String {
        self.names.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// The same names in another tenant's paths.
    fn below(&self, tenant: &Self) -> Self {
        let mut names = self.names.clone();
        names.insert("tenant", tenant.names["tenant"].clone());
        Self { owner: tenant.owner.clone(), names }
    }

    /// A key of the owner's with every permission but these.
    async fn key_without(&self, permissions: &[&str]) -> Client {
        let scopes: Vec<&str> = HELD.iter().map(|(name, _)| *name).filter(|name| !permissions.contains(name)).collect();
        self.key_with(&scopes).await
    }

    /// A key of the owner's with these and nothing else.
    async fn key_with(&self, scopes: &[&str]) -> Client {
        let body = json!({ "name": "some of it", "scopes": scopes, "all_sites": true });
        let made = self.owner.post_without_key(&format!("/v1/auth/tenants/{}/api-keys", self.owner.tenant_id), body).await.ok(201);
        self.owner.with_token(text(&made["secret"]))
    }
}

async fn send(client: &Client, (method, path, _, body): &Row, path_of: &Full, key: &str) -> Reply {
    let path = path_of.path(path);
    let mut call = client.call(method, &path);
    if method != &"GET" && path.starts_with("/v1/inventory") {
        call = call.header("Idempotency-Key", key);
    }
    if matches!(*method, "PATCH" | "DELETE") {
        call = call.header("If-Match", "*");
    }
    if body.is_empty() {
        return call.send().await;
    }
    let kind = if body.starts_with('{') { "application/json" } else { "text/csv" };
    call.body(kind, *body).send().await
}

/// The template of a path of the document, so that it can be compared with one of the table.
fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

async fn contents(api: &Api) -> (Contents, Contents) {
    (Contents::of(api.auth_db()).await, Contents::of(api.inventory_db()).await)
}

#[test]
fn every_operation_is_in_the_table() {
    let document: Value = serde_json::from_str(larder::openapi::COMMITTED).expect("JSON");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        documented.extend(item.as_object().expect("an item").keys().map(|method| (method.to_ascii_uppercase(), template(path))));
    }
    let known: BTreeSet<_> = TABLE.iter().map(|(method, path, ..)| ((*method).to_owned(), template(path))).collect();
    let missing: Vec<_> = documented.difference(&known).collect();
    assert!(missing.is_empty(), "say in the table of this file what these need: {missing:?}");
    assert!(known.is_subset(&documented), "these are no operations: {:?}", known.difference(&documented).collect::<Vec<_>>());
    let document = include_str!("../../../docs/auth.md");
    for (permission, marks) in HELD {
        let row = document.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{permission}`"))).unwrap_or_else(|| panic!("{permission}"));
        let told: Vec<char> = row.trim_matches('|').split('|').skip(1).map(|cell| if cell.trim() == "x" { 'x' } else { '-' }).collect();
        assert_eq!(told.iter().collect::<String>(), *marks, "docs/auth.md has another row for {permission}");
    }
}

both_engines! {
    async fn whoever_lacks_a_permission_is_refused_and_nothing_is_written(api: Api) {
        let full = Full::open(api.owner().await).await;
        let mut members = Vec::new();
        for role in ROLES {
            members.push(api.member(role, None).await);
        }
        let mut keys = BTreeMap::new();
        let needed: BTreeSet<_> = TABLE.iter().map(|row| row.2.permissions()).filter(|permissions| !permissions.is_empty()).collect();
        for permissions in needed {
            let key = full.key_without(&permissions).await;
            keys.insert(permissions, key);
        }
        // Their first use is written down, once a minute.
        for key in keys.values() {
            key.get("/v1/inventory/units?limit=1").await;
        }
        let before = contents(&api).await;
        let (mut asked, mut wrong) = (0, Vec::new());
        for row in TABLE {
            let permissions = row.2.permissions();
            let Some(key) = keys.get(&permissions) else { continue };
            let lacks = |role: usize| !permissions.iter().any(|permission| holds(role, permission));
            let lacking = members.iter().enumerate().filter(|(role, _)| lacks(*role)).map(|(_, member)| member);
            for client in lacking.chain([key]) {
                let reply = send(client, row, &full, &fresh("refused")).await;
                if (reply.status, reply.code()) != (403, "forbidden") {
                    wrong.push(answered(row, &reply));
                }
                asked += 1;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(asked > 200, "{asked}");
        let after = contents(&api).await;
        // Refusals of acts on members are written down; the use of keys, too.
        let without = |(auth, inventory): (Contents, Contents)| {
            let mut auth = auth;
            auth.0.remove("audit_event");
            auth.0.remove("audit_address");
            auth.0.remove("api_key");
            (auth, inventory)
        };
        let (before, after) = (without(before), without(after));
        assert!(before == after, "{}{}", before.0.difference(&after.0), before.1.difference(&after.1));
    }

    async fn a_key_is_refused_by_all_that_is_for_people_and_does_everything_else_with_the_least_scope(api: Api) {
        let full = Full::open(api.owner().await).await;
        let everything = full.key_without(&[]).await;
        everything.get("/v1/inventory/units?limit=1").await.ok(200);
        // Its first use is written down beside the request, and for a minute no other.
        let used = async || !texts(api.auth_db(), "SELECT name FROM api_key WHERE last_used_at IS NOT NULL").await.is_empty();
        soon("its use is written down", used).await;
        let before = contents(&api).await;
        let (mut asked, mut wrong) = (0, Vec::new());
        for row in TABLE.iter().filter(|row| row.2 != Nobody && row.1.starts_with("/v1/auth/")) {
            let reply = send(&everything, row, &full, "").await;
            if (reply.status, reply.code()) != (403, "forbidden") {
                wrong.push(answered(row, &reply));
            }
            asked += 1;
        }
        let after = contents(&api).await;
        assert!(before == after, "{}{}", before.0.difference(&after.0), before.1.difference(&after.1));
        assert!(asked > 30, "{asked}");
        let mut keys = BTreeMap::new();
        for row in TABLE.iter().filter(|row| row.1.starts_with("/v1/inventory/")) {
            for permission in row.2.permissions() {
                if !keys.contains_key(permission) {
                    keys.insert(permission, full.key_with(&[permission]).await);
                }
                let reply = send(&keys[permission], row, &full, &fresh("least")).await;
                let needs_more = NEEDS_MORE.iter().any(|(method, path)| (*method, *path) == (row.0, row.1));
                if (reply.code() == "forbidden") != needs_more || matches!(reply.status, 401 | 500..) || row.0 == "GET" && !needs_more && reply.status != 200 {
                    wrong.push(answered(row, &reply));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn whoever_lacks_the_second_factor_that_the_tenant_requires_is_refused_but_where_it_is_enrolled(api: Api) {
        let full = Full::open(api.owner().await).await;
        api.auth_db().execute_unprepared("UPDATE tenant SET mfa_required = true").await.expect("required");
        api.advance(chrono::TimeDelta::seconds(5));
        let document: Value = serde_json::from_str(larder::openapi::COMMITTED).expect("JSON");
        let is_open = |(method, path, ..): &Row| {
            let item = document["paths"].as_object().expect("paths").iter().find(|(known, _)| template(known) == template(path)).expect("a path").1;
            let id = &item[method.to_ascii_lowercase()]["operationId"];
            larder::openapi::WITHOUT_SECOND_FACTOR.iter().any(|open| id == open)
        };
        let (mut refused, mut wrong) = (0, Vec::new());
        for row in TABLE.iter().filter(|row| row.2 != Nobody) {
            if is_open(row) && row.0 != "GET" {
                // They would end the session, or change what is asked for after them.
                continue;
            }
            let reply = send(&full.owner, row, &full, &fresh("factor")).await;
            if (reply.code() == "mfa_enrollment_required") == is_open(row) {
                wrong.push(answered(row, &reply));
            }
            refused += usize::from(reply.status == 403);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(refused > 100, "{refused}");
        for row in TABLE.iter().filter(|row| row.2 != Nobody && is_open(row)) {
            let owner = api.log_in(crate::support::OWNER_EMAIL).await;
            let reply = send(&owner, row, &full, &fresh("factor")).await;
            assert_ne!(reply.code(), "mfa_enrollment_required", "{}", answered(row, &reply));
        }
    }

    async fn what_another_tenant_has_is_not_there(api: Api) {
        let full = Full::open(api.owner().await).await;
        let stranger = Full::open(api.other_tenant().await).await;
        let before = contents(&api).await;
        let (mut asked, mut wrong) = (0, Vec::new());
        for row in TABLE.iter().filter(|row| row.1.contains('{')) {
            let reply = send(&stranger.owner, row, &full, &fresh("stranger")).await;
            if (reply.status, reply.code()) != (404, "not_found") {
                wrong.push(answered(row, &reply));
            }
            asked += 1;
        }
        // Neither is it below their own tenant, where they may do everything.
        let below = full.below(&stranger);
        for row in TABLE.iter().filter(|row| row.1.contains("{tenant}/") && row.1.matches('{').count() > 1) {
            let reply = send(&stranger.owner, row, &below, "").await;
            if (reply.status, reply.code()) != (404, "not_found") {
                wrong.push(format!("below their own tenant, {}", answered(row, &reply)));
            }
            asked += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(asked > 57, "{asked}");
        let after = contents(&api).await;
        assert!(before == after, "{}{}", before.0.difference(&after.0), before.1.difference(&after.1));
        // The lists hold nothing of it, either.
        for row in TABLE.iter().filter(|row| row.0 == "GET" && row.2 != Nobody && !row.1.contains('{')) {
            let reply = send(&stranger.owner, row, &full, "").await;
            wrong.extend(shown(&reply, &full.names, row));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn what_lies_at_another_site_is_in_no_list_and_no_total(api: Api) {
        let full = Full::open(api.owner().await).await;
        let far = json!({ "kind": "site", "code": "far", "name": "Far away", "time_zone": "Europe/Paris" });
        let far = full.owner.post("/v1/inventory/locations", far).await.ok(201)["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).expect("an id");
        let manager = api.member("manager", Some(&[far])).await;
        // What belongs to the tenant as a whole is everybody's.
        let everybodys = ["item", "unit", "unit_code", "reason", "period", "tenant", "session", "member", "invite", "key", "notice"];
        let names: BTreeMap<_, _> = full.names.iter().filter(|(name, _)| !everybodys.contains(name)).map(|(name, id)| (*name, id.clone())).collect();
        let mut wrong = Vec::new();
        for row in TABLE {
            let (method, path, need, _) = row;
            let named = path.split(['{', '}']).nth(1);
            if need.permissions().is_empty() || need.permissions().contains(&"admin") || named.is_some_and(|name| everybodys.contains(&name)) {
                continue;
            }
            if named.is_some() {
                let reply = send(&manager, row, &full, &fresh("site")).await;
                if !matches!(reply.code(), "not_found" | "forbidden") {
                    wrong.push(answered(row, &reply));
                }
            } else if *method == "GET" {
                let reply = send(&manager, row, &full, "").await;
                wrong.extend(shown(&reply, &names, row));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for (path, total) in [("/v1/inventory/reports/valuation", "total"), ("/v1/inventory/reports/waste?from=2026-11-01&to=2026-11-30", "total")] {
            let report = manager.get(path).await.ok(200);
            assert_eq!((&report["data"], &report[total]), (&json!([]), &json!("0")), "{path}");
        }
    }
}

fn answered((method, path, ..): &Row, reply: &Reply) -> String {
    format!("{method} {path} answered {}: {}", reply.status, reply.text)
}

/// What a list shows that it should not, or that it is none.
fn shown(reply: &Reply, names: &BTreeMap<&'static str, String>, row: &Row) -> Vec<String> {
    if reply.status != 200 {
        return vec![answered(row, reply)];
    }
    let is_there = |(name, id): &(&&str, &String)| id.len() == 36 && **name != "tenant" && reply.text.contains(id.as_str());
    names.iter().filter(is_there).map(|(name, _)| format!("{} {} shows a {name}: {}", row.0, row.1, reply.text)).collect()
}
