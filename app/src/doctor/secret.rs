//! Whether the secret key is the one that the auth database was made with, and only its owner may read it.

use auth::Error;
use auth::admin::Admin;

use super::Finding;
use crate::application::{self, Surroundings};
use crate::auth::is_owned_by_another;
use crate::databases;
use crate::settings::Settings;
use crate::target::Target;

const CHECK: &str = "secret key";

pub(super) async fn fits(settings: &Settings) -> Finding {
    match &settings.database.auth.target {
        Target::Memory => return Finding::fine(CHECK, "none is kept for databases in memory"),
        Target::Sqlite(path) if path.try_exists().is_ok_and(|is_there| !is_there) => return Finding::fine(CHECK, "no server was started yet"),
        // Opening it as another user would leave files that its own cannot open.
        Target::Sqlite(path) if !matches!(is_owned_by_another(path), Ok(None)) => {
            return Finding::wrong(CHECK, "it cannot be held against the database of another user", "Run this as the user of the server");
        }
        Target::Sqlite(_) | Target::Postgres(_) => {}
    }
    let secrets = match application::secrets(settings) {
        Ok(secrets) => secrets,
        Err(failure) => return Finding::wrong(CHECK, failure.to_string(), "Nobody but the user of the server may read it"),
    };
    let database = match databases::open_auth(settings).await {
        Ok(database) => database,
        Err(failure) => return Finding::of(CHECK, &failure),
    };
    let Surroundings { clock, ids } = Surroundings::system();
    match Admin::open(database, &settings.auth.public_url, secrets, clock, ids, None).await {
        Ok(_) => Finding::fine(CHECK, "it is the one of the auth database. Is there a copy of it, apart from the backups?"),
        Err(Error::NotStartedYet) => Finding::fine(CHECK, "no server was started yet"),
        Err(error) => Finding::wrong(CHECK, kernel::problem::chain(&error), "docs/runbook.md, section 7, says what can be done about a lost key"),
    }
}
