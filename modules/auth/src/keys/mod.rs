//! The secret key of the installation, and the key pairs that sign access tokens.

pub(crate) mod repository;
mod ring;
mod rotate;
mod rotation;
mod secret;
mod secrets;
mod signing;
mod vault;

pub(crate) use ring::Keyring;
pub(crate) use rotate::Rotation;
pub use rotation::Wish;
pub use secret::SecretKey;
pub(crate) use secrets::KeyFile;
pub use secrets::Secrets;
pub use signing::PublicKey;
pub(crate) use signing::SigningKey;
pub(crate) use vault::{Purpose, Sealed, Vault};
