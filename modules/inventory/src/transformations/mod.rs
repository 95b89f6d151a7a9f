//! Goods that become other goods: frozen, thawed, portioned, trimmed, repacked, cooked.

pub mod post_transformation;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_transformation::post_transformation);
}
