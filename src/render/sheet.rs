//! Tables of raw values: comma-separated values (RFC 4180) and Markdown.

use serde_json::Value;

use super::printable;

/// One table of a report: raw values, no units.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// `sessions`: the table's own name, which stays the same.
    pub name: &'static str,
    /// Names of the columns: those of the JSON document.
    pub columns: Vec<&'static str>,
    /// As many values as columns; null is an empty cell.
    pub rows: Vec<Vec<Value>>,
}

/// The first table: a file of comma-separated values holds one. Lines end with a line feed alone.
pub fn csv(sheets: &[Sheet]) -> String {
    let Some(sheet) = sheets.first() else { return String::new() };
    let mut text = line(sheet.columns.iter().map(|name| quoted(name)));
    for row in &sheet.rows {
        text.push_str(&line(row.iter().map(|value| quoted(&cell(value)))));
    }
    text
}

/// Every table that has rows under its name as a heading; the first one in any case.
pub fn markdown(sheets: &[Sheet]) -> String {
    let mut text = String::new();
    for (at, sheet) in sheets.iter().enumerate() {
        if at > 0 && sheet.rows.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("### {}\n\n", sheet.name.replace('_', " ")));
        text.push_str(&row(sheet.columns.iter().map(|name| (*name).to_owned())));
        let numbers = |at: usize| {
            sheet.rows.iter().all(|row| row[at].is_number() || row[at].is_null())
                && sheet.rows.iter().any(|row| row[at].is_number())
        };
        let rule = |at| if numbers(at) { "---:".to_owned() } else { "---".to_owned() };
        text.push_str(&row((0..sheet.columns.len()).map(rule)));
        for values in &sheet.rows {
            text.push_str(&row(values.iter().map(|value| escaped(&cell(value)))));
        }
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("{}\n", cells.collect::<Vec<_>>().join(","))
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// Text that is no markup: one line, without a cell's end.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in printable(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        Sheet {
            name: "slow_queries",
            columns: vec!["query", "calls"],
            rows: vec![
                vec!["select \"a\", 1\n| b".into(), 3.into()],
                vec![Value::Null, Value::Null],
            ],
        }
    }

    #[test]
    fn a_value_cannot_end_its_cell() {
        assert_eq!(csv(&[sheet()]), "query,calls\n\"select \"\"a\"\", 1\n| b\",3\n,\n");
        assert_eq!(
            markdown(&[sheet()]),
            "### slow queries\n\n| query | calls |\n| --- | ---: |\n\
             | select \"a\", 1\\\\n\\| b | 3 |\n|  |  |\n"
        );
    }

    #[test]
    fn only_the_first_table_stands_there_without_rows() {
        let mut empty = sheet();
        empty.rows.clear();
        let text = markdown(&[empty.clone(), empty, sheet()]);
        assert_eq!(text.matches("### ").count(), 2);
    }
}
