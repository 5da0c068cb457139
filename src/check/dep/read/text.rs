//! Where a statement stands, and how it is shown.

use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Where the lines begin.
pub struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line (from 1) of a byte.
    pub fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte).max(1)
    }
}

/// The first byte that is neither space nor comment.
pub fn first(node: &SyntaxNode) -> usize {
    let mut tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    let token = tokens.find(|token| !token.kind().is_trivia());
    usize::from(token.map_or_else(|| node.text_range().start(), |token| token.text_range().start()))
}

/// Bytes of a statement's text that are shown.
const SHOWN: usize = 160;

/// The statement in one line; values may be secrets, or long.
pub fn one_line(node: &SyntaxNode) -> String {
    let mut line = String::new();
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        match token.kind() {
            kind if kind.is_trivia() => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            SyntaxKind::STRING
            | SyntaxKind::ESC_STRING
            | SyntaxKind::NATIONAL_STRING
            | SyntaxKind::UNICODE_ESC_STRING
            | SyntaxKind::DOLLAR_QUOTED_STRING
            | SyntaxKind::BYTE_STRING
            | SyntaxKind::BIT_STRING => line.push_str("'..'"),
            SyntaxKind::SEMICOLON => {}
            _ => line.push_str(token.text()),
        }
        if line.len() > SHOWN {
            line.truncate(line.floor_char_boundary(SHOWN));
            line.push_str("..");
            break;
        }
    }
    line.trim_end().to_owned()
}

/// The key words that a statement begins with: those before the first name, four at most.
pub fn kind(node: &SyntaxNode) -> String {
    let words = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
        .take_while(|token| token.kind().is_keyword() && token.kind() != SyntaxKind::IF_KW)
        .map(|token| token.text().to_ascii_uppercase())
        .take(4)
        .collect::<Vec<_>>();
    // ON, INTO, FROM belong to what follows.
    let end = words.iter().position(|word| matches!(word.as_str(), "ON" | "SET" | "ONLY"));
    words[..end.filter(|end| *end > 0).unwrap_or(words.len())].join(" ")
}
