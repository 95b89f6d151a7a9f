//! Text that must not be seen.

use std::fmt;

use serde::Deserialize;

/// A key, a token or a URL with a password in it. Neither `Debug` nor an error message shows it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be used and not to be shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `None` where nothing was given.
    pub fn given(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "(not given)" } else { "(secret)" })
    }
}
