//! Which database a URL means.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use sea_orm::DbBackend;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::secret::Secret;

/// A database, resolved far enough to tell whether two URLs mean the same one.
#[derive(Clone, Debug)]
pub enum Target {
    /// SQLite in memory, one for each module.
    Memory,
    /// A file of SQLite, made where it is missing.
    Sqlite(PathBuf),
    Postgres(Postgres),
}

/// A database (and a schema in it) of a Postgres server.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// As sea-orm takes it: `postgres://`, without `schema`.
    pub url: Secret,
    /// What `?schema=` asked for: becomes the search path.
    pub schema: Option<String>,
    pub user: String,
    host: String,
    port: u16,
    database: String,
}

/// What a Postgres URL may say beside the place.
const PARAMETERS: [&str; 13] = [
    "schema",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

impl Target {
    /// Reads a URL as people have it from elsewhere. The error says what is expected and repeats nothing of the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, _) = url.split_once(':').unwrap_or(("", ""));
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => Postgres::parse(url).map(Self::Postgres),
            "sqlite" => sqlite(url),
            _ => Err("a URL that begins with postgres://, postgresql:// or sqlite:// is expected".into()),
        }
    }

    /// Whether both mean the same place. Two databases in memory never do.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(one), Self::Sqlite(other)) => canonical(one) == canonical(other),
            (Self::Postgres(one), Self::Postgres(other)) => one.place() == other.place(),
            _ => false,
        }
    }

    /// Whether both may mean the same Postgres database: its name and schema agree. Host and port need not, where one of the
    /// two leads through a pooler.
    pub fn may_be_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Postgres(one), Self::Postgres(other)) => one.name() == other.name(),
            _ => false,
        }
    }

    pub fn backend(&self) -> DbBackend {
        if self.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Without the password, for logs and messages.
impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => out.write_str("sqlite::memory:"),
            Self::Sqlite(path) => write!(out, "sqlite://{}", path.display()),
            Self::Postgres(at) => {
                write!(out, "postgres://{}@{}:{}/{}", at.user, at.host, at.port, at.database)?;
                at.schema.as_ref().map_or(Ok(()), |schema| write!(out, "?schema={schema}"))
            }
        }
    }
}

impl Postgres {
    fn parse(url: &str) -> Result<Self, String> {
        let expected = || "a URL such as postgres://user:password@host:5432/name is expected".to_owned();
        let (_, rest) = url.split_once("://").ok_or_else(expected)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        if query.split('&').any(|pair| pair.contains('?')) || place.split_once('/').is_some_and(|(_, database)| database.contains('@')) {
            return Err("a URL is expected in which `/`, `?`, `#` and `@` of a password are written as %2F, %3F, %23 and %40".into());
        }
        // What other tools have there is nothing to this driver, which would log it, with its value.
        let known = |pair: &&str| PARAMETERS.contains(&pair.split('=').next().unwrap_or_default());
        let (schema, kept): (Vec<_>, Vec<_>) = query.split('&').filter(known).partition(|pair| pair.starts_with("schema="));
        let schema = schema.last().map(|pair| pair.trim_start_matches("schema=").to_owned()).filter(|schema| !schema.is_empty());
        let plain = |name: &String| name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if schema.as_ref().is_some_and(|name| !plain(name)) {
            return Err("the schema must be one name of letters, digits, `_` and `-`".into());
        }
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        let url = format!("postgres://{place}{query}");
        let options = PgConnectOptions::from_str(&url).map_err(|_| expected())?;
        let host = options.get_socket().map_or_else(|| options.get_host().to_ascii_lowercase(), |socket| socket.display().to_string());
        let user = options.get_username().to_owned();
        let database = options.get_database().unwrap_or(&user).to_owned();
        Ok(Self { url: Secret::new(url), schema, user, host, port: options.get_port(), database })
    }

    fn name(&self) -> (&str, &str) {
        (&self.database, self.schema.as_deref().unwrap_or("public"))
    }

    fn place(&self) -> (&str, u16, &str, &str) {
        let host = match self.host.as_str() {
            "localhost" | "::1" | "[::1]" => "127.0.0.1",
            host => host,
        };
        let (database, schema) = self.name();
        (host, self.port, database, schema)
    }
}

fn sqlite(url: &str) -> Result<Target, String> {
    let expected = || "a URL such as sqlite://path/to/file.db is expected".to_owned();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err("a database in memory is asked for by USE_IN_MEMORY_REPOSITORIES=true, for both modules at once".into());
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| expected())?;
    let path = options.get_filename();
    if path.as_os_str().is_empty() {
        return Err(expected());
    }
    Ok(Target::Sqlite(path.to_owned()))
}

/// The real place of a file that may not be there yet, and neither its folder.
fn canonical(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.components().fold(PathBuf::new(), |mut place, part| {
        match part {
            Component::ParentDir => {
                place.pop();
            }
            Component::CurDir => {}
            part => place.push(part),
        }
        // Each step follows links, as opening the file will.
        place.canonicalize().unwrap_or(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).expect("a right URL")
    }

    #[test]
    fn the_schema_becomes_the_search_path_and_leaves_the_url() {
        let Target::Postgres(at) = target("postgresql://ann:pw@db:5433/stock?schema=larder&sslmode=disable") else { panic!("Postgres") };
        assert_eq!((at.url.reveal(), at.schema.as_deref()), ("postgres://ann:pw@db:5433/stock?sslmode=disable", Some("larder")));
    }

    #[test]
    fn what_the_driver_does_not_know_leaves_the_url_unseen() {
        let Target::Postgres(at) = target("postgres://ann@db/stock?connection_limit=5&sslpassword=hunter2&sslmode=disable&pgbouncer=true") else {
            panic!("Postgres")
        };
        assert_eq!(at.url.reveal(), "postgres://ann@db/stock?sslmode=disable");
    }

    #[test]
    fn one_place_has_many_names() {
        for (one, other, same) in [
            ("postgres://a:1@localhost/x", "postgresql://b:2@127.0.0.1:5432/x?schema=public", true),
            ("postgres://a:1@h/x?schema=one", "postgres://a:1@h/x?schema=two", false),
            ("postgres://a:1@h/x", "postgres://a:1@h/y", false),
            ("postgres://a:1@h:5434/x", "postgres://a:1@h:5435/x", false),
            ("sqlite://data/a.db", "sqlite://data/../data/a.db?mode=rwc", true),
            ("sqlite://./a.db", "sqlite:a.db", true),
            ("sqlite://a.db", "sqlite://b.db", false),
        ] {
            assert_eq!(target(one).is_same(&target(other)), same, "{one} and {other}");
        }
    }

    #[test]
    fn nothing_shown_holds_the_password() {
        let target = target("postgres://ann:hunter2@db/stock?schema=s");
        assert_eq!(target.to_string(), "postgres://ann@db:5432/stock?schema=s");
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_url_is_told_what_is_expected_and_not_repeated() {
        for url in [
            "postgres://u:1234/hunter2@h/x",
            "postgres://u:hunt?er2@h/x?sslmode=disable",
            "mysql://root:hunter2@h/x",
            "hunter2",
            "sqlite://",
            "sqlite::memory:",
            "postgres://a:hunter2@h:port/x",
            "postgres://a:hunter2@h/x?schema=a,b",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(!error.contains("hunter2") && !error.is_empty(), "{error}");
        }
    }
}
