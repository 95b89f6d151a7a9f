//! Which orders of concurrent requests there are to run: of all that differ only in what does not matter, one.
//!
//! Two steps of different requests are *dependent* where their order can make a difference, judged by the tables that they name:
//! both write or lock a table; or one ends a transaction, and the other reads what that wrote (which nobody sees before a commit)
//! or wants what it had locked. Orders in which all dependent steps stand in the same order are one order. A run gives one of them;
//! each two dependent steps with nothing in between that forces them are a *race*, and turning it round gives the beginning of
//! another order. So all of them are found, from whichever comes first (dynamic partial order reduction: Flanagan and Godefroid
//! 2005, with the whole reversed beginnings of Abdulla et al. 2014). Tables are coarser than rows: some orders are run that differ in
//! nothing, and none is left out for that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The tables of a database, and what each refers to: a row that is written locks those that it refers to.
#[derive(Clone, Debug, Default)]
pub struct Tables(pub BTreeMap<String, BTreeSet<String>>);

/// All locks of no table, which a program asks for by number, as if they were one.
pub const ADVISORY: &str = "pg_advisory";

/// What a step has to do with tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    reads: BTreeSet<String>,
    /// Written or locked so that no other may do either.
    writes: BTreeSet<String>,
    /// Locked so that others may lock them in the same way.
    shares: BTreeSet<String>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Commit,
    Rollback,
}

impl Touch {
    pub fn of(sql: &str, tables: &Tables) -> Self {
        let words: Vec<String> = sql
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let is_table = |word: &&String| tables.0.contains_key(*word);
        let mut touch = Self { reads: words.iter().filter(is_table).cloned().collect(), ..Self::default() };
        touch.end = match words.first().map(String::as_str) {
            Some("commit") => Some(End::Commit),
            Some("rollback") => Some(End::Rollback),
            _ => None,
        };
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
            let after = &words[at + 1..];
            // `OF` names what is locked; without it everything is.
            let locked = || -> BTreeSet<String> {
                let named =
                    if after.first().is_some_and(|word| word == "of") { after[1..].iter().take_while(is_table).cloned().collect() } else { BTreeSet::new() };
                if named.is_empty() { touch.reads.clone() } else { named }
            };
            match (before, word.as_str()) {
                ("for" | "key", "update") => touch.writes.extend(locked()),
                ("for" | "key", "share") => touch.shares.extend(locked()),
                (_, "into" | "update") | ("delete", "from") => touch.writes.extend(after.iter().take(2).find(is_table).cloned()),
                (_, word) if word.starts_with("pg_advisory") || word.starts_with("pg_try_advisory") => drop(touch.writes.insert(ADVISORY.to_owned())),
                _ => {}
            }
        }
        let referred = touch.writes.iter().filter_map(|table| tables.0.get(table)).flatten().cloned();
        touch.shares.extend(referred);
        touch
    }

    /// Without tables of which every request has rows of its own.
    pub fn without(mut self, tables: &BTreeSet<String>) -> Self {
        for set in [&mut self.reads, &mut self.writes, &mut self.shares] {
            set.retain(|table| !tables.contains(table));
        }
        self
    }

    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Adds what the transaction did before: its end is the end of all of that.
    pub fn add(&mut self, earlier: &Self) {
        self.writes.extend(earlier.writes.iter().cloned());
        self.shares.extend(earlier.shares.iter().cloned());
    }

    pub fn depends_on(&self, other: &Self) -> bool {
        let meet = |one: &BTreeSet<String>, other: &BTreeSet<String>| !one.is_disjoint(other);
        let exclude = meet(&self.writes, &other.writes) || meet(&self.writes, &other.shares) || meet(&self.shares, &other.writes);
        let shows = |end: &Self, step: &Self| end.end == Some(End::Commit) && meet(&end.writes, &step.reads);
        match (self.end, other.end) {
            (Some(_), Some(_)) => false,
            (None, None) => exclude,
            (Some(_), None) => exclude || shows(self, other),
            (None, Some(_)) => exclude || shows(other, self),
        }
    }
}

/// A step that was let go, in the order of a run.
#[derive(Clone, Debug)]
pub struct Event {
    pub request: usize,
    pub touch: Touch,
    /// The place of the end of a transaction that this request had waited for.
    pub woken_by: Option<usize>,
}

/// For each event those before it that it cannot be moved in front of.
fn pasts(trace: &[Event]) -> Vec<BTreeSet<usize>> {
    let mut pasts: Vec<BTreeSet<usize>> = Vec::new();
    for event in trace {
        let mut past = BTreeSet::new();
        for (place, earlier) in trace.iter().enumerate().take(pasts.len()) {
            if earlier.request == event.request || event.woken_by == Some(place) || event.touch.depends_on(&earlier.touch) {
                past.insert(place);
                past.extend(pasts[place].iter().copied());
            }
        }
        pasts.push(past);
    }
    pasts
}

/// What all orders have in common that differ in nothing that matters: every event with its past.
type Class = BTreeSet<u64>;

fn class(trace: &[Event]) -> Class {
    let mut counts = BTreeMap::<usize, usize>::new();
    let names: Vec<_> = trace
        .iter()
        .map(|event| {
            let count = counts.entry(event.request).or_default();
            *count += 1;
            (event.request, *count)
        })
        .collect();
    let hash = |(place, past): (usize, BTreeSet<usize>)| {
        let mut hasher = DefaultHasher::new();
        names[place].hash(&mut hasher);
        past.into_iter().map(|place| names[place]).collect::<BTreeSet<_>>().hash(&mut hasher);
        hasher.finish()
    };
    pasts(trace).into_iter().enumerate().map(hash).collect()
}

/// The orders that are still to be run.
#[derive(Default)]
pub struct Orders {
    begun: bool,
    waiting: VecDeque<(Vec<usize>, Class)>,
    run: Vec<Class>,
}

impl Orders {
    /// Which request goes next, step by step, at the beginning of an order that was not run yet; how it goes on is free.
    pub fn next(&mut self) -> Option<Vec<usize>> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Vec::new());
        }
        while let Some((beginning, class)) = self.waiting.pop_front() {
            if !self.was_run(&class) {
                return Some(beginning);
            }
        }
        None
    }

    fn was_run(&self, beginning: &Class) -> bool {
        self.run.iter().any(|run| beginning.is_subset(run))
    }

    /// How many beginnings are known that nobody has run.
    pub fn left(&self) -> usize {
        self.waiting.iter().filter(|(_, class)| !self.was_run(class)).count()
    }

    /// How many orders were run that differ.
    pub fn distinct(&self) -> usize {
        self.run.iter().collect::<BTreeSet<_>>().len()
    }

    /// Whether a whole run differs in nothing that matters from one that was taken already.
    pub fn knows(&self, trace: &[Event]) -> bool {
        self.was_run(&class(trace))
    }

    /// Takes a whole run, and plans the orders in which one of its races goes the other way.
    pub fn learn(&mut self, trace: &[Event]) {
        self.run.push(class(trace));
        let pasts = pasts(trace);
        for (late, event) in trace.iter().enumerate() {
            for early in pasts[late].iter().copied() {
                let forced = pasts[late].iter().any(|between| pasts[*between].contains(&early));
                let reversible = event.touch.depends_on(&trace[early].touch) && event.woken_by != Some(early);
                if trace[early].request == event.request || forced || !reversible {
                    continue;
                }
                let moved = (early + 1..late).filter(|place| !pasts[*place].contains(&early));
                let places: Vec<usize> = (0..early).chain(moved).chain([late]).collect();
                self.plan(trace, &places);
            }
        }
    }

    fn plan(&mut self, trace: &[Event], places: &[usize]) {
        let moved = |place: usize| places.iter().position(|other| *other == place);
        let event = |place: &usize| Event { woken_by: trace[*place].woken_by.and_then(moved), ..trace[*place].clone() };
        let beginning: Vec<Event> = places.iter().map(event).collect();
        let class = class(&beginning);
        if !self.was_run(&class) && !self.waiting.iter().any(|(_, planned)| class.is_subset(planned)) {
            self.waiting.push_back((beginning.iter().map(|event| event.request).collect(), class));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let table = |name: &str, refers: &[&str]| (name.to_owned(), refers.iter().map(|refers| (*refers).to_owned()).collect());
        Tables([table("item", &[]), table("lot", &["item"]), table("balance", &[]), table("ledger_head", &[])].into())
    }

    fn step(sql: &str) -> Touch {
        Touch::of(sql, &tables())
    }

    #[test]
    fn a_step_depends_on_another_by_the_tables_that_they_write_lock_and_read() {
        let depend = |one: &str, other: &str| step(one).depends_on(&step(other)) && step(other).depends_on(&step(one));
        assert!(depend("UPDATE balance SET quantity = 1", "UPDATE \"balance\" SET quantity = 2"));
        assert!(depend("SELECT 1 WHERE pg_try_advisory_xact_lock(7)", "SELECT pg_advisory_xact_lock(7)"), "locks by number are one thing");
        assert!(depend("SELECT balance.id FROM balance FOR NO KEY UPDATE OF balance", "DELETE FROM balance"));
        assert!(!depend("SELECT * FROM balance", "UPDATE balance SET quantity = 1"), "nobody sees it before the commit");
        assert!(!depend("SELECT * FROM item JOIN balance ON true FOR UPDATE OF item", "UPDATE balance SET quantity = 1"));
        assert!(!depend("SELECT 1 FROM (SELECT * FROM item FOR UPDATE OF item) AS locked UNION ALL SELECT 1 FROM balance", "UPDATE balance SET quantity = 1"));
        assert!(depend("INSERT INTO lot (id) VALUES (1)", "SELECT * FROM item FOR UPDATE"), "a reference locks what it refers to");
        assert!(!depend("SELECT * FROM item FOR SHARE", "SELECT * FROM item FOR KEY SHARE"));
        let mut commit = step("COMMIT");
        commit.add(&step("UPDATE balance SET quantity = 1"));
        assert!(commit.depends_on(&step("SELECT * FROM balance")) && !commit.depends_on(&step("SELECT * FROM item")) && !commit.depends_on(&commit.clone()));
        let mut rollback = step("ROLLBACK");
        rollback.add(&step("UPDATE balance SET quantity = 1"));
        assert!(!rollback.depends_on(&step("SELECT * FROM balance")) && rollback.depends_on(&step("UPDATE balance SET quantity = 2")));
    }

    /// The steps of requests without locks, each with its transaction's end as the program's are.
    fn requests(of: &[&[&str]]) -> Vec<Vec<Touch>> {
        let request = |steps: &&[&str]| {
            let mut steps: Vec<Touch> = steps.iter().map(|sql| step(sql)).collect();
            let mut end = step("COMMIT");
            for step in &steps {
                end.add(step);
            }
            steps.push(end);
            steps
        };
        of.iter().map(request).collect()
    }

    fn run(requests: &[Vec<Touch>], beginning: &[usize]) -> Vec<Event> {
        let mut done = vec![0; requests.len()];
        let mut trace = Vec::new();
        let mut choices = beginning.iter().copied();
        while let Some(request) = choices.next().or_else(|| (0..requests.len()).find(|request| done[*request] < requests[*request].len())) {
            trace.push(Event { request, touch: requests[request][done[request]].clone(), woken_by: None });
            done[request] += 1;
        }
        trace
    }

    fn every_order(left: &mut Vec<usize>, order: &mut Vec<usize>, found: &mut dyn FnMut(&[usize])) {
        if left.iter().all(|left| *left == 0) {
            return found(order);
        }
        for request in 0..left.len() {
            if left[request] > 0 {
                left[request] -= 1;
                order.push(request);
                every_order(left, order, found);
                order.pop();
                left[request] += 1;
            }
        }
    }

    #[test]
    fn every_order_that_differs_is_run_and_few_twice() {
        const READ: &str = "SELECT * FROM balance";
        const WRITE: &str = "UPDATE balance SET quantity = 1";
        const LOT: &str = "INSERT INTO lot (id) VALUES (1)";
        const ITEM: &str = "SELECT * FROM item FOR UPDATE";
        const HEAD: &str = "UPDATE ledger_head SET seq = 1";
        const SEEN: &str = "SELECT * FROM ledger_head";
        for of in [
            &[&[READ, WRITE, HEAD][..], &[READ, WRITE, HEAD][..]][..],
            &[&[SEEN, LOT, HEAD], &[ITEM, READ, HEAD]],
            &[&[READ, WRITE], &[WRITE, READ], &[ITEM, SEEN]],
            &[&[READ, WRITE], &[LOT, READ], &[ITEM, WRITE]],
            &[&[SEEN, ITEM, WRITE, LOT, HEAD], &[LOT, SEEN, WRITE, HEAD]],
        ] {
            let requests = requests(of);
            let mut all = BTreeSet::new();
            every_order(&mut requests.iter().map(Vec::len).collect(), &mut Vec::new(), &mut |order| {
                all.insert(class(&run(&requests, order)));
            });
            let (mut orders, mut runs) = (Orders::default(), 0);
            while let Some(beginning) = orders.next() {
                orders.learn(&run(&requests, &beginning));
                runs += 1;
            }
            assert_eq!(orders.run.iter().cloned().collect::<BTreeSet<_>>(), all, "{of:?}");
            assert!(all.len() > 2 && runs <= 2 * all.len(), "{of:?}: {runs} runs for {} orders", all.len());
            assert_eq!((orders.left(), orders.distinct()), (0, all.len()));
        }
    }
}
