//! Numbers as people read them.

/// `1.5 MB`, in steps of 1000.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `1.45 million`.
pub fn millions(count: u64) -> String {
    format!("{:.2} million", count as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_their_order_of_magnitude() {
        assert_eq!(bytes(42), "42 B");
        assert_eq!(bytes(42_092), "42 kB");
        assert_eq!(bytes(4_181_895), "4.2 MB");
        assert_eq!(millions(568_740_352), "568.74 million");
    }
}
