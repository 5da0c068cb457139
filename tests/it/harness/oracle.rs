//! libpq itself as the judge: what its own parser makes of a connection string, and psql on top
//! of any libpq that is here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::cluster::hermetic;
use super::command;
use super::server;
use super::tools;

/// A libpq, with its major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libpq {
    /// The system's, 15: what psql and pg_dump use here.
    System,
    /// The newest, 18: it knows every keyword.
    Newest,
}

/// The values that are set, by name, or libpq's message.
pub type Answer = Result<Vec<(String, String)>, String>;

impl Libpq {
    pub const ALL: [Self; 2] = [Self::System, Self::Newest];

    pub fn major(self) -> u32 {
        match self {
            Self::System => 15,
            Self::Newest => 18,
        }
    }

    /// What the loader is told: a plain name is looked for in the system's folders.
    fn library(self) -> PathBuf {
        match self {
            Self::System => "libpq.so.5".into(),
            Self::Newest => self.folder().join("libpq.so.5"),
        }
    }

    /// Beside the programs of the server; those client programs that are here have no TLS.
    fn folder(self) -> PathBuf {
        tools::server_bindir(self.major()).with_file_name("lib")
    }

    /// Each keyword with its environment variable, in libpq's order.
    pub fn keywords(self) -> Vec<(String, Option<String>)> {
        let mut words = self.ask("keywords", "").into_iter();
        let mut list = Vec::new();
        while let Some(name) = words.next() {
            let variable = words.next().expect("words come in pairs");
            list.push((name, Some(variable).filter(|name| !name.is_empty())));
        }
        list
    }

    /// `PQconninfoParse` of each string; none may hold a zero byte.
    pub fn parse<S: AsRef<str>>(self, strings: &[S]) -> Vec<Answer> {
        let mut input = String::new();
        for text in strings {
            assert!(!text.as_ref().contains('\0'), "C strings end at a zero byte");
            input.push_str(text.as_ref());
            input.push('\0');
        }
        let mut words = self.ask("parse", &input).into_iter();
        let mut next = || words.next().expect("an answer is whole");
        let answers = strings.iter().map(|_| match next().as_str() {
            "E" => Err(next().trim_end().to_owned()),
            _ => {
                let count: usize = next().parse().expect("a number of values");
                Ok((0..count).map(|_| (next(), next())).collect())
            }
        });
        let answers = answers.collect();
        assert_eq!(words.next(), None, "one answer for each string");
        answers
    }

    /// The words of the answer, after the version.
    fn ask(self, what: &str, input: &str) -> Vec<String> {
        let mut oracle = Command::new(program());
        oracle.arg(self.library()).arg(what).env_clear().envs(hermetic());
        let finished = command::run(&mut oracle, input).expect_success("asking libpq");
        // A value may be cut inside a character; it is compared as text all the same.
        let said = finished.stdout();
        let mut words = said.split_terminator('\0').map(str::to_owned);
        let version = words.next().expect("the version is the first word");
        assert_eq!(version, self.major().to_string(), "another libpq than expected");
        words.collect()
    }

    /// psql of 15 on this libpq: the same program decides nothing about connecting.
    pub fn psql(self) -> Command {
        let mut psql = Command::new(tools::client_bindir(15).join("psql"));
        psql.env_clear().envs(hermetic()).args(["-X", "-q", "-At", "-w"]);
        if self == Self::Newest {
            psql.env("LD_LIBRARY_PATH", self.folder());
        }
        psql
    }
}

/// Compiled once per test run; whoever can link Rust has a C compiler.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = server::folder_until_exit("pgt-oracle").join("oracle");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/libpq_oracle.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-Werror", source, "-ldl", "-o"]).arg(&path);
        command::run(&mut compiler, "").expect_success("compiling libpq_oracle.c");
        path
    })
}
