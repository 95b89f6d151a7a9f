//! The names that people and programs give things: checked once, at the edge, and trusted after.

use std::fmt;

use kernel::{Fields, Flaw, FromValue, Instant, Whole};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

pub type ItemId = Uuid;
pub type LocationId = Uuid;
pub type LotId = Uuid;
pub type DocumentId = Uuid;
pub type ReasonId = Uuid;
pub type ReservationId = Uuid;

/// A number of days, 0 to 36,500.
pub type Days = Whole<0, 36_500>;

/// Declares a text newtype that is parsed by a function.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl FromValue for $name {
            fn from_value(value: &Value) -> Result<Self, Flaw> {
                let text = value.as_str().ok_or_else(|| Flaw::new("wrong_type", "a text is expected"))?;
                let check: fn(&str) -> Result<(), Flaw> = $parse;
                check(text).map(|()| Self(text.to_owned()))
            }
        }
    };
}

text!(
    /// An item's article number: 1 to 64 visible characters without white space, kept to the letter (`0898984` stays that).
    Sku,
    |text| visible(text, 64)
);
text!(
    /// A unit's code, `ml` or `case`: 1 to 32 visible characters without white space.
    UnitCode,
    |text| visible(text, 32)
);
impl UnitCode {
    /// A code that this program wrote into the database.
    pub fn stored(code: &str) -> Self {
        Self(code.to_owned())
    }
}

text!(
    /// The code of a location or a reason: lower-case letters, digits, `-` and `_`, 1 to 64, beginning with a letter or digit.
    Code,
    |text| {
        let right = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let begins = text.bytes().next().is_some_and(|byte| byte != b'-' && byte != b'_');
        if begins && text.len() <= 64 && text.bytes().all(right) {
            return Ok(());
        }
        Err(Flaw::new("invalid_code", "a code of 1 to 64 lower-case letters, digits, - and _ is expected"))
    }
);
text!(
    /// The path of a location by its codes: `main/walk-in`.
    LocationPath,
    |text| {
        let right = (1..=512).contains(&text.len()) && !text.chars().any(char::is_control);
        if right { Ok(()) } else { Err(Flaw::new("invalid_path", "a path such as main/walk-in is expected")) }
    }
);
text!(
    /// What the supplier wrote on the package: 1 to 128 characters, kept to the letter (`00392/174`).
    BatchCode,
    |text| {
        let length = text.chars().count();
        if (1..=128).contains(&length) && text.trim() == text && !text.chars().any(char::is_control) {
            return Ok(());
        }
        Err(Flaw::new("invalid_batch_code", "1 to 128 characters without surrounding white space are expected"))
    }
);

fn visible(text: &str, most: usize) -> Result<(), Flaw> {
    // Characters of no width and those that turn the direction of writing would make two codes look alike.
    let hidden = |character: char| matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}');
    let visible = |character: char| !character.is_whitespace() && !character.is_control() && !hidden(character);
    if (1..=most).contains(&text.chars().count()) && text.chars().all(visible) {
        return Ok(());
    }
    Err(Flaw::new("invalid_code", format!("1 to {most} visible characters without white space are expected")))
}

/// An enum whose variants travel as fixed words; [`words`] declares one.
pub trait Word: Copy + Sized {
    const WORDS: &'static [&'static str];

    fn word(self) -> &'static str;

    /// The variant of a word; `None` for any other text.
    fn of(word: &str) -> Option<Self>;

    /// The variant of a word that this program wrote into the database.
    fn stored(word: &str) -> Result<Self, sea_orm::DbErr> {
        Self::of(word).ok_or_else(|| sea_orm::DbErr::Type(format!("`{word}` is not one of {}", Self::WORDS.join(", "))))
    }
}

/// Declares an enum whose variants travel as fixed words in JSON and in the database. (`$word` is no `literal`: utoipa would not
/// see it in `rename`, and publish the names of the variants.)
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $crate::names::Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl kernel::FromValue for $name {
            fn from_value(value: &serde_json::Value) -> Result<Self, kernel::Flaw> {
                use $crate::names::Word;
                let expected = || kernel::Flaw::new("invalid_choice", format!("one of {} is expected", Self::WORDS.join(", ")));
                value.as_str().and_then(Self::of).ok_or_else(expected)
            }
        }
    };
}
pub(crate) use words;

words!(
    /// What an item is for.
    ItemKind { Ingredient = "ingredient", Prepared = "prepared", Supply = "supply", Resale = "resale" }
);
words!(
    /// Which lot leaves first: first expired, first received, or the one that is named.
    Pick { Fefo = "fefo", Fifo = "fifo", Manual = "manual" }
);
words!(
    /// What the date on the package means: not to be used after it, or best before it.
    DateKind { UseBy = "use_by", BestBefore = "best_before" }
);
words!(
    /// Where in the work something was lost.
    Stage { Receiving = "receiving", Storage = "storage", Preparation = "preparation", Service = "service", Plate = "plate" }
);
words!(
    /// Where discarded food went: the destinations of the Food Loss and Waste Accounting and Reporting Standard (WRI, 2016),
    /// section 6.6.
    Destination {
        AnimalFeed = "animal_feed",
        BiobasedMaterials = "biobased_materials",
        AnaerobicDigestion = "anaerobic_digestion",
        Composting = "composting",
        ControlledCombustion = "controlled_combustion",
        LandApplication = "land_application",
        Landfill = "landfill",
        Refuse = "refuse",
        Sewer = "sewer",
    }
);

/// An item by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ItemRef {
    Id {
        /// The item's id; or name it by `sku`.
        item_id: Uuid,
    },
    Sku {
        /// The item's article number; or name it by `item_id`.
        sku: Sku,
    },
}

impl ItemRef {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.exactly_one(&["item_id", "sku"], |fields, name| match name {
            "sku" => fields.required("sku").map(|sku| Self::Sku { sku }),
            _ => fields.required("item_id").map(|item_id| Self::Id { item_id }),
        })
    }

    /// The field by which the item was named.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Id { .. } => "item_id",
            Self::Sku { .. } => "sku",
        }
    }
}

/// A location by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LocationRef {
    Id {
        /// The location's id; or name it by `location`.
        location_id: Uuid,
    },
    Path {
        /// The location's path by codes, `main/walk-in`; or name it by `location_id`.
        location: LocationPath,
    },
}

impl LocationRef {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.exactly_one(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required("location").map(|location| Self::Path { location }),
            _ => fields.required("location_id").map(|location_id| Self::Id { location_id }),
        })
    }

    /// The field by which the location was named.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Id { .. } => "location_id",
            Self::Path { .. } => "location",
        }
    }
}

/// A time of day to the minute, `04:00`: when a site's business day begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(pub chrono::NaiveTime);

impl TimeOfDay {
    pub fn parse(text: &str) -> Option<Self> {
        let shaped = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
        if shaped { chrono::NaiveTime::parse_from_str(text, "%H:%M").ok().map(Self) } else { None }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.format("%H:%M"))
    }
}

impl FromValue for TimeOfDay {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        value.as_str().and_then(Self::parse).ok_or_else(|| Flaw::new("invalid_time_of_day", "a time of day such as 04:00 is expected"))
    }
}

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(pub chrono_tz::Tz);

impl FromValue for TimeZone {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let zone = value.as_str().and_then(|text| text.parse().ok());
        zone.map(Self).ok_or_else(|| Flaw::new("invalid_time_zone", "an IANA time zone such as Europe/Paris is expected"))
    }
}

/// Until when something is asked about: the end of a business date at each site, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    Date(chrono::NaiveDate),
    Instant(Instant),
}

impl FromValue for AsOf {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let date = chrono::NaiveDate::from_value(value).map(Self::Date);
        date.or_else(|_| Instant::from_value(value).map(Self::Instant))
            .map_err(|_| Flaw::new("invalid_as_of", "a date such as 2026-11-20 or a time such as 2026-11-20T07:30:00Z is expected"))
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(out, "{date}"),
            Self::Instant(instant) => write!(out, "{instant}"),
        }
    }
}
