//! Shell completions and man pages from the command line's definition, for the artifacts test
//! and for packagers.

use std::io;

use clap_complete::Shell;

use crate::exit::Exit;

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
    files.push((format!("man/{name}.1"), text));
    for command in command.get_subcommands() {
        man_page(command, &format!("{name}-{}", command.get_name()), files)?;
    }
    Ok(())
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
