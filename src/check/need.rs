//! What a check must be allowed to see, and what gives it to a role.

use serde::{Deserialize, Serialize};

use super::facts::Sight;
use crate::sql::{quote_literal, quote_name};

/// Something that not every role can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// What others' sessions do.
    Stats,
    /// Settings that only superusers see else.
    Settings,
    /// Every table, column and sequence.
    AllData,
    /// `pg_ls_waldir()`.
    WalDir,
    /// `pg_hba_file_rules`.
    HbaRules,
    /// The form of the roles' passwords.
    Passwords,
}

/// The statements that let `role` see all of these: each once.
pub fn grants(needs: &[Need], role: &str, version_number: u32) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for statement in needs.iter().flat_map(|need| need.grants(role, version_number)) {
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    statements
}

impl Need {
    /// What is not seen without it.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Stats => "what other roles' sessions do",
            Self::Settings => "settings that are for superusers",
            Self::AllData => "tables, statistics and sequences that the role may not read",
            Self::WalDir => "the files of the write-ahead log",
            Self::HbaRules => "the rules of pg_hba.conf",
            Self::Passwords => "how the roles' passwords are stored",
        }
    }

    /// Whether the role sees it.
    pub const fn met(self, sight: &Sight) -> bool {
        sight.superuser
            || match self {
                Self::Stats => sight.stats,
                Self::Settings => sight.settings,
                Self::AllData => sight.all_data,
                Self::WalDir => sight.wal_dir,
                Self::HbaRules => sight.hba_rules,
                Self::Passwords => sight.passwords,
            }
    }

    /// The statements that let `role` see it.
    pub fn grants(self, role: &str, version_number: u32) -> Vec<String> {
        let (name, role) = (quote_literal(role), quote_name(role));
        match self {
            Self::Stats | Self::Settings | Self::WalDir => {
                vec![format!("GRANT pg_monitor TO {role};")]
            }
            // Before 14 there is no role for it: what exists is granted, schema by schema.
            Self::AllData if version_number < 140_000 => {
                let body = format!(
                    "DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE \
                     nspname !~ '^pg_' LOOP EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', s, \
                     {name}); EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', s, \
                     {name}); EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', \
                     s, {name}); END LOOP; END"
                );
                vec![format!("DO {};", quote_literal(&body))]
            }
            Self::AllData => vec![format!("GRANT pg_read_all_data TO {role};")],
            Self::HbaRules => vec![
                format!("GRANT SELECT ON pg_hba_file_rules TO {role};"),
                format!("GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO {role};"),
            ],
            // What it shows can be attacked off line.
            Self::Passwords => vec![format!(
                "GRANT SELECT (rolname, rolpassword, rolcanlogin) ON pg_authid TO {role};  -- \
                 shows the hashes: better let a superuser ask once"
            )],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_role_ends_its_quotes() {
        let of = |need: Need, version| need.grants("o'b\"$$", version).remove(0);
        assert_eq!(of(Need::Stats, 180_000), "GRANT pg_monitor TO \"o'b\"\"$$\";");
        assert_eq!(
            of(Need::AllData, 130_000),
            "DO 'DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ \
             ''^pg_'' LOOP EXECUTE format(''GRANT USAGE ON SCHEMA %I TO %I'', s, ''o''''b\"$$''); \
             EXECUTE format(''GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I'', s, \
             ''o''''b\"$$''); EXECUTE format(''GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO \
             %I'', s, ''o''''b\"$$''); END LOOP; END';"
        );
    }
}
