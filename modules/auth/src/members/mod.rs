//! Users, tenants, and who is a member of which.

pub(crate) mod repository;
