//! Tenants to work in, made as people make them: over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{Clock, Ids};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;
use crate::larder::{Larder, SETUP_TOKEN};

/// An item in an area of a tenant, of which there is more than a benchmark uses.
#[derive(Clone, Debug)]
pub struct Place {
    pub tenant_id: String,
    /// An API key that may do what kitchens do.
    pub key: String,
    pub site_id: String,
    pub location_id: String,
    pub item_id: String,
    pub sku: String,
}

/// So many tenants one user may own.
const OWNED: usize = 20;
/// Of everybody.
pub const PASSWORD: &str = "seven copper kettles under the stairs";
/// In base units; every posting takes one.
const IN_STOCK: &str = "100000000";
pub const AREA: &str = "main/walk-in";

/// Speaks to a server as one caller.
pub struct Caller {
    client: Client,
    address: String,
    token: String,
    /// What the keys of its requests begin with: no two callers share one.
    name: Uuid,
    sent: AtomicU64,
}

impl Caller {
    pub fn new(larder: &Larder, token: &str) -> Self {
        Self {
            client: Client::new(),
            address: larder.address.clone(),
            token: token.to_owned(),
            name: Ids::System.next(Clock::System.now()),
            sent: AtomicU64::new(0),
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let sent = self.client.post(format!("{}{path}", self.address)).bearer_auth(&self.token).json(body);
        // Credentials are answered under no key, and postings only under one.
        let sent = if path.starts_with("/v1/auth") { sent } else { sent.header("Idempotency-Key", self.key()) };
        answer(path, sent.send().await?).await
    }

    /// Sends a file.
    pub async fn post_csv(&self, path: &str, text: String) -> Outcome<Value> {
        let sent = self.client.post(format!("{}{path}", self.address)).bearer_auth(&self.token).header("Idempotency-Key", self.key());
        answer(path, sent.header("Content-Type", "text/csv").body(text).send().await?).await
    }

    fn key(&self) -> String {
        format!("{}-{}", self.name, self.sent.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn get(&self, path: &str) -> Outcome<Value> {
        let sent = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.token).send().await?;
        answer(path, sent).await
    }
}

async fn answer(path: &str, response: Response) -> Outcome<Value> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        return Err(format!("{path}: {status}: {text}").into());
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A field of an answer that must be there.
pub fn text(answer: &Value, field: &str) -> Outcome<String> {
    Ok(answer.get(field).and_then(Value::as_str).ok_or_else(|| format!("{answer} has no {field}"))?.to_owned())
}

/// Makes that many tenants, each of which stocks so many items, and answers the first item of each. With a single one Postgres would read all of each
/// table of stock, which has a hundred rows then, rather than look a row up.
pub async fn each_with_items(larder: &Larder, tenants: usize, items: usize) -> Outcome<Vec<Place>> {
    let mut places = Vec::new();
    let first = set_up(larder).await?;
    let (owner, first_tenant) = (Caller::new(larder, &text(&first, "access_token")?), text(&first, "tenant_id")?);
    let mut founder = Caller::new(larder, &text(&first, "access_token")?);
    let mut sessions = vec![first];
    let mut founded = 1;
    let mut users = 1;
    while sessions.len() < tenants {
        if founded == OWNED {
            users += 1;
            let email = format!("owner{users}@example.com");
            let invite =
                owner.post(&format!("/v1/auth/tenants/{first_tenant}/invites"), &json!({ "email": email, "role": "viewer", "all_sites": true })).await?;
            let accept = json!({ "token": text(&invite, "token")?, "name": format!("Owner {users}"), "password": PASSWORD });
            let accepted = Caller::new(larder, "").post("/v1/auth/invites/accept", &accept).await?;
            founder = Caller::new(larder, &text(&accepted, "access_token")?);
            founded = 0;
        }
        let name = format!("Kitchen {}", sessions.len());
        sessions.push(founder.post("/v1/auth/tenants", &json!({ "name": name, "currency": "EUR", "time_zone": "Europe/Paris" })).await?);
        founded += 1;
    }
    for session in &sessions {
        let place = furnish(larder, session, 1).await?.pop().ok_or("no place")?;
        let file = (1..items).fold("sku,name,quantity,unit_cost\n".to_owned(), |file, number| file + &format!("SKU{number},Item {number},1000,1\n"));
        let path = format!("/v1/inventory/imports/opening-stock?location={AREA}&create_items=true&default_unit=g");
        Caller::new(larder, &text(session, "access_token")?).post_csv(&path, file).await?;
        places.push(place);
    }
    Ok(places)
}

/// Makes one tenant with that many items.
pub async fn with_items(larder: &Larder, items: usize) -> Outcome<Vec<Place>> {
    let session = set_up(larder).await?;
    furnish(larder, &session, items).await
}

/// Makes one tenant with one item; and who may invite others into it.
pub async fn with_a_session(larder: &Larder) -> Outcome<(Place, Caller)> {
    let session = set_up(larder).await?;
    let place = furnish(larder, &session, 1).await?.pop().ok_or("no place")?;
    Ok((place, Caller::new(larder, &text(&session, "access_token")?)))
}

async fn set_up(larder: &Larder) -> Outcome<Value> {
    let owner = json!({
        "setup_token": SETUP_TOKEN, "email": "owner@example.com", "password": PASSWORD, "name": "Owner",
        "tenant_name": "The first kitchen", "currency": "EUR", "time_zone": "Europe/Paris",
    });
    Caller::new(larder, "").post("/v1/auth/setup", &owner).await
}

/// A site, an area, items and a receipt of all of them, in the tenant of a session.
async fn furnish(larder: &Larder, session: &Value, items: usize) -> Outcome<Vec<Place>> {
    let (tenant_id, owner) = (text(session, "tenant_id")?, Caller::new(larder, &text(session, "access_token")?));
    let key =
        json!({ "name": "benchmark", "scopes": ["read", "see_costs", "receive", "waste", "use_stock", "backdate", "adjust", "close"], "all_sites": true });
    let key = text(&owner.post(&format!("/v1/auth/tenants/{tenant_id}/api-keys"), &key).await?, "secret")?;
    let site = json!({ "kind": "site", "code": "main", "name": "Main kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" });
    let site_id = text(&owner.post("/v1/inventory/locations", &site).await?, "id")?;
    let area = json!({ "kind": "area", "code": "walk-in", "name": "Walk-in", "parent": "main" });
    let location_id = text(&owner.post("/v1/inventory/locations", &area).await?, "id")?;
    let (mut places, mut lines) = (Vec::new(), Vec::new());
    for number in 0..items {
        let sku = format!("SKU{number}");
        let item = json!({ "sku": sku, "name": format!("Item {number}"), "base_unit": "g", "kind": "ingredient", "pick": "fefo" });
        let item_id = text(&owner.post("/v1/inventory/items", &item).await?, "id")?;
        lines.push(json!({ "sku": sku, "quantity": IN_STOCK, "unit_price": "1" }));
        let (tenant_id, key, site_id, location_id) = (tenant_id.clone(), key.clone(), site_id.clone(), location_id.clone());
        places.push(Place { tenant_id, key, site_id, location_id, item_id, sku });
    }
    owner.post("/v1/inventory/receipts", &json!({ "location": AREA, "lines": lines })).await?;
    Ok(places)
}
