//! `larder db baseline --to NAME`: writes the history of a database that was made by the script of `larder db plan`, where its
//! schema is exactly what the migrations up to that one make.

use super::{Exit, Report};
use crate::settings::Settings;

pub async fn run(settings: &Settings, asked: super::Baseline) -> Exit {
    let report = Report::new("differences", asked.which.json);
    #[cfg(feature = "schema-tools")]
    return super::tools::baseline(settings, asked, report).await;
    #[cfg(not(feature = "schema-tools"))]
    {
        let _ = (settings, asked);
        report.refuse("this build has no schema tools, which compare the schema: run baseline from a checkout, or build with the feature schema-tools")
    }
}
