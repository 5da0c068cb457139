//! How large the parts of an upload are: small as long as possible, for each takes as much memory
//! as it has bytes, and small ones go side by side; then growing steeply, for nobody knows how
//! long the object gets, and it may have 10,000 parts.
//!
//! At byte 50 GB of an object a part has 16 MiB, at 100 GB 32 MiB, at 200 GB 64 MiB, at 500 GB
//! 512 MiB, at 5 TiB 4 GiB.
//!
//! Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".

/// Bytes of the first parts.
pub const FIRST: u64 = 8 << 20;
/// How many parts there are of each size, in MiB.
const SIZES: [(u32, u64); 10] = [
    (1_500, FIRST >> 20),
    (2_500, 16),
    (1_500, 32),
    (1_500, 64),
    (1_000, 128),
    (500, 256),
    (250, 512),
    (50, 1_024),
    (50, 2_048),
    (1_150, 4_096),
];

/// Bytes of part `number`, from 1 on; `None` when an upload may not have so many.
pub fn size(number: u32) -> Option<u64> {
    let mut before = number.checked_sub(1)?;
    for (parts, mebibytes) in SIZES {
        match before.checked_sub(parts) {
            Some(left) => before = left,
            None => return Some(mebibytes << 20),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIB: u64 = 1 << 40;
    const GB: u64 = 1_000_000_000;
    const LEAST: u64 = 5 << 20;
    const LARGEST: u64 = 5 << 30;

    /// The parts that an object of so many bytes is cut into.
    fn parts(mut bytes: u64) -> Vec<u64> {
        let mut parts = Vec::new();
        while bytes > 0 {
            let number = u32::try_from(parts.len()).unwrap() + 1;
            let part = size(number).expect("10,000 parts suffice").min(bytes);
            parts.push(part);
            bytes -= part;
        }
        parts
    }

    fn check(bytes: u64) {
        let parts = parts(bytes);
        assert_eq!(parts.iter().sum::<u64>(), bytes);
        assert!(parts.len() <= 10_000);
        assert!(parts.iter().all(|part| *part <= LARGEST));
        let last = parts.len().saturating_sub(1);
        assert!(parts[..last].iter().all(|part| *part >= LEAST));
    }

    #[test]
    fn the_limits_hold_at_the_edges() {
        let mut edge = 0;
        for (count, mebibytes) in SIZES {
            edge += u64::from(count) * (mebibytes << 20);
            for bytes in [edge - 1, edge, edge + 1] {
                check(bytes.min(5 * TIB));
            }
        }
        for bytes in [0, 1, FIRST - 1, FIRST, FIRST + 1, 5 * TIB] {
            check(bytes);
        }
        assert_eq!((size(0), size(10_001)), (None, None));
        assert!(size(10_000).is_some());
    }

    #[test]
    fn parts_stay_small_as_long_as_possible() {
        let at = |bytes: u64| *parts(bytes).iter().max().unwrap() >> 20;
        let told = [10 * GB, 50 * GB, 100 * GB, 200 * GB, 500 * GB, 5 * TIB];
        assert_eq!(told.map(at), [8, 16, 32, 64, 512, 4_096]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_limits_hold_for_every_size(bytes in 0..=5 * TIB) {
            check(bytes);
        }
    }
}
