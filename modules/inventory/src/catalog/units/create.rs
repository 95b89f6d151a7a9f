//! `POST /units`.

use actix_web::post;
use actix_web::web::Data;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, Flaw, FromFields, Permission, Text, Txn};
use utoipa::ToSchema;

use super::{Dimension, Unit, repository};
use crate::Inventory;
use crate::arithmetic::{Quantity, Ratio};
use crate::catalog::conversion::GlobalUnit;
use crate::catalog::definition::Parts;
use crate::catalog::{answers, item_units};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::names::UnitCode;
use crate::names::Word as _;

/// How many units a tenant may have: every posting reads them all.
pub const MOST_UNITS: usize = 500;

/// A unit of measure. How much one is, is said in exactly one way: `num` and `den`, or `quantity` and `of`.
#[derive(Debug, ToSchema)]
#[schema(as = CreateUnit)]
pub struct Request {
    /// What it is called in requests: 1 to 32 visible characters.
    #[schema(value_type = String, min_length = 1, max_length = 32, examples("sack"))]
    pub code: UnitCode,
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What it measures.
    pub dimension: Dimension,
    /// The numerator of the exact factor to the gram, the millilitre or the piece: a whole number up to 2^53 − 1.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991i64)]
    pub num: Option<i64>,
    /// The denominator of that factor.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991i64)]
    pub den: Option<i64>,
    /// How many `of` one is, as a decimal text.
    #[schema(value_type = Option<String>, examples("25"))]
    pub quantity: Option<Quantity>,
    /// The code of another unit of the same dimension.
    #[schema(value_type = Option<String>, examples("kg"))]
    pub of: Option<UnitCode>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (code, name, dimension) = (fields.required("code"), fields.required::<Text<1, 200>>("name"), fields.required("dimension"));
        let Parts { num, den, quantity, of } = Parts::read(fields)?;
        Some(Self { code: code?, name: name?.0, dimension: dimension?, num, den, quantity, of })
    }
}

/// Makes a unit.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Unit>, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.create_once(caller, once, request, |task, txn| Box::pin(create(task, txn))).await
}

async fn create(task: &Task<Request>, txn: &Txn) -> Result<Unit, Error> {
    let (tenant, request) = (task.caller.tenant_id, &task.input);
    repository::lock_conversions(txn, tenant).await?;
    let known = repository::all(txn, tenant).await?;
    if known.len() >= MOST_UNITS {
        return Err(Error::Conflict { code: "too_many_units", detail: format!("A tenant has at most {MOST_UNITS} units.") });
    }
    let factor = factor(request, &known)?;
    if item_units::repository::is_used(txn, tenant, request.code.as_str()).await? {
        let detail = format!("An item has a unit `{}` of its own; a general unit of this code would give it a second meaning.", request.code);
        return Err(Error::Conflict { code: "conversion_conflict", detail });
    }
    let unit = Unit {
        id: task.state.next_id(),
        code: request.code.to_string(),
        name: request.name.clone(),
        dimension: request.dimension,
        num: factor.numerator(),
        den: factor.denominator(),
        version: 1,
        created_at: task.now,
        updated_at: task.now,
    };
    repository::insert(txn, tenant, &unit).await?;
    Ok(unit)
}

fn factor(request: &Request, known: &[GlobalUnit]) -> Result<Ratio, Error> {
    let parts = Parts { num: request.num, den: request.den, quantity: request.quantity, of: request.of.clone() };
    parts.factor(|code| {
        let unit = known.iter().find(|unit| unit.code == code).ok_or_else(|| Flaw::new("unit_not_found", format!("there is no unit `{code}`")))?;
        if unit.dimension != request.dimension {
            return Err(Flaw::new("other_dimension", format!("`{code}` measures {}", unit.dimension.word())));
        }
        Ok(unit.factor)
    })
}

/// Makes a unit of measure for all items. Its factor never changes; a pack of one item is a unit of that item.
#[utoipa::path(
    operation_id = "create_unit",
    tag = "catalogue",
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "The unit.", body = Unit, headers(("Idempotent-Replayed" = String, description = "`true` for an answer that was stored."))),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is a unit of this code. `conversion_conflict`: an item has one. `too_many_units`. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `unit_not_found`, `other_dimension`; `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/units")]
pub async fn handler(state: Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Unit>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}

#[cfg(test)]
mod tests {
    use kernel::reading::read;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_unit_is_made_of_another_of_its_dimension() {
        let thousand = Ratio::new(1000, 1).expect("a ratio");
        let known = [("kg", Dimension::Mass), ("l", Dimension::Volume)].map(|(code, dimension)| GlobalUnit { code: code.into(), dimension, factor: thousand });
        let made = |of: &str| {
            let body = json!({ "code": "sack", "name": "Sack", "dimension": "mass", "quantity": "12.5", "of": of });
            factor(&read::<Request>(&body).expect("right"), &known)
        };
        assert_eq!(made("kg").expect("a factor"), Ratio::new(12_500, 1).expect("a ratio"));
        for (of, code) in [("l", "other_dimension"), ("m", "unit_not_found")] {
            let Err(Error::Invalid(violations)) = made(of) else { panic!("{of} was taken") };
            assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_ref()), ("/of", code));
        }
    }
}
