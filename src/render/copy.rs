//! `backup copy` for people.

use super::printable;
use super::{Page, Text, bytes, count, duration, rate};
use crate::report::copy::Copied;

impl Text for Copied {
    fn text(&self, _page: &Page) -> String {
        let (id, database) = (&self.id, printable(&self.database));
        let to = printable(&self.to);
        let mut text = if self.already_there {
            format!("backup {id} of {database} is in {to} already, every object with its size\n")
        } else {
            format!(
                "copied backup {id} of {database} to {to}\n  objects   {}, {} in {} ({}), every SHA-256 as recorded\n",
                count(self.objects),
                bytes(self.bytes),
                duration(self.seconds),
                rate(self.bytes, self.seconds)
            )
        };
        if self.verifications > 0 {
            text.push_str(&format!("  proofs    {} copied\n", count(self.verifications)));
        }
        text
    }
}
