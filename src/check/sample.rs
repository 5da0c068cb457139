//! Facts for the tests of what checks say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::app::APPLICATION;
use super::dep::Shared;
use super::facts::{Answer, Facts, SCHEMA, Sight};
use super::limits::Limits;
use super::look::Look;
use super::registry::Check;
use super::verdict::Judged;
use crate::report::check::Looked;
use crate::settings::{
    CheckSettings, Declared, DeclaredServer, DeclaredTls, DeclaredValue, ServerRole,
};

/// A row of `settings`: a value that somebody has set in the server's file.
pub fn setting(name: &str, value: &str) -> Value {
    json!({"name": name, "reset_val": value, "boot_val": null, "unit": null, "context": "sighup",
           "source": "configuration file", "pending_restart": false})
}

/// Facts of a server 15, and perhaps those of an earlier moment.
#[derive(Debug, Clone)]
pub struct Sample {
    pub facts: Facts,
    previous: Option<Facts>,
    pub settings: CheckSettings,
    pub limits: Limits,
    pub environment: Option<&'static str>,
}

impl Sample {
    /// The moment of the facts, as an epoch: 2026-11-22.
    pub const NOW: f64 = 1_795_305_600.0;

    /// With these rows for one question.
    pub fn of(question: &str, rows: &[Value]) -> Self {
        let facts = Facts {
            schema: SCHEMA.to_owned(),
            pgtend: String::new(),
            at: "2026-11-22T00:00:00Z".parse().unwrap(),
            server: Looked { version_number: 150_018, ..Looked::default() },
            system_identifier: String::new(),
            sight: Sight { superuser: true, ..Sight::default() },
            certificate_expiry: None,
            encrypted: true,
            answers: BTreeMap::new(),
            milliseconds: BTreeMap::new(),
            beside: BTreeMap::new(),
        };
        let sample = Self {
            facts,
            previous: None,
            settings: CheckSettings::default(),
            limits: Limits::default(),
            environment: None,
        };
        sample.with(question, rows)
    }

    /// With these rows for another question.
    #[must_use]
    pub fn with(mut self, question: &str, rows: &[Value]) -> Self {
        self.facts.answers.insert(question.to_owned(), Answer::Rows(rows.to_vec()));
        self
    }

    /// With these variables of an application; one that is null refers to `${ELSEWHERE}`.
    #[must_use]
    pub fn declaring(self, values: &Value) -> Self {
        let values = values.as_object().unwrap().iter().map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            let undefined = text.is_none().then(|| "ELSEWHERE".to_owned());
            (name.clone(), DeclaredValue { value: text, undefined, ..DeclaredValue::default() })
        });
        self.declared(|declared| declared.values.extend(values))
    }

    /// With this server as the application's.
    #[must_use]
    pub fn declaring_server(self, host: &str, user: Option<&str>) -> Self {
        let server = DeclaredServer {
            variable: "DATABASE_URL".to_owned(),
            role: ServerRole::Primary,
            fault: None,
            scheme: "postgresql".to_owned(),
            driver: None,
            hosts: vec![(host.to_owned(), String::new())],
            user: user.map(str::to_owned),
            database: None,
            tls: DeclaredTls::default(),
            keywords: BTreeSet::new(),
            parameters: BTreeMap::new(),
            password: None,
            placeholders: Vec::new(),
            weight: None,
        };
        self.declared(|declared| declared.servers.push(server))
    }

    fn declared(mut self, change: impl FnOnce(&mut Declared)) -> Self {
        let known = self.facts.beside.remove(APPLICATION);
        let mut declared =
            known.map_or_else(Declared::default, |known| serde_json::from_value(known).unwrap());
        change(&mut declared);
        let declared = serde_json::to_value(declared).unwrap();
        self.facts.beside.insert(APPLICATION.to_owned(), declared);
        self
    }

    /// At another moment.
    #[must_use]
    pub fn at(mut self, at: &str) -> Self {
        self.facts.at = at.parse::<Timestamp>().unwrap();
        self
    }

    /// So many seconds after another sample.
    #[must_use]
    pub fn after(mut self, seconds: f64, earlier: &Self) -> Self {
        let mut previous = earlier.facts.clone();
        previous.at = self.facts.at - SignedDuration::from_secs_f64(seconds);
        self.previous = Some(previous);
        self
    }

    /// With a limit of the operator's: `id`, `id/name` or either with `:object`.
    #[must_use]
    pub fn limited(
        mut self,
        check: &Check,
        place: &str,
        warning: Option<&str>,
        critical: Option<&str>,
    ) -> Self {
        let path = place.split(':').next().unwrap();
        let name = path.split_once('/').map_or("", |(_, name)| name);
        let spec = check.limits.iter().find(|spec| spec.name == name).unwrap();
        self.limits.add(place, spec, warning, critical).unwrap();
        self
    }

    /// What a check says; with standard limits unless others were given.
    pub fn judged(&self, check: &'static Check) -> Judged {
        let look = Look {
            check,
            facts: &self.facts,
            previous: self.previous.as_ref(),
            limits: &self.limits,
            settings: &self.settings,
            environment: self.environment,
            deploy: &Shared::default(),
        };
        (check.judge)(&look)
    }
}
