//! `pgtend connections` for people and for programs.

mod advice;
mod page;
mod programs;
mod tables;
#[cfg(test)]
mod tests;

use super::{Metric, Page, Plugin, Sheet, Text};
use crate::report::connections::ConnectionsReport;

impl Text for ConnectionsReport {
    fn text(&self, page: &Page) -> String {
        page::text(self, page)
    }

    fn sheets(&self) -> Vec<Sheet> {
        programs::sheets(self)
    }

    fn plugin(&self) -> Option<Plugin> {
        Some(programs::plugin(self))
    }

    fn metrics(&self) -> Vec<Metric> {
        programs::metrics(self)
    }
}
