//! What can be said in a connection string, and what one says.

use super::{dsn, keyword};

/// Reads a URI or a `key=value` string as libpq does: the keywords that it sets, each once. No
/// default is filled in and no value is judged.
///
/// # Errors
/// The cause, without any part of a value.
pub fn read(text: &str) -> Result<Vec<(&'static str, String)>, String> {
    Ok(dsn::parse(text)?.into_values().collect())
}

/// Every keyword of libpq with its environment variable, in libpq's order.
pub fn keywords() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    keyword::KEYWORDS.iter().map(|keyword| (keyword.name, keyword.variable))
}
