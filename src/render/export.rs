//! `backup export` for people.

use super::printable;
use super::{Page, Text, amount, bytes, duration, rate};
use crate::report::export::Exported;

impl Text for Exported {
    fn text(&self, _page: &Page) -> String {
        let file = self.file.as_deref().map_or("standard output".into(), printable);
        let mut text =
            format!("exported backup {} of {} to {file}\n", self.id, printable(&self.database));
        text.push_str(&format!(
            "  contents  {}, {}",
            amount(self.tables, "table"),
            amount(self.rows, "row")
        ));
        if self.large_objects > 0 {
            text.push_str(&format!(", {}", amount(self.large_objects, "large object")));
        }
        text.push_str(", equal to the backup's record\n");
        text.push_str(&format!(
            "  size      {} raw, {} written ({})\n",
            bytes(self.raw_bytes),
            bytes(self.bytes),
            self.compress
        ));
        if !self.offsets {
            text.push_str("  offsets   none: pg_restore -j has to search\n");
        }
        let (time, rate) = (duration(self.seconds), rate(self.raw_bytes, self.seconds));
        text.push_str(&format!("  time      {time}, {rate}\n"));
        text
    }
}
