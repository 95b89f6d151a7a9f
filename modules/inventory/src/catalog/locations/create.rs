//! `POST /locations`.

use actix_web::post;
use actix_web::web::Data;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Sites, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Location, LocationKind, TRANSIT_CODE, forbidden, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::names::{Code, LocationPath, TimeOfDay, TimeZone};

/// How deep areas may lie in areas.
const DEEPEST: usize = 8;
/// How long a path may be, in bytes.
const LONGEST_PATH: usize = 512;

crate::names::words!(
    /// What can be made: a site, or an area in a site or in another area.
    NewLocationKind { Site = "site", Area = "area" }
);

/// A location: a site, with `time_zone` and `day_starts_at`, or an area, with `parent` or `parent_id`.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = CreateLocation)]
pub struct Request {
    /// What it is.
    pub kind: NewLocationKind,
    /// Its own code, the last part of its path: 1 to 64 lower-case letters, digits, `-` and `_`. `in-transit` is taken.
    #[schema(value_type = String, min_length = 1, max_length = 64, examples("walk-in"))]
    pub code: Code,
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// A site's IANA time zone; the tenant's, where nothing is said.
    #[schema(value_type = Option<String>, examples("Europe/Paris"))]
    pub time_zone: Option<TimeZone>,
    /// When a site's business day begins, by its wall clock; `00:00`, where nothing is said.
    #[schema(value_type = Option<String>, pattern = "^[0-2][0-9]:[0-5][0-9]$", examples("04:00"))]
    pub day_starts_at: Option<TimeOfDay>,
    /// The path of what an area lies in.
    #[schema(value_type = Option<String>, examples("main"))]
    pub parent: Option<LocationPath>,
    /// The id of what an area lies in.
    pub parent_id: Option<Uuid>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (kind, code, name) = (fields.required("kind"), fields.required::<Code>("code"), fields.required::<Text<1, 200>>("name"));
        let (time_zone, day_starts_at) = (fields.optional("time_zone"), fields.optional("day_starts_at"));
        let (parent, parent_id) = (fields.optional("parent"), fields.optional("parent_id"));
        if code.as_ref().is_some_and(|code| code.as_str() == TRANSIT_CODE) {
            fields.refuse("code", "reserved_code", "every site has its own area of this code, for goods in transit");
        }
        let request =
            Self { kind: kind?, code: code?, name: name?.0, time_zone: time_zone?, day_starts_at: day_starts_at?, parent: parent?, parent_id: parent_id? };
        request.refuse_what_is_not_of_its_kind(fields);
        Some(request)
    }
}

impl Request {
    fn refuse_what_is_not_of_its_kind(&self, fields: &mut Fields<'_>) {
        let is_site = self.kind == NewLocationKind::Site;
        let parents = [("parent", self.parent.is_some()), ("parent_id", self.parent_id.is_some())];
        let of_sites = [("time_zone", self.time_zone.is_some()), ("day_starts_at", self.day_starts_at.is_some())];
        let (foreign, code, detail) =
            if is_site { (parents, "not_for_sites", "a site lies in nothing") } else { (of_sites, "only_for_sites", "an area has the time of its site") };
        for (name, _) in foreign.into_iter().filter(|(_, given)| *given) {
            fields.refuse(name, code, detail);
        }
        if !is_site && self.parent.is_some() == self.parent_id.is_some() {
            fields.refuse("", "exactly_one", "exactly one of parent, parent_id is required for an area");
        }
    }
}

/// Makes a location; a site together with its area for goods in transit.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Location>, Error> {
    caller.need(Permission::ManageCatalogue)?;
    if request.kind == NewLocationKind::Site && caller.sites != Sites::All {
        return Err(forbidden("Who is limited to some sites makes no new ones."));
    }
    state.create_once(caller, once, request, |task, txn| Box::pin(create(task, txn))).await
}

async fn create(task: &Task<Request>, txn: &Txn) -> Result<Location, Error> {
    match task.input.kind {
        NewLocationKind::Site => create_site(task, txn).await,
        NewLocationKind::Area => create_area(task, txn).await,
    }
}

async fn create_site(task: &Task<Request>, txn: &Txn) -> Result<Location, Error> {
    let (tenant, request) = (task.caller.tenant_id, &task.input);
    let time_zone = match request.time_zone {
        Some(zone) => zone.0.name().to_owned(),
        None => repository::tenant_time_zone(txn, tenant).await?,
    };
    let day_starts_at = request.day_starts_at.map_or_else(|| "00:00".to_owned(), |time| time.to_string());
    let site = Location { time_zone: Some(time_zone), day_starts_at: Some(day_starts_at), ..new(task, LocationKind::Site, None) };
    repository::insert(txn, tenant, &site).await?;
    let transit = Location {
        code: TRANSIT_CODE.to_owned(),
        path: format!("{}/{TRANSIT_CODE}", site.path),
        name: "In transit".to_owned(),
        ..new(task, LocationKind::Transit, Some(&site))
    };
    repository::insert(txn, tenant, &transit).await?;
    Ok(site)
}

async fn create_area(task: &Task<Request>, txn: &Txn) -> Result<Location, Error> {
    let (tenant, request) = (task.caller.tenant_id, &task.input);
    let pointer = if request.parent_id.is_some() { "/parent_id" } else { "/parent" };
    // Locked, so that nobody archives it meanwhile.
    let parent = match (request.parent_id, &request.parent) {
        (Some(id), None) => repository::lock(txn, tenant, id).await?,
        (None, Some(path)) => repository::lock_by_path(txn, tenant, path.as_str()).await?,
        _ => return Err(Error::invalid("", "exactly_one", "exactly one of parent, parent_id is required for an area")),
    };
    let parent = parent.ok_or_else(|| Error::invalid(pointer, "location_not_found", "there is no such location"))?;
    if !task.caller.sites.contain(parent.site_id) {
        return Err(forbidden("You have no access to this site."));
    }
    if parent.kind == LocationKind::Transit {
        return Err(Error::invalid(pointer, "not_an_area", "nothing lies in what is for goods in transit"));
    }
    if parent.archived {
        return Err(Error::invalid(pointer, "location_archived", "this location is archived"));
    }
    let area = new(task, LocationKind::Area, Some(&parent));
    if area.path.split('/').count() > DEEPEST + 1 {
        return Err(Error::invalid(pointer, "too_deep", format!("areas lie at most {DEEPEST} deep")));
    }
    if area.path.len() > LONGEST_PATH {
        return Err(Error::invalid("/code", "wrong_length", format!("the whole path may have {LONGEST_PATH} characters")));
    }
    repository::insert(txn, tenant, &area).await?;
    Ok(area)
}

/// What all new locations have in common.
fn new(task: &Task<Request>, kind: LocationKind, parent: Option<&Location>) -> Location {
    let (id, code) = (task.state.next_id(), task.input.code.as_str());
    Location {
        id,
        kind,
        code: code.to_owned(),
        path: parent.map_or_else(|| code.to_owned(), |parent| format!("{}/{code}", parent.path)),
        name: task.input.name.clone(),
        parent_id: parent.map(|parent| parent.id),
        site_id: parent.map_or(id, |parent| parent.site_id),
        time_zone: None,
        day_starts_at: None,
        archived: false,
        archived_at: None,
        version: 1,
        created_at: task.now,
        updated_at: task.now,
    }
}

/// Makes a site, or an area in a site or in another area. Stock lies in areas.
#[utoipa::path(
    operation_id = "create_location",
    tag = "catalogue",
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "The location.", body = Location, headers(("Idempotent-Replayed" = String, description = "`true` for an answer that was stored."))),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: also for a site, where the caller is limited to some, and for an area in another one. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is a location of this path. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `reserved_code`, `too_deep`, `not_for_sites`, `only_for_sites`; `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/locations")]
pub async fn handler(state: Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Location>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}

#[cfg(test)]
mod tests {
    use kernel::reading::read;
    use serde_json::{Value, json};

    use super::*;

    fn codes(body: &Value) -> Vec<(String, String)> {
        let Err(problem) = read::<Request>(body) else { return Vec::new() };
        problem.errors.into_iter().map(|violation| (violation.pointer, violation.code.into_owned())).collect()
    }

    #[test]
    fn a_site_has_time_and_no_parent_and_an_area_the_reverse() {
        let body = |more: Value| {
            let mut body = json!({ "code": "main", "name": "Main" });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        let id = "018f0000-0000-7000-8000-000000000000";
        for right in [json!({ "kind": "site" }), json!({ "kind": "area", "parent": "x" }), json!({ "kind": "area", "parent_id": id })] {
            assert_eq!(codes(&body(right.clone())), [], "{right}");
        }
        let refused = [
            (json!({ "kind": "site", "parent": "x" }), "/parent", "not_for_sites"),
            (json!({ "kind": "area", "parent": "x", "time_zone": "UTC" }), "/time_zone", "only_for_sites"),
            (json!({ "kind": "area", "parent": "x", "day_starts_at": "04:00" }), "/day_starts_at", "only_for_sites"),
            (json!({ "kind": "area" }), "", "exactly_one"),
            (json!({ "kind": "area", "parent": "x", "parent_id": id }), "", "exactly_one"),
            (json!({ "kind": "site", "code": "in-transit" }), "/code", "reserved_code"),
            (json!({ "kind": "transit" }), "/kind", "invalid_choice"),
        ];
        for (wrong, pointer, code) in refused {
            assert_eq!(codes(&body(wrong.clone())), [(pointer.to_owned(), code.to_owned())], "{wrong}");
        }
    }
}
