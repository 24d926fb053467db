//! Who is at the other end: the address that counts, and what the device calls itself.
//!
//! The address is the socket's, unless that is a proxy's which the operator trusts: then it is the
//! last one in `X-Forwarded-For` that is no trusted proxy's. What stands before it anybody can
//! have written.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use schemas::Digest;
use schemas::locate::network;

use crate::networks::Network;
use crate::realm::Realm;

/// The longest name of a device that is kept, bytes.
const LONGEST_DEVICE: usize = 120;
const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Who is at the other end of a request.
#[derive(Debug, Clone)]
pub(crate) struct ClientAddress {
    /// The address, or of an IPv6 one its network: what counts as one place.
    pub(crate) network: IpAddr,
    /// Stands for it in the log.
    pub(crate) tag: Digest,
    /// Whether it is this machine.
    pub(crate) local: bool,
    /// Whether the way to it is encrypted, as far as a trusted proxy says so.
    pub(crate) encrypted: bool,
    /// What the device calls itself.
    pub(crate) device: Option<String>,
}

impl FromRequestParts<Arc<Realm>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, realm: &Arc<Realm>) -> Result<Self, Infallible> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let socket = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let trusted = &realm.config.trusted_proxies;
        let through_proxy = trusted.iter().any(|proxy| proxy.contains(socket));
        let address = behind(socket, trusted, &parts.headers);
        let network = network(address);
        let proto = parts.headers.get(FORWARDED_PROTO);
        let device = parts.headers.get(header::USER_AGENT);
        Ok(Self {
            network,
            tag: realm.keys.locator.address(network),
            local: address.is_loopback(),
            encrypted: through_proxy && proto.is_some_and(|proto| proto == "https"),
            device: device.and_then(|device| device.to_str().ok()).map(cut),
        })
    }
}

/// The address that counts.
fn behind(socket: IpAddr, trusted: &[Network], headers: &HeaderMap) -> IpAddr {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|proxy| proxy.contains(*address));
    let mut nearest = socket.to_canonical();
    let lists = headers.get_all(FORWARDED_FOR).iter();
    let lists: Vec<&str> = lists.filter_map(|list| list.to_str().ok()).collect();
    let mut hops = lists.iter().rev().flat_map(|list| list.rsplit(','));
    while is_proxy(&nearest) {
        // A proxy that says nothing, or nonsense, is as far as can be seen.
        match hops
            .next()
            .and_then(|hop| hop.trim().parse::<IpAddr>().ok())
        {
            Some(hop) => nearest = hop.to_canonical(),
            None => break,
        }
    }
    nearest
}

fn cut(device: &str) -> String {
    device[..device.floor_char_boundary(LONGEST_DEVICE)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(socket: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append(FORWARDED_FOR, list.parse().expect("a header"));
        }
        behind(socket.parse().expect("an address"), &trusted, &headers).to_string()
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_nobody_else_is() {
        assert_eq!(seen("203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(
            seen("10.0.0.1", &["198.51.100.7, 192.0.2.1, 10.0.0.2"]),
            "192.0.2.1",
            "what the client wrote before does not count"
        );
        assert_eq!(seen("10.0.0.1", &["192.0.2.1", "10.0.0.2"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["192.0.2.1, nonsense"]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["2001:db8::5"]), "2001:db8::5");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4000))]

        #[test]
        fn whatever_a_proxy_says_there_is_an_address(said in "[0-9a-f:., x]{0,60}") {
            let address = seen("10.0.0.1", &[&said, "192.0.2.1, 10.0.0.9"]);
            proptest::prop_assert_eq!(address, "192.0.2.1");
            let alone: IpAddr = seen("10.0.0.1", &[&said]).parse().expect("an address");
            proptest::prop_assert!(said.contains(&alone.to_string()) || alone.to_string() == "10.0.0.1"
                || said.contains(':'));
        }
    }
}
