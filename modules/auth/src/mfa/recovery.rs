//! Recovery codes: what lets a user in who has lost their authenticator app. Each is used once.

use auth_entity::recovery_code;
use kernel::{Ids, Instant};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::repository;
use super::totp::base32;
use crate::credential;

/// How many a user is given.
const CODES: usize = 10;
/// 120 random bits: too many for anybody who has stolen the hashes (ASVS 5.0, 6.5.2, asks for 112 where the hash is a fast one).
const BYTES: usize = 15;

/// Ten new ones in the place of all that there were. They are shown this once.
pub(super) async fn replace(txn: &impl ConnectionTrait, user_id: Uuid, ids: &Ids, now: Instant) -> Result<Vec<String>, DbErr> {
    let codes: Vec<String> = (0..CODES).map(|_| generate(ids)).collect();
    repository::delete_recovery_codes(txn, user_id).await?;
    let row = |code: &String| recovery_code::Model { id: ids.next(now), user_id, code_hash: hash(user_id, code), created_at: now.into(), used_at: None };
    repository::insert_recovery_codes(txn, codes.iter().map(row).collect()).await?;
    Ok(codes)
}

/// In groups of four, to be written down and typed.
fn generate(ids: &Ids) -> String {
    let letters = base32(&ids.bytes::<BYTES>()).to_lowercase();
    let letters: Vec<char> = letters.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// What is kept of one, however it is typed. With whose it is, so that nobody else's is like it.
pub(super) fn hash(user_id: Uuid, code: &str) -> String {
    let letters: String = code.chars().filter(|letter| letter.is_alphanumeric()).collect();
    credential::hash(&format!("{user_id}:{}", letters.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_again_however_it_is_typed_and_under_its_own_user() {
        let (code, user_id) = (generate(&Ids::seeded(1)), Uuid::from_u128(1));
        assert!(code.len() == 29 && code.split('-').count() == 6, "{code}");
        for typed in [code.to_uppercase(), code.replace('-', ""), code.replace('-', " ")] {
            assert_eq!(hash(user_id, &typed), hash(user_id, &code), "{typed}");
        }
        assert_ne!(hash(Uuid::from_u128(2), &code), hash(user_id, &code));
        assert_ne!(generate(&Ids::seeded(2)), code);
    }
}
