//! Stock that is set right, and why.

pub mod post_adjustment;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_adjustment::post_adjustment);
}
