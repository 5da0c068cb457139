//! pgtend in a terminal: tmux draws what it writes, and tells what stands there.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::{Pgtend, command};

const LIMIT: Duration = Duration::from_secs(60);

/// A terminal with pgtend in it; it ends with this.
pub struct Screen {
    folder: TempDir,
    /// Its home, which ends with it.
    _pgtend: Pgtend,
}

impl Screen {
    /// Runs it in a shell that writes down how it ended and how the terminal was before and
    /// after. `script` runs it by `./run`.
    pub fn start(pgtend: Pgtend, script: &str, columns: u16, rows: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("pgt-tmux").tempdir().unwrap();
        let plain = pgtend.command();
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
        let words: Vec<String> =
            [plain.get_program()].into_iter().chain(plain.get_args()).map(quoted).collect();
        let run = format!("echo $$ > pid; exec {}\n", words.join(" "));
        fs::write(folder.path().join("run"), run).unwrap();
        let screen = Self { folder, _pgtend: pgtend };
        let script = format!("stty -g > before; {script}; stty -g > after; exec sleep 600");
        let size = [columns.to_string(), rows.to_string()];
        let mut tmux = screen.tmux();
        tmux.args(["-f", "/dev/null", "new-session", "-d", "-x", &size[0], "-y", &size[1]]);
        tmux.args(["sh", "-c", &script, ";", "pipe-pane", "cat > raw"]);
        tmux.args([";", "set", "-g", "status", "off"]);
        tmux.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // Neither colour nor width are wanted from the outside.
        tmux.env_remove("COLUMNS").env("SHELL", "/bin/sh");
        tmux.current_dir(screen.folder.path());
        command::run(&mut tmux, "").expect_success("tmux");
        screen.resize(columns, rows);
        screen
    }

    /// The usual script.
    pub fn of(pgtend: Pgtend, columns: u16, rows: u16) -> Self {
        Self::start(pgtend, "sh run; echo $? > code", columns, rows)
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket"));
        tmux
    }

    fn ask(&self, words: &[&str]) -> String {
        command::run(self.tmux().args(words), "").expect_success("tmux").stdout()
    }

    /// What stands on it, without blanks at the end of lines.
    pub fn lines(&self) -> Vec<String> {
        let text = self.ask(&["capture-pane", "-p"]);
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let found = command::until(LIMIT, || Some(self.lines()).filter(|lines| wanted(lines)));
        found.unwrap_or_else(|| panic!("never: {what}\n{}", self.lines().join("\n")))
    }

    /// Waits until these words stand anywhere.
    #[track_caller]
    pub fn until_shown(&self, words: &str) -> Vec<String> {
        self.until(words, |lines| lines.iter().any(|line| line.contains(words)))
    }

    /// Waits until these words stand nowhere.
    #[track_caller]
    pub fn until_gone(&self, words: &str) -> Vec<String> {
        self.until(&format!("not {words}"), |lines| !lines.iter().any(|line| line.contains(words)))
    }

    /// Presses keys, as tmux names them.
    pub fn press(&self, keys: &[&str]) {
        self.ask(&[&["send-keys"], keys].concat());
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.ask(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Whether the other screen is shown, and the cursor.
    pub fn modes(&self) -> (bool, bool) {
        let flags = self.ask(&["display", "-p", "#{alternate_on} #{cursor_flag}"]);
        (flags.starts_with('1'), flags.trim_end().ends_with('1'))
    }

    /// What the script wrote into a file.
    #[track_caller]
    pub fn written(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        let text = || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'));
        let found = command::until(LIMIT, text);
        found.unwrap_or_else(|| panic!("no {name}\n{}", self.lines().join("\n"))).trim().to_owned()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.written("pid").parse().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// All that was written to the terminal.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("raw")).unwrap()).into_owned()
    }

    /// Waits for the end; the terminal must be as it was.
    #[track_caller]
    pub fn ended_with(&self, code: &str) {
        assert_eq!(self.written("code"), code, "{}", self.lines().join("\n"));
        assert_eq!(self.written("after"), self.written("before"));
        let modes =
            command::until(LIMIT, || Some(self.modes()).filter(|modes| *modes == (false, true)));
        assert!(modes.is_some(), "other screen, cursor: {:?}", self.modes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut tmux = self.tmux();
        tmux.arg("kill-server").stdout(Stdio::null()).stderr(Stdio::null());
        // It may have ended with its session.
        drop(tmux.status());
    }
}
