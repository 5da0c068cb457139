//! Metrics in Prometheus's text exposition format 0.0.4.

use std::fmt::Write as _;

/// A metric with its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Without the prefix `pgtend_`: `connections_used`.
    pub name: &'static str,
    pub help: &'static str,
    /// `gauge` or `counter`.
    pub kind: &'static str,
    /// Labels and value.
    pub samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Metric {
    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        help: &'static str,
        samples: Vec<(Vec<(&'static str, String)>, f64)>,
    ) -> Self {
        Self { name, help, kind: "gauge", samples }
    }
}

/// The text of the file. A metric without samples is left out.
pub fn exposition(metrics: &[Metric]) -> String {
    let mut text = String::new();
    for Metric { name, help, kind, samples } in metrics {
        if samples.is_empty() {
            continue;
        }
        // Writing to a string does not fail.
        write!(text, "# HELP pgtend_{name} {help}\n# TYPE pgtend_{name} {kind}\n").unwrap_or(());
        for (labels, value) in samples {
            text.push_str(&format!("pgtend_{name}{} {value}\n", braced(labels)));
        }
    }
    text
}

fn braced(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", labels.join(","))
}

/// A label's value as the format has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_quotes() {
        let labels = vec![("application", "a\"b\\\n".to_owned())];
        let metric = Metric::gauge("used", "How many", vec![(labels, 3.0), (vec![], 0.5)]);
        assert_eq!(
            exposition(&[metric, Metric::gauge("none", "Nothing", vec![])]),
            "# HELP pgtend_used How many\n# TYPE pgtend_used gauge\n\
             pgtend_used{application=\"a\\\"b\\\\\\n\"} 3\npgtend_used 0.5\n"
        );
    }
}
