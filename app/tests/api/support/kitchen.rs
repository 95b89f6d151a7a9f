//! A kitchen to test in: a site in Paris whose days begin at four, two areas, and the items that a test asks for.

use serde_json::{Value, json};

use super::{Api, Client};

pub const WALK_IN: &str = "main/walk-in";
pub const DRY_STORE: &str = "main/dry-store";

#[derive(Clone)]
pub struct Kitchen {
    pub owner: Client,
    pub site: Value,
}

impl Kitchen {
    pub async fn open(api: &Api) -> Self {
        Self::of(api.owner().await).await
    }

    /// In the tenant of somebody who may manage the catalogue.
    pub async fn of(owner: Client) -> Self {
        let site = json!({ "kind": "site", "code": "main", "name": "Main kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" });
        let site = owner.post("/v1/inventory/locations", site).await.ok(201);
        for (code, name) in [("walk-in", "Walk-in"), ("dry-store", "Dry store")] {
            owner.post("/v1/inventory/locations", json!({ "kind": "area", "code": code, "name": name, "parent": "main" })).await.ok(201);
        }
        Self { owner, site }
    }

    /// An item in pieces, picked by expiry; `more` overrides.
    pub async fn item(&self, sku: &str, more: Value) -> Value {
        let mut item = json!({ "sku": sku, "name": format!("Item {sku}"), "base_unit": "each" });
        for (name, value) in more.as_object().into_iter().flatten() {
            item[name] = value.clone();
        }
        self.owner.post("/v1/inventory/items", item).await.ok(201)
    }

    /// Receives lines into the walk-in.
    pub async fn receive(&self, lines: Value) -> Value {
        self.owner.post("/v1/inventory/receipts", json!({ "location": WALK_IN, "lines": lines })).await.ok(201)
    }

    /// The same at a time.
    pub async fn receive_at(&self, at: &str, lines: Value) -> Value {
        self.owner.post("/v1/inventory/receipts", json!({ "location": WALK_IN, "effective_at": at, "lines": lines })).await.ok(201)
    }

    /// Throws lines away out of the walk-in; every line for the same reason.
    pub async fn waste(&self, lines: Value) -> Value {
        self.owner.post("/v1/inventory/waste", waste_body(lines)).await.ok(201)
    }

    /// Quantity and value of an item everywhere.
    pub async fn on_hand(&self, sku: &str) -> (String, String) {
        let stock = self.owner.get("/v1/inventory/reports/valuation").await.ok(200);
        let row = stock["data"].as_array().expect("rows").iter().find(|row| row["sku"] == sku).cloned();
        row.map_or_else(|| ("0".into(), "0".into()), |row| (text(&row["quantity"]), text(&row["value"])))
    }

    /// The whole ledger.
    pub async fn ledger(&self) -> Vec<Value> {
        let (mut entries, mut after) = (Vec::new(), 0);
        loop {
            let page = self.owner.get(&format!("/v1/inventory/ledger?limit=500&after_seq={after}")).await.ok(200);
            let data = page["data"].as_array().expect("entries");
            entries.extend(data.iter().cloned());
            match data.last().and_then(|entry| entry["seq"].as_i64()) {
                Some(seq) => after = seq,
                None => return entries,
            }
        }
    }
}

/// Waste out of the walk-in; lines without a reason are spoiled.
pub fn waste_body(mut lines: Value) -> Value {
    for line in lines.as_array_mut().into_iter().flatten() {
        if line["reason"].is_null() {
            line["reason"] = "spoiled".into();
        }
    }
    json!({ "location": WALK_IN, "lines": lines })
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
