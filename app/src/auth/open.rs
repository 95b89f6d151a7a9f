//! Opening the auth database for a command, beside a server that may run.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use auth::admin::{Admin, SecretChange};
use auth::{Carrier, Secrets};
use kernel::Database;

use crate::application::{self, Surroundings};
use crate::databases;
use crate::failure::{Cause, Failure};
use crate::mail::Smtp;
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// Why a command has done nothing.
pub enum Refused {
    Failure(Failure),
    Why(String),
}

impl Refused {
    /// What the module says, in the words of the command line.
    pub fn of(settings: &Settings, error: auth::Error) -> Self {
        match error {
            auth::Error::Database(error) => Self::Failure(Failure::new(Module::Auth, &settings.database.auth.target, Cause::Database(error))),
            error => Self::Why(kernel::problem::chain(&error)),
        }
    }
}

impl From<application::Failure> for Refused {
    fn from(failure: application::Failure) -> Self {
        match failure {
            application::Failure::Database(failure) => Self::Failure(failure),
            failure => Self::Why(failure.to_string()),
        }
    }
}

pub async fn admin(settings: &Settings) -> Result<Admin, Refused> {
    let (database, secrets) = parts(settings).await?;
    let Surroundings { clock, ids } = Surroundings::system();
    let carrier = Smtp::new(&settings.mail).map_err(|unusable| Refused::Why(unusable.0))?.map(|smtp| Arc::new(smtp) as Arc<dyn Carrier>);
    Admin::open(database, &settings.auth.public_url, secrets, clock, ids, carrier).await.map_err(|error| Refused::of(settings, error))
}

pub async fn secret_change(settings: &Settings) -> Result<(SecretChange, Secrets), Refused> {
    let (database, secrets) = parts(settings).await?;
    let Surroundings { clock, ids } = Surroundings::system();
    Ok((SecretChange::of(database, clock, ids), secrets))
}

async fn parts(settings: &Settings) -> Result<(Database, Secrets), Refused> {
    match &settings.database.auth.target {
        Target::Memory => return Err(Refused::Why("the databases are in memory: there is nothing to look after".into())),
        Target::Sqlite(path) => refuse_anothers(path)?,
        Target::Postgres(_) => {}
    }
    let database = databases::open_auth(settings).await.map_err(Refused::Failure)?;
    Ok((database, application::secrets(settings)?))
}

/// What another user would make beside the file, the server could not open.
fn refuse_anothers(path: &Path) -> Result<(), Refused> {
    match is_owned_by_another(path) {
        Ok(None) => Ok(()),
        Ok(Some(owner)) => Err(Refused::Why(format!("{} belongs to the user with the id {owner}: run this command as that one", path.display()))),
        Err(error) => Err(Refused::Why(format!("the auth database {} cannot be opened: {error}", path.display()))),
    }
}

/// The id of the user whom a file belongs to, where that is not the one who runs this program.
pub fn is_owned_by_another(path: &Path) -> std::io::Result<Option<u32>> {
    let owner = path.metadata()?.uid();
    Ok(Some(owner).filter(|owner| *owner != rustix::process::geteuid().as_raw()))
}
