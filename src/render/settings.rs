//! The page of `--show-settings`.

use super::grid::Grid;
use super::{Page, Text};
use crate::report::settings::SettingsReport;

impl Text for SettingsReport {
    fn text(&self, page: &Page) -> String {
        let mut grid = Grid::new(page, &["SETTING", "VALUE", "FROM"]);
        for setting in &self.settings {
            grid.row([setting.name.clone(), setting.value.clone(), setting.origin.clone()]);
        }
        grid.text()
    }
}
