//! A file on its way into the transaction, and back out of it as a report.

use std::collections::BTreeSet;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use futures::StreamExt as _;
use kernel::http::IdempotencyKey;
use kernel::{Caller, Fingerprint, Outcome, Problem, Txn, hex};
use sha2::{Digest, Sha256};

use super::columns::{Columns, Takes};
use super::dates::DateFormat;
use super::report::{CountedRow, ImportReport, ImportedDocument, RowReport};
use super::repository;
use super::request::{Asked, OnError};
use super::rows::Rows;
use super::table::Table;
use crate::Inventory;
use crate::error::Error;
use crate::http::seen_by;
use crate::idempotency::{Once, Task};

/// A file, read and counted; `more` is what only its kind of import is asked.
pub struct File<M> {
    /// What the import is, as it is stored beside the file's hash.
    pub kind: &'static str,
    pub asked: Asked,
    pub more: M,
    pub columns: Columns,
    pub read: Rows,
    content_hash: String,
    rows: usize,
}

/// What became of the rows of a file.
#[derive(Default)]
pub struct Outcomes {
    /// All rows that are wrong.
    pub wrong: Vec<RowReport>,
    pub items_created: usize,
    pub documents: Vec<ImportedDocument>,
    pub lines: Option<Vec<CountedRow>>,
}

impl<M: Send + Sync + 'static> File<M> {
    pub fn read(kind: &'static str, takes: Takes, asked: Asked, more: M, date_format: Option<DateFormat>, bytes: &[u8]) -> Result<Self, Error> {
        let table = Table::read(bytes)?;
        let columns = Columns::of(&table, &asked.mapping, takes)?;
        let read = Rows::read(&table, &columns, date_format);
        Ok(Self { kind, asked, more, read, columns, content_hash: hex(&Sha256::digest(bytes)), rows: table.rows.len() })
    }

    /// Takes it in once. A dry run does all of the work and is undone by its error: it tells exactly what would have happened.
    pub async fn take_in(
        self,
        state: &Inventory,
        caller: &Caller,
        once: Once,
        work: impl for<'a> Fn(&'a Task<Self>, &'a Txn) -> Outcome<'a, ImportReport, Error> + Send + Sync + 'static,
    ) -> Result<Imported, Error> {
        let dry_run = self.asked.dry_run;
        match state.create_once(caller, once, self, work).await {
            Ok(answer) => Ok(Imported { status: 201, report: answer.body, replayed: answer.replayed }),
            Err(Error::Rehearsed(report)) if dry_run => Ok(Imported { status: 200, report: seen_by(*report, caller), replayed: false }),
            Err(error) => Err(error),
        }
    }

    /// 422 with every wrong row, where they are not to be left out.
    pub fn refuse(&self, wrong: &[RowReport]) -> Result<(), Error> {
        if !self.is_refused(wrong) {
            return Ok(());
        }
        let mut wrong = wrong.to_vec();
        wrong.sort_by_key(|report| report.line);
        Err(Error::Invalid(wrong.into_iter().map(RowReport::violation).collect()))
    }

    /// Whether the file is refused for its wrong rows.
    pub fn is_refused(&self, wrong: &[RowReport]) -> bool {
        !self.skips() && !wrong.is_empty()
    }

    /// Whether wrong rows are left out.
    pub fn skips(&self) -> bool {
        self.asked.on_error == OnError::Skip
    }
}

/// The end of the work: what the rows became, written down beside the file's hash, and told. A dry run ends as an error here.
pub async fn finish<M>(task: &Task<File<M>>, txn: &Txn, outcomes: Outcomes) -> Result<ImportReport, Error> {
    let (file, Outcomes { wrong, items_created, documents, lines }) = (&task.input, outcomes);
    let mut skipped: Vec<RowReport> = file.read.empty.iter().cloned().chain(wrong).collect();
    skipped.sort_by_key(|report| report.line);
    let left_out = skipped.iter().map(|report| report.line).collect::<BTreeSet<_>>().len();
    let posted = file.rows - left_out;
    let imported = repository::Imported { posted, skipped: left_out, items_created: items_created > 0 };
    repository::finish(txn, task, &file.content_hash, imported).await?;
    let report = ImportReport { dry_run: file.asked.dry_run, rows: file.rows, posted, items_created, documents, skipped, lines };
    if file.asked.dry_run {
        return Err(Error::Rehearsed(Box::new(ImportReport { documents: Vec::new(), ..report })));
    }
    Ok(report)
}

/// The beginning of the work: 409 `import_repeated` where the same bytes were taken in before.
pub async fn begin<M>(task: &Task<File<M>>, txn: &Txn) -> Result<(), Error> {
    repository::begin(txn, task, &task.input.content_hash, task.input.asked.repeat).await
}

/// A CSV body within the import's own limit, and the key under which it is sent.
pub struct Csv {
    pub bytes: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Csv {
    /// Under which it is taken in once: 400 `idempotency_key_required` without a key, but for a dry run, which leaves nothing.
    pub fn once(&self, key: IdempotencyKey, asked: &Asked) -> Result<Once, Error> {
        let key = if asked.dry_run { IdempotencyKey(None) } else { key.required()? };
        Ok(Once { key, fingerprint: self.fingerprint.clone() })
    }
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

/// How the imports describe what they have in common.
pub mod answers {
    pub const KEY: &str = "A new value for each import; not needed for a dry run";
    pub const FILE: &str = "UTF-8, with or without BOM, separated by commas or semicolons, with a header";
    pub const KEY_OR_BODY: &str = "`idempotency_key_required`, `idempotency_key_invalid`, `malformed_body`";
    pub const FORBIDDEN: &str = "`forbidden`, `tenant_closed`";
    pub const TOO_LARGE: &str = "`body_too_large`";
    pub const NO_CSV: &str = "`unsupported_media_type`";
    pub const BUSY: &str = "`stock_busy`";
}
