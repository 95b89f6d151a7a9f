//! The tables of the runbook whose rows are messages: each row is made to happen, and must be said.

use std::net::TcpListener;

use super::says;
use super::scenario::Scenario;
use super::situations::{LAST, LATER, applied, not_applied};
use crate::db::execute;
use crate::support::{Engine, SECRET_KEY, connect};

/// How what a row tells comes about.
struct Situation {
    /// What of the row it is known by.
    part: &'static str,
    variables: Vec<(&'static str, String)>,
    /// What is done to the inventory database, and undone.
    before: Vec<String>,
    after: Vec<String>,
}

fn when(part: &'static str) -> Situation {
    Situation { part, variables: Vec::new(), before: Vec::new(), after: Vec::new() }
}

impl Situation {
    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// With another database for a module. An empty variable is not given.
    fn at(self, module: &str, url: &str) -> Self {
        match module {
            "auth" => self.set("AUTH_DATABASE_URL", url).set("LARDER_MIGRATION_URL_AUTH", ""),
            _ => self.set("INVENTORY_DATABASE_URL", url).set("LARDER_MIGRATION_URL_INVENTORY", ""),
        }
    }

    fn sql(mut self, before: &[&str], after: &[&str]) -> Self {
        let owned = |statements: &[&str]| statements.iter().map(|statement| (*statement).to_owned()).collect();
        (self.before, self.after) = (owned(before), owned(after));
        self
    }

    /// The migration of another program, and no marker of ours.
    fn foreign(self) -> Self {
        self.sql(
            &["DELETE FROM larder_module", "UPDATE seaql_migrations SET version = 'x' || version"],
            &["UPDATE seaql_migrations SET version = substr(version, 2)", "INSERT INTO larder_module (name) VALUES ('inventory')"],
        )
    }
}

impl Scenario {
    /// The server's URL of a module's database.
    fn servers_url(&self, module: &str) -> String {
        let name = if module == "auth" { "AUTH_DATABASE_URL" } else { "INVENTORY_DATABASE_URL" };
        self.variables().get(name).cloned().unwrap_or_else(|| format!("sqlite://data/{module}.db"))
    }

    /// What the program says in a situation, with its exit code.
    async fn said_in(&mut self, situation: &Situation, arguments: &[&str]) -> (i32, String) {
        for statement in &situation.before {
            self.sql(statement).await;
        }
        if situation.part == "is being migrated by" {
            self.hold_the_lock().await;
        }
        let answer = self.larder(arguments, &situation.variables);
        self.let_go().await;
        for statement in &situation.after {
            self.sql(statement).await;
        }
        answer
    }

    /// Section 6.
    pub async fn refused_starts(&mut self, rows: &[Vec<String>]) {
        let (auth, inventory) = (self.servers_url("auth"), self.servers_url("inventory"));
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let (with_last, without_last, later, not_later) = (applied(LAST), not_applied(LAST), applied(LATER), not_applied(LATER));
        let production = |part| when(part).set("LARDER_MODE", "production");
        let impatient = when("is being migrated by").set("LARDER_DATABASE_MIGRATE_ON_START", "true").set("LARDER_DATABASE_SQLITE_BUSY_TIMEOUT_MS", "300");
        let situations = [
            when("names no setting").set("LARDER_SERVER_PROT", "1"),
            when("is expected").set("LARDER_SERVER_PORT", "eighty"),
            production("production mode needs it"),
            production("in memory").set("USE_IN_MEMORY_REPOSITORIES", "true").set("LARDER_SECRET_KEY", SECRET_KEY),
            when("the same database").at("auth", &inventory).at("inventory", &inventory),
            when("of the same name").set("LARDER_MIGRATION_URL_INVENTORY", "postgres://somebody@db/elsewhere"),
            when("has pending migrations").sql(&[&without_last], &[&with_last]),
            when("is the database of").at("auth", &inventory).at("inventory", &auth),
            when("not a database of Larder").foreign(),
            when("is newer than").sql(&[&later], &[&not_later]),
            when("no history of migrations").sql(&["ALTER TABLE seaql_migrations RENAME TO aside"], &["ALTER TABLE aside RENAME TO seaql_migrations"]),
            impatient.set("LARDER_DATABASE_DEPLOY_LOCK_TIMEOUT_SECONDS", "1").sql(&[&without_last], &[&with_last]),
            when("cannot be opened").at("inventory", "sqlite:///proc/x.db"),
            when("cannot be made").at("inventory", "sqlite:///proc/x/y.db"),
            when("is not the one").set("LARDER_SECRET_KEY", "another-key-of-more-than-32-bytes-0123"),
            when("is missing").set("LARDER_DATA_DIR", "elsewhere").set("AUTH_DATABASE_URL", &auth),
            when("cannot listen").set("LARDER_SERVER_PORT", &port),
        ];
        assert_eq!(rows.len(), situations.len(), "each row has its situation");
        for (row, situation) in rows.iter().zip(situations) {
            assert!(row[0].contains(situation.part), "{} in {row:?}", situation.part);
            // Embedded databases are migrated at the start.
            let check = situation.part == "has pending migrations";
            let (code, said) = self.said_in(&situation, if check { &["serve", "--migrate", "check"] } else { &["serve"] }).await;
            assert!(code == 1 && says(&said, &row[0]), "{code} is to be 1, and to say {}:\n{said}", row[0]);
        }
        self.done(&["db", "status"]);
    }

    /// Section 11, "A wrong URL".
    pub async fn wrong_urls(&mut self, rows: &[Vec<String>]) {
        let (auth, url) = (self.servers_url("auth"), self.servers_url("inventory"));
        let place = url.rsplit_once('@').map_or("", |(_, place)| place);
        let on_postgres = self.engine == Engine::Postgres;
        let empty = if on_postgres { format!("{url}_of_nobody") } else { "sqlite://nowhere/inventory.db".into() };
        let no_server = when("Is the server running").at("inventory", "postgres://inventory_app:x@127.0.0.1:1/inventory");
        let situations = [
            when("is the database of").at("auth", &url).at("inventory", &auth),
            when("not a database of Larder").foreign(),
            when("10 pending").at("inventory", &empty),
            no_server.set("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS", "500"),
            when("Create it").at("inventory", &format!("{url}_x")),
            when("Correct user and password").at("inventory", &format!("postgres://inventory_app:wrong@{place}")),
            // The text gives these rights back.
            when("permission denied").at("inventory", &url).sql(&["REVOKE ALL ON seaql_migrations, _larder_migrations, larder_module FROM inventory_app"], &[]),
            when("of the same name").set("LARDER_MIGRATION_URL_INVENTORY", "postgres://somebody@db/elsewhere"),
        ];
        if on_postgres {
            let superuser = connect(&self.superuser("inventory")).await;
            execute(&superuser, "CREATE DATABASE inventory_of_nobody").await;
        }
        assert_eq!(rows.len(), situations.len(), "each row has its situation");
        for (row, situation) in rows.iter().zip(situations) {
            assert!(row[0].contains(situation.part), "{} in {row:?}", situation.part);
            if !on_postgres && ["Create it", "Correct user and password", "permission denied"].contains(&situation.part) {
                continue;
            }
            let (code, said) = self.said_in(&situation, &["db", "status"]).await;
            // Only what stands in code is said.
            let message = row[0].split('`').skip(1).step_by(2).collect::<Vec<_>>().join("\n");
            assert!(code.to_string() == row[1] && says(&said, &message), "{code} is to be {}, and to say {message}:\n{said}", row[1]);
        }
        assert!(!self.path("nowhere").exists(), "looking makes nothing");
    }
}
