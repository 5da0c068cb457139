//! The page of `--show-server`.

use super::grid::Grid;
use super::{Page, Text};
use crate::report::server::{ServerReport, SessionReport};

impl Text for ServerReport {
    fn text(&self, page: &Page) -> String {
        let mut rows = Vec::new();
        self.way(&mut rows);
        self.server(&mut rows);
        if let Some(session) = &self.session {
            session.rows(&self.user, &mut rows);
        } else {
            rows.push(("user", self.user.clone()));
        }
        self.tls(&mut rows);
        rows.extend(self.unseen.iter().map(|what| ("not seen", what.clone())));
        let mut grid = Grid::new(page, &["SERVER", ""]);
        let mut last = "";
        for (name, value) in rows {
            // A list has its name once.
            grid.row([if name == last { String::new() } else { name.to_owned() }, value]);
            last = name;
        }
        grid.text()
    }
}

type Rows = Vec<(&'static str, String)>;

impl ServerReport {
    fn way(&self, rows: &mut Rows) {
        rows.push(("host", format!("{}:{}", self.host, self.port)));
        if let Some(address) = self.address.as_ref().filter(|address| **address != self.host) {
            rows.push(("address", address.clone()));
        }
        rows.push(("connected in", format!("{:.1} ms", self.connect_ms)));
        rows.push(("read from", format!("{} ({})", self.route.taken, self.route.why)));
        if let Some(pooler) = &self.pooler {
            rows.push(("in between", pooler.to_string()));
            rows.extend(pooler.evidence.iter().map(|shown| ("in between", format!("- {shown}"))));
        } else if !self.relay.is_empty() {
            let what = "a tunnel, address translation or a container's port".to_owned();
            rows.push(("in between", what));
            rows.extend(self.relay.iter().map(|shown| ("in between", format!("- {shown}"))));
        }
    }

    fn server(&self, rows: &mut Rows) {
        rows.push(("version", self.version.clone()));
        if let Some(SessionReport { provider, .. }) = &self.session {
            let signs = provider.signs.join(", ");
            rows.push((
                "provider",
                match provider.perhaps {
                    Some(one) => format!("none is certain; perhaps {one} (one sign: {signs})"),
                    None if signs.is_empty() => provider.flavour.to_string(),
                    None => format!("{} ({signs})", provider.flavour),
                },
            ));
        }
        let kind = if self.in_recovery { "standby" } else { "primary" };
        let access = if self.read_only { "read-only" } else { "read-write" };
        rows.push(("kind", format!("{kind}, {access}")));
        rows.push(("system identifier", self.system_identifier.clone()));
        rows.push(("database", format!("{} ({})", self.database, self.encoding)));
    }

    fn tls(&self, rows: &mut Rows) {
        let beyond = self.session.as_ref().and_then(|session| {
            let cipher = session.tls_cipher.as_ref()?;
            Some(format!("{}, {cipher}", session.tls_version.as_ref()?))
        });
        // Of the leg behind a pooler, the server's word; of our own leg only whether.
        let own = match (self.encrypted, &beyond) {
            (false, _) => "none".to_owned(),
            (true, Some(words)) if self.pooler.is_none() => words.clone(),
            (true, _) => "yes".to_owned(),
        };
        rows.push(("TLS", own));
        if self.pooler.is_some() && self.session.is_some() {
            let words = beyond.unwrap_or_else(|| "none".to_owned());
            rows.push(("TLS behind it", words));
        }
        if let Some(certificate) = &self.certificate {
            rows.push(("certificate", certificate.subject.clone()));
            rows.push(("certificate", format!("signed by {}", certificate.issuer)));
        }
        if let (Some(at), Some(days)) = (self.certificate_expires, self.certificate_days_left) {
            let day = at.strftime("%Y-%m-%d");
            let left = match days {
                days if days < 0 => "over".to_owned(),
                1 => "1 day left".to_owned(),
                days => format!("{days} days left"),
            };
            rows.push(("certificate", format!("until {day} ({left})")));
        }
    }
}

impl SessionReport {
    fn rows(&self, user: &str, rows: &mut Rows) {
        let mut who = user.to_owned();
        if self.login != user {
            who.push_str(&format!(", logged in as {}", self.login));
        }
        if let Some(how) = &self.authenticated {
            who.push_str(&format!(" ({how})"));
        }
        rows.push(("user", who));
        let list = |words: Vec<String>| match words.is_empty() {
            true => "-".to_owned(),
            false => words.join(", "),
        };
        rows.push(("attributes", list(self.attributes.iter().map(ToString::to_string).collect())));
        if !self.attributes.contains(&"superuser") {
            rows.push(("roles held", list(self.held_roles.clone())));
        }
        let extension =
            |one: &crate::report::server::Extension| format!("{} {}", one.name, one.version);
        rows.push(("extensions", list(self.extensions.iter().map(extension).collect())));
    }
}
