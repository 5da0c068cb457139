//! The page of `--show-server`.

use super::grid::Grid;
use super::{Page, Text};
use crate::report::server::ServerReport;

impl Text for ServerReport {
    fn text(&self, page: &Page) -> String {
        let mut grid = Grid::new(page, &["SERVER", ""]);
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let mut row = |name: &str, value: String| grid.row([name.to_owned(), value]);
        row("host", format!("{}:{}", self.host, self.port));
        row("database", self.database.clone());
        row("user", self.user.clone());
        row("version", self.version.clone());
        row("in recovery", yes(self.in_recovery));
        row("encrypted", yes(self.encrypted));
        row("read from", format!("{} ({})", self.route.taken, self.route.why));
        if let Some(at) = self.certificate_expires {
            row("certificate expires", at.to_string());
        }
        if let Some(pooler) = &self.pooler {
            row("pooler", pooler.clone());
        }
        grid.text()
    }
}
