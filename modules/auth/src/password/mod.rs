//! Passwords: how good a new one must be, and how they are hashed.

mod hashing;
mod policy;

pub(crate) use hashing::{Hasher, Lane, Place, Verified};
use kernel::{Flaw, Problem, Violation};
pub(crate) use policy::{Password, Policy};

use crate::State;
use crate::error::Error;

/// Hashes a new password, where it is not easily guessed by somebody who knows what it is `about`: 422 else.
pub(crate) async fn hash_new(state: &State, password: Password, about: &[String]) -> Result<String, Error> {
    let (policy, about) = (state.policy, about.to_vec());
    let judged = state.hasher.run(move || {
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        policy.judge(&password, &about).map(|()| password)
    });
    let password = judged.await?.map_err(|flaw| Error::Refused(Problem::invalid(vec![in_password(flaw)])))?;
    state.hasher.hash(password, state.ids.bytes()).await
}

pub(crate) fn in_password(flaw: Flaw) -> Violation {
    Violation { pointer: "/password".into(), code: flaw.code.into(), detail: flaw.detail }
}
