//! Whom an address stands for. Who has one address of IPv6 has a whole network of them.

use std::net::{IpAddr, Ipv6Addr};

/// An address, or the network that it is in, of so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    pub(super) address: IpAddr,
    pub(super) bits: u8,
}

impl Network {
    /// What a subscriber has at least: the address itself, or a /64.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self::with(address, 64)
    }

    /// What a subscriber may have, the widest first: the address itself, or a /48, a /56 and a /64.
    pub(super) fn all_of(address: IpAddr) -> Vec<Self> {
        match address.to_canonical() {
            IpAddr::V4(_) => vec![Self::of(address)],
            IpAddr::V6(_) => [48, 56, 64].map(|bits| Self::with(address, bits)).to_vec(),
        }
    }

    fn with(address: IpAddr, bits: u8) -> Self {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => Self { address, bits: 32 },
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                Self { address: Ipv6Addr::from(u128::from(address) & mask).into(), bits }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(address: &str) -> Vec<String> {
        Network::all_of(address.parse().expect("an address")).iter().map(|network| format!("{}/{}", network.address, network.bits)).collect()
    }

    #[test]
    fn one_address_of_ipv6_stands_for_its_networks() {
        assert_eq!(networks("2001:db8:1:2345:6:7:8:9"), ["2001:db8:1::/48", "2001:db8:1:2300::/56", "2001:db8:1:2345::/64"]);
        assert_eq!(networks("192.0.2.7"), ["192.0.2.7/32"]);
        assert_eq!(networks("::ffff:192.0.2.7"), ["192.0.2.7/32"]);
    }
}
