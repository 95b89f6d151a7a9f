//! A new password for somebody who has lost theirs.

pub(crate) mod forgot;
pub(crate) mod reset;
