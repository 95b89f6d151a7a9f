//! `PATCH /locations/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, patch};
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Problem, TenantId, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Location, LocationKind, repository, visible};
use crate::Inventory;
use crate::catalog::patch::replaceable;
use crate::catalog::{answers, in_use};
use crate::error::Error;
use crate::http::versioned;
use crate::idempotency::Task;
use crate::ledger::bump_rules;
use crate::names::{LocationId, TimeOfDay, TimeZone};

/// What may change of a location. Its place and its code stay.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UpdateLocation)]
pub struct Request {
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// A site's IANA time zone. Business dates of what is posted stay as they are.
    #[schema(value_type = Option<String>, examples("Europe/Paris"), nullable = false)]
    pub time_zone: Option<TimeZone>,
    /// When a site's business day begins, by its wall clock. Business dates of what is posted stay as they are.
    #[schema(value_type = Option<String>, pattern = "^[0-2][0-9]:[0-5][0-9]$", examples("04:00"), nullable = false)]
    pub day_starts_at: Option<TimeOfDay>,
    /// An archived location holds no stock and takes none.
    #[schema(nullable = false)]
    pub archived: Option<bool>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, archived) = (replaceable::<Text<1, 200>>(fields, "name"), replaceable(fields, "archived"));
        let (time_zone, day_starts_at) = (replaceable(fields, "time_zone"), replaceable(fields, "day_starts_at"));
        Some(Self { name: name?.map(|name| name.0), time_zone: time_zone?, day_starts_at: day_starts_at?, archived: archived? })
    }
}

/// Changes a location.
pub async fn execute(state: &Inventory, caller: &Caller, id: LocationId, seen: IfMatch, request: Request) -> Result<Location, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.write(caller, (id, seen, request), |task, txn| Box::pin(update(task, txn))).await
}

async fn update(task: &Task<(LocationId, IfMatch, Request)>, txn: &Txn) -> Result<Location, Error> {
    let (tenant, (id, seen, request)) = (task.caller.tenant_id, &task.input);
    let (before, parent) = lock(task, txn).await?;
    seen.check(before.version)?;
    if before.kind == LocationKind::Transit {
        let detail = "What is for goods in transit belongs to its site and changes with it.".to_owned();
        return Err(Error::Conflict { code: "transit_location", detail });
    }
    let mut location = before.clone();
    request.apply(&mut location)?;
    location.set_archived(request.archived.unwrap_or(before.archived), task.now);
    if location == before {
        return Ok(before);
    }
    if !location.archived && before.archived && parent.is_some_and(|parent| parent.archived) {
        let detail = "What it lies in is archived; that must be in use first.".to_owned();
        return Err(Error::Conflict { code: "parent_archived", detail });
    }
    check_ledger(txn, tenant, &before, &location, task.now).await?;
    location.version += 1;
    location.updated_at = task.now.max(before.updated_at);
    repository::save(txn, tenant, &location).await?;
    if location.kind == LocationKind::Site && location.archived != before.archived {
        archive_transit(txn, tenant, *id, &location).await?;
    }
    Ok(location)
}

/// The location and what it lies in, locked from the outside in: the same order for all.
async fn lock(task: &Task<(LocationId, IfMatch, Request)>, txn: &Txn) -> Result<(Location, Option<Location>), Error> {
    let (tenant, (id, ..)) = (task.caller.tenant_id, &task.input);
    let found = visible(repository::find(txn, tenant, *id).await?, &task.caller)?;
    let parent = match found.parent_id {
        Some(parent) => repository::lock(txn, tenant, parent).await?,
        None => None,
    };
    let locked = repository::lock(txn, tenant, *id).await?.ok_or(Error::NotFound("location"))?;
    Ok((locked, parent))
}

/// Whether the ledger allows the change. The head is locked first, so that what is then read of the stock holds until the
/// change is committed, and postings that were decided before it, by other days too, begin anew.
async fn check_ledger(txn: &Txn, tenant: TenantId, before: &Location, location: &Location, now: Instant) -> Result<(), Error> {
    let archiving = location.archived != before.archived;
    let other_days = location.time_zone != before.time_zone || location.day_starts_at != before.day_starts_at;
    if archiving || other_days {
        bump_rules(txn, tenant).await?;
    }
    // Entries keep the business date that they were posted under. By other days a later one could fall on an earlier date, and
    // that date would show stock that was never there.
    if other_days && repository::was_posted_at(txn, tenant, location.id).await? {
        let detail = format!("Something was posted at `{}`: its days stay as they are. Make another site for other days.", location.path);
        return Err(Error::Conflict { code: "site_days_fixed", detail });
    }
    if !archiving || !location.archived {
        return Ok(());
    }
    let stock = repository::stock(txn, tenant, location).await?;
    if !stock.is_empty() {
        let problem = Problem::new(409, "location_has_stock", format!("There is stock in `{}`.", location.path));
        return Err(Error::Problem(problem.fact("stock", stock)));
    }
    in_use::refuse("location_in_use", &location.path, &in_use::of_location(txn, tenant, &location.path, now).await?)?;
    if repository::has_children(txn, tenant, location.id).await? {
        return Err(Error::Conflict { code: "location_has_children", detail: format!("There are areas in use in `{}`.", location.path) });
    }
    Ok(())
}

async fn archive_transit(txn: &Txn, tenant: TenantId, site_id: LocationId, site: &Location) -> Result<(), Error> {
    if let Some(mut transit) = repository::transit_of(txn, tenant, site_id).await? {
        transit.set_archived(site.archived, site.updated_at);
        (transit.version, transit.updated_at) = (transit.version + 1, site.updated_at);
        repository::save(txn, tenant, &transit).await?;
    }
    Ok(())
}

impl Request {
    fn apply(&self, location: &mut Location) -> Result<(), Error> {
        if location.kind != LocationKind::Site {
            let given = [("/time_zone", self.time_zone.is_some()), ("/day_starts_at", self.day_starts_at.is_some())];
            if let Some((pointer, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(Error::invalid(pointer, "only_for_sites", "an area has the time of its site"));
            }
        }
        location.name = self.name.clone().unwrap_or_else(|| location.name.clone());
        location.time_zone = self.time_zone.map(|zone| zone.0.name().to_owned()).or_else(|| location.time_zone.clone());
        location.day_starts_at = self.day_starts_at.map(|time| time.to_string()).or_else(|| location.day_starts_at.clone());
        Ok(())
    }
}

/// Changes or archives a location (JSON merge patch).
#[utoipa::path(
    operation_id = "update_location",
    tag = "catalogue",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The location's id."), ("If-Match" = String, Header, description = answers::IF_MATCH)),
    responses(
        (status = 200, description = "The location as it is now.", body = Location, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`location_has_stock` with the first 20 lots that lie there in `stock`; `location_has_children`, `location_in_use` with the transfers, counts and reservations in `in_use`: it cannot be archived. `parent_archived`: it cannot be taken into use again. `transit_location`: it changes only with its site. `site_days_fixed`: something was posted at this site or moved to it, so its time zone and the start of its days stay.", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `only_for_sites`", body = ProblemDocument<'_>),
        (status = 428, description = answers::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
    )
)]
#[patch("/locations/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let location = execute(&state, &caller, *id, seen, body.request).await?;
    Ok(versioned(location.version, &location))
}
