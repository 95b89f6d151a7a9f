//! How the operations of the catalogue describe what they have in common.

/// The header of a POST.
pub const KEY: &str =
    "A value of your own, new for each thing that you want to happen once: the same request under the same key answers what the first one did. Kept 30 days.";
/// The header of a PATCH.
pub const IF_MATCH: &str = "The ETag that you have seen, or `*` to change whatever is there.";

pub const CURSOR: &str = "`invalid_cursor`";
pub const KEY_INVALID: &str = "`idempotency_key_invalid`";
pub const FORBIDDEN: &str = "`forbidden`, `tenant_closed`";
pub const NOT_FOUND: &str = "`not_found`: there is none of this id, or it is another tenant's";
pub const KEY_REUSED: &str = "`invalid_request`, `idempotency_key_reused`";
pub const MISMATCH: &str = "`version_mismatch`: it was changed meanwhile";
pub const IF_MATCH_REQUIRED: &str = "`if_match_required`";
