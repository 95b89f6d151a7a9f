//! Each rule is needed: without it a short sequence of documents goes wrong. Every rule is a case of its own, and the shortest of
//! some sequences that were found is kept.

use super::checks::Wrong;
use super::steps::{Kind, Range, Step};
use super::world::LeftOut;
use super::{failure, script, show, shrink};
use crate::ledger::rule::Rule;

/// How many scripts that go wrong are cut down, to keep the shortest.
const FAILING: usize = 8;
/// How many steps they have before that.
const STEPS: usize = 24;
const SEEDS: u64 = 20_000;

/// A rule left out, and the way in which that goes wrong.
struct Case {
    left_out: LeftOut,
    /// What does not hold then: one of these.
    wrong: &'static [&'static str],
    /// The longest that its shortest sequence may be.
    most_steps: usize,
    /// What the documents concerned are.
    kinds: &'static [Kind],
}

impl Case {
    /// The shortest of the first sequences that go wrong in the way that is expected, or the first that is as short as it has to be.
    fn shortest(&self) -> Option<(Vec<Step>, Wrong)> {
        let mut shortest: Option<(Vec<Step>, Wrong)> = None;
        let kinds: Vec<(Kind, u32)> = self.kinds.iter().map(|kind| (*kind, if *kind == Kind::Receive { 2 } else { 1 })).collect();
        // About one item each: what goes wrong goes wrong with one.
        let script = |seed| script(seed, STEPS, Range { kinds: &kinds, items: &[[0, 1, 2][usize::try_from(seed % 3).unwrap_or(0)]] });
        let goes_wrong = |steps: &[Step]| failure(steps, self.left_out).map(|(_, wrong)| wrong).filter(|wrong| self.wrong.contains(&wrong.what));
        let failing = (0..SEEDS).map(script).filter(|steps| goes_wrong(steps).is_some());
        for steps in failing.take(FAILING) {
            let steps = shrink(steps, self.left_out);
            if shortest.as_ref().is_none_or(|(shortest, _)| steps.len() < shortest.len()) {
                let is_short_enough = steps.len() <= self.most_steps;
                shortest = goes_wrong(&steps).map(|wrong| (steps, wrong));
                if is_short_enough {
                    break;
                }
            }
        }
        shortest
    }

    fn is_found(&self) {
        let Some((steps, wrong)) = self.shortest() else { panic!("{:?} can be left out, and nothing goes wrong", self.left_out) };
        println!("{}, {} steps: {wrong}\n{}", name(self.left_out), steps.len(), show(&steps));
        assert!(steps.len() <= self.most_steps, "{:?} takes {} steps to go wrong", self.left_out, steps.len());
        // It is the rule that was missing: with it, the same steps go right.
        if let Some((_, wrong)) = failure(&steps, LeftOut::Nothing) {
            panic!("{wrong}, also where nothing is left out");
        }
    }
}

/// Declares a test for each rule: what it leaves out, its name, how many steps of which kinds are enough, and what is wrong then.
/// A rule that is not here does not compile.
macro_rules! cases {
    (
        planner { $($rule:ident => $rule_name:ident: at most $rule_most:literal of [$($rule_kind:ident),+], then $($rule_wrong:literal)|+;)+ }
        world { $($shown:ident => $name:ident: at most $most:literal of [$($kind:ident),+], then $($wrong:literal)|+;)+ }
    ) => {
        const fn name(left_out: LeftOut) -> &'static str {
            match left_out {
                LeftOut::Nothing => "nothing",
                $(LeftOut::$shown => stringify!($name),)+
                $(LeftOut::Plan(Rule::$rule) => stringify!($rule_name),)+
            }
        }

        $(#[test]
        fn $rule_name() {
            let (left_out, kinds) = (LeftOut::Plan(Rule::$rule), &[$(Kind::$rule_kind),+]);
            Case { left_out, wrong: &[$($rule_wrong),+], most_steps: $rule_most, kinds }.is_found();
        })+

        $(#[test]
        fn $name() {
            let (left_out, kinds) = (LeftOut::$shown, &[$(Kind::$kind),+]);
            Case { left_out, wrong: &[$($wrong),+], most_steps: $most, kinds }.is_found();
        })+
    };
}

cases! {
    planner {
        NotAhead => nothing_is_posted_ahead: at most 1 of [Receive], then "ahead";
        ExpiredIsNotPicked => expired_is_not_picked: at most 2 of [Receive, Use, Move], then "expired";
        ExpiredIsNotNamed => expired_is_not_named: at most 2 of [Receive, Use, Move], then "expired";
        SomeAreNotBound => waste_is_bound_by_nothing: at most 2 of [Receive, Waste, Hold], then "I16" | "refused";
        HeldMayBeMoved => held_may_be_moved: at most 3 of [Receive, Hold, Dispatch], then "refused";
        ReceivedBefore => received_before_it_is_found: at most 2 of [Receive, Adjust, Count], then "received";
        ByExpiry => first_expired_leaves_first: at most 2 of [Receive, Use], then "I16";
        UndatedLast => undated_leaves_last: at most 2 of [Receive, Use], then "I16";
        OpenedFirst => opened_leaves_before_sealed: at most 3 of [Receive, Open, Use], then "I16";
        ByReceipt => first_received_leaves_first: at most 3 of [Receive, Use], then "I16";
        ManualIsNamed => chosen_by_hand_is_named: at most 2 of [Receive, Use], then "manual";
        NamedFirst => named_picks_first: at most 2 of [Receive, Use], then "refused";
        ShortageOfUsage => what_usage_lacks_is_a_shortage: at most 1 of [Receive, Use], then "shortage";
        ChargesInCost => charges_are_in_the_cost: at most 1 of [Receive], then "charges";
        LineNotBelowZero => no_line_is_worth_less_than_nothing: at most 1 of [Receive], then "I2";
        LastTakesRest => last_takes_the_rest: at most 2 of [Receive, Use, Waste], then "I2";
        LessTheCredit => credit_that_is_less_is_a_variance: at most 2 of [Receive, Return], then "credit";
        GainAtRate => gain_has_its_lots_rate: at most 2 of [Receive, Adjust], then "rate";
        CostMakesLot => found_at_a_cost_is_a_new_lot: at most 1 of [Receive, Adjust], then "refused";
        VoidNeverGains => void_never_gains: at most 3 of [Receive, Reverse, Adjust], then "I20";
        ParentsAreKept => what_it_was_made_of_is_kept: at most 2 of [Receive, Transform], then "trace";
        OpeningShortens => opening_never_makes_a_date_later: at most 2 of [Receive, Open], then "opened";
        ShareOnHand => only_what_is_on_hand_takes_its_share: at most 3 of [Receive, Use, Revalue], then "rate";
        BalanceNotBelowZero => no_balance_goes_below_nothing: at most 3 of [Receive, Waste, Revalue], then "I2";
        CostNotBelowZero => no_lot_costs_less_than_nothing: at most 2 of [Receive, Revalue], then "cost";
        FloorStays => cost_stands_from_its_last_change_on: at most 4 of [Receive, Use, Revalue], then "floor";
        FloorWithoutStock => used_up_lot_keeps_when_its_cost_changed: at most 3 of [Receive, Use, Revalue], then "floor";
        VoidCostsNothing => void_costs_nothing: at most 3 of [Receive, Reverse, Revalue], then "I20";
        RestAtCorrectRate => rest_is_worth_its_correction: at most 3 of [Receive, Use, Correct], then "rate";
        NotBelowUsed => no_less_was_received_than_is_used: at most 3 of [Receive, Use, Correct], then "I4" | "I2";
        AfterDispatch => arrives_after_it_was_sent: at most 4 of [Receive, Dispatch, Arrive], then "sent";
        ClosedTakesNoCount => no_line_is_counted_on_a_closed_day: at most 3 of [Receive, Count, Close], then "I11";
        AsOfCounting => counted_is_compared_with_then: at most 2 of [Receive, Use, Count], then "count";
        CountAfterFloor => count_stands_after_its_lots_cost_changed: at most 3 of [Receive, Revalue, Count], then "count's time" | "I2";
        LossInOrder => count_loses_in_the_order_of_picking: at most 2 of [Receive, Count], then "I16";
        LossLimit => count_loses_what_later_movements_leave: at most 3 of [Receive, Use, Count], then "I2";
        ShortIsNotTrue => short_count_is_not_kept_as_true: at most 3 of [Receive, Use, Count], then "I19";
        Superseded => earlier_count_posts_nothing: at most 3 of [Receive, Count], then "I19";
        NotIncludedMarks => count_that_did_not_see_it_is_marked: at most 2 of [Receive, Count, Waste], then "I19";
        AtItsOwnTime => undone_at_its_own_time: at most 2 of [Receive, Reverse], then "I5";
        ClosedIsUndoneNow => closed_is_undone_now: at most 3 of [Receive, Waste, Reverse, Close], then "refused";
        AllOfThemNow => all_is_undone_now_where_some_is_closed: at most 4 of [Receive, Count, Move, Close, Reverse], then "I5";
        ComesBackFirst => comes_back_before_it_leaves: at most 4 of [Receive, Adjust, Reverse], then "refused";
        CrumbsAreRounded => crumbs_are_rounded: at most 4 of [Receive, Adjust, Reverse], then "I2";
        CrumbsAreMirrored => crumbs_are_mirrored: at most 4 of [Receive, Adjust, Reverse], then "I4";
        VariancesAreUndone => variances_are_undone: at most 3 of [Receive, Return, Reverse], then "I5";
        GainLeavesBasis => undone_gain_leaves_the_cost: at most 3 of [Receive, Adjust, Reverse], then "I4";
        MadeIsVoid => undone_lot_is_void: at most 2 of [Receive, Reverse], then "I4";
    }
    world {
        Later => later_movements_are_seen: at most 3 of [Receive, Waste, Adjust], then "I2";
        Truths => counts_stay_true: at most 2 of [Receive, Count, Waste], then "I19";
        CostFloor => nothing_is_taken_before_its_cost_changed: at most 3 of [Receive, Waste, Revalue, Move], then "I2";
        Revalued => nothing_is_undone_before_its_cost_changed: at most 4 of [Receive, Waste, Adjust, Revalue, Reverse], then "I2" | "crumbs";
        Touching => touched_lot_is_not_undone: at most 3 of [Receive, Adjust, Reverse], then "I4" | "I20";
        Reserved => set_aside_is_left_alone: at most 3 of [Receive, Reserve, Use], then "set aside";
        LastMoved => cost_changes_after_the_last_movement: at most 3 of [Receive, Move, Revalue], then "I2";
        InTransit => cost_reaches_what_is_under_way: at most 3 of [Receive, Dispatch, Revalue], then "rate";
        Hold => on_hold_is_not_taken: at most 3 of [Receive, Hold, Use], then "on hold";
        Closed => nothing_gets_into_a_closed_period: at most 2 of [Receive, Close], then "I11";
        Undone => undone_once: at most 5 of [Receive, Waste, Adjust, Reverse], then "I4" | "I20" | "I2";
        GainInBasis => gain_is_in_the_cost: at most 2 of [Receive, Adjust], then "I4";
        UnderWay => no_more_arrives_than_is_under_way: at most 5 of [Receive, Dispatch, Arrive], then "I3";
        PartlyReceived => dispatch_is_undone_as_a_whole: at most 5 of [Receive, Dispatch, Arrive, Reverse], then "I3";
        UnderWayStays => correction_leaves_what_is_under_way: at most 3 of [Receive, Dispatch, Correct], then "I3";
        Grace => best_before_has_grace: at most 2 of [Receive, Use], then "refused" | "shortage";
        Origin => first_made_leaves_first: at most 2 of [Receive, Use], then "I16";
        OwnReservation => set_aside_is_taken_by_whom_it_is_for: at most 3 of [Receive, Reserve, Use], then "refused" | "shortage";
        Youngest => found_is_of_the_youngest: at most 2 of [Receive, Adjust], then "youngest";
        YoungestHere => found_is_of_a_lot_that_is_here: at most 3 of [Receive, Adjust], then "youngest";
        YoungestReceived => found_is_of_a_lot_that_was_received: at most 2 of [Receive, Count], then "received";
        YoungestNotVoid => found_is_of_no_lot_that_was_undone: at most 3 of [Receive, Reverse, Adjust], then "I20";
        UndoneForGood => reversal_is_not_reversed: at most 3 of [Receive, Waste, Reverse], then "I4" | "I20";
        CostIsNotReversed => cost_is_not_reversed: at most 3 of [Receive, Revalue, Reverse], then "I4";
        AllComesOut => all_value_comes_out: at most 2 of [Receive, Transform], then "value lost";
    }
}
