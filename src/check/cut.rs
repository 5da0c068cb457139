//! Answers with more rows than are read.

use super::look::Look;
use super::question::{MOST_ROWS, Question};
use super::verdict::Verdict;

impl Verdict {
    /// Says when an answer had more rows than were read: what stands in the others is not known.
    pub fn cut(&mut self, look: &Look<'_>, question: &Question) {
        if look.is_cut(question) {
            self.unseen = Some(format!("there are more than {MOST_ROWS}, and no more were read"));
        }
    }
}
