//! The command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use larder::databases::Migrate;
use larder::{Application, Settings, Surroundings, auth, db, demo, doctor, ledger, openapi, settings, telemetry};

/// Chosen by measurement (docs/bench.md): it gives back what a burst of work has taken.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stock of kitchens and stores: what is on hand, what it is worth, and every movement behind it.
#[derive(Parser)]
#[command(name = "larder", version)]
struct Cli {
    /// A settings file; else the one that LARDER_CONFIG names; else larder.toml, where it is there.
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(Serve),
    /// Look after the schema of the databases.
    #[command(subcommand)]
    Db(db::Command),
    /// Look after the stock ledger: `larder ledger verify` proves that it is what was posted.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Look after users, keys and the secret, with the server down or up.
    #[command(subcommand)]
    Auth(auth::Command),
    /// Look at what the installation stands on: addresses, proxies, secret key, clocks, files, databases. Changes nothing.
    #[command(after_help = "Exit codes: 0 all is fine, 1 something is wrong.")]
    Doctor(doctor::Asked),
    /// Try it: a made-up kitchen in memory, gone when it stops. Reads no settings.
    Demo(Demo),
    /// Print the OpenAPI document.
    Openapi,
}

#[derive(Args)]
struct Demo {
    /// The port to listen on; a free one where nothing is said.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Args)]
struct Serve {
    /// The port to listen on; 0 takes a free one.
    #[arg(long)]
    port: Option<u16>,
    /// What to do about pending migrations; else they are applied to embedded databases and stop the start on Postgres.
    #[arg(long)]
    migrate: Option<Migrate>,
}

/// Written by hand where the log may not be there yet.
fn complain(problem: impl std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "larder: {problem}");
    ExitCode::FAILURE
}

/// Help and version are no errors. A wrong command line is one, and not clap's 2, which means pending migrations here.
fn explain(usage: &clap::Error) -> ExitCode {
    let _ = usage.print();
    if !usage.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let message = usage.to_string();
    in_json("usage", message.split("\n\n").next().unwrap_or_default().trim_start_matches("error: "));
    ExitCode::FAILURE
}

/// Who asked for JSON gets an object, also where it does not come to running the command.
fn in_json(code: &str, message: &str) {
    if std::env::args_os().any(|argument| argument == "--json") {
        say(serde_json::json!({ "exit": 1, "error": { "code": code, "message": message, "next": null } }));
    }
}

/// To stdout, where a closed pipe is no reason to panic.
fn say(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return explain(&usage),
    };
    match cli.command {
        Command::Openapi => {
            say(openapi::text(&openapi::collect()).trim_end());
            return ExitCode::SUCCESS;
        }
        Command::Demo(asked) => return demonstrate(asked.port).await,
        Command::Serve(_) | Command::Db(_) | Command::Ledger(_) | Command::Auth(_) | Command::Doctor(_) => {}
    }
    let settings = match settings::environment().and_then(|variables| Settings::load(cli.config.as_deref(), &variables)) {
        Ok(settings) => settings,
        Err(refusal) => {
            in_json("settings", &refusal.to_string());
            return complain(refusal);
        }
    };
    telemetry::start(&settings.log);
    match cli.command {
        Command::Serve(asked) => serve(settings, asked).await,
        Command::Db(asked) => db::run(&settings, asked).await.into(),
        Command::Ledger(asked) => ledger::run(&settings, asked).await.into(),
        Command::Doctor(asked) => doctor::run(&settings, &asked).await.into(),
        Command::Auth(asked) => auth::run(&settings, asked).await.into(),
        Command::Demo(_) | Command::Openapi => ExitCode::SUCCESS,
    }
}

async fn serve(mut settings: Settings, asked: Serve) -> ExitCode {
    if let Some(port) = asked.port {
        settings.server.port = port;
    }
    let application = match Application::build_with(settings, Surroundings::system(), asked.migrate).await {
        Ok(application) => application,
        Err(failure) => return complain(failure),
    };
    say(format_args!("listening on {}", application.address()));
    if let Some(token) = application.setup_token() {
        say(format_args!("setup token: {token}"));
        say("POST /v1/auth/setup takes this token once, to make the first owner and kitchen. It is shown only here.");
    }
    match application.run_until_signalled().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error),
    }
}

async fn demonstrate(port: u16) -> ExitCode {
    let mut settings = match Settings::in_memory() {
        Ok(settings) => settings,
        Err(refusal) => return complain(refusal),
    };
    settings.server.port = port;
    "warn".clone_into(&mut settings.log.filter);
    telemetry::start(&settings.log);
    let surroundings = Surroundings::system();
    let application = match Application::build(settings, surroundings.clone()).await {
        Ok(application) => application,
        Err(failure) => return complain(failure),
    };
    let story = match demo::load(&application, &surroundings.clock).await {
        Ok(story) => story,
        Err(problem) => return complain(problem),
    };
    say(format_args!("listening on {}", application.address()));
    say(demo::welcome(&application.address(), &story));
    match application.run_until_signalled().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error),
    }
}
