//! Takes in the stock that was there when Larder began.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, FromValue as _, Query};
use utoipa::IntoParams;

use super::columns::{Takes, fields};
use super::dates::DateFormat;
use super::inbound::{self, Arriving, More};
use super::report::ImportReport;
use super::request::{self, Asked};
use super::rows::Row;
use super::upload::{Csv, Imported, answers};
use crate::Inventory;
use crate::arithmetic::Money;
use crate::error::Error;
use crate::ledger::{Counted, OpeningStock, Price};
use crate::names::UnitCode;
use crate::receiving::post_receipt::LinePrice;

/// How the file is to be read.
#[derive(Clone, Debug)]
pub struct Request(Asked, More);

/// How the file is to be read, as parameters beside those of every import.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the published parameters; a test holds them equal to what is read")]
pub(crate) struct Parameters {
    /// How dates are written; found out where the file leaves no doubt.
    #[param(inline)]
    date_format: Option<DateFormat>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    #[param(inline)]
    counted: Option<Counted>,
    /// Makes the items that are missing. Needs `manage_catalogue`.
    create_items: Option<bool>,
    /// The base unit of items that are made where the row names none; `each` where nothing is said.
    default_unit: Option<String>,
    /// The name of the column with the items' names; `name` where nothing is said.
    name_column: Option<String>,
    /// Likewise for `expires_on`.
    expires_on_column: Option<String>,
    /// Likewise for `unit_cost`: in currency, for one unit of the row.
    unit_cost_column: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let asked = Asked::read(fields, OpeningStock::TAKES.fields);
        let (date_format, counted) = (fields.optional("date_format"), fields.or("counted", Counted::default()));
        let (create_items, default_unit) = (fields.or("create_items", false), fields.optional::<UnitCode>("default_unit"));
        let default_unit = default_unit?.or_else(|| UnitCode::from_value(&"each".into()).ok())?;
        let create_items = create_items?.then_some(default_unit);
        Some(Self(asked?, More { date_format: date_format?, counted: counted?, create_items, confirm_zero: true }))
    }
}

impl Arriving for OpeningStock {
    const TAKES: Takes = Takes {
        fields: fields!["sku", "name", "quantity", "unit", "batch_code", "expires_on", "location", "unit_cost"],
        needs: &[&["sku"], &["quantity"]],
        nothing: Some("nothing on hand"),
    };

    fn price(row: &Row) -> Price {
        match row.price {
            Some(LinePrice::Unit(price)) if price != Money::ZERO => Price::Unit { price, entered: row.quantity },
            _ => Price::Unpriced,
        }
    }

    fn field(of_line: &'static str) -> &'static str {
        if of_line == "unit_price" { "unit_cost" } else { of_line }
    }
}

/// Takes in opening stock from a CSV file: all of it, or nothing.
#[utoipa::path(
    tag = "imports",
    operation_id = "import_opening_stock",
    params(request::Parameters, Parameters, ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    request_body(content = String, content_type = "text/csv", description = answers::FILE),
    responses(
        (status = 200, description = "Tried, nothing posted", body = ImportReport),
        (status = 201, description = "Posted", body = ImportReport),
        (status = 400, description = answers::KEY_OR_BODY, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`import_repeated`, `counted_since` with the `counts`, `period_closed`, `already_exists`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 413, description = answers::TOO_LARGE, body = ProblemDocument<'_>),
        (status = 415, description = answers::NO_CSV, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`: every row's error with its line, as `errors`, of the file `empty_file`, `wrong_encoding`, `unreadable_csv`, `wrong_column_count`, `column_given_twice`, `column_missing`, `unknown_column`, of its rows `line_break`, `ambiguous_date`, `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `expiry_required`, `batch_code_required`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/imports/opening-stock")]
pub async fn import_opening_stock(
    state: web::Data<Inventory>,
    caller: Caller,
    key: IdempotencyKey,
    query: Query<Request>,
    csv: Csv,
) -> Result<Imported, Error> {
    let Request(asked, more) = query.0;
    inbound::import::<OpeningStock>(&state, &caller, key, (asked, more), csv).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_parameters_are_what_is_read() {
        request::assert_parameters::<Request, Parameters>();
    }
}
