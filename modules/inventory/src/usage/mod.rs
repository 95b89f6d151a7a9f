//! Goods that are used, and what for.

pub mod post_usage;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_usage::post_usage);
}
