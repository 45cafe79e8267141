//! Whose events are whose, from run to run.

use std::fmt;

/// A broker's connection, by what stays the same from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// `host:port`
    pub broker: String,
    /// First levels of its topics: `<prefix>/<node>`.
    pub base_topic: String,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.broker, self.base_topic)
    }
}

/// A destination that the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub row: i64,
    pub destination: Destination,
    /// Events that it does not have yet.
    pub waiting: u64,
    /// An outbox has it already.
    pub is_claimed: bool,
}

/// Where the events of a wished destination are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// In its own row.
    Own(i64),
    /// The broker has moved: in the row of the destination that it was before.
    TakenOver(i64),
    /// There are none.
    New,
}

/// Finds for each wished destination its events: first those that are exactly its own; then whoever has none waiting
/// takes over those of the one destination with the same topics that waits and is wished no more, when there is exactly
/// one: subscribers cannot tell a broker from the one before, topics they can.
pub fn claim(wished: &[&Destination], known: &[Known]) -> Vec<Claim> {
    let own = |wished: &Destination| known.iter().find(|known| known.destination == *wished);
    let mut is_free: Vec<bool> =
        known.iter().map(|known| !known.is_claimed && !wished.contains(&&known.destination)).collect();
    let claim_one = |wished: &&Destination| {
        let own = own(wished);
        if let Some(own) = own.filter(|own| own.waiting > 0) {
            return Claim::Own(own.row);
        }
        let is_left = |&index: &usize| {
            let known: &Known = &known[index];
            is_free[index] && known.waiting > 0 && known.destination.base_topic == wished.base_topic
        };
        let mut left = (0..known.len()).filter(is_left);
        match (left.next(), left.next()) {
            (Some(only), None) => {
                is_free[only] = false;
                Claim::TakenOver(known[only].row)
            }
            _ => own.map_or(Claim::New, |own| Claim::Own(own.row)),
        }
    };
    wished.iter().map(claim_one).collect()
}

/// Which of `held` has become which of `wished`, by their indices: the one that is wished no more and the one that is new,
/// where of those with the same topics there is exactly one of each. Wished ones may be there twice.
pub fn moves(held: &[Destination], wished: &[Destination]) -> Vec<(usize, usize)> {
    let only = |of: &[Destination], beside: &[Destination], base_topic: &str| {
        let is_it = |it: &Destination| it.base_topic == base_topic && !beside.contains(it);
        let first = of.iter().position(is_it)?;
        of.iter().all(|it| !is_it(it) || *it == of[first]).then_some(first)
    };
    let mut bases: Vec<&str> = held.iter().map(|it| it.base_topic.as_str()).collect();
    bases.sort_unstable();
    bases.dedup();
    let of_base = |base: &str| Some((only(held, wished, base)?, only(wished, held, base)?));
    bases.into_iter().filter_map(of_base).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(broker: &str, base_topic: &str) -> Destination {
        Destination { broker: broker.into(), base_topic: base_topic.into() }
    }

    fn known(rows: &[(&str, &str, u64, bool)]) -> Vec<Known> {
        let known = |(index, &(broker, base, waiting, is_claimed)): (usize, &(&str, &str, u64, bool))| {
            let row = i64::try_from(index).unwrap() + 1;
            Known { row, destination: at(broker, base), waiting, is_claimed }
        };
        rows.iter().enumerate().map(known).collect()
    }

    #[test]
    fn events_are_found_by_broker_and_topic_and_then_by_topic_alone() {
        use Claim::{New, Own, TakenOver};
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str, u64, bool)], &'a [(&'a str, &'a str)], &'a [Claim]);
        let cases: &[Case<'_>] = &[
            ("nothing known", &[], &[("a", "t")], &[New]),
            ("its own", &[("a", "t", 3, false), ("b", "t", 3, false)], &[("b", "t")], &[Own(2)]),
            ("moved", &[("a", "t", 3, false)], &[("b", "t")], &[TakenOver(1)]),
            ("moved back", &[("a", "t", 3, false), ("b", "t", 0, false)], &[("b", "t")], &[TakenOver(1)]),
            ("nothing waits there", &[("a", "t", 0, false)], &[("b", "t")], &[New]),
            ("other topics", &[("a", "t", 3, false)], &[("b", "u")], &[New]),
            ("two might be meant", &[("a", "t", 3, false), ("b", "t", 1, false)], &[("c", "t")], &[New]),
            ("in use", &[("a", "t", 3, true)], &[("b", "t")], &[New]),
            ("wished itself", &[("a", "t", 3, false)], &[("b", "t"), ("a", "t")], &[New, Own(1)]),
            ("two are new", &[("a", "t", 3, false)], &[("b", "t"), ("c", "t")], &[TakenOver(1), New]),
        ];
        for (what, rows, wished, expected) in cases {
            let wished: Vec<Destination> = wished.iter().map(|(broker, base)| at(broker, base)).collect();
            let claims = claim(&wished.iter().collect::<Vec<_>>(), &known(rows));
            assert_eq!(claims, *expected, "{what}");
        }
    }

    #[test]
    fn a_broker_moves_where_it_is_clear_which_one() {
        type Places = &'static [(&'static str, &'static str)];
        type Case = (&'static str, Places, Places, &'static [(usize, usize)]);
        let cases: [Case; 6] = [
            ("moved", &[("a", "t")], &[("b", "t")], &[(0, 0)]),
            ("stays", &[("a", "t")], &[("a", "t")], &[]),
            ("other topics", &[("a", "t")], &[("b", "u")], &[]),
            ("one more", &[("a", "t")], &[("a", "t"), ("b", "t")], &[]),
            ("two at once", &[("a", "t"), ("b", "t")], &[("c", "t")], &[]),
            (
                "beside one that stays",
                &[("a", "t"), ("b", "t"), ("b", "u")],
                &[("c", "t"), ("a", "t"), ("c", "t")],
                &[(1, 0)],
            ),
        ];
        for (what, held, wished, expected) in cases {
            let places = |all: Places| all.iter().map(|&(broker, base)| at(broker, base)).collect::<Vec<_>>();
            assert_eq!(moves(&places(held), &places(wished)), expected, "{what}");
        }
    }
}
