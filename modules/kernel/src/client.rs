//! From where a request comes: the address that sent it, or what a trusted proxy says of it.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use ipnet::IpNet;

use crate::problem::Problem;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from. An IPv4 address is never written as one of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Whom to believe about that. One value for all workers.
#[derive(Clone, Debug, Default)]
pub struct Forwarding(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    trusted: Vec<IpNet>,
    /// Whether an address of a private network, which is not trusted, has said whom it forwards: most likely our own proxy.
    is_proxy_untrusted: AtomicBool,
}

impl Forwarding {
    /// `X-Forwarded-For` of these networks is believed, and of nobody else.
    pub fn new(trusted: Vec<IpNet>) -> Self {
        Self(Arc::new(Inner { trusted, is_proxy_untrusted: AtomicBool::new(false) }))
    }

    /// Whether what looks like our own proxy is not among the trusted ones: then all who come through it look like one.
    pub fn is_proxy_untrusted(&self) -> bool {
        self.0.is_proxy_untrusted.load(Ordering::Relaxed)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.trusted.iter().any(|network| network.contains(&address))
    }

    /// The address that `peer` forwards for. Each proxy adds on the right whom it was asked by, so the list is walked from there: what
    /// stands further left than the first address that is not trusted was written by nobody knows whom.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            if headers.contains_key(FORWARDED_FOR) && is_private(peer) {
                self.warn(peer);
            }
            return peer;
        }
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).map(|line| line.to_str().unwrap_or("")).collect();
        let mut nearest = peer;
        for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
            let Some(address) = read(hop) else { break };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        nearest
    }

    fn warn(&self, peer: IpAddr) {
        if !self.0.is_proxy_untrusted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For was sent from a private address that is not trusted, and is ignored. If that is your proxy, name its network in \
                 LARDER_TRUSTED_PROXIES: until then everybody who comes through it is taken for one and the same, also where log-ins are limited"
            );
        }
    }
}

/// One entry: an address, perhaps with a port.
fn read(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    hop.parse::<SocketAddr>().map(|with_port| with_port.ip()).or_else(|_| bare()).ok().map(|address| address.to_canonical())
}

/// Whether nobody on the internet has this address.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local() || is_shared(address),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// 100.64.0.0/10, which carriers and overlay networks use (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}

tokio::task_local! {
    static CURRENT: Option<ClientAddress>;
}

/// From where the request comes that is being answered; nothing outside of one.
pub fn current() -> Option<ClientAddress> {
    CURRENT.try_with(|address| *address).ok().flatten()
}

/// Finds out where the request comes from. The app registers `web::Data<Forwarding>`.
pub async fn located(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let address =
        request.app_data::<web::Data<Forwarding>>().zip(request.peer_addr()).map(|(forwarding, peer)| forwarding.client(peer.ip(), request.headers()));
    if let Some(address) = address {
        request.extensions_mut().insert(ClientAddress(address));
    }
    CURRENT.scope(address.map(ClientAddress), next.call(request)).await
}

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().copied();
        ready(found.ok_or_else(|| Problem::internal(&std::io::Error::other("a request has no peer"))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> (String, bool) {
        let forwarding = Forwarding::new(trusted.iter().map(|network| network.parse().expect("a network")).collect());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a value"));
        }
        let address = forwarding.client(peer.parse().expect("an address"), &headers);
        (address.to_string(), forwarding.is_proxy_untrusted())
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let from = |peer| client(&["10.1.0.0/16"], peer, &["203.0.113.9"]);
        assert_eq!(from("198.51.100.7"), ("198.51.100.7".into(), false));
        assert_eq!(from("10.2.0.1"), ("10.2.0.1".into(), true), "most likely a proxy of ours");
        for private in ["192.168.1.1", "172.31.0.1", "127.0.0.1", "169.254.0.1", "100.64.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.2.0.1"] {
            assert!(from(private).1, "{private}");
        }
        for public in ["100.128.0.1", "172.32.0.1", "2001:db8::1", "::ffff:198.51.100.7"] {
            assert!(!from(public).1, "{public}");
        }
        assert_eq!(client(&[], "10.2.0.1", &[]), ("10.2.0.1".into(), false));
    }

    #[test]
    fn the_list_of_a_trusted_proxy_is_walked_from_the_right() {
        let from = |lines: &[&str]| client(&["10.1.0.0/16", "fd00::/8"], "10.1.0.1", lines).0;
        assert_eq!(from(&["203.0.113.9"]), "203.0.113.9");
        // What the client itself has written stands further left.
        assert_eq!(from(&["192.0.2.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(from(&["192.0.2.1", "203.0.113.9, 10.1.0.2"]), "203.0.113.9");
        assert_eq!(from(&["203.0.113.9, fd00::5, 10.1.0.2"]), "203.0.113.9");
        assert_eq!(from(&["10.1.0.7, 10.1.0.2"]), "10.1.0.7", "somebody within");
        assert_eq!(from(&[]), "10.1.0.1");
    }

    #[test]
    fn an_entry_may_have_a_port_and_what_is_no_address_ends_the_walk() {
        let from = |line: &str| client(&["10.1.0.0/16"], "::ffff:10.1.0.1", &[line]).0;
        assert_eq!(from("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(from("[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(from("[2001:db8::7]"), "2001:db8::7");
        assert_eq!(from("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(from("203.0.113.9, unknown, 10.1.0.2"), "10.1.0.2");
        assert_eq!(from("unknown"), "10.1.0.1");
        assert_eq!(from(""), "10.1.0.1");
    }
}
