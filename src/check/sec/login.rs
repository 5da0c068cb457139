//! Roles that log in: their passwords, and what they may do.

use serde::Deserialize;

use crate::check::conf::change;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql::{self, quote_name};

const DAY: f64 = 86_400.0;

pub(super) const SECURITY: Question = Question::of("security", &[(130_000, sql::CHECK_SECURITY)]);

/// What is said of TLS and passwords; `None` is hidden from this role.
#[derive(Deserialize)]
pub(super) struct Security {
    pub ssl: bool,
    pub least_tls: Option<String>,
    pub addresses: Option<String>,
    encryption: Option<String>,
    pub rds_force: Option<String>,
}

pub const PASSWORD_HASH: Check = Check {
    id: "sec.password_hash",
    kind: Kind::Static,
    title: "passwords that are kept as md5",
    why: "Who reads an md5 hash of PostgreSQL can log in with it, and guesses the password \
          quickly; support for it ends (18 warns).",
    remedy: "password_encryption = 'scram-sha-256', then set each password again.",
    limits: &[],
    needs: &[Need::Passwords],
    since: 130_000,
    asks: &[&SECURITY, &MD5_ROLES],
    judge: password_hash,
};

const MD5_ROLES: Question = Question::of("md5_roles", &[(130_000, sql::CHECK_MD5_ROLES)]);

#[derive(Deserialize)]
struct Md5Role {
    role: String,
    may_login: bool,
}

fn password_hash(look: &Look<'_>) -> Judged {
    let settings: Security = look.row(&SECURITY)?;
    let mut verdict = look.verdict().saying("no password is kept as md5");
    // `on` is how old files say it.
    if settings.encryption.as_deref().is_some_and(|value| matches!(value, "md5" | "on")) {
        let says = "password_encryption is md5: new passwords are kept as md5";
        verdict.find(Level::Warning, "password_encryption", says).with_remedy(change(
            look,
            "password_encryption",
            "scram-sha-256",
            "user",
        ));
    }
    // Without it the settings are still worth telling.
    match look.rows::<Md5Role>(&MD5_ROLES) {
        Ok(roles) => {
            for Md5Role { role, may_login } in roles {
                let but = if may_login { "" } else { " (it may not log in)" };
                let says = format!("the password of {role} is kept as md5{but}");
                verdict.find(Level::Warning, &role, says).with_remedy(format!(
                    "\\password {}  -- in psql, with password_encryption = 'scram-sha-256'",
                    quote_name(&role)
                ));
            }
        }
        Err(Silence::Unknown(why) | Silence::NotApplicable(why)) => verdict.unseen = Some(why),
    }
    Ok(verdict)
}

const LOGINS: Question = Question::of("logins", &[(130_000, sql::CHECK_LOGINS)]);

#[derive(Deserialize)]
struct Login {
    role: String,
    /// The one that initdb made.
    is_first: bool,
    is_superuser: bool,
    may_create_roles: bool,
    may_replicate: bool,
    passes_row_security: bool,
    /// The superuser or the provider's superuser that it belongs to: `SUPERUSER by dba`,
    /// `rds_superuser`.
    member_of: Option<String>,
    /// What lets it at the files and programs of the machine: `pg_execute_server_program`.
    server_files: Option<String>,
    /// In any database, without tools.
    sessions: f64,
    tables: f64,
    /// Seconds since 1970; None is for ever.
    valid_until: Option<f64>,
}

impl Login {
    fn is_super(&self) -> bool {
        self.is_superuser || self.member_of.is_some()
    }

    /// What it may do beyond an application's needs.
    fn rights(&self) -> Vec<&str> {
        if self.is_superuser {
            return vec!["SUPERUSER"];
        }
        let all = [
            (self.may_create_roles, "CREATEROLE"),
            (self.may_replicate, "REPLICATION"),
            (self.passes_row_security, "BYPASSRLS"),
        ];
        let named = all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name);
        named.chain(self.member_of.as_deref()).chain(self.server_files.as_deref()).collect()
    }
}

pub const PRIVILEGED_LOGIN: Check = Check {
    id: "sec.privileged_login",
    kind: Kind::Static,
    title: "logins that may do more than they need",
    why: "An application that logs in as a superuser turns each injected statement into the whole \
          machine; each further superuser is one more password to lose.",
    remedy: "Give applications roles that own nothing and have only the rights they need, run \
             migrations as the owner, and take SUPERUSER, CREATEROLE and BYPASSRLS from the others.",
    limits: &[
        LimitSpec::warn_above("logins that are superusers", Unit::Count, 3.0),
        LimitSpec::above(
            "sessions of a privileged login, as an application has them",
            Unit::Count,
            5.0,
            20.0,
        )
        .named("sessions"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&LOGINS],
    judge: privileged_login,
};

fn privileged_login(look: &Look<'_>) -> Judged {
    let logins: Vec<Login> = look.rows(&LOGINS)?;
    let supers: Vec<&str> =
        logins.iter().filter(|login| login.is_super()).map(|login| login.role.as_str()).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most 1000")]
    let many = supers.len() as f64;
    let says = format!("{} may do everything", words::amount(many, "login"));
    let mut verdict = look.verdict().saying(says);
    verdict.measures.extend(look.measure("", "superusers", many, None));
    if let Some(level) = look.level("", "superusers", many, None) {
        let says = format!("{} logins are superusers: {}", words::count(many), supers.join(", "));
        verdict.find(level, "superusers", says).with_value(many);
    }
    for login in &logins {
        let rights = login.rights();
        let role = login.role.as_str();
        if rights.is_empty() {
            if login.tables > 0.0 {
                let says = format!(
                    "{role} logs in and owns {}: it may drop them",
                    words::amount(login.tables, "table")
                );
                verdict.find(Level::Info, format!("{role}/owner"), says);
            }
            continue;
        }
        let rights = rights.join(", ");
        if let Some(level) = look.level("sessions", role, login.sessions, None) {
            let says = format!(
                "{role} ({rights}) has {} that are no tool's: an application logs in as it",
                words::amount(login.sessions, "session")
            );
            verdict.find(level, role, says);
        } else if !login.is_super() && !login.is_first {
            verdict.find(Level::Info, role, format!("{role} logs in and has {rights}"));
        }
    }
    Ok(verdict)
}

pub const PW_EXPIRY: Check = Check {
    id: "sec.pw_expiry",
    kind: Kind::Runtime,
    title: "passwords that end",
    why: "After VALID UNTIL the password is refused: the application works until its pool opens \
          the next connection.",
    remedy: "Set a new password with a new VALID UNTIL, and give it to the application.",
    limits: &[LimitSpec::below(
        "time that the password is valid for",
        Unit::Seconds,
        14.0 * DAY,
        0.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&LOGINS],
    judge: pw_expiry,
};

fn pw_expiry(look: &Look<'_>) -> Judged {
    let logins: Vec<Login> = look.rows(&LOGINS)?;
    let mut verdict = look.verdict().saying("no password ends");
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let now = look.facts.at.as_second() as f64;
    let mut soonest = f64::INFINITY;
    for Login { role, valid_until, .. } in logins {
        let Some(until) = valid_until else { continue };
        let left = until - now;
        let says = match left > 0.0 {
            true => format!("the password of {role} ends in {}", words::time(left)),
            false => format!("the password of {role} ended {} ago", words::time(-left)),
        };
        if left < soonest {
            soonest = left;
            verdict.says.clone_from(&says);
        }
        verdict.measures.extend(look.measure("", &role, left, None));
        if let Some(level) = look.level("", &role, left, None) {
            verdict.find(level, &role, says).with_value(left).with_remedy(format!(
                "ALTER ROLE {} VALID UNTIL '..';  -- with a new password",
                quote_name(&role)
            ));
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn login(role: &str, member_of: Option<&str>, server_files: Option<&str>) -> Value {
        json!({"role": role, "is_first": false, "is_superuser": false, "may_create_roles": false,
               "may_replicate": false, "passes_row_security": false, "member_of": member_of,
               "server_files": server_files, "sessions": 0, "tables": 0, "valid_until": null})
    }

    #[test]
    fn who_can_become_a_superuser_is_one() {
        let by = |role| login(role, Some("SUPERUSER by dba"), None);
        let rows = [by("ann"), by("bob"), by("eve")];
        let verdict = Sample::of("logins", &rows).judged(&PRIVILEGED_LOGIN).unwrap();
        let says: Vec<&str> = verdict.findings.iter().map(|one| one.says.as_str()).collect();
        assert_eq!(says, ["3 logins are superusers: ann, bob, eve"]);
        let mut app = by("app");
        app["sessions"] = json!(5);
        let verdict = Sample::of("logins", &[app]).judged(&PRIVILEGED_LOGIN).unwrap();
        let says = &verdict.findings[0].says;
        assert!(says.starts_with("app (SUPERUSER by dba) has 5 sessions"), "{says}");
    }

    #[test]
    fn who_may_run_programs_of_the_machine_is_told() {
        let rows = [login("etl", None, Some("pg_execute_server_program"))];
        let verdict = Sample::of("logins", &rows).judged(&PRIVILEGED_LOGIN).unwrap();
        let says: Vec<&str> = verdict.findings.iter().map(|one| one.says.as_str()).collect();
        assert_eq!(says, ["etl logs in and has pg_execute_server_program"]);
    }
}
