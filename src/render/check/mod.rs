//! Checks of servers, for people and for programs.

mod annotations;
mod junit;
mod page;
mod programs;
mod sarif;

use super::{Metric, Page, Plugin, Sheet, Text};
use crate::error::Result;
use crate::report::check::CheckReport;

impl Text for CheckReport {
    fn text(&self, page: &Page) -> String {
        page::text(self, page)
    }

    fn sheets(&self) -> Vec<Sheet> {
        vec![programs::sheet(self)]
    }

    fn plugin(&self) -> Option<Plugin> {
        Some(programs::plugin(self))
    }

    fn metrics(&self) -> Vec<Metric> {
        programs::metrics(self)
    }

    fn junit(&self) -> Result<String> {
        junit::text(self)
    }

    fn sarif(&self) -> Result<String> {
        sarif::text(self)
    }

    fn annotations(&self) -> String {
        annotations::text(self)
    }
}
