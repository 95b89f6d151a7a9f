//! `larder db repair`: the difference first, then, if that is meant, the checksum.

use larder::module::Module;

use crate::db::{Ground, execute, texts};
use crate::support::Engine;

on_both! {
    async fn shows_the_difference_before_it_accepts(engine: Engine) {
        let Some(ground) = Ground::deployed(engine).await else { return };
        let database = ground.connect(Module::Inventory).await;
        let name = &Module::Inventory.migrations()[0];
        ground.run(&["repair", name]).says(0, "nothing to repair");
        execute(
            &database,
            &format!("UPDATE _larder_migrations SET checksum = 'other', sql = replace(sql, 'larder_module', 'larder_modules') WHERE version = '{name}'"),
        )
        .await;
        let shown = ground.run(&["repair", name]);
        shown.is(2);
        let (removed, added): (Vec<_>, Vec<_>) = shown.stdout.lines().filter(|line| line.starts_with(['-', '+'])).partition(|line| line.starts_with('-'));
        assert!(removed.iter().all(|line| line.contains("larder_modules")) && !removed.is_empty(), "{}", shown.stdout);
        assert!(added.iter().all(|line| line.contains("larder_module\"")) && added.len() == removed.len(), "{}", shown.stdout);
        // Showing changed nothing.
        ground.run(&["status"]).is(4);
        ground.run(&["repair", name, "--yes"]).says(0, "has accepted");
        ground.run(&["status"]).is(0);
        ground.run(&["deploy"]).says(0, "up to date");
        assert_eq!(texts(&database, &format!("SELECT sql FROM _larder_migrations WHERE version = '{name}' AND sql LIKE '%larder_modules%'")).await.len(), 0);
        ground.run(&["repair", "m19990101_000001_nothing"]).says(1, "there is no migration m19990101_000001_nothing");
        drop(database);
        ground.remove().await;
    }
}
