//! Takes in the stock that was there when Larder began, from a file: documents of many lines, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, post, web};
use futures::StreamExt as _;
use kernel::http::IdempotencyKey;
use kernel::{Caller, Fields, Fingerprint, Flaw, FromFields, FromValue, Instant, Permission, Problem, Query, Text, Txn, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::columns::{Columns, FIELDS, Mapping};
use super::dates::DateFormat;
use super::repository;
use super::rows::{Row, RowReport, Rows};
use super::table::Table;
use crate::Inventory;
use crate::arithmetic::Money;
use crate::catalog::lookup::{self, Ground, Items, NewItem};
use crate::error::Error;
use crate::http::{HideCosts, Recheck};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, DocumentType, Header, OpeningStock, Permit, Posting, Price, ReceiveLine};
use crate::names::{ItemRef, LocationPath, LocationRef, UnitCode, words};
use crate::receiving::{Entered, stored_lines};

words!(
    /// What happens to rows that are wrong: the whole file is refused, or they are left out and reported.
    OnError { Refuse = "refuse", Skip = "skip" }
);

/// How the file is to be read.
#[derive(Clone, Debug)]
pub struct Request {
    pub dry_run: bool,
    pub date_format: Option<DateFormat>,
    pub location: Option<LocationRef>,
    pub effective_at: Option<Instant>,
    pub create_items: bool,
    pub default_unit: UnitCode,
    pub on_error: OnError,
    pub repeat: bool,
    pub mapping: Mapping,
}

/// How the file is to be read, as parameters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the published parameters; a test holds them equal to what is read")]
pub(crate) struct Parameters {
    /// Tries everything and posts nothing.
    dry_run: Option<bool>,
    /// How dates are written; found out where the file leaves no doubt.
    #[param(inline)]
    date_format: Option<DateFormat>,
    /// The area that the stock lies in, by its path; for rows without a location of their own.
    location: Option<String>,
    /// Instead of `location`.
    location_id: Option<Uuid>,
    /// When it was there; now, where nothing is said.
    effective_at: Option<Instant>,
    /// Makes the items that are missing. Needs `manage_catalogue`.
    create_items: Option<bool>,
    /// The base unit of items that are made where the row names none; `each` where nothing is said.
    default_unit: Option<String>,
    /// `refuse` where nothing is said.
    #[param(inline)]
    on_error: Option<OnError>,
    /// Takes in the same bytes another time.
    repeat: Option<bool>,
    /// Columns to leave out, separated by commas; `*` for all that have no meaning.
    ignore: Option<String>,
    /// The name of the column with the article number; `sku` where nothing is said. Likewise for the others.
    sku_column: Option<String>,
    /// The name of the column with the items' names; `name` where nothing is said.
    name_column: Option<String>,
    /// Likewise for `quantity`.
    quantity_column: Option<String>,
    /// Likewise for `unit`.
    unit_column: Option<String>,
    /// Likewise for `batch_code`.
    batch_code_column: Option<String>,
    /// Likewise for `expires_on`.
    expires_on_column: Option<String>,
    /// Likewise for `location`: a path.
    location_column: Option<String>,
    /// Likewise for `unit_cost`: in currency, for one unit of the row.
    unit_cost_column: Option<String>,
}

/// A name of a column, or a list of names.
struct Name(String);
impl FromValue for Name {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        Text::<1, 1000>::from_value(value).map(|text| Self(text.0))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (dry_run, date_format) = (fields.or("dry_run", false), fields.optional("date_format"));
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        let (effective_at, create_items) = (fields.optional("effective_at"), fields.or("create_items", false));
        let (default_unit, on_error, repeat) =
            (fields.optional::<UnitCode>("default_unit"), fields.or("on_error", OnError::Refuse), fields.or("repeat", false));
        let ignore = fields.optional::<Name>("ignore");
        let columns =
            ["sku_column", "name_column", "quantity_column", "unit_column", "batch_code_column", "expires_on_column", "location_column", "unit_cost_column"];
        let mut named = BTreeMap::new();
        for (field, column) in FIELDS.into_iter().zip(columns) {
            if let Some(name) = fields.optional::<Name>(column)? {
                named.insert(field, name.0);
            }
        }
        let ignore = ignore?.map(|names| names.0.split(',').map(|name| name.trim().to_owned()).collect()).unwrap_or_default();
        Some(Self {
            dry_run: dry_run?,
            date_format: date_format?,
            location: location?,
            effective_at: effective_at?,
            create_items: create_items?,
            default_unit: default_unit?.or_else(|| UnitCode::from_value(&"each".into()).ok())?,
            on_error: on_error?,
            repeat: repeat?,
            mapping: Mapping { named, ignore },
        })
    }
}

/// What became of the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was posted because it was only tried.
    pub dry_run: bool,
    /// How many rows the file has, the header not counted.
    pub rows: usize,
    /// How many of them were posted.
    pub posted: usize,
    /// How many items were made.
    pub items_created: usize,
    /// What was posted. A dry run shows none.
    pub documents: Vec<ImportedDocument>,
    /// The rows that were left out, and why.
    pub skipped: Vec<RowReport>,
}

/// A document that an import made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedDocument {
    /// Its id.
    pub id: Uuid,
    /// `O-000001`.
    pub number: String,
    /// The path of its location.
    pub location: String,
    /// How many lines it has.
    pub lines: usize,
}

impl HideCosts for ImportReport {}

/// It tells of its own file only, to whom sent it.
impl Recheck for ImportReport {}

/// A file, read and counted, on its way into the transaction.
struct File {
    request: Request,
    content_hash: String,
    rows: usize,
    read: Rows,
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request, bytes: &[u8]) -> Result<(u16, ImportReport, bool), Error> {
    caller.need(Permission::Adjust)?;
    if request.create_items {
        caller.need(Permission::ManageCatalogue)?;
    }
    let table = Table::read(bytes)?;
    let columns = Columns::of(&table, &request.mapping)?;
    let read = Rows::read(&table, &columns, request.date_format);
    let content_hash = hex(&Sha256::digest(bytes));
    let dry_run = request.dry_run;
    let file = File { request, content_hash, rows: table.rows.len(), read };
    let outcome = state.create_once(caller, once, file, |task, txn| Box::pin(work(task, txn))).await;
    match outcome {
        Ok(answer) => Ok((201, answer.body, answer.replayed)),
        // A dry run does all of the work and is undone by its error: it tells exactly what would have happened.
        Err(Error::Rehearsed(report)) if dry_run => Ok((200, *report, false)),
        Err(error) => Err(error),
    }
}

async fn work(task: &Task<File>, txn: &Txn) -> Result<ImportReport, Error> {
    let file = &task.input;
    let tenant = task.caller.tenant_id;
    repository::begin(txn, task, &file.content_hash, file.request.repeat).await?;
    let mut wrong = file.read.wrong.clone();
    let grounds = grounds(task, txn, &mut wrong).await?;
    let placed: Vec<&Row> = file.read.good.iter().filter(|row| grounds.contains_key(&row.place())).collect();
    let items_created = create_items(task, txn, &placed).await?;
    let refs: BTreeSet<ItemRef> = placed.iter().map(|row| ItemRef::Sku { sku: row.sku.clone() }).collect();
    let items = lookup::items(txn, tenant, refs.iter()).await?;

    let mut batches = batches(task, &placed, &grounds, &items, &mut wrong)?;
    let locked = ledger::lock(&task.state, txn, batches.iter().map(|batch| &batch.posting)).await?;
    let mut decided = Vec::with_capacity(batches.len());
    for batch in &mut batches {
        decided.push(decide(task, txn, &locked, batch, &mut wrong).await?);
    }
    if file.request.on_error == OnError::Refuse && !wrong.is_empty() {
        wrong.sort_by_key(|report| report.line);
        return Err(Error::Invalid(wrong.into_iter().map(RowReport::violation).collect()));
    }
    let mut documents = Vec::with_capacity(batches.len());
    for (batch, effects) in batches.iter().zip(decided) {
        let Some(effects) = effects else { continue };
        let stored = [stored_lines(batch.posting.received_lines(), &batch.entered, &effects)];
        let lines = effects.lines.len();
        let posted = ledger::apply(txn, &locked, &batch.posting, effects, &stored).await?;
        let number = DocumentType::OpeningStock.show(posted.document.number);
        documents.push(ImportedDocument { id: batch.posting.id(), number, location: batch.posting.location().to_owned(), lines });
    }
    let mut skipped: Vec<RowReport> = file.read.empty.iter().cloned().chain(wrong).collect();
    skipped.sort_by_key(|report| report.line);
    let left_out = skipped.iter().map(|report| report.line).collect::<BTreeSet<_>>().len();
    let posted = file.rows - left_out;
    repository::finish(txn, task, &file.content_hash, posted, left_out, items_created > 0).await?;
    let report = ImportReport { dry_run: file.request.dry_run, rows: file.rows, posted, items_created, documents, skipped };
    if file.request.dry_run {
        return Err(Error::Rehearsed(Box::new(ImportReport { documents: Vec::new(), ..report })));
    }
    Ok(report)
}

/// The areas that rows may lie in, by the path that a row gives; the default under `None`.
type Grounds = HashMap<Option<String>, Ground>;

async fn grounds(task: &Task<File>, txn: &Txn, wrong: &mut Vec<RowReport>) -> Result<Grounds, Error> {
    let file = &task.input;
    let tenant = task.caller.tenant_id;
    let mut grounds = Grounds::new();
    if let Some(named) = &file.request.location {
        grounds.insert(None, lookup::area(txn, tenant, named, task.now).await?);
    } else if file.read.good.iter().any(|row| row.location.is_none()) {
        return Err(Error::invalid("?location", "required", "say where the stock lies: rows have no location of their own"));
    }
    let paths: BTreeSet<&LocationPath> = file.read.good.iter().filter_map(|row| row.location.as_ref()).collect();
    for path in paths {
        match lookup::area(txn, tenant, &LocationRef::Path { location: path.clone() }, task.now).await {
            Ok(ground) => {
                grounds.insert(Some(path.as_str().to_owned()), ground);
            }
            Err(Error::Invalid(violations)) => {
                let Some(violation) = violations.first() else { continue };
                let lines = file.read.good.iter().filter(|row| row.location.as_ref() == Some(path));
                wrong.extend(lines.map(|row| RowReport::new(row.line, Some("location"), &violation.code, format!("{path}: {}", violation.detail))));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(grounds)
}

async fn create_items(task: &Task<File>, txn: &Txn, placed: &[&Row]) -> Result<usize, Error> {
    let file = &task.input;
    if !file.request.create_items {
        return Ok(0);
    }
    let mut wanted: BTreeMap<&str, NewItem> = BTreeMap::new();
    for row in placed {
        wanted.entry(row.sku.as_str()).or_insert_with(|| NewItem {
            id: task.state.next_id(),
            sku: row.sku.as_str().to_owned(),
            name: row.name.clone().unwrap_or_else(|| row.sku.as_str().to_owned()),
            base_unit: row.unit.clone().unwrap_or_else(|| file.request.default_unit.clone()).into(),
        });
    }
    lookup::create_missing(txn, task.caller.tenant_id, task.now, wanted.into_values().collect()).await
}

/// One document to be posted.
struct Batch {
    posting: Posting<OpeningStock>,
    entered: Vec<Entered>,
    /// The line of the file of each line of the document.
    file_lines: Vec<u64>,
}

/// The lines of an area that wait for a document.
struct Pile<'a> {
    ground: &'a Ground,
    lines: Vec<(ReceiveLine, Entered, u64)>,
}

fn batches(task: &Task<File>, placed: &[&Row], grounds: &Grounds, items: &Items, wrong: &mut Vec<RowReport>) -> Result<Vec<Batch>, Error> {
    let mut piles: BTreeMap<Uuid, Pile<'_>> = BTreeMap::new();
    for row in placed {
        let Some(ground) = grounds.get(&row.place()) else { continue };
        match line(task, row, items) {
            Ok((line, entered)) => piles.entry(ground.area.id).or_insert_with(|| Pile { ground, lines: Vec::new() }).lines.push((line, entered, row.line)),
            Err(report) => wrong.push(report),
        }
    }
    let mut batches = Vec::new();
    for pile in piles.into_values() {
        batches.extend(pile.documents(task, wrong)?);
    }
    Ok(batches)
}

impl Pile<'_> {
    /// Documents of as many lines as one may have, in the order of the file.
    fn documents(self, task: &Task<File>, wrong: &mut Vec<RowReport>) -> Result<Vec<Batch>, Error> {
        let mut documents = Vec::new();
        for lines in self.lines.chunks(task.state.config().import_lines_per_document) {
            let file_lines: Vec<u64> = lines.iter().map(|(_, _, line)| *line).collect();
            let permit = match Permit::ask(&task.caller, self.ground.area.clone(), task.input.request.effective_at, self.ground.now) {
                Ok(permit) => permit,
                Err(error) if task.input.request.on_error == OnError::Refuse => return Err(error),
                Err(_) => {
                    let forbidden = |line: &u64| RowReport::new(*line, Some("location"), "forbidden", "you may not post opening stock there at that time");
                    wrong.extend(file_lines.iter().map(forbidden));
                    continue;
                }
            };
            let header = Header::plain(task.state.next_id(), self.ground.rules);
            let posting = Posting::receive(permit, header, lines.iter().map(|(line, _, _)| line.clone()).collect(), Vec::new());
            documents.push(Batch { posting, entered: lines.iter().map(|(_, entered, _)| entered.clone()).collect(), file_lines });
        }
        Ok(documents)
    }
}

fn line(task: &Task<File>, row: &Row, items: &Items) -> Result<(ReceiveLine, Entered), RowReport> {
    let named = ItemRef::Sku { sku: row.sku.clone() };
    let measured = lookup::measure(0, &named, row.quantity, row.unit.as_ref(), items);
    let (item, quantity, unit) = measured.map_err(|violation| {
        let field = violation.pointer.rsplit('/').next().unwrap_or_default();
        // Where missing items are made, one is missing still only because there is no such unit to count it in.
        if field == "sku" && task.input.request.create_items && violation.code == "item_not_found" {
            let unit = row.unit.as_ref().unwrap_or(&task.input.request.default_unit);
            return RowReport::new(row.line, Some("unit"), "unit_unknown", format!("{}: there is no unit {unit}", row.sku));
        }
        RowReport::new(row.line, Some(field), &violation.code, format!("{}: {}", row.sku, violation.detail))
    })?;
    let priced = row.unit_cost.filter(|cost| *cost != Money::ZERO);
    let price = priced.map_or(Price::Unpriced, |price| Price::Unit { price, entered: row.quantity });
    let line = ReceiveLine {
        item: item.rules,
        lot: task.state.next_id(),
        quantity,
        price,
        discount: Money::ZERO,
        confirm_zero: true,
        batch_code: row.batch_code.clone(),
        expires_on: row.expires_on,
        produced_on: None,
        weight: None,
    };
    Ok((line, Entered { quantity: row.quantity, unit, free: None }))
}

/// Decides a document; lines that the core finds wrong are taken out where that is wanted, and it is decided again.
async fn decide(
    task: &Task<File>,
    txn: &Txn,
    locked: &ledger::Locked,
    batch: &mut Batch,
    wrong: &mut Vec<RowReport>,
) -> Result<Option<ledger::Effects>, Error> {
    loop {
        match batch.posting.decide(txn, locked).await {
            Ok(effects) if effects.entries.is_empty() => return Ok(None),
            Ok(effects) => return Ok(Some(effects)),
            Err(Error::Refused(ledger::Refusal::Lines(flaws))) => {
                let out: BTreeSet<usize> = flaws.iter().map(|flaw| flaw.line).collect();
                for flaw in flaws {
                    let line = batch.file_lines.get(flaw.line).copied().unwrap_or_default();
                    let column = if flaw.field == "unit_price" { "unit_cost" } else { flaw.field };
                    wrong.push(RowReport::new(line, Some(column), flaw.code, flaw.detail));
                }
                if task.input.request.on_error == OnError::Refuse {
                    return Ok(None);
                }
                let keep = |place: usize| !out.contains(&place);
                batch.posting.keep_lines(keep);
                let mut place = 0..;
                batch.entered.retain(|_| place.next().is_some_and(keep));
                let mut place = 0..;
                batch.file_lines.retain(|_| place.next().is_some_and(keep));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A CSV body within the import's own limit.
pub struct Csv {
    bytes: Vec<u8>,
    fingerprint: Fingerprint,
}

impl FromRequest for Csv {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_csv = kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/csv"));
        let limit = request.app_data::<web::Data<Inventory>>().map_or(0, |state| state.config().import_bytes);
        let mut payload = payload.take();
        let request = request.clone();
        Box::pin(async move {
            if !is_csv {
                return Err(Problem::new(415, "unsupported_media_type", "The body must be sent with Content-Type: text/csv."));
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| Problem::new(400, "malformed_body", "The body could not be read."))?;
                if bytes.len() + chunk.len() > limit {
                    return Err(Problem::new(413, "body_too_large", format!("A file of at most {limit} bytes is taken here.")));
                }
                bytes.extend_from_slice(&chunk);
            }
            let fingerprint = Fingerprint::of(&request, &bytes);
            Ok(Self { bytes, fingerprint })
        })
    }
}

/// What the file's rows became, with the status of a try or of the real thing.
pub struct Imported {
    status: u16,
    report: ImportReport,
    replayed: bool,
}

impl Responder for Imported {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        crate::http::Answer { status: self.status.into(), body: self.report, replayed: self.replayed }.respond_to(request)
    }
}

/// Takes in opening stock from a CSV file: all of it, or nothing.
#[utoipa::path(
    tag = "imports",
    operation_id = "import_opening_stock",
    params(Parameters, ("Idempotency-Key" = Option<String>, Header, description = "A new value for each import; not needed for a dry run")),
    request_body(content = String, content_type = "text/csv", description = "UTF-8, with or without BOM, separated by commas or semicolons, with a header"),
    responses(
        (status = 200, description = "Tried, nothing posted", body = ImportReport),
        (status = 201, description = "Posted", body = ImportReport),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`, `malformed_body`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`import_repeated`, `period_closed`, `already_exists`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 413, description = "`body_too_large`", body = kernel::problem::ProblemDocument),
        (status = 415, description = "`unsupported_media_type`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`: every row's error with its line; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
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
    let key = if query.0.dry_run { IdempotencyKey(None) } else { key.required()? };
    let once = Once { key, fingerprint: csv.fingerprint };
    let (status, report, replayed) = execute(&state, &caller, once, query.0, &csv.bytes).await?;
    Ok(Imported { status, report, replayed })
}
