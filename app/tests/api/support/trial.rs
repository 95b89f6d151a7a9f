//! One request to which something happens: it leaves nothing or all of it, and sent again it is done once.
//!
//! ```ignore
//! let Some(bench) = Bench::open(Engine::Postgres, None).await else { return };
//! let subject = bench.subject("waste", prepare).await;
//! for step in 1..=subject.steps().await {
//!     subject.suffer(step, Fault::Drops).await;
//! }
//! ```
//!
//! On Postgres a [`Wire`] stands between the program and the database, and the n-th statement of the request meets a [`Fault`]. On
//! SQLite, where there is no wire, triggers refuse the n-th row that is written, and tables are taken away from under it. Before
//! every trial the database is put back to what was prepared ([`Saved`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::Ids;
use larder::Surroundings;
use larder::module::Module;
use sea_orm::DatabaseConnection;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::kitchen::Kitchen;
use super::tables::{Contents, Saved, run, texts};
use super::wire::{Event, Rewriting, Step, Verdict, Wire};
use super::{Api, Call, Engine, Reply, Stores, fixed_clock};

/// Makes what a request needs, and the request.
pub type Prepare = for<'a> fn(&'a Kitchen) -> BoxFuture<'a, Call>;

/// What happens to a statement on Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this SQLSTATE.
    Fails(&'static str),
    /// The server is shut down under it.
    Terminated,
    /// The connection is gone before the statement has arrived.
    Drops,
    /// The statement is executed, and the connection is gone before the answer has arrived.
    LosesItsAnswer,
    /// It takes so long that the client hangs up and sends the request again.
    Outlasts,
}

impl Fault {
    fn verdict(self, step: &Step) -> Verdict {
        match self {
            Self::Fails(sqlstate) => {
                // A COMMIT that fails has ended its transaction.
                let ended = if step.sql.starts_with("COMMIT") { "ROLLBACK; " } else { "" };
                Verdict::Instead(format!("{ended}DO $$ BEGIN RAISE EXCEPTION 'meant by the test' USING ERRCODE = '{sqlstate}'; END $$"))
            }
            Self::Terminated => Verdict::Instead("SELECT pg_terminate_backend(pg_backend_pid())".to_owned()),
            Self::Drops => Verdict::Drop,
            Self::LosesItsAnswer => Verdict::DropAnswer,
            Self::Outlasts => Verdict::Pass,
        }
    }
}

/// How a row that is written is refused on SQLite: the statement is undone; it is not; the whole transaction is.
const REFUSALS: [&str; 3] = ["ABORT", "FAIL", "ROLLBACK"];

/// A running program, and a kitchen in it; for any number of subjects, one after the other.
pub struct Bench {
    api: Api,
    module: Module,
    wire: Option<Wire>,
    pristine: Saved,
    kitchen: Kitchen,
}

impl Bench {
    /// `None` where there is no Postgres and nobody demanded one. A rewriting is for Postgres.
    pub async fn open(engine: Engine, rewriting: Option<Rewriting>) -> Option<Self> {
        Self::on(Module::Inventory, engine, rewriting).await
    }

    /// The same on the database of a module.
    pub async fn on(module: Module, engine: Engine, rewriting: Option<Rewriting>) -> Option<Self> {
        Self::with(module, engine, rewriting, &[]).await
    }

    /// The same of a program with these settings.
    pub async fn with(module: Module, engine: Engine, rewriting: Option<Rewriting>, settings: &[(&str, &str)]) -> Option<Self> {
        let stores = Stores::make(engine).await?;
        let wire = match stores.variables().get(module.url_variable()) {
            Some(url) => Some(Wire::in_front_of(url, rewriting).await),
            None => None,
        };
        let mut variables: Vec<_> = wire.iter().map(|wire| (module.url_variable(), wire.url())).collect();
        // Or a use case of auth would be refused.
        variables.push(("LARDER_AUTH_NEW_TENANTS", "true"));
        variables.extend(settings);
        let api = Api::start(Arc::new(stores), &variables, Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
        let kitchen = Kitchen::open(&api).await;
        let (database, _) = databases(module, &api);
        let pristine = Saved::take(database, "pristine", api.stores().folder().path()).await;
        Some(Self { api, module, wire, pristine, kitchen })
    }

    /// The database of its module.
    pub fn database(&self) -> &DatabaseConnection {
        databases(self.module, &self.api).0
    }

    pub fn is_of_inventory(&self) -> bool {
        self.module == Module::Inventory
    }

    /// That of the other one.
    pub fn other_database(&self) -> &DatabaseConnection {
        databases(self.module, &self.api).1
    }

    /// The program's way to its database; on Postgres.
    pub fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    pub fn api(&self) -> &Api {
        &self.api
    }

    pub fn kitchen(&self) -> &Kitchen {
        &self.kitchen
    }

    /// Takes everything away that was prepared.
    pub async fn clear(&self) {
        self.pristine.put_back().await;
    }

    pub async fn close(self) {
        self.api.stop().await;
        self.api.stores().remove().await;
    }

    /// Prepares a request, and does it undisturbed to know what comes of it.
    pub async fn subject(&self, name: &'static str, prepare: Prepare) -> Subject<'_> {
        self.pristine.put_back().await;
        let request = prepare(&self.kitchen).await;
        let saved = Saved::take(self.api.inventory_db(), "prepared", self.api.stores().folder().path()).await;
        let reply = request.clone().send().await;
        assert!(reply.status < 300, "{name}: {}", reply.text);
        let mut subject = Subject { bench: self, name, request, saved, done: Contents(BTreeMap::new()), answer: Value::Null };
        (subject.done, subject.answer) = (subject.contents().await, subject.known(&reply));
        subject
    }
}

/// The database of a module, and that of the other.
fn databases(module: Module, api: &Api) -> (&DatabaseConnection, &DatabaseConnection) {
    match module {
        Module::Inventory => (api.inventory_db(), api.auth_db()),
        Module::Auth => (api.auth_db(), api.inventory_db()),
    }
}

/// A request, what it finds and what it leaves.
pub struct Subject<'a> {
    bench: &'a Bench,
    name: &'static str,
    request: Call,
    saved: Saved,
    /// What the database holds when it was done once.
    done: Contents,
    answer: Value,
}

impl Subject<'_> {
    async fn contents(&self) -> Contents {
        self.raw_contents().await.without_identity(&self.saved.contents.identifiers())
    }

    async fn raw_contents(&self) -> Contents {
        let mut contents = Contents::of(self.bench.api.inventory_db()).await;
        contents.0.remove(MISHAP);
        contents
    }

    fn known(&self, reply: &Reply) -> Value {
        self.saved.contents.identifiers().erase_others(&reply.body)
    }

    fn events(&self) -> UnboundedReceiver<Event> {
        self.bench.wire.as_ref().expect("a wire: this is Postgres").listen()
    }

    /// How many statements its transaction has, from BEGIN to COMMIT.
    pub async fn steps(&self) -> usize {
        self.saved.put_back().await;
        let mut statements = 0;
        self.stepping(self.events(), |_| {
            statements += 1;
            Verdict::Pass
        })
        .await;
        statements
    }

    /// Sends it, and decides of its statements one by one.
    async fn stepping(&self, mut events: UnboundedReceiver<Event>, mut decide: impl FnMut(&Step) -> Verdict) -> Reply {
        let sending = self.request.clone().send();
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => if let Event::Step(step) = event {
                    let verdict = decide(&step);
                    step.decide(verdict);
                },
                reply = &mut sending => return reply,
            }
        }
    }

    /// On Postgres: the n-th statement meets a fault.
    pub async fn suffer(&self, nth: usize, fault: Fault) {
        self.saved.put_back().await;
        if fault == Fault::Outlasts {
            return self.outlast(nth).await;
        }
        let (mut seen, mut met) = (0, String::new());
        let reply = self
            .stepping(self.events(), |step| {
                seen += 1;
                if seen == nth {
                    met.clone_from(&step.sql);
                    fault.verdict(step)
                } else {
                    Verdict::Pass
                }
            })
            .await;
        let what = format!("{}, {fault:?} at statement {nth} `{}`", self.name, met.chars().take(120).collect::<String>());
        assert!(!met.is_empty(), "{what}: there are only {seen}");
        let is_unknown = fault == Fault::LosesItsAnswer && met.starts_with("COMMIT");
        self.check(&what, &reply, is_unknown).await;
    }

    /// The client has hung up while the n-th statement was on its way, and sends the request again, which overtakes it or waits.
    async fn outlast(&self, nth: usize) {
        let what = format!("{}, sent again during statement {nth}", self.name);
        let mut events = self.events();
        let sending = tokio::spawn(self.request.clone().send());
        let mut held = None;
        let mut seen = 0;
        while held.is_none() {
            if let Some(Event::Step(step)) = events.recv().await {
                seen += 1;
                held = if seen == nth { Some(step) } else { pass(step) };
            }
        }
        sending.abort();
        assert!(sending.await.is_err_and(|error| error.is_cancelled()), "{what}");
        let again = self
            .stepping(events, |_| {
                drop(held.take());
                Verdict::Pass
            })
            .await;
        self.check_again(&what, &again, None).await;
    }

    /// After something happened to it: it was answered as it should be, left all or nothing, and is done once when sent again.
    async fn check(&self, what: &str, reply: &Reply, is_unknown: bool) {
        let raw = self.raw_contents().await;
        if reply.status < 300 {
            assert_eq!(self.known(reply), self.answer, "{what}: answered differently");
        } else {
            assert!([409, 503].contains(&reply.status) && !reply.header("retry-after").is_empty(), "{what}: answered {}", reply.text);
            let undone = raw == self.saved.contents;
            // I18; only of a COMMIT whose answer is lost nobody can know.
            assert!(undone || is_unknown, "{what}: answered {}, and left\n{}", reply.status, self.saved.contents.difference(&raw));
        }
        let before = (raw != self.saved.contents).then_some(raw);
        let again = self.request.clone().send().await;
        if reply.status == 201 {
            assert_eq!((again.status, &again.body, again.header("idempotent-replayed")), (201, &reply.body, "true"), "{what}");
        }
        self.check_again(what, &again, before).await;
    }

    /// Sent a second time: done by now, once. `before` is what was there already, where something was.
    async fn check_again(&self, what: &str, again: &Reply, before: Option<Contents>) {
        let raw = self.raw_contents().await;
        let contents = raw.without_identity(&self.saved.contents.identifiers());
        assert!(contents == self.done, "{what}: sent again it was answered {} and left\n{}", again.text, self.done.difference(&contents));
        // What has no key says that the thing has moved on: by its version, or because it is done once and for all.
        let moved_on = matches!((self.request.method.as_str(), again.status), ("PATCH", 412) | ("DELETE", 409));
        assert!(moved_on || self.known(again) == self.answer, "{what}: sent again it was answered {}", again.text);
        if let Some(before) = before {
            assert!(raw == before, "{what}: sent again it did\n{}", before.difference(&raw));
        }
    }

    /// On SQLite: the n-th row that is written is refused, until there is no n-th; answers how many were. In all ways, or in one of
    /// them in turn.
    pub async fn refuse_rows(&self, in_all_ways: bool) -> usize {
        let database = self.bench.api.inventory_db();
        let tables = self.saved.contents.0.keys().chain(self.done.0.keys()).collect::<BTreeSet<_>>();
        let raise: Vec<_> = REFUSALS.iter().map(|how| format!("WHEN '{how}' THEN RAISE({how}, 'meant by the test')")).collect();
        let trigger = |(table, verb): (&String, &str)| {
            format!(
                "CREATE TRIGGER \"{MISHAP}_{table}_{verb}\" BEFORE {verb} ON \"{table}\" BEGIN UPDATE {MISHAP} SET seen = seen + 1; \
                 SELECT CASE how {} END FROM {MISHAP} WHERE seen = at; END",
                raise.join(" ")
            )
        };
        let triggers: Vec<_> = tables.into_iter().flat_map(|table| ["INSERT", "UPDATE", "DELETE"].map(|verb| trigger((table, verb)))).collect();
        run(database, &format!("CREATE TABLE {MISHAP} (seen, at, how); INSERT INTO {MISHAP} VALUES (0, -1, ''); {}", triggers.join("; "))).await;
        let mut row = 1;
        while self.refuse_row(row, in_all_ways).await {
            row += 1;
        }
        let find = format!("SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{MISHAP}%'");
        run(database, &format!("{}; DROP TABLE {MISHAP}", texts(database, &find).await.join("; "))).await;
        row - 1
    }

    /// Whether there was such a row.
    async fn refuse_row(&self, row: usize, in_all_ways: bool) -> bool {
        let database = self.bench.api.inventory_db();
        for how in REFUSALS.iter().cycle().skip(row).take(if in_all_ways { REFUSALS.len() } else { 1 }) {
            self.saved.put_back().await;
            run(database, &format!("UPDATE {MISHAP} SET seen = 0, at = {row}, how = '{how}'")).await;
            let reply = self.request.clone().send().await;
            run(database, &format!("UPDATE {MISHAP} SET at = -1")).await;
            let what = format!("{}, {how} at row {row}", self.name);
            if reply.status < 300 {
                self.check(&what, &reply, false).await;
                return false;
            }
            // Nobody knows this refusal: it is a mistake of ours. Where the transaction is lost all who share it may try again.
            assert_eq!(reply.status, if *how == "ROLLBACK" { 503 } else { 500 }, "{what}: {}", reply.text);
            self.check_nothing_left(&what).await;
        }
        true
    }

    /// On SQLite: every table is away once; answers without how many it could not be done.
    pub async fn take_tables_away(&self) -> usize {
        let database = self.bench.api.inventory_db();
        let mut failed = 0;
        for table in super::tables::tables(database).await {
            self.saved.put_back().await;
            let rename = async |from: &str, to: &str| {
                // Which of the pool's connections it gets is chance. One that remembers another table away would take this one for there:
                // reading makes it look again.
                let sql = format!(
                    "SELECT name FROM sqlite_master LIMIT 1; PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; \
                     ALTER TABLE \"{from}\" RENAME TO \"{to}\"; PRAGMA foreign_keys = ON"
                );
                run(database, &sql).await;
            };
            rename(&table, "away").await;
            let reply = self.request.clone().send().await;
            rename("away", &table).await;
            // Where it needs no such table, nothing has failed.
            if reply.status >= 300 {
                let what = format!("{} without {table}", self.name);
                assert_eq!(reply.status, 500, "{what}: {}", reply.text);
                self.check_nothing_left(&what).await;
                failed += 1;
            }
        }
        failed
    }

    async fn check_nothing_left(&self, what: &str) {
        let raw = self.raw_contents().await;
        assert!(raw == self.saved.contents, "{what} left\n{}", self.saved.contents.difference(&raw));
        let again = self.request.clone().send().await;
        assert!(again.status < 300, "{what}: sent again it was answered {}", again.text);
        self.check_again(what, &again, None).await;
    }
}

fn pass(step: Step) -> Option<Step> {
    step.decide(Verdict::Pass);
    None
}

/// The table that counts the rows that are written.
const MISHAP: &str = "mishap";
