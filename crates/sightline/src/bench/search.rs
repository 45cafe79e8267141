//! The largest number of cameras that is held: doubled until it is too many, then bisected.

/// More are not looked for.
pub const MOST: usize = 512;

/// The largest number that `holds`, beginning with `start`, and the least that does not. What does not hold is asked once
/// more before it is believed: something else may have been busy.
///
/// # Errors
/// Those of `holds`.
pub fn largest<E>(start: usize, mut holds: impl FnMut(usize) -> Result<bool, E>) -> Result<(usize, Option<usize>), E> {
    let mut holds = |number: usize| -> Result<bool, E> { Ok(holds(number)? || holds(number)?) };
    let (mut held, mut failed) = (0, None);
    let mut next = start.clamp(1, MOST);
    loop {
        if holds(next)? {
            held = next;
        } else {
            failed = Some(next);
        }
        next = match failed {
            None if held >= MOST => return Ok((held, None)),
            None => (held * 2).min(MOST),
            Some(failed) if failed - held <= 1 => return Ok((held, Some(failed))),
            Some(failed) => held + (failed - held) / 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(start: usize, limit: usize) -> ((usize, Option<usize>), usize) {
        let mut asked = 0;
        let found: Result<_, ()> = largest(start, |number| {
            asked += 1;
            Ok(number <= limit)
        });
        (found.unwrap(), asked)
    }

    #[test]
    fn the_limit_is_found_from_above_and_from_below() {
        for (start, limit) in [(1, 0), (1, 1), (2, 13), (2, 16), (16, 3), (4, 0), (2, 511)] {
            assert_eq!(search(start, limit).0, (limit, Some(limit + 1)), "start {start}");
        }
        assert_eq!(search(2, 10_000).0, (MOST, None));
    }

    #[test]
    fn it_takes_few_tries() {
        assert!(search(2, 13).1 <= 12);
    }

    #[test]
    fn one_bad_moment_is_forgiven() {
        let mut disturbed = false;
        let found: Result<_, ()> = largest(1, |number| {
            let bad = number == 4 && !std::mem::replace(&mut disturbed, true);
            Ok(number <= 5 && !bad)
        });
        assert_eq!(found, Ok((5, Some(6))));
    }
}
