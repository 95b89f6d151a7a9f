//! `larder db down`: reverts the last migrations, with the data in what they made. For development databases.

use migration_history::down;

use super::deploy::{self, Line, close, refused};
use super::status::recording;
use super::{Exit, Report, is_there, owners, refuse_destruction, refuse_memory};
use crate::databases::{self, Role};
use crate::failure::Failure;
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

pub async fn run(settings: &Settings, asked: super::Down) -> Exit {
    let mut report = Report::new("migrations", asked.which.json);
    let module = match asked.which.db.one("down reverts migrations of one database") {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    let target = owners(settings, module);
    let what = format!("reverting {} migrations of {target} drops tables with what is in them", asked.steps);
    let outcome = match refuse_memory(settings, module, "revert").and_then(|()| refuse_destruction(settings, module, &what, asked.yes)) {
        Ok(()) => revert(settings, module, asked.steps, &mut report).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => report.end(Exit::Done),
        Err(failure) => report.fail(&failure),
    }
}

async fn revert(settings: &Settings, module: Module, steps: usize, report: &mut Report) -> Result<(), Failure> {
    let (target, limits) = (owners(settings, module), &settings.database.limits);
    let recording = recording(module, target).await?;
    if !is_there(target) {
        report.remark(format_args!("{:<10} nothing is applied", module.name()));
        return Ok(());
    }
    let connection = databases::connect(module, target, limits, Role::Migrator).await?;
    databases::refuse_strange(&databases::inspect(&connection, module, target).await?, module, target)?;
    let lock = match target {
        Target::Postgres(_) => Some(deploy::lock(module, target, limits).await?),
        _ => None,
    };
    let mut reverted = 0;
    let mut tell = |step| {
        reverted += 1;
        report.line(Line::new(module, "reverted", step));
    };
    down(&connection, module.schema(), &recording, steps, &mut tell).await.map_err(|error| refused(module, target, error))?;
    if reverted == 0 {
        report.remark(format_args!("{:<10} nothing is applied", module.name()));
    }
    close(connection).await;
    drop(lock);
    Ok(())
}
