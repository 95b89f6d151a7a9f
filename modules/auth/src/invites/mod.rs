//! Invites: how somebody becomes a member.

pub(crate) mod accept;
pub(crate) mod create;
pub(crate) mod read;
mod repository;
pub(crate) mod withdraw;

use auth_entity::invite;
use chrono::TimeDelta;
use kernel::{Instant, Sites};
pub(crate) use repository::{delete_over, erase_address, made_by, open_of, withdraw, withdraw_all, withdraw_all_in, withdraw_beyond};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::members::{Grant, sites_told};
use crate::roles::Role;

/// So long an invite can be accepted.
const LIFE: TimeDelta = TimeDelta::days(7);
/// What the token of an invite begins with, so that people and scanners know what it is.
const PREFIX: &str = "lari_";

/// An invite.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Invite)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// Whom it is for: nobody else can accept it.
    pub email: String,
    /// What they become.
    pub role: Role,
    /// Whether that is true at every site of the tenant.
    pub all_sites: bool,
    /// The sites, where it is not every one.
    pub site_ids: Vec<Uuid>,
    /// What became of it.
    pub status: InviteStatus,
    /// The membership of whoever invites; when that ends, so does the invite.
    pub invited_by: Uuid,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it can be accepted: seven days.
    pub expires_at: Instant,
}

/// What became of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    /// It can be accepted.
    Open,
    Accepted,
    /// Somebody took it back, or whoever invited may no longer give what it grants.
    Withdrawn,
    Expired,
}

impl InviteStatus {
    fn of(invite: &invite::Model, now: Instant) -> Self {
        match invite {
            invite if invite.accepted_at.is_some() => Self::Accepted,
            invite if invite.revoked_at.is_some() => Self::Withdrawn,
            invite if Instant::from(invite.expires_at) <= now => Self::Expired,
            _ => Self::Open,
        }
    }

    /// 410 for whoever comes too late.
    fn need_open(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Accepted => Err(Error::InviteUsed),
            Self::Withdrawn | Self::Expired => Err(Error::InviteExpired),
        }
    }
}

impl Response {
    fn new(invite: invite::Model, role: Role, sites: &Sites, now: Instant) -> Self {
        let (all_sites, site_ids) = sites_told(sites);
        Self {
            status: InviteStatus::of(&invite, now),
            id: invite.id,
            email: invite.email,
            role,
            all_sites,
            site_ids,
            invited_by: invite.membership_id,
            created_at: invite.created_at.into(),
            expires_at: invite.expires_at.into(),
        }
    }
}

/// An invite and what it grants.
struct Found {
    invite: invite::Model,
    grant: Grant,
}
