//! A line of a monitoring plugin (Nagios, Icinga). Source: the Monitoring Plugins' guidelines.

use super::printable;
use crate::exit::Exit;

/// What a monitoring plugin says: a verdict, a sentence and numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// `PGTEND CONNECTIONS`
    pub service: String,
    /// One line.
    pub says: String,
    pub performance: Vec<Performance>,
    /// Further lines, for the long output.
    pub more: Vec<String>,
}

/// A number with its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    pub label: String,
    pub value: f64,
    /// `s`, `%`, `B`, `c` for a counter, or nothing for a count.
    pub unit: &'static str,
    pub warning: Option<f64>,
    pub critical: Option<f64>,
    pub least: Option<f64>,
    pub most: Option<f64>,
    /// Whether small numbers are the bad ones.
    pub below: bool,
}

impl Performance {
    /// A number without limits.
    pub fn new(label: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let label = label.into();
        Self {
            label,
            value,
            unit,
            warning: None,
            critical: None,
            least: None,
            most: None,
            below: false,
        }
    }
}

/// The lines.
pub fn plugin(plugin: &Plugin, verdict: Exit) -> String {
    let word = match verdict {
        Exit::Good => "OK",
        Exit::Warning => "WARNING",
        Exit::Critical => "CRITICAL",
        _ => "UNKNOWN",
    };
    let mut text = format!("{} {word}: {}", plugin.service, said(&plugin.says));
    if !plugin.performance.is_empty() {
        let numbers: Vec<String> = plugin.performance.iter().map(number).collect();
        text.push_str(&format!(" | {}", numbers.join(" ")));
    }
    text.push('\n');
    for line in &plugin.more {
        text.push_str(&format!("{}\n", said(line)));
    }
    text
}

/// Text without the bar that begins the numbers.
fn said(text: &str) -> String {
    printable(text).replace('|', "/")
}

fn number(of: &Performance) -> String {
    // A quote within a label is doubled; an equals sign would end it.
    let label = printable(&of.label).replace('=', "_").replace('\'', "\'\'");
    // A range that ends nowhere: what lies below its start is bad.
    let range = |limit: f64| if of.below { format!("{}:", plain(limit)) } else { plain(limit) };
    let rest =
        [of.warning.map(range), of.critical.map(range), of.least.map(plain), of.most.map(plain)];
    let rest = rest.map(Option::unwrap_or_default).join(";");
    let rest = rest.trim_end_matches(';');
    let end = if rest.is_empty() { String::new() } else { format!(";{rest}") };
    format!("'{label}'={}{}{end}", plain(of.value), of.unit)
}

/// Digits without an exponent.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_stand_in_their_places_and_text_cannot_become_numbers() {
        let said = Plugin {
            service: "PGTEND CONNECTIONS".into(),
            says: "97 of 97 | used".into(),
            performance: vec![
                Performance { critical: Some(90.0), ..Performance::new("it's=a", 87.5, "%") },
                Performance::new("idle", 1e9, ""),
                Performance { most: Some(97.0), ..Performance::new("used", 0.25, "s") },
                Performance {
                    warning: Some(30.0),
                    below: true,
                    ..Performance::new("left", 40.0, "")
                },
            ],
            more: vec!["next | line".into()],
        };
        assert_eq!(
            plugin(&said, Exit::Critical),
            "PGTEND CONNECTIONS CRITICAL: 97 of 97 / used | 'it''s_a'=87.5%;;90 \
             'idle'=1000000000 'used'=0.25s;;;;97 'left'=40;30:\nnext / line\n"
        );
    }
}
