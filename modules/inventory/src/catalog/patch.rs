//! JSON merge patches (RFC 7396): an absent field stays, null clears, anything else replaces.

use kernel::{Fields, FromValue};

/// What a patch says of a field that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Keep,
    To(Option<T>),
}

impl<T> Change<T> {
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::To(value) => Change::To(value.map(turn)),
        }
    }

    pub fn apply(self, field: &mut Option<T>) {
        if let Self::To(value) = self {
            *field = value;
        }
    }
}

/// A field that may be cleared.
pub fn clearable<T: FromValue>(fields: &mut Fields<'_>, name: &'static str) -> Option<Change<T>> {
    let value = fields.optional(name)?;
    Some(if fields.is_present(name) { Change::To(value) } else { Change::Keep })
}

/// A field that may be replaced, never cleared. The outer `None` is a recorded violation, the inner one absence.
#[expect(clippy::option_option, reason = "as `Fields::optional`: what is wrong, and what is not there")]
pub fn replaceable<T: FromValue>(fields: &mut Fields<'_>, name: &'static str) -> Option<Option<T>> {
    let value = fields.optional(name)?;
    if value.is_none() && fields.is_present(name) {
        fields.refuse(name, "not_nullable", "this field can be changed, not cleared");
        return None;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use kernel::reading::read;
    use kernel::{FromFields, Whole};
    use serde_json::json;

    use super::*;

    type Number = Whole<0, 9>;

    #[derive(Debug, PartialEq)]
    struct Patch(Option<i64>, Change<i64>);

    impl FromFields for Patch {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let (least, most) = (replaceable::<Number>(fields, "least"), clearable::<Number>(fields, "most"));
            Some(Self(least?.map(|number| number.0), most?.map(|number| number.0)))
        }
    }

    #[test]
    fn absence_keeps_null_clears_and_a_value_replaces() {
        let patch = |value| read::<Patch>(&value).expect("a right patch");
        assert_eq!(patch(json!({})), Patch(None, Change::Keep));
        assert_eq!(patch(json!({ "least": 3, "most": null })), Patch(Some(3), Change::To(None)));
        assert_eq!(patch(json!({ "most": 4 })), Patch(None, Change::To(Some(4))));
        let mut field = Some(1);
        Change::Keep.apply(&mut field);
        assert_eq!(field, Some(1));
        Change::To(None).apply(&mut field);
        assert_eq!(field, None);
    }

    #[test]
    fn what_cannot_be_cleared_says_so() {
        let problem = read::<Patch>(&json!({ "least": null, "most": 10 })).expect_err("refused");
        let found: Vec<_> = problem.errors.iter().map(|violation| (violation.pointer.as_str(), violation.code.as_ref())).collect();
        assert_eq!(found, [("/least", "not_nullable"), ("/most", "out_of_range")]);
    }
}
