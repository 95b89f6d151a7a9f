//! `larder db seed`: loads a set of made-up data through the use cases. Twice is the same as once, and so is a second run after
//! one that was killed: every id follows from the step that makes it, and a step whose thing is there is left out.

use std::fmt;

use kernel::{Caller, Ids, Permissions, Problem, Sites, Steps, hex};
use sea_orm::prelude::Uuid;

use super::{Exit, Report, Seed, Selection};
use crate::application::{self, Application, Surroundings};
use crate::demo::{self, Kitchen, Step};
use crate::secret::Secret;
use crate::settings::{Mode, Settings};
use crate::target::Target;

/// The sets that there are.
const SETS: [&str; 1] = ["demo"];

/// Why nothing, or not all, was loaded.
#[derive(Debug)]
pub enum SeedFailure {
    UnknownSet(String),
    Production,
    InMemory,
    /// The installation has an owner, and not the made-up one.
    SomebodyElses,
    /// The databases cannot be used; the cause says what to do.
    Start(application::Failure),
    /// A use case refused a step.
    Refused {
        step: String,
        problem: Box<Problem>,
    },
}

impl fmt::Display for SeedFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSet(name) => write!(out, "there is no set `{name}`; there is {}", SETS.join(", ")),
            Self::Production => out.write_str("production mode refuses made-up data: everybody knows the password of its owner"),
            Self::InMemory => out.write_str("the databases are in memory, where nothing would stay: `larder demo` serves the same data from memory"),
            Self::SomebodyElses => out.write_str(
                "this installation is set up already, by somebody else: made-up data is loaded only into one that nobody has set up. Nothing was changed.",
            ),
            Self::Start(failure) => failure.fmt(out),
            Self::Refused { step, problem } => write!(out, "the step `{step}` was refused ({}): {}", problem.code, problem.detail),
        }
    }
}

impl std::error::Error for SeedFailure {}

pub async fn run(settings: &Settings, asked: Seed) -> Exit {
    let mut report = Report::new("seed", asked.which.json);
    if asked.which.db != Selection::All {
        return report.refuse("a set is loaded through both modules: leave --db away");
    }
    match seed(settings, &asked.set).await {
        Ok(lines) => {
            for line in lines {
                report.line(line);
            }
            report.end(Exit::Done)
        }
        Err(SeedFailure::Start(application::Failure::Database(failure))) => report.fail(&failure),
        Err(failure) => report.refuse(failure),
    }
}

/// Loads a set into the configured databases, and answers what was done, in words.
pub async fn seed(settings: &Settings, set: &str) -> Result<Vec<String>, SeedFailure> {
    if !SETS.contains(&set) {
        return Err(SeedFailure::UnknownSet(set.to_owned()));
    }
    if settings.mode == Mode::Production {
        return Err(SeedFailure::Production);
    }
    if matches!(settings.database.auth.target, Target::Memory) {
        return Err(SeedFailure::InMemory);
    }
    let (steps, token) = (Steps::default(), setup_token(settings));
    let surroundings = Surroundings { clock: Surroundings::system().clock, ids: steps.ids() };
    let now = surroundings.clock.now();
    let application = Application::build(unserved(settings, &token), surroundings).await.map_err(SeedFailure::Start)?;
    let seeding = Seeding { application: &application, steps };
    let mut lines = seeding.set_up(&token).await?;
    lines.extend(seeding.play(&demo::steps(now)).await?);
    if lines.is_empty() {
        return Ok(vec!["everything is there already; nothing was changed".to_owned()]);
    }
    lines.push(format!("log in as {} with the password: {}", demo::EMAIL, demo::PASSWORD));
    Ok(lines)
}

/// The token of the settings, or one that is never shown: where it was made by a server, only its hash is known.
fn setup_token(settings: &Settings) -> String {
    settings.setup_token.given().map_or_else(|| hex(&Ids::System.bytes::<24>()), str::to_owned)
}

/// Nobody is served; the port that an application has is one that nobody knows.
fn unserved(settings: &Settings, token: &str) -> Settings {
    let mut settings = settings.clone();
    settings.setup_token = Secret::new(token);
    "127.0.0.1".clone_into(&mut settings.server.host);
    settings.server.port = 0;
    settings
}

/// The steps before those of the story. The tenant's place in inventory comes first: the set-up would make it, too, but not
/// where it was killed in between.
const HOME: &str = "home";
const SETUP: &str = "setup";
/// The places of the set-up's identifiers.
const OWNER: u64 = 0;
const TENANT: u64 = 1;

struct Seeding<'a> {
    application: &'a Application,
    steps: Steps,
}

impl Seeding<'_> {
    /// Makes owner and tenant, where they are not there.
    async fn set_up(&self, token: &str) -> Result<Vec<String>, SeedFailure> {
        let tenant_id = Steps::id(SETUP, TENANT);
        let auth = self.application.auth();
        let is_there = auth.tenant(tenant_id).await.map_err(|error| refused(SETUP, error.into()))?.is_some();
        if !is_there {
            self.refuse_somebody_elses().await?;
        }
        self.steps.begin(HOME);
        let facts = inventory::TenantFacts { tenant_id, currency: demo::CURRENCY.to_owned(), time_zone: demo::TIME_ZONE.to_owned() };
        self.application.inventory().ensure_tenant(facts).await.map_err(|error| refused(HOME, error.into()))?;
        if is_there {
            return Ok(Vec::new());
        }
        self.steps.begin(SETUP);
        demo::set_up(self.application, token).await.map_err(|error| refused(SETUP, error.into()))?;
        Ok(vec![format!("set up the kitchen of {}", demo::EMAIL)])
    }

    /// Asks at the door, with a token that is surely wrong: it says whether the set-up is over, and does nothing.
    async fn refuse_somebody_elses(&self) -> Result<(), SeedFailure> {
        let wrong = hex(&Ids::System.bytes::<24>());
        match demo::set_up(self.application, &wrong).await {
            Err(auth::Error::AlreadyBootstrapped) => Err(SeedFailure::SomebodyElses),
            Ok(_) | Err(auth::Error::SetupTokenInvalid) => Ok(()),
            Err(error) => Err(refused(SETUP, error.into())),
        }
    }

    /// Takes the steps of the story whose things are not there, and answers what there is to tell of those.
    async fn play(&self, story: &[Step]) -> Result<Vec<String>, SeedFailure> {
        let caller = owner();
        let mut kitchen = Kitchen::of(self.application.inventory(), &caller);
        let mut told = Vec::new();
        for step in story {
            let id = Steps::id(&step.name, 0);
            if self.is_there(&caller, step, id).await? {
                kitchen.leave_out(step, id);
                continue;
            }
            self.steps.begin(&step.name);
            match kitchen.take(step).await {
                Ok(line) => told.extend(line),
                // Somebody made one of the same name by hand, or another seeding runs at this moment.
                Err(problem) if problem.code == "already_exists" => kitchen.leave_out(step, id),
                Err(problem) => return Err(refused(&step.name, problem)),
            }
        }
        Ok(told)
    }

    async fn is_there(&self, caller: &Caller, step: &Step, id: Uuid) -> Result<bool, SeedFailure> {
        let found = inventory::presence::execute(self.application.inventory(), caller, step.makes(), id).await;
        found.map_err(|error| refused(&step.name, error.into()))
    }
}

/// The made-up owner. There is no session: a log-in would be a row more with every run.
fn owner() -> Caller {
    Caller { tenant_id: Steps::id(SETUP, TENANT), user_id: Steps::id(SETUP, OWNER), session_id: None, permissions: Permissions::all(), sites: Sites::All }
}

fn refused(step: &str, problem: Problem) -> SeedFailure {
    SeedFailure::Refused { step: step.to_owned(), problem: Box::new(problem) }
}
