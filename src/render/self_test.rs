//! `verify-backup --self-test` for people.

use super::grid::Grid;
use super::{Page, Text, bytes, count, printable};
use crate::report::self_test::SelfTest;

impl Text for SelfTest {
    fn text(&self, page: &Page) -> String {
        let missed = self.faults.iter().filter(|fault| !fault.noticed).count();
        let verdict = match missed {
            0 => format!("every one of {} faults was noticed", self.faults.len()),
            _ => format!("{missed} of {} faults were NOT NOTICED", self.faults.len()),
        };
        let mut text = format!("self-test of the verifier: {verdict}\n");
        let all = if self.objects == self.of_objects { "all " } else { "" };
        text.push_str(&format!(
            "  copied        {all}{} of {} objects, {} of {}, of backup {} of {}\n\n",
            count(self.objects),
            count(self.of_objects),
            bytes(self.bytes),
            bytes(self.of_bytes),
            self.id,
            printable(&self.database)
        ));
        let mut grid = Grid::new(page, &["FAULT", "OBJECT", "=LEVEL", "=NOTICED", "AS"]);
        for fault in &self.faults {
            grid.row([
                fault.fault.clone(),
                fault.object.clone(),
                fault.level.name().to_owned(),
                (if fault.noticed { "yes" } else { "NO" }).to_owned(),
                fault.by.clone().unwrap_or_default(),
            ]);
        }
        text.push_str(&grid.text());
        for what in &self.not_tried {
            text.push_str(&format!("\n  not tried     {}\n", printable(what)));
        }
        text
    }
}
