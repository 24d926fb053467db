//! Durations and sizes as people write them.

const DURATIONS: [(&str, u64); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const SIZES: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(value: u64, units: &[(&str, u64)], smallest: &str) -> String {
    let fits = |(_, factor): &&(&str, u64)| value != 0 && value.is_multiple_of(*factor);
    match units.iter().rev().find(fits) {
        Some((name, factor)) => format!("{}{name}", value / factor),
        None => format!("{value}{smallest}"),
    }
}

/// Nanoseconds in `7d`, `20s`, `500ms`.
pub(super) fn nanos(text: &str) -> Option<u64> {
    read(text, &DURATIONS)
}

/// Bytes in `4GiB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    read(text, &SIZES)
}

/// Nanoseconds as people write them.
pub(super) fn show_nanos(nanos: u64) -> String {
    write(nanos, &DURATIONS, "ns")
}

/// Bytes as people write them.
pub(super) fn show_bytes(bytes: u64) -> String {
    write(bytes, &SIZES, " bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["7d", "20s", "500ms", "36h"] {
            assert_eq!(show_nanos(nanos(text).unwrap()), text);
        }
        assert_eq!(bytes("4GiB"), Some(4 << 30));
        assert_eq!(show_bytes(512 << 20), "512MiB");
        for wrong in ["", "7", "d", "7 d", "7w", "-1s", "99999999999999999999d"] {
            assert_eq!(nanos(wrong), None, "{wrong:?}");
        }
    }
}
