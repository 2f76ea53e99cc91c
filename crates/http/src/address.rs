//! Where a request comes from, as far as that can be known.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use keepstep_platform::Platform;

/// The network address of a client: an IPv4 address, or the /64 network of an IPv6 one, in which a single client can have
/// as many addresses as it likes.
///
/// Behind a proxy, which a public URL tells, it is the last address that the proxy on this machine has seen. What a client
/// itself writes into that header stands further to the front and is not read.
#[derive(Debug, Clone)]
pub struct Address(pub String);

impl FromRequestParts<Platform> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Infallible> {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded = || {
            let line = parts.headers.get_all("x-forwarded-for").iter().next_back()?;
            line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let seen = match connected {
            Some(address) if address.is_loopback() && platform.settings.public_url.is_some() => forwarded().or(connected),
            _ => connected,
        };
        Ok(Self(seen.map_or_else(|| "somewhere unknown".to_owned(), network)))
    }
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_network() {
        for (address, name) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::1", "::1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(network(address.parse().unwrap()), name);
        }
    }
}
