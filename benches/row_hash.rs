//! What hashing rows costs: reads a backup, and times the row sums of its tables alone.
//!
//! `cargo bench --bench row_hash -- FOLDER CLIENT_CPU_SECONDS` prints the seconds, and their
//! share of what the backup took. `benches/compare` runs it with measured seconds.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pgtend::archive::frame::{Compression, Decoder};
use pgtend::archive::manifest::{self, Kind, Manifest};
use pgtend::archive::rowhash::RowSum;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let folder = PathBuf::from(arguments.next().unwrap());
    let client: f64 = arguments.next().unwrap().parse().unwrap();
    let record = std::fs::read(folder.join(manifest::NAME)).unwrap();
    let manifest = Manifest::from_bytes(&record).unwrap();
    let (mut spent, mut raw, mut sum) = (Duration::ZERO, 0_u64, RowSum::default());
    let mut decoder = Decoder::default();
    for object in manifest.objects.iter().filter(|object| object.kind == Kind::Table) {
        let stored = std::fs::read(folder.join(&object.name)).unwrap();
        for frame in &object.frames {
            let start = usize::try_from(frame.offset()).unwrap();
            let end = start + usize::try_from(frame.length()).unwrap();
            let mut rows = Vec::new();
            decoder
                .decode(
                    Compression::of_name(&object.name),
                    &stored[start..end],
                    frame.raw_length(),
                    &mut |block| {
                        rows.extend_from_slice(block);
                    },
                )
                .unwrap();
            raw += rows.len() as u64;
            // As the reader does it: row by row, each found by its length.
            let rows: Vec<&[u8]> = rows.split_inclusive(|byte| *byte == b'\n').collect();
            let clock = Instant::now();
            for row in rows {
                sum.add(row);
            }
            spent += clock.elapsed();
        }
    }
    let seconds = spent.as_secs_f64();
    println!(
        "{} rows, {raw} bytes hashed in {seconds:.3} s: {:.2}% of {client:.2} s client CPU",
        sum.rows,
        100.0 * seconds / client
    );
}
