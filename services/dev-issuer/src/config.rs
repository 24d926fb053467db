//! What can be set: `[dev_issuer]`.

use std::net::{Ipv4Addr, SocketAddr};

use runtime::{Section, Wrong, socket_address};
use serde::Deserialize;

use crate::keys::KeyType;

/// How the development issuer runs: `[dev_issuer]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the provider, on this machine. Default `127.0.0.1:0`, any free port;
    /// `WORLDLINE_DEV_ISSUER_LISTEN`.
    #[serde(deserialize_with = "socket_address")]
    pub listen: SocketAddr,
    /// Address where faults are ordered, on this machine. Default `127.0.0.1:0`, any free port;
    /// `WORLDLINE_DEV_ISSUER_FAULTS_LISTEN`.
    #[serde(deserialize_with = "socket_address")]
    pub faults_listen: SocketAddr,
    /// With which keys tokens are signed: `ES256`, `RS256` or `EdDSA`. Default `ES256`;
    /// `WORLDLINE_DEV_ISSUER_KEY_TYPE`.
    pub key_type: KeyType,
}

impl Default for Config {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any,
            faults_listen: any,
            key_type: KeyType::default(),
        }
    }
}

impl Section for Config {
    const NAME: &'static str = "dev_issuer";

    fn check(&self) -> Result<(), Wrong> {
        let addresses = [
            ("listen", self.listen),
            ("faults_listen", self.faults_listen),
        ];
        for (key, address) in addresses {
            if !address.ip().is_loopback() {
                let why = "anybody may be anybody here: give an address of this machine only, \
                           such as `127.0.0.1:0`";
                return Err(Wrong::new(key, why));
            }
        }
        Ok(())
    }
}
