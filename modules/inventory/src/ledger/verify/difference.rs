//! What is not as it should be, and how much of it is told.

use std::collections::BTreeMap;
use std::fmt;

use kernel::TenantId;
use serde::Serialize;

use crate::names::Word as _;

/// How many differences of one check are named; the rest is counted.
const NAMED: usize = 20;

crate::names::words!(
    /// What was checked.
    Check {
        /// Sequence numbers run from one to the head's without a gap.
        Sequence = "sequence",
        /// The entries of a document lie together, end with its last_seq, and are its own.
        Document = "document",
        /// The numbers of each type of document have no gaps, and end with the head's.
        Number = "number",
        /// A document with its lines and entries has the hash that was sealed.
        Content = "content",
        /// Every document is linked to the one before it, and the last one to the head.
        Chain = "chain",
        /// I1: the entries of a place sum to its balance.
        Sum = "sum",
        /// I2: nothing is or was below zero, or worth something at quantity zero.
        Sign = "sign",
        /// What is named is there.
        Reference = "reference",
        /// A document is marked as reversed where another one undoes it, and only there.
        Status = "status",
        /// A lot is void where the document that made it is undone, and only there; I20: a void lot holds nothing.
        Void = "void",
        /// I3: a transfer sums to nothing, and what waits in transit is what the transfers have under way.
        Transfer = "transfer",
        /// I4: what a lot cost is what its entries brought onto it and what is kept as a variance.
        Cost = "cost",
        /// The head says through which day everything is closed: the last day of the last closed period.
        Period = "period",
        /// I10: what was written when a period was closed is what the entries up to then sum to.
        Checkpoint = "checkpoint",
        /// I19: a posted count is true, unless it is marked.
        Count = "count",
        /// What is set aside of a stock key is what its reservations have left.
        Reserved = "reserved",
    }
);

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    pub check: Check,
    pub tenant: TenantId,
    /// The entry, or the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The number of the document, as people read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What it is about.
    pub about: String,
    pub found: String,
    pub expected: String,
}

impl Difference {
    pub fn new(check: Check, tenant: TenantId, about: impl Into<String>, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self { check, tenant, seq: None, document: None, about: about.into(), found: found.to_string(), expected: expected.to_string() }
    }

    #[must_use]
    pub fn at(self, seq: i64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    #[must_use]
    pub fn of(self, document: impl Into<String>) -> Self {
        Self { document: Some(document.into()), ..self }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} tenant {}", self.check, self.tenant)?;
        if let Some(seq) = self.seq {
            write!(out, ", seq {seq}")?;
        }
        if let Some(document) = &self.document {
            write!(out, ", {document}")?;
        }
        write!(out, ": {}: there is {}, there should be {}", self.about, self.found, self.expected)
    }
}

/// The first differences of each check, and the number of all.
#[derive(Debug, Default)]
pub struct Findings {
    named: Vec<Difference>,
    counts: BTreeMap<Check, u64>,
}

impl Findings {
    pub fn add(&mut self, difference: Difference) {
        self.add_of(difference, 1);
    }

    /// The first of `number` equal ones.
    pub fn add_of(&mut self, difference: Difference, number: u64) {
        let count = self.counts.entry(difference.check).or_default();
        if self.named.iter().filter(|named| named.check == difference.check).count() < NAMED {
            self.named.push(difference);
        }
        *count += number;
    }

    /// Whether the next difference of a check is named: else its names need not be looked up.
    pub fn has_room(&self, check: Check) -> bool {
        self.named.iter().filter(|named| named.check == check).count() < NAMED
    }

    pub fn count(&self, check: Check) -> u64 {
        self.counts.get(&check).copied().unwrap_or_default()
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// What is named, and how many more there are of each check.
    pub fn into_parts(self) -> (Vec<Difference>, Vec<(Check, u64)>) {
        let named = |check: Check| self.named.iter().filter(|named| named.check == check).count();
        let rest = |(check, count): (&Check, &u64)| (*check, count.saturating_sub(u64::try_from(named(*check)).unwrap_or(u64::MAX)));
        let more = self.counts.iter().map(rest).filter(|(_, rest)| *rest > 0).collect();
        (self.named, more)
    }
}
