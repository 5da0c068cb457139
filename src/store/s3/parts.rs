//! How large the parts of an upload are: small at first, for a small object must not take much
//! memory; then growing, for nobody knows how long the object gets, and it may have 10,000 parts.
//!
//! Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".

/// Bytes of the first parts.
pub const FIRST: u64 = 8 << 20;
/// Parts of one size; those after them are twice as large.
const OF_ONE_SIZE: u32 = 1_000;
/// Parts that an upload may have.
const MOST: u32 = 10_000;

/// Bytes of part `number`, from 1 on; `None` when an upload may not have so many.
pub fn size(number: u32) -> Option<u64> {
    let doubled = number.checked_sub(1)? / OF_ONE_SIZE;
    (number <= MOST).then(|| FIRST << doubled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIB: u64 = 1 << 40;
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
        let first = FIRST * u64::from(OF_ONE_SIZE);
        for bytes in [0, 1, FIRST - 1, FIRST, FIRST + 1, first, first + 1, 5 * TIB] {
            check(bytes);
        }
        assert_eq!((size(0), size(10_001)), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_limits_hold_for_every_size(bytes in 0..=5 * TIB) {
            check(bytes);
        }
    }
}
