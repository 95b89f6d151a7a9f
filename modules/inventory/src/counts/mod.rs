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
pub mod update;

use kernel::{Caller, FromFields, Instant, Outcome, Permission, Problem, Routes, TenantId, Txn, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalog::lookup::{self, Area, Ground};
use crate::error::Error;
use crate::http::{Answer, HideCosts, Recheck, Seen, need_site};
use crate::names::LocationRef;
use crate::names::Word as _;

pub fn routes(routes: &mut impl Routes) {
    routes.service(create::create_count).service(read::list_counts).service(read::get_count).service(update::update_count);
    routes.service(list_lines::list_count_lines).service(put_lines::put_count_lines);
    routes.service(start::start_count).service(review::review_count).service(recount::recount_count);
    routes.service(approve::approve_count).service(post::post_count).service(repost::repost_count).service(cancel::cancel_count);
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

crate::names::words!(
    /// What becomes of stock that lies there and was not counted.
    #[derive(Default)]
    Uncounted {
        /// It stays as it is.
        #[default]
        Untouched = "untouched",
        /// It is counted as zero, at the time of the review; without a review at the time of posting.
        Zero = "zero",
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
    /// What becomes of stock that lies there and was not counted.
    pub uncounted: Uncounted,
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
            uncounted: Uncounted::default(),
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
