//! `larder auth rotate-keys [--now | --remove KID]`: another signing key before its time.

use kernel::Instant;
use serde::Serialize;

use super::Admin;
use crate::error::Error;
use crate::keys::{Rotation, Wish, repository};

/// A signing key as it stands.
#[derive(Debug, Serialize)]
pub struct Key {
    pub kid: String,
    /// `pending`, `active` or `retired`.
    pub status: String,
    /// Since when it is that.
    pub since: Instant,
}

impl Admin {
    /// Does what is due, and what is wished beside it; answers the keys as they are then.
    pub async fn rotate_keys(&self, wish: Wish) -> Result<Vec<Key>, Error> {
        let tools = &self.tools;
        let rotation = Rotation::begin(&tools.vault, &tools.clock, &tools.ids, wish)?;
        self.database.write(rotation, |rotation, txn| Box::pin(rotation.turn(txn))).await?;
        self.keys().await
    }

    /// For a key that somebody else may have: from now on nothing that it signed is believed. 404 where there is no such key.
    pub async fn remove_key(&self, kid: &str) -> Result<Vec<Key>, Error> {
        let tools = &self.tools;
        let rotation = Rotation::begin(&tools.vault, &tools.clock, &tools.ids, Wish::WhatIsDue)?;
        let input = (rotation, kid.to_owned());
        self.database.write(input, |(rotation, kid), txn| Box::pin(rotation.remove(txn, kid))).await?;
        self.keys().await
    }

    async fn keys(&self) -> Result<Vec<Key>, Error> {
        let rows = repository::all(self.database.reader()).await?;
        let key = |row: auth_entity::signing_key::Model| {
            let since = row.retired_at.or(row.activated_at).unwrap_or(row.created_at);
            Key { kid: row.kid, status: row.status, since: since.into() }
        };
        Ok(rows.into_iter().map(key).collect())
    }
}
