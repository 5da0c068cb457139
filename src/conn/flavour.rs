//! Whose PostgreSQL it is: signs that only a provider's servers show, and two of them are needed.
//!
//! The signs are from the providers' documentation; they were not tried on their servers:
//! - RDS and Aurora: docs.aws.amazon.com, "Understanding the `rds_superuser` role", "Using
//!   PostgreSQL extensions" (`rds.extensions`), "Parameters" (`rds.force_ssl`,
//!   `rds.logical_replication`), "Aurora PostgreSQL functions reference"
//!   (`aurora_version`, `aurora_replica_status`).
//! - Azure: learn.microsoft.com, "Create users" (`azure_pg_admin`, `azuresu`), "Extensions"
//!   (`azure.extensions`).
//! - Cloud SQL: cloud.google.com/sql/docs/postgres/users (`cloudsqlsuperuser`, `cloudsqladmin`,
//!   `cloudsqlimportexport`), "Database flags" (`cloudsql.*`).
//! - `AlloyDB`: cloud.google.com/alloydb/docs/database-users/about.
//! - Supabase: supabase.com/docs/guides/database/postgres/roles.
//! - Neon: neon.com/docs/manage/roles (`neon_superuser`), and its source (`neon.*` settings).

use serde::{Deserialize, Serialize};

/// Whose PostgreSQL a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// No provider's sign.
    Plain,
    Rds,
    Aurora,
    Azure,
    CloudSql,
    #[serde(rename = "alloydb")]
    AlloyDb,
    Supabase,
    Neon,
}

/// The name that people know it by.
impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain PostgreSQL",
            Self::Rds => "Amazon RDS",
            Self::Aurora => "Amazon Aurora",
            Self::Azure => "Azure Database",
            Self::CloudSql => "Google Cloud SQL",
            Self::AlloyDb => "Google AlloyDB",
            Self::Supabase => "Supabase",
            Self::Neon => "Neon",
        })
    }
}

/// What was found out about the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Plain unless two signs speak for another.
    pub flavour: Flavour,
    /// The provider of the only sign there is: never claimed, but said.
    pub perhaps: Option<Flavour>,
    /// What speaks for it, in words: `role rdsadmin`.
    pub signs: Vec<String>,
}

/// Roles, settings and functions, in this order; host names are apart, in [`host`].
type Signs = (Flavour, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// The more special come before the more general: Aurora has RDS's signs too.
const SIGNS: [Signs; 7] = [
    (Flavour::Aurora, &[], &[], &["aurora_version", "aurora_replica_status"]),
    (
        Flavour::Rds,
        &["rdsadmin", "rds_superuser", "rds_iam", "rds_replication", "rds_password"],
        &["rds.extensions", "rds.force_ssl", "rds.logical_replication"],
        &[],
    ),
    (Flavour::Azure, &["azuresu", "azure_pg_admin"], &["azure.extensions"], &[]),
    (
        Flavour::AlloyDb,
        &["alloydbsuperuser", "alloydbadmin", "alloydbimportexport", "alloydbiamuser"],
        &[],
        &[],
    ),
    (
        Flavour::CloudSql,
        &["cloudsqlsuperuser", "cloudsqladmin", "cloudsqlagent", "cloudsqlimportexport"],
        &["cloudsql.iam_authentication", "cloudsql.logical_decoding"],
        &[],
    ),
    (
        Flavour::Supabase,
        &["supabase_admin", "supabase_auth_admin", "supabase_storage_admin"],
        &["supautils.reserved_roles"],
        &[],
    ),
    (
        Flavour::Neon,
        &["neon_superuser"],
        &["neon.tenant_id", "neon.timeline_id", "neon.project_id"],
        &[],
    ),
];

/// The provider whose endpoints have such a name.
fn host(name: &str) -> Option<Flavour> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let under = |domains: &[&str]| domains.iter().any(|domain| name.ends_with(domain));
    if under(&[".rds.amazonaws.com", ".rds.amazonaws.com.cn"]) {
        let cluster = name.split('.').any(|label| label.starts_with("cluster-"));
        return Some(if cluster { Flavour::Aurora } else { Flavour::Rds });
    }
    if under(&[".postgres.database.azure.com", ".postgres.database.chinacloudapi.cn"]) {
        return Some(Flavour::Azure);
    }
    if under(&[".supabase.co", ".supabase.com"]) {
        return Some(Flavour::Supabase);
    }
    if under(&[".neon.tech"]) {
        return Some(Flavour::Neon);
    }
    name.starts_with("/cloudsql/").then_some(Flavour::CloudSql)
}

impl Provider {
    /// What to ask a server for: roles, settings and functions.
    pub fn questions() -> [Vec<&'static str>; 3] {
        let all = |of: fn(&Signs) -> &'static [&'static str]| {
            SIGNS.iter().flat_map(of).copied().collect::<Vec<_>>()
        };
        [all(|signs| signs.1), all(|signs| signs.2), all(|signs| signs.3)]
    }

    /// Judges what the server has of [`questions`](Self::questions), and the name that was
    /// dialled.
    pub fn of(name: &str, roles: &[String], settings: &[String], functions: &[String]) -> Self {
        let named = host(name);
        let of = |flavour: Flavour| -> Vec<String> {
            let mut found = Vec::new();
            for (_, own_roles, own_settings, own_functions) in
                SIGNS.iter().filter(|signs| signs.0 == flavour)
            {
                for (kind, own, there) in [
                    ("role", own_roles, roles),
                    ("setting", own_settings, settings),
                    ("function", own_functions, functions),
                ] {
                    let here = own.iter().filter(|own| there.iter().any(|there| there == *own));
                    found.extend(here.map(|own| format!("{kind} {own}")));
                }
            }
            if named == Some(flavour) {
                found.push(format!("host {name}"));
            }
            found
        };
        let mut alone = None;
        for (flavour, ..) in SIGNS {
            let mut signs = of(flavour);
            // Aurora is made of RDS: one sign of its own beside one of RDS, or two of its own.
            if flavour == Flavour::Aurora && !signs.is_empty() {
                signs.extend(of(Flavour::Rds));
            }
            match signs.len() {
                0 => {}
                1 => alone = alone.or(Some((flavour, signs))),
                _ => return Self { flavour, perhaps: None, signs },
            }
        }
        let (perhaps, signs) = match alone {
            Some((flavour, signs)) => (Some(flavour), signs),
            None => (None, Vec::new()),
        };
        Self { flavour: Flavour::Plain, perhaps, signs }
    }

    /// The one that it surely is; none where that is nobody's, or not certain.
    pub fn certain(&self) -> Option<Flavour> {
        Some(self.flavour).filter(|flavour| *flavour != Flavour::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, roles: &[&str], settings: &[&str], functions: &[&str]) -> Provider {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Provider::of(name, &own(roles), &own(settings), &own(functions))
    }

    #[test]
    fn two_signs_make_a_provider_and_one_does_not() {
        let none = judged("db", &[], &[], &[]);
        assert_eq!((none.flavour, none.perhaps), (Flavour::Plain, None));
        let one = judged("db", &["rds_superuser"], &[], &[]);
        assert_eq!((one.flavour, one.perhaps), (Flavour::Plain, Some(Flavour::Rds)));
        assert_eq!(one.signs, ["role rds_superuser"]);
        let two = judged("db", &["rds_superuser"], &["rds.extensions"], &[]);
        assert_eq!((two.flavour, two.perhaps), (Flavour::Rds, None));
        assert_eq!(two.signs, ["role rds_superuser", "setting rds.extensions"]);
    }

    #[test]
    fn every_provider_has_two_signs_that_are_its_own() {
        for (flavour, roles, settings, functions) in SIGNS {
            let found = judged("db", roles, settings, functions);
            assert_eq!(found.flavour, flavour);
            assert!(found.signs.len() >= 2, "{found:?}");
        }
    }

    #[test]
    fn a_name_is_a_sign_and_aurora_is_told_from_rds() {
        let name = "shop.abc.eu-west-1.rds.amazonaws.com";
        assert_eq!(judged(name, &[], &[], &[]).perhaps, Some(Flavour::Rds));
        assert_eq!(judged(name, &["rdsadmin"], &[], &[]).flavour, Flavour::Rds);
        let cluster = "shop.cluster-ro-abc.eu-west-1.rds.amazonaws.com";
        assert_eq!(judged(cluster, &["rdsadmin"], &[], &[]).flavour, Flavour::Aurora);
        assert_eq!(judged(name, &["rdsadmin"], &[], &["aurora_version"]).flavour, Flavour::Aurora);
        assert_eq!(
            judged("/cloudsql/p:r:i", &["cloudsqladmin"], &[], &[]).flavour,
            Flavour::CloudSql
        );
        assert_eq!(judged("rds.amazonaws.com.evil.example", &[], &[], &[]).perhaps, None);
    }
}
