//! Requests that run at once, stepped through their orders statement by statement, on Postgres.
//!
//! ```ignore
//! let Some(course) = Course::open(None).await else { return };
//! course.race("two wastes", async |kitchen| {
//!     kitchen.item("X", json!({})).await;
//!     vec![kitchen.owner.posting("/v1/inventory/waste", …), kitchen.owner.posting("/v1/inventory/waste", …)]
//! }).await.assert_serial();
//! course.close().await;
//! ```
//!
//! The whole program runs, and a [`Wire`] between it and Postgres holds every statement until it is its turn. So exactly one thing
//! happens at a time, and a run is its order. Who waits for a lock is known from Postgres (`pg_blocking_pids`), never from a clock.
//! BEGIN and what belongs to it sees nothing and passes at once. Before every order the database is put back to what was prepared
//! ([`Saved`]); which orders there are, [`Orders`] says.
//!
//! When all orders that differ are run, some that are drawn by lot are run beside them: each must be one of those.
//!
//! What an order leaves, all rows of all tables and all answers, must be what one of the serial orders leaves, but for identifiers
//! and hashes (and times, where the clock ticks): new tables are compared without being named here. Nothing may deadlock, not even where the program would try again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use kernel::Ids;
use larder::Surroundings;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::kitchen::Kitchen;
use super::orders::{ADVISORY, Event as Moved, Orders, Tables, Touch};
use super::patience::HANGS;
use super::tables::{Contents, Identifiers, Saved, texts};
use super::wire::{Event, Rewriting, Step, Verdict, Wire};
use super::{Api, Call, Engine, Reply, Stores, fixed_clock, variable};

/// A running program with a wire to its inventory database, and a kitchen in it; for any number of races, one after the other.
pub struct Course {
    api: Api,
    wire: Wire,
    pristine: Saved,
    kitchen: Kitchen,
    tables: Tables,
    at_most: usize,
    by_lot: u64,
    /// Whether time goes on from step to step; else it stands still.
    ticking: bool,
}

/// How far the clock goes on before every step of a race in which it ticks.
const TICK: TimeDelta = TimeDelta::milliseconds(1);
/// How many orders of one race are run, where nobody asks for all of them with `LARDER_TEST_ALL_ORDERS=1`.
const AT_MOST: usize = 60;
/// How many are drawn by lot beside them, and how many where all were asked for.
const BY_LOT: u64 = 5;
const MANY_BY_LOT: u64 = 100;

impl Course {
    /// `None` where there is no Postgres and nobody demanded one.
    pub async fn open(rewriting: Option<Rewriting>) -> Option<Self> {
        let stores = Stores::make(Engine::Postgres).await?;
        let wire = Wire::in_front_of(&stores.variables()["INVENTORY_DATABASE_URL"], rewriting).await;
        let api = Api::start(Arc::new(stores), &wire.variables(), Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
        let kitchen = Kitchen::open(&api).await;
        let pristine = Saved::take(api.inventory_db(), "pristine", api.stores().folder().path()).await;
        let tables = references(&api).await;
        let (at_most, by_lot) = if variable("LARDER_TEST_ALL_ORDERS").is_some() { (usize::MAX, MANY_BY_LOT) } else { (AT_MOST, BY_LOT) };
        Some(Self { api, wire, pristine, kitchen, tables, at_most, by_lot, ticking: false })
    }

    /// The same with a clock that goes on before every step, so that what happens in between is later than what a request took for
    /// now. Which times an order leaves is then not compared.
    pub async fn ticking() -> Option<Self> {
        Self::open(None).await.map(|course| Self { ticking: true, ..course })
    }

    fn tick(&self) {
        if self.ticking {
            self.api.advance(TICK);
        }
    }

    pub async fn close(self) {
        self.api.stop().await;
        self.api.stores().remove().await;
    }

    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Prepares, and runs the requests that the preparation answers in every order.
    pub async fn race(&self, name: &str, prepare: impl AsyncFnOnce(&Kitchen) -> Vec<Call>) -> Findings {
        self.pristine.put_back().await;
        let requests = prepare(&self.kitchen).await;
        let saved = Saved::take(self.api.inventory_db(), "prepared", self.api.stores().folder().path()).await;
        let known = saved.contents.identifiers();
        let known = if self.ticking { known.and_times_before(self.api.now()) } else { known };
        let race = Race { course: self, own: own_tables(&requests), known, requests, saved };
        let findings = race.run(name).await;
        println!("{findings}");
        findings
    }
}

/// Every table and what it refers to.
async fn references(api: &Api) -> Tables {
    let mut tables: BTreeMap<String, BTreeSet<String>> =
        super::tables::tables(api.inventory_db()).await.into_iter().map(|table| (table, BTreeSet::new())).collect();
    let sql =
        "SELECT conrelid::regclass::text || ' ' || confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    for pair in texts(api.inventory_db(), sql).await {
        let (table, refers) = pair.split_once(' ').expect("two tables");
        tables.get_mut(table).expect("a table").insert(refers.to_owned());
    }
    Tables(tables)
}

/// Claims meet only under the same key.
fn own_tables(requests: &[Call]) -> BTreeSet<String> {
    let keys: Vec<_> = requests.iter().filter_map(|request| request.headers.get("idempotency-key")).collect();
    let different = keys.iter().enumerate().all(|(place, key)| !keys[..place].contains(key));
    if different { ["idempotency", ADVISORY].map(str::to_owned).into() } else { BTreeSet::new() }
}

/// What a race left: of every request the status and the body, and the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    answers: Vec<(u16, String)>,
    contents: Contents,
}

/// What came of the orders of a race.
#[derive(Default)]
pub struct Findings {
    name: String,
    /// How many were run, and how many of those differ.
    pub orders: usize,
    pub distinct: usize,
    /// How many beginnings are known that were not run.
    pub left: usize,
    /// How many different outcomes the serial orders have.
    pub serial: usize,
    /// The most steps that an order had.
    pub steps: usize,
    /// How many orders had somebody waiting for a lock.
    pub waited: usize,
    /// What was wrong with an order: what it was, and how it differs from the serial outcome that is the nearest.
    pub wrong: Vec<String>,
    statuses: BTreeSet<Vec<u16>>,
}

impl std::fmt::Display for Findings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, orders, distinct, left, serial, steps, waited, wrong, statuses } = self;
        let rest = if *left == 0 { "all that differ".to_owned() } else { format!("{left} more are known") };
        write!(out, "{name}: {orders} orders of up to {steps} steps ({distinct} different; {rest}), a lock was waited for in {waited}, ")?;
        write!(out, "{serial} serial outcomes, answers {statuses:?}, {} wrong", wrong.len())
    }
}

impl Findings {
    /// Every order was as good as a serial one.
    #[track_caller]
    pub fn assert_serial(&self) {
        assert!(self.wrong.is_empty(), "{self}; the first:\n{}", self.wrong[0]);
    }

    /// That a rule was taken out is noticed.
    #[track_caller]
    pub fn assert_noticed(&self) {
        assert!(!self.wrong.is_empty(), "nothing was noticed: {self}");
    }

    /// The requests were answered with these statuses in some order: it was the race that it was meant to be.
    #[track_caller]
    pub fn assert_answered(&self, statuses: &[u16]) -> &Self {
        assert!(self.statuses.contains(statuses), "never {statuses:?}: {self}");
        self
    }
}

struct Race<'a> {
    course: &'a Course,
    requests: Vec<Call>,
    saved: Saved,
    known: Identifiers,
    own: BTreeSet<String>,
}

impl Race<'_> {
    async fn run(&self, name: &str) -> Findings {
        let mut serial = Vec::new();
        for order in permutations(self.requests.len()) {
            let outcome = self.serially(&order).await;
            if !serial.iter().any(|(_, other)| *other == outcome) {
                serial.push((order, outcome));
            }
        }
        let mut orders = Orders::default();
        let mut findings = Findings { name: name.to_owned(), serial: serial.len(), ..Findings::default() };
        while findings.orders < self.course.at_most
            && let Some(beginning) = orders.next()
        {
            let run = Run::of(self, &beginning).await;
            orders.learn(&run.trace);
            self.judge(&run, &serial, &mut findings).await;
        }
        (findings.distinct, findings.left) = (orders.distinct(), orders.left());
        if findings.left == 0 {
            for seed in 0..self.course.by_lot {
                let mut lots = StdRng::seed_from_u64(seed);
                let beginning: Vec<usize> = (0..1_000).map(|_| lots.random_range(0..self.requests.len())).collect();
                let mut run = Run::of(self, &beginning).await;
                if !orders.knows(&run.trace) {
                    run.failures.push(format!("drawn by lot ({seed}), and not among the orders that differ"));
                }
                self.judge(&run, &serial, &mut findings).await;
            }
        }
        findings
    }

    async fn judge(&self, run: &Run<'_>, serial: &[(Vec<usize>, Outcome)], findings: &mut Findings) {
        let outcome = self.outcome(&run.replies).await;
        findings.orders += 1;
        findings.steps = findings.steps.max(run.trace.len());
        findings.waited += usize::from(run.waited);
        findings.statuses.insert(outcome.answers.iter().map(|(status, _)| *status).collect());
        if !run.failures.is_empty() || !serial.iter().any(|(_, other)| *other == outcome) {
            findings.wrong.push(explain(run, &outcome, serial));
        }
    }

    async fn serially(&self, order: &[usize]) -> Outcome {
        self.saved.put_back().await;
        let mut replies = BTreeMap::new();
        for place in order {
            self.course.tick();
            replies.insert(*place, self.requests[*place].clone().send().await);
        }
        self.outcome(&replies.into_values().collect::<Vec<_>>()).await
    }

    async fn outcome(&self, replies: &[Reply]) -> Outcome {
        let answer = |reply: &Reply| {
            let mut body = reply.body.clone();
            if let Value::Object(fields) = &mut body {
                fields.remove("request_id");
            }
            (reply.status, self.known.erase_others(&body).to_string())
        };
        let contents = Contents::of(self.course.api.inventory_db()).await.without_identity(&self.known);
        Outcome { answers: replies.iter().map(answer).collect(), contents }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        all = all
            .into_iter()
            .flat_map(|begun: Vec<usize>| (0..count).filter(|next| !begun.contains(next)).map(|next| [&begun[..], &[next]].concat()).collect::<Vec<_>>())
            .collect();
    }
    all
}

fn explain(run: &Run<'_>, outcome: &Outcome, serial: &[(Vec<usize>, Outcome)]) -> String {
    let statuses = |outcome: &Outcome| outcome.answers.iter().map(|(status, _)| *status).collect::<Vec<_>>();
    let nearest = serial.iter().min_by_key(|(_, other)| (statuses(other) != statuses(outcome), other.contents.difference(&outcome.contents).len()));
    let nearest = nearest.map(|(order, nearest)| {
        let difference = nearest.contents.difference(&outcome.contents);
        format!("the nearest serial order is {order:?}: answers {:?}\n{difference}", nearest.answers)
    });
    [run.told.join("\n"), run.failures.join("\n"), format!("answers {:?}", outcome.answers), nearest.unwrap_or_default()].join("\n")
}

/// Where a request is.
#[derive(Debug)]
enum State {
    /// In the program: it computes, pauses before another try, or its answer is on its way.
    Away,
    Held(Step),
    /// Its statement is with Postgres, on this connection.
    Sent(i32),
    /// The same, and Postgres says that it waits for somebody else's lock.
    Waiting(i32),
    Answered,
}

/// One order of a race.
struct Run<'a> {
    race: &'a Race<'a>,
    events: UnboundedReceiver<Event>,
    answers: UnboundedReceiver<(usize, Reply)>,
    answer: UnboundedSender<(usize, Reply)>,
    states: Vec<State>,
    /// Which request has a transaction on which connection.
    connections: BTreeMap<i32, usize>,
    /// What each request's transaction has done so far.
    done: Vec<Touch>,
    woken_by: Vec<Option<usize>>,
    /// Whose transaction is being ended: before that is done, nobody knows who still waits.
    ending: Option<usize>,
    answered: BTreeMap<usize, Reply>,
    replies: Vec<Reply>,
    trace: Vec<Moved>,
    told: Vec<String>,
    failures: Vec<String>,
    waited: bool,
}

impl<'a> Run<'a> {
    async fn of(race: &'a Race<'a>, beginning: &[usize]) -> Self {
        race.saved.put_back().await;
        let count = race.requests.len();
        let (answer, answers) = unbounded_channel();
        let mut run = Self {
            race,
            events: race.course.wire.listen(),
            answers,
            answer,
            states: Vec::new(),
            connections: BTreeMap::new(),
            done: vec![Touch::default(); count],
            woken_by: vec![None; count],
            ending: None,
            answered: BTreeMap::new(),
            replies: Vec::new(),
            trace: Vec::new(),
            told: Vec::new(),
            failures: Vec::new(),
            waited: false,
        };
        // One after the other up to their first statement, so that it is known whose connection is whose.
        for (place, request) in race.requests.iter().enumerate() {
            run.states.push(State::Away);
            race.course.tick();
            let (request, answer) = (request.clone(), run.answer.clone());
            tokio::spawn(async move {
                let _ = answer.send((place, request.send().await));
            });
            run.settle().await;
        }
        let mut choices = beginning.iter().copied();
        while let Some(request) = run.choose(choices.next()) {
            run.let_go(request);
            run.settle().await;
        }
        run.replies = std::mem::take(&mut run.answered).into_values().collect();
        run
    }

    /// Who goes next: whom the beginning says, else who went last, else the first who can.
    fn choose(&self, wanted: Option<usize>) -> Option<usize> {
        let held = |request: &usize| matches!(self.states[*request], State::Held(_));
        let last = self.trace.last().map(|event| event.request);
        wanted.filter(held).or(last.filter(held)).or_else(|| (0..self.states.len()).find(held))
    }

    fn let_go(&mut self, request: usize) {
        let State::Held(step) = std::mem::replace(&mut self.states[request], State::Away) else { return };
        let mut touch = Touch::of(&step.sql, &self.race.course.tables).without(&self.race.own);
        self.told.push(format!("{:>3} {request} {}", self.trace.len(), step.sql.chars().take(150).collect::<String>()));
        if touch.end().is_some() {
            touch.add(&std::mem::take(&mut self.done[request]));
            self.ending = Some(request);
            self.wake();
        } else {
            self.done[request].add(&touch);
        }
        self.trace.push(Moved { request, touch, woken_by: self.woken_by[request].take() });
        self.states[request] = State::Sent(step.pid);
        self.race.course.tick();
        step.decide(Verdict::Pass);
    }

    /// Whoever waits may go on, now that locks are given up by what is let go next: it is to be asked.
    fn wake(&mut self) {
        for (waiting, state) in self.states.iter_mut().enumerate() {
            if let State::Waiting(pid) = state {
                *state = State::Sent(*pid);
                self.woken_by[waiting] = Some(self.trace.len());
            }
        }
    }

    /// Until each of them is held, waits for a lock or is answered.
    async fn settle(&mut self) {
        let begun = std::time::Instant::now();
        loop {
            assert!(begun.elapsed() < HANGS, "nothing moves: {:?}\n{}", self.states, self.told.join("\n"));
            let under_way = self.states.iter().any(|state| matches!(state, State::Away | State::Sent(_)));
            let nobody_can = !self.states.iter().any(|state| matches!(state, State::Held(_)));
            let somebody_waits = self.states.iter().any(|state| matches!(state, State::Waiting(_)));
            // Where all wait for one another Postgres ends it.
            if !(under_way || nobody_can && somebody_waits) {
                return;
            }
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.happened(event),
                Some((request, reply)) = self.answers.recv() => {
                    self.states[request] = State::Answered;
                    self.answered.insert(request, reply);
                }
                // Only how often Postgres is asked depends on a clock.
                () = tokio::time::sleep(std::time::Duration::from_millis(2)) => self.ask_who_waits().await,
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Step(step) => {
                let with_one: BTreeSet<usize> = self.connections.values().copied().collect();
                let request = *self.connections.entry(step.pid).or_insert_with(|| {
                    let away: Vec<_> =
                        (0..self.states.len()).filter(|request| matches!(self.states[*request], State::Away) && !with_one.contains(request)).collect();
                    let [only] = away.as_slice() else { panic!("`{}` may be of any of {away:?}", step.sql) };
                    *only
                });
                if ["BEGIN", "SET TRANSACTION"].iter().any(|begins| step.sql.starts_with(begins)) {
                    self.states[request] = State::Sent(step.pid);
                    step.decide(Verdict::Pass);
                } else {
                    self.states[request] = State::Held(step);
                }
            }
            Event::Answered { pid, in_transaction, sqlstate } => {
                let Some(request) = self.connections.get(&pid).copied() else { return };
                if let Some(sqlstate) = sqlstate {
                    self.told.push(format!("    {request} failed with {sqlstate}"));
                    // The transaction is over, and its locks are free, before it is rolled back.
                    self.wake();
                    if sqlstate == "40P01" {
                        self.failures.push(format!("a deadlock, at {}", self.told.len()));
                    }
                }
                if !in_transaction {
                    self.connections.remove(&pid);
                    self.ending = self.ending.filter(|ending| *ending != request);
                }
                self.states[request] = State::Away;
            }
            Event::Closed { pid } => drop(self.connections.remove(&pid)),
        }
    }

    async fn ask_who_waits(&mut self) {
        let sent: Vec<String> = self.states.iter().filter_map(|state| if let State::Sent(pid) = state { Some(pid.to_string()) } else { None }).collect();
        if sent.is_empty() || self.ending.is_some() {
            return;
        }
        let sql = format!("SELECT pid FROM unnest(ARRAY[{}]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0", sent.join(", "));
        let database = self.race.course.api.inventory_db();
        let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await.expect("who waits");
        let waiting: Vec<i32> = rows.iter().map(|row| row.try_get_by_index(0).expect("a process")).collect();
        for (request, state) in self.states.iter_mut().enumerate() {
            if let State::Sent(pid) = *state
                && waiting.contains(&pid)
            {
                *state = State::Waiting(pid);
                self.woken_by[request] = None;
                self.waited = true;
                self.told.push(format!("    {request} waits"));
            }
        }
    }
}
