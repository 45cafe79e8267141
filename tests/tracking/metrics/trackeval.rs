//! Our numbers are TrackEval's: `trackeval.json` is random sequences with what the real TrackEval says of them, made by
//! `make_trackeval.py`.

use serde_json::Value;

use super::{Frame, Rectangle, Score, Sighting};

fn sightings(rows: &Value) -> Vec<Sighting> {
    let row = |row: &Value| {
        let side = |index: usize| row[index].as_f64().expect("a number");
        let rectangle: Rectangle = [side(1), side(2), side(3), side(4)];
        Sighting { id: row[0].as_u64().expect("an id"), rectangle }
    };
    rows.as_array().expect("a list").iter().map(row).collect()
}

fn frames(sequence: &Value) -> Vec<Frame> {
    let frames = sequence["frames"].as_array().expect("a list").iter();
    frames.map(|frame| Frame { truth: sightings(&frame[0]), tracks: sightings(&frame[1]) }).collect()
}

fn assert_equal(score: &Score, expected: &Value, name: &str) {
    let count = |value: usize| f64::from(u32::try_from(value).expect("a count"));
    let Score { clear, identity, hota } = score;
    for (key, ours) in [
        ("MOTA", clear.mota()),
        ("MOTP", clear.motp()),
        ("IDSW", count(clear.switches)),
        ("CLR_TP", count(clear.true_positives)),
        ("CLR_FN", count(clear.false_negatives)),
        ("CLR_FP", count(clear.false_positives)),
        ("IDF1", identity.idf1()),
        ("IDP", identity.precision()),
        ("IDR", identity.recall()),
        ("HOTA", hota.hota()),
        ("DetA", hota.deta()),
        ("AssA", hota.assa()),
    ] {
        let theirs = expected[key].as_f64().expect("a number");
        assert!((ours - theirs).abs() < 1e-6, "{name}: {key} is {ours}, TrackEval's is {theirs}");
    }
}

#[test]
fn our_numbers_are_trackevals() {
    let reference: Value = serde_json::from_str(include_str!("trackeval.json")).expect("JSON");
    let mut total = Score::default();
    let sequences = reference["sequences"].as_array().expect("a list");
    assert_eq!(sequences.len(), 20);
    for (number, sequence) in sequences.iter().enumerate() {
        let score = Score::of(&frames(sequence));
        assert_equal(&score, &sequence["expected"], &format!("sequence {number}"));
        total += &score;
    }
    assert_equal(&total, &reference["combined"], "all sequences");
}
