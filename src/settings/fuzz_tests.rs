//! Whatever a file, a variable or an argument holds, the parsers answer and do not panic.
//!
//! Made up texts, and right ones with a few characters changed. cargo-fuzz would need a nightly
//! compiler; these parsers are small, and ten thousand texts at each run of the tests reach all
//! their branches.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use super::passfile::{Key, Passfile};
use super::{dotenv, dsn, file, service};

const CASES: u32 = 10_000;

const STRINGS: &[&str] = &[
    "postgresql://user:secret@host:5432,[::1]:1,other/db?sslmode=require&options=-c%20a%3Db&",
    "postgresql+asyncpg://u:p%40@h/db?pool_size=5&ssl=true",
    "postgres://%2Fvar%2Frun/d?host=/tmp&requiressl=1",
    r"host=h port='5' password='it\'s \\ x' user=a\ b application_name=",
    "postgresql://postgres:[PASSWORD]@db.[REF].co/<name>",
    "jdbc:postgresql://h/db",
];
const SERVICES: &[&str] = &["# c\n[a]\nhost=h\nport=1\r\n [b] \nldap://x\nservice=a\n[a]\nx=\n"];
const PASSFILES: &[&str] =
    &["# c\n*:*:*:*:p\n::1:5432:d:u:p\nh\\:x:1:a\\\\b:*:pa\\:ss\\\r\n:::::\n"];
const DOTENVS: &[&str] = &[
    "export A='b' # c\nB=\"x ${A:-d} \\n$C\"\nC=${A}${B}\r\nD = `e`\n\n# x\nE='a\nb'\nF=\"\\\"\n\"\n",
];
const CONFIGS: &[&str] =
    &["default_target = \"a\"\nrepo = 'r'\n[target.a]\nurl = \"postgres://h/d\"\ntags = [\"x\"]\n\
     replicas = [{ url = \"postgres://r/d\", weight = 5 }]\n[target.b]\nhost = \"h\"\nport = 5432\n\
     [backup]\njobs = 2\nchunk = \"16 MiB\"\n"];

/// What means something to one of the parsers.
const MARKS: &[char] = &[
    '\'',
    '"',
    '\\',
    '%',
    '=',
    ':',
    '/',
    '@',
    '[',
    ']',
    '?',
    '&',
    ',',
    '#',
    '*',
    '$',
    '{',
    '}',
    '-',
    '<',
    '>',
    ' ',
    '\t',
    '\n',
    '\r',
    '\x0b',
    '\0',
    'ä',
    '€',
    '\u{1f418}',
    '\u{feff}',
    '\u{a0}',
    '0',
    '9',
    'a',
    'A',
    '`',
    '+',
    '.',
];

/// A change of a text: at a place, take some characters away, put some in.
type Change = (Index, usize, Vec<Index>);

fn change(text: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (at, gone, new) in changes {
        let at = at.index(text.len() + 1);
        let end = (at + gone).min(text.len());
        text.splice(at..end, new.iter().map(|mark| MARKS[mark.index(MARKS.len())]));
    }
    text.into_iter().collect()
}

/// Texts that are nearly right, mixed with any text.
fn texts(right: &'static [&'static str]) -> impl Strategy<Value = String> {
    let marks = || prop::collection::vec(any::<Index>(), 0..4);
    let changes = prop::collection::vec((any::<Index>(), 0_usize..4, marks()), 0..6);
    let nearly = (any::<Index>(), changes)
        .prop_map(move |(at, changes)| change(right[at.index(right.len())], &changes));
    let noise = prop::collection::vec(any::<Index>(), 0..60)
        .prop_map(|marks| marks.iter().map(|mark| MARKS[mark.index(MARKS.len())]).collect());
    prop_oneof![4 => nearly, 1 => noise, 1 => any::<String>()]
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn connection_strings_do_not_panic(text in texts(STRINGS)) {
        if let Ok(info) = dsn::parse(&text) {
            let names: Vec<&str> = info.into_values().map(|(name, _)| name).collect();
            let mut once = names.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), names.len(), "each keyword once");
        }
    }

    #[test]
    fn service_files_do_not_panic(text in texts(SERVICES), name in "[ab]?") {
        if let Err((line, _)) = service::parse(&text, &name) {
            prop_assert!((1..=text.lines().count()).contains(&line));
        }
    }

    #[test]
    fn password_files_do_not_panic(text in texts(PASSFILES), host in any::<String>(), user in "[ua]?") {
        let key = Key { host: &host, port: 5432, database: r"a\b", user: &user };
        if let Some((line, password)) = Passfile::parse(&text).find(key) {
            prop_assert!((1..=text.split('\n').count()).contains(&line));
            prop_assert!(password.expose().len() <= text.len());
        }
    }

    #[test]
    fn env_files_do_not_panic(text in texts(DOTENVS)) {
        let outside = |name: &str| (name == "A").then(|| "outside".to_owned());
        if let Err(fault) = dotenv::parse(&text, &outside) {
            prop_assert!(fault.line >= 1);
        }
    }

    #[test]
    fn configurations_do_not_panic(text in texts(CONFIGS)) {
        if let Err(error) = file::parse(&text, Path::new("/x/pgtend.toml")) {
            prop_assert!(error.to_string().contains("/x/pgtend.toml"), "{}", error);
        }
    }
}
