//! Roles, and the one table of what each may do.

use kernel::{Flaw, FromValue, Permission, Permissions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a member is in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Manager,
    Buyer,
    Staff,
    Viewer,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Manager, Self::Buyer, Self::Staff, Self::Viewer];

    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Buyer => "buyer",
            Self::Staff => "staff",
            Self::Viewer => "viewer",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    pub fn permissions(self) -> Permissions {
        Permission::ALL.into_iter().filter(|permission| holders(*permission).contains(&self)).collect()
    }
}

impl FromValue for Role {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let role = value.as_str().and_then(Self::parse);
        role.ok_or_else(|| Flaw::new("invalid_role", "owner, manager, buyer, staff or viewer is expected"))
    }
}

/// The table: who holds a permission.
fn holders(permission: Permission) -> &'static [Role] {
    use Role::{Buyer, Manager, Owner, Staff, Viewer};
    match permission {
        Permission::Read => &[Owner, Manager, Buyer, Staff, Viewer],
        Permission::SeeCosts => &[Owner, Manager, Buyer, Viewer],
        Permission::Receive | Permission::Waste | Permission::UseStock | Permission::Transfer | Permission::Count => &[Owner, Manager, Buyer, Staff],
        Permission::Order => &[Owner, Manager, Buyer],
        Permission::ManageCatalogue | Permission::Adjust | Permission::Approve | Permission::Backdate | Permission::Close | Permission::ManageMembers => {
            &[Owner, Manager]
        }
        Permission::Admin => &[Owner],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the documentation: owner, manager, buyer, staff, viewer.
    const TABLE: &[(&str, &str)] = &[
        ("read", "xxxxx"),
        ("see_costs", "xxx-x"),
        ("receive, waste, use_stock, transfer, count", "xxxx-"),
        ("order", "xxx--"),
        ("manage_catalogue, adjust, approve, backdate", "xx---"),
        ("close, manage_members", "xx---"),
        ("admin", "x----"),
    ];

    #[test]
    fn every_role_holds_exactly_what_its_column_says() {
        let mut seen = Vec::new();
        for (names, marks) in TABLE {
            for name in names.split(", ") {
                let permission = Permission::ALL.into_iter().find(|permission| permission.name() == name).expect("a permission of the kernel");
                for (role, mark) in Role::ALL.into_iter().zip(marks.chars()) {
                    assert_eq!(role.permissions().holds(permission), mark == 'x', "{name} of {}", role.name());
                }
                seen.push(permission);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, Permission::ALL.to_vec(), "the table names every permission once");
    }

    #[test]
    fn a_role_is_read_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
            assert_eq!(serde_json::to_value(role).expect("json"), role.name());
        }
        assert_eq!(Role::parse("Owner"), None);
    }
}
