//! `larder auth`: what whoever runs the installation does about users, keys and the secret, with the server down or up. One file for each
//! command; what they do is in the module's `admin`.

mod accept_secret_loss;
mod after_restore;
mod bootstrap;
mod disable_mfa;
mod make_owner;
mod open;
mod reset_link;
mod revoke_sessions;
mod rotate_keys;
mod rotate_secret;
mod unlock;

use clap::{Args, Subcommand};
use sea_orm::prelude::Uuid;

use crate::db::{Exit, Report};
use crate::settings::Settings;
use open::Refused;

pub use open::is_owned_by_another;

const EXITS: &str = "A running server follows within five seconds. Exit codes: 0 done, 1 error or refused, 2 pending migrations, 4 not the auth database.";

#[derive(Subcommand)]
#[command(after_help = EXITS)]
pub enum Command {
    /// Make another setup token, in place of one that nobody has or too many have; as long as nobody has set up.
    Bootstrap(Asked),
    /// Make a link by which a user sets another password, to hand over: good for an hour, once.
    ResetLink(OfUser),
    /// Let a user try again whom failed log-ins of others keep out, and make a known device for them.
    Unlock(OfUser),
    /// End sessions: of one user, or everybody's.
    RevokeSessions(RevokeSessions),
    /// Take away a second factor that its user has lost, with the recovery codes.
    DisableMfa(OfUser),
    /// Publish the next signing key, or sign with it where it has been published for a day.
    RotateKeys(RotateKeys),
    /// Seal everything under another secret key.
    RotateSecret(Asked),
    /// Give up what a lost secret key has sealed: sessions, signing keys, second factors, links.
    AcceptSecretLoss(AcceptSecretLoss),
    /// After a database was restored or copied: void all that was handed out before, and list who may come in.
    AfterRestore(Asked),
    /// Make a user an owner of a tenant.
    MakeOwner(MakeOwner),
}

#[derive(Args)]
pub struct Asked {
    /// One JSON object, on one line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct OfUser {
    /// The user's e-mail address.
    email: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["email", "all"])))]
pub struct RevokeSessions {
    /// The user's e-mail address.
    email: Option<String>,
    /// Everybody's.
    #[arg(long)]
    all: bool,
    /// End their API keys as well, for good.
    #[arg(long)]
    keys: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Args)]
pub struct RotateKeys {
    /// Sign with the next key at once.
    #[arg(long, conflicts_with = "remove")]
    now: bool,
    /// Trust a key no longer that somebody else may have; another one signs at once.
    // One key in 64 begins with a hyphen.
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    remove: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Args)]
pub struct AcceptSecretLoss {
    /// Needed: everybody logs in again, and second factors are set up anew.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Args)]
pub struct MakeOwner {
    /// The user's e-mail address.
    email: String,
    /// The tenant; needed where it could be one of several.
    #[arg(long, value_name = "ID")]
    tenant: Option<Uuid>,
    #[command(flatten)]
    asked: Asked,
}

/// Runs a command and reports on it.
pub async fn run(settings: &Settings, command: Command) -> Exit {
    match command {
        Command::Bootstrap(asked) => answer(asked, async |report| bootstrap::run(settings, report).await).await,
        Command::ResetLink(of) => answer(of.asked, async |report| reset_link::run(settings, report, &of.email).await).await,
        Command::Unlock(of) => answer(of.asked, async |report| unlock::run(settings, report, &of.email).await).await,
        Command::RevokeSessions(of) => answer(of.asked, async |report| revoke_sessions::run(settings, report, of.email.as_deref(), of.keys).await).await,
        Command::DisableMfa(of) => answer(of.asked, async |report| disable_mfa::run(settings, report, &of.email).await).await,
        Command::RotateKeys(how) => answer(how.asked, async |report| rotate_keys::run(settings, report, how.now, how.remove.as_deref()).await).await,
        Command::RotateSecret(asked) => answer(asked, async |report| rotate_secret::run(settings, report).await).await,
        Command::AcceptSecretLoss(how) => answer(how.asked, async |report| accept_secret_loss::run(settings, report, how.yes).await).await,
        Command::AfterRestore(asked) => answer(asked, async |report| after_restore::run(settings, report).await).await,
        Command::MakeOwner(of) => answer(of.asked, async |report| make_owner::run(settings, report, &of.email, of.tenant).await).await,
    }
}

async fn answer(asked: Asked, work: impl AsyncFnOnce(&mut Report) -> Result<(), Refused>) -> Exit {
    let mut report = Report::new("lines", asked.json);
    match work(&mut report).await {
        Ok(()) => report.end(Exit::Done),
        Err(Refused::Failure(failure)) => report.fail(&failure),
        Err(Refused::Why(why)) => report.refuse(why),
    }
}
