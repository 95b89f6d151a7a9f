//! `larder demo`: a made-up kitchen on databases in memory, loaded through the use cases that the API calls, and left running
//! to be looked at.

use chrono::{Days, NaiveDate};
use inventory::use_cases::{create_item, create_item_unit, create_location, post_receipt, post_waste, valuation};
use inventory::{Inventory, Once};
use kernel::{Caller, Clock, FromFields, Instant, Problem, reading};
use serde_json::{Value, json};

use crate::application::Application;

/// Who may log in to the demo. It lives in memory and listens to this machine only.
pub const EMAIL: &str = "demo@larder.example";
pub const PASSWORD: &str = "seventeen copper kettles";

/// What the demo did, in words.
pub struct Story {
    pub lines: Vec<String>,
    /// An access token of the owner, good for the first ten minutes.
    pub access_token: String,
}

/// Sets the kitchen up.
pub async fn load(application: &Application, clock: &Clock) -> Result<Story, Problem> {
    let setup_token = application.setup_token().unwrap_or_default();
    let setup = json!({
        "setup_token": setup_token, "email": EMAIL, "password": PASSWORD, "name": "Dana",
        "tenant_name": "The Harbour Café", "currency": "EUR", "time_zone": "Europe/Paris",
    });
    let tokens = auth::setup::execute(application.auth(), reading::read(&setup)?).await.map_err(Problem::from)?;
    let caller = application.auth().authenticate(&tokens.access_token).await?;
    let kitchen = Kitchen { inventory: application.inventory(), caller: &caller, now: clock.now() };
    Ok(Story { lines: kitchen.load().await?, access_token: tokens.access_token })
}

struct Kitchen<'a> {
    inventory: &'a Inventory,
    caller: &'a Caller,
    now: Instant,
}

/// An item of the demo, with the unit that it is delivered in.
struct Stocked {
    sku: &'static str,
    name: &'static str,
    base_unit: &'static str,
    shelf_life_days: Option<i64>,
    /// Name, quantity and unit: a case is 12 l.
    pack: Option<[&'static str; 3]>,
}

const ITEMS: [Stocked; 8] = [
    Stocked { sku: "MILK", name: "Whole milk", base_unit: "ml", shelf_life_days: Some(10), pack: Some(["case", "12", "l"]) },
    Stocked { sku: "CREAM", name: "Double cream", base_unit: "ml", shelf_life_days: Some(21), pack: Some(["tub", "2", "l"]) },
    Stocked { sku: "BUTTER", name: "Unsalted butter", base_unit: "g", shelf_life_days: Some(60), pack: Some(["block", "250", "g"]) },
    Stocked { sku: "EGGS", name: "Free-range eggs", base_unit: "each", shelf_life_days: Some(28), pack: Some(["tray", "30", "each"]) },
    Stocked { sku: "SALMON", name: "Salmon fillet", base_unit: "g", shelf_life_days: Some(3), pack: None },
    Stocked { sku: "SPINACH", name: "Baby spinach", base_unit: "g", shelf_life_days: Some(5), pack: Some(["bag", "500", "g"]) },
    Stocked { sku: "FLOUR", name: "Bread flour", base_unit: "g", shelf_life_days: None, pack: Some(["sack", "16", "kg"]) },
    Stocked { sku: "COFFEE", name: "Coffee beans", base_unit: "g", shelf_life_days: Some(365), pack: Some(["bag", "1", "kg"]) },
];

impl Kitchen<'_> {
    async fn load(&self) -> Result<Vec<String>, Problem> {
        let mut story = Vec::new();
        self.location(json!({ "kind": "site", "code": "main", "name": "Main kitchen", "time_zone": "Europe/Paris", "day_starts_at": "04:00" })).await?;
        for (code, name) in [("walk-in", "Walk-in fridge"), ("dry-store", "Dry store"), ("bar", "Bar")] {
            self.location(json!({ "kind": "area", "code": code, "name": name, "parent": "main" })).await?;
        }
        story.push("set up the site `main` with the areas walk-in, dry-store and bar".to_owned());
        for item in &ITEMS {
            self.item(item).await?;
        }
        story.push(format!("made {} items with their own units (a case of milk is 12 l)", ITEMS.len()));

        let today = self.now.utc().date_naive();
        let day = |days: u64| today.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX).to_string();
        let two_days_ago = self.now.plus(chrono::TimeDelta::days(-2));
        let number = self
            .receive(json!({
                "location": "main/walk-in", "effective_at": two_days_ago, "external_ref": "INV-881",
                "lines": [
                    { "sku": "MILK", "quantity": "4", "unit": "case", "unit_price": "11.40", "batch_code": "L77", "expires_on": day(4) },
                    { "sku": "CREAM", "quantity": "3", "unit": "tub", "unit_price": "9.20" },
                    { "sku": "BUTTER", "quantity": "20", "unit": "block", "unit_price": "2.35" },
                    { "sku": "EGGS", "quantity": "6", "unit": "tray", "line_total": "42.60" },
                    { "sku": "SALMON", "quantity": "3.4", "unit": "kg", "unit_price": "24.50" },
                    { "sku": "SPINACH", "quantity": "2", "unit": "bag", "free": "donation", "expires_on": day(1) }
                ],
                "charges": [{ "label": "delivery", "amount": "6.00", "basis": "value" }]
            }))
            .await?;
        story.push(format!("received {number}: six lines with lots and expiry dates, delivery charge shared out by value"));
        let number = self
            .receive(json!({
                "location": "main/dry-store",
                "lines": [
                    { "sku": "FLOUR", "quantity": "3", "unit": "sack", "unit_price": "14.90" },
                    { "sku": "COFFEE", "quantity": "8", "unit": "bag", "unit_price": "17.25", "batch_code": "0898984" }
                ]
            }))
            .await?;
        story.push(format!("received {number} into the dry store"));
        let number = self
            .waste(json!({
                "location": "main/walk-in",
                "lines": [
                    { "sku": "MILK", "quantity": "750", "unit": "ml", "reason": "spoiled", "destination": "sewer" },
                    { "sku": "SALMON", "quantity": "0.3", "unit": "kg", "reason": "trimmings", "destination": "composting" }
                ]
            }))
            .await?;
        story.push(format!("recorded waste {number}: spoiled milk, trimmings of salmon"));
        let value = valuation::execute(self.inventory, self.caller, reading::read(&json!({}))?).await?;
        story.push(format!("on hand: {} items worth {} {}", value.data.len(), value.total, value.currency));
        Ok(story)
    }

    async fn location(&self, body: Value) -> Result<(), Problem> {
        create_location::execute(self.inventory, self.caller, Once::never_again(), read(&body)?).await?;
        Ok(())
    }

    async fn item(&self, item: &Stocked) -> Result<(), Problem> {
        let Stocked { sku, name, base_unit, shelf_life_days, pack } = item;
        let body = json!({ "sku": sku, "name": name, "base_unit": base_unit, "shelf_life_days": shelf_life_days, "track_expiry": shelf_life_days.is_some() });
        let item = create_item::execute(self.inventory, self.caller, Once::never_again(), read(&body)?).await?.body;
        if let Some([unit, quantity, of]) = pack {
            let body = json!({ "unit": unit, "quantity": quantity, "of": of });
            create_item_unit::execute(self.inventory, self.caller, Once::never_again(), item.id, read(&body)?).await?;
        }
        Ok(())
    }

    async fn receive(&self, body: Value) -> Result<String, Problem> {
        Ok(post_receipt::execute(self.inventory, self.caller, Once::never_again(), read(&body)?).await?.body.document.number)
    }

    async fn waste(&self, body: Value) -> Result<String, Problem> {
        Ok(post_waste::execute(self.inventory, self.caller, Once::never_again(), read(&body)?).await?.body.document.number)
    }
}

fn read<T: FromFields>(body: &Value) -> Result<T, Problem> {
    reading::read(body)
}

/// What is printed when the demo is ready.
pub fn welcome(address: &str, story: &Story) -> String {
    let did: Vec<String> = story.lines.iter().map(|line| format!("  - {line}")).collect();
    format!(
        "\nA made-up kitchen, in memory: it is gone when you stop it (Ctrl-C).\n\nWhat was done, through the same use cases as the API:\n{}\n\n\
         Log in as {EMAIL} with the password: {PASSWORD}\n\nLook around (this token is good for ten minutes; POST /v1/auth/login gives another):\n\n  \
         TOKEN={}\n  curl -s -H \"Authorization: Bearer $TOKEN\" '{address}/v1/inventory/stock?include=lots'\n  \
         curl -s -H \"Authorization: Bearer $TOKEN\" {address}/v1/inventory/reports/valuation\n  \
         curl -s -H \"Authorization: Bearer $TOKEN\" {address}/v1/inventory/ledger\n\nEvery operation, to try in the browser: {address}/docs",
        did.join("\n"),
        story.access_token,
    )
}
