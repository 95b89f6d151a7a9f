//! Pages of lists that are in the order of a time and an id, each of which takes its own cursors alone: by its name in them.

use kernel::{Cursor, Instant, Limit, Page, Problem};
use uuid::Uuid;

/// The time and the id behind which a page of this list begins; 400 `invalid_cursor` where another list has made the cursor.
pub(crate) fn after(list: &str, cursor: Option<&Cursor>) -> Result<Option<(Instant, Uuid)>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let (made_by, at, id) = cursor.key::<(String, Instant, Uuid)>()?;
    if made_by == list { Ok(Some((at, id))) } else { Err(Cursor::foreign()) }
}

/// As [`Page::cut`], with a cursor that [`after`] takes for this list.
pub(crate) fn cut<T>(list: &str, rows: Vec<T>, limit: Limit, place: impl Fn(&T) -> (Instant, Uuid)) -> Page<T> {
    Page::cut(rows, limit, |row| {
        let (at, id) = place(row);
        (list, at, id)
    })
}
