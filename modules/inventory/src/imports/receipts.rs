//! Takes in deliveries: each row is a line of a receipt, as it would be sent to `POST /receipts`.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Query};
use utoipa::IntoParams;

use super::columns::{Takes, fields};
use super::dates::DateFormat;
use super::inbound::{self, Arriving, More};
use super::report::ImportReport;
use super::request::{self, Asked};
use super::rows::Row;
use super::upload::{Csv, Imported, answers};
use crate::Inventory;
use crate::error::Error;
use crate::ledger::{Counted, Price, Receipt};
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
    /// A price of zero is refused unless this says that it is meant.
    confirm_zero: Option<bool>,
    /// Likewise for `expires_on`.
    expires_on_column: Option<String>,
    /// Likewise for `unit_price`: in currency, for one unit of the row.
    unit_price_column: Option<String>,
    /// Likewise for `line_total`: in currency, for the whole row.
    line_total_column: Option<String>,
    /// Likewise for `free`: why the row costs nothing.
    free_column: Option<String>,
    /// Likewise for `external_ref`: the supplier's invoice or delivery note. Rows of one area that are called the same make one document.
    external_ref_column: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let asked = Asked::read(fields, Receipt::TAKES.fields);
        let (date_format, counted) = (fields.optional("date_format"), fields.or("counted", Counted::default()));
        let confirm_zero = fields.or("confirm_zero", false);
        Some(Self(asked?, More { date_format: date_format?, counted: counted?, create_items: None, confirm_zero: confirm_zero? }))
    }
}

impl Arriving for Receipt {
    const TAKES: Takes = Takes {
        fields: fields!["sku", "quantity", "unit", "unit_price", "line_total", "free", "batch_code", "expires_on", "location", "external_ref"],
        needs: &[&["sku"], &["quantity"], &["unit_price", "line_total", "free"]],
        nothing: Some("nothing delivered"),
    };

    fn price(row: &Row) -> Price {
        match row.price {
            Some(LinePrice::Unit(price)) => Price::Unit { price, entered: row.quantity },
            Some(LinePrice::Total(total)) => Price::Total(total),
            Some(LinePrice::Free(_)) => Price::Free,
            None => Price::Unpriced,
        }
    }
}

/// Takes in deliveries from a CSV file: what each row says comes onto what is there. All of it, or nothing.
#[utoipa::path(
    tag = "imports",
    operation_id = "import_receipts",
    params(request::Parameters, Parameters, ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    request_body(content = String, content_type = "text/csv", description = answers::FILE),
    responses(
        (status = 200, description = "Tried, nothing posted", body = ImportReport),
        (status = 201, description = "Posted", body = ImportReport),
        (status = 400, description = answers::KEY_OR_BODY, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`import_repeated`, `counted_since` with the `counts`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 413, description = answers::TOO_LARGE, body = ProblemDocument<'_>),
        (status = 415, description = answers::NO_CSV, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`: every row's error with its line, as `errors`, of the file `empty_file`, `wrong_encoding`, `unreadable_csv`, `wrong_column_count`, `column_given_twice`, `column_missing`, `unknown_column`, of its rows `ambiguous_date`, `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `zero_price_unconfirmed`, `expiry_required`, `batch_code_required`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/imports/receipts")]
pub async fn import_receipts(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, query: Query<Request>, csv: Csv) -> Result<Imported, Error> {
    let Request(asked, more) = query.0;
    inbound::import::<Receipt>(&state, &caller, key, (asked, more), csv).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_parameters_are_what_is_read() {
        request::assert_parameters::<Request, Parameters>();
    }
}
