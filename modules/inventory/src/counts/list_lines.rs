//! Reads the lines of a count page by page, beside what the ledger says.

use actix_web::{get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use sea_orm::FromQueryResult;
use utoipa::IntoParams;
use uuid::Uuid;

use super::lines::CountLineAnswer;
use super::repository::{LINE_COLUMNS, LineRow};
use super::{CountAnswer, CountStatus, read};
use crate::Inventory;
use crate::arithmetic::{Quantity, Total};
use crate::error::Error;
use crate::http::{Id, seen_by};
use crate::rows::{self, Filter};

/// Which lines are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Only those that were counted again, or are to be.
    pub recount: Option<bool>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (recount, limit, cursor) = (fields.optional("recount"), fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { recount: recount?, limit: limit?, cursor: cursor? })
    }
}

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    line: LineRow,
    sku: String,
    base_unit: String,
    location: String,
    expected_units: Option<i64>,
    expected_rest: Option<i64>,
    moved_since: bool,
}

/// What the ledger says of a line: what lies there, less all that came after it was counted. Whole units are summed apart from
/// millionths, so that neither sum is more than a database holds.
fn ledger_says(part: &str) -> String {
    format!(
        "CAST(COALESCE((SELECT SUM(balance.quantity {part} 1000000) FROM balance WHERE balance.tenant_id = line.tenant_id AND balance.item_id = line.item_id \
         AND balance.location_id = line.location_id AND (line.lot_id IS NULL OR balance.lot_id = line.lot_id)), 0) \
         - COALESCE((SELECT SUM(entry.quantity_delta {part} 1000000) FROM ledger_entry AS entry WHERE entry.tenant_id = line.tenant_id AND entry.item_id = line.item_id \
         AND entry.location_id = line.location_id AND (line.lot_id IS NULL OR entry.lot_id = line.lot_id) AND entry.effective_at > line.counted_at), 0) AS BIGINT)"
    )
}

impl Row {
    /// None where it is hidden, or more than a line can say: such a count can't be posted either.
    fn expected(&self) -> Option<Quantity> {
        let Total(sum) = Total::of_parts(self.expected_units?, self.expected_rest?);
        i64::try_from(sum).ok().map(Quantity)
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid, request: Request) -> Result<Page<CountLineAnswer>, Error> {
    caller.need(Permission::Read)?;
    let count = read::get(state, caller, id).await?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("line.tenant_id", caller.tenant_id);
    filter.and("line.count_id = ?", id);
    filter.and_given("line.recount = ?", request.recount);
    if !count.shows_expected(caller) {
        // That there is such a line says that the ledger has something there.
        filter.and_plain("NOT line.uncounted");
    }
    if let Some((item, location, lot_key)) = request.cursor.as_ref().map(Cursor::key::<(Uuid, Uuid, Uuid)>).transpose()? {
        let (item, location, lot_key) = (filter.bind(item), filter.bind(location), filter.bind(lot_key));
        filter.and_plain(&format!("(line.item_id, line.location_id, line.lot_key) > ({item}, {location}, {lot_key})"));
    }
    let (units, rest, join) = says(&count, caller, &mut filter);
    let moved_since = moved_since(&count, &mut filter);
    let limit = request.limit.probe();
    let sql = format!(
        "SELECT {LINE_COLUMNS}, item.sku, unit.code AS base_unit, location.path AS location, {units} AS expected_units, {rest} AS expected_rest, \
         {moved_since} AS moved_since FROM stock_count_line AS line \
         JOIN item ON item.tenant_id = line.tenant_id AND item.id = line.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = line.tenant_id AND location.id = line.location_id {join} {} \
         ORDER BY line.item_id, line.location_id, line.lot_key LIMIT {limit}",
        filter.sql()
    );
    let rows = rows::all::<Row>(reader, &sql, filter.into_values()).await?;
    let page = Page::cut(rows, request.limit, |row| (row.line.item_id, row.line.location_id, row.line.lot_id.unwrap_or(Uuid::nil())));
    let shown = |row: Row| {
        let expected = row.expected();
        let (slot, counted) = row.line.into_line();
        let line = CountLineAnswer::new(slot, &counted, (row.sku, row.base_unit), row.location);
        let variance = expected.and_then(|expected| counted.quantity.minus(expected));
        CountLineAnswer {
            expected,
            variance,
            changed_since_review: count.reviewed_seq.filter(|_| count.document_id.is_none()).map(|_| row.moved_since),
            ..line
        }
    };
    Ok(seen_by(page.map(shown), caller))
}

/// The expected quantity in whole units and in millionths beside them, as expressions with what must be joined for them. What is posted is read from its document:
/// the ledger says now what was counted.
fn says(count: &CountAnswer, caller: &Caller, filter: &mut Filter) -> (String, String, String) {
    let nothing = || "CAST(NULL AS BIGINT)".to_owned();
    match (count.status, count.document_id) {
        _ if !count.shows_expected(caller) => (nothing(), nothing(), String::new()),
        (CountStatus::Posted | CountStatus::Reversed, Some(document)) => {
            let (document, whole) = (filter.bind(document), filter.bind(Uuid::nil()));
            let join = format!(
                "LEFT JOIN count_result_line AS result ON result.tenant_id = line.tenant_id AND result.document_id = {document} AND result.item_id = line.item_id \
                 AND result.location_id = line.location_id AND COALESCE(result.lot_id, {whole}) = line.lot_key"
            );
            ("result.expected / 1000000".to_owned(), "result.expected % 1000000".to_owned(), join)
        }
        _ => (ledger_says("/"), ledger_says("%"), String::new()),
    }
}

/// Whether something moved that the review did not know.
fn moved_since(count: &CountAnswer, filter: &mut Filter) -> String {
    let Some(seq) = count.reviewed_seq.filter(|_| count.document_id.is_none()) else { return "false".to_owned() };
    let seq = filter.bind(seq);
    format!(
        "EXISTS (SELECT 1 FROM ledger_entry AS later WHERE later.tenant_id = line.tenant_id AND later.location_id = line.location_id AND later.seq > {seq} \
         AND later.item_id = line.item_id AND later.quantity_delta <> 0 AND (line.lot_id IS NULL OR later.lot_id = line.lot_id))"
    )
}

/// Reads the lines of a count, by item, area and lot, with what the ledger says of the moment each was counted.
#[utoipa::path(
    tag = "counts",
    operation_id = "list_count_lines",
    params(Request, ("id" = Uuid, Path, description = "The count's id")),
    responses(
        (status = 200, description = "Lines", body = Page<CountLineAnswer>),
        (status = 400, description = "`invalid_cursor`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
    )
)]
#[get("/counts/{id}/lines")]
pub async fn list_count_lines(state: web::Data<Inventory>, caller: Caller, id: Id, query: Query<Request>) -> Result<web::Json<Page<CountLineAnswer>>, Error> {
    execute(&state, &caller, id.0, query.0).await.map(web::Json)
}
