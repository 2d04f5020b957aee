//! Which addresses an endpoint may have. Whoever edits routes and webhooks names URLs, and the agent or portal that calls
//! them stands in a network where other things answer too: the machine's own services, a cloud's metadata, what trusts its
//! neighbours. Those are refused unless the route or webhook says that they are meant.
//!
//! It is asked about the address that is connected to, after the name was resolved: a name proves nothing.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is anybody's on the internet: not of this machine, this network or this cloud, and no group.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let refused = match address.octets() {
        // "This network"; Linux takes 0.0.0.0 for the machine itself.
        [0, ..] => true,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Shared with customers of a provider; some clouds have their metadata there.
        [100, 64..=127, ..] => true,
        [127, ..] => true,
        // Link-local, with the metadata of most clouds.
        [169, 254, ..] => true,
        // A cloud's own services, at an address that looks like any other.
        [168, 63, 129, 16] => true,
        // Protocol assignments, documentation, measurements of networks, the retired relays of 6to4.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] | [192, 88, 99, _] => true,
        // Groups, reserved, broadcast.
        [224..=255, ..] => true,
        _ => false,
    };
    !refused
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = within_v6(address) {
        return is_public_v4(within);
    }
    match address.segments() {
        // Unspecified, loopback, and the rest of what is no address of anybody.
        [0, ..] => false,
        // Local translation, discard.
        [0x64, 0xff9b, 1, ..] | [0x100, ..] => false,
        // Tunnels whose far end cannot be seen in the address, documentation.
        [0x2001, 0, ..] | [0x2001, 0x10..=0x2f, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] => false,
        // Only 2000::/3 is given out; unique-local, link-local, site-local and groups lie above.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// The IPv4 address that an IPv6 address only wraps: mapped, translated (NAT64), 6to4.
fn within_v6(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_addresses_of_the_internet_pass() {
        let public = ["1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.0.1", "168.63.129.17"];
        let public_v6 = ["2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"];
        for text in public.iter().chain(&public_v6) {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let refused_v6 = [
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "fe80::1",
            "febf::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:0:1::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "4000::1",
        ];
        for text in refused.iter().chain(&refused_v6) {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
    }
}
