//! Ranges of addresses (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// The text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no range of addresses such as \"10.0.0.0/8\" or \"fd00::/8\"")]
pub struct NotASubnet(pub String);

impl Subnet {
    /// The range that has the first `prefix` bits of an address; all of them at most count.
    pub fn new(address: IpAddr, prefix: u8) -> Subnet {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.min(most);
        Subnet { address, prefix }
    }

    /// True if the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differs = (ours.to_bits() ^ theirs.to_bits()).leading_zeros();
                differs >= u32::from(self.prefix)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differs = (ours.to_bits() ^ theirs.to_bits()).leading_zeros();
                differs >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

/// `address/bits`, or one address alone.
impl FromStr for Subnet {
    type Err = NotASubnet;

    fn from_str(text: &str) -> Result<Subnet, NotASubnet> {
        let bad = || NotASubnet(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_digit()) => return Err(bad()),
            Some(digits) => digits.parse().map_err(|_| bad())?,
        };
        if prefix > most {
            return Err(bad());
        }
        Ok(Subnet::new(address, prefix))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// True for an address that means something on its own network only: private (RFC 1918,
/// RFC 4193), behind a carrier's translator (RFC 6598), link-local or loopback.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_bits_decide() {
        let net = subnet("192.168.4.7/22");
        assert!(net.contains(ip("192.168.4.0")) && net.contains(ip("192.168.7.255")));
        assert!(!net.contains(ip("192.168.8.0")) && !net.contains(ip("::1")));
        assert!(subnet("0.0.0.0/0").contains(ip("203.0.113.9")));
        assert!(!subnet("0.0.0.0/0").contains(ip("2001:db8::1")));
        let net = subnet("fd00:1::/32");
        assert!(net.contains(ip("fd00:1:ffff::1")) && !net.contains(ip("fd00:2::1")));
    }

    #[test]
    fn an_address_alone_is_a_range_of_one() {
        let one = subnet("10.0.0.1");
        assert!(one.contains(ip("10.0.0.1")) && !one.contains(ip("10.0.0.0")));
        assert_eq!(one.to_string(), "10.0.0.1/32");
    }

    #[test]
    fn what_is_no_range_is_said_to_be_none() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "net/8",
            "10.0.0.0/8/8",
            "10.0.0.0/999",
        ] {
            assert_eq!(text.parse::<Subnet>(), Err(NotASubnet(text.to_owned())));
        }
    }

    #[test]
    fn private_addresses_are_known() {
        for text in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fd12::1",
            "fe80::1",
        ] {
            assert!(is_private(ip(text)), "{text}");
        }
        for text in [
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "203.0.113.1",
            "2001:db8::1",
        ] {
            assert!(!is_private(ip(text)), "{text}");
        }
    }
}
