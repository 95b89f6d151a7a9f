//! E-mail addresses: how they look, and how two are found to be the same.

use kernel::{Flaw, FromValue, Text};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

/// An address as it was written, and the form by which it is found again.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) text: String,
    pub(crate) key: EmailKey,
}

/// The composed, lower-case form of an address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailKey(pub(crate) String);

impl EmailKey {
    pub(crate) fn of(address: &str) -> Self {
        Self(address.trim().nfc().collect::<String>().to_lowercase().nfc().collect())
    }
}

impl FromValue for Email {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let text = Text::<1, 254>::from_value(value)?.0;
        let key = EmailKey::of(&text);
        // Lower-casing may lengthen a text; the column does not.
        if !looks_right(&text.nfc().collect::<String>()) || key.0.chars().count() > 254 {
            return Err(Flaw::new("invalid_email", "an e-mail address such as mia@example.com is expected"));
        }
        Ok(Self { text, key })
    }
}

/// What can be said without sending a mail: one local part, one domain of labels (also a single one: `localhost`).
fn looks_right(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |part: &str| !part.is_empty() && part.chars().all(|character| character.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character));
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|character| character.is_alphanumeric() || character == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    local.len() <= 64 && local.split('.').all(atom) && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_have_one_key() {
        let key = |text: &str| Email::from_value(&Value::from(text)).map(|email| email.key.0).expect("an address");
        assert_eq!(key(" Mia@Example.COM "), "mia@example.com");
        assert_eq!(key("ju\u{308}rgen@küche.de"), key("JÜRGEN@KÜCHE.DE"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "mia",
            "@example.com",
            "mia@",
            "mia@@example.com",
            "m ia@example.com",
            "mia@-example.com",
            "mia@example..com",
            ".mia@example.com",
            "mia@exa_mple.com",
        ] {
            let flaw = Email::from_value(&Value::from(wrong)).err().expect("refused");
            assert_eq!(flaw.code, "invalid_email", "{wrong}");
        }
        for right in ["mia@localhost", "mia+stock@kitchen.example.com", "o'hara_1@example.com"] {
            assert!(Email::from_value(&Value::from(right)).is_ok(), "{right}");
        }
    }
}
