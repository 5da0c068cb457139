//! Shell completions and man pages from the command line's definition, for the artifacts test
//! and for packagers.

use std::io;

use clap_complete::Shell;

use crate::check;
use crate::exit::Exit;
use crate::render::checks;
use crate::report::checks::ListedCheck;

/// Every generated file: its path in the source tree, and its text.
pub fn artifacts() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for (shell, name) in
        [(Shell::Bash, "pgtend.bash"), (Shell::Zsh, "_pgtend"), (Shell::Fish, "pgtend.fish")]
    {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut super::definition(), "pgtend", &mut text);
        files.push((format!("completions/{name}"), text));
    }
    let mut command = super::definition();
    command.build();
    man_page(&command, "pgtend", &mut files)?;
    files.push((format!("man/{CHECKS}.7"), checks_page().into_bytes()));
    files.sort();
    Ok(files)
}

fn man_page(
    command: &clap::Command,
    name: &str,
    files: &mut Vec<(String, Vec<u8>)>,
) -> io::Result<()> {
    // A date would make the page another one each day.
    let page = clap_mangen::Man::new(command.clone().display_name(name))
        .title(name)
        .date("")
        .source(concat!("pgtend ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    // clap_mangen's own synopsis names every flag, which is the options' business.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    text.extend(format!(".SH SYNOPSIS\n{}\n", preformatted(usage)).into_bytes());
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(notes) = command.get_after_help() {
        text.extend(format!(".SH NOTES\n{}\n", preformatted(&notes.to_string())).into_bytes());
    }
    text.extend(exit_status().into_bytes());
    if name == "pgtend-check" {
        text.extend(format!(".SH \"SEE ALSO\"\n\\fB{}\\fR(7)\n", plain(CHECKS)).into_bytes());
    }
    files.push((format!("man/{name}.1"), text));
    for command in command.get_subcommands() {
        man_page(command, &format!("{name}-{}", command.get_name()), files)?;
    }
    Ok(())
}

/// The page that has a section for each check.
const CHECKS: &str = "pgtend-checks";

/// What each check looks at, why, with which limits and rights, and what to do.
fn checks_page() -> String {
    let catalogue = check::listing(&check::all().collect::<Vec<_>>());
    let mut text = format!(
        ".TH {CHECKS} 7 \"\" \"pgtend {}\"\n.SH NAME\n{} \\- the checks of pgtend check\n\
         .SH DESCRIPTION\n{}\n",
        env!("CARGO_PKG_VERSION"),
        plain(CHECKS),
        plain(ABOUT)
    );
    let mut family = String::new();
    for check in &catalogue.checks {
        if check.family != family {
            family.clone_from(&check.family);
            text.push_str(&format!(".SH \"FAMILY {}\"\n", plain(&family.to_uppercase())));
        }
        text.push_str(&section(check));
    }
    let see = ["pgtend-check", "pgtend"].map(|page| format!("\\fB{}\\fR(1)", plain(page)));
    text.push_str(&format!(".SH \"SEE ALSO\"\n{}\n", see.join(", ")));
    text
}

const ABOUT: &str = "Each check is named by its family and its own name. Its limits stand under \
    [check.limits] of pgtend.toml, for all objects (\"id\" or \"id/name\") or for one \
    (\"id:object\"): warning and critical, each a number, a percentage, an amount, a time, \
    what has to be left (-10), or \"off\". What a role may not see makes a check unknown, which \
    is exit 3 and never an all-clear. The statements are for a role named monitor.";

fn section(check: &ListedCheck) -> String {
    let mut text = format!(".SS \"{}\"\n", plain(check.id));
    let mut item = |label: &str, what: &str| {
        text.push_str(&format!(".TP\n\\fB{label}\\fR\n{}\n", plain(what)));
    };
    let since = check.since / 10_000;
    let kind = match since {
        0..=13 => check.kind.to_owned(),
        _ => format!("{}, from PostgreSQL {since} on", check.kind),
    };
    item("What", &format!("{} ({kind}).", check.title));
    item("Why", check.why);
    for limit in &check.limits {
        let unit = checks::limit(limit);
        item("Limit", &format!("{}: {} ({unit}, warning / critical).", limit.place, limit.of));
    }
    for need in &check.needs {
        item("Needs", &format!("to see {}: {}", need.what, need.grants.join(" ")));
    }
    item("Remedy", check.remedy);
    text
}

/// Text in which nothing is a request or an escape.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

/// Text whose lines stay as they are.
fn preformatted(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\\\").replace('-', "\\-");
        // A dot or an apostrophe would start a request.
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    format!(".nf\n{}\n.fi", lines.collect::<Vec<_>>().join("\n"))
}

/// The exit codes, which mean the same for every command.
fn exit_status() -> String {
    let mut text = String::from(".SH \"EXIT STATUS\"\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!(".TP\n\\fB{}\\fR\n{meaning}\n", exit.code()));
    }
    text
}
