//! How a `search_path` is read.

/// The schemas of a `search_path` in their order: `"$user", public`.
pub fn schemas(text: &str) -> Vec<String> {
    let schema = |part: &str| match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => part.to_ascii_lowercase(),
    };
    let schemas = text.split(',').map(|part| schema(part.trim()));
    schemas.filter(|schema| !schema.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_read_as_the_server_does() {
        assert_eq!(schemas("\"$user\", public"), ["$user", "public"]);
        assert_eq!(schemas(" App ,\"App\",\"a\"\"b\""), ["app", "App", "a\"b"]);
        assert!(schemas("").is_empty() && schemas("\"\"").is_empty());
    }
}
