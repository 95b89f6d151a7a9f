//! `GET /items/{id}/convert`.

use actix_web::get;
use actix_web::web::{Data, Json, Path};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Permission, Query, Violation};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::conversion::Conversions;
use crate::catalog::{answers, item_units};
use crate::error::Error;
use crate::names::{ItemId, UnitCode};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// How much, as a decimal text above zero with at most six digits behind the point.
    #[param(value_type = String)]
    pub quantity: Quantity,
    /// The code of the unit that the quantity is in.
    #[param(value_type = String)]
    pub from: UnitCode,
    /// The code of the unit that is wanted.
    #[param(value_type = String)]
    pub to: UnitCode,
}

/// A quantity in another unit of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Conversion)]
pub struct Response {
    /// How much was asked about, in `from`.
    pub quantity: Quantity,
    /// The code of the unit that it was in.
    pub from: String,
    /// The code of the unit that was wanted.
    pub to: String,
    /// The exact result in `to` is `numerator / denominator`, reduced: a whole number as a text, because it may be longer than
    /// JSON numbers are kept.
    #[schema(pattern = "^[0-9]+$", examples("1033"))]
    pub numerator: String,
    /// See `numerator`.
    #[schema(pattern = "^[0-9]+$", examples("10000"))]
    pub denominator: String,
    /// The result in `to`, rounded to millionths, a half away from zero: what a line entered so would be posted with, were
    /// `to` the base unit.
    pub rounded: Quantity,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (quantity, from, to) = (fields.required("quantity"), fields.required("from"), fields.required("to"));
        Some(Self { quantity: quantity?, from: from?, to: to? })
    }
}

/// Converts a quantity of an item.
pub async fn execute(state: &Inventory, caller: &Caller, id: ItemId, request: Request) -> Result<Response, Error> {
    caller.need(Permission::Read)?;
    let conversions = item_units::repository::conversions(state.database().reader(), caller.tenant_id, id).await?;
    convert(&conversions.ok_or(Error::NotFound("item"))?, &request)
}

fn convert(conversions: &Conversions, request: &Request) -> Result<Response, Error> {
    let unknown = |parameter: &str, code: &UnitCode| Violation {
        pointer: format!("?{parameter}"),
        code: "unit_not_found".into(),
        detail: format!("this item cannot be measured in `{code}`"),
    };
    let (from, to) = match (conversions.factor(request.from.as_str()), conversions.factor(request.to.as_str())) {
        (Some(from), Some(to)) => (from, to),
        (from, to) => {
            let violations = [from.is_none().then(|| unknown("from", &request.from)), to.is_none().then(|| unknown("to", &request.to))];
            return Err(Error::Invalid(violations.into_iter().flatten().collect()));
        }
    };
    let too_large = || Error::invalid("?quantity", "out_of_range", "the result has more digits than can be kept");
    let factor = from.over(to).ok_or_else(too_large)?;
    let (numerator, denominator) = factor.exact(request.quantity).ok_or_else(too_large)?;
    Ok(Response {
        quantity: request.quantity,
        from: request.from.to_string(),
        to: request.to.to_string(),
        numerator: numerator.to_string(),
        denominator: denominator.to_string(),
        rounded: factor.apply(request.quantity).ok_or_else(too_large)?,
    })
}

/// Converts a quantity of an item from one unit to another: exactly, and rounded.
#[utoipa::path(
    operation_id = "convert_item_quantity",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The item's id."), Request),
    responses(
        (status = 200, description = "The quantity in the other unit.", body = Response),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `unit_not_found`", body = ProblemDocument<'_>),
    )
)]
#[get("/items/{id}/convert")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, query: Query<Request>) -> Result<Json<Response>, Error> {
    execute(&state, &caller, *id, query.0).await.map(Json)
}
