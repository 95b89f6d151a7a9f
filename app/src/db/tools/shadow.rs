//! An empty Postgres for a command: on the server that `LARDER_SHADOW_URL` names, else on one that is started for it and
//! thrown away. Whatever a command makes there is gone when it ends, also by an error or a signal.

use std::path::PathBuf;
use std::sync::Arc;

use kernel::Ids;
use migration_tools::checkout::Checkout;
use migration_tools::shadow::{Server, can_start};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

use crate::databases::{self, Role};
use crate::db::deploy;
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::Target;

/// A server on which databases are made and thrown away.
pub struct Shadow<'s> {
    settings: &'s Settings,
    /// A database of the server to connect to, as a role that may make others.
    server: Target,
    /// What the names of this run's databases end with: two runs at once on one server do not meet.
    run: String,
    turn: Arc<Mutex<()>>,
    thrown_away: Option<Server>,
}

/// Whether there is a server to be had, before anything is started.
pub enum Source {
    Given(Target),
    /// The script that starts one.
    Local(PathBuf),
    /// None; the text says why and what to do.
    Nowhere(String),
}

impl Source {
    pub fn find(settings: &Settings, checkout: &Checkout) -> Result<Self, Failure> {
        if let Some(url) = settings.shadow_url.given() {
            let target = Target::parse(url).ok().filter(Target::is_postgres);
            return target.map(Self::Given).ok_or_else(|| refused("LARDER_SHADOW_URL: the URL of a Postgres server is expected"));
        }
        let script = checkout.postgres_script();
        match can_start(&script) {
            Ok(()) => Ok(Self::Local(script)),
            Err(why) => Ok(Self::Nowhere(format!("no Postgres is at hand: {why}\nInstall one, or name a server in LARDER_SHADOW_URL."))),
        }
    }
}

/// Does work with a shadow server, and clears everything away behind it.
pub async fn with<T>(settings: &Settings, source: Source, work: impl AsyncFnOnce(&Shadow<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    let listen = |kind| signal(kind).map_err(|error| refused(format!("signals cannot be listened to: {error}")));
    // From here on a signal ends the work and not the program.
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let shadow = Shadow::open(settings, source).await?;
    let outcome = tokio::select! {
        outcome = work(&shadow) => outcome,
        _ = interrupt.recv() => Err(refused("interrupted")),
        _ = terminate.recv() => Err(refused("ended by a signal")),
    };
    let closed = shadow.close().await;
    // Why the work failed says more than why nothing could be cleared away after it.
    let done = outcome?;
    closed.map(|()| done)
}

impl<'s> Shadow<'s> {
    async fn open(settings: &'s Settings, source: Source) -> Result<Self, Failure> {
        match source {
            Source::Given(server) => Ok(Self { settings, server, run: fresh(), turn: Arc::default(), thrown_away: None }),
            Source::Nowhere(why) => Err(refused(why)),
            Source::Local(script) => {
                let started = tokio::task::spawn_blocking(move || Server::start(script)).await;
                let (server, url) = started.map_err(|error| error.to_string()).and_then(|started| started).map_err(refused)?;
                let target = Target::parse(&url).map_err(refused)?;
                Ok(Self { settings, server: target, run: fresh(), turn: Arc::default(), thrown_away: Some(server) })
            }
        }
    }

    /// An empty database.
    pub async fn database(&self, module: Module) -> Result<Target, Failure> {
        let name = self.name_for(module);
        self.execute(vec![drop_statement(&name), format!("CREATE DATABASE \"{name}\" TEMPLATE template0")]).await?;
        self.target(&name).ok_or_else(|| refused("LARDER_SHADOW_URL: the URL of a Postgres server is expected"))
    }

    fn name_for(&self, module: Module) -> String {
        format!("larder_shadow_{module}_{}", self.run)
    }

    /// The same server, and another database on it.
    fn target(&self, database: &str) -> Option<Target> {
        let Target::Postgres(at) = &self.server else { return None };
        let (base, query) = at.url.reveal().split_once('?').map_or((at.url.reveal(), None), |(base, query)| (base, Some(query)));
        let authority = base.strip_prefix("postgres://")?.split('/').next()?;
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Target::parse(&format!("postgres://{authority}/{database}{query}")).ok()
    }

    /// Statements are run to their end and one after the other, also where the work that asked for them is given up: a
    /// database that is being made could not be dropped.
    async fn execute(&self, statements: Vec<String>) -> Result<(), Failure> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (server, limits) = (self.server.clone(), self.settings.database.limits.clone());
        let run = tokio::spawn(async move {
            let _turn = turn;
            run_all(&server, &limits, &statements).await
        });
        run.await.unwrap_or_else(|error| Err(refused(error.to_string())))
    }

    async fn close(self) -> Result<(), Failure> {
        match self.thrown_away {
            // Its databases go with it.
            Some(server) => {
                let _ = tokio::task::spawn_blocking(move || drop(server)).await;
                Ok(())
            }
            None => self.execute(Module::ALL.map(|module| drop_statement(&self.name_for(module))).to_vec()).await,
        }
    }
}

async fn run_all(server: &Target, limits: &Limits, statements: &[String]) -> Result<(), Failure> {
    let unusable = |error: &DbErr| refused(format!("the shadow server {server} (LARDER_SHADOW_URL) cannot be used: {error}"));
    // Which module it is for plays no part: a server has no owner among them.
    let connection = databases::connect(Module::Inventory, server, limits, Role::Migrator).await;
    let connection = connection.map_err(|failure| match failure.cause {
        Cause::Unreachable(error) => unusable(&error),
        _ => failure,
    })?;
    let outcome = execute(&connection, statements).await;
    deploy::close(connection).await;
    outcome.map_err(|error| unusable(&error))
}

async fn execute(connection: &DatabaseConnection, statements: &[String]) -> Result<(), DbErr> {
    for statement in statements {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// The process, to know it by, and eight characters that no process on another machine has.
fn fresh() -> String {
    format!("{}_{}", std::process::id(), kernel::hex(&Ids::System.bytes::<4>()))
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")
}

fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Module::Inventory, "a shadow database", Cause::Refused(why.into()))
}
