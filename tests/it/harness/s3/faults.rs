//! What goes wrong, when: by counting, never by chance.

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PutObject,
    BeginUpload,
    PutPart,
    Complete,
    Abort,
    Get,
    Head,
    /// Of objects, uploads or parts.
    List,
    /// One object or many.
    Delete,
    Other,
}

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 500 InternalError; nothing is done.
    InternalError,
    /// 503 SlowDown; nothing is done.
    SlowDown,
    /// 403 AccessDenied; nothing is done.
    AccessDenied,
    /// 501 NotImplemented, as simple servers answer to what is new; nothing is done.
    NotImplemented,
    /// It is done, and the connection is cut before the answer.
    LostResponse,
    /// It is done, and 500 is the answer all the same.
    DoneBut500,
    /// The connection is cut after so many bytes of the request's body; nothing is done.
    CutUpload(u64),
    /// The connection is cut after so many bytes of the answer's body.
    CutDownload(u64),
    /// 200 with an `<Error>` as its body, as Complete may answer; nothing is done.
    ErrorIn200,
    /// Accepted, and never answered.
    Silence,
    /// Accepted; done and answered when the test says so, though the client may be gone by then.
    Held,
}

/// Which of the requests of a kind go wrong.
#[derive(Clone, Copy, Debug)]
enum When {
    Every(u64),
    First(u64),
    Nth(u64),
}

#[derive(Clone, Debug)]
struct Rule {
    kind: Kind,
    when: When,
    fault: Fault,
    /// Only keys with this in them; empty for all.
    key: String,
    seen: u64,
}

/// A plan of faults. The first rule that a request falls under decides.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    pub fn none() -> Self {
        Self::default()
    }

    /// The `n`-th, 2`n`-th .. request of this kind; `every(1, ..)` is all of them.
    #[must_use]
    pub fn every(self, n: u64, kind: Kind, fault: Fault) -> Self {
        self.rule(When::Every(n), kind, fault)
    }

    /// The first `n` requests of this kind.
    #[must_use]
    pub fn first(self, n: u64, kind: Kind, fault: Fault) -> Self {
        self.rule(When::First(n), kind, fault)
    }

    /// The `n`-th request of this kind, from 1, and no other.
    #[must_use]
    pub fn nth(self, n: u64, kind: Kind, fault: Fault) -> Self {
        self.rule(When::Nth(n), kind, fault)
    }

    /// All requests of this kind.
    #[must_use]
    pub fn always(self, kind: Kind, fault: Fault) -> Self {
        self.every(1, kind, fault)
    }

    /// The last rule is only about keys with these words in them, and counts only those.
    #[must_use]
    pub fn only_keys_with(mut self, words: &str) -> Self {
        words.clone_into(&mut self.rules.last_mut().expect("a rule comes first").key);
        self
    }

    fn rule(mut self, when: When, kind: Kind, fault: Fault) -> Self {
        self.rules.push(Rule { kind, when, fault, key: String::new(), seen: 0 });
        self
    }

    /// What happens to the next request.
    pub fn next(&mut self, kind: Kind, key: &str) -> Option<Fault> {
        let mut found = None;
        for rule in &mut self.rules {
            if rule.kind != kind || !key.contains(&rule.key) {
                continue;
            }
            rule.seen += 1;
            let hit = match rule.when {
                When::Every(n) => rule.seen.is_multiple_of(n),
                When::First(n) => rule.seen <= n,
                When::Nth(n) => rule.seen == n,
            };
            if hit && found.is_none() {
                found = Some(rule.fault);
            }
        }
        found
    }
}
