//! What can go wrong in this module, and the only place that says with which status and code it is answered.

use actix_web::{HttpResponse, ResponseError};
use kernel::{Problem, Retry, Violation, WriteError};
use sea_orm::DbErr;

use crate::ledger::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A problem that the kernel or the reading of the request has found.
    #[error("{0}")]
    Problem(#[from] Problem),
    /// The database failed in a way that no rule here explains.
    #[error("the database failed")]
    Database(#[source] DbErr),
    /// Something that the caller may not see, or that does not exist: the same answer.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The request is well-formed and invalid; everything that is wrong with it.
    #[error("invalid request")]
    Invalid(Vec<Violation>),
    /// The ledger core refused.
    #[error("refused by the ledger")]
    Refused(Refusal),
    /// The ledger's head moved on under a posting: a period was closed, something archived. It is done again.
    #[error("the rules changed under a posting")]
    RulesChanged,
    /// A document is undone once.
    #[error("the document is reversed already")]
    AlreadyReversed,
    /// The same key is being worked on by another request.
    #[error("the first request under this key is still running")]
    IdempotencyInProgress,
    #[error("the key was used for another request")]
    IdempotencyKeyReused,
    /// Stock keys were not to be had in time.
    #[error("stock is busy")]
    StockBusy,
    /// Something of this code is there already.
    #[error("{what} {code} exists")]
    Exists { what: &'static str, code: String },
    /// The database says a reference is used elsewhere, or a rule of the catalogue forbids it; see the code.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// A dry run came to its end; carried as an error so that the transaction is undone.
    #[error("rehearsed")]
    Rehearsed(Box<crate::imports::ImportReport>),
    /// A tenant that auth does not know (any more).
    #[error("tenant unknown")]
    TenantUnknown,
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl WriteError for Error {
    fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::RulesChanged => Retry::Changed,
            _ => Retry::No,
        }
    }
}

impl Error {
    /// One violation at `pointer`.
    pub(crate) fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { pointer: pointer.into(), code: code.into(), detail: detail.into() }])
    }

    /// The same where the ledger was given only some lines of a document: `sent` says which line of the request each is.
    pub(crate) fn at_lines(self, sent: &[usize]) -> Self {
        if let Self::Refused(refusal) = self { Self::Refused(refusal.at_lines(sent)) } else { self }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Problem(problem) => problem.clone(),
            Self::Database(error) => Problem::database(error),
            Self::NotFound(what) => Problem::new(404, "not_found", format!("There is no {what} of this id.")),
            Self::Invalid(violations) => Problem::invalid(violations.clone()),
            Self::Refused(refusal) => refusal.problem(),
            Self::RulesChanged => Problem::new(503, "stock_busy", "The rules of the ledger kept changing; nothing was posted. Try again.").retry_after(1),
            Self::AlreadyReversed => Problem::new(409, "already_reversed", "This document was reversed before."),
            Self::IdempotencyInProgress => {
                Problem::new(409, "idempotency_in_progress", "The first request under this Idempotency-Key is still running; ask again in a moment.")
                    .retry_after(1)
            }
            Self::IdempotencyKeyReused => Problem::new(422, "idempotency_key_reused", "This Idempotency-Key was used for another request; take a new one."),
            Self::StockBusy => Problem::new(503, "stock_busy", "Others are posting to the same stock; nothing was posted. Try again.").retry_after(1),
            Self::Exists { what, code } => Problem::new(409, "already_exists", format!("There is a {what} `{code}` already.")),
            Self::Conflict { code, detail } => Problem::new(409, code, detail.clone()),
            Self::Rehearsed(_) => Problem::new(500, "internal_error", "A dry run ended where none was asked for."),
            Self::TenantUnknown => Problem::new(403, "tenant_closed", "This tenant is closed."),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        error.problem()
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> actix_web::http::StatusCode {
        actix_web::http::StatusCode::from_u16(self.problem().status).unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.problem().response()
    }
}
