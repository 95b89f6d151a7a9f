//! Goods that are thrown away, and why.

pub mod post_waste;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_waste::post_waste);
}
