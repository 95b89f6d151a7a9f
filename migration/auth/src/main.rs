//! The command line of this crate: `cargo run -p auth-migration -- status`, and what sea-orm-cli calls for
//! `sea-orm-cli migrate … -d migration/auth`.
//!
//! The database is `-u URL`, else `AUTH_DATABASE_URL`, else `DATABASE_URL` (sea-orm-cli hands its own `-u` on in that).

use std::process::ExitCode;

use sea_orm_migration::sea_orm::{ConnectOptions, Database};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let target = Target::choose(&arguments, environment);
    let target = match target {
        Ok(target) => target,
        Err(refusal) => {
            complain(&refusal);
            return ExitCode::FAILURE;
        }
    };
    let connect = async || {
        let mut options = ConnectOptions::new(target.url.clone());
        if let Some(schema) = &target.schema {
            options.set_schema_search_path(schema.clone());
        }
        #[expect(clippy::disallowed_methods, reason = "this program is no part of the server and opens the one connection that it needs")]
        Database::connect(options).await
    };
    sea_orm_migration::cli::run_cli_with_custom_connection(auth_migration::Migrator, connect).await;
    ExitCode::SUCCESS
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
    fn choose(arguments: &[String], environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let given = option(arguments, "-u", "--database-url").or_else(|| environment("AUTH_DATABASE_URL")).or_else(|| environment("DATABASE_URL"));
        // Commands that need no database (help, generate) are still to run.
        let url = given.unwrap_or_default();
        if !url.is_empty() && environment("INVENTORY_DATABASE_URL").as_ref() == Some(&url) {
            return Err("This URL is also INVENTORY_DATABASE_URL: the two modules have a database each. Set AUTH_DATABASE_URL to auth's own.".to_owned());
        }
        let (url, schema) = without_schema(&url);
        Ok(Self { url, schema: option(arguments, "-s", "--database-schema").or(schema) })
    }
}

/// The value of an option, as `-u URL`, `--database-url URL` or `--database-url=URL`.
fn option(arguments: &[String], short: &str, long: &str) -> Option<String> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == short || argument == long {
            return arguments.next().cloned();
        }
        if let Some(value) = argument.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
    }
    None
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

    fn choose(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Target, String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Target::choose(&arguments, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
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
    fn an_option_goes_before_the_modules_variable_and_that_before_the_general_one() {
        let variables = [("AUTH_DATABASE_URL", "postgres://h/a"), ("DATABASE_URL", "postgres://h/b")];
        assert_eq!(choose(&["x", "--database-url=postgres://h/c", "up"], &variables).expect("a target").url, "postgres://h/c");
        assert_eq!(choose(&["x", "up"], &variables).expect("a target").url, "postgres://h/a");
        assert_eq!(choose(&["x", "up"], &variables[1..]).expect("a target").url, "postgres://h/b");
    }

    #[test]
    fn the_other_modules_database_is_refused() {
        let variables = [("DATABASE_URL", "postgres://h/i"), ("INVENTORY_DATABASE_URL", "postgres://h/i")];
        assert!(choose(&["x", "up"], &variables).is_err());
    }
}
