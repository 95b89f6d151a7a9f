//! The rules that the planner keeps, each by a name of its own: `plan` asks for them where it keeps them, so that the search can
//! leave out one at a time and show what goes wrong. In what is deployed all of them hold, and nothing is asked.

/// A rule of the ledger, with the words that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// "`effective_at` in the future is 422."
    NotAhead,

    // Picking.
    /// "Bound by hold, expiry and reservations": what is expired is not picked.
    ExpiredIsNotPicked,
    /// "Bound by hold, expiry and reservations": what is expired is not taken by its name either.
    ExpiredIsNotNamed,
    /// "Not bound by any of the three: waste, vendor return, downward adjustment, …, arrival, transit loss".
    SomeAreNotBound,
    /// "A named lot on hold may be moved with permission."
    HeldMayBeMoved,
    /// "A lot named before it was received → 422 `lot_not_received_yet`."
    ReceivedBefore,
    /// "`fefo` effective expiry".
    ByExpiry,
    /// "`fefo` effective expiry (none last)".
    UndatedLast,
    /// "`fefo` …, opened before sealed".
    OpenedFirst,
    /// "`fefo` …, received_at", "`fifo` received_at".
    ByReceipt,
    /// "`manual` refuses unless a lot is named (422 `lot_required`)."
    ManualIsNamed,
    /// "Lines that name a lot pick first."
    NamedFirst,
    /// "Usage may say `on_short: \"record\"`: posts what exists and records a shortage".
    ShortageOfUsage,

    // What comes in and what goes out.
    /// "Line value = …, plus allocated charges."
    ChargesInCost,
    /// "CHECK (value ≥ 0)": no line is worth less than nothing.
    LineNotBelowZero,
    /// "`split`: the last unit takes the rest: quantity 0 ⇒ value 0": shares are taken of what lies there.
    LastTakesRest,
    /// "vendor_return −v (less the credit → variance \"return\")".
    LessTheCredit,
    /// "Gain = half_away(basis_value·Δ/basis_quantity) … One lot has one rate."
    GainAtRate,
    /// "With a unit cost always a new lot".
    CostMakesLot,
    /// "The lot is void then and never gains again."
    VoidNeverGains,
    /// "Parent lots for the trace".
    ParentsAreKept,
    /// "Only that one gets the shorter expiry": opening never makes a date later.
    OpeningShortens,

    // Cost.
    /// "Share = half_away(Δ × on_hand/basis_quantity) …; the rest is variance \"cost\"."
    ShareOnHand,
    /// "No balance goes below 0."
    BalanceNotBelowZero,
    /// "basis_value + Δ < 0 → 422 `cost_below_zero`."
    CostNotBelowZero,
    /// "Effective at max(requested, cost_floor_at, …)".
    FloorStays,
    /// "…, which becomes cost_floor_at, also where nothing is on hand."
    FloorWithoutStock,
    /// "Zero for void lots": nothing comes onto the cost of what was undone.
    VoidCostsNothing,
    /// "On hand becomes half_away(value·rest/quantity), the rest is variance".
    RestAtCorrectRate,
    /// "Quantity below what was used → 409."
    NotBelowUsed,

    // Transfers.
    /// "Arrival before its dispatch → 422".
    AfterDispatch,

    // Counts.
    /// "Nothing gets into a closed period by any path": no line of a count either, also where it differs in nothing.
    ClosedTakesNoCount,
    /// "Variance = counted − what the ledger says at counted_at".
    AsOfCounting,
    /// "The entry stands at counted_at, or at cost_floor_at where that is later".
    CountAfterFloor,
    /// "Loss without a lot → pick order".
    LossInOrder,
    /// "A loss beyond what later movements leave is posted up to that limit".
    LossLimit,
    /// "… the rest a shortage linked to the line": what is short is not kept as true.
    ShortIsNotTrue,
    /// "A line whose stock has a later posted count is `superseded` and posts nothing."
    Superseded,
    /// "Unless the request says `\"counted\": \"not_included\"`; then the count line is marked."
    NotIncludedMarks,

    // Reversals.
    /// "Each entry negated at its own instant".
    AtItsOwnTime,
    /// "Where one of them is closed, …, all of them now."
    ClosedIsUndoneNow,
    /// "All of them now": not only those that are closed.
    AllOfThemNow,
    /// "First what comes back, then what leaves."
    ComesBackFirst,
    /// "Where splitting left a crumb, …, a `rounding` entry goes first".
    CrumbsAreRounded,
    /// "…, mirrored in variance \"rounding\"".
    CrumbsAreMirrored,
    /// "Document + reversal = 0 in every grouping": its variances too.
    VariancesAreUndone,
    /// "A reversed gain leaves the basis again".
    GainLeavesBasis,
    /// "The lot is void then".
    MadeIsVoid,
}

/// Whether a rule is kept: always.
#[cfg(not(test))]
pub const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
pub use left_out::{holds, without};

#[cfg(test)]
mod left_out {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static LEFT_OUT: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Whether a rule is kept: unless this thread leaves it out.
    pub fn holds(rule: Rule) -> bool {
        LEFT_OUT.get() != Some(rule)
    }

    /// Does something with a rule left out.
    pub fn without<T>(rule: Rule, work: impl FnOnce() -> T) -> T {
        /// Puts back what was left out before, also where the work panics.
        struct Restore(Option<Rule>);
        impl Drop for Restore {
            fn drop(&mut self) {
                LEFT_OUT.set(self.0);
            }
        }
        let _restore = Restore(LEFT_OUT.replace(Some(rule)));
        work()
    }

    #[test]
    fn a_rule_is_left_out_for_as_long_as_the_work_takes_also_where_it_panics() {
        assert!(holds(Rule::NamedFirst));
        without(Rule::NamedFirst, || assert!(!holds(Rule::NamedFirst) && holds(Rule::ByExpiry)));
        assert!(holds(Rule::NamedFirst));
        let panicked = std::panic::catch_unwind(|| without(Rule::NamedFirst, || panic!("as it is meant to")));
        assert!(panicked.is_err() && holds(Rule::NamedFirst));
    }
}
