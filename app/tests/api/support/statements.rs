//! What a request sends to the database of a module: on Postgres seen on the wire, on SQLite in the log under `sqlx::query`.
//!
//! SQLite's log has no BEGIN, SAVEPOINT and COMMIT: there is one writer, and they are its own business.

use std::sync::{Mutex, OnceLock, PoisonError};

use sea_orm::DatabaseConnection;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event as LogEvent, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::tables::texts;
use super::trial::Bench;
use super::wire::{Event, Text, Verdict, Wire};
use super::{Call, fresh};

/// The statements that are sent together.
pub type Trip = Vec<Text>;

/// What a request sent.
pub struct Sent {
    pub trips: Vec<Trip>,
    /// The locks of tables that its transaction holds at COMMIT, as Postgres names them, without those that reading takes.
    pub held: Vec<String>,
}

/// Sends a request that is answered well.
pub async fn sent(bench: &Bench, name: &str, call: Call) -> Sent {
    match bench.wire() {
        Some(wire) => on_the_wire(wire, bench.database(), name, call).await,
        None => in_the_log(bench, name, call).await,
    }
}

async fn on_the_wire(wire: &Wire, database: &DatabaseConnection, name: &str, call: Call) -> Sent {
    let (mut events, mut sent) = (wire.listen(), Sent { trips: Vec::new(), held: Vec::new() });
    let sending = call.send();
    tokio::pin!(sending);
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => if let Event::Step(step) = event {
                if step.sql == "COMMIT" {
                    sent.held = held(database, step.pid).await;
                }
                sent.trips.push(step.statements.clone());
                step.decide(Verdict::Pass);
            },
            reply = &mut sending => {
                assert!(reply.status < 300, "{name}: {}", reply.text);
                return sent;
            }
        }
    }
}

async fn held(database: &DatabaseConnection, pid: i32) -> Vec<String> {
    let sql = format!(
        "SELECT mode || ': ' || string_agg(DISTINCT relname::text, ', ' ORDER BY relname::text) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
         WHERE pid = {pid} AND relkind = 'r' AND relnamespace = 'public'::regnamespace AND mode <> 'AccessShareLock' GROUP BY mode ORDER BY mode"
    );
    texts(database, &sql).await
}

async fn in_the_log(bench: &Bench, name: &str, call: Call) -> Sent {
    listen();
    let id = fresh("budget");
    let reply = call.header("X-Request-Id", &id).send().await;
    assert!(reply.status < 300, "{name}: {}", reply.text);
    let logged = LOG.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|(of, _)| *of == id).map(|(_, sql)| sql.clone()).collect::<Vec<_>>();
    let mut trips = Vec::new();
    // What a new connection sets for itself is the pool's business, and explaining it would set it here.
    for sql in logged.into_iter().filter(|sql| !sql.starts_with("PRAGMA")) {
        // Who is calling is asked of another database than what is there: the log has the statements of both.
        let together: Vec<&str> = sql.split(";\n").collect();
        if are_of(bench.database(), &together).await {
            trips.push(together.into_iter().map(|sql| Text { sql: sql.to_owned(), types: Vec::new() }).collect());
        } else {
            assert!(are_of(bench.other_database(), &together).await, "{name}: neither database understands {sql}");
        }
    }
    Sent { trips, held: Vec::new() }
}

async fn are_of(database: &DatabaseConnection, statements: &[&str]) -> bool {
    for sql in statements {
        if !super::plans::is_of(database, sql).await {
            return false;
        }
    }
    true
}

/// What the driver logs statements under.
const QUERIES: &str = "sqlx::query";

/// Every statement of this process that was logged, under its request.
static LOG: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn listen() {
    static LISTENS: OnceLock<()> = OnceLock::new();
    LISTENS.get_or_init(|| {
        let wanted = Targets::new().with_target(QUERIES, Level::DEBUG).with_target("kernel::http", Level::INFO);
        let subscriber = tracing_subscriber::registry().with(Listener.with_filter(wanted));
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens to the log of the tests");
    });
}

struct Listener;

/// The request that a span belongs to.
struct Request(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut request = Named { name: "id", value: String::new() };
        attributes.record(&mut request);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Request(request.value));
        }
    }

    fn on_event(&self, event: &LogEvent<'_>, context: Context<'_, S>) {
        if event.metadata().target() != QUERIES {
            return;
        }
        let field = |name| {
            let mut field = Named { name, value: String::new() };
            event.record(&mut field);
            field.value.trim().to_owned()
        };
        // One of a few words is all in its summary.
        let sql = Some(field("db.statement")).filter(|sql| !sql.is_empty()).unwrap_or_else(|| field("summary"));
        let request = context.event_scope(event).into_iter().flatten().find_map(|span| span.extensions().get::<Request>().map(|Request(id)| id.clone()));
        if let Some(request) = request {
            LOG.lock().unwrap_or_else(PoisonError::into_inner).push((request, sql));
        }
    }
}

/// One field of a line of the log.
struct Named {
    name: &'static str,
    value: String,
}

impl Visit for Named {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.name {
            value.clone_into(&mut self.value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == self.name {
            self.value = format!("{value:?}");
        }
    }
}
