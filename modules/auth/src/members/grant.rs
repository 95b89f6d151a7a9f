//! What somebody is in a tenant and where, and who may give or take it.

use std::collections::BTreeSet;

use kernel::{Fields, Flaw, FromValue, Permission, Problem, Sites, Violation};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::roles::Role;

/// A role, and the sites at which it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) role: Role,
    pub(crate) sites: Sites,
}

impl Grant {
    /// Whether everything in it is in `own`, too.
    pub(crate) fn within(&self, own: &Self) -> bool {
        self.role.permissions().within(own.role.permissions()) && self.sites.within(&own.sites)
    }

    /// Whether whoever gives it has to have shown lately who they are.
    pub(crate) fn needs_reauth(&self) -> bool {
        matches!(self.role, Role::Owner | Role::Manager)
    }

    /// An owner is one everywhere: a tenant is never without somebody who may do everything.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.role == Role::Owner && self.sites != Sites::All {
            let detail = "an owner has all sites: send all_sites as true".into();
            let flaw = Violation { pointer: "/all_sites".into(), code: "owner_needs_all_sites".into(), detail };
            return Err(Error::Refused(Problem::invalid(vec![flaw])));
        }
        Ok(())
    }

    /// Whether `own` may hand this out to somebody who has nothing yet.
    pub(crate) fn given_by(&self, own: &Self) -> Result<(), Error> {
        if !own.role.permissions().holds(Permission::ManageMembers) {
            return Err(Error::Forbidden("This needs the permission `manage_members`, which your role does not hold."));
        }
        if self.within(own) { Ok(()) } else { Err(Error::RoleEscalation) }
    }
}

/// What becomes of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate<'g> {
    Becomes(&'g Grant),
    Leaves,
}

/// Whether `own` may do this to a member who is `now`: what the member is and what they become are both within what one is
/// oneself. Anybody may leave.
pub(crate) fn may(own: &Grant, is_oneself: bool, now: &Grant, fate: Fate<'_>) -> Result<(), Error> {
    match fate {
        Fate::Leaves if is_oneself => Ok(()),
        Fate::Leaves => now.given_by(own),
        Fate::Becomes(then) => now.given_by(own).and_then(|()| then.given_by(own)),
    }
}

/// Whether a tenant keeps an owner, where it has so many others who are enabled.
pub(crate) fn keeps_an_owner(now: &Grant, fate: Fate<'_>, other_owners: u64) -> bool {
    let stays = matches!(fate, Fate::Becomes(then) if then.role == Role::Owner);
    now.role != Role::Owner || stays || other_owners > 0
}

/// The most sites that a grant names: so many ids go into the body of a request here.
const MOST_SITES: usize = 300;

/// Where a grant holds, as a request says it: `all_sites` as true, or `site_ids`.
#[derive(Clone, ToSchema)]
pub(crate) struct Reach {
    /// true: at every site, also at those that come later. false is said by naming the sites.
    all_sites: Option<bool>,
    /// The ids of 1 to 300 sites, instead of `all_sites`.
    #[schema(min_items = 1, max_items = 300)]
    site_ids: Option<Vec<Uuid>>,
}

impl Reach {
    /// Nothing where nothing was said.
    pub(crate) fn sites(&self) -> Option<Sites> {
        let named = self.site_ids.as_ref().map(|ids| Sites::Only(ids.iter().copied().collect()));
        named.or_else(|| self.all_sites.filter(|all| *all).map(|_| Sites::All))
    }

    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (all_sites, named) = (fields.optional("all_sites"), fields.optional::<SiteIds>("site_ids"));
        let (all_sites, named): (Option<bool>, _) = (all_sites?, named?);
        match (all_sites, &named) {
            (Some(true), Some(_)) => fields.refuse("site_ids", "sites_contradict", "either all sites or some of them can be meant"),
            (Some(false), None) => fields.refuse("site_ids", "required", "name the sites"),
            _ => return Some(Self { all_sites, site_ids: named.map(|named| named.0) }),
        }
        None
    }

    /// The same, where it has to be said.
    pub(crate) fn read_required(fields: &mut Fields<'_>) -> Option<Self> {
        let reach = Self::read(fields)?;
        if reach.sites().is_none() {
            fields.refuse("all_sites", "required", "send all_sites as true, or site_ids");
            return None;
        }
        Some(reach)
    }

    /// Nowhere where nothing was said.
    pub(crate) fn sites_or_none(&self) -> Sites {
        self.sites().unwrap_or_else(|| Sites::Only(BTreeSet::new()))
    }
}

struct SiteIds(Vec<Uuid>);

impl FromValue for SiteIds {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let ids = value.as_array().filter(|ids| (1..=MOST_SITES).contains(&ids.len()));
        let ids = ids.ok_or_else(|| Flaw::new("wrong_length", format!("a list of 1 to {MOST_SITES} ids of sites is expected")))?;
        ids.iter().map(Uuid::from_value).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use rand::prelude::*;

    use super::*;

    fn site(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn some_grant(random: &mut StdRng) -> Grant {
        let role = Role::ALL[random.random_range(0..Role::ALL.len())];
        let named = (0..3).filter(|_| random.random_bool(0.5)).map(site).collect();
        let sites = if role == Role::Owner || random.random_bool(0.4) { Sites::All } else { Sites::Only(named) };
        Grant { role, sites }
    }

    #[test]
    fn a_manager_acts_on_whom_they_are_above_and_at_their_own_sites() {
        let only = |numbers: &[u128]| Sites::Only(numbers.iter().copied().map(site).collect());
        let manager = Grant { role: Role::Manager, sites: only(&[1, 2]) };
        let member = |role, sites| Grant { role, sites };
        let code = |outcome: Result<(), Error>| outcome.err().map(|error| Problem::from(error).code);
        let staff = member(Role::Staff, only(&[1]));
        assert_eq!(code(may(&manager, false, &staff, Fate::Becomes(&member(Role::Buyer, only(&[1, 2]))))), None);
        assert_eq!(code(may(&manager, false, &staff, Fate::Becomes(&member(Role::Owner, Sites::All)))), Some("role_escalation"));
        assert_eq!(code(may(&manager, false, &staff, Fate::Becomes(&member(Role::Staff, only(&[3]))))), Some("role_escalation"));
        assert_eq!(code(may(&manager, false, &member(Role::Staff, Sites::All), Fate::Leaves)), Some("role_escalation"));
        assert_eq!(code(may(&manager, false, &member(Role::Owner, Sites::All), Fate::Leaves)), Some("role_escalation"));
        // A viewer sees costs, which staff do not.
        assert_eq!(code(may(&staff, false, &member(Role::Viewer, only(&[1])), Fate::Leaves)), Some("forbidden"));
        assert_eq!(code(may(&staff, true, &staff, Fate::Leaves)), None);
    }

    /// Invariants 2 and 10, with members who do whatever comes to their mind.
    #[test]
    fn a_tenant_keeps_an_owner_and_nobody_grows_beyond_whoever_made_them() {
        for seed in 0..2_000 {
            let random = &mut StdRng::seed_from_u64(seed);
            let mut members = vec![Some(Grant { role: Role::Owner, sites: Sites::All })];
            members.extend((0..5).map(|_| Some(some_grant(random))));
            for _ in 0..40 {
                let (actor, target) = (random.random_range(0..members.len()), random.random_range(0..members.len()));
                let (Some(own), Some(now)) = (members[actor].clone(), members[target].clone()) else { continue };
                let then = some_grant(random);
                let fate = if random.random_bool(0.3) { Fate::Leaves } else { Fate::Becomes(&then) };
                let owner = |grant: &Option<Grant>| grant.as_ref().is_some_and(|grant| grant.role == Role::Owner);
                let others = members.iter().enumerate().filter(|(index, grant)| *index != target && owner(grant)).count() as u64;
                if may(&own, actor == target, &now, fate).is_err() || !keeps_an_owner(&now, fate, others) {
                    continue;
                }
                if let Fate::Becomes(then) = fate {
                    assert!(then.within(&own) && now.within(&own), "seed {seed}: {own:?} made {then:?} of {now:?}");
                }
                members[target] = matches!(fate, Fate::Becomes(_)).then_some(then);
                assert!(members.iter().any(owner), "seed {seed}: no owner is left");
            }
        }
    }
}
