//! Goods that go back to who sold them.

pub mod post_vendor_return;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_vendor_return::post_vendor_return);
}
