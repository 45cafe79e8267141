//! "did you mean": the nearest known word to a wrong one.

/// Beginnings of a word that are too short to mean it.
const LEAST_BEGINNING: usize = 4;

/// The candidate nearest to `wrong`, if one is near enough to be a slip of the fingers, or begins with it.
pub(crate) fn closest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    let longest_slip = (length / 3).max(1);
    candidates
        .into_iter()
        // A whole paragraph where a word should be means none, and comparing it would take its time.
        .filter(|candidate| length <= 2 * candidate.chars().count() + 1)
        .map(|candidate| (edit_distance(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let is_begun = wrong.len() >= LEAST_BEGINNING && candidate.to_lowercase().starts_with(&wrong);
            *distance <= longest_slip || is_begun
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `…`?``, if there is something to mean.
pub(crate) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(wrong, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in table.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in table[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitution = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                best = best.min(table[i - 2][j - 2] + 1);
            }
            table[i][j] = best;
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let keys = ["url", "fps", "transport", "labels", "stall_timeout"];
        for (wrong, expected) in [
            ("transprot", Some("transport")),
            ("label", Some("labels")),
            ("FPS", Some("fps")),
            ("stall-timeout", Some("stall_timeout")),
            ("trans", Some("transport")),
            ("tra", None),
            ("frame_rate", None),
            ("x", None),
        ] {
            assert_eq!(closest(wrong, keys), expected, "{wrong}");
        }
        assert_eq!(closest(&"transport".repeat(1_000_000), keys), None);
    }

    #[test]
    fn distances_count_single_edits() {
        for (a, b, distance) in [("", "", 0), ("", "abc", 3), ("ab", "ba", 1), ("kitten", "sitting", 3)] {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
        }
    }
}
