//! The order in which a posting may do things, held by types: whoever has not asked may not post, whoever has not locked can
//! not read balances, and only the head gives numbers.

use std::marker::PhantomData;

use chrono::NaiveDate;
use kernel::{Caller, Instant, Permission, TenantId, UserId};

use super::facts::Key;
use crate::catalog::lookup::Area;
use crate::error::Error;
use crate::http::need_site;

crate::names::words!(
    /// What kind of document it is.
    DocumentType {
        Receipt = "receipt",
        Waste = "waste",
        OpeningStock = "opening_stock",
        /// Goods that were used.
        Usage = "usage",
        /// Stock that was set right.
        Adjustment = "adjustment",
        /// Goods that went back to who sold them.
        VendorReturn = "vendor_return",
        /// A transfer at once, from one place to the other.
        Transfer = "transfer",
        /// What was sent.
        Dispatch = "dispatch",
        /// What arrived of it.
        Arrival = "arrival",
        /// What was lost on the way.
        TransitLoss = "transit_loss",
        /// What came back of it.
        TransferCancel = "transfer_cancel",
        Count = "count",
        /// Another document is undone.
        Reversal = "reversal",
        /// Costs that came later.
        CostChange = "cost_change",
        /// A receipt's line that was wrong.
        Correction = "correction",
        /// Goods that became other goods.
        Transformation = "transformation",
        /// A part of a lot that was opened.
        Opening = "opening",
    }
);

impl DocumentType {
    /// The column of `ledger_head` that counts this type's numbers.
    pub(super) fn counter(self) -> &'static str {
        match self {
            Self::Receipt => "receipt_number",
            Self::Waste => "waste_number",
            Self::OpeningStock => "opening_stock_number",
            Self::Usage => "usage_number",
            Self::Adjustment => "adjustment_number",
            Self::VendorReturn => "vendor_return_number",
            Self::Transfer => "transfer_number",
            Self::Dispatch => "dispatch_number",
            Self::Arrival => "arrival_number",
            Self::TransitLoss => "transit_loss_number",
            Self::TransferCancel => "transfer_cancel_number",
            Self::Count => "count_number",
            Self::Reversal => "reversal_number",
            Self::CostChange => "cost_change_number",
            Self::Correction => "correction_number",
            Self::Transformation => "transformation_number",
            Self::Opening => "opening_number",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Receipt => "R",
            Self::Waste => "W",
            Self::OpeningStock => "O",
            Self::Usage => "U",
            Self::Adjustment => "A",
            Self::VendorReturn => "VR",
            Self::Transfer => "T",
            Self::Dispatch => "TD",
            Self::Arrival => "TA",
            Self::TransitLoss => "TL",
            Self::TransferCancel => "TC",
            Self::Count => "C",
            Self::Reversal => "V",
            Self::CostChange => "K",
            Self::Correction => "RC",
            Self::Transformation => "F",
            Self::Opening => "P",
        }
    }

    /// A number as people read it: `R-000017`.
    pub fn show(self, number: i64) -> String {
        format!("{}-{number:06}", self.prefix())
    }
}

/// A kind of document, with what posting one needs.
pub trait Kind: Send + Sync + 'static {
    const TYPE: DocumentType;
    const NEEDS: Permission;
    /// Whether it may lie back without the permission to back-date: a count is posted when it is reviewed.
    const LIES_BACK: bool = false;
}

/// A kind of document that brings goods in.
pub trait Inbound: Kind {}

/// Declares the kinds: what posting one needs.
macro_rules! kinds {
    ($($kind:ident needs $permission:ident $(and may lie back $lies_back:tt)?),+ $(,)?) => {
        $(
            pub struct $kind;
            impl Kind for $kind {
                const TYPE: DocumentType = DocumentType::$kind;
                const NEEDS: Permission = Permission::$permission;
                $(const LIES_BACK: bool = $lies_back;)?
            }
        )+

        impl DocumentType {
            /// What posting one needs, for those who have only the stored document.
            pub fn needs(self) -> Permission {
                match self {
                    $(Self::$kind => Permission::$permission),+
                }
            }
        }
    };
}

kinds!(
    Receipt needs Receive,
    Waste needs Waste,
    OpeningStock needs Adjust,
    Usage needs UseStock,
    Adjustment needs Adjust,
    VendorReturn needs Receive,
    Transfer needs Transfer,
    Dispatch needs Transfer,
    Arrival needs Transfer,
    TransitLoss needs Transfer,
    TransferCancel needs Transfer,
    Count needs Count and may lie back true,
    Reversal needs Adjust,
    CostChange needs Receive,
    Correction needs Receive,
    Transformation needs UseStock,
    Opening needs UseStock,
);

impl Inbound for Receipt {}
impl Inbound for OpeningStock {}

/// Proof that a caller may post a document of this kind at this place and time. Only [`Permit::ask`] makes one:
///
/// ```compile_fail,E0451
/// use inventory::protocol::{Permit, Waste};
/// fn forge(tenant: uuid::Uuid) -> Permit<Waste> {
///     Permit { tenant, ..loop {} }
/// }
/// ```
pub struct Permit<K: Kind> {
    pub(super) tenant: TenantId,
    pub(super) actor: UserId,
    pub(super) area: Area,
    pub(super) effective_at: Instant,
    /// Whether nobody said when: then it happens under its locks.
    pub(super) happens_now: bool,
    pub(super) recorded_at: Instant,
    kind: PhantomData<K>,
}

impl<K: Kind> Permit<K> {
    /// For the time that is said, or for now. 403 `forbidden` without the kind's permission, without the area's site, or, for an
    /// earlier business date than today's, without `backdate`.
    pub fn ask(caller: &Caller, area: Area, said: Option<Instant>, now: Instant) -> Result<Self, Error> {
        let effective_at = said.unwrap_or(now);
        caller.need(K::NEEDS)?;
        need_site(caller, area.site_id)?;
        if !K::LIES_BACK && area.days.business_date(effective_at) < area.days.business_date(now) {
            caller.need(Permission::Backdate)?;
        }
        Ok(Self { tenant: caller.tenant_id, actor: caller.user_id, area, effective_at, happens_now: said.is_none(), recorded_at: now, kind: PhantomData })
    }
}

/// Stock keys whose rows are locked until the transaction ends. Only [`super::locking`] makes one, and balances are
/// read only with it: read before the lock, they would be those from before the wait.
///
/// ```compile_fail,E0451
/// use inventory::protocol::Locked;
/// fn forge(tenant: uuid::Uuid) -> Locked {
///     Locked { tenant, keys: Vec::new(), at: loop {} }
/// }
/// ```
///
/// What may not be forged may be had; the same with nothing forged compiles:
///
/// ```
/// use inventory::protocol::{Locked, Permit, Posting, Waste};
/// fn take(_: Locked, _: Permit<Waste>, _: Posting<Waste>) {}
/// ```
pub struct Locked {
    pub(super) tenant: TenantId,
    /// Sorted, without repetition.
    pub(super) keys: Vec<Key>,
    /// When they were had.
    pub(super) at: Instant,
}

impl Locked {
    /// Whether all of these keys of that tenant are locked.
    pub(super) fn covers(&self, tenant: TenantId, keys: &[Key]) -> bool {
        self.tenant == tenant && keys.iter().all(|key| self.keys.binary_search(key).is_ok())
    }
}

/// What was read of the head before anything was resolved: where it no longer holds at the end, the posting begins anew.
#[derive(Clone, Copy, Debug)]
pub struct RulesSeen {
    pub version: i64,
    pub closed_through: Option<NaiveDate>,
}

/// The head as a document has left it: the last lock of every posting, and the only source of numbers. Of a document that was posted before
/// it is told again.
pub struct Head {
    /// The document's place in the tenant's chain.
    pub(super) position: i64,
    /// The sequence number of this document's last entry.
    pub(super) last_seq: i64,
    pub(super) number: i64,
    /// The chain hash of the document.
    pub(super) link: String,
}

impl Head {
    /// The document's number, within its type.
    pub fn number(&self) -> i64 {
        self.number
    }

    pub fn link(&self) -> &str {
        &self.link
    }

    /// The sequence numbers of so many entries, all that the document has, in their order.
    pub fn sequence(&self, entries: usize) -> impl Iterator<Item = i64> {
        let first = self.last_seq - i64::try_from(entries).unwrap_or(0) + 1;
        first..=self.last_seq
    }
}
