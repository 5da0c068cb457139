//! The plan for this target: parts that were asked for, what they need and the target lacks, what
//! the rehearsal takes out, and what is in the way.

use super::belonging::Belonging;
use super::clean::{self, Drop};
use super::dependents::{self, Outside};
use super::globals::{self, Globals};
use super::identity;
use super::parts::{self, Incoming, Narrowed};
use super::plan::{Plan, Step, Weight};
use super::rehearsal::{self, Wishes};
use super::some_rows;
use super::source::Source;
use super::statement::altered;
use super::target::{Facts, Role};
use super::turns;
use super::{Mode, Request};
use crate::conn::{Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql::{self, quote_qualified};

/// Names that a refusal lists.
const SHOWN: usize = 5;

/// What has to be done beside the plan.
#[derive(Debug, Default)]
pub struct Fit {
    /// The drop pass of `--clean`, in its order.
    pub drops: Vec<Drop>,
    /// What depends on what is dropped.
    pub outside: Outside,
    /// Foreign keys of other tables that come back.
    pub incoming: Vec<Incoming>,
    /// What creates roles of the backup (`--globals`).
    pub roles: Globals,
    /// Roles that the backup names and the target will lack.
    pub missing_roles: Vec<String>,
}

/// Fits the plan to what the operator asked for and to what the target is.
///
/// # Errors
/// Usage for names of parts that are unknown; exit 77 for objects that are in the way.
pub async fn fit(
    request: &Request,
    source: &Source,
    plan: &mut Plan,
    session: &Session,
) -> Result<Fit> {
    let narrowed = parts::narrow(plan, &request.parts)?;
    let mut facts = Facts::read(session, plan).await?;
    if request.mode != Mode::Existing {
        facts = facts.of_new_database();
    }
    let lacking = lacking(plan, &narrowed, &facts);
    parts::include(plan, &narrowed, &lacking);
    if request.clean {
        forget_extensions(plan, &mut facts);
    }
    let roles = roles(request, source, &mut facts).await?;
    let missing_roles = rehearsal::missing_roles(plan, &facts);
    let wishes = Wishes {
        no_owner: request.no_owner,
        no_privileges: request.no_privileges,
        role: request.role.clone(),
        create: request.mode != Mode::Existing,
    };
    rehearsal::rehearse(plan, &facts, &wishes);
    if let Some(rows) = &request.parts.rows {
        some_rows::only(plan, rows);
    }
    let mut fit = Fit { roles, missing_roles, ..Fit::default() };
    if request.clean {
        if !request.parts.is_empty() {
            fit.outside = dependents::outside(session, plan).await?;
            fit.outside.refuse()?;
        }
        fit.drops = clean::statements(plan, |_| false);
    } else if request.mode == Mode::Existing {
        refuse_existing(request, plan, &facts)?;
    }
    if request.mode == Mode::Existing {
        let rows = configuration_rows(plan, session).await?;
        if request.clean {
            // While the tables are there.
            fit.drops.splice(..0, rows);
        } else if let Some(first) = rows.first() {
            let table = plan.entry(first.index);
            let (schema, name) = (table.schema(), table.name());
            return Err(Error::new(
                Exit::Refused,
                format!("table {schema}.{name} of an extension has rows of its users already"),
            )
            .because("the backup's would come beside them")
            .next("restore beside it: --into another database, with --create")
            .next("or delete them before: --clean"));
        }
    }
    fit.incoming = incoming(request, plan, session, &narrowed).await?;
    plan.notes.extend(narrowed.dependents);
    turns::take_turns(plan);
    Ok(fit)
}

/// The roles that are created first; the facts are then as if they were there.
async fn roles(request: &Request, source: &Source, facts: &mut Facts) -> Result<Globals> {
    if !request.globals {
        return Ok(Globals::default());
    }
    let Some(text) = source.globals().await? else {
        return Err(Error::usage("the backup has no globals")
            .because("it was made with --no-globals, or by a role that may not read them")
            .next("leave --globals out, and create the roles that you need yourself"));
    };
    let globals = globals::statements(&text, facts);
    for name in &globals.roles {
        // A superuser may make every role an owner; others have no rights of those they create.
        let role = Role { usable: facts.superuser, may_create: facts.superuser, ..Role::default() };
        facts.roles.insert(name.clone(), role);
    }
    Ok(globals)
}

/// What the parts need and the target lacks. A primary key and the like is looked for as the table
/// that it is of.
fn lacking(plan: &Plan, narrowed: &Narrowed, facts: &Facts) -> Vec<usize> {
    let belonging = Belonging::new(plan);
    let is_there = |at: usize| {
        belonging
            .chain(at)
            .find(|at| identity::made_by(plan.entry(*at)).is_some())
            .is_some_and(|at| facts.existing.contains(&at))
    };
    narrowed.needed.iter().copied().filter(|at| !is_there(*at)).collect()
}

/// An extension that is dropped and made again comes back with its rows. One that may not be
/// dropped stays what it is.
fn forget_extensions(plan: &Plan, facts: &mut Facts) {
    let superuser = facts.superuser;
    for index in 0..plan.toc.entries.len() {
        let entry = plan.entry(index);
        if entry.kind() == "EXTENSION"
            && plan.is_planned(index)
            && let Some(extension) = facts.extensions.get_mut(entry.name())
            && (superuser || extension.owned)
        {
            extension.schema = None;
        }
    }
}

fn refuse_existing(request: &Request, plan: &Plan, facts: &Facts) -> Result<()> {
    let existing = rehearsal::existing(plan, facts);
    if existing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        existing.iter().take(SHOWN).map(|at| plan.entry(*at).label()).collect();
    let more = if existing.len() > SHOWN { " .." } else { "" };
    let what = format!("database {} has {} of the objects already", request.into, existing.len());
    let error = Error::new(Exit::Refused, what).because(format!("{}{more}", names.join(", ")));
    if request.parts.rename.is_some() {
        return Err(error.next("give another name to --as"));
    }
    let error = if request.parts.tables.len() == 1 {
        error.next("restore it beside the one that is there: --as NAME")
    } else {
        error.next("restore beside it: --into another database, with --create")
    };
    Err(error.next("or drop them, then restore: --clean"))
}

/// Rows of users in tables of extensions that stay: what deletes them. An extension that this run
/// makes has none.
async fn configuration_rows(plan: &Plan, session: &Session) -> Result<Vec<Drop>> {
    let made: std::collections::BTreeSet<(&str, &str)> = plan
        .step(Step::Before)
        .map(|index| plan.entry(index))
        .filter(|entry| entry.kind() == "TABLE")
        .map(|entry| (entry.schema(), entry.name()))
        .collect();
    let foreign: Vec<usize> = plan
        .step(Step::Load)
        .filter(|index| plan.entry(*index).is_table_data())
        .filter(|index| !plan.entry(*index).loads_via_root())
        .filter(|index| !made.contains(&(plan.entry(*index).schema(), plan.entry(*index).name())))
        .collect();
    if foreign.is_empty() {
        return Ok(Vec::new());
    }
    let name = |at: &usize| quote_qualified(plan.entry(*at).schema(), plan.entry(*at).name());
    let names: Vec<String> = foreign.iter().map(name).collect();
    let failed = "cannot look at the tables of extensions";
    let rows = session
        .rows(sql::CONFIGURATION.text, &[(&names, Type::TEXT_ARRAY)])
        .await
        .map_err(|error| error.into_error(failed))?;
    let mut deleting = Vec::new();
    for row in &rows {
        let (number, condition): (i32, &str) = (get(row, "number")?, get(row, "condition")?);
        let Some(at) = usize::try_from(number).ok().filter(|at| *at < names.len()) else {
            continue;
        };
        let table = &names[at];
        let question = format!("SELECT FROM {table} {condition} LIMIT 1");
        let found = session.rows(&question, &[]).await.map_err(|error| error.into_error(failed))?;
        if !found.is_empty() {
            let sql = format!("DELETE FROM {table} {condition};\n");
            deleting.push(Drop { index: foreign[at], sql });
        }
    }
    Ok(deleting)
}

/// Foreign keys of other tables that come back: those that the target still has do not.
async fn incoming(
    request: &Request,
    plan: &mut Plan,
    session: &Session,
    narrowed: &Narrowed,
) -> Result<Vec<Incoming>> {
    let mut incoming = narrowed.incoming.clone();
    incoming.retain(|key| plan.is_planned(key.index) || !key.not_valid);
    if request.mode != Mode::Existing || request.clean || incoming.is_empty() {
        return Ok(incoming);
    }
    let named: Vec<(String, String)> =
        incoming.iter().map(|key| place_of(plan, key)).collect::<Option<_>>().unwrap_or_default();
    let (tables, names): (Vec<String>, Vec<String>) = named.into_iter().unzip();
    let rows = session
        .rows(sql::FOREIGN_KEYS.text, &[(&tables, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)])
        .await
        .map_err(|error| error.into_error("cannot look for foreign keys"))?;
    let mut there = std::collections::BTreeSet::new();
    for row in &rows {
        let number: i32 = get(row, "number")?;
        there.extend(usize::try_from(number).ok());
    }
    let mut kept = Vec::new();
    for (number, key) in incoming.into_iter().enumerate() {
        if there.contains(&number) {
            plan.leave_out(key.index, Weight::Needless, "the target has it");
        } else {
            kept.push(key);
        }
    }
    Ok(kept)
}

/// The table, quoted, and the name of a foreign key.
pub fn place_of(plan: &Plan, key: &Incoming) -> Option<(String, String)> {
    let ((schema, table), rest) = altered(plan.entry(key.index).definition())?;
    let rest = rest.trim_start().strip_prefix("ADD CONSTRAINT ")?;
    let (name, _) = super::statement::identifier(rest)?;
    Some((quote_qualified(&schema, &table), name))
}
