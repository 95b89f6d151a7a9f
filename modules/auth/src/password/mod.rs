//! Passwords: which are taken, and how they are hashed without eating the machine.

mod hashing;
mod policy;

pub(crate) use hashing::{Hasher, Lane, Place, Verified};
pub(crate) use policy::{Password, Policy};
