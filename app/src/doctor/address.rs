//! Where people reach the installation, and who stands in between.

use std::net::IpAddr;

use super::Finding;
use crate::settings::{Mode, Settings};

/// Whether only this machine reaches the server.
fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host of a web address.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

pub(super) fn public_url(settings: &Settings) -> Finding {
    const CHECK: &str = "public_url";
    const SET: &str = "Set auth.public_url (LARDER_AUTH_PUBLIC_URL) to the https:// address that people use";
    let (url, is_bound_to_all) = (settings.auth.public_url.as_str(), !is_local(&settings.server.host));
    if url.is_empty() {
        return if is_bound_to_all && settings.mode == Mode::Production {
            Finding::wrong(CHECK, "it is not set, so there are no links to hand out", SET)
        } else {
            Finding::fine(CHECK, "it is not set: what would be links are tokens to hand over")
        };
    }
    let is_here = is_local(host_of(url));
    if is_here && is_bound_to_all {
        return Finding::wrong(CHECK, format!("{url} is this machine for whoever opens a link, and server.host lets others in"), SET);
    }
    if url.starts_with("http://") && !is_here {
        return Finding::wrong(CHECK, format!("passwords would travel readably to {url}"), SET);
    }
    Finding::fine(CHECK, url)
}

pub(super) fn proxies(settings: &Settings) -> Finding {
    const CHECK: &str = "proxies";
    const NAME: &str = "Name the networks of your own proxies in trusted_proxies (LARDER_TRUSTED_PROXIES), and nothing else";
    let trusted = &settings.trusted_proxies;
    if let Some(all) = trusted.iter().find(|network| network.prefix_len() == 0) {
        return Finding::wrong(CHECK, format!("{all} is everybody: anybody may say where they come from"), NAME);
    }
    if trusted.is_empty() && settings.auth.public_url.starts_with("https://") {
        return Finding::wrong(
            CHECK,
            "something in front of the server speaks TLS, and is not trusted: everybody counts as one address where log-ins are limited",
            NAME,
        );
    }
    let names: Vec<_> = trusted.iter().map(ToString::to_string).collect();
    Finding::fine(CHECK, if names.is_empty() { "nobody is trusted".to_owned() } else { names.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Variables;

    fn found(check: fn(&Settings) -> Finding, pairs: &[(&str, &str)]) -> bool {
        let variables: Variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check(&Settings::load_built_in(&variables).unwrap_or_else(|refusal| panic!("{refusal}"))).is_wrong()
    }

    const ALL: (&str, &str) = ("LARDER_SERVER_HOST", "0.0.0.0");

    fn url(url: &'static str) -> (&'static str, &'static str) {
        ("LARDER_AUTH_PUBLIC_URL", url)
    }

    #[test]
    fn the_public_address_is_https_and_not_this_machine_where_others_come_in() {
        for (pairs, is_wrong) in [
            (vec![], false),
            (vec![ALL], false),
            (vec![ALL, url("https://stock.example.com")], false),
            (vec![ALL, url("http://stock.example.com")], true),
            (vec![ALL, url("https://localhost:8443/larder")], true),
            (vec![ALL, url("http://127.0.0.1:8080")], true),
            (vec![ALL, url("http://[::1]:8080")], true),
            (vec![url("http://localhost:8080")], false),
            (vec![url("http://localhost.example.com")], true),
        ] {
            assert_eq!(found(public_url, &pairs), is_wrong, "{pairs:?}");
        }
    }

    #[test]
    fn what_speaks_tls_is_named_and_not_everybody() {
        let trusted = |networks| ("LARDER_TRUSTED_PROXIES", networks);
        for (pairs, is_wrong) in [
            (vec![], false),
            (vec![url("https://stock.example.com")], true),
            (vec![url("https://stock.example.com"), trusted("10.0.0.0/8")], false),
            (vec![trusted("0.0.0.0/0")], true),
            (vec![trusted("10.0.0.0/8,::/0")], true),
        ] {
            assert_eq!(found(proxies, &pairs), is_wrong, "{pairs:?}");
        }
    }
}
