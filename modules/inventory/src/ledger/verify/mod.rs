//! Whether the ledger is still what was posted. Everything that can be recomputed is: the sequence, the hashes and their chain,
//! the numbers, the balances now and at every instant of the past, and what refers to what.
//!
//! It only reads, and what it reads must be one snapshot. A ledger of any size needs the memory of a page and of one document.

mod chain;
mod checkpoints;
mod difference;
mod places;
mod references;
mod stored;
mod truths;

use kernel::{TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use serde::Serialize;

use difference::Findings;
pub use difference::{Check, Difference};

use crate::rows;

/// How far a tenant is: entries read of those that the head has counted, once for each phase, since each reads all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub tenant: TenantId,
    pub entries: u64,
    pub of: u64,
}

impl Progress {
    /// How often all entries are read: along the chain, by place, for what is named and what lots cost, and for the periods.
    pub const PASSES: u64 = 4;
}

/// After how many entries it is told how far this is.
const TELL_EVERY: u64 = 50_000;

/// Tells how far a tenant is, after every so many entries and at the end of every phase.
struct Telling<'t> {
    tell: &'t mut (dyn FnMut(Progress) + Send),
    tenant: TenantId,
    /// How many entries the head has counted.
    all: u64,
    phase: u64,
    /// Of this phase.
    read: u64,
}

impl<'t> Telling<'t> {
    fn new(tell: &'t mut (dyn FnMut(Progress) + Send), tenant: TenantId, head: Option<&stored::Head>) -> Self {
        let all = head.and_then(|head| u64::try_from(head.seq).ok()).unwrap_or_default();
        Self { tell, tenant, all, phase: 0, read: 0 }
    }

    fn read(&mut self, entries: u64) {
        self.read += entries;
        if self.read.is_multiple_of(TELL_EVERY) {
            self.say(self.read.min(self.all));
        }
    }

    /// However many entries it has found: the next phase begins with the next part.
    fn end_phase(&mut self) {
        self.say(self.all);
        (self.phase, self.read) = (self.phase + 1, 0);
    }

    fn say(&mut self, of_phase: u64) {
        let entries = self.all.saturating_mul(self.phase).saturating_add(of_phase);
        (self.tell)(Progress { tenant: self.tenant, entries, of: self.all.saturating_mul(Progress::PASSES) });
    }
}

/// What was read of a tenant, and how much of it is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    pub tenant: TenantId,
    pub documents: u64,
    pub entries: u64,
    /// Lots at locations.
    pub places: u64,
    /// The last link of the chain: whoever wrote it down elsewhere can tell that nothing before it was exchanged.
    pub head_hash: String,
    pub differences: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    pub tenants: Vec<Verified>,
    /// The first of each check.
    pub differences: Vec<Difference>,
    /// How many more there are of each check that has more.
    pub more: Vec<(Check, u64)>,
}

/// Verifies one tenant, or all of them; tells after every so many entries, and after every phase, how far it is.
pub async fn verify(txn: &Txn, only: Option<TenantId>, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Verdict, DbErr> {
    let mut findings = Findings::default();
    let mut verified = Vec::new();
    for tenant in tenants(txn).await?.into_iter().filter(|tenant| only.is_none_or(|only| only == *tenant)) {
        let before = findings.total();
        let head = stored::head(txn, tenant).await?;
        let mut telling = Telling::new(&mut *progress, tenant, head.as_ref());
        let walked = chain::check(txn, tenant, head.as_ref(), &mut findings, &mut telling).await?;
        telling.end_phase();
        let places = places::check(txn, tenant, &mut findings, &mut telling).await?;
        telling.end_phase();
        references::check(txn, tenant, &mut findings).await?;
        telling.end_phase();
        checkpoints::check(txn, tenant, head.as_ref(), &mut findings).await?;
        telling.end_phase();
        let head_hash = head.map(|head| head.hash).unwrap_or_default();
        let differences = findings.total() - before;
        verified.push(Verified { tenant, documents: walked.documents, entries: walked.entries, places, head_hash, differences });
    }
    let (differences, more) = findings.into_parts();
    Ok(Verdict { tenants: verified, differences, more })
}

/// In how many places the balances are not what their entries say, a sentence for each rule that is broken.
pub async fn broken_balances(txn: &Txn) -> Result<Vec<String>, DbErr> {
    let mut findings = Findings::default();
    for tenant in tenants(txn).await? {
        places::check(txn, tenant, &mut findings, &mut Telling::new(&mut |_| (), tenant, None)).await?;
    }
    let says = [
        (Check::Sum, "the sum of the entries is not the balance (I1)"),
        (Check::Sign, "the balance is, or was at some instant, below zero, or worth something at quantity zero (I2)"),
    ];
    let broken = says.into_iter().map(|(check, says)| (findings.count(check), says)).filter(|(places, _)| *places > 0);
    Ok(broken.map(|(places, says)| format!("in {places} places (a lot at a location) {says}")).collect())
}

#[derive(FromQueryResult)]
struct TenantRow {
    tenant_id: TenantId,
}

/// Everybody of whom there is a row, also where somebody took away the others.
async fn tenants(txn: &Txn) -> Result<Vec<TenantId>, DbErr> {
    let sql = "SELECT tenant_id FROM ledger_head UNION SELECT tenant_id FROM document UNION SELECT tenant_id FROM ledger_entry \
               UNION SELECT tenant_id FROM balance ORDER BY tenant_id";
    Ok(rows::all::<TenantRow>(txn, sql, []).await?.into_iter().map(|row| row.tenant_id).collect())
}
