//! Codes of an authenticator app (RFC 6238): six digits of each thirty seconds, with SHA-1, as every such app knows them. Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Ids, Instant};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// As many bytes as the hash has (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// How many steps a clock may be ahead or behind.
const SKEW_STEPS: i64 = 1;
/// Whose code it is: the name that an app shows.
const ISSUER: &str = "Larder";

/// What an app and this server share. It has no `Debug`: it is a credential.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(super) fn generate(ids: &Ids) -> Self {
        Self(Zeroizing::new(ids.bytes::<SECRET_BYTES>().to_vec()))
    }

    pub(super) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// To be typed into an app.
    pub(super) fn text(&self) -> String {
        base32(&self.0)
    }

    /// What an app reads as a QR code.
    pub(super) fn uri(&self, account: &str) -> String {
        let account = percent_encoded(account);
        format!("otpauth://totp/{ISSUER}:{account}?secret={}&issuer={ISSUER}&algorithm=SHA1&digits=6&period={STEP_SECONDS}", self.text())
    }

    /// The step of which this is the code: at `now` or one beside it, and after `last`, the last one that was used. Of several the latest,
    /// so that the same digits are not taken again.
    pub(super) fn step_of(&self, code: &str, now: Instant, last: Option<i64>) -> Option<i64> {
        let present = now.micros().div_euclid(1_000_000 * STEP_SECONDS);
        let steps = (present - SKEW_STEPS..=present + SKEW_STEPS).rev();
        // Each is compared, whichever is right.
        let right: Vec<i64> = steps.filter(|step| bool::from(self.code(*step).as_bytes().ct_eq(code.as_bytes()))).collect();
        right.into_iter().find(|step| last.is_none_or(|last| *step > last))
    }

    /// RFC 4226, section 5.3.
    fn code(&self, step: i64) -> String {
        let mac: Option<Hmac<Sha1>> = Hmac::new_from_slice(&self.0).ok();
        let Some(mut mac) = mac else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash.last().copied().unwrap_or_default() & 0x0f);
        let number = hash.iter().skip(offset).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// RFC 4648, section 6, without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |group: &[u8], index: usize| {
        let number = group.iter().chain(&[0; 5]).take(5).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let place = usize::try_from(number >> (35 - 5 * index) & 0x1f).unwrap_or_default();
        ALPHABET.get(place).map(|letter| char::from(*letter))
    };
    bytes.chunks(5).flat_map(|group| (0..(group.len() * 8).div_ceil(5)).filter_map(move |index| letter(group, index))).collect()
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(secret().step_of(code, at(seconds), None), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_each_step_once() {
        let code = secret().code(100);
        for (seconds, step) in [(2_969, None), (2_970, Some(100)), (3_000, Some(100)), (3_059, Some(100)), (3_060, None)] {
            assert_eq!(secret().step_of(&code, at(seconds), None), step, "{seconds}");
        }
        assert_eq!(secret().step_of(&code, at(3_000), Some(99)), Some(100));
        assert_eq!(secret().step_of(&code, at(3_000), Some(100)), None);
        assert_eq!(secret().step_of(&code, at(3_000), Some(101)), None, "nor one that is older than what was used");
        for wrong in ["", "0", "28708", "2870820", "abcdef"] {
            assert_eq!(secret().step_of(wrong, at(59), None), None, "{wrong}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648_without_padding() {
        for (plain, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }

    #[test]
    fn an_app_reads_whose_secret_it_is() {
        let uri = secret().uri("mia+stock@example.org");
        let expected =
            "otpauth://totp/Larder:mia%2Bstock%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Larder&algorithm=SHA1&digits=6&period=30";
        assert_eq!(uri, expected);
    }
}
