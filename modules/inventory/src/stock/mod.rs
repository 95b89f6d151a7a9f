//! What is there.

mod list_stock;
mod repository;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(list_stock::list_stock);
}
