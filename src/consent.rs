//! The operator's consent, as a value: what changes a server takes one.

/// How much a change can destroy, and so how consent is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Danger {
    /// Nothing is lost: y or n, or `--yes`.
    Adds,
    /// Something of this name is replaced or dropped: its name is typed, or `--confirm NAME`.
    Replaces(String),
    /// The same, after a line that says what is lost for good.
    Destroys {
        /// What is to be typed.
        name: String,
        /// What is lost.
        lost: String,
    },
}

/// Given by the operator. Only [`crate::ui::consent`] makes one: `tests/it/layers` looks.
#[derive(Debug)]
pub struct Consent(());

impl Consent {
    /// The operator has agreed.
    pub(crate) const fn given() -> Self {
        Self(())
    }

    /// For backups that the rules of the backup's own command line or settings let go.
    pub(crate) const fn by_rules_of_the_run() -> Self {
        Self(())
    }

    /// For a database that this run made and drops: it is nobody's but ours.
    pub(crate) const fn for_own_database() -> Self {
        Self(())
    }
}
