//! The application as a value: built, bound to a port, run. The same in `main` and in the tests.

use std::fmt;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use auth::{Auth, SecretKey, Secrets};
use inventory::Inventory;
use kernel::caller::Authenticator;
use kernel::http::RequestTimeout;
use kernel::{Clock, Exposure, Forwarding, Ids};
use tokio::signal::unix::{SignalKind, signal};
use utoipa_swagger_ui::SwaggerUi;

use crate::bridge::Bridge;
use crate::databases::{self, Databases, Migrate};
use crate::health::ReadyTimeout;
use crate::http::{self, HeaderLimit};
use crate::mail::{self, Smtp};
use crate::openapi::{self, Outline};
use crate::settings::{Server as ServerSettings, Settings};
use crate::target::Target;

/// What tests own and everything else takes from the system.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub clock: Clock,
    pub ids: Ids,
}

impl Surroundings {
    pub fn system() -> Self {
        Self { clock: Clock::System, ids: Ids::System }
    }
}

/// A server that is bound and not yet running.
pub struct Application {
    server: Server,
    addresses: Vec<SocketAddr>,
    host: String,
    setup_token: Option<String>,
    auth: Auth,
    inventory: Inventory,
}

/// Why there is no application.
#[derive(Debug)]
pub enum Failure {
    Database(crate::failure::Failure),
    Auth(auth::Error),
    Bind {
        address: String,
        error: std::io::Error,
    },
    DataDir {
        folder: String,
        error: std::io::Error,
    },
    Mail(mail::Unusable),
    /// What the program was built with as docs/openapi.json is no document.
    Document(serde_json::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(failure) => failure.fmt(out),
            Self::Auth(error) => out.write_str(&kernel::problem::chain(error)),
            Self::Bind { address, error } => write!(out, "cannot listen on {address} (`server.host`, `server.port`): {error}"),
            Self::Mail(mail::Unusable(why)) => out.write_str(why),
            Self::Document(error) => write!(out, "this program was built with a docs/openapi.json that is no document of an API: {error}"),
            Self::DataDir { folder, error } => write!(out, "the folder {folder} (`data_dir`) cannot be made: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Application {
    pub async fn build(settings: Settings, surroundings: Surroundings) -> Result<Self, Failure> {
        Self::build_with(settings, surroundings, None).await
    }

    /// With what the command line says about pending migrations.
    pub async fn build_with(settings: Settings, surroundings: Surroundings, migrate: Option<Migrate>) -> Result<Self, Failure> {
        let listener = bind(&settings.server)?;
        let secrets = secrets(&settings)?;
        let databases = databases::open(&settings, migrate).await.map_err(Failure::Database)?;
        let carrier = Smtp::new(&settings.mail).map_err(Failure::Mail)?.map(|smtp| Arc::new(smtp) as Arc<dyn auth::Carrier>);
        let (bridge, auth, inventory) = modules(&settings, &surroundings, secrets, databases, carrier).await.map_err(Failure::Auth)?;
        let given = settings.setup_token.given().map(str::to_owned);
        let setup_token = auth.announce_setup(given).await.map_err(Failure::Auth)?;
        let addresses = listener.local_addr().into_iter().collect();
        let forwarding = Forwarding::new(settings.trusted_proxies.clone());
        let exposure = Exposure::new(settings.server.cors_origins.clone(), settings.auth.public_url.starts_with("https://"));
        let outline = Data::new(Outline::committed().map_err(Failure::Document)?);
        let state = State { auth: auth.clone(), inventory: inventory.clone(), bridge, outline, forwarding, exposure };
        let host = settings.server.host.clone();
        let server = serve(&settings.server, listener, state).map_err(|error| Failure::Bind { address: host.clone(), error })?;
        Ok(Self { server, addresses, host, setup_token, auth, inventory })
    }

    /// The port that it is bound to.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Where it can be reached, as bound: `http://127.0.0.1:8080`.
    pub fn address(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host.trim_matches(['[', ']'])) } else { self.host.clone() };
        format!("http://{host}:{}", self.port())
    }

    /// The one-time token of the first set-up, where this start made it. Nothing can tell it again.
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
    }

    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What stops it, from anywhere.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.server.handle())
    }

    /// Serves until somebody stops it.
    pub async fn run_until_stopped(self) -> std::io::Result<()> {
        let posting = tokio::spawn(deliver(self.auth.clone()));
        let tidying = tokio::spawn(tidy(self.auth, self.inventory));
        let outcome = self.server.await;
        tidying.abort();
        posting.abort();
        outcome
    }

    /// Serves until SIGTERM or SIGINT, and then lets the requests that run end. A second signal does not wait for them.
    pub async fn run_until_signalled(self) -> std::io::Result<()> {
        let stopper = self.stopper();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::info!("stopping: running requests are let end");
            let again = async {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            };
            tokio::select! { () = stopper.gracefully() => {}, () = again => stopper.at_once().await }
        });
        self.run_until_stopped().await?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Letters are sent beside everything else.
async fn deliver(auth: Auth) {
    auth.deliver_mail().await;
}

/// What wants doing now and then, from the start on.
async fn tidy(auth: Auth, inventory: Inventory) {
    let mut hourly = tokio::time::interval(Duration::from_hours(1));
    loop {
        hourly.tick().await;
        match inventory.forget_old_answers().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "answers older than thirty days are forgotten with their idempotency keys"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "old idempotency keys could not be forgotten"),
        }
        match inventory.end_reservations().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "reservations have ended"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "reservations that have ended could not be marked"),
        }
        match auth.forget_old_tries().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "tries of passwords no longer count"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "old tries of passwords could not be forgotten"),
        }
        match auth.forget_what_is_over().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "sessions, invites, links, notices and addresses that are over for long are forgotten"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "what is over for long could not be forgotten"),
        }
        match auth.forget_unused_devices().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "devices that were not used for half a year are forgotten"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "unused devices could not be forgotten"),
        }
        match auth.rotate_signing_keys().await {
            Ok(false) => {}
            Ok(true) => tracing::info!("signing keys were rotated"),
            Err(error) => tracing::warn!(error = %kernel::problem::chain(&error), "signing keys could not be rotated"),
        }
    }
}

/// Stops an application.
#[derive(Clone)]
pub struct Stopper(ServerHandle);

impl Stopper {
    /// Takes no new connections, and ends when the requests that run are answered or the time for that is over.
    pub async fn gracefully(&self) {
        self.0.stop(true).await;
    }

    /// Drops everything.
    pub async fn at_once(&self) {
        self.0.stop(false).await;
    }
}

fn bind(server: &ServerSettings) -> Result<TcpListener, Failure> {
    let address = format!("{}:{}", server.host, server.port);
    let failed = |error| Failure::Bind { address: address.clone(), error };
    let host = server.host.trim_matches(['[', ']']);
    let resolved: Vec<_> = (host, server.port).to_socket_addrs().map_err(failed)?.collect();
    TcpListener::bind(resolved.as_slice()).map_err(failed)
}

/// The key that was given; none for databases in memory, which need to be read by nobody later; else the one that is kept
/// beside the embedded databases.
pub fn secrets(settings: &Settings) -> Result<Secrets, Failure> {
    match settings.secret_key.given() {
        Some(key) => {
            let previous = settings.secret_key_previous.given().map(SecretKey::parse).transpose();
            let (current, previous) = SecretKey::parse(key).and_then(|current| Ok((current, previous?))).map_err(Failure::Auth)?;
            Ok(Secrets::given(current, previous))
        }
        None if matches!(settings.database.auth.target, Target::Memory) => Ok(Secrets::given(SecretKey::random(), None)),
        None => {
            let folder = &settings.data_dir;
            databases::make_private_folder(folder).map_err(|error| Failure::DataDir { folder: folder.display().to_string(), error })?;
            Secrets::in_file(&folder.join(KEY_FILE)).map_err(Failure::Auth)
        }
    }
}

/// The file of the secret key in the data directory, where none is given.
pub const KEY_FILE: &str = "secret.key";

async fn modules(
    settings: &Settings,
    surroundings: &Surroundings,
    secrets: Secrets,
    databases: Databases,
    carrier: Option<Arc<dyn auth::Carrier>>,
) -> Result<(Arc<Bridge>, Auth, Inventory), auth::Error> {
    let (clock, ids) = (surroundings.clock.clone(), surroundings.ids.clone());
    let bridge = Arc::new(Bridge::default());
    let auth = Auth::open(databases.auth, settings.auth.clone(), secrets, clock.clone(), ids.clone(), bridge.clone(), carrier).await?;
    let inventory = Inventory::new(databases.inventory, settings.inventory.clone(), clock, ids, bridge.clone());
    bridge.join(auth.clone(), inventory.clone());
    Ok((bridge, auth, inventory))
}

/// What every worker gets a copy of.
#[derive(Clone)]
struct State {
    auth: Auth,
    inventory: Inventory,
    bridge: Arc<Bridge>,
    outline: Data<Outline>,
    forwarding: Forwarding,
    exposure: Exposure,
}

fn serve(settings: &ServerSettings, listener: TcpListener, state: State) -> std::io::Result<Server> {
    let limits = settings.clone();
    let factory = move || {
        let docs = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
        App::new()
            .app_data(Data::new(state.auth.clone()))
            .app_data(Data::new(state.inventory.clone()))
            .app_data(state.outline.clone())
            .app_data(Authenticator(state.bridge.clone()))
            .app_data(Data::new(state.forwarding.clone()))
            .app_data(Data::new(state.exposure.clone()))
            .app_data(Data::new(RequestTimeout(Duration::from_secs(limits.request_timeout_seconds))))
            .app_data(Data::new(ReadyTimeout(Duration::from_millis(limits.ready_timeout_ms))))
            .app_data(HeaderLimit(limits.header_limit_bytes))
            .app_data(web::PayloadConfig::new(limits.body_limit_bytes))
            .app_data(web::PathConfig::default().error_handler(http::wrong_path))
            .wrap(from_fn(kernel::http::bounded))
            .wrap(from_fn(kernel::client::located))
            .wrap(from_fn(http::guarded))
            .wrap(from_fn(http::preflight))
            .wrap(from_fn(http::caught))
            .wrap(from_fn(kernel::http::traced))
            .configure(openapi::routes)
            .route("/docs", web::get().to(http::to_docs))
            .service(SwaggerUi::new("/docs/{_:.*}").config(docs))
            .default_service(web::to(http::unmatched))
    };
    let mut server = HttpServer::new(factory)
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        .client_request_timeout(Duration::from_secs(settings.header_timeout_seconds))
        .max_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_seconds)
        .disable_signals();
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    Ok(server.listen(listener)?.run())
}
