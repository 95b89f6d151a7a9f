//! `GET /reservations`.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query, Text};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Reservation, ReservationStatus, repository};
use crate::Inventory;
use crate::error::Error;
use crate::names::{LocationPath, LocationRef, Sku};
use crate::rows::Filter;

/// Which reservations are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// What became of them.
    #[param(inline)]
    pub status: Option<ReservationStatus>,
    /// The item's id.
    pub item_id: Option<Uuid>,
    /// The item's article number.
    pub sku: Option<Sku>,
    /// A site or an area, with everything below it; by `location_id` or by path.
    #[param(value_type = Option<String>)]
    pub location: Option<LocationRef>,
    /// Those with this reference, to the letter.
    pub external_ref: Option<String>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (status, item_id, sku) = (fields.optional("status"), fields.optional("item_id"), fields.optional("sku"));
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        let external_ref = fields.optional::<Text<1, 200>>("external_ref");
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self {
            status: status?,
            item_id: item_id?,
            sku: sku?,
            location: location?,
            external_ref: external_ref?.map(|text| text.0),
            limit: limit?,
            cursor: cursor?,
        })
    }
}

/// What the cursors of this list begin with, so that no other list's is taken for one.
const LIST: &str = "reservations";

/// The reservations at the caller's sites, the newest first.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Reservation>, Error> {
    caller.need(Permission::Read)?;
    let (reader, now) = (state.database().reader(), state.now());
    let stored = |instant: Instant| DateTime::<FixedOffset>::from(instant);
    let mut filter = Filter::tenant("reservation.tenant_id", caller.tenant_id);
    let limit = request.limit.probe();
    if let Some((list, made, id)) = request.cursor.as_ref().map(Cursor::key::<(String, i64, Uuid)>).transpose()? {
        if list != LIST {
            return Err(Cursor::foreign().into());
        }
        let (made, id) = (filter.bind(stored(Instant::from_micros(made))), filter.bind(id));
        filter.and_plain(&format!("(reservation.created_at < {made} OR (reservation.created_at = {made} AND reservation.id < {id}))"));
    }
    match request.status {
        None => {}
        Some(ReservationStatus::Active) => {
            filter.and("reservation.status = 'active' AND (reservation.ends_at IS NULL OR reservation.ends_at > ?)", stored(now))
        }
        Some(ReservationStatus::Ended) => {
            filter.and("(reservation.status = 'ended' OR (reservation.status = 'active' AND reservation.ends_at <= ?))", stored(now))
        }
        Some(ReservationStatus::Fulfilled) => filter.and_plain("reservation.status = 'fulfilled'"),
        Some(ReservationStatus::Released) => filter.and_plain("reservation.status = 'released'"),
    }
    filter.and_given("reservation.item_id = ?", request.item_id);
    filter.and_item("reservation.item_id", request.sku.as_ref());
    filter.and_given("reservation.external_ref = ?", request.external_ref);
    filter.and_location(request.location.as_ref());
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let tail = format!("ORDER BY reservation.created_at DESC, reservation.id DESC LIMIT {limit}");
    let found = repository::select(reader, filter, &tail, now).await?;
    Ok(Page::cut(found, request.limit, |row| (LIST, row.created_at.micros(), row.id)))
}

/// Lists reservations, the newest first.
#[utoipa::path(
    tag = "usage",
    operation_id = "list_reservations",
    params(Request, ("location_id" = Option<Uuid>, Query, description = "Instead of `location`")),
    responses(
        (status = 200, description = "Reservations", body = Page<Reservation>),
        (status = 400, description = "`invalid_cursor`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
    )
)]
#[get("/reservations")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<Reservation>>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
