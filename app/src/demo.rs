//! A made-up kitchen, loaded through the use cases that the API calls. `larder demo` loads it into memory and leaves it running
//! to be looked at; `larder db seed` plays the same story on databases that stay.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use inventory::presence::Thing;
use inventory::use_cases::{create_item, create_item_unit, create_location, post_receipt, post_waste, valuation};
use inventory::{Inventory, Once};
use kernel::{Caller, Clock, FromFields, Instant, Problem, reading};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::application::Application;

/// Who may log in to the kitchen. Everybody may know it: `larder demo` listens to this machine only, and production mode
/// refuses to be seeded.
pub const EMAIL: &str = "demo@larder.example";
pub const PASSWORD: &str = "seventeen copper kettles";
pub const CURRENCY: &str = "EUR";
pub const TIME_ZONE: &str = "Europe/Paris";

/// What the demo did, in words.
pub struct Story {
    pub lines: Vec<String>,
    /// An access token of the owner, good for the first ten minutes.
    pub access_token: String,
}

/// Sets the kitchen up, in an application that nobody has set up yet.
pub async fn load(application: &Application, clock: &Clock) -> Result<Story, Problem> {
    let tokens = set_up(application, application.setup_token().unwrap_or_default()).await?;
    let caller = application.auth().authenticate(&tokens.access_token).await?;
    let mut kitchen = Kitchen::of(application.inventory(), &caller);
    let mut lines = Vec::new();
    for step in steps(clock.now()) {
        lines.extend(kitchen.take(&step).await?);
    }
    lines.push(kitchen.worth().await?);
    Ok(Story { lines, access_token: tokens.access_token })
}

/// Makes the owner and the tenant.
pub async fn set_up(application: &Application, setup_token: &str) -> Result<auth::Tokens, auth::Error> {
    let setup = json!({
        "setup_token": setup_token, "email": EMAIL, "password": PASSWORD, "name": "Dana",
        "tenant_name": "The Harbour Café", "currency": CURRENCY, "time_zone": TIME_ZONE,
    });
    auth::setup::execute(application.auth(), read(&setup).map_err(auth::Error::Refused)?, auth::UserAgent::default()).await
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

/// One thing that is done in the kitchen, through one use case.
pub struct Step {
    /// Its name in the story. It never changes: the ids of a seeded kitchen follow from it.
    pub name: String,
    work: Work,
    /// What there is to tell when it is done; `{number}` stands for the number of its document.
    told: Option<String>,
}

enum Work {
    Location(Value),
    Item(&'static Stocked),
    Pack(&'static Stocked, [&'static str; 3]),
    Receipt(Value),
    Waste(Value),
}

impl Step {
    fn new(name: impl Into<String>, work: Work) -> Self {
        Self { name: name.into(), work, told: None }
    }

    fn told(self, told: impl Into<String>) -> Self {
        Self { told: Some(told.into()), ..self }
    }

    /// What it makes one of.
    pub fn makes(&self) -> Thing {
        match self.work {
            Work::Location(_) => Thing::Location,
            Work::Item(_) => Thing::Item,
            Work::Pack(..) => Thing::ItemUnit,
            Work::Receipt(_) | Work::Waste(_) => Thing::Document,
        }
    }
}

/// The story, for a kitchen that is looked at now.
pub fn steps(now: Instant) -> Vec<Step> {
    let mut steps = places();
    steps.extend(goods());
    steps.extend([delivery(now), dry_goods(), thrown_away()]);
    steps
}

fn places() -> Vec<Step> {
    let site = json!({ "kind": "site", "code": "main", "name": "Main kitchen", "time_zone": TIME_ZONE, "day_starts_at": "04:00" });
    let mut steps = vec![Step::new("location main", Work::Location(site))];
    for (code, name) in [("walk-in", "Walk-in fridge"), ("dry-store", "Dry store"), ("bar", "Bar")] {
        let area = json!({ "kind": "area", "code": code, "name": name, "parent": "main" });
        steps.push(Step::new(format!("location main/{code}"), Work::Location(area)));
    }
    tell_at_the_end(steps, "set up the site `main` with the areas walk-in, dry-store and bar".to_owned())
}

fn goods() -> Vec<Step> {
    let mut steps = Vec::new();
    for item in &ITEMS {
        steps.push(Step::new(format!("item {}", item.sku), Work::Item(item)));
        steps.extend(item.pack.map(|pack| Step::new(format!("pack of {}", item.sku), Work::Pack(item, pack))));
    }
    tell_at_the_end(steps, format!("made {} items with their own units (a case of milk is 12 l)", ITEMS.len()))
}

fn tell_at_the_end(mut steps: Vec<Step>, told: String) -> Vec<Step> {
    if let Some(last) = steps.pop() {
        steps.push(last.told(told));
    }
    steps
}

fn delivery(now: Instant) -> Step {
    let today = now.utc().date_naive();
    let day = |days: u64| today.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX).to_string();
    let two_days_ago = now.plus(chrono::TimeDelta::days(-2));
    let body = json!({
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
    });
    let told = "received {number}: six lines with lots and expiry dates, delivery charge shared out by value";
    Step::new("receipt INV-881", Work::Receipt(body)).told(told)
}

fn dry_goods() -> Step {
    let body = json!({
        "location": "main/dry-store",
        "lines": [
            { "sku": "FLOUR", "quantity": "3", "unit": "sack", "unit_price": "14.90" },
            { "sku": "COFFEE", "quantity": "8", "unit": "bag", "unit_price": "17.25", "batch_code": "0898984" }
        ]
    });
    Step::new("receipt of dry goods", Work::Receipt(body)).told("received {number} into the dry store")
}

fn thrown_away() -> Step {
    let body = json!({
        "location": "main/walk-in",
        "lines": [
            { "sku": "MILK", "quantity": "750", "unit": "ml", "reason": "spoiled", "destination": "sewer" },
            { "sku": "SALMON", "quantity": "0.3", "unit": "kg", "reason": "trimmings", "destination": "composting" }
        ]
    });
    Step::new("waste", Work::Waste(body)).told("recorded waste {number}: spoiled milk, trimmings of salmon")
}

/// Where the story is played.
pub struct Kitchen<'a> {
    inventory: &'a Inventory,
    caller: &'a Caller,
    /// The ids of the items that are there so far, by SKU.
    items: BTreeMap<&'static str, Uuid>,
}

impl<'a> Kitchen<'a> {
    pub fn of(inventory: &'a Inventory, caller: &'a Caller) -> Self {
        Self { inventory, caller, items: BTreeMap::new() }
    }

    /// Does what a step says, and answers what there is to tell of it.
    pub async fn take(&mut self, step: &Step) -> Result<Option<String>, Problem> {
        let mut number = String::new();
        match &step.work {
            Work::Location(body) => drop(create_location::execute(self.inventory, self.caller, Once::never_again(), read(body)?).await?),
            Work::Item(item) => self.add_item(item).await?,
            Work::Pack(item, pack) => self.add_pack(item, pack).await?,
            Work::Receipt(body) => number = post_receipt::execute(self.inventory, self.caller, Once::never_again(), read(body)?).await?.body.document.number,
            Work::Waste(body) => number = post_waste::execute(self.inventory, self.caller, Once::never_again(), read(body)?).await?.body.document.number,
        }
        Ok(step.told.as_ref().map(|told| told.replace("{number}", &number)))
    }

    /// Leaves a step out: what it makes is there under this id.
    pub fn leave_out(&mut self, step: &Step, id: Uuid) {
        if let Work::Item(item) = &step.work {
            self.items.insert(item.sku, id);
        }
    }

    /// What is on hand, in words.
    pub async fn worth(&self) -> Result<String, Problem> {
        let value = valuation::execute(self.inventory, self.caller, read(&json!({}))?).await?;
        Ok(format!("on hand: {} items worth {} {}", value.data.len(), value.total, value.currency))
    }

    async fn add_item(&mut self, item: &Stocked) -> Result<(), Problem> {
        let Stocked { sku, name, base_unit, shelf_life_days, .. } = item;
        let body = json!({ "sku": sku, "name": name, "base_unit": base_unit, "shelf_life_days": shelf_life_days, "track_expiry": shelf_life_days.is_some() });
        let made = create_item::execute(self.inventory, self.caller, Once::never_again(), read(&body)?).await?.body;
        self.items.insert(sku, made.id);
        Ok(())
    }

    async fn add_pack(&self, item: &Stocked, [unit, quantity, of]: &[&'static str; 3]) -> Result<(), Problem> {
        let id = self.items.get(item.sku).copied().unwrap_or_default();
        let body = json!({ "unit": unit, "quantity": quantity, "of": of });
        create_item_unit::execute(self.inventory, self.caller, Once::never_again(), id, read(&body)?).await?;
        Ok(())
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
