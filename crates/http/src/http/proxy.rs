//! Which requests go through a proxy, as curl and git decide it.
//!
//! Source: <https://curl.se/docs/manpage.html#ENVIRONMENT>

use std::{fmt, sync::Arc};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::{Host, Url};

/// The proxies that the variables name. `Debug` shows no password.
#[derive(Clone)]
pub struct Proxies(Arc<Matcher>);

/// How a connection to a server is made.
pub(super) enum ProxyRoute {
    /// Straight to the server.
    Direct,
    /// With `CONNECT` through the proxy: for https.
    Tunnel(Intercept),
    /// The proxy is given the whole address: for plain http.
    Forward(Intercept),
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self(Arc::new(Matcher::builder().build()))
    }

    /// The values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; an empty one counts as not set.
    /// A value that is no proxy address is an error, which does not quote it: it may hold a password.
    pub fn new(https: &str, http: &str, no_proxy: &str) -> Result<Self, String> {
        for (name, value) in [("HTTPS_PROXY", https), ("HTTP_PROXY", http)] {
            // The matcher would pass over such a value, and requests would go out directly.
            if !value.is_empty() && !is_address(value) {
                return Err(format!(
                    "{name} is not a proxy that can be used: write http://[user:password@]host:port (or https://)"
                ));
            }
        }
        // NOTE: curl takes blanks between the names too.
        let names: Vec<_> = no_proxy.split([',', ' ']).filter(|name| !name.is_empty()).collect();
        // NOTE: the matcher takes `*` for all names, and for no address.
        if names.contains(&"*") {
            return Ok(Self::none());
        }
        let no_proxy = names.join(",");
        Ok(Self(Arc::new(Matcher::builder().https(https).http(http).no(no_proxy).build())))
    }

    /// How `target` is reached. Plain http, which only loopback speaks here, never leaves the machine:
    /// it takes a proxy only when that is on loopback too.
    pub(super) fn route(&self, target: &Uri) -> ProxyRoute {
        match self.0.intercept(target) {
            Some(proxy) if target.scheme_str() == Some("https") => ProxyRoute::Tunnel(proxy),
            Some(proxy) if is_loopback(proxy.uri()) => ProxyRoute::Forward(proxy),
            _ => ProxyRoute::Direct,
        }
    }

    /// The proxy on the way to `server`, as `host` or `host:port`, without user and password.
    pub fn on_the_way_to(&self, server: &Url) -> Option<String> {
        match self.route(&server.as_str().parse().ok()?) {
            ProxyRoute::Direct => None,
            ProxyRoute::Tunnel(proxy) | ProxyRoute::Forward(proxy) => {
                let uri = proxy.uri();
                let host = uri.host()?;
                Some(uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
            }
        }
    }

    /// The proxy that a request is handed to, which answers in the server's place: `host:port`.
    pub(super) fn forwarder(&self, target: &Uri) -> Option<String> {
        match self.route(target) {
            ProxyRoute::Forward(proxy) => proxy.uri().authority().map(ToString::to_string),
            _ => None,
        }
    }

    /// The `Proxy-Authorization` of a request that is forwarded, not tunnelled.
    pub(super) fn forward_authorization(&self, target: &Uri) -> Option<HeaderValue> {
        match self.route(target) {
            ProxyRoute::Forward(proxy) => proxy.basic_auth().cloned(),
            _ => None,
        }
    }
}

impl Default for Proxies {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_address(value: &str) -> bool {
    value.parse::<Uri>().is_ok_and(|uri| {
        let host = uri.host().is_some_and(|host| !host.is_empty());
        host && matches!(uri.scheme_str(), None | Some("http" | "https"))
    })
}

fn is_loopback(uri: &Uri) -> bool {
    match Url::parse(&uri.to_string()).as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost",
        Ok(Some(Host::Ipv4(address))) => address.is_loopback(),
        Ok(Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(no_proxy: &str) -> Proxies {
        Proxies::new("http://u:geheim@proxy.test:3128", "http://127.0.0.1:8888", no_proxy).unwrap()
    }

    fn way(proxies: &Proxies, target: &str) -> &'static str {
        match proxies.route(&target.parse().unwrap()) {
            ProxyRoute::Direct => "direct",
            ProxyRoute::Tunnel(_) => "tunnel",
            ProxyRoute::Forward(_) => "forward",
        }
    }

    #[test]
    fn https_is_tunnelled_and_no_proxy_is_heard() {
        let all = proxies("");
        assert_eq!(way(&all, "https://api.github.com/user"), "tunnel");
        assert_eq!(way(&all, "http://127.0.0.1:4000/"), "forward");
        let some = proxies("example.test, .github.com 10.0.0.0/8,::1");
        assert_eq!(way(&some, "https://api.github.com/user"), "direct");
        assert_eq!(way(&some, "https://ghes.example.test/"), "direct");
        assert_eq!(way(&some, "https://notexample.test/"), "tunnel");
        assert_eq!(way(&some, "https://10.1.2.3/"), "direct");
        assert_eq!(way(&some, "http://[::1]:4000/"), "direct");
        assert_eq!(way(&proxies("*"), "https://github.com/"), "direct");
        assert_eq!(way(&proxies("example.test, *"), "https://10.1.2.3/"), "direct");
        assert_eq!(way(&Proxies::none(), "https://github.com/"), "direct");
    }

    #[test]
    fn plain_http_does_not_leave_the_machine_through_a_proxy() {
        let proxies = Proxies::new("", "http://proxy.test:3128", "").unwrap();
        assert_eq!(way(&proxies, "http://127.0.0.1:4000/"), "direct");
    }

    #[test]
    fn a_proxy_address_is_checked_and_its_password_is_not_shown() {
        for fine in ["", "proxy.test:3128", "http://proxy.test", "https://u:p%40@proxy.test:443/"] {
            assert!(Proxies::new(fine, fine, "").is_ok(), "{fine}");
        }
        for wrong in ["http://", "socks5://geheim@proxy.test:1080", "http://geheim pass@proxy", "/geheim"] {
            let error = Proxies::new(wrong, "", "").unwrap_err();
            assert!(error.starts_with("HTTPS_PROXY") && !error.contains("geheim"), "{error}");
        }
        assert!(!format!("{:?}", proxies("")).contains("geheim"));
    }
}
