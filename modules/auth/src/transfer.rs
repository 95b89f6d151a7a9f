//! What moving this module's database to another engine needs to know.

use auth_entity::{
    api_key, api_key_site, audit_address, audit_event, device, instance, invite, invite_site, membership, membership_site, notice, one_time_token, outbox,
    recovery_code, session, signing_key, tenant, throttle, totp, user,
};
use kernel::copy::{Table, table};

/// Its tables, those that are referred to first. The marker of the module is not among them: each database has its own.
pub fn tables() -> Vec<Box<dyn Table>> {
    vec![
        table::<instance::Entity>(),
        table::<user::Entity>(),
        table::<tenant::Entity>(),
        table::<membership::Entity>(),
        table::<membership_site::Entity>(),
        table::<session::Entity>(),
        table::<device::Entity>(),
        table::<invite::Entity>(),
        table::<invite_site::Entity>(),
        table::<api_key::Entity>(),
        table::<api_key_site::Entity>(),
        table::<totp::Entity>(),
        table::<recovery_code::Entity>(),
        table::<one_time_token::Entity>(),
        table::<outbox::Entity>(),
        table::<notice::Entity>(),
        table::<signing_key::Entity>(),
        table::<throttle::Entity>(),
        table::<audit_event::Entity>(),
        table::<audit_address::Entity>(),
    ]
}
