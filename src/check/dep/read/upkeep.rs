//! VACUUM, CLUSTER and others that change how rows lie, not what they say.

use squawk_syntax::ast::{self, AstNode};

use super::super::lock::Mode;
use super::super::statement::Work;
use super::Reader;

impl Reader<'_> {
    pub(super) fn vacuum(&mut self, vacuum: &ast::Vacuum) {
        self.statement.alone = true;
        let (mode, works) = if vacuum.is_full() {
            let why = "VACUUM FULL writes the table anew".to_owned();
            (Mode::AccessExclusive, vec![Work::Rewrites(why)])
        } else {
            (Mode::ShareUpdateExclusive, Vec::new())
        };
        self.all(vacuum.syntax(), mode, &works);
        if self.statement.touches.is_empty() {
            self.opaque("it goes over every table of the database");
        }
    }

    pub(super) fn cluster(&mut self, cluster: &ast::Cluster) {
        let why = "CLUSTER writes the table anew".to_owned();
        self.all(cluster.syntax(), Mode::AccessExclusive, &[Work::Rewrites(why)]);
        if self.statement.touches.is_empty() {
            self.statement.alone = true;
            self.opaque("it goes over every table that was clustered before");
        }
    }

    pub(super) fn repack(&mut self, repack: &ast::Repack) {
        let why = "REPACK writes the table anew".to_owned();
        self.all(repack.syntax(), Mode::AccessExclusive, &[Work::Rewrites(why)]);
    }

    pub(super) fn refresh(&mut self, refresh: &ast::Refresh) {
        let why = "the view is written anew".to_owned();
        let concurrently = refresh.concurrently_token().is_some();
        let mode = if concurrently { Mode::Exclusive } else { Mode::AccessExclusive };
        self.views(refresh.syntax(), mode, &[Work::Rewrites(why)]);
    }
}
