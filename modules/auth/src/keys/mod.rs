//! The secret key of the installation, and the key pairs that sign access tokens.

pub(crate) mod repository;
mod secret;
mod signing;
mod vault;

pub use secret::SecretKey;
pub use signing::PublicKey;
pub(crate) use signing::{Keyring, SigningKey};
pub(crate) use vault::{Purpose, Sealed, Vault};
