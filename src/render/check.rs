//! Checks of servers.

use super::grid::Grid;
use super::{Page, Text};
use crate::report::check::{CheckReport, Status};

impl Text for CheckReport {
    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        for server in &self.servers {
            let mut grid = Grid::new(page, &["=STATUS", "=CHECK", "VERDICT"]);
            for check in server.checks.iter().filter(|check| check.status != Status::Healthy) {
                grid.row([check.status.word().to_owned(), check.id.clone(), check.says.clone()]);
            }
            text.push_str(&grid.text());
            if let Some(forecast) = &server.forecast {
                text.push_str(&super::forecast::text(page, forecast));
            }
        }
        text
    }
}
