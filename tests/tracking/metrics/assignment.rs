//! Who belongs to whom, so that the sum of the scores is the greatest.

/// For each row its column in an assignment of the greatest sum; each column at most once, and as many pairs as fit.
///
/// `score` is by row, then by column; all rows are of one length. Source: Kuhn, "The Hungarian method for the assignment
/// problem", 1955, as shortest augmenting paths with potentials (Jonker and Volgenant, 1987), O(rows² · columns).
pub fn best(score: &[Vec<f64>]) -> Vec<Option<usize>> {
    let rows = score.len();
    let columns = score.first().map_or(0, Vec::len);
    if rows <= columns {
        return shortest_paths(rows, columns, |row, column| -score[row][column]).into_iter().map(Some).collect();
    }
    let row_of_column = shortest_paths(columns, rows, |column, row| -score[row][column]);
    let mut column_of_row = vec![None; rows];
    for (column, row) in row_of_column.into_iter().enumerate() {
        column_of_row[row] = Some(column);
    }
    column_of_row
}

/// For each row its column in the cheapest assignment; there are at least as many columns as rows.
fn shortest_paths(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // The last column is no real one: it holds the row that is looking for a column.
    let waiting = columns;
    let mut row_of_column: Vec<Option<usize>> = vec![None; columns + 1];
    let mut row_potential = vec![0.0; rows];
    let mut column_potential = vec![0.0; columns + 1];
    for new_row in 0..rows {
        row_of_column[waiting] = Some(new_row);
        let mut distance = vec![f64::INFINITY; columns];
        let mut reached_from = vec![waiting; columns];
        let mut is_settled = vec![false; columns + 1];
        let mut at = waiting;
        while let Some(row) = row_of_column[at] {
            is_settled[at] = true;
            let mut nearest = (f64::INFINITY, waiting);
            for column in (0..columns).filter(|&column| !is_settled[column]) {
                let reduced = cost(row, column) - row_potential[row] - column_potential[column];
                if reduced < distance[column] {
                    distance[column] = reduced;
                    reached_from[column] = at;
                }
                if distance[column] < nearest.0 {
                    nearest = (distance[column], column);
                }
            }
            let (step, next) = nearest;
            for column in 0..=columns {
                if !is_settled[column] {
                    if column < columns {
                        distance[column] -= step;
                    }
                    continue;
                }
                if let Some(settled_row) = row_of_column[column] {
                    row_potential[settled_row] += step;
                }
                column_potential[column] -= step;
            }
            at = next;
        }
        // Each column on the way takes the row of the one before it.
        while at != waiting {
            let before = reached_from[at];
            row_of_column[at] = row_of_column[before];
            at = before;
        }
    }
    let mut column_of_row = vec![0; rows];
    for (column, row) in row_of_column.into_iter().take(columns).enumerate() {
        if let Some(row) = row {
            column_of_row[row] = column;
        }
    }
    column_of_row
}

#[cfg(test)]
mod tests {
    use super::best;

    /// The greatest sum by trying everything.
    fn greatest(score: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == score.len() {
            return 0.0;
        }
        let columns = score[0].len();
        let must_skip = score.len() - row > columns - taken.len();
        let mut most = if must_skip { greatest(score, row + 1, taken) } else { f64::NEG_INFINITY };
        for column in 0..columns {
            if taken.contains(&column) {
                continue;
            }
            taken.push(column);
            most = most.max(score[row][column] + greatest(score, row + 1, taken));
            taken.pop();
        }
        most
    }

    #[test]
    fn no_other_assignment_is_better() {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..600 {
            let (rows, columns) = (random.usize(1..6), random.usize(1..6));
            // Whole numbers in every second round: many assignments are equally good.
            let mut value = || if round % 2 == 0 { f64::from(random.i32(-3..4)) } else { random.f64() };
            let score: Vec<Vec<f64>> = (0..rows).map(|_| (0..columns).map(|_| value()).collect()).collect();
            let assignment = best(&score);
            let mut columns_taken: Vec<usize> = assignment.iter().flatten().copied().collect();
            assert_eq!(columns_taken.len(), rows.min(columns));
            columns_taken.sort_unstable();
            columns_taken.dedup();
            assert_eq!(columns_taken.len(), rows.min(columns), "no column twice");
            let pairs = assignment.iter().enumerate();
            let sum: f64 = pairs.filter_map(|(row, column)| Some(score[row][(*column)?])).sum();
            let expected = greatest(&score, 0, &mut Vec::new());
            assert!((sum - expected).abs() < 1e-9, "{sum} instead of {expected} of {score:?}");
        }
    }

    #[test]
    fn nothing_is_assigned_to_nothing() {
        assert!(best(&[]).is_empty());
        assert_eq!(best(&[vec![], vec![]]), [None, None]);
    }
}
