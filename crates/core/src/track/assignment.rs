//! Which detection goes to which track, so that all of them together fit best.
//!
//! The pairs that are possible at all fall into small groups that have nothing to do with each other; each is solved by
//! the Hungarian method (Kuhn 1955) with shortest augmenting paths (Jonker and Volgenant 1987), O(n³) in its size.

/// A track and a detection that may belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    /// Index of the track.
    pub track: usize,
    /// Index of the detection.
    pub detection: usize,
    /// How well they fit, greater than 0.
    pub affinity: f32,
}

/// Finds assignments; its memory is used again from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Assigner {
    /// Per track, then per detection: an earlier member of the same group, or itself.
    group: Vec<usize>,
    sorted: Vec<(usize, Pair)>,
    solver: Solver,
}

impl Assigner {
    /// Picks pairs of the greatest total affinity, each track and each detection at most once, and hands them to
    /// `assigned`. Of equally good choices always the same one.
    pub(super) fn assign(&mut self, pairs: &[Pair], tracks: usize, detections: usize, assigned: &mut Vec<Pair>) {
        assigned.clear();
        self.group.clear();
        self.group.extend(0..tracks + detections);
        for pair in pairs {
            let (one, other) = (root(&self.group, pair.track), root(&self.group, tracks + pair.detection));
            self.group[one.max(other)] = one.min(other);
        }
        self.sorted.clear();
        self.sorted.extend(pairs.iter().map(|pair| (root(&self.group, pair.track), *pair)));
        // Stable: within a group the pairs keep their order.
        self.sorted.sort_by_key(|(group, _)| *group);
        for group in self.sorted.chunk_by(|(one, _), (other, _)| one == other) {
            match group {
                [(_, only)] => assigned.push(*only),
                _ => self.solver.solve(group, assigned),
            }
        }
    }
}

fn root(group: &[usize], mut member: usize) -> usize {
    while group[member] != member {
        member = group[member];
    }
    member
}

/// Solves one group as a dense problem: rows are the fewer, tracks or detections; what may not be paired costs as much
/// as being left alone.
#[derive(Debug, Default)]
struct Solver {
    tracks: Vec<usize>,
    detections: Vec<usize>,
    /// Where each track and each detection stands in these lists.
    place_of_track: Vec<usize>,
    place_of_detection: Vec<usize>,
    /// Row by row; `1 - affinity`, or 1.
    costs: Vec<f32>,
    row_potential: Vec<f32>,
    column_potential: Vec<f32>,
    /// Per column the row that has it, counted from 1; 0: nobody. Column 0 holds the row that looks for one.
    row_of_column: Vec<usize>,
    came_from: Vec<usize>,
    least: Vec<f32>,
    visited: Vec<bool>,
}

const ALONE: f32 = 1.0;

impl Solver {
    fn solve(&mut self, group: &[(usize, Pair)], assigned: &mut Vec<Pair>) {
        collect(&mut self.tracks, &mut self.place_of_track, group.iter().map(|(_, pair)| pair.track));
        collect(&mut self.detections, &mut self.place_of_detection, group.iter().map(|(_, pair)| pair.detection));
        let is_swapped = self.tracks.len() > self.detections.len();
        let (row_count, column_count) = match is_swapped {
            true => (self.detections.len(), self.tracks.len()),
            false => (self.tracks.len(), self.detections.len()),
        };

        reset(&mut self.costs, row_count * column_count, ALONE);
        for (_, pair) in group {
            let (track, detection) = (self.place_of_track[pair.track], self.place_of_detection[pair.detection]);
            let (row, column) = if is_swapped { (detection, track) } else { (track, detection) };
            self.costs[row * column_count + column] = ALONE - pair.affinity;
        }
        self.search(row_count, column_count);

        for column in 1..=column_count {
            let row = self.row_of_column[column];
            if row == 0 {
                continue;
            }
            let cost = self.costs[(row - 1) * column_count + column - 1];
            if cost < ALONE {
                let (row, column) = if is_swapped {
                    (self.detections[row - 1], self.tracks[column - 1])
                } else {
                    (self.tracks[row - 1], self.detections[column - 1])
                };
                let (track, detection) = if is_swapped { (column, row) } else { (row, column) };
                assigned.push(Pair { track, detection, affinity: ALONE - cost });
            }
        }
    }

    /// Gives each row a column, one after the other, moving earlier rows where that is cheaper.
    fn search(&mut self, row_count: usize, column_count: usize) {
        reset(&mut self.row_potential, row_count + 1, 0.0);
        reset(&mut self.column_potential, column_count + 1, 0.0);
        reset(&mut self.row_of_column, column_count + 1, 0);
        reset(&mut self.came_from, column_count + 1, 0);
        for row in 1..=row_count {
            self.row_of_column[0] = row;
            reset(&mut self.least, column_count + 1, f32::INFINITY);
            reset(&mut self.visited, column_count + 1, false);
            let mut column = 0;
            loop {
                self.visited[column] = true;
                let nearest = self.relax(column, column_count);
                column = nearest;
                if self.row_of_column[column] == 0 {
                    break;
                }
            }
            // Back along the way that was found: each column goes to the row before it.
            while column != 0 {
                let before = self.came_from[column];
                self.row_of_column[column] = self.row_of_column[before];
                column = before;
            }
        }
    }

    /// One step of Dijkstra's search from the row that has `column`; returns the nearest column not visited yet.
    fn relax(&mut self, column: usize, column_count: usize) -> usize {
        let row = self.row_of_column[column];
        let (mut nearest, mut step) = (0, f32::INFINITY);
        for other in 1..=column_count {
            if self.visited[other] {
                continue;
            }
            let cost = self.costs[(row - 1) * column_count + other - 1];
            let reduced = cost - self.row_potential[row] - self.column_potential[other];
            if reduced < self.least[other] {
                self.least[other] = reduced;
                self.came_from[other] = column;
            }
            if self.least[other] < step {
                step = self.least[other];
                nearest = other;
            }
        }
        for other in 0..=column_count {
            if self.visited[other] {
                self.row_potential[self.row_of_column[other]] += step;
                self.column_potential[other] -= step;
            } else {
                self.least[other] -= step;
            }
        }
        nearest
    }
}

/// Lists the members, each once and in order, and where each stands in the list.
fn collect(list: &mut Vec<usize>, places: &mut Vec<usize>, members: impl Iterator<Item = usize>) {
    const NOT_LISTED: usize = usize::MAX;
    list.clear();
    places.clear();
    for member in members {
        if places.len() <= member {
            places.resize(member + 1, NOT_LISTED);
        }
        if places[member] == NOT_LISTED {
            places[member] = 0;
            list.push(member);
        }
    }
    list.sort_unstable();
    for (place, member) in list.iter().enumerate() {
        places[*member] = place;
    }
}

fn reset<T: Clone>(values: &mut Vec<T>, length: usize, value: T) {
    values.clear();
    values.resize(length, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assign(pairs: &[Pair], tracks: usize, detections: usize) -> Vec<Pair> {
        let mut assigned = Vec::new();
        Assigner::default().assign(pairs, tracks, detections, &mut assigned);
        assigned
    }

    fn total(pairs: &[Pair]) -> f32 {
        pairs.iter().map(|pair| pair.affinity).sum()
    }

    /// The greatest total of all choices, by trying each.
    fn best_total(pairs: &[Pair], track: usize, tracks: usize, taken: &mut Vec<usize>) -> f32 {
        if track == tracks {
            return 0.0;
        }
        let mut best = best_total(pairs, track + 1, tracks, taken);
        for pair in pairs.iter().filter(|pair| pair.track == track) {
            if !taken.contains(&pair.detection) {
                taken.push(pair.detection);
                best = best.max(pair.affinity + best_total(pairs, track + 1, tracks, taken));
                taken.pop();
            }
        }
        best
    }

    fn any_pairs() -> impl Strategy<Value = Vec<Pair>> {
        let cell = prop_oneof![2 => Just(None), 3 => (0.01f32..1.0).prop_map(Some)];
        prop::collection::vec(cell, 36).prop_map(|cells| {
            let pair = |(index, affinity): (usize, Option<f32>)| {
                Some(Pair { track: index / 6, detection: index % 6, affinity: affinity? })
            };
            cells.into_iter().enumerate().filter_map(pair).collect()
        })
    }

    #[test]
    fn the_best_pair_is_left_when_both_are_better_off() {
        // Greedy takes 0.9 and leaves the other track with nothing.
        let pairs = [(0, 0, 0.9), (0, 1, 0.8), (1, 0, 0.7)].map(|(track, detection, affinity)| Pair {
            track,
            detection,
            affinity,
        });
        assert_eq!(
            assign(&pairs, 2, 2).iter().map(|pair| (pair.track, pair.detection)).collect::<Vec<_>>(),
            [(1, 0), (0, 1)]
        );
    }

    proptest! {
        #[test]
        fn no_choice_is_better(pairs in any_pairs()) {
            let assigned = assign(&pairs, 6, 6);
            for (index, pair) in assigned.iter().enumerate() {
                prop_assert!(pairs.iter().any(|known| known.track == pair.track && known.detection == pair.detection));
                let is_alone = |other: &Pair| other.track != pair.track && other.detection != pair.detection;
                prop_assert!(assigned[index + 1..].iter().all(is_alone));
            }
            let best = best_total(&pairs, 0, 6, &mut Vec::new());
            prop_assert!((total(&assigned) - best).abs() < 1e-4, "{} is not {best}", total(&assigned));
        }
    }
}
