use std::{collections::BTreeSet, time::Instant};

use proptest::prelude::*;

use super::*;
use crate::archive::tests::event;

const BYTES: u64 = 100;
const NOW: WallTime = WallTime::from_micros(1_700_000_000_000_000);

fn entry(key: EventKey) -> Entry {
    let unwritten = Some(Unwritten { json: "{}".into(), since: Instant::now() });
    Entry { key, event: event(u128::from(key), 0), bytes: BYTES, offered: NOW, unwritten }
}

/// A backlog with room for three ready events, five unwritten ones, and `max_events` in all.
fn backlog(max_events: u64) -> Backlog {
    let settings = StoreSettings { window: 3, unwritten_events: 5, ..StoreSettings::default() };
    Backlog::new(OutboxPlan { max_bytes: max_events * BYTES, ..OutboxPlan::default() }, settings, false)
}

/// A backlog beside a disk that is a set of keys.
struct Model {
    backlog: Backlog,
    on_disk: BTreeSet<EventKey>,
    next_key: EventKey,
    handed: Vec<EventKey>,
    last_taken: EventKey,
}

#[derive(Clone, Debug)]
enum Step {
    Push,
    Take,
    Acknowledge(prop::sample::Index),
    /// The writer writes so many events of each batch; while it does, the steps happen.
    Write(usize, Vec<Step>),
    /// The disk is full.
    Fail,
    Refill,
    LoseDatabase,
}

fn any_step() -> impl Strategy<Value = Step> {
    let simple = prop_oneof![
        4 => Just(Step::Push),
        3 => Just(Step::Take),
        2 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
    ];
    let during = prop::collection::vec(simple.clone(), 0..4);
    prop_oneof![
        6 => simple,
        3 => (1usize..6, during).prop_map(|(limit, during)| Step::Write(limit, during)),
        1 => Just(Step::Fail),
        2 => Just(Step::Refill),
        1 => prop::sample::select(vec![Step::Refill, Step::Refill, Step::LoseDatabase]),
    ]
}

impl Model {
    fn new(max_events: u64) -> Self {
        let backlog = backlog(max_events);
        Self { backlog, on_disk: BTreeSet::new(), next_key: 1, handed: Vec::new(), last_taken: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Push => {
                assert!(self.backlog.push(entry(self.next_key)));
                self.backlog.enforce(NOW);
                self.next_key += 1;
            }
            Step::Take => {
                if let Some((key, event)) = self.backlog.take() {
                    assert!(key > self.last_taken, "{key} after {}", self.last_taken);
                    assert_eq!(event.id.random_part(), u128::from(key));
                    self.last_taken = key;
                    self.handed.push(key);
                }
            }
            Step::Acknowledge(index) => {
                if !self.handed.is_empty() {
                    let key = self.handed.remove(index.index(self.handed.len()));
                    self.backlog.acknowledge(key);
                }
            }
            Step::Write(limit, during) => {
                let batch = self.backlog.gather(*limit);
                during.iter().for_each(|step| self.step(step));
                for entry in &batch.inserts {
                    assert!(self.on_disk.insert(entry.key), "{} is written twice", entry.key);
                }
                for change in &batch.changes {
                    assert!(self.on_disk.remove(&change.key), "{} is not on disk", change.key);
                }
                self.backlog.written(|_| {});
            }
            Step::Fail => {
                let batch = self.backlog.gather(3);
                self.backlog.not_written(batch);
                self.backlog.failing();
            }
            Step::Refill => {
                let Some((after, limit)) = self.backlog.wants() else { return };
                let written = |&key: &EventKey| Entry { unwritten: None, ..entry(key) };
                let entries: Vec<Entry> = self.on_disk.range(after + 1..).take(limit).map(written).collect();
                let is_all = entries.len() < limit;
                self.backlog.refill(Waiting { entries, is_all, unreadable: Vec::new() });
                self.backlog.enforce(NOW);
            }
            Step::LoseDatabase => {
                self.on_disk.clear();
                self.backlog.lost_database();
            }
        }
        self.check();
    }

    fn check(&self) {
        let figures = self.backlog.figures();
        assert_eq!(figures.offered, figures.acknowledged + figures.displaced() + figures.waiting, "{figures:?}");
        assert_eq!(figures.waiting * BYTES, figures.waiting_bytes);
        assert!(self.backlog.ready.len() <= 3 && self.backlog.unwritten.events <= self.backlog.in_memory.events);
        assert!(self.backlog.ready.iter().all(Entry::is_written) && !self.backlog.queue.iter().any(Entry::is_written));
    }

    /// Everything that waits is handed out, or was before.
    fn drain(&mut self) {
        for _ in 0..200 {
            for step in [Step::Write(100, Vec::new()), Step::Refill, Step::Take, Step::Take] {
                self.step(&step);
            }
        }
        let figures = self.backlog.figures();
        assert_eq!(figures.waiting, self.backlog.handed.len() as u64, "{:?}", self.backlog);
        let handed: BTreeSet<EventKey> = self.backlog.handed.keys().copied().collect();
        assert_eq!(handed, self.on_disk);
        assert_eq!(figures.acknowledged + figures.displaced() + handed.len() as u64, self.next_key - 1);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_twice_or_out_of_order_whatever_happens(
        steps in prop::collection::vec(any_step(), 0..120), max_events in 4u64..40,
    ) {
        let mut model = Model::new(max_events);
        steps.iter().for_each(|step| model.step(step));
        model.drain();
    }
}

fn written(backlog: &mut Backlog) {
    backlog.gather(100);
    backlog.written(|_| {});
}

fn taken(backlog: &mut Backlog) -> Vec<EventKey> {
    std::iter::from_fn(|| backlog.take()).map(|(key, _)| key).collect()
}

#[test]
fn an_event_is_handed_out_when_it_is_written_and_not_before() {
    let mut backlog = backlog(100);
    backlog.push(entry(1));
    assert!(backlog.take().is_none() && !backlog.take_news());
    let mut times = 0;
    assert_eq!(backlog.gather(100).inserts.len(), 1);
    backlog.push(entry(2));
    backlog.written(|_| times += 1);
    assert!(backlog.take_news() && !backlog.take_news());
    assert_eq!((taken(&mut backlog), times), (vec![1], 1));
}

#[test]
fn while_the_disk_is_full_events_are_handed_out_all_the_same() {
    let mut backlog = backlog(100);
    (1..=5).for_each(|key| assert!(backlog.push(entry(key))));
    written(&mut backlog);
    (6..=7).for_each(|key| assert!(backlog.push(entry(key))));
    backlog.failing();
    assert_eq!(taken(&mut backlog), [1, 2, 3], "4 and 5 are on disk and come first");
    let is_on_disk = |key| Entry { unwritten: None, ..entry(key) };
    backlog.refill(Waiting { entries: vec![is_on_disk(4), is_on_disk(5)], is_all: true, unreadable: Vec::new() });
    assert_eq!(taken(&mut backlog), [4, 5, 6, 7]);
    assert!(!backlog.figures().is_on_disk);
    // Acknowledged before it was ever written: the disk need not know.
    assert!(!backlog.acknowledge(6) && backlog.acknowledge(1));
    let batch = backlog.gather(100);
    assert_eq!(batch.inserts.iter().map(|entry| entry.key).collect::<Vec<_>>(), [7]);
    assert_eq!(batch.changes, [Change { key: 1, bytes: BYTES, fate: Fate::Delivered }]);
}

#[test]
fn what_a_broken_disk_does_not_give_is_not_waited_for() {
    let mut backlog = backlog(100);
    (1..=5).for_each(|key| assert!(backlog.push(entry(key))));
    written(&mut backlog);
    assert!(backlog.push(entry(6)));
    backlog.failing();
    backlog.cannot_read();
    assert_eq!(taken(&mut backlog), [1, 2, 3, 6]);
    backlog.working();
    assert_eq!(backlog.wants(), Some((3, 3)));
}

#[test]
fn the_newest_event_stays_however_large() {
    let mut backlog = backlog(3);
    let mut large = entry(1);
    large.bytes = 10 * BYTES;
    backlog.push(large);
    assert_eq!((backlog.enforce(NOW), backlog.figures().waiting), (0, 1));
    backlog.push(entry(2));
    assert_eq!((backlog.enforce(NOW), backlog.figures().waiting), (1, 1));
    written(&mut backlog);
    assert_eq!(taken(&mut backlog), [2]);
}

#[test]
fn age_forces_out_what_was_handed_out_as_well() {
    let mut backlog = backlog(100);
    (1..=3).for_each(|key| assert!(backlog.push(entry(key))));
    written(&mut backlog);
    assert!(backlog.take().is_some());
    let later = WallTime::from_micros(NOW.as_micros() + 8 * 86_400_000_000);
    assert_eq!(backlog.enforce(later), 3);
    assert!(!backlog.acknowledge(1));
    let fates: Vec<_> = backlog.gather(9).changes.iter().map(|change| (change.key, change.fate)).collect();
    assert_eq!(fates, [1, 2, 3].map(|key| (key, Fate::Displaced)));
}

#[test]
fn memory_has_a_bound_while_the_disk_takes_nothing() {
    let mut backlog = backlog(100);
    backlog.failing();
    for key in 1..=20 {
        backlog.push(entry(key));
        backlog.enforce(NOW);
    }
    assert_eq!((backlog.figures().displaced_memory, backlog.figures().waiting), (15, 5));
    assert_eq!(taken(&mut backlog), [16, 17, 18, 19, 20]);
    backlog.push(entry(21));
    assert_eq!((backlog.enforce(NOW), backlog.figures().waiting), (1, 5));
}

#[test]
fn an_event_in_memory_is_as_small_as_the_crates_documentation_says() {
    // By itself; its texts, and its payload while it is unwritten, come on top.
    assert!(size_of::<Entry>() <= 350, "{}", size_of::<Entry>());
}
