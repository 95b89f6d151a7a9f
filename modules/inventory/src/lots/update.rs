//! `PATCH /lots/{id}`: a lot is put on hold, recalled or released, its date or what stands on it set right. Each of it is an
//! event that stays; no quantity changes.

use actix_web::{HttpResponse, patch, web};
use chrono::NaiveDate;
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Sites, TenantId, Text, Txn};
use sea_orm::FromQueryResult;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{self, LotAnswer};
use crate::Inventory;
use crate::catalog::answers;
use crate::catalog::patch::{Change, clearable, replaceable};
use crate::error::Error;
use crate::http::{Id, need_site, seen_by, versioned};
use crate::idempotency::Task;
use crate::ledger::{Hold, LotEvent, LotEventKind, LotState, lock_lot_states, write_lot_states};
use crate::names::{BatchCode, LotId};
use crate::rows;

crate::names::words!(
    /// What a lot's status can be set to. Expired it becomes by itself.
    SetStatus { Ok = "ok", Hold = "hold", Recall = "recall" }
);

impl SetStatus {
    fn hold(self) -> Option<Hold> {
        match self {
            Self::Ok => None,
            Self::Hold => Some(Hold::Hold),
            Self::Recall => Some(Hold::Recall),
        }
    }
}

/// What may be said of a lot.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UpdateLot)]
pub struct Request {
    /// `hold` needs the permission `adjust` or `approve`, everything else `approve`.
    #[schema(nullable = false)]
    pub status: Option<SetStatus>,
    /// Its date; null for none.
    #[schema(value_type = Option<NaiveDate>)]
    pub expires_on: Change<NaiveDate>,
    /// What stands on the package; null for nothing.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub batch_code: Change<String>,
    /// Why: 1 to 2,000 characters, kept with what is changed, or by itself.
    #[schema(min_length = 1, max_length = 2000, nullable = false)]
    pub note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (status, expires_on) = (replaceable(fields, "status"), clearable(fields, "expires_on"));
        let (batch_code, note) = (clearable::<BatchCode>(fields, "batch_code"), replaceable::<Text<1, 2000>>(fields, "note"));
        Some(Self { status: status?, expires_on: expires_on?, batch_code: batch_code?.map(String::from), note: note?.map(|note| note.0) })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, id: LotId, seen: IfMatch, request: Request) -> Result<LotAnswer, Error> {
    may_hold(caller)?;
    let lot = state.write(caller, (id, seen, request), |task, txn| Box::pin(update(task, txn))).await?;
    Ok(seen_by(lot, caller))
}

/// Whoever sets stock right may put a lot aside; letting it be used again is for who approves.
fn may_hold(caller: &Caller) -> Result<(), Error> {
    caller.need(Permission::Adjust).or_else(|_| caller.need(Permission::Approve)).map_err(Error::from)
}

async fn update(task: &Task<(LotId, IfMatch, Request)>, txn: &Txn) -> Result<LotAnswer, Error> {
    let (caller, (id, seen, request)) = (&task.caller, &task.input);
    read::find(txn, caller, *id, task.now).await?;
    let locked = lock_lot_states(txn, caller.tenant_id, &[*id]).await?;
    let before = locked.into_iter().next().ok_or(Error::NotFound("lot"))?;
    seen.check(before.version)?;
    if before.void {
        return Err(Error::Conflict { code: "lot_void", detail: "The document that made this lot was undone.".to_owned() });
    }
    let mut after = before.clone();
    request.apply(&mut after)?;
    let events = events(&before, &after, request.note.as_ref());
    if events.is_empty() {
        return read::find(txn, caller, *id, task.now).await;
    }
    if events.iter().any(|event| needs_approval(event, &before)) {
        caller.need(Permission::Approve)?;
        everywhere(txn, caller, *id).await?;
    }
    write_lot_states(txn, caller.tenant_id, &[after], &events, caller.user_id, task.now).await?;
    read::find(txn, caller, *id, task.now).await
}

/// Putting a lot aside is for everyone's safety, and a remark changes nothing.
fn needs_approval(event: &LotEvent, before: &LotState) -> bool {
    match event.kind {
        LotEventKind::Hold => before.hold == Some(Hold::Recall),
        LotEventKind::Note => false,
        LotEventKind::Recall | LotEventKind::Release | LotEventKind::ExpiryEdit | LotEventKind::BatchEdit => true,
    }
}

/// What lets a lot be used elsewhere is not for somebody who does not see it there.
pub async fn everywhere(txn: &Txn, caller: &Caller, lot: LotId) -> Result<(), Error> {
    if caller.sites == Sites::All {
        return Ok(());
    }
    for site in sites_of(txn, caller.tenant_id, lot).await? {
        need_site(caller, site)?;
    }
    Ok(())
}

async fn sites_of(txn: &Txn, tenant: TenantId, lot: LotId) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct SiteRow {
        site_id: Uuid,
    }
    let sql = "SELECT DISTINCT location.site_id FROM balance JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id \
               WHERE balance.tenant_id = $1 AND balance.lot_id = $2 AND balance.quantity > 0";
    let found = rows::all::<SiteRow>(txn, sql, [tenant.into(), lot.into()]).await?;
    Ok(found.into_iter().map(|row| row.site_id).collect())
}

impl Request {
    /// Says it of the lot, unless an item whose dates or batches are tracked would be left without.
    fn apply(&self, lot: &mut LotState) -> Result<(), Error> {
        if let Some(status) = self.status {
            lot.hold = status.hold();
        }
        self.expires_on.apply(&mut lot.expires_on);
        self.batch_code.clone().apply(&mut lot.batch_code);
        let mut violations = Vec::new();
        let mut required = |pointer: &str, code: &'static str, detail: &str| {
            violations.push(kernel::Violation { pointer: pointer.to_owned(), code: code.into(), detail: detail.to_owned() });
        };
        if lot.track_expiry && self.expires_on == Change::To(None) {
            required("/expires_on", "expiry_required", "this item's expiry is tracked: its lots have a date");
        }
        if lot.track_lots && self.batch_code == Change::To(None) {
            required("/batch_code", "batch_code_required", "this item's lots are tracked: they have a batch code");
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }
}

/// What has happened between the two, with the remark at each of it.
fn events(before: &LotState, after: &LotState, note: Option<&String>) -> Vec<LotEvent> {
    let event = |kind, note: Option<String>| LotEvent { lot: before.id, kind, expires_on: (None, None), note };
    let mut events = Vec::new();
    if before.hold != after.hold {
        let kind = match after.hold {
            Some(Hold::Hold) => LotEventKind::Hold,
            Some(Hold::Recall) => LotEventKind::Recall,
            None => LotEventKind::Release,
        };
        events.push(event(kind, note.cloned()));
    }
    if before.expires_on != after.expires_on {
        events.push(LotEvent { expires_on: (before.expires_on, after.expires_on), ..event(LotEventKind::ExpiryEdit, note.cloned()) });
    }
    if before.batch_code != after.batch_code {
        let shown = |code: &Option<String>| code.clone().unwrap_or_else(|| "nothing".to_owned());
        let edit = format!("{} became {}", shown(&before.batch_code), shown(&after.batch_code));
        events.push(event(LotEventKind::BatchEdit, Some(note.map_or_else(|| edit.clone(), |note| format!("{edit}: {note}")))));
    }
    if events.is_empty() && note.is_some() {
        events.push(event(LotEventKind::Note, note.cloned()));
    }
    events
}

/// Puts a lot on hold, recalls or releases it, sets its date or its batch code right (JSON merge patch).
#[utoipa::path(
    tag = "stock",
    operation_id = "update_lot",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The lot's id"), ("If-Match" = String, Header, description = answers::IF_MATCH)),
    responses(
        (status = 200, description = "The lot as it is now", body = LotAnswer, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`lot_void`: the document that made it was undone", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`; of its fields `expiry_required`, `batch_code_required`", body = ProblemDocument<'_>),
        (status = 428, description = answers::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[patch("/lots/{id}")]
pub async fn update_lot(state: web::Data<Inventory>, caller: Caller, id: Id, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let lot = execute(&state, &caller, id.0, seen, body.request).await?;
    Ok(versioned(lot.version, &lot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, Request>();
    }
}
