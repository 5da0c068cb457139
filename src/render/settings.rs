//! `--show-settings` as a page, and as a pgtend.toml.

use super::grid::Grid;
use super::{Page, Text, printable};
use crate::report::settings::{OtherServer, Setting, SettingsReport};

impl Text for SettingsReport {
    fn text(&self, page: &Page) -> String {
        let config = self.config.as_deref().unwrap_or("none found");
        let mut text = format!("pgtend.toml: {}\n", printable(config));
        section(page, &mut text, "SERVER", &self.server);
        section(page, &mut text, "PGTEND", &self.pgtend);
        if !self.repository.is_empty() {
            section(page, &mut text, "REPOSITORY", &self.repository);
        }
        for (replica, number) in self.replicas.iter().zip(1..) {
            let weight = replica.weight.unwrap_or(1);
            let title = format!("REPLICA {number} (weight {weight})");
            section(page, &mut text, &title, &replica.settings);
        }
        if let Some(server) = &self.backup_server {
            section(page, &mut text, "BACKUP SERVER", &server.settings);
        }
        section(page, &mut text, "[backup]", &self.backup);
        if !self.application.is_empty() {
            text.push_str("\nThe application's own settings: for check, no effect here.\n");
            rows(page, &mut text, "APPLICATION", &self.application);
        }
        if !self.unused.is_empty() {
            let mut grid = Grid::new(page, &["NOT USED", "WHY", "FROM"]);
            for unused in &self.unused {
                grid.row([unused.name.clone(), unused.why.clone(), unused.origin.clone()]);
            }
            text.push('\n');
            text.push_str(&grid.text());
        }
        text
    }
}

fn section(page: &Page, text: &mut String, title: &str, settings: &[Setting]) {
    text.push('\n');
    rows(page, text, title, settings);
}

fn rows(page: &Page, text: &mut String, title: &str, settings: &[Setting]) {
    let mut grid = Grid::new(page, &[title, "VALUE", "FROM"]);
    for setting in settings {
        let mut value = match setting.value.as_deref() {
            None => "-".to_owned(),
            Some("") => "''".to_owned(),
            Some(value) => value.to_owned(),
        };
        if setting.missing {
            value.push_str(" (not there)");
        }
        let effect = setting.effect || title == "APPLICATION";
        let without = if effect { "" } else { ", without effect" };
        grid.row([setting.name.clone(), value, format!("{}{without}", setting.origin)]);
    }
    text.push_str(&grid.text());
}

/// Keys whose values are already among the others.
const RESOLVED: [&str; 2] = ["service", "servicefile"];

/// The name of a target that has none.
const NAMELESS: &str = "shown";

impl SettingsReport {
    /// A pgtend.toml that means the same, without its secrets: what was given stands in it, with
    /// its origin; defaults, secrets and what has no place in the file are comments.
    pub fn toml(&self) -> String {
        let name = self.target.as_deref().unwrap_or(NAMELESS);
        let mut file =
            String::from("# What is in force, without secrets: put those in yourself.\n");
        if let Some(config) = &self.config {
            comment(&mut file, &format!("pgtend.toml: {config}"));
        }
        self.notes.iter().for_each(|note| comment(&mut file, note));
        line(&mut file, "default_target", &toml_text(name), "", true);
        let (above, within): (Vec<&Setting>, Vec<&Setting>) =
            self.pgtend.iter().partition(|setting| ["repo", "identity"].contains(&&*setting.name));
        for (setting, number) in above.into_iter().zip(0..) {
            match (number, &setting.value) {
                (2.., Some(value)) => comment(&mut file, &format!("--{} {value}", setting.name)),
                _ => key(&mut file, setting),
            }
        }
        let repo = self.pgtend.iter().find(|setting| setting.name == "repo");
        if let (Some(repo), false) =
            (repo.and_then(|s| s.value.as_deref()), self.repository.is_empty())
        {
            add_line(&mut file, &format!("\n[repository.{}]", toml_text(repo)));
            for setting in &self.repository {
                let value = setting.value.as_deref().unwrap_or_default();
                let bare = ["path_style", "uploads"].contains(&setting.name.as_str());
                let value = if bare { value.to_owned() } else { toml_text(value) };
                line(&mut file, &setting.name, &value, &setting.origin, true);
            }
        }
        file.push_str("\n[backup]\n");
        for setting in &self.backup {
            match (setting.name.as_str(), &setting.value) {
                ("recipients", Some(value)) => {
                    let keys: Vec<String> = value.split(' ').map(toml_text).collect();
                    let list = format!("[{}]", keys.join(", "));
                    line(&mut file, "recipients", &list, &setting.origin, true);
                }
                _ => key(&mut file, setting),
            }
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let header = if name.chars().all(bare) { name.to_owned() } else { toml_text(name) };
        add_line(&mut file, &format!("\n[target.{header}]"));
        self.server.iter().for_each(|setting| key(&mut file, setting));
        for setting in within {
            match (setting.name.as_str(), &setting.value) {
                ("tags", Some(_)) => {
                    let tags: Vec<String> = self.tags.iter().map(|tag| toml_text(tag)).collect();
                    let list = format!("[{}]", tags.join(", "));
                    line(&mut file, "tags", &list, &setting.origin, true);
                }
                // Flags, not keys.
                (flag @ ("read-from" | "max-lag"), Some(value)) => {
                    comment(&mut file, &format!("--{flag} {value}"));
                }
                _ => key(&mut file, setting),
            }
        }
        if !self.replicas.is_empty() {
            file.push_str("replicas = [\n");
            for OtherServer { url, weight, .. } in &self.replicas {
                let weight = weight.unwrap_or(1);
                let url = toml_text(url);
                add_line(&mut file, &format!("    {{ url = {url}, weight = {weight} }},"));
            }
            file.push_str("]\n");
        }
        self.remarks(&mut file);
        file
    }

    /// What no key is there for.
    fn remarks(&self, file: &mut String) {
        if let Some(server) = &self.backup_server {
            comment(file, &format!("--read-from backup: {}", server.url));
        }
        for setting in &self.application {
            let value = setting.value.as_deref().unwrap_or_default();
            let Setting { name, origin, .. } = setting;
            comment(file, &format!("{name} = {value} (for check, no effect here; {origin})"));
        }
        for unused in &self.unused {
            comment(file, &format!("{} is not used: {}", unused.name, unused.why));
        }
    }
}

fn key(file: &mut String, setting: &Setting) {
    let Some(value) = &setting.value else {
        return line(file, &setting.name, "''", &format!("not set, {}", setting.origin), false);
    };
    let resolved = RESOLVED.contains(&setting.name.as_str());
    let given = !(setting.default || setting.secret || resolved);
    let origin = if resolved { "its values are here already" } else { &setting.origin };
    // The one key that is neither text nor number.
    let value = if setting.name == "iam" { value.clone() } else { toml_value(value) };
    line(file, &setting.name, &value, origin, given);
}

fn line(file: &mut String, name: &str, value: &str, origin: &str, given: bool) {
    let mark = if given { "" } else { "# " };
    let from = if origin.is_empty() { String::new() } else { format!("  # {}", printable(origin)) };
    add_line(file, &format!("{mark}{name} = {value}{from}"));
}

fn comment(file: &mut String, text: &str) {
    add_line(file, &format!("# {}", printable(text)));
}

fn add_line(file: &mut String, text: &str) {
    file.push_str(text);
    file.push('\n');
}

/// A number as it is, everything else as a text in quotes.
fn toml_value(value: &str) -> String {
    let number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if number { value.to_owned() } else { toml_text(value) }
}

/// TOML's text in quotes is JSON's, save for one character.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
