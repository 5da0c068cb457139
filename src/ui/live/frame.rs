//! A frame: the lines of the terminal, and what has to be written when they change.

use std::time::Duration;

use super::terminal::Size;
use crate::render::{duration, printable};

/// What a frame is made of.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub title: &'a str,
    pub state: &'a str,
    /// What went wrong with the last sample, and when the next one is.
    pub trouble: Option<&'a str>,
    pub lines: &'a [String],
    /// The first line that is shown.
    pub top: usize,
    pub keys: &'a str,
    pub color: bool,
}

/// Lines of the terminal that are not the page's: title, trouble, footer.
fn around(scene: &Scene<'_>) -> usize {
    2 + usize::from(scene.trouble.is_some())
}

/// How many lines of the page can be seen at once; at least one.
pub(super) fn room(scene: &Scene<'_>, size: Size) -> usize {
    size.rows.saturating_sub(around(scene)).max(1)
}

/// The lines of the terminal: exactly as many as it has.
pub(super) fn compose(scene: &Scene<'_>, size: Size) -> Vec<String> {
    let columns = usize::from(size.columns);
    let mut frame = vec![bar(scene.title, scene.state, columns, scene.color)];
    if let Some(trouble) = scene.trouble {
        let trouble = cut(&printable(trouble), columns);
        frame.push(if scene.color { format!("\x1b[31m{trouble}\x1b[0m") } else { trouble });
    }
    let room = room(scene, size);
    let seen = scene.lines.iter().skip(scene.top).take(room);
    frame.extend(seen.map(|line| cut(line, columns)));
    frame.resize(size.rows.saturating_sub(1), String::new());
    let last = (scene.top + room).min(scene.lines.len());
    let place = match scene.lines.len() {
        all if all <= room => String::new(),
        all => format!("lines {}-{last} of {all}", scene.top + 1),
    };
    frame.push(bar(scene.keys, &place, columns, scene.color));
    frame.truncate(size.rows);
    frame
}

/// Words at the left and at the right; those at the right win where there is no room for both.
fn bar(left: &str, right: &str, columns: usize, color: bool) -> String {
    let right = cut(right, columns);
    let rest = columns - right.chars().count();
    let gap = if right.is_empty() { 0 } else { 2 };
    let left = cut(&printable(left), rest.saturating_sub(gap));
    let text = format!("{left:<rest$}{right}");
    if color { format!("\x1b[7m{text}\x1b[0m") } else { text.trim_end().to_owned() }
}

fn cut(text: &str, columns: usize) -> String {
    match text.chars().count() > columns {
        true if columns > 2 => text.chars().take(columns - 2).chain("..".chars()).collect(),
        true => text.chars().take(columns).collect(),
        false => text.to_owned(),
    }
}

/// What turns the frame that stands there into the next one: the lines that differ, one by one.
/// The screen is never cleared as a whole, which would flicker.
pub(super) fn difference(before: &[String], now: &[String], size: Size) -> String {
    let mut text = String::new();
    for (at, line) in now.iter().enumerate() {
        if before.get(at) == Some(line) {
            continue;
        }
        text.push_str(&format!("\x1b[{};1H", at + 1));
        let plain = line.is_ascii() && !line.contains('\x1b');
        match plain {
            // How many columns it takes is the terminal's secret: erased before.
            false => text.push_str(&format!("\x1b[2K{line}")),
            // Erasing to the end of a full line takes its last character away.
            true if line.len() >= usize::from(size.columns) => text.push_str(line),
            true => text.push_str(&format!("{line}\x1b[K")),
        }
    }
    if text.is_empty() {
        return text;
    }
    // Shown in one go where the terminal knows how (synchronized output); others pass it over.
    format!("\x1b[?2026h{text}\x1b[?2026l")
}

/// `every 2 s, 1 s ago`; what is in doubt goes first.
pub(super) fn state(
    every: Duration,
    age: Duration,
    waits: Option<Duration>,
    paused: bool,
) -> String {
    let every = match every.subsec_millis() {
        0 => format!("every {} s", every.as_secs()),
        _ => format!("every {:.1} s", every.as_secs_f64()),
    };
    let age = match age.as_secs() {
        0 => "sampled now".to_owned(),
        seconds if seconds < 100 => format!("sampled {seconds} s ago"),
        _ => format!("sampled {} ago", duration(age.as_secs_f64())),
    };
    match waits.filter(|waits| waits.as_secs() > 0) {
        Some(waits) => format!("no answer for {} s, {age}", waits.as_secs()),
        None if paused => format!("paused, {age}"),
        None => format!("{every}, {age}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { rows: 5, columns: 20 };

    fn scene(lines: &[String]) -> Scene<'_> {
        Scene {
            title: "connections",
            state: "now",
            trouble: None,
            lines,
            top: 0,
            keys: "q quit",
            color: false,
        }
    }

    #[test]
    fn a_frame_has_as_many_lines_as_the_terminal_and_cuts_long_ones() {
        let lines: Vec<String> = ["a".to_owned(), "b".repeat(30)].into();
        let frame = compose(&scene(&lines), SIZE);
        assert_eq!(
            frame,
            ["connections      now", "a", "bbbbbbbbbbbbbbbbbb..", "", "q quit"].map(String::from)
        );
        let lines: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
        let lost = Scene { top: 4, trouble: Some("lost\x1b[2J"), ..scene(&lines) };
        let frame = compose(&lost, SIZE);
        assert_eq!(frame[1], "lost\\u{1b}[2J");
        assert_eq!(frame[2..], ["5", "6", "q ..  lines 5-6 of 9"].map(String::from));
        for rows in 0..3 {
            assert_eq!(compose(&lost, Size { rows, columns: 3 }).len(), rows);
        }
    }

    #[test]
    fn only_lines_that_differ_are_written() {
        let before = ["one", "two", "three"].map(String::from);
        assert_eq!(difference(&before, &before, SIZE), "");
        let now = ["one".to_owned(), "2".to_owned(), "x".repeat(20)];
        let text = difference(&before, &now, SIZE);
        let full = "x".repeat(20);
        assert_eq!(text, format!("\x1b[?2026h\x1b[2;1H2\x1b[K\x1b[3;1H{full}\x1b[?2026l"));
        assert!(!difference(&[], &now, SIZE).contains("[2J"));
    }

    #[test]
    fn the_state_says_how_old_the_page_is() {
        let second = Duration::from_secs;
        assert_eq!(state(second(2), second(0), None, false), "every 2 s, sampled now");
        assert_eq!(state(second(2), second(7), None, true), "paused, sampled 7 s ago");
        let half = Duration::from_millis(500);
        assert_eq!(state(half, second(200), None, false), "every 0.5 s, sampled 3 min 20 s ago");
        let waits = Some(second(3));
        assert_eq!(state(half, second(4), waits, false), "no answer for 3 s, sampled 4 s ago");
    }
}
