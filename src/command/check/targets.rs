//! Which servers are asked.

use super::super::Context;
use crate::error::{Error, Result};
use crate::settings::{ConnectArgs, Resolved, Target};

/// Which servers are asked.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Targets {
    /// Targets of pgtend.toml to look at, side by side
    #[arg(value_name = "TARGET", conflicts_with = "all_targets")]
    names: Vec<String>,
    /// Look at every target of pgtend.toml
    #[arg(long)]
    all_targets: bool,
    /// Look at the targets that have this tag (repeatable: one of them)
    #[arg(long, value_name = "TAG", conflicts_with_all = ["names", "all_targets"])]
    tag: Vec<String>,
}

impl Targets {
    /// The one server of the connection flags, or those that are named. One that cannot even be
    /// read from pgtend.toml has its error in its place.
    ///
    /// # Errors
    /// Usage: the only one cannot be read, a name is unknown, no target has the tag, or a flag
    /// names one server.
    pub fn chosen(&self, context: &Context) -> Result<Vec<(String, Result<Target>)>> {
        for name in &self.names {
            // A connection string with its password is not repeated.
            ConnectArgs { target: Some(name.clone()), ..ConnectArgs::default() }.check()?;
        }
        let by_tag = self.all_targets || !self.tag.is_empty();
        if !by_tag && self.names.is_empty() {
            let target = context.target()?;
            return Ok(vec![(String::new(), Ok(target))]);
        }
        self.refuse_flags(&context.connect, by_tag || self.names.len() > 1)?;
        let names = if by_tag {
            let names = context.settings.target_names(&self.tag);
            if names.is_empty() {
                return Err(self.nobody());
            }
            names
        } else {
            let mut seen = std::collections::BTreeSet::new();
            self.names.iter().filter(|name| seen.insert(*name)).cloned().collect()
        };
        let known = context.settings.target_names(&[]);
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            let error = Error::usage(format!("there is no target \"{name}\" in pgtend.toml"));
            return Err(match known.as_slice() {
                [] => error.next("name the file with --config"),
                known => error.next(format!("its targets are: {}", known.join(", "))),
            });
        }
        let one = |name: String| {
            let args = ConnectArgs { target: Some(name.clone()), ..context.connect.clone() };
            let resolved =
                context.settings.target(&args).map(|Resolved { target, notes, .. }| {
                    notes.iter().for_each(|note| context.ui.detail(&format!("{name}: {note}")));
                    target
                });
            (name, resolved)
        };
        let mut targets: Vec<_> = names.into_iter().map(one).collect();
        // Of a single one it is the run's own error.
        match targets.as_mut_slice() {
            [(_, Err(_))] => targets.remove(0).1.map(|_| Vec::new()),
            _ => Ok(targets),
        }
    }

    /// The only one that is named.
    ///
    /// # Errors
    /// As [`chosen`](Self::chosen); usage where there are several.
    pub fn only(&self, context: &Context, flag: &str) -> Result<Target> {
        let mut targets = self.chosen(context)?;
        match (targets.pop(), targets.is_empty()) {
            (Some((_, target)), true) => target,
            _ => {
                Err(Error::usage(format!("{flag} is for one server at a time"))
                    .next("name one target"))
            }
        }
    }

    fn nobody(&self) -> Error {
        match self.tag.as_slice() {
            [] => Error::usage("--all-targets: pgtend.toml has no targets")
                .next("name the file with --config, or write [target.NAME] into it"),
            tags => Error::usage(format!("no target has the tag {}", tags.join(" or ")))
                .next("put tags = [\"..\"] into its [target.NAME]"),
        }
    }

    /// What names one server, or asks on the terminal, has no meaning for several.
    fn refuse_flags(&self, args: &ConnectArgs, several: bool) -> Result<()> {
        let given = [
            (args.url.is_some(), "--url"),
            (args.host.is_some(), "--host"),
            (args.port.is_some(), "--port"),
            (args.target.is_some(), "--target"),
            (args.env_file.is_some() && several, "--env-file"),
            (args.password, "--password"),
        ];
        match given.iter().find(|(is, _)| *is) {
            None => Ok(()),
            Some((_, flag)) => {
                Err(Error::usage(format!("{flag} and several targets do not go together"))
                    .because("each target has its own server, login and password")
                    .next("put it into [target.NAME] of pgtend.toml"))
            }
        }
    }
}
