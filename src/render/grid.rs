//! Tables of text: the only user of `comfy_table`.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::{Page, printable};

/// A table without lines: it pastes into mails and pipes into awk.
pub struct Grid {
    table: Table,
}

impl Grid {
    /// A table with these headings; those that start with `>` stand at the right, for numbers.
    /// Numbers and what starts with `=` (an id that is copied) never wrap.
    pub fn new(page: &Page, headings: &[&str]) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(page.width)
            .set_header(headings.iter().map(|heading| heading.trim_start_matches(['>', '='])));
        for (at, heading) in headings.iter().enumerate() {
            if let Some(column) = table.column_mut(at) {
                column.set_padding((0, 2));
                if heading.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
                if heading.starts_with(['>', '=']) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        Self { table }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A control character in a name must not move the cursor.
        self.table.add_row(cells.into_iter().map(|cell| printable(&cell)));
    }

    /// Its lines.
    pub fn text(&self) -> String {
        self.table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_control_characters_are_written_out() {
        let mut grid = Grid::new(&Page { width: 80 }, &["NAME", ">BYTES"]);
        grid.row(["a\nb".into(), "1".into()]);
        grid.row(["x".into(), "1000".into()]);
        assert_eq!(grid.text(), "NAME  BYTES\na\\nb      1\nx      1000\n");
    }
}
