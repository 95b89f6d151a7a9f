//! The harness: an application of its own for every test, on databases of its own, and a client that believes nothing.

pub mod authenticator;
pub mod contract;
pub mod kitchen;
pub mod mailbox;
pub mod orders;
pub mod patience;
pub mod place;
pub mod plans;
pub mod postgres;
pub mod process;
pub mod race;
pub mod representative;
pub mod sql;
pub mod statements;
pub mod tables;
pub mod trial;
pub mod wire;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use futures::FutureExt as _;
use kernel::{Clock, Ids, Instant};
use larder::application::Stopper;
use larder::{Application, Settings, Surroundings};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection, Value as SqlValue};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use contract::{Contract, Operation};
use patience::{HANGS, PATIENT, PATIENT_WITH_FILES};
use postgres::Pair;
use process::Process;

/// When a test's clock begins.
pub const START: &str = "2026-11-25T12:00:00Z";
pub const SETUP_TOKEN: &str = "the-set-up-token-of-the-tests-0123456789";
pub const SECRET_KEY: &str = "the-secret-key-of-the-tests-0123456789abcdef";
pub const OWNER_EMAIL: &str = "olga@example.org";
/// The password of every user that the harness makes.
pub const PASSWORD: &str = "violet umbrellas drift past 17 harbours";

/// Makes two tests of one: on SQLite and on Postgres. `both_engines! { async fn a_fact(api: Api) { … } }`, any number of them.
#[macro_export]
macro_rules! both_engines {
    ($(#[$attribute:meta])* async fn $name:ident($api:ident: Api) $body:block $($rest:tt)*) => {
        mod $name {
            use super::*;

            async fn test($api: Api) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::on($crate::support::Engine::Sqlite, &[], test).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::on($crate::support::Engine::Postgres, &[], test).await;
            }
        }
        $crate::both_engines! { $($rest)* }
    };
    () => {};
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Runs a test on one engine, with settings beside the usual ones, and takes away its databases, also when it fails.
pub async fn on<F: Future<Output = ()>>(engine: Engine, variables: &[(&str, &str)], test: impl FnOnce(Api) -> F) {
    let Some(stores) = Stores::make(engine).await else { return };
    let api = Api::start(Arc::new(stores), variables, Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
    let outcome = AssertUnwindSafe(test(api.clone())).catch_unwind().await;
    api.stop().await;
    api.inner.stores.remove().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub fn fixed_clock() -> Clock {
    Clock::fixed(Instant::parse(START).expect("a time"))
}

/// Where a test's data is.
pub enum Stores {
    Sqlite(TempDir),
    Postgres(TempDir, Box<Pair>),
}

impl Stores {
    /// `None` where there is no Postgres and nobody demanded one.
    pub async fn make(engine: Engine) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        match engine {
            Engine::Sqlite => Some(Self::Sqlite(folder)),
            Engine::Postgres => Some(Self::Postgres(folder, Box::new(Pair::make().await?))),
        }
    }

    pub fn folder(&self) -> &TempDir {
        match self {
            Self::Sqlite(folder) | Self::Postgres(folder, _) => folder,
        }
    }

    /// The variables by which a program runs on these databases.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let mut variables: BTreeMap<String, String> = [
            ("LARDER_SERVER_PORT", "0"),
            ("LARDER_SERVER_WORKERS", "2"),
            ("LARDER_SETUP_TOKEN", SETUP_TOKEN),
            ("LARDER_SECRET_KEY", SECRET_KEY),
            ("LARDER_DATABASE_SQLITE_SYNCHRONOUS", "NORMAL"),
            PATIENT_WITH_FILES,
        ]
        .into_iter()
        .chain(PATIENT)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        variables.insert("LARDER_DATA_DIR".into(), self.folder().path().display().to_string());
        if let Self::Postgres(_, pair) = self {
            variables.insert("AUTH_DATABASE_URL".into(), pair.auth.app_url());
            variables.insert("INVENTORY_DATABASE_URL".into(), pair.inventory.app_url());
        }
        variables
    }

    /// Connections that may do anything, for what a test arranges or checks behind the program's back: auth, inventory.
    pub async fn connect(&self) -> (DatabaseConnection, DatabaseConnection) {
        let (auth, inventory) = match self {
            Self::Sqlite(folder) => {
                let url = |name| format!("sqlite://{}", folder.path().join(name).display());
                (url("auth.db"), url("inventory.db"))
            }
            Self::Postgres(_, pair) => (pair.auth.admin_url(), pair.inventory.admin_url()),
        };
        (connect(&auth).await, connect(&inventory).await)
    }

    pub async fn remove(&self) {
        if let Self::Postgres(_, pair) = self {
            pair.remove().await;
        }
    }
}

/// A connection for a test's own use.
pub async fn connect(url: &str) -> DatabaseConnection {
    try_connect(url).await.unwrap_or_else(|error| panic!("a test's connection: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "a test looks at what the program did through a connection of its own")]
pub async fn try_connect(url: &str) -> Result<DatabaseConnection, sea_orm::DbErr> {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(2).acquire_timeout(HANGS);
    options.map_sqlx_sqlite_opts(|options| options.busy_timeout(HANGS));
    sea_orm::Database::connect(options).await
}

/// A variable of the environment that steers the tests.
#[expect(clippy::disallowed_methods, reason = "the one place where the tests read the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A value that nothing was given before.
pub fn fresh(prefix: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// A running application, with the databases under it.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    stores: Arc<Stores>,
    variables: Vec<(String, String)>,
    address: String,
    http: reqwest::Client,
    contract: Contract,
    surroundings: Surroundings,
    /// `None` where it runs in a process of its own.
    server: tokio::sync::Mutex<Option<(Stopper, JoinHandle<std::io::Result<()>>)>>,
    auth: DatabaseConnection,
    inventory: DatabaseConnection,
}

impl Api {
    pub async fn start(stores: Arc<Stores>, variables: &[(&str, &str)], surroundings: Surroundings) -> Self {
        let mut all = stores.variables();
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let settings = Settings::load_built_in(&all).unwrap_or_else(|refusal| panic!("{refusal}"));
        let application = Application::build(settings, surroundings.clone()).await.unwrap_or_else(|failure| panic!("{failure}"));
        let (address, stopper) = (application.address(), application.stopper());
        let server = tokio::spawn(application.run_until_stopped());
        Self::at(stores, variables, address, surroundings, Some((stopper, server))).await
    }

    /// The program as a process that somebody else started on these databases; its clock is the system's.
    pub async fn of_process(stores: Arc<Stores>, process: &Process) -> Self {
        Self::at(stores, &[], process.address.clone(), Surroundings::system(), None).await
    }

    async fn at(
        stores: Arc<Stores>,
        variables: &[(&str, &str)],
        address: String,
        surroundings: Surroundings,
        server: Option<(Stopper, JoinHandle<std::io::Result<()>>)>,
    ) -> Self {
        // No idle connection is kept, so that a stopping server has nothing to wait for.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let contract = Contract::of_program();
        let (auth, inventory) = stores.connect().await;
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server = tokio::sync::Mutex::new(server);
        Self { inner: Arc::new(Inner { stores, variables, address, http, contract, surroundings, server, auth, inventory }) }
    }

    /// Stops the program and starts it again on the same databases, at the same time of its clock.
    pub async fn restart(&self) -> Self {
        self.stop().await;
        let variables: Vec<_> = self.inner.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::start(self.inner.stores.clone(), &variables, self.inner.surroundings.clone()).await
    }

    pub async fn stop(&self) {
        if let Some((stopper, server)) = self.inner.server.lock().await.take() {
            stopper.at_once().await;
            server.await.expect("the server's task").expect("the server");
        }
    }

    pub fn engine(&self) -> Engine {
        match *self.inner.stores {
            Stores::Sqlite(_) => Engine::Sqlite,
            Stores::Postgres(..) => Engine::Postgres,
        }
    }

    pub fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    pub fn address(&self) -> &str {
        &self.inner.address
    }

    pub fn contract(&self) -> &Contract {
        &self.inner.contract
    }

    pub fn now(&self) -> Instant {
        self.inner.surroundings.clock.now()
    }

    /// The clock of the application, for what works beside it.
    pub fn clock(&self) -> Clock {
        self.inner.surroundings.clock.clone()
    }

    /// Moves the clock of the application.
    pub fn advance(&self, delta: TimeDelta) {
        self.inner.surroundings.clock.advance(delta);
    }

    /// The auth database, with every right: to arrange and to check, never to do what the API does.
    pub fn auth_db(&self) -> &DatabaseConnection {
        &self.inner.auth
    }

    /// The inventory database, in the same way.
    pub fn inventory_db(&self) -> &DatabaseConnection {
        &self.inner.inventory
    }

    pub fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Call { api: self.clone(), method, path: path.to_owned(), headers: HeaderMap::new(), body: None }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    /// Without a token and without an Idempotency-Key.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path).json(&body).send().await
    }

    /// The owner of the first tenant: sets up where nobody has, else logs in.
    pub async fn owner(&self) -> Client {
        let body = json!({
            "setup_token": SETUP_TOKEN, "email": OWNER_EMAIL, "password": PASSWORD, "name": "Olga Ott",
            "tenant_name": "The Corner Kitchen", "currency": "EUR", "time_zone": "Europe/Paris",
        });
        let reply = self.post("/v1/auth/setup", body).await;
        match reply.status {
            201 => Client::of(self, &reply.body),
            409 => self.log_in(OWNER_EMAIL).await,
            _ => panic!("set-up answered {reply:?}"),
        }
    }

    /// Logs in somebody whose password is the harness's.
    pub async fn log_in(&self, email: &str) -> Client {
        let reply = self.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await;
        Client::of(self, &reply.ok(200))
    }

    /// A member of the first tenant with a role, for all sites or for some. Made behind the program's back, logged in through it.
    pub async fn member(&self, role: &str, sites: Option<&[Uuid]>) -> Client {
        let tenant_id = self.owner().await.tenant_id;
        let email = self.add_member(tenant_id, role, sites).await;
        self.log_in(&email).await
    }

    /// The owner of another tenant.
    pub async fn other_tenant(&self) -> Client {
        self.owner().await;
        let tenant_id = self.id();
        let mut row = self.row(tenant_id);
        row.extend([("name", "The Other Kitchen".into()), ("currency", "EUR".into()), ("time_zone", "Europe/Paris".into())]);
        insert(self.auth_db(), "tenant", row).await;
        let email = self.add_member(tenant_id, "owner", None).await;
        self.log_in(&email).await
    }

    /// Adds a user with a membership of a tenant; answers the e-mail address.
    pub async fn add_member(&self, tenant_id: Uuid, role: &str, sites: Option<&[Uuid]>) -> String {
        let email = format!("{}@example.org", fresh(role));
        let (user_id, membership_id) = (self.id(), self.id());
        // Hashing is slow, and the password is the owner's anyway.
        let owner = Query::select().column("password_hash").from("user").and_where(Expr::col("erased_at").is_null()).limit(1).take();
        let hash: String = self.auth_db().query_one(&owner).await.expect("the owner").expect("a row").try_get("", "password_hash").expect("a hash");
        let mut user = self.row(user_id);
        user.extend([("email", email.clone().into()), ("email_key", email.clone().into()), ("name", role.into()), ("password_hash", hash.into())]);
        insert(self.auth_db(), "user", user).await;
        let mut membership = self.row(membership_id);
        membership.extend([("tenant_id", tenant_id.into()), ("user_id", user_id.into()), ("role", role.into()), ("all_sites", sites.is_none().into())]);
        insert(self.auth_db(), "membership", membership).await;
        for site_id in sites.unwrap_or_default() {
            let site = vec![("id", self.id().into()), ("tenant_id", tenant_id.into()), ("membership_id", membership_id.into()), ("site_id", (*site_id).into())];
            insert(self.auth_db(), "membership_site", site).await;
        }
        email
    }

    /// An id that nothing has.
    pub fn id(&self) -> Uuid {
        Ids::System.next(self.now())
    }

    fn row(&self, id: Uuid) -> Vec<(&'static str, SqlValue)> {
        let now = chrono::DateTime::<chrono::FixedOffset>::from(self.now());
        vec![("id", id.into()), ("version", 1_i64.into()), ("created_at", now.into()), ("updated_at", now.into())]
    }
}

async fn insert(database: &DatabaseConnection, table: &'static str, row: Vec<(&'static str, SqlValue)>) {
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    let statement = Query::insert().into_table(table).columns(columns).values_panic(values.into_iter().map(Into::into)).take();
    database.execute(&statement).await.unwrap_or_else(|error| panic!("a row of {table}: {error}"));
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Client {
    api: Api,
    pub token: String,
    pub tenant_id: Uuid,
}

impl Client {
    /// From the tokens that set-up or log-in answered.
    pub fn of(api: &Api, tokens: &Value) -> Self {
        let tenant_id = tokens["tenant_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no tokens: {tokens}"));
        Self { api: api.clone(), token: tokens["access_token"].as_str().expect("a token").to_owned(), tenant_id }
    }

    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The same person at another (a restarted) application.
    pub fn at(&self, api: &Api) -> Self {
        Self { api: api.clone(), ..self.clone() }
    }

    /// The same requests with another token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: token.into(), ..self.clone() }
    }

    /// A request with this token and nothing else.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.api.call(method, path).header("Authorization", &format!("Bearer {}", self.token))
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    /// With a new Idempotency-Key, where the path may have one.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        if path.starts_with("/v1/auth/") {
            return self.call("POST", path).json(&body).send().await;
        }
        self.post_with_key(path, &fresh("key"), body).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Reply {
        self.call("POST", path).header("Idempotency-Key", key).json(&body).send().await
    }

    pub async fn post_without_key(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path).json(&body).send().await
    }

    /// A POST with a key that it keeps, to be sent any number of times.
    pub fn posting(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).header("Idempotency-Key", &fresh("key")).json(body)
    }

    /// A PATCH with If-Match, to be sent any number of times.
    pub fn patching(&self, path: &str, version: i64, body: &Value) -> Call {
        self.change("PATCH", path, Some(version)).json(body)
    }

    /// A file as text/csv, with a new Idempotency-Key.
    pub async fn post_csv(&self, path: &str, file: impl Into<Vec<u8>>) -> Reply {
        self.call("POST", path).header("Idempotency-Key", &fresh("key")).body("text/csv", file).send().await
    }

    /// With If-Match, where a version is given.
    pub async fn patch(&self, path: &str, version: Option<i64>, body: Value) -> Reply {
        self.change("PATCH", path, version).json(&body).send().await
    }

    pub async fn delete(&self, path: &str, version: Option<i64>) -> Reply {
        self.change("DELETE", path, version).send().await
    }

    fn change(&self, method: &str, path: &str, version: Option<i64>) -> Call {
        let call = self.call(method, path);
        version.map(|version| call.clone().header("If-Match", &format!("\"{version}\""))).unwrap_or(call)
    }
}

/// One request that is being made up.
#[derive(Clone)]
pub struct Call {
    api: Api,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.headers.remove("content-type");
        self.header("Content-Type", kind)
    }

    /// A body without a Content-Type.
    pub fn untyped(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// What of the documentation it is for.
    pub fn operation(&self) -> Option<&Operation> {
        self.api.inner.contract.find(self.method.as_str(), &self.path)
    }

    /// Sends it, and holds the answer against the served documentation.
    pub async fn send(self) -> Reply {
        let inner = &self.api.inner;
        let mut request = inner.http.request(self.method.clone(), format!("{}{}", inner.address, self.path)).headers(self.headers);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{} {}: {error:?}", self.method, self.path));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap_or_else(|error| panic!("{} {}: {error:?}", self.method, self.path));
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let reply = Reply { status, body, text, headers };
        inner.contract.hold(self.method.as_str(), &self.path, &reply);
        reply
    }
}

/// An answer, with its body as JSON (null where it is none).
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: HeaderMap,
}

impl Reply {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The problem document of a refusal that must have this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self.body
    }

    /// The code of the problem; empty where it is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Pointer and code of every violation of a 422.
    pub fn violations(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        self.body["errors"].as_array().into_iter().flatten().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }
}
