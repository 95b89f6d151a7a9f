//! The settings: what is compiled in, then a file, then the environment. This is the one place that reads the environment.
//!
//! A key that nobody knows, or a value that is not what is expected, stops the start with one message that names the key,
//! where it came from, and what is expected. Every value keeps its origin for that.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use ipnet::IpNet;
use serde::Deserialize;

use crate::mail;
use crate::secret::Secret;
use crate::target::Target;

/// Every key with its default.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Where the name of the settings file may stand.
const FILE_VARIABLE: &str = "LARDER_CONFIG";
/// The file that is read where none is named.
const FILE_IN_WORKING_DIRECTORY: &str = "larder.toml";
/// Variables that do not follow the rule, because people have them by these names from elsewhere.
const NAMED: [(&str, &str); 3] =
    [("database.auth_url", "AUTH_DATABASE_URL"), ("database.inventory_url", "INVENTORY_DATABASE_URL"), ("database.in_memory", "USE_IN_MEMORY_REPOSITORIES")];
/// Variables of the tests and of the development scripts, which are not settings.
const NOT_OURS: &str = "LARDER_TEST_";
/// Keys whose values no message repeats.
const SECRET: [&str; 9] = [
    "secret_key",
    "secret_key_previous",
    "setup_token",
    "shadow_url",
    "database.auth_url",
    "database.inventory_url",
    "migration_url.auth",
    "migration_url.inventory",
    "mail.password",
];

/// The environment's variables, as far as they may be ours.
pub type Variables = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub struct Settings {
    pub mode: Mode,
    pub data_dir: PathBuf,
    pub secret_key: Secret,
    /// The one before it: what it has made is still taken.
    pub secret_key_previous: Secret,
    pub setup_token: Secret,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A Postgres server on which the schema tools make throw-away databases.
    pub shadow_url: Secret,
    pub server: Server,
    pub database: Database,
    pub log: Log,
    pub auth: auth::Config,
    pub inventory: inventory::Config,
    pub mail: mail::Config,
    /// The file that some of it came from.
    pub file: Option<File>,
    /// Whether database URLs were given and are not used, because the databases are in memory.
    pub urls_are_ignored: bool,
}

/// A settings file, and the keys in it whose values are nobody else's business.
#[derive(Clone, Debug)]
pub struct File {
    pub path: PathBuf,
    pub secrets: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Development,
    Production,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub workers: usize,
    pub max_connections: usize,
    pub body_limit_bytes: usize,
    pub header_limit_bytes: usize,
    pub request_timeout_seconds: u64,
    pub header_timeout_seconds: u64,
    pub keep_alive_seconds: u64,
    pub ready_timeout_ms: u64,
    pub shutdown_seconds: u64,
    /// Of which other origins pages may read answers.
    pub cors_origins: Vec<String>,
}

/// The databases, with what was given for each resolved.
#[derive(Clone, Debug)]
pub struct Database {
    pub auth: Place,
    pub inventory: Place,
    pub limits: Limits,
}

/// Where one module's data is.
#[derive(Clone, Debug)]
pub struct Place {
    pub target: Target,
    /// The same database as the role that migrates, where that is another one.
    pub migration: Option<Target>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub migrate_on_start: bool,
    pub pool_connections: u32,
    pub reader_connections: u32,
    pub acquire_timeout_ms: u64,
    pub ping_after_idle_seconds: u64,
    pub statement_timeout_ms: u64,
    pub lock_timeout_ms: u64,
    pub idle_in_transaction_timeout_ms: u64,
    pub deploy_lock_timeout_seconds: u64,
    pub sqlite_synchronous: Synchronous,
    pub sqlite_busy_timeout_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Synchronous {
    Full,
    Normal,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Plain,
    Json,
}

/// The settings as they are written: with every key of `config/default.toml`, and not one more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mode: Mode,
    data_dir: PathBuf,
    secret_key: Secret,
    secret_key_previous: Secret,
    setup_token: Secret,
    trusted_proxies: Vec<String>,
    shadow_url: Secret,
    server: Server,
    database: WrittenDatabase,
    migration_url: WrittenMigrationUrl,
    log: Log,
    auth: auth::Config,
    inventory: inventory::Config,
    mail: mail::Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDatabase {
    auth_url: Secret,
    inventory_url: Secret,
    in_memory: bool,
    migrate_on_start: bool,
    pool_connections: u32,
    reader_connections: u32,
    acquire_timeout_ms: u64,
    ping_after_idle_seconds: u64,
    statement_timeout_ms: u64,
    lock_timeout_ms: u64,
    idle_in_transaction_timeout_ms: u64,
    deploy_lock_timeout_seconds: u64,
    sqlite_synchronous: Synchronous,
    sqlite_busy_timeout_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMigrationUrl {
    auth: Secret,
    inventory: Secret,
}

/// Why the settings cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    fn at(key: &str, origin: &str, problem: impl fmt::Display) -> Self {
        Self(format!("the setting `{key}`, from {origin}: {problem}"))
    }
}

/// The variables of this process. Values that are not text are kept out, unless they are ours: then they stop the start.
pub fn environment() -> Result<Variables, Refusal> {
    let ours = |name: &str| name.starts_with("LARDER_") || NAMED.iter().any(|(_, variable)| *variable == name);
    let mut variables = Variables::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.into_string().ok().filter(|name| ours(name)) else { continue };
        let value = value.into_string().map_err(|_| Refusal(format!("the environment variable {name} is not UTF-8 text")))?;
        variables.insert(name, value);
    }
    Ok(variables)
}

impl Settings {
    /// Reads the settings: `file` is what the command line named.
    pub fn load(file: Option<&Path>, variables: &Variables) -> Result<Self, Refusal> {
        let Some(path) = settings_file(file, variables) else { return Self::assemble(None, variables) };
        let text = std::fs::read_to_string(&path).map_err(|error| Refusal(format!("the settings file {} cannot be read: {error}", path.display())))?;
        let layer = Layer::new(&format!("the file {}", path.display()), &text)?;
        let file = Some(File { path, secrets: layer.secrets() });
        Ok(Self { file, ..Self::assemble(Some(&layer), variables)? })
    }

    /// What is compiled in and the variables given; no file, also not the one in the working directory.
    pub fn load_built_in(variables: &Variables) -> Result<Self, Refusal> {
        Self::assemble(None, variables)
    }

    /// What `larder demo` starts from: both databases in memory, on a free port.
    pub fn in_memory() -> Result<Self, Refusal> {
        let variables = [("USE_IN_MEMORY_REPOSITORIES", "true"), ("LARDER_SERVER_PORT", "0")];
        Self::assemble(None, &variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    fn assemble(file: Option<&Layer>, variables: &Variables) -> Result<Self, Refusal> {
        let defaults = Layer::new("config/default.toml", DEFAULTS)?;
        let known = defaults.leaves();
        let mut layers = Figment::from(&defaults);
        if let Some(file) = file {
            file.refuse_unknown(&known)?;
            layers = layers.merge(file);
        }
        for layer in variable_layers(&known, variables)? {
            layers = layers.merge(&layer);
        }
        let written: Written = layers.extract().map_err(|error| explained(&error, &layers))?;
        Checks { layers: &layers, known: &known }.settings(written)
    }
}

fn settings_file(named: Option<&Path>, variables: &Variables) -> Option<PathBuf> {
    let variable = variables.get(FILE_VARIABLE).filter(|path| !path.is_empty());
    let here = || Some(PathBuf::from(FILE_IN_WORKING_DIRECTORY)).filter(|path| path.exists());
    named.map(Path::to_owned).or_else(|| variable.map(PathBuf::from)).or_else(here)
}

/// The keys of one source, with its name.
struct Layer {
    origin: String,
    keys: Dict,
}

impl Layer {
    fn new(origin: &str, toml: &str) -> Result<Self, Refusal> {
        // The parser's own message shows the line, which may hold a secret: its number is enough.
        let table: toml::Table = toml::from_str(toml).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| toml.get(..span.start).unwrap_or("").matches('\n').count() + 1);
            Refusal(format!("{origin}, line {line}, is not TOML: {}", error.message()))
        })?;
        let keys = Value::serialize(&table).ok().and_then(Value::into_dict).unwrap_or_default();
        Ok(Self { origin: origin.to_owned(), keys })
    }

    /// Every key that holds a value, by its dotted path.
    fn leaves(&self) -> BTreeMap<String, Value> {
        let mut leaves = BTreeMap::new();
        collect_leaves("", &self.keys, &mut leaves);
        leaves
    }

    /// The keys that hold a secret; of URLs those with a password.
    fn secrets(&self) -> Vec<String> {
        let is_secret = |(key, value): &(String, Value)| {
            let text = value.as_str().unwrap_or("");
            SECRET.contains(&key.as_str()) && !text.is_empty() && text.split_once("://").is_none_or(|(_, rest)| has_password(rest))
        };
        self.leaves().into_iter().filter(is_secret).map(|(key, _)| key).collect()
    }

    fn refuse_unknown(&self, known: &BTreeMap<String, Value>) -> Result<(), Refusal> {
        let is_section = |key: &str| known.keys().any(|path| path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')));
        for (key, value) in self.leaves() {
            let is_empty_section = is_section(&key) && value.as_dict().is_some();
            if !known.contains_key(&key) && !is_empty_section {
                return Err(Refusal::at(&key, &self.origin, format!("there is no setting of this name; {}", neighbours(&key, known))));
            }
        }
        Ok(())
    }
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.keys.clone()))
    }
}

/// Whether a URL, without its scheme, tells a password.
fn has_password(rest: &str) -> bool {
    rest.contains("password=") || rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn collect_leaves(prefix: &str, keys: &Dict, leaves: &mut BTreeMap<String, Value>) {
    for (name, value) in keys {
        let path = format!("{prefix}{name}");
        match value.as_dict() {
            Some(inner) if !inner.is_empty() => collect_leaves(&format!("{path}."), inner, leaves),
            _ => {
                leaves.insert(path, value.clone());
            }
        }
    }
}

/// The known keys of the same section, for the message about an unknown one.
fn neighbours(key: &str, known: &BTreeMap<String, Value>) -> String {
    let section = |key: &str| key.rsplit_once('.').map_or(String::new(), |(section, _)| section.to_owned());
    let beside: Vec<_> = known.keys().map(String::as_str).filter(|other| section(other) == section(key)).collect();
    let shown = if beside.is_empty() { known.keys().map(String::as_str).filter(|key| !key.contains('.')).collect() } else { beside };
    format!("known here are {}", shown.join(", "))
}

/// The variable that sets a key.
fn variable_of(key: &str) -> String {
    let named = NAMED.iter().find(|(path, _)| *path == key).map(|(_, variable)| (*variable).to_owned());
    named.unwrap_or_else(|| format!("LARDER_{}", key.replace('.', "_").to_ascii_uppercase()))
}

/// One layer per variable, so that each value keeps the variable that it came from.
fn variable_layers(known: &BTreeMap<String, Value>, variables: &Variables) -> Result<Vec<Layer>, Refusal> {
    let keys: BTreeMap<String, &String> = known.keys().map(|key| (variable_of(key), key)).collect();
    let mut layers = Vec::new();
    for (name, text) in variables {
        let Some(key) = keys.get(name) else {
            if name.starts_with("LARDER_") && name != FILE_VARIABLE && !name.starts_with(NOT_OURS) {
                let section = name.trim_start_matches("LARDER_").split('_').next().unwrap_or("");
                let alike: Vec<_> = keys.keys().filter(|known| known.trim_start_matches("LARDER_").starts_with(section)).cloned().collect();
                let alike = if alike.is_empty() { "config/default.toml lists all keys".to_owned() } else { format!("alike are {}", alike.join(", ")) };
                return Err(Refusal(format!("the environment variable {name} names no setting; {alike}")));
            }
            continue;
        };
        // Compose files and shells hand on variables that are empty because nobody set them.
        if text.is_empty() {
            continue;
        }
        let origin = format!("the environment variable {name}");
        let default = known.get(*key).cloned().unwrap_or_else(|| Value::from(""));
        let value = typed(text, &default).map_err(|expected| Refusal::at(key, &origin, format!("found `{text}`, {expected} is expected")))?;
        let keys = key.rsplit('.').fold(value, |inner, part| Value::from(Dict::from([(part.to_owned(), inner)]))).into_dict().unwrap_or_default();
        layers.push(Layer { origin, keys });
    }
    Ok(layers)
}

/// The text of a variable as the type that the default has.
fn typed(text: &str, default: &Value) -> Result<Value, &'static str> {
    match default {
        Value::Num(_, number) if number.to_f64().is_some() && number.to_i128().is_none() => text.parse::<f64>().map(Value::from).map_err(|_| "a number"),
        Value::Num(..) => text.parse::<i64>().map(Value::from).map_err(|_| "a whole number"),
        Value::Bool(..) => match text {
            "true" | "1" => Ok(Value::from(true)),
            "false" | "0" => Ok(Value::from(false)),
            _ => Err("`true` or `false`"),
        },
        Value::Array(..) => Ok(Value::from(text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect::<Vec<_>>())),
        _ => Ok(Value::from(text)),
    }
}

fn explained(error: &figment::Error, layers: &Figment) -> Refusal {
    let key = error.path.join(".");
    let key = match &error.kind {
        Kind::UnknownField(name, _) | Kind::UnknownVariant(name, _) if key.is_empty() => name.clone(),
        _ => key,
    };
    let metadata = error.metadata.as_ref().or_else(|| layers.find_metadata(&key));
    let origin = metadata.map_or("the settings", |metadata| metadata.name.as_ref());
    let found = |actual: &Actual| if SECRET.contains(&key.as_str()) { "a value of another type".to_owned() } else { actual.to_string() };
    let problem = match &error.kind {
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => format!("found {}, {} is expected", found(actual), in_words(expected)),
        Kind::UnknownVariant(name, expected) => {
            format!("found `{name}`, {} is expected", expected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
        Kind::MissingField(name) => format!("`{name}` is missing"),
        Kind::UnknownField(name, expected) => format!("there is no setting `{name}`; known here are {}", expected.join(", ")),
        other => other.to_string(),
    };
    Refusal::at(&key, origin, problem)
}

fn in_words(expected: &str) -> String {
    match expected {
        "u16" => "a whole number from 0 to 65535".into(),
        "u8" => "a whole number from 0 to 255".into(),
        "u32" | "u64" | "usize" => "a whole number that is not negative".into(),
        "i32" | "i64" => "a whole number".into(),
        "a boolean" | "bool" => "`true` or `false`".into(),
        "a string" => "a text in quotes".into(),
        other => other.to_owned(),
    }
}

/// Checks what the types alone cannot say.
struct Checks<'a> {
    layers: &'a Figment,
    known: &'a BTreeMap<String, Value>,
}

impl Checks<'_> {
    fn refuse(&self, key: &str, problem: impl fmt::Display) -> Refusal {
        let origin = self.layers.find_metadata(key).map_or_else(|| "the settings".to_owned(), |metadata| metadata.name.to_string());
        Refusal::at(key, &origin, problem)
    }

    fn settings(&self, written: Written) -> Result<Settings, Refusal> {
        self.numbers(&written)?;
        self.texts(&written)?;
        written.auth.validate().map_err(|problem| self.in_section("auth", &problem))?;
        written.inventory.validate().map_err(|problem| self.in_section("inventory", &problem))?;
        self.mail(&written)?;
        let database = self.database(&written)?;
        let trusted_proxies = written.trusted_proxies.iter().map(|network| self.network(network)).collect::<Result<_, _>>()?;
        let urls_are_ignored = written.database.in_memory && (written.database.auth_url.given().is_some() || written.database.inventory_url.given().is_some());
        Ok(Settings {
            mode: written.mode,
            data_dir: written.data_dir,
            secret_key: written.secret_key,
            secret_key_previous: written.secret_key_previous,
            setup_token: written.setup_token,
            trusted_proxies,
            shadow_url: written.shadow_url,
            server: written.server,
            database,
            log: written.log,
            auth: written.auth,
            inventory: written.inventory,
            mail: written.mail,
            file: None,
            urls_are_ignored,
        })
    }

    /// A network, or one address.
    fn network(&self, text: &str) -> Result<IpNet, Refusal> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical())));
        network.map_err(|_| self.refuse("trusted_proxies", format!("found `{text}`, a network such as 10.0.0.0/8 or an address is expected")))
    }

    fn mail(&self, written: &Written) -> Result<(), Refusal> {
        written.mail.validate().map_err(|(key, problem)| self.refuse(&format!("mail.{key}"), problem))?;
        if written.auth.registration && !written.mail.is_on() {
            return Err(self.refuse("auth.registration", "it needs a mail server (`mail.host`): whoever registers shows that an address is theirs"));
        }
        if written.mail.is_on() && written.auth.public_url.is_empty() {
            return Err(self.refuse("auth.public_url", "with a mail server (`mail.host`) it is needed: links in letters begin with it"));
        }
        Ok(())
    }

    /// A module says which of its keys is wrong in the first word of its message.
    fn in_section(&self, section: &str, problem: &str) -> Refusal {
        let word = problem.split_whitespace().next().unwrap_or("").trim_matches(['`', ':', '\'', '"']);
        let key = format!("{section}.{}", word.trim_start_matches(&format!("{section}.")));
        if self.known.contains_key(&key) { self.refuse(&key, problem) } else { Refusal(format!("the section [{section}] of the settings: {problem}")) }
    }

    fn numbers(&self, written: &Written) -> Result<(), Refusal> {
        let (server, database) = (&written.server, &written.database);
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        for (key, value, least, most) in [
            ("server.workers", size(server.workers), 0, 1024),
            ("server.max_connections", size(server.max_connections), 1, 1_000_000),
            ("server.body_limit_bytes", size(server.body_limit_bytes), 1024, 1 << 30),
            ("server.header_limit_bytes", size(server.header_limit_bytes), 1024, 128 * 1024),
            ("server.request_timeout_seconds", server.request_timeout_seconds, 1, 3600),
            ("server.header_timeout_seconds", server.header_timeout_seconds, 1, 600),
            ("server.keep_alive_seconds", server.keep_alive_seconds, 1, 3600),
            ("server.ready_timeout_ms", server.ready_timeout_ms, 10, 600_000),
            ("server.shutdown_seconds", server.shutdown_seconds, 0, 3600),
            ("database.pool_connections", database.pool_connections.into(), 1, 1000),
            ("database.reader_connections", database.reader_connections.into(), 1, 64),
            ("database.acquire_timeout_ms", database.acquire_timeout_ms, 10, 600_000),
            ("database.ping_after_idle_seconds", database.ping_after_idle_seconds, 0, 86_400),
            ("database.statement_timeout_ms", database.statement_timeout_ms, 10, 3_600_000),
            ("database.lock_timeout_ms", database.lock_timeout_ms, 10, 3_600_000),
            ("database.idle_in_transaction_timeout_ms", database.idle_in_transaction_timeout_ms, 10, 3_600_000),
            ("database.deploy_lock_timeout_seconds", database.deploy_lock_timeout_seconds, 0, 86_400),
            ("database.sqlite_busy_timeout_ms", database.sqlite_busy_timeout_ms, 0, 600_000),
        ] {
            if !(least..=most).contains(&value) {
                return Err(self.refuse(key, format!("found {value}, a whole number from {least} to {most} is expected")));
            }
        }
        Ok(())
    }

    fn texts(&self, written: &Written) -> Result<(), Refusal> {
        if written.server.host.is_empty() {
            return Err(self.refuse("server.host", "an address to listen on, such as 127.0.0.1, is expected"));
        }
        if let Some(wrong) = written.server.cors_origins.iter().find(|origin| !is_origin(origin)) {
            let expected = "an origin exactly as browsers send it is expected, such as https://app.example.com or http://localhost:5173";
            return Err(self.refuse("server.cors_origins", format!("found `{wrong}`, {expected}")));
        }
        if tracing_subscriber::EnvFilter::try_new(&written.log.filter).is_err() {
            return Err(self.refuse("log.filter", format!("found `{}`, a filter such as `info` or `info,sqlx::query=debug` is expected", written.log.filter)));
        }
        let least = if written.mode == Mode::Production { 32 } else { 16 };
        if written.setup_token.given().is_some_and(|token| token.chars().count() < least) {
            return Err(self.refuse("setup_token", format!("a text of {least} characters or more is expected")));
        }
        if written.mode == Mode::Production && written.secret_key.given().is_none() {
            return Err(self.refuse("secret_key", "production mode needs it: give LARDER_SECRET_KEY, 32 random bytes or more as text"));
        }
        for (name, key) in [("secret_key", &written.secret_key), ("secret_key_previous", &written.secret_key_previous)] {
            if key.given().is_some_and(|key| auth::SecretKey::parse(key).is_err()) {
                return Err(self.refuse(name, "a text of 32 random bytes or more is expected, such as `openssl rand -hex 32` gives"));
            }
        }
        if written.secret_key_previous.given().is_some() && written.secret_key.given().is_none() {
            return Err(self.refuse("secret_key_previous", "it comes with `secret_key`, which is not given"));
        }
        Ok(())
    }

    fn database(&self, written: &Written) -> Result<Database, Refusal> {
        let given = &written.database;
        if given.in_memory && written.mode == Mode::Production {
            return Err(self.refuse("database.in_memory", "production mode refuses databases in memory: they forget everything when the program ends"));
        }
        let file = |name: &str| Target::Sqlite(written.data_dir.join(name));
        let place = |module: &'static str, url: &Secret, migration: &Secret| {
            let key = format!("database.{module}_url");
            let target = match url.given() {
                _ if given.in_memory => Target::Memory,
                Some(url) => Target::parse(url).map_err(|expected| self.refuse(&key, expected))?,
                None if written.mode == Mode::Production => {
                    return Err(self.refuse(&key, format!("production mode needs it: give {}, where a sqlite:// file is meant, too", variable_of(&key))));
                }
                None => file(&format!("{module}.db")),
            };
            let key = format!("migration_url.{module}");
            let migration = migration.given().filter(|_| !given.in_memory).map(Target::parse).transpose().map_err(|expected| self.refuse(&key, expected))?;
            match &migration {
                Some(migration) if !migration.may_be_same(&target) => {
                    Err(self
                        .refuse(&key, format!("a Postgres database of the same name as in `database.{module}_url` is expected ({target}), found {migration}")))
                }
                _ => Ok(Place { target, migration }),
            }
        };
        let auth = place("auth", &given.auth_url, &written.migration_url.auth)?;
        let inventory = place("inventory", &given.inventory_url, &written.migration_url.inventory)?;
        if auth.target.is_same(&inventory.target) {
            let problem = format!("auth and inventory are given the same database ({}); each needs its own", inventory.target);
            return Err(self.refuse("database.inventory_url", problem));
        }
        let limits = Limits {
            migrate_on_start: given.migrate_on_start,
            pool_connections: given.pool_connections,
            reader_connections: given.reader_connections,
            acquire_timeout_ms: given.acquire_timeout_ms,
            ping_after_idle_seconds: given.ping_after_idle_seconds,
            statement_timeout_ms: given.statement_timeout_ms,
            lock_timeout_ms: given.lock_timeout_ms,
            idle_in_transaction_timeout_ms: given.idle_in_transaction_timeout_ms,
            deploy_lock_timeout_seconds: given.deploy_lock_timeout_seconds,
            sqlite_synchronous: given.sqlite_synchronous,
            sqlite_busy_timeout_ms: given.sqlite_busy_timeout_ms,
        };
        Ok(Database { auth, inventory, limits })
    }
}

/// Whether browsers send this text as an `Origin`: lower case, without a path, and without the port that the scheme has anyway.
fn is_origin(text: &str) -> bool {
    let (usual_port, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => ("443", rest),
        (_, Some(rest)) => ("80", rest),
        _ => return false,
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address) => ("ipv6", port),
        Some(_) => return false,
        None => rest.find(':').map_or((rest, ""), |at| rest.split_at(at)),
    };
    let label = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_');
    let is_port = |port: &str| port != usual_port && port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    host.split('.').all(label) && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn with(pairs: &[(&str, &str)]) -> Settings {
        Settings::load_built_in(&variables(pairs)).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn refused(pairs: &[(&str, &str)]) -> String {
        Settings::load_built_in(&variables(pairs)).err().map_or_else(|| panic!("{pairs:?} was taken"), |refusal| refusal.to_string())
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("some.toml");
        std::fs::write(&path, text).expect("a file");
        (folder, path)
    }

    const KEY: &str = "6c61726465722d746573742d7365637265742d6b65792d6f662d333262797465";
    const TOKEN: &str = "a-set-up-token-of-more-than-32-characters";

    #[test]
    fn nothing_given_means_files_in_the_data_directory() {
        let settings = with(&[]);
        assert_eq!(settings.database.auth.target.to_string(), "sqlite://data/auth.db");
        assert_eq!(settings.database.inventory.target.to_string(), "sqlite://data/inventory.db");
        assert_eq!((settings.mode, settings.server.port), (Mode::Development, 8080));
    }

    #[test]
    fn the_environment_comes_before_the_file_and_the_file_before_the_default() {
        let (_folder, path) = file("data_dir = \"elsewhere\"\n[server]\nport = 1\nworkers = 3\n");
        let settings = Settings::load(Some(&path), &variables(&[("LARDER_SERVER_PORT", "2")])).expect("settings");
        assert_eq!((settings.server.port, settings.server.workers), (2, 3));
        assert_eq!(settings.database.auth.target.to_string(), "sqlite://elsewhere/auth.db");
    }

    #[test]
    fn every_key_has_its_own_variable_and_is_explained() {
        let defaults = Layer::new("", DEFAULTS).expect("defaults");
        let keys = defaults.leaves();
        let names: std::collections::BTreeSet<_> = keys.keys().map(|key| variable_of(key)).collect();
        assert_eq!(names.len(), keys.len());
        // A comment stands on the key's line, or above it and those that follow it without an empty line.
        let mut explained = false;
        for line in DEFAULTS.lines() {
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(explained || line.contains('#'), "no comment at {line}");
            } else if !line.starts_with('[') {
                explained = line.starts_with('#');
            }
        }
    }

    #[test]
    fn a_wrong_variable_is_told_with_its_name_and_what_is_expected() {
        let message = refused(&[("LARDER_SERVER_PORT", "eighty")]);
        assert_eq!(message, "the setting `server.port`, from the environment variable LARDER_SERVER_PORT: found `eighty`, a whole number is expected");
        assert!(refused(&[("LARDER_SERVER_PORT", "70000")]).contains("from the environment variable LARDER_SERVER_PORT: found"));
        assert!(refused(&[("LARDER_SERVER_PORT", "70000")]).contains("a whole number from 0 to 65535 is expected"));
        assert!(
            refused(&[("USE_IN_MEMORY_REPOSITORIES", "yes")])
                .contains("from the environment variable USE_IN_MEMORY_REPOSITORIES: found `yes`, `true` or `false`")
        );
        assert!(refused(&[("LARDER_MODE", "prod")]).contains("found `prod`, `development` or `production` is expected"));
        assert!(refused(&[("LARDER_DATABASE_POOL_CONNECTIONS", "0")]).contains("from the environment variable LARDER_DATABASE_POOL_CONNECTIONS: found 0"));
        assert!(refused(&[("LARDER_LOG_FILTER", "a=b=c")]).contains("LARDER_LOG_FILTER"));
    }

    #[test]
    fn an_unknown_variable_or_key_is_told_by_name() {
        assert!(refused(&[("LARDER_SERVER_PROT", "1")]).starts_with("the environment variable LARDER_SERVER_PROT names no setting; alike are LARDER_SERVER_"));
        // The three with names of their own have only those.
        assert!(refused(&[("LARDER_DATABASE_AUTH_URL", "sqlite://a.db")]).contains("LARDER_DATABASE_AUTH_URL names no setting"));
        let (_folder, path) = file("[server]\nprot = 1\n");
        let message = Settings::load(Some(&path), &Variables::new()).expect_err("refused").to_string();
        assert!(message.contains(&format!("`server.prot`, from the file {}: there is no setting of this name", path.display())), "{message}");
        assert!(message.contains("server.port"), "{message}");
        let (_folder, path) = file("[sever]\nport = 1\n");
        assert!(Settings::load(Some(&path), &Variables::new()).expect_err("refused").to_string().contains("`sever.port`"));
    }

    #[test]
    fn a_wrong_value_in_a_file_is_told_with_the_file() {
        let (_folder, path) = file("[server]\nport = \"1\"\n");
        let message = Settings::load(Some(&path), &Variables::new()).expect_err("refused").to_string();
        assert!(message.contains(&format!("`server.port`, from the file {}: found string \"1\"", path.display())), "{message}");
        let (_folder, path) = file("secret_key = \"hunter2\nport");
        let message = Settings::load(Some(&path), &Variables::new()).expect_err("refused").to_string();
        assert!(message.contains("line 2, is not TOML") && !message.contains("hunter2"), "{message}");
        assert!(Settings::load(Some(Path::new("no/such.toml")), &Variables::new()).expect_err("refused").to_string().contains("no/such.toml cannot be read"));
    }

    #[test]
    fn a_file_may_be_named_by_a_variable_and_an_empty_variable_is_none() {
        let (_folder, path) = file("[server]\nport = 7\n");
        let named = variables(&[("LARDER_CONFIG", path.to_str().expect("text")), ("AUTH_DATABASE_URL", ""), ("LARDER_SERVER_WORKERS", "")]);
        assert_eq!(Settings::load(None, &named).expect("settings").server.port, 7);
    }

    #[test]
    fn memory_mode_ignores_the_urls_and_says_so() {
        let settings = with(&[("USE_IN_MEMORY_REPOSITORIES", "true"), ("AUTH_DATABASE_URL", "postgres://nobody@nowhere/x")]);
        assert!(matches!(settings.database.auth.target, Target::Memory) && settings.urls_are_ignored);
        assert!(!with(&[("USE_IN_MEMORY_REPOSITORIES", "true")]).urls_are_ignored);
        assert!(matches!(with(&[("USE_IN_MEMORY_REPOSITORIES", "false")]).database.auth.target, Target::Sqlite(_)));
    }

    #[test]
    fn one_database_for_both_modules_is_refused_whatever_its_name() {
        for (one, other) in [("postgres://a@localhost/x", "postgresql://b@127.0.0.1:5432/x?schema=public"), ("sqlite://one.db", "sqlite:./one.db?mode=rwc")] {
            let message = refused(&[("AUTH_DATABASE_URL", one), ("INVENTORY_DATABASE_URL", other)]);
            assert!(message.contains("INVENTORY_DATABASE_URL") && message.contains("the same database"), "{message}");
        }
        with(&[("AUTH_DATABASE_URL", "postgres://a@h/x?schema=auth"), ("INVENTORY_DATABASE_URL", "postgres://a@h/x?schema=inventory")]);
    }

    #[test]
    fn production_needs_both_urls_and_the_key_and_refuses_memory() {
        let whole = [
            ("LARDER_MODE", "production"),
            ("LARDER_SECRET_KEY", KEY),
            ("AUTH_DATABASE_URL", "postgres://a@h/x"),
            ("INVENTORY_DATABASE_URL", "sqlite://i.db"),
            ("LARDER_SETUP_TOKEN", TOKEN),
        ];
        with(&whole);
        for (index, word) in [(1, "LARDER_SECRET_KEY"), (2, "AUTH_DATABASE_URL"), (3, "INVENTORY_DATABASE_URL")] {
            let mut less = whole.to_vec();
            less.remove(index);
            let message = refused(&less);
            assert!(message.contains("production mode needs it") && message.contains(word), "{message}");
        }
        let memory = [whole.as_slice(), &[("USE_IN_MEMORY_REPOSITORIES", "true")]].concat();
        assert!(refused(&memory).contains("production mode refuses databases in memory"));
        let mut short = whole.to_vec();
        short[4].1 = "only-twenty-characters";
        assert!(refused(&short).contains("`setup_token`, from the environment variable LARDER_SETUP_TOKEN: a text of 32 characters or more"));
    }

    #[test]
    fn trusted_proxies_are_networks_or_addresses() {
        let trusted = |text| with(&[("LARDER_TRUSTED_PROXIES", text)]).trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(trusted("10.0.0.0/8, 192.0.2.7,fd00::/8 , ::ffff:192.0.2.8"), ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "192.0.2.8/32"]);
        assert!(with(&[]).trusted_proxies.is_empty());
        let message = refused(&[("LARDER_TRUSTED_PROXIES", "10.0.0.0/8,the proxy")]);
        assert!(message.contains("LARDER_TRUSTED_PROXIES: found `the proxy`, a network such as 10.0.0.0/8"), "{message}");
    }

    #[test]
    fn mail_needs_an_address_to_come_from_and_one_for_links() {
        assert!(!with(&[]).mail.is_on());
        let whole =
            [("LARDER_MAIL_HOST", "mail.example.com"), ("LARDER_MAIL_FROM", "stock@example.com"), ("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com")];
        let settings = with(&whole);
        assert!(settings.mail.is_on() && settings.mail.port == 587 && settings.mail.tls == mail::Tls::Starttls);
        assert!(refused(&whole[..2]).contains("`auth.public_url`"));
        assert!(refused(&[("LARDER_AUTH_REGISTRATION", "true")]).contains("`auth.registration`"));
        assert!(refused(&[whole[0], whole[2]]).contains("`mail.from`"));
        let with_password = [whole.as_slice(), &[("LARDER_MAIL_USER", "stock"), ("LARDER_MAIL_PASSWORD", "hunter2")]].concat();
        assert!(!format!("{:?}", with(&with_password)).contains("hunter2"));
        let message = refused(&[with_password.as_slice(), &[("LARDER_MAIL_TLS", "none")]].concat());
        assert!(message.contains("`mail.tls`, from the environment variable LARDER_MAIL_TLS: found `none`") && !message.contains("hunter2"), "{message}");
        assert!(refused(&[whole.as_slice(), &[("LARDER_MAIL_TLS", "ssl")]].concat()).contains("`none` or `starttls` or `tls` is expected"));
    }

    #[test]
    fn cors_origins_are_exact_ones() {
        let right = "https://app.example.com,http://localhost:5173,https://192.0.2.7:8443,http://[::1]:3000";
        assert_eq!(with(&[("LARDER_SERVER_CORS_ORIGINS", right)]).server.cors_origins.len(), 4);
        assert!(with(&[]).server.cors_origins.is_empty());
        for wrong in [
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://*.example.com",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://a:80",
            "https://a:b",
            "https://a:",
            "http://[::1",
            "http://[0:0::1]",
            "http://[::1]x",
            "ftp://a",
            "https://a b",
            "https://user@a",
        ] {
            let message = refused(&[("LARDER_SERVER_CORS_ORIGINS", wrong)]);
            assert!(message.contains("LARDER_SERVER_CORS_ORIGINS: found `") && message.contains("an origin exactly as"), "{message}");
        }
    }

    #[test]
    fn a_migration_url_must_mean_the_same_database() {
        let url = ("AUTH_DATABASE_URL", "postgres://app@h/x");
        with(&[url, ("LARDER_MIGRATION_URL_AUTH", "postgres://owner@h/x")]);
        assert!(refused(&[url, ("LARDER_MIGRATION_URL_AUTH", "postgres://owner@h/y")]).contains("LARDER_MIGRATION_URL_AUTH"));
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = with(&[
            ("LARDER_SECRET_KEY", KEY),
            ("LARDER_SETUP_TOKEN", TOKEN),
            ("AUTH_DATABASE_URL", "postgres://a:hunter2@h/x"),
            ("LARDER_MIGRATION_URL_AUTH", "postgres://o:hunter3@h/x"),
        ]);
        let shown = format!("{settings:?}");
        for secret in [KEY, TOKEN, "hunter2", "hunter3"] {
            assert!(!shown.contains(secret));
        }
        for (name, value) in [("LARDER_SECRET_KEY", "too-short"), ("LARDER_SETUP_TOKEN", "short"), ("AUTH_DATABASE_URL", "mysql://a:hunter2@h")] {
            assert!(!refused(&[(name, value)]).contains(value));
        }
        let (_folder, path) = file("secret_key = 12345678901\n");
        assert!(!Settings::load(Some(&path), &Variables::new()).expect_err("refused").to_string().contains("12345678901"));
    }
}
