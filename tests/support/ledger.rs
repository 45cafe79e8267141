//! What was offered, and what of it arrived: the figures of the fault suite.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
};

use serde_json::Value;
use sightline_core::outbox::RecordedEvent;

use super::{
    daemon::Daemon,
    listener::{Listener, Message},
};

/// Counts a scenario's faults.
pub struct Ledger {
    scenario: &'static str,
    injected: usize,
}

/// How events fared.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub offered: usize,
    /// Different events that arrived.
    pub delivered: usize,
    /// Arrivals of what had arrived before.
    pub duplicated: usize,
    /// Offered, and never arrived.
    pub lost: usize,
    /// Arrived for the first time after one that was offered later.
    pub out_of_order: usize,
    /// Arrived, and were never on disk.
    pub unrecorded: usize,
    /// Different events that say that an outage has delayed them.
    pub replayed: usize,
}

impl Ledger {
    pub const fn open(scenario: &'static str) -> Self {
        Self { scenario, injected: 0 }
    }

    pub const fn inject(&mut self) {
        self.injected += 1;
    }

    /// Ends the daemon, and holds what has arrived against what it had offered: nothing is lost and the order is kept.
    pub async fn close(self, daemon: &mut Daemon, listener: &Listener) -> Figures {
        self.close_after(Vec::new(), daemon, listener).await
    }

    /// The same when an earlier listener has heard the beginning.
    pub async fn close_after(self, arrived: Vec<Message>, daemon: &mut Daemon, listener: &Listener) -> Figures {
        let (status, _) = daemon.terminate().await;
        assert!(status.success(), "{status}");
        self.close_ended(arrived, daemon, listener).await
    }

    /// The same when the daemon has ended already.
    pub async fn close_ended(self, mut arrived: Vec<Message>, daemon: &Daemon, listener: &Listener) -> Figures {
        let offered = daemon.recorded();
        listener.wait_for_last_of(&offered).await;
        arrived.extend(listener.all());
        self.tell(compare(&offered, &arrived))
    }

    /// Writes the figures for `make test` to sum up.
    fn tell(self, figures: Figures) -> Figures {
        let Figures { offered, delivered, duplicated, lost, out_of_order, .. } = figures;
        let line = format!(
            "{} injected={} offered={offered} delivered={delivered} duplicated={duplicated} lost={lost} \
             out_of_order={out_of_order}\n",
            self.scenario, self.injected
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
        std::fs::create_dir_all(&folder).expect("a folder for figures");
        std::fs::write(folder.join(self.scenario), &line).expect("the figures");
        // Past libtest's capture, which hides what a passing test prints.
        let _ = write!(std::io::stderr(), "FAULTS {line}");
        assert!(figures.offered > 0, "nothing was offered: nothing was tested");
        assert_eq!((figures.lost, figures.out_of_order, figures.unrecorded), (0, 0, 0), "{figures:?}");
        figures
    }
}

fn compare(offered: &[RecordedEvent], arrived: &[Message]) -> Figures {
    let ids = offered.iter().map(|event| {
        let payload: Value = serde_json::from_str(&event.payload).expect("a stored event is JSON");
        (id(&payload), event.key)
    });
    let keys: BTreeMap<String, u64> = ids.collect();
    let mut figures = Figures { offered: offered.len(), ..Figures::default() };
    let (mut seen, mut newest) = (BTreeSet::new(), 0);
    for event in arrived.iter().filter(|message| message.topic.ends_with("/events")).map(Message::json) {
        let id = id(&event);
        let key = keys.get(&id).copied();
        if !seen.insert(id) {
            figures.duplicated += 1;
            continue;
        }
        figures.replayed += usize::from(event["replayed"] == true);
        match key {
            None => figures.unrecorded += 1,
            Some(key) if key < newest => figures.out_of_order += 1,
            Some(key) => newest = key,
        }
    }
    figures.delivered = seen.len();
    figures.lost = keys.keys().filter(|id| !seen.contains(*id)).count();
    figures
}

fn id(event: &Value) -> String {
    event["id"].as_str().expect("an event has an id").to_string()
}

#[test]
fn what_is_wrong_is_counted() {
    let event = |key: u64| RecordedEvent { key, is_delivered: true, payload: format!("{{\"id\": \"{key}\"}}") };
    let offered: Vec<_> = (1..=5).map(event).collect();
    let arrival = |id: &str| Message {
        topic: "test/box/yard/events".into(),
        payload: format!("{{\"id\": \"{id}\", \"replayed\": {}}}", id == "4").into(),
        at: std::time::Instant::now(),
    };
    let arrived: Vec<_> = ["1", "2", "1", "4", "3", "6"].map(arrival).into();
    let expected =
        Figures { offered: 5, delivered: 5, duplicated: 1, lost: 1, out_of_order: 1, unrecorded: 1, replayed: 1 };
    assert_eq!(compare(&offered, &arrived), expected);
}
