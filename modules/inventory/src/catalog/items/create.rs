//! `POST /items`.

use actix_web::post;
use actix_web::web::Data;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, TenantId, Text, Txn};
use utoipa::ToSchema;

use super::{Item, repository};
use crate::Inventory;
use crate::catalog::{answers, units};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::names::{DateKind, Days, ItemId, ItemKind, Pick, Sku, UnitCode};

/// An item.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = CreateItem)]
pub struct Request {
    /// The article number: 1 to 64 visible characters, kept to the letter; one of its kind.
    #[schema(value_type = String, min_length = 1, max_length = 64, examples("MILK"))]
    pub sku: Sku,
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, examples("Whole milk"))]
    pub name: String,
    /// The code of the unit that its stock is counted in. Take the smallest that you deal in: amounts are kept to a millionth of it.
    #[schema(value_type = String, examples("ml"))]
    pub base_unit: UnitCode,
    /// What it is for; `ingredient`, where nothing is said.
    #[schema(value_type = Option<ItemKind>)]
    pub kind: ItemKind,
    /// Which lot leaves first; `fefo`, where nothing is said.
    #[schema(value_type = Option<Pick>)]
    pub pick: Pick,
    /// Whether every delivery of it needs a batch code; no, where nothing is said.
    #[schema(value_type = Option<bool>)]
    pub track_lots: bool,
    /// Whether every delivery of it needs an expiry date, printed or counted from `shelf_life_days`; no, where nothing is said.
    #[schema(value_type = Option<bool>)]
    pub track_expiry: bool,
    /// What the date on the package means; `use_by`, where nothing is said.
    #[schema(value_type = Option<DateKind>)]
    pub date_kind: DateKind,
    /// How many days after its best-before date it may still be used; 0, where nothing is said.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 36500)]
    pub grace_days: i64,
    /// How many days it keeps from the day it comes in, where no date is printed.
    #[schema(minimum = 0, maximum = 36500)]
    pub shelf_life_days: Option<i64>,
    /// How many days it keeps once opened.
    #[schema(minimum = 0, maximum = 36500)]
    pub opened_shelf_life_days: Option<i64>,
}

impl Request {
    /// An item with the usual handling.
    pub fn new(sku: Sku, name: String, base_unit: UnitCode) -> Self {
        Self {
            sku,
            name,
            base_unit,
            kind: ItemKind::Ingredient,
            pick: Pick::Fefo,
            track_lots: false,
            track_expiry: false,
            date_kind: DateKind::UseBy,
            grace_days: 0,
            shelf_life_days: None,
            opened_shelf_life_days: None,
        }
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (sku, name, base_unit) = (fields.required("sku"), fields.required::<Text<1, 200>>("name"), fields.required("base_unit"));
        let (kind, pick, date_kind) = (fields.optional("kind"), fields.optional("pick"), fields.optional("date_kind"));
        let (track_lots, track_expiry) = (fields.optional("track_lots"), fields.optional("track_expiry"));
        let grace_days = fields.optional::<Days>("grace_days");
        let (shelf_life, opened) = (fields.optional::<Days>("shelf_life_days"), fields.optional::<Days>("opened_shelf_life_days"));
        let usual = Self::new(sku?, name?.0, base_unit?);
        Some(Self {
            kind: kind?.unwrap_or(usual.kind),
            pick: pick?.unwrap_or(usual.pick),
            track_lots: track_lots?.unwrap_or(usual.track_lots),
            track_expiry: track_expiry?.unwrap_or(usual.track_expiry),
            date_kind: date_kind?.unwrap_or(usual.date_kind),
            grace_days: grace_days?.map_or(usual.grace_days, |days| days.0),
            shelf_life_days: shelf_life?.map(|days| days.0),
            opened_shelf_life_days: opened?.map(|days| days.0),
            ..usual
        })
    }
}

/// Makes an item.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Item>, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state
        .create_once(caller, once, request, |task: &Task<Request>, txn| {
            Box::pin(create(txn, task.caller.tenant_id, task.state.next_id(), task.now, &task.input))
        })
        .await
}

/// Makes an item in a transaction that does more than that; the permission is the caller's to check.
pub async fn create(txn: &Txn, tenant: TenantId, id: ItemId, now: Instant, request: &Request) -> Result<Item, Error> {
    let unit = units::repository::find_by_code(txn, tenant, request.base_unit.as_str()).await?;
    let unit = unit.ok_or_else(|| Error::invalid("/base_unit", "unit_not_found", format!("there is no unit `{}`", request.base_unit)))?;
    let item = Item {
        id,
        sku: request.sku.to_string(),
        name: request.name.clone(),
        base_unit: unit.code,
        kind: request.kind,
        pick: request.pick,
        track_lots: request.track_lots,
        track_expiry: request.track_expiry,
        date_kind: request.date_kind,
        grace_days: request.grace_days,
        shelf_life_days: request.shelf_life_days,
        opened_shelf_life_days: request.opened_shelf_life_days,
        archived: false,
        archived_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    repository::insert(txn, tenant, &item, unit.id).await?;
    Ok(item)
}

/// Makes an item.
#[utoipa::path(
    operation_id = "create_item",
    tag = "catalogue",
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "The item.", body = Item, headers(("Idempotent-Replayed" = String, description = "`true` for an answer that was stored."))),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is an item with this sku. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `unit_not_found`; `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/items")]
pub async fn handler(state: Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Item>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}
