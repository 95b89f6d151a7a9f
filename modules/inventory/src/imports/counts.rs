//! Takes in what was counted: one posted count for each area, by the path of every count.

use std::collections::BTreeSet;

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Permission, Query, Txn, Violation};
use uuid::Uuid;

use super::batches::{Batches, Unclear};
use super::columns::{Takes, fields};
use super::places::{Grounds, forbidden, grounds};
use super::report::{CountedRow, ImportReport, ImportedDocument, RowReport};
use super::request::{self, Asked};
use super::rows::Row;
use super::upload::{Csv, File, Imported, Outcomes, answers, begin, finish};
use crate::Inventory;
use crate::catalog::lookup::{self, Ground, Items};
use crate::counts::{AtOnce, NamedRow, PostedRow};
use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::{self, Effects, Locked};
use crate::names::ItemRef;

const TAKES: Takes = Takes { fields: fields!["sku", "quantity", "unit", "batch_code", "location"], needs: &[&["sku"], &["quantity"]], nothing: None };

/// How the file is to be read.
#[derive(Clone, Debug)]
pub struct Request(Asked);

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Asked::read(fields, TAKES.fields).map(Self)
    }
}

/// The file on its way: nothing more is asked.
type Sheet = File<()>;

async fn work(task: &Task<Sheet>, txn: &Txn) -> Result<ImportReport, Error> {
    let file = &task.input;
    begin(task, txn).await?;
    let mut wrong = file.read.wrong.clone();
    let grounds = grounds(task, txn, &mut wrong).await?;
    let placed: Vec<(&Row, &Ground)> = file.read.good.iter().filter_map(|row| Some((row, grounds.get(&row.place())?))).collect();
    let refs: BTreeSet<ItemRef> = placed.iter().map(|(row, _)| named(row)).collect();
    let items = lookup::items(txn, task.caller.tenant_id, refs.iter()).await?;
    let batches = Batches::find(txn, task.caller.tenant_id, &batch_codes(&placed, &items)).await?;

    let mut counts = Vec::new();
    for (ground, rows) in by_area(&placed, &grounds) {
        if !task.caller.sites.contain(ground.area.site_id) {
            if !file.skips() {
                crate::http::need_site(&task.caller, ground.area.site_id)?;
            }
            wrong.extend(rows.iter().map(|row| forbidden(file, row.line)));
            continue;
        }
        let mut named = Vec::with_capacity(rows.len());
        for row in rows {
            match named_row(row, ground, &items, &batches) {
                Ok(row) => named.push(row),
                Err((code, detail)) => wrong.push(RowReport::about(row.line, &file.columns, "batch_code", code, format!("{}: {detail}", row.sku))),
            }
        }
        let at = file.asked.effective_at.unwrap_or(ground.now);
        let (count, found) = AtOnce::prepare(task, txn, (ground, at), &items, named).await?;
        wrong.extend(found.iter().map(|(line, violation)| told(file, *line, violation)));
        counts.extend(count);
    }
    let locked = ledger::lock(&task.state, txn, counts.iter().map(AtOnce::posting)).await?;
    let counts = decided(task, txn, &locked, counts, &mut wrong).await?;
    file.refuse(&wrong)?;
    let (documents, mut lines) = post(task, txn, &locked, counts, &items).await?;
    lines.sort_by_key(|row| row.line);
    finish(task, txn, Outcomes { wrong, items_created: 0, documents, lines: Some(lines) }).await
}

fn named(row: &Row) -> ItemRef {
    ItemRef::Sku { sku: row.sku.clone() }
}

fn batch_codes<'a>(placed: &[(&'a Row, &Ground)], items: &Items) -> BTreeSet<(Uuid, &'a str)> {
    let code = |(row, _): &(&'a Row, &Ground)| Some((items.named(&named(row))?.rules.id, row.batch_code.as_ref()?.as_str()));
    placed.iter().filter_map(code).collect()
}

/// The rows of each area, in the order of the file. An area that is named in two ways is one.
fn by_area<'a>(placed: &[(&'a Row, &'a Ground)], grounds: &Grounds) -> Vec<(&'a Ground, Vec<&'a Row>)> {
    let mut areas: Vec<(&Ground, Vec<&Row>)> = Vec::with_capacity(grounds.len());
    for (row, ground) in placed {
        match areas.iter_mut().find(|(area, _)| area.area.id == ground.area.id) {
            Some((_, rows)) => rows.push(row),
            None => areas.push((ground, vec![row])),
        }
    }
    areas
}

/// A row by the lot that it names; its number is its line of the file.
fn named_row(row: &Row, ground: &Ground, items: &Items, batches: &Batches) -> Result<NamedRow, (&'static str, String)> {
    let lot_id = match (items.named(&named(row)), &row.batch_code) {
        (Some(item), Some(code)) => {
            let lot = batches.lot(item.rules.id, code.as_str(), ground.area.id).map_err(|unclear| match unclear {
                Unclear::NoLot => ("lot_not_found", format!("this item has no lot {code}")),
                Unclear::Several(lots) => ("lot_ambiguous", format!("{lots} lots bear the code {code}: count them with their ids, or the item as a whole")),
            })?;
            Some(lot)
        }
        _ => None,
    };
    let number = usize::try_from(row.line).unwrap_or(usize::MAX);
    Ok(NamedRow { number, sku: row.sku.clone(), lot_id, quantity: row.quantity, unit: row.unit.clone() })
}

/// What is wrong with a line of the file, in the words of a line of a count.
fn told(file: &Sheet, line: usize, violation: &Violation) -> RowReport {
    let field = match violation.pointer.split('/').nth(3).unwrap_or_default() {
        "lot_id" => "batch_code",
        field => field,
    };
    let detail = match &*violation.code {
        "counted_twice" => "an earlier row says something else of the same item, area and lot".to_owned(),
        _ => violation.detail.clone(),
    };
    RowReport::about(number(line), &file.columns, field, &violation.code, detail)
}

fn number(line: usize) -> u64 {
    u64::try_from(line).unwrap_or(u64::MAX)
}

/// Decides each count; lines that the core finds wrong are taken out where that is wanted, and it is decided again.
async fn decided(task: &Task<Sheet>, txn: &Txn, locked: &Locked, counts: Vec<AtOnce>, wrong: &mut Vec<RowReport>) -> Result<Vec<(AtOnce, Effects)>, Error> {
    let mut decided = Vec::with_capacity(counts.len());
    for count in counts {
        let mut next = Some(count);
        while let Some(mut count) = next.take() {
            match count.decide(txn, locked).await? {
                Ok(effects) => decided.push((count, effects)),
                Err(flaws) => {
                    let report = |(line, flaw): &(usize, ledger::LineFlaw)| {
                        RowReport::about(number(*line), &task.input.columns, flaw.field, flaw.code, flaw.detail.clone())
                    };
                    wrong.extend(flaws.iter().map(report));
                    if task.input.skips() {
                        next = count.without(task, txn, &flaws.iter().map(|(line, _)| *line).collect()).await?;
                    }
                }
            }
        }
    }
    Ok(decided)
}

/// Posts the counts one after another. Two of them may find more of one lot, so each is decided again on what the ones before
/// it left; all of the lots are locked before the first takes the head, which is the last lock of a posting.
async fn post(
    task: &Task<Sheet>,
    txn: &Txn,
    locked: &Locked,
    counts: Vec<(AtOnce, Effects)>,
    items: &Items,
) -> Result<(Vec<ImportedDocument>, Vec<CountedRow>), Error> {
    ledger::lock_lots(txn, locked, counts.iter().map(|(_, effects)| effects)).await?;
    let (mut documents, mut lines) = (Vec::with_capacity(counts.len()), Vec::new());
    for (index, (mut count, effects)) in counts.into_iter().enumerate() {
        let effects = if index == 0 {
            effects
        } else {
            count.decide(txn, locked).await?.map_err(|flaws| Error::Refused(ledger::Refusal::Lines(flaws.into_iter().map(|(_, flaw)| flaw).collect())))?
        };
        let location = count.posting().location().to_owned();
        let (posted, rows) = count.apply(task, txn, locked, effects).await?;
        documents.push(ImportedDocument {
            id: posted.document.id,
            number: posted.document.number.clone(),
            location: location.clone(),
            lines: rows.len(),
            external_ref: None,
        });
        lines.extend(rows.into_iter().map(|row| counted_row(row, &location, items)));
    }
    Ok((documents, lines))
}

fn counted_row(row: PostedRow, location: &str, items: &Items) -> CountedRow {
    let counted = row.outcome.counted.unwrap_or_default();
    let (sku, unit) = items.names(row.slot.item);
    CountedRow {
        line: number(row.number),
        sku,
        location_id: row.slot.location,
        location: location.to_owned(),
        lot_id: row.slot.lot,
        unit,
        system: counted.expected,
        counted: row.counted.quantity,
        variance: counted.variance,
        value: Some(row.outcome.value),
        short_quantity: row.outcome.short,
        superseded: counted.superseded,
    }
}

/// Takes in what was counted from a CSV file, as one posted count for each area: the quantity of a row is what was there, zero
/// too. What the file does not name stays as it is. All of it, or nothing. A count that somebody else must approve is made with
/// `POST /v1/inventory/counts`.
#[utoipa::path(
    tag = "imports",
    operation_id = "import_counts",
    params(request::Parameters, ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    request_body(content = String, content_type = "text/csv", description = answers::FILE),
    responses(
        (status = 200, description = "Tried, nothing posted; `lines` say what differs", body = ImportReport),
        (status = 201, description = "Posted", body = ImportReport),
        (status = 400, description = answers::KEY_OR_BODY, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`import_repeated`, `too_many_lines`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 413, description = answers::TOO_LARGE, body = ProblemDocument<'_>),
        (status = 415, description = answers::NO_CSV, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`: every row's error with its line, as `errors`, of the file `empty_file`, `wrong_encoding`, `unreadable_csv`, `wrong_column_count`, `column_given_twice`, `column_missing`, `unknown_column`, of its rows `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_found`, `lot_ambiguous`, `lot_not_received_yet`, `lot_void`, `lot_beside_whole`, `counted_twice`, `cost_required`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/imports/counts")]
pub async fn import_counts(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, query: Query<Request>, csv: Csv) -> Result<Imported, Error> {
    let Request(asked) = query.0;
    let once = csv.once(key, &asked)?;
    caller.need(Permission::Count)?;
    let file = Sheet::read("count", TAKES, asked, (), None, &csv.bytes)?;
    file.take_in(&state, &caller, once, |task, txn| Box::pin(work(task, txn))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It has none beside those of every import.
    #[derive(utoipa::IntoParams)]
    struct Parameters {}

    #[test]
    fn the_published_parameters_are_what_is_read() {
        request::assert_parameters::<Request, Parameters>();
    }
}
