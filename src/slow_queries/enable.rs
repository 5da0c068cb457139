//! How to have the statistics of statements, on whose server it is.
//!
//! Sources: PostgreSQL's manual, F.30 (`pg_stat_statements`); the providers' documentation on
//! parameter groups (RDS, Aurora), database flags (Cloud SQL), server parameters (Azure),
//! extensions (Supabase, Neon). They were not tried on the providers' servers.

use crate::conn::{Capabilities, Flavour, Statements};

const CREATE: &str = "in this database: CREATE EXTENSION pg_stat_statements";

/// The steps, in their order.
pub fn steps(told: &Capabilities) -> Vec<String> {
    let mut steps = steps_for(told.statements, told.provider.flavour);
    if told.statements == Statements::Ready {
        return steps;
    }
    if let Some(perhaps) = told.provider.perhaps.filter(|_| !loads_itself(told)) {
        steps.push(format!("(the server may be {perhaps}: then its console has that setting)"));
    }
    steps
}

/// The steps where the provider is known.
pub fn steps_for(statements: Statements, flavour: Flavour) -> Vec<String> {
    let mut steps = match statements {
        Statements::Ready | Statements::NoExtension => Vec::new(),
        Statements::NotLoaded | Statements::Absent => load(flavour),
    };
    if matches!(statements, Statements::NoExtension | Statements::Absent) {
        steps.push(CREATE.to_owned());
    }
    steps
}

fn loads_itself(told: &Capabilities) -> bool {
    told.statements == Statements::NoExtension
}

fn load(flavour: Flavour) -> Vec<String> {
    let steps: &[&str] = match flavour {
        Flavour::Plain => &[
            "in postgresql.conf add pg_stat_statements to shared_preload_libraries, and keep \
             what stands there",
            "restart the server",
        ],
        Flavour::Rds => &[
            "in the instance's parameter group (a custom one) add pg_stat_statements to \
             shared_preload_libraries",
            "reboot the instance: the parameter is static",
        ],
        Flavour::Aurora => &[
            "in the cluster's parameter group (a custom one) add pg_stat_statements to \
             shared_preload_libraries",
            "reboot the writer and the readers: the parameter is static",
        ],
        Flavour::CloudSql => &["Cloud SQL loads the library itself, and has database flags for \
             pg_stat_statements.track and pg_stat_statements.max: if it is not loaded, set one \
             of them and restart the instance"],
        Flavour::AlloyDb => &["AlloyDB loads the library itself: restart the instance"],
        Flavour::Azure => &[
            "in the server parameters add pg_stat_statements to shared_preload_libraries and to \
             azure.extensions",
            "restart the server",
        ],
        Flavour::Supabase => {
            &["Supabase loads the library itself: enable pg_stat_statements under Database, \
             Extensions"]
        }
        Flavour::Neon => &["Neon loads the library itself: restart the compute if it does not"],
    };
    steps.iter().map(|step| (*step).to_owned()).collect()
}
