//! Invariant 7: who was removed is out within five seconds at every other replica, and at once at the one that did it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kernel::Ids;
use larder::Surroundings;
use serde_json::Value;

use crate::support::patience::HANGS;
use crate::support::process::Process;
use crate::support::{Api, Client, Engine, Stores, fixed_clock};

const ME: &str = "/v1/auth/me";
/// How long what was read from the database may be believed.
const BELIEVED: Duration = Duration::from_secs(5);

async fn remove(owner: &Client, member: &str) -> Value {
    owner.delete(&format!("/v1/auth/tenants/{}/members/{member}", owner.tenant_id), None).await.ok(200)
}

async fn membership(client: &Client) -> String {
    client.get(ME).await.ok(200)["membership_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_out_after_five_seconds_at_another_replica_and_at_once_at_this_one() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (stores, surroundings) = (Arc::new(stores), Surroundings { clock: fixed_clock(), ids: Ids::System });
    let (here, there) = (Api::start(stores.clone(), &[], surroundings.clone()).await, Api::start(stores.clone(), &[], surroundings).await);
    let owner = here.owner().await;
    let cook = here.member("staff", None).await;
    let away = cook.at(&there);
    let theirs = membership(&cook).await;
    away.get(ME).await.ok(200);
    remove(&owner, &theirs).await;
    cook.get(ME).await.refused(401, "session_revoked");
    cook.get("/v1/inventory/units").await.refused(401, "session_revoked");
    here.advance(TimeDelta::seconds(5));
    away.get("/v1/inventory/units").await.refused(401, "session_revoked");
    away.get(ME).await.refused(401, "session_revoked");
    here.stop().await;
    there.stop().await;
    stores.remove().await;
}

/// Asks again and again, so that what is remembered is filled anew at every moment, also while the member is removed; answers when
/// the last request began that was let in.
async fn hammer(client: Client, removed: tokio::sync::watch::Receiver<Option<Instant>>) -> Option<Instant> {
    let (mut last, give_up) = (None, Instant::now() + HANGS);
    loop {
        let begun = Instant::now();
        assert!(begun < give_up, "nobody removes the member");
        let is_over = removed.borrow().is_some_and(|at| begun >= at + BELIEVED);
        let reply = client.get("/v1/inventory/units?limit=1").await;
        match reply.status {
            200 => last = Some(begun),
            _ => drop(reply.refused(401, "session_revoked")),
        }
        if is_over {
            return last;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_out_within_five_seconds_at_another_process_whatever_it_reads_meanwhile() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (stores, mut variables) = (Arc::new(stores), BTreeMap::new());
    variables.extend(stores.variables());
    let serve = || Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let processes = [serve(), serve()];
    let (here, there) = (Api::of_process(stores.clone(), &processes[0]).await, Api::of_process(stores.clone(), &processes[1]).await);
    let owner = here.owner().await;
    // Each with sessions of its own, so that one of them is always about to be read.
    let email = here.add_member(owner.tenant_id, "staff", None).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(there.log_in(&email).await);
    }
    let theirs = membership(&sessions[0]).await;
    let (tell, removed) = tokio::sync::watch::channel(None);
    let asking: Vec<_> = sessions.iter().map(|client| tokio::spawn(hammer(client.clone(), removed.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    remove(&owner, &theirs).await;
    let at = Instant::now();
    tell.send(Some(at)).expect("somebody asks");
    for asking in asking {
        let last = asking.await.expect("the asking");
        assert!(last.is_none_or(|last| last < at + BELIEVED), "let in {:?} after the removal", last.map(|last| last - at));
    }
    for client in &sessions {
        client.get(ME).await.refused(401, "session_revoked");
    }
    drop(processes);
    stores.remove().await;
}
