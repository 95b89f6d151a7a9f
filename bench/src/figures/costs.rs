//! What a posting costs a server with Postgres, beside what the statements of the limit cost, and what a tenant takes there: told for docs/scale.md.

use sea_orm::sqlx::{self, Connection as _};

use super::{Figures, postings};
use crate::kitchens;
use crate::larder::{Larder, Postgres, Stores, analyze};
use crate::limits::pgbench;
use crate::limits::posting::Facts;
use crate::load;
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

const TENANTS: usize = 100;
const CONNECTIONS: u32 = 32;
const KIB: f64 = 1024.0;

/// What was spent until now.
#[derive(Clone, Copy, Debug)]
struct Spent {
    postings: f64,
    /// Seconds.
    larder: f64,
    /// Seconds, of all its processes.
    postgres: f64,
    /// Bytes of the log of changes.
    logged: f64,
    /// Bytes of the database.
    stored: f64,
}

impl Spent {
    async fn until_now(larder: &Larder, inventory: &str) -> Outcome<Self> {
        let mut connection = sqlx::PgConnection::connect(inventory).await?;
        let numbers = "SELECT (SELECT COALESCE(SUM(waste_number), 0)::float8 FROM ledger_head), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8, \
                       pg_database_size(current_database())::float8";
        let (postings, logged, stored) = sqlx::query_as(numbers).fetch_one(&mut connection).await?;
        let (folder,): (String,) = sqlx::query_as("SHOW data_directory").fetch_one(&mut connection).await?;
        connection.close().await?;
        let postmaster = std::fs::read_to_string(format!("{folder}/postmaster.pid"))?;
        let postmaster: u32 = postmaster.lines().next().unwrap_or_default().trim().parse()?;
        Ok(Self { postings, larder: larder.cpu_seconds()?, postgres: cpu_of_all(postmaster)?, logged, stored })
    }
}

/// Seconds of the processor that a process has used, and its children, whether they are there or not.
fn cpu_of_all(parent: u32) -> Outcome<f64> {
    let mut seconds = crate::larder::cpu_seconds_of_stat(&std::fs::read_to_string(format!("/proc/{parent}/stat"))?, 4);
    for entry in std::fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ends meanwhile has no file any more.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        if crate::larder::fields_of_stat(&stat).nth(1).and_then(|parent| parent.parse().ok()) == Some(parent) {
            seconds += crate::larder::cpu_seconds_of_stat(&stat, 2);
        }
    }
    Ok(seconds)
}

#[expect(clippy::cast_precision_loss, reason = "not that many")]
fn processors() -> Outcome<f64> {
    Ok(std::thread::available_parallelism()?.get() as f64)
}

async fn stored(url: &str) -> Outcome<f64> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let (stored,) = sqlx::query_as("SELECT pg_database_size(current_database())::float8").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(stored)
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let stores = Postgres::of_environment()?.emptied("bench_costs").await?;
    let folder = tempfile::tempdir()?;
    let larder = Larder::start(folder.path(), &Stores::Postgres(stores.clone()))?;
    let empty = stored(&stores.inventory).await? + stored(&stores.auth).await?;
    let places = kitchens::each_with_items(&larder, TENANTS, postings::ITEMS).await?;
    analyze(&stores.inventory).await?;
    let of_tenants = stored(&stores.inventory).await? + stored(&stores.auth).await? - empty;
    let (requests, limit) = (postings::requests(&places), pgbench::Postings::at(&stores.inventory, &Facts::of_all(&stores.inventory, &places).await?)?);
    postings::settle(&larder, &stores.inventory, &requests, figures.pace).await?;
    let (mut ours, mut theirs, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = Spent::until_now(&larder, &stores.inventory).await?;
    for _ in 0..RUNS {
        rates.push(load::run(&larder, &requests, CONNECTIONS, figures.pace.run)?.per_second);
        let between = Spent::until_now(&larder, &stores.inventory).await?;
        limit.run(CONNECTIONS, figures.pace.run)?;
        let after = Spent::until_now(&larder, &stores.inventory).await?;
        ours.push((before, between));
        theirs.push((between, after));
        before = after;
    }
    let each = |of: fn(&Spent) -> f64, runs: &[(Spent, Spent)]| {
        median(runs.iter().map(|(before, after)| (of(after) - of(before)) / (after.postings - before.postings)).collect())
    };
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let of_tenant = of_tenants / TENANTS as f64 / KIB;
    let mut told = |name: &str, value, unit, limit| figures.report.add(Figure { name: name.to_owned(), value, unit, limit, target: Target::Told });
    told("processor time of Larder for a posting", each(|spent| spent.larder, &ours) * 1_000.0, "ms", None);
    let allowed = processors()? / (each(|spent| spent.larder, &ours) + each(|spent| spent.postgres, &ours));
    told("postings, of those that the processors have time for", median(rates), "/s", Some(allowed));
    let both = |of: fn(&Spent) -> f64, by: f64| (each(of, &ours) * by, Some(each(of, &theirs) * by));
    for (name, (value, limit), unit) in [
        ("processor time of Postgres for a posting", both(|spent| spent.postgres, 1_000.0), "ms"),
        ("log of changes for a posting", both(|spent| spent.logged, 1.0 / KIB), "KiB"),
        ("stored for a posting of one line", both(|spent| spent.stored, 1.0 / KIB), "KiB"),
    ] {
        told(name, value, unit, limit);
    }
    told(&format!("stored for a tenant that stocks {} items", postings::ITEMS), of_tenant, "KiB", None);
    Ok(())
}
