//! Which checks are run.

use crate::check::{self, Check, Kind};
use crate::error::{Error, Result};
use crate::report::check::covers;
use crate::settings::CheckSettings;

/// Which checks are run.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Chosen {
    /// Run only these: ids (idx.invalid), families (idx) or kinds (static, runtime, rate, deploy)
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave these out: ids, families or kinds
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    skip: Vec<String>,
    /// Ask too whether a deployment can begin now
    #[arg(long)]
    pre_deploy: bool,
}

impl Chosen {
    /// The checks that `--list` shows: all, or those that are named.
    ///
    /// # Errors
    /// Usage, for a name that no check has.
    pub fn listed(&self) -> Result<Vec<&'static Check>> {
        let all = Self { pre_deploy: true, only: self.only.clone(), skip: self.skip.clone() };
        all.checks(&CheckSettings::default(), true)
    }

    /// The checks, in the order of the catalogue; those of deployments too when one `deploys`.
    ///
    /// # Errors
    /// Usage, for a name that no check has.
    pub fn checks(&self, settings: &CheckSettings, deploys: bool) -> Result<Vec<&'static Check>> {
        for (flag, names) in [("--only", &self.only), ("--skip", &self.skip)] {
            names.iter().try_for_each(|name| known(name, flag))?;
        }
        settings.skip.iter().try_for_each(|name| known(name, "check.skip"))?;
        let named = |names: &[String], check: &Check| names.iter().any(|name| is(name, check));
        let wanted = |check: &&Check| {
            // What is asked for by name is asked, whatever the file leaves out.
            if !self.only.is_empty() {
                return named(&self.only, check) && !named(&self.skip, check);
            }
            (check.kind != Kind::Deploy || self.pre_deploy || deploys)
                && !named(&self.skip, check)
                && !named(&settings.skip, check)
        };
        let checks: Vec<&'static Check> = check::all().filter(wanted).collect();
        match checks.is_empty() {
            true => Err(Error::usage("no check is left")
                .because("--only, --skip and skip in [check] of pgtend.toml leave none")
                .next("take a name out of --skip; pgtend check --list shows all")),
            false => Ok(checks),
        }
    }
}

fn is(name: &str, check: &Check) -> bool {
    name == check.kind.word() || covers(name, check.id)
}

fn known(name: &str, place: &str) -> Result<()> {
    match check::all().any(|check| is(name, check)) {
        true => Ok(()),
        false => Err(unknown(name, place)),
    }
}

/// No check has this name.
pub fn unknown(name: &str, place: &str) -> Error {
    let near = check::all()
        .flat_map(|check| [check.id, check.family()])
        .max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let error = Error::usage(format!("{place}: there is no check {name}"));
    match near.filter(|near| strsim::jaro(near, name) > 0.8) {
        Some(near) => error.next(format!("did you mean \"{near}\"?")),
        None => error.next("pgtend check --list shows all"),
    }
}
