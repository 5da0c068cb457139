//! Rules of `pg_hba.conf`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

use super::settings::HBA_RULES;
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;

/// A rule.
#[derive(Debug, Clone, Default, Deserialize)]
struct Rule {
    file: Option<String>,
    line_number: f64,
    #[serde(rename = "type")]
    kind: Option<String>,
    database: Option<Vec<String>>,
    user_name: Option<Vec<String>>,
    address: Option<String>,
    netmask: Option<String>,
    auth_method: Option<String>,
    error: Option<String>,
}

impl Rule {
    /// As it is written, without its options.
    fn written(&self) -> String {
        let list = |names: &Option<Vec<String>>| {
            names.as_ref().map_or_else(|| "?".to_owned(), |names| names.join(","))
        };
        let mut words = vec![self.kind.clone().unwrap_or_default()];
        words.extend([list(&self.database), list(&self.user_name)]);
        words.extend(self.address.clone());
        words.extend(self.netmask.clone());
        words.extend(self.auth_method.clone());
        words.join(" ")
    }

    fn is_socket(&self) -> bool {
        self.kind.as_deref() == Some("local")
    }

    /// Nobody on another machine can use it.
    fn is_near(&self) -> bool {
        let address = self.address.as_deref().unwrap_or_default();
        let near = match address.parse() {
            Ok(address) => stays_here(address, self.netmask.as_deref()),
            Err(_) => ["localhost", "samehost"].contains(&address),
        };
        self.is_socket() || near
    }

    /// The rule is for TLS only.
    fn is_encrypted(&self) -> bool {
        matches!(self.kind.as_deref(), Some("hostssl" | "hostgssenc"))
    }

    /// What is wrong with it.
    fn fault(&self) -> Option<(Level, &'static str)> {
        match self.auth_method.as_deref()? {
            "trust" if !self.is_near() => Some((
                Level::Critical,
                "lets everybody from there in as anybody, without a password",
            )),
            "trust" => {
                Some((Level::Info, "lets everybody with an account on the machine in as anybody"))
            }
            "password" if !self.is_near() && !self.is_encrypted() => {
                Some((Level::Critical, "has the password sent in clear"))
            }
            "password" if !self.is_near() => {
                Some((Level::Warning, "has the password itself sent to the server"))
            }
            "md5" if !self.is_near() => {
                Some((Level::Warning, "uses md5: who reads its hash can log in with it"))
            }
            _ => None,
        }
    }
}

/// Whether all addresses of a network are this machine's own: 127.0.0.0/8 and ::1.
fn stays_here(address: IpAddr, mask: Option<&str>) -> bool {
    match address {
        IpAddr::V4(address) => {
            let mask = mask.map_or(Ok(Ipv4Addr::BROADCAST), str::parse);
            address.is_loopback() && mask.is_ok_and(|mask| mask.octets()[0] == 255)
        }
        IpAddr::V6(address) => {
            let one = Ipv6Addr::from_bits(u128::MAX);
            let mask = mask.map_or(Ok(one), str::parse);
            address.is_loopback() && mask.is_ok_and(|mask| mask == one)
        }
    }
}

pub fn judge(look: &Look<'_>) -> Judged {
    let rules: Vec<Rule> = look.rows(&HBA_RULES)?;
    let mut verdict = look.verdict().saying(format!("{} rules are in order", rules.len()));
    for rule in rules {
        let place =
            format!("{}:{}", rule.file.as_deref().unwrap_or("pg_hba.conf"), rule.line_number);
        if let Some(error) = &rule.error {
            let says = format!("{place} cannot be read: {error}");
            verdict.find(Level::Critical, place, says);
        } else if let Some((level, what)) = rule.fault() {
            let written = rule.written();
            let says = format!("\"{written}\" ({place}) {what}");
            verdict.find(level, written, says);
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_as_bad_as_where_it_lets_in_from() {
        let level = |kind: &str, address: Option<&str>, method: &str| {
            let rule = Rule {
                kind: Some(kind.to_owned()),
                address: address.map(str::to_owned),
                auth_method: Some(method.to_owned()),
                ..Rule::default()
            };
            rule.fault().map(|(level, _)| level)
        };
        let anywhere = Some("0.0.0.0");
        assert_eq!(level("host", anywhere, "trust"), Some(Level::Critical));
        assert_eq!(level("hostssl", Some("all"), "trust"), Some(Level::Critical));
        assert_eq!(level("host", Some("127.0.0.1"), "trust"), Some(Level::Info));
        assert_eq!(level("local", None, "trust"), Some(Level::Info));
        assert_eq!(level("host", anywhere, "password"), Some(Level::Critical));
        assert_eq!(level("hostssl", anywhere, "password"), Some(Level::Warning));
        assert_eq!(level("host", anywhere, "md5"), Some(Level::Warning));
        assert_eq!(level("host", Some("::1"), "md5"), None);
        assert_eq!(level("host", anywhere, "scram-sha-256"), None);
        assert_eq!(level("local", None, "peer"), None);
        assert_eq!(level("host", anywhere, "reject"), None);
    }

    #[test]
    fn a_network_is_near_when_all_of_it_is() {
        let near = |address: &str, mask: &str| {
            let (address, netmask) = (Some(address.to_owned()), Some(mask.to_owned()));
            Rule { kind: Some("host".to_owned()), address, netmask, ..Rule::default() }.is_near()
        };
        let one = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert!(near("127.0.0.1", "255.255.255.255"));
        assert!(near("127.0.0.0", "255.0.0.0"));
        assert!(near("::1", one));
        // 127.0.0.1/0 is written quickly, and lets everybody in from everywhere.
        assert!(!near("127.0.0.1", "0.0.0.0"));
        assert!(!near("127.0.0.1", "254.0.0.0"));
        assert!(!near("::1", "::"));
        assert!(!near("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
        assert!(!near("10.0.0.1", "255.255.255.255"));
        assert!(!near("127.0.0.1", "nothing"));
    }
}
