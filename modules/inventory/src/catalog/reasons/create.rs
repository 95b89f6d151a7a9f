//! `POST /reasons`.

use actix_web::post;
use actix_web::web::Data;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use utoipa::ToSchema;

use super::{Reason, ReasonKind, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::names::{Code, Stage};

/// A reason.
#[derive(Debug, ToSchema)]
#[schema(as = CreateReason)]
pub struct Request {
    /// What it is for.
    pub kind: ReasonKind,
    /// What it is called in requests: 1 to 64 lower-case letters, digits, `-` and `_`; one of its kind.
    #[schema(value_type = String, min_length = 1, max_length = 64, examples("dropped"))]
    pub code: Code,
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Where in the work it happens.
    pub stage: Option<Stage>,
    /// Whether better work could have avoided it; yes, where nothing is said.
    #[schema(value_type = Option<bool>, default = true)]
    pub avoidable: bool,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (kind, code, name) = (fields.required("kind"), fields.required("code"), fields.required::<Text<1, 200>>("name"));
        let (stage, avoidable) = (fields.optional("stage"), fields.or("avoidable", true));
        Some(Self { kind: kind?, code: code?, name: name?.0, stage: stage?, avoidable: avoidable? })
    }
}

/// Makes a reason.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Reason>, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.create_once(caller, once, request, |task, txn| Box::pin(create(task, txn))).await
}

async fn create(task: &Task<Request>, txn: &Txn) -> Result<Reason, Error> {
    let request = &task.input;
    let reason = Reason {
        id: task.state.next_id(),
        kind: request.kind,
        code: request.code.to_string(),
        name: request.name.clone(),
        stage: request.stage,
        avoidable: request.avoidable,
        archived: false,
        archived_at: None,
        version: 1,
        created_at: task.now,
        updated_at: task.now,
    };
    repository::insert(txn, task.caller.tenant_id, &reason).await?;
    Ok(reason)
}

/// Makes a reason.
#[utoipa::path(
    operation_id = "create_reason",
    tag = "catalogue",
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "The reason.", body = Reason, headers(("Idempotent-Replayed" = String, description = "`true` for an answer that was stored."))),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is a reason of this kind and code. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = answers::KEY_REUSED, body = ProblemDocument<'_>),
    )
)]
#[post("/reasons")]
pub async fn handler(state: Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Reason>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}
