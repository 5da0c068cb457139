//! Keys, out of the bytes that a terminal sends for them.

/// A key of the live page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-L.
    Redraw,
}

/// What xterm and its kin send after ESC, in both modes of the cursor keys.
const SEQUENCES: [(&[u8], Key); 12] = [
    (b"[A", Key::Up),
    (b"OA", Key::Up),
    (b"[B", Key::Down),
    (b"OB", Key::Down),
    (b"[5~", Key::PageUp),
    (b"[6~", Key::PageDown),
    (b"[H", Key::Home),
    (b"OH", Key::Home),
    (b"[1~", Key::Home),
    (b"[F", Key::End),
    (b"OF", Key::End),
    (b"[4~", Key::End),
];

/// The keys of what was read at once; those that have no meaning are left out.
pub(super) fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        match byte {
            0x1b => {
                let (key, length) = sequence(rest);
                keys.extend(key);
                bytes = &rest[length..];
            }
            0x03 => keys.push(Key::Interrupt),
            0x1a => keys.push(Key::Suspend),
            0x0c => keys.push(Key::Redraw),
            b' '..=b'~' => keys.push(Key::Char(char::from(byte))),
            _ => {}
        }
    }
    keys
}

/// The key of a sequence without its ESC, and the length of that.
fn sequence(bytes: &[u8]) -> (Option<Key>, usize) {
    if let Some((known, key)) = SEQUENCES.iter().find(|(known, _)| bytes.starts_with(known)) {
        return (Some(*key), known.len());
    }
    match bytes.first() {
        // One that is not known is passed over as a whole: its letters are no keys.
        Some(b'[') => {
            let end = bytes.iter().skip(1).position(|byte| (0x40..=0x7e).contains(byte));
            (None, end.map_or(bytes.len(), |end| end + 2))
        }
        Some(b'O') => (None, bytes.len().min(2)),
        Some(0x1b) | None => (Some(Key::Escape), 0),
        // Alt and a key.
        Some(_) => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_keys_and_unknown_sequences_are_none() {
        assert_eq!(keys(b"q +"), [Key::Char('q'), Key::Char(' '), Key::Char('+')]);
        assert_eq!(keys(b"\x1b[A\x1bOBj"), [Key::Up, Key::Down, Key::Char('j')]);
        assert_eq!(keys(b"\x1b[5~\x1b[6~\x1b[H\x1b[4~"), {
            [Key::PageUp, Key::PageDown, Key::Home, Key::End]
        });
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b\x1b[A"), [Key::Escape, Key::Up]);
        assert_eq!(keys(b"\x03\x1a\x0c"), [Key::Interrupt, Key::Suspend, Key::Redraw]);
        // Shift-F5, a mouse, Alt-q, a cut sequence, é.
        assert_eq!(keys(b"\x1b[15;2~g\x1b[<0;1;1M\x1bq\xc3\xa9\x1b[1;"), [Key::Char('g')]);
        assert_eq!(keys(b"\x1bOPs"), [Key::Char('s')]);
    }
}
