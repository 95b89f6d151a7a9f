//! Databases for tests on two Postgres servers, copied from migrated templates: copying is quicker than migrating.
//!
//! The tests of one run are many processes; making a template is guarded by an advisory lock of the server, and its name
//! holds a hash of what they send, so that a changed migration is never tested on an old template.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use larder::db::deploy;
use larder::module::Module;
use larder::settings::Settings;
use migration_history::Recording;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend};

use super::patience::HANGS;
use super::{connect, variable};

const PASSWORD: &str = "only-for-tests";
/// What ships; the tests' roles and databases get their attributes and rights from it.
const ROLES: &str = include_str!("../../../../scripts/postgres-roles.sql");
/// The rights at a database, and those inside of it, which its copies have too.
const AT_DATABASE: [&str; 2] = ["REVOKE", "GRANT"];
const INSIDE: [&str; 3] = ["REVOKE", "GRANT", "ALTER DEFAULT PRIVILEGES"];
/// "template" in ASCII.
const LOCK: i64 = 0x7465_6d70_6c61_7465;

/// The databases of one test, one for each module.
pub struct Pair {
    pub auth: Base,
    pub inventory: Base,
    removed: AtomicBool,
}

impl Pair {
    /// Migrated databases. `None`, with a word about it, where there are no servers and nobody demanded them.
    pub async fn make() -> Option<Self> {
        let (auth, inventory) = Server::both()?;
        // Making a database is waiting for a server, and there are two.
        let (auth, inventory) = futures::join!(Box::pin(auth.copy_of_template()), Box::pin(inventory.copy_of_template()));
        Some(Self { auth, inventory, removed: AtomicBool::new(false) })
    }

    /// Databases that nobody has migrated.
    pub async fn make_empty() -> Option<Self> {
        let (auth, inventory) = Server::both()?;
        let (auth, inventory) = futures::join!(Box::pin(auth.empty()), Box::pin(inventory.empty()));
        Some(Self { auth, inventory, removed: AtomicBool::new(false) })
    }

    pub async fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
        futures::join!(Box::pin(self.auth.remove()), Box::pin(self.inventory.remove()));
    }
}

/// What a failed test leaves is taken away here, where nothing can be awaited.
impl Drop for Pair {
    fn drop(&mut self) {
        if self.removed.load(Ordering::SeqCst) {
            return;
        }
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(self.remove());
            });
        });
    }
}

/// A server that holds one module's databases.
#[derive(Clone)]
struct Server {
    module: Module,
    admin_url: String,
}

/// One database.
pub struct Base {
    server: Server,
    pub name: String,
}

impl Server {
    fn both() -> Option<(Self, Self)> {
        let servers = (variable("LARDER_TEST_POSTGRES_AUTH"), variable("LARDER_TEST_POSTGRES_INVENTORY"));
        if let (Some(auth), Some(inventory)) = servers {
            return Some((Self { module: Module::Auth, admin_url: auth }, Self { module: Module::Inventory, admin_url: inventory }));
        }
        assert!(
            variable("REQUIRE_POSTGRES").as_deref() != Some("1"),
            "REQUIRE_POSTGRES=1, but LARDER_TEST_POSTGRES_AUTH and LARDER_TEST_POSTGRES_INVENTORY do not name two servers"
        );
        println!("SKIPPED: LARDER_TEST_POSTGRES_AUTH and LARDER_TEST_POSTGRES_INVENTORY do not name two Postgres servers");
        None
    }

    fn role(&self, kind: &str) -> String {
        format!("larder_test_{}_{kind}", self.module)
    }

    fn url(&self, user: &str, password: &str, database: &str) -> String {
        let at = PgConnectOptions::from_str(&self.admin_url).expect("the URL of a test server");
        format!("postgres://{user}:{password}@{}:{}/{database}", at.get_host(), at.get_port())
    }

    /// The administrator's URL of a database of this server.
    fn admin_url(&self, database: &str) -> String {
        let (base, query) = self.admin_url.split_once('?').unwrap_or((&self.admin_url, ""));
        let (scheme, rest) = base.split_once("://").expect("the URL of a test server");
        let place = rest.split('/').next().unwrap_or(rest);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{scheme}://{place}/{database}{query}")
    }

    async fn admin(&self) -> DatabaseConnection {
        connect(&self.admin_url).await
    }

    async fn copy_of_template(&self) -> Base {
        let admin = self.admin().await;
        let template = self.template(&admin).await;
        let base = self.create(&admin, &format!("TEMPLATE {template}")).await;
        admin.close().await.expect("closed");
        base
    }

    async fn empty(&self) -> Base {
        let admin = self.admin().await;
        // Makes the roles, too.
        self.template(&admin).await;
        let base = self.create(&admin, "TEMPLATE template0").await;
        admin.close().await.expect("closed");
        self.give_defaults(&base.name).await;
        base
    }

    async fn create(&self, admin: &DatabaseConnection, from: &str) -> Base {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("larder_test_{}_{}_{}", self.module, std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        run_alone(admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run_alone(admin, &format!("CREATE DATABASE {name} OWNER {} {from}", self.role("owner"))).await;
        self.close_to_others(admin, &name).await;
        Base { server: self.clone(), name }
    }

    async fn close_to_others(&self, admin: &DatabaseConnection, database: &str) {
        for statement in self.shipped(database, &AT_DATABASE).0 {
            run(admin, &statement).await;
        }
    }

    /// What the program's set-up gives the runtime role, before there is any table.
    async fn give_defaults(&self, database: &str) {
        let connection = connect(&self.admin_url(database)).await;
        for statement in self.shipped(database, &INSIDE).1 {
            run(&connection, &statement).await;
        }
        connection.close().await.expect("closed");
    }

    /// The statements of [`ROLES`] that begin with one of these, for the roles and a database of the tests: those that are run at
    /// the server, and those that are run inside of the database.
    fn shipped(&self, database: &str, begin: &[&str]) -> (Vec<String>, Vec<String>) {
        let statements = |text: &str| {
            let text = text.replace("\\gexec", ";");
            let code: Vec<_> = text.lines().filter(|line| !line.starts_with("--") && !line.starts_with('\\')).collect();
            let statements: Vec<_> = code.join("\n").split(';').map(|statement| statement.trim().to_owned()).collect();
            let chosen = statements.into_iter().filter(|statement| begin.iter().any(|begin| statement.starts_with(begin))).map(|statement| {
                let password = format!("'{PASSWORD}'");
                let statement = statement.replace(":'owner_password'", &password).replace(":'app_password'", &password);
                statement.replace(":\"module\"", database).replace(":\"owner\"", &self.role("owner")).replace(":\"app\"", &self.role("app"))
            });
            chosen.collect::<Vec<_>>()
        };
        let (at_server, inside) = ROLES.split_once("\\connect").expect("a part for the server and one for the database");
        (statements(at_server), statements(inside))
    }

    /// Makes this module's roles, also on the server of the other one.
    async fn make_roles(&self, admin: &DatabaseConnection) {
        for kind in ["owner", "app"] {
            let role = self.role(kind);
            let make = format!("DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF; END $$");
            run(admin, &make).await;
        }
        for statement in self.shipped("no_database", &["ALTER ROLE"]).0 {
            run(admin, &statement).await;
        }
    }

    /// The name of a migrated template, made where it is missing.
    async fn template(&self, admin: &DatabaseConnection) -> String {
        let name = format!("larder_template_{}_{:016x}", self.module, hash_of_makers(self.module).await);
        let mut lock = locked(admin).await;
        let found = sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Postgres, format!("SELECT 1 AS found FROM pg_database WHERE datname = '{name}'"));
        if admin.query_one_raw(found).await.expect("an answer").is_none() {
            self.make_template(admin, &name).await;
        }
        unlock(&mut lock).await;
        name
    }

    async fn make_template(&self, admin: &DatabaseConnection, name: &str) {
        self.make_roles(admin).await;
        // Under another name until it is whole.
        let draft = format!("{name}_draft");
        run_alone(admin, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
        run(admin, &format!("CREATE DATABASE {draft} OWNER {} TEMPLATE template0", self.role("owner"))).await;
        self.close_to_others(admin, &draft).await;
        self.give_defaults(&draft).await;
        let base = Base { server: self.clone(), name: draft.clone() };
        let name_of = |kind: &str| match (self.module, kind) {
            (Module::Auth, "url") => "AUTH_DATABASE_URL",
            (Module::Auth, _) => "LARDER_MIGRATION_URL_AUTH",
            (Module::Inventory, "url") => "INVENTORY_DATABASE_URL",
            (Module::Inventory, _) => "LARDER_MIGRATION_URL_INVENTORY",
        };
        let variables = [(name_of("url").to_owned(), base.app_url()), (name_of("migration").to_owned(), base.owner_url())];
        let settings = Settings::load_built_in(&variables.into()).unwrap_or_else(|refusal| panic!("{refusal}"));
        deploy::deploy(&settings, self.module, &mut |_| ()).await.unwrap_or_else(|failure| panic!("{failure}"));
        run_alone(admin, &format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    }
}

impl Base {
    /// As the role that the server runs as.
    pub fn app_url(&self) -> String {
        self.server.url(&self.server.role("app"), PASSWORD, &self.name)
    }

    /// As the role that migrates.
    pub fn owner_url(&self) -> String {
        self.server.url(&self.server.role("owner"), PASSWORD, &self.name)
    }

    pub fn admin_url(&self) -> String {
        self.server.admin_url(&self.name)
    }

    /// The server itself, as its administrator.
    pub fn server_url(&self) -> String {
        self.server.admin_url.clone()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// This database, asked for by the roles of another one's module, which are made on this server.
    pub async fn urls_as(&self, other: &Self) -> [String; 2] {
        let admin = self.server.admin().await;
        let mut lock = locked(&admin).await;
        other.server.make_roles(&admin).await;
        unlock(&mut lock).await;
        drop(lock);
        admin.close().await.expect("closed");
        ["app", "owner"].map(|kind| self.server.url(&other.server.role(kind), PASSWORD, &self.name))
    }

    /// Makes this database a copy of another one, of which no server runs.
    pub async fn become_copy_of(&self, other: &Self) {
        let admin = self.server.admin().await;
        run_alone(&admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        run_alone(&admin, &format!("CREATE DATABASE {} OWNER {} TEMPLATE {}", self.name, self.server.role("owner"), other.name)).await;
        self.server.close_to_others(&admin, &self.name).await;
        admin.close().await.expect("closed");
    }

    pub async fn remove(&self) {
        let admin = self.server.admin().await;
        run_alone(&admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
        admin.close().await.expect("closed");
    }
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The same for what takes a database that nobody is connected to. Those whom the server ends it waits five seconds for, and on a busy
/// machine they may take longer.
async fn run_alone(connection: &DatabaseConnection, sql: &str) {
    let give_up = Instant::now() + HANGS;
    while let Err(error) = connection.execute_unprepared(sql).await {
        let is_in_use = kernel::database::code(&error).as_deref() == Some("55006");
        assert!(is_in_use && Instant::now() < give_up, "{sql}: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

type Connection = sea_orm::sqlx::pool::PoolConnection<sea_orm::sqlx::Postgres>;

/// A connection that keeps other processes from making roles and templates.
async fn locked(admin: &DatabaseConnection) -> Connection {
    let mut lock = admin.get_postgres_connection_pool().acquire().await.expect("a connection");
    execute(&mut lock, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    lock
}

async fn unlock(lock: &mut Connection) {
    execute(lock, &format!("SELECT pg_advisory_unlock({LOCK})")).await;
}

async fn execute(connection: &mut Connection, sql: &str) {
    let sql = sea_orm::sqlx::AssertSqlSafe(sql.to_owned());
    sea_orm::sqlx::Executor::execute(&mut **connection, sql).await.expect("a statement");
}

/// Of all that a template is made by, as this binary has it: its sources may have changed since it was built.
async fn hash_of_makers(module: Module) -> u64 {
    let recording = Recording::of(module.schema(), DbBackend::Postgres).await.expect("recorded");
    // FNV-1a: the same in every process and every build.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |text: &str| text.bytes().for_each(|byte| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for migration in recording.migrations {
        take(&migration.name);
        take(&migration.checksum);
        take(&migration.sql());
    }
    // The rights are copied with the template.
    take(ROLES);
    hash
}
