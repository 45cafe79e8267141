//! kill -9 at random moments, in the middle of writing.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use sightline_core::outbox::{EventQuery, History};

use crate::support::{child, event, next, open, outbox};

/// Processes that are killed.
const ROUNDS: u64 = 50;

/// What the processes have said before they were killed.
#[derive(Default)]
struct Said {
    /// Numbers of events by key: handed out, and so safe.
    taken: BTreeMap<u64, u64>,
    /// Keys of those whose delivery was acknowledged.
    acknowledged: HashSet<u64>,
}

#[test]
fn nothing_that_was_handed_out_is_lost_and_order_is_kept() {
    let state = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for round in 0..ROUNDS {
        let mut process = child::start("killed::child_that_is_killed", state.path(), &[]);
        // From the first words on to a few hundred transactions: the line is the moment.
        for _ in 0..spread(round) % 1500 {
            let Some(line) = process.next("") else { break };
            listen(&line, &mut said);
        }
        process.process.kill().unwrap();
        // What it had said before it died counts as well.
        while let Some(line) = process.next("") {
            listen(&line, &mut said);
        }
    }
    assert!(said.taken.len() > 1000, "the processes have hardly worked: {} events", said.taken.len());
    check(state.path(), &said);
}

/// A spread of numbers that is the same in each run.
fn spread(round: u64) -> u64 {
    (round + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

fn listen(line: &str, said: &mut Said) {
    let words: Vec<&str> = line.split(' ').collect();
    match *words.as_slice() {
        // The last line may be cut.
        ["taken", key, seq, "."] => {
            let (key, seq) = (key.parse().unwrap(), seq.parse().unwrap());
            let before = said.taken.insert(key, seq);
            assert!(before.is_none_or(|before| before == seq), "key {key} is used twice: {before:?} and {seq}");
            assert!(!said.acknowledged.contains(&key) || before.is_some(), "acknowledged before it was handed out");
        }
        ["acknowledged", key, "."] => {
            said.acknowledged.insert(key.parse().unwrap());
        }
        _ => {}
    }
}

fn check(state_dir: &Path, said: &Said) {
    // Numbers rise by process and within it, so by key they rise as well.
    let seqs: Vec<u64> = said.taken.values().copied().collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "order was not kept");

    let store = open(state_dir);
    let outbox = outbox(&store);
    let query = EventQuery { limit: 1_000_000, ..EventQuery::default() };
    let history: BTreeMap<u64, String> =
        store.events(&query).unwrap().into_iter().map(|event| (event.key, event.payload)).collect();
    for (key, seq) in &said.taken {
        let payload = history.get(key).unwrap_or_else(|| panic!("event {seq} is lost"));
        assert_eq!(*payload, serde_json::to_string(&event(*seq)).unwrap());
    }
    let waiting = outbox.figures().waiting;
    let mut before = 0;
    let mut handed_out = HashSet::new();
    for _ in 0..waiting {
        let (key, _) = next(&*outbox);
        assert!(key > before, "order was not kept");
        before = key;
        handed_out.insert(key);
    }
    let is_missing = |key: &&u64| !handed_out.contains(key) && !said.acknowledged.contains(key);
    let missing: Vec<_> = said.taken.keys().filter(is_missing).collect();
    assert!(missing.is_empty(), "neither delivered nor waiting: {missing:?}");
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_is_killed() {
    use std::io::Write;

    let Some(state_dir) = child::state_dir() else { return };
    let store = open(&state_dir);
    let outbox = outbox(&store);
    // Numbers that no process before has used, and that rise: the clock's.
    let first = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
    println!();
    for seq in first.. {
        outbox.push(event(seq));
        let Some((key, event)) = outbox.take() else { continue };
        // In one write: a line is not torn by what the other threads say.
        writeln!(std::io::stdout(), "taken {key} {} .", event.seq).unwrap();
        if key % 3 > 0 {
            // The word before the deed: what is killed in between was acknowledged in vain, which loses nothing.
            writeln!(std::io::stdout(), "acknowledged {key} .").unwrap();
            outbox.acknowledge(key);
        }
    }
}
