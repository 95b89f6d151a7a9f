use kernel::{Flaw, FromValue};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;
use zxcvbn::Score;

/// The most code points of a password.
const MOST: usize = 256;
/// How much of a password is judged: the time that judging takes grows faster than the password.
const JUDGED: usize = 100;
/// How many characters must be left of a password without the words that a guesser knows.
const LEAST_BESIDE_KNOWN: usize = 8;

/// A password in its compatible composed form (NFKC), so that it is the same from every keyboard.
pub(crate) struct Password(Zeroizing<String>);

impl Password {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.nfkc().collect()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromValue for Password {
    /// Any text: whether a *new* password is good enough is the [`Policy`]'s word.
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        value.as_str().map(Self::new).ok_or_else(|| Flaw::new("wrong_type", "a text is expected"))
    }
}

/// Which new passwords are taken: long enough, and not easily guessed by somebody who knows whose it is. No rules of composition.
#[derive(Clone, Copy)]
pub(crate) struct Policy {
    least: usize,
}

impl Policy {
    pub(crate) fn new(least: usize) -> Self {
        Self { least }
    }

    /// Whether it is long enough, and not longer than we take. Costs nothing.
    pub(crate) fn measure(self, password: &Password) -> Result<(), Flaw> {
        let length = password.0.chars().count();
        if length < self.least {
            return Err(Flaw::new("password_too_short", format!("at least {} characters are expected; a few words make a good password", self.least)));
        }
        if length > MOST {
            return Err(Flaw::new("password_too_long", format!("at most {MOST} characters are taken")));
        }
        Ok(())
    }

    /// Whether it is long enough and not easily guessed. `about` are texts that a guesser would try first: the address, the
    /// names of the user and of the kitchen. Takes milliseconds: call it where blocking is allowed.
    pub(crate) fn judge(self, password: &Password, about: &[&str]) -> Result<(), Flaw> {
        self.measure(password)?;
        let judged: Zeroizing<String> = Zeroizing::new(password.0.chars().take(JUDGED).collect());
        let mut known = vec!["larder"];
        for text in about {
            known.push(text);
            known.extend(text.split(|character: char| !character.is_alphanumeric()).filter(|word| word.chars().count() > 2));
        }
        if is_made_of(&judged, &known) || zxcvbn::zxcvbn(&judged, &known).score() < Score::Three {
            return Err(Flaw::new("password_blocked", "this password would be guessed too easily; take words that have nothing to do with you or this place"));
        }
        Ok(())
    }
}

/// Whether little is left without the known words. zxcvbn knows them too, but three of them in a row are enough for it.
fn is_made_of(password: &str, known: &[&str]) -> bool {
    let mut rest = Zeroizing::new(password.to_lowercase());
    let mut words: Vec<String> = known.iter().map(|word| word.to_lowercase()).filter(|word| !word.is_empty()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = rest.len();
    for word in &words {
        rest = Zeroizing::new(rest.replace(word, ""));
    }
    rest.len() < whole && rest.chars().count() < LEAST_BESIDE_KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(password: &str) -> &'static str {
        let about = ["mia.keller@trattoria-luna.example", "Mia Keller", "Trattoria Luna"];
        Policy::new(15).judge(&Password::new(password), &about).map_or_else(|flaw| flaw.code, |()| "taken")
    }

    #[test]
    fn length_counts_code_points_and_has_both_ends() {
        assert_eq!(judge("turnip kettle "), "password_too_short");
        assert_eq!(judge("turnip kettle 7"), "taken");
        assert_eq!(judge(&"ä".repeat(14)), "password_too_short");
        let long: String = (0..257).map(|place| char::from(b'a' + u8::try_from(place * 7 % 26).expect("a letter"))).collect();
        assert_eq!(judge(&long), "password_too_long");
        assert_eq!(Policy::new(8).judge(&Password::new("kx!9vQ2zTw"), &[]), Ok(()));
    }

    #[test]
    fn what_is_easily_guessed_is_blocked() {
        for guessed in ["aaaaaaaaaaaaaaaaaaaa", "passwordpassword", "qwertyuiopasdfgh", "abcdefghijklmnopq", "larderlarderlarder", "123456789012345678"] {
            assert_eq!(judge(guessed), "password_blocked", "{guessed}");
        }
    }

    #[test]
    fn the_words_of_the_user_and_the_tenant_are_blocked() {
        for guessed in ["Trattoria Luna1", "trattorialuna2026", "mia.keller@trattoria-luna.example", "kellerkellerkeller"] {
            assert_eq!(judge(guessed), "password_blocked", "{guessed}");
        }
    }

    #[test]
    fn the_same_password_from_another_keyboard_is_the_same() {
        assert_eq!(Password::new("ﬁle \u{212b}ngstrom").as_bytes(), Password::new("file A\u{30a}ngstrom").as_bytes());
    }
}
