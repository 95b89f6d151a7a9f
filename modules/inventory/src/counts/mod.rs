//! Stock counts: who counts what, what differs from the ledger, and the document that sets it right.
//!
//! A count goes from `open` over `counting`, `review` and `approved` to `posted`, or ends as `cancelled`. One
//! that is posted can be posted again with what was counted, and is `reversed` where its document was undone. Several people count at
//! once: each request locks the count, so what one reads of its lines the next one has not changed meanwhile.

pub mod approve;
mod at_once;
pub mod cancel;
pub mod create;
mod lines;
pub mod list_lines;
pub mod post;
mod posting;
pub mod put_lines;
pub mod read;
pub mod recount;
mod repository;
pub mod repost;
pub mod review;
mod sheet;
pub mod start;

use std::future::Ready;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use kernel::http::IfMatch;
use kernel::{Body, Caller, Fingerprint, FromFields, Instant, Outcome, Permission, Problem, TenantId, Txn, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::catalog::lookup::{self, Area, Ground};
use crate::error::Error;
use crate::http::{Answer, HideCosts, Recheck, need_site};
use crate::names::LocationRef;
use crate::names::Word as _;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create::create_count).service(read::list_counts).service(read::get_count);
    config.service(list_lines::list_count_lines).service(put_lines::put_count_lines);
    config.service(start::start_count).service(review::review_count).service(recount::recount_count);
    config.service(approve::approve_count).service(post::post_count).service(repost::repost_count).service(cancel::cancel_count);
}

pub use at_once::{AtOnce, NamedRow, PostedRow};

crate::names::words!(
    /// How far a count is.
    CountStatus {
        /// Nobody has counted yet.
        Open = "open",
        /// Lines are being counted.
        Counting = "counting",
        /// Somebody looks at what differs.
        Review = "review",
        Approved = "approved",
        /// The ledger says what was counted.
        Posted = "posted",
        Cancelled = "cancelled",
        /// Its document was undone; it may be posted again.
        Reversed = "reversed",
    }
);

/// A stock count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StockCount)]
pub struct CountAnswer {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub status: CountStatus,
    /// What is counted: the id of an area or of a whole site.
    pub location_id: Uuid,
    /// The same by its path.
    pub location: String,
    /// The site's id.
    pub site_id: Uuid,
    /// Whether what the ledger says is kept from whoever may not approve, until it is posted.
    pub blind: bool,
    /// Whether it is posted only after somebody has approved it.
    pub needs_approval: bool,
    /// The document that it became.
    pub document_id: Option<Uuid>,
    /// When counting began.
    pub started_at: Option<Instant>,
    /// When it was last reviewed.
    pub reviewed_at: Option<Instant>,
    /// The last sequence number of the ledger that the review knew.
    pub reviewed_seq: Option<i64>,
    /// The user who approved it.
    pub approved_by: Option<Uuid>,
    /// What the client calls it.
    pub external_ref: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// The user who made it.
    pub created_by: Uuid,
    /// Grows with every step; lines that are counted change it only where they begin the count.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When its last step was taken.
    pub updated_at: Instant,
}

impl HideCosts for CountAnswer {}

impl Recheck for CountAnswer {
    fn recheck<'a>(&'a self, caller: &'a Caller, _: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move { need_site(caller, self.site_id) })
    }
}

impl CountAnswer {
    /// One that is just made, about which nothing more is said.
    fn open(id: Uuid, area: &Area, by: UserId, now: Instant) -> Self {
        Self {
            id,
            status: CountStatus::Open,
            location_id: area.id,
            location: area.path.clone(),
            site_id: area.site_id,
            blind: false,
            needs_approval: false,
            document_id: None,
            started_at: None,
            reviewed_at: None,
            reviewed_seq: None,
            approved_by: None,
            external_ref: None,
            note: None,
            created_by: by,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// 409 `count_status` unless it is where this step begins.
    fn need(&self, step: &str, statuses: &[CountStatus]) -> Result<(), Error> {
        if statuses.contains(&self.status) {
            return Ok(());
        }
        let status = self.status.word();
        Err(Problem::new(409, "count_status", format!("This count is {status}; it can't be {step}.")).fact("count_status", status).into())
    }

    /// Takes a step.
    fn go(&mut self, status: CountStatus, now: Instant) {
        (self.status, self.version, self.updated_at) = (status, self.version + 1, now.max(self.updated_at));
    }

    /// Whether the caller may know what the ledger says.
    fn shows_expected(&self, caller: &Caller) -> bool {
        let was_posted = matches!(self.status, CountStatus::Posted | CountStatus::Reversed);
        !self.blind || was_posted || caller.permissions.holds(Permission::Approve)
    }
}

/// The count, locked until the transaction ends, as far as the caller may see it and is not mistaken about its version.
async fn locked(txn: &Txn, caller: &Caller, id: Uuid, seen: Seen) -> Result<CountAnswer, Error> {
    let count = repository::lock(txn, caller.tenant_id, id).await?.filter(|count| caller.sites.contain(count.site_id));
    let count = count.ok_or(Error::NotFound("count"))?;
    seen.check(count.version)?;
    Ok(count)
}

/// Where a count is posted, and what was seen of the rules: read before anything that they are about.
async fn ground(txn: &Txn, tenant: TenantId, count: &CountAnswer, now: Instant) -> Result<Ground, Error> {
    let named = LocationRef::Id { location_id: count.location_id };
    let found = lookup::area_or_site(txn, tenant, &named, now).await;
    found.map_err(|error| match error {
        Error::Invalid(_) => Error::Conflict { code: "location_archived", detail: format!("`{}` is archived.", count.location) },
        error => error,
    })
}

/// The answer to a step that makes no new thing.
fn done<T>(answer: Answer<T>) -> Answer<T> {
    Answer { status: 200, ..answer }
}

/// The version that the client has seen, where it says so.
#[derive(Clone, Copy, Debug)]
pub struct Seen(Option<IfMatch>);

impl Seen {
    fn check(self, version: i64) -> Result<(), Error> {
        self.0.map_or(Ok(()), |seen| seen.check(version)).map_err(Error::from)
    }
}

impl FromRequest for Seen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::IF_MATCH) {
            return std::future::ready(Ok(Self(None)));
        }
        std::future::ready(IfMatch::from_request(request, payload).into_inner().map(|seen| Self(Some(seen))))
    }
}

/// A body that may be left out: that says the same as an object without fields.
pub struct OptionalBody<T>(pub Body<T>);

impl<T: FromFields + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let is_there =
            headers.contains_key(header::CONTENT_TYPE) || headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0");
        if is_there {
            let body = Body::<T>::from_request(request, payload);
            return Box::pin(async move { body.await.map(Self) });
        }
        let fingerprint = Fingerprint::of(request, b"{}");
        Box::pin(async move { Ok(Self(Body { request: kernel::reading::read(&serde_json::json!({}))?, fingerprint })) })
    }
}

/// A step about which nothing is said.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl FromFields for Nothing {
    fn from_fields(_: &mut kernel::Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// How the steps describe what they have in common.
mod answers {
    pub const SEEN: &str = "The version that you have seen, as an ETag: 412 where it was changed meanwhile. Left out: whatever is there.";
    pub const MISMATCH: &str = "`version_mismatch`: it was changed meanwhile, or If-Match is no ETag of this server";
    pub const BUSY: &str = "`count_busy`: others are working on this count, `stock_busy`";
    pub const STATUS: &str = "`count_status` with the status that it is in as `count_status`, `idempotency_in_progress`";
}
