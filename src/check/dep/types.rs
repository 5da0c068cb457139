//! Whether another type for a column means that its table is written anew (source: the casts of
//! `pg_cast` and the support functions of varchar, numeric, varbit, timestamp, time, interval).

/// A type with its numbers: `character varying`, `[10]`.
fn parts(text: &str) -> (String, Vec<u32>) {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix("pg_catalog.").unwrap_or(&text);
    let (before, rest) = text.split_once('(').unwrap_or((text, ""));
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    let name = words.join(" ");
    let name = match name.as_str() {
        "varchar" | "char varying" => "character varying",
        "char" | "bpchar" => "character",
        "int" | "int4" | "serial" => "integer",
        "int8" | "bigserial" => "bigint",
        "int2" => "smallint",
        "decimal" => "numeric",
        "bool" => "boolean",
        "float8" | "float" => "double precision",
        "float4" => "real",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        "varbit" => "bit varying",
        other => other,
    };
    (name.to_owned(), numbers)
}

/// Whether the values stay as they are on disk.
pub fn keeps_values(from: &str, to: &str) -> bool {
    let ((old, had), (new, has)) = (parts(from), parts(to));
    // No number is no limit.
    let wider =
        has.is_empty() || matches!((had.first(), has.first()), (Some(a), Some(b)) if a <= b);
    match (old.as_str(), new.as_str()) {
        ("numeric", "numeric") => {
            has.is_empty() || (wider && had.get(1).unwrap_or(&0) == has.get(1).unwrap_or(&0))
        }
        // 6 digits of a second are what there is: no number.
        (old, new) if old == new && (old.starts_with("time") || old == "interval") => {
            has.first().unwrap_or(&6) >= had.first().unwrap_or(&6)
        }
        ("character varying", "text" | "character varying") | ("bit varying", "bit varying") => {
            wider
        }
        ("text", "character varying") => has.is_empty(),
        ("cidr", "inet") | ("xml" | "citext", "text" | "character varying") => has.is_empty(),
        ("text" | "character varying", "citext") => true,
        (old, new) => old == new && had == has,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_keeps_and_others_rewrite() {
        for (from, to) in [
            ("character varying(10)", "varchar(20)"),
            ("character varying(10)", "varchar"),
            ("character varying(10)", "text"),
            ("text", "character varying"),
            ("numeric(10,2)", "decimal(12, 2)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3) without time zone", "timestamp"),
            ("integer", "int4"),
            ("cidr", "inet"),
        ] {
            assert!(keeps_values(from, to), "{from} {to}");
        }
        for (from, to) in [
            ("integer", "bigint"),
            ("character varying(10)", "varchar(5)"),
            ("character varying", "varchar(5)"),
            ("text", "varchar(20)"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric", "numeric(12,4)"),
            ("timestamp without time zone", "timestamptz"),
            ("timestamp without time zone", "timestamp(3)"),
            ("character(5)", "char(6)"),
            ("text", "integer"),
        ] {
            assert!(!keeps_values(from, to), "{from} {to}");
        }
    }
}
