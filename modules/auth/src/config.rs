use serde::Deserialize;

/// The section `auth` of the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `iss` of the access tokens; a token of another issuer is refused.
    pub issuer: String,
    /// `aud` of the access tokens; a token for another audience is refused.
    pub audience: String,
    /// How many characters (code points) a new password has at least: 8 to 64, 15 where nobody lowers it.
    pub password_least_characters: usize,
    /// Where people reach this installation, such as `https://stock.example.com`: what links that are handed out begin with. Empty
    /// where nobody has said it; then there are no links.
    pub public_url: String,
    /// Whether any user may make further tenants, which they own.
    pub new_tenants: bool,
    /// Whether anybody may ask for an account with a tenant of their own. Needs a mail server.
    pub registration: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "larder".into(),
            audience: "larder".into(),
            password_least_characters: 15,
            public_url: String::new(),
            new_tenants: false,
            registration: false,
        }
    }
}

impl Config {
    pub fn validate(&self) -> Result<(), String> {
        for (key, value) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            if value.trim().is_empty() || value.len() > 200 {
                return Err(format!("{key}: a text of 1 to 200 characters is expected"));
            }
        }
        if !(8..=64).contains(&self.password_least_characters) {
            return Err(format!("password_least_characters: a number from 8 to 64 is expected, not {}", self.password_least_characters));
        }
        if !self.public_url.is_empty() && !is_web_address(&self.public_url) {
            return Err("public_url: an address that begins with https:// (or http://) and has no query is expected".into());
        }
        if has_credentials(&self.public_url) {
            // Without the address: it has a secret in it.
            return Err("public_url: an address without a user or a password is expected: everybody who is sent a link reads it".into());
        }
        Ok(())
    }
}

fn has_credentials(url: &str) -> bool {
    url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).is_some_and(|authority| authority.contains('@'))
}

fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_password_may_be_lowered_to_eight() {
        let with = |least| Config { password_least_characters: least, ..Config::default() }.validate();
        assert!(Config::default().validate().is_ok());
        assert!(with(8).is_ok());
        assert!(with(7).is_err_and(|refusal| refusal.starts_with("password_least_characters")));
    }

    #[test]
    fn the_public_address_is_one_of_the_web() {
        let with = |url: &str| Config { public_url: url.into(), ..Config::default() }.validate();
        assert!(with("https://stock.example.com").is_ok() && with("http://localhost:8080/larder").is_ok());
        for wrong in ["stock.example.com", "https://", "https://a?b", "https://a#b", "ftp://a", "https://a b", "javascript:alert(1)"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        assert!(with("https://stock.example.com/@kitchen").is_ok());
        for wrong in ["https://user:pw@stock.example.com", "http://user@localhost:8080/larder", "https://@a"] {
            assert!(with(wrong).is_err_and(|refusal| refusal.contains("without a user or a password") && !refusal.contains("pw")), "{wrong}");
        }
    }
}
