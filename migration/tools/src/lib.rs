//! What only those need who work on the schema: the differ, the linter, the generator. The deployed binary is built without.

pub mod check;
pub mod checkout;
pub mod drift;
pub mod generate;
pub mod lint;
pub mod locks;
pub mod new;
pub mod shadow;
mod words;
