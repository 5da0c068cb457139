//! Columns whose defaults are not the same for each row.

use squawk_linter::{Linter, Rule};
use squawk_syntax::ast::AstNode;
use squawk_syntax::{Parse, SourceFile, SyntaxKind};

/// Where columns are added with defaults that are not the same for each row: squawk has the list
/// of the functions that are.
pub fn volatile_defaults(parse: &Parse<SourceFile>, text: &str) -> Vec<usize> {
    let linted = |parse: &Parse<SourceFile>, text: &str| {
        Linter::from([Rule::AddingFieldWithDefault]).lint(parse, text)
    };
    let found = if text.contains(IGNORE) {
        let text = unignored(parse, text);
        linted(&SourceFile::parse(&text), &text)
    } else {
        linted(parse, text)
    };
    found.iter().map(|violation| usize::from(violation.text_range.start())).collect()
}

/// What the linter's comments begin with that make it silent.
const IGNORE: &str = "squawk-ignore";

/// The text with blanks in place of the comments that make the linter silent: a default that is
/// meant so still rewrites the table.
fn unignored(parse: &Parse<SourceFile>, text: &str) -> String {
    let mut text = text.to_owned();
    let tree = parse.tree();
    let tokens = tree.syntax().descendants_with_tokens();
    for token in tokens.filter_map(|element| element.into_token()) {
        if token.kind() == SyntaxKind::COMMENT && token.text().contains(IGNORE) {
            let range = token.text_range();
            let range = usize::from(range.start())..usize::from(range.end());
            let blanks = " ".repeat(range.len());
            text.replace_range(range, &blanks);
        }
    }
    text
}
