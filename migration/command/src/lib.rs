//! The command line of a migration crate: which database it speaks to.
//!
//! `-u URL` first. Then the module's own URL, `LARDER_MIGRATION_URL_AUTH` (the role that may change the schema) or else
//! `AUTH_DATABASE_URL`; then `DATABASE_URL`, in which sea-orm-cli hands its own `-u` on. Where the last two name different
//! databases it cannot be known which is meant, and nothing is done.
//!
//! What changes the schema takes the lock of `larder db deploy` first, and leaves the same checksums. `down`, `fresh`, `refresh`
//! and `reset` drop tables; they are refused in production mode.

mod guard;

use std::process::ExitCode;

use clap::Parser;
use guard::{Command, Guarded};
use migration_history::Schema;
use sea_orm_cli::MigrateSubcommands;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

/// Whose database is migrated, and whose is not to be touched; in capitals, as in the variables' names.
#[derive(Clone, Copy, Debug)]
pub struct Modules {
    pub own: &'static str,
    pub other: &'static str,
}

/// Runs the command line of a migrator.
pub async fn run(schema: &'static Schema, modules: Modules) -> ExitCode {
    match guarded(schema, modules).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            complain(&refusal);
            ExitCode::FAILURE
        }
    }
}

async fn guarded(schema: &'static Schema, modules: Modules) -> Result<(), String> {
    // What the arguments say is known by the tool's own rules, not by ours.
    let asked = Arguments::parse();
    let target = Target::choose(&asked, modules, environment)?;
    let command = guard::command(asked.command.as_ref());
    if command == Command::NeedsNoDatabase {
        sea_orm_migration::cli::run_cli(Guarded(schema)).await;
        return Ok(());
    }
    if command == Command::Destroys && guard::is_production(environment)? {
        return Err("In production mode nothing is done that drops tables.".into());
    }
    if target.url.is_empty() {
        let own = modules.own;
        return Err(format!("No database: give -u URL, or LARDER_MIGRATION_URL_{own}, {own}_DATABASE_URL or DATABASE_URL."));
    }
    let failed = |error: DbErr| error.to_string();
    let connection = target.connect().await.map_err(failed)?;
    guard::refuse_others(&connection, schema).await?;
    let locks = command != Command::Looks && target.is_postgres();
    let lock = if locks { Some(guard::lock(&target.connect().await.map_err(failed)?).await?) } else { None };
    let outcome = sea_orm_migration::cli::run_migrate(Guarded(schema), &connection, asked.command, asked.verbose).await;
    if let Some(lock) = lock {
        lock.release().await.map_err(failed)?;
    }
    outcome.map_err(|error| error.to_string())
}

/// The arguments of sea-orm-migration's command line. Its own type keeps them to itself.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Show debug messages
    #[arg(short = 'v', long, global = true)]
    verbose: bool,
    /// Database schema (Postgres)
    #[arg(short = 's', long, global = true)]
    database_schema: Option<String>,
    /// Database URL
    #[arg(short = 'u', long, global = true)]
    database_url: Option<String>,
    #[command(subcommand)]
    command: Option<MigrateSubcommands>,
}

#[expect(clippy::disallowed_methods, reason = "this program is no part of the server and has no settings but these")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::print_stderr, reason = "a command line tells what it refuses on stderr")]
fn complain(refusal: &str) {
    eprintln!("{refusal}");
}

/// Which database is migrated, and the schema in it that unqualified names mean.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    url: String,
    schema: Option<String>,
}

impl Target {
    fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres:") || self.url.starts_with("postgresql:")
    }

    async fn connect(&self) -> Result<DatabaseConnection, DbErr> {
        let mut options = ConnectOptions::new(self.url.clone());
        if let Some(schema) = &self.schema {
            options.set_schema_search_path(schema.clone());
        }
        #[expect(clippy::disallowed_methods, reason = "this program is no part of the server and opens the connections that it needs")]
        Database::connect(options).await
    }

    fn choose(asked: &Arguments, modules: Modules, environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let url_of = |module: &str| environment(&format!("LARDER_MIGRATION_URL_{module}")).or_else(|| environment(&format!("{module}_DATABASE_URL")));
        let url = match (asked.database_url.clone(), url_of(modules.own), environment("DATABASE_URL")) {
            (Some(url), _, _) | (None, Some(url), None) | (None, None, Some(url)) => url,
            // The same database, perhaps as another role: sea-orm-cli's `-u` is the more deliberate of the two.
            (None, Some(own), Some(general)) if place(&own) == place(&general) => general,
            (None, Some(_), Some(_)) => {
                let own = modules.own;
                return Err(format!(
                    "DATABASE_URL (what sea-orm-cli's -u sets) and {own}_DATABASE_URL name different databases. Unset the one that you do not mean."
                ));
            }
            // Commands that need no database (help, generate) are still to run.
            (None, None, None) => String::new(),
        };
        let others = [format!("LARDER_MIGRATION_URL_{}", modules.other), format!("{}_DATABASE_URL", modules.other)];
        let taken = others.into_iter().find(|name| !url.is_empty() && environment(name).is_some_and(|other| place(&other) == place(&url)));
        if let Some(name) = taken {
            return Err(format!("This is the database of {name}: each of the two modules has its own."));
        }
        let (url, schema) = without_schema(&url);
        Ok(Self { url, schema: asked.database_schema.clone().or_else(|| environment("DATABASE_SCHEMA")).or(schema) })
    }
}

/// Host, port, database and schema of a URL, without who connects and how.
fn place(url: &str) -> (String, Option<String>) {
    let (url, schema) = without_schema(url);
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let rest = rest.split('?').next().unwrap_or(rest);
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    (place.to_owned(), schema.filter(|schema| schema != "public"))
}

/// Takes `schema=…` out of a URL's query: other tools write the search path there, and libpq refuses the parameter.
fn without_schema(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (schema, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(|parameter| parameter.starts_with("schema="));
    let schema = schema.first().and_then(|parameter| parameter.strip_prefix("schema=")).filter(|schema| !schema.is_empty());
    let url = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
    (url, schema.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTH: Modules = Modules { own: "AUTH", other: "INVENTORY" };

    fn choose(arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
        let asked = Arguments::try_parse_from(arguments).expect("right arguments");
        let target = Target::choose(&asked, AUTH, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        target.map(|target| target.url)
    }

    #[test]
    fn the_schema_parameter_becomes_the_search_path() {
        let cases = [
            ("postgres://h/auth?schema=public", "postgres://h/auth", Some("public")),
            ("postgres://h/auth?sslmode=require&schema=kitchen&connect_timeout=3", "postgres://h/auth?sslmode=require&connect_timeout=3", Some("kitchen")),
            ("postgres://h/auth?schema=", "postgres://h/auth", None),
            ("sqlite://data/auth.db?mode=rwc", "sqlite://data/auth.db?mode=rwc", None),
        ];
        for (url, stripped, schema) in cases {
            assert_eq!(without_schema(url), (stripped.to_owned(), schema.map(str::to_owned)));
        }
    }

    #[test]
    fn an_option_goes_before_the_owners_url_and_that_before_the_applications() {
        let variables = [("LARDER_MIGRATION_URL_AUTH", "postgres://owner@h/a"), ("AUTH_DATABASE_URL", "postgres://app@h/a")];
        for given in [["--database-url=postgres://h/c", "up"].as_slice(), &["-upostgres://h/c", "up"], &["-u=postgres://h/c"], &["up", "-vu", "postgres://h/c"]]
        {
            assert_eq!(choose(&[&["x"], given].concat(), &variables).as_deref(), Ok("postgres://h/c"), "{given:?}");
        }
        assert_eq!(choose(&["x", "up"], &variables).as_deref(), Ok("postgres://owner@h/a"));
        assert_eq!(choose(&["x", "up"], &variables[1..]).as_deref(), Ok("postgres://app@h/a"));
        assert_eq!(choose(&["x", "up"], &[("DATABASE_URL", "postgres://h/b")]).as_deref(), Ok("postgres://h/b"));
    }

    #[test]
    fn what_sea_orm_cli_was_told_counts_for_the_same_database_and_is_refused_for_another() {
        let own = ("AUTH_DATABASE_URL", "postgres://app:secret@h:5434/auth?schema=public");
        assert_eq!(choose(&["x", "up"], &[own, ("DATABASE_URL", "postgresql://owner@h:5434/auth")]).as_deref(), Ok("postgresql://owner@h:5434/auth"));
        assert!(choose(&["x", "up"], &[own, ("DATABASE_URL", "postgres://owner@h:5434/shop")]).is_err());
    }

    #[test]
    fn the_other_modules_database_is_refused_whoever_connects() {
        let variables = [("DATABASE_URL", "postgres://owner@h/i"), ("INVENTORY_DATABASE_URL", "postgres://app@h/i")];
        assert!(choose(&["x", "up"], &variables).is_err());
    }
}
