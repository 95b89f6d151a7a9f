//! What each database says of itself.

use kernel::{Clock, database};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, Statement};

use super::Finding;
use crate::databases::{self, Role};
use crate::db::deploy;
use crate::failure::{Cause, Failure};
use crate::health::MOST_SKEW;
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// Migrations of both; of those on Postgres also clock and role.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for module in Module::ALL {
        match &module.place(&settings.database).target {
            Target::Memory => findings.push(Finding::fine("migrations", format!("{module} is in memory"))),
            Target::Sqlite(path) if path.try_exists().is_ok_and(|is_there| !is_there) => {
                findings.push(Finding::fine("migrations", format!("{module} is made at the first start")))
            }
            target => match databases::connect(module, target, &settings.database.limits, Role::Inspector).await {
                Ok(connection) => {
                    findings.push(migrations(&connection, module, target).await);
                    if target.is_postgres() {
                        findings.push(clock(&connection, module, target).await);
                        findings.push(role(&connection, module, target).await);
                    }
                    deploy::close(connection).await;
                }
                Err(failure) => findings.push(Finding::of("database", &failure)),
            },
        }
    }
    findings
}

async fn migrations(connection: &DatabaseConnection, module: Module, target: &Target) -> Finding {
    const CHECK: &str = "migrations";
    let found = match databases::inspect(connection, module, target).await {
        Ok(found) => found,
        Err(failure) => return Finding::of(CHECK, &failure),
    };
    if let Err(failure) = databases::refuse_strange(&found, module, target) {
        return Finding::of(CHECK, &failure);
    }
    if found.pending.is_empty() {
        Finding::fine(CHECK, format!("{module} is up to date"))
    } else {
        Finding::of(CHECK, &Failure::new(module, target, Cause::Pending(found.pending)))
    }
}

async fn clock(connection: &DatabaseConnection, module: Module, target: &Target) -> Finding {
    const CHECK: &str = "clock";
    match database::skew(connection, &Clock::System).await {
        Ok(skew) => judged(module, skew.unwrap_or_default()),
        Err(error) => Finding::of(CHECK, &failed(module, target, error)),
    }
}

fn judged(module: Module, skew: chrono::TimeDelta) -> Finding {
    const CHECK: &str = "clock";
    if skew.abs() <= MOST_SKEW {
        return Finding::fine(CHECK, format!("that of {module} agrees with this machine's"));
    }
    let way = if skew < chrono::TimeDelta::zero() { "behind" } else { "ahead of" };
    Finding::wrong(
        CHECK,
        format!("that of {module} is {} s {way} this machine's", skew.num_seconds().abs()),
        "Set both by NTP; until then the server is not ready",
    )
}

async fn role(connection: &DatabaseConnection, module: Module, target: &Target) -> Finding {
    const CHECK: &str = "role";
    let asked = "SELECT current_user::text AS name, (rolsuper OR rolcreaterole OR rolbypassrls) AS may_all FROM pg_roles WHERE rolname = current_user";
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), asked)).await;
    let told = row.and_then(|row| row.ok_or_else(|| DbErr::RecordNotFound("the role".into())));
    match told.and_then(|row| Ok((row.try_get::<String>("", "name")?, row.try_get::<bool>("", "may_all")?))) {
        Ok((name, false)) => Finding::fine(CHECK, format!("{module} runs as {name}")),
        Ok((name, true)) => {
            let next = format!("Give {} the role that scripts/postgres-roles.sql makes for the server", module.url_variable());
            Finding::wrong(CHECK, format!("{module} runs as {name}, who may do everything on the server"), next)
        }
        Err(error) => Finding::of(CHECK, &failed(module, target, error)),
    }
}

fn failed(module: Module, target: &Target, error: DbErr) -> Failure {
    Failure::new(module, target, Cause::Database(error))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn clocks_may_be_five_seconds_apart_and_no_more() {
        for (milliseconds, is_wrong) in [(0, false), (5_000, false), (-5_000, false), (5_001, true), (-60_000, true)] {
            assert_eq!(judged(Module::Auth, TimeDelta::milliseconds(milliseconds)).is_wrong(), is_wrong, "{milliseconds}");
        }
        assert!(judged(Module::Auth, TimeDelta::seconds(-60)).message.contains("60 s behind"));
    }
}
