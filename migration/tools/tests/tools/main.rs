//! The schema tools on migrations that no module has.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

mod drift;
mod generate;

use sea_orm::{Database, DatabaseConnection};

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is to test with")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "this test is no part of the server")]
async fn connect(url: &str) -> DatabaseConnection {
    Database::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}
