//! `POST /items/{id}/units`.

use actix_web::post;
use actix_web::web::{Data, Path};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, Flaw, FromFields, Permission, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ItemUnit, repository};
use crate::Inventory;
use crate::arithmetic::{MILLION, Quantity, Ratio};
use crate::catalog::conversion::{ConversionFlaw, Conversions};
use crate::catalog::definition::Parts;
use crate::catalog::{answers, units};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::names::{ItemId, UnitCode};

/// How many units an item may have: every posting of it reads them all.
pub const MOST_UNITS: usize = 100;

/// A unit of an item. How much one is, is said in exactly one way: `num` and `den`, or `quantity` and `of`.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = CreateItemUnit)]
pub struct Request {
    /// What it is called in requests: 1 to 32 visible characters. A general unit of another dimension makes that whole
    /// dimension known for this item: `g` with `"quantity": "1.033", "of": "ml"` is a density.
    #[schema(value_type = String, min_length = 1, max_length = 32, examples("case"))]
    pub unit: UnitCode,
    /// How many `of` one is, as a decimal text.
    #[schema(value_type = Option<String>, examples("12"))]
    pub quantity: Option<Quantity>,
    /// The code of a unit that this item can be measured in.
    #[schema(value_type = Option<String>, examples("l"))]
    pub of: Option<UnitCode>,
    /// The numerator of the exact factor to the item's base unit: a whole number up to 2^53 − 1.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991i64)]
    pub num: Option<i64>,
    /// The denominator of that factor.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991i64)]
    pub den: Option<i64>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let unit = fields.required("unit");
        let Parts { num, den, quantity, of } = Parts::read(fields)?;
        Some(Self { unit: unit?, quantity, of, num, den })
    }
}

impl Request {
    fn parts(&self) -> Parts {
        Parts { num: self.num, den: self.den, quantity: self.quantity, of: self.of.clone() }
    }

    /// The exact factor to the base unit, where the item may have this unit.
    fn factor(&self, conversions: &Conversions) -> Result<Ratio, Error> {
        let known = |code: &str| conversions.factor(code).ok_or_else(|| Flaw::new("unit_not_found", format!("this item cannot be measured in `{code}`")));
        let factor = self.parts().factor(known)?;
        conversions.check_new(self.unit.as_str(), factor).map_err(|flaw| self.refusal(&flaw))?;
        Ok(factor)
    }

    fn refusal(&self, flaw: &ConversionFlaw) -> Error {
        let (code, pointer) = (self.unit.to_string(), self.parts().pointer());
        match flaw {
            ConversionFlaw::Defined => Error::Exists { what: "unit", code },
            ConversionFlaw::Conflict { known } => {
                let detail = format!("One `{code}` of this item is {}/{} of its base unit already.", known.numerator(), known.denominator());
                Error::Conflict { code: "conversion_conflict", detail }
            }
            ConversionFlaw::NotExact => {
                let advice = "one of this unit is no whole number of millionths of the item's base unit; take the smaller unit as the base unit instead";
                Error::invalid(pointer, "unit_not_exact", advice)
            }
            ConversionFlaw::TooLarge => Error::invalid(pointer, "out_of_range", "one of this unit may be at most 1000000000 base units"),
        }
    }
}

/// Makes a unit of an item.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: ItemId, request: Request) -> Result<Answer<ItemUnit>, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(create(task, txn))).await
}

async fn create(task: &Task<(ItemId, Request)>, txn: &Txn) -> Result<ItemUnit, Error> {
    let (tenant, (item, request)) = (task.caller.tenant_id, &task.input);
    units::repository::lock_conversions(txn, tenant).await?;
    let conversions = repository::conversions(txn, tenant, *item).await?.ok_or(Error::NotFound("item"))?;
    if conversions.own() >= MOST_UNITS {
        return Err(Error::Conflict { code: "too_many_units", detail: format!("An item has at most {MOST_UNITS} units.") });
    }
    let factor = request.factor(&conversions)?;
    let unit = ItemUnit {
        id: task.state.next_id(),
        unit: request.unit.to_string(),
        quantity: factor.apply(Quantity(MILLION)).unwrap_or_default(),
        base_unit: conversions.base().to_owned(),
        num: factor.numerator(),
        den: factor.denominator(),
        created_at: task.now,
    };
    repository::insert(txn, tenant, *item, &unit).await?;
    Ok(unit)
}

/// Makes a unit of an item's own: a pack, or a measure of another dimension.
#[utoipa::path(
    operation_id = "create_item_unit",
    tag = "catalogue",
    request_body = Request,
    params(
        ("id" = Uuid, Path, description = "The item's id."),
        ("Idempotency-Key" = Option<String>, Header, description = answers::KEY),
    ),
    responses(
        (status = 201, description = "The unit.", body = ItemUnit, headers(("Idempotent-Replayed" = String, description = "`true` for an answer that was stored."))),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: the item can be measured in it. `conversion_conflict`: it can, by another factor. `too_many_units`. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `unit_not_found`, `other_dimension` and `unit_not_exact`: one is no whole number of millionths of the base unit. `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/items/{id}/units")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<ItemUnit>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, *id, body.request).await
}
