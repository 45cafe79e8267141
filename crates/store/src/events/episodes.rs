//! Tells that events are forced out: once when it begins, and once, with their number, when it is over.

use sightline_core::{
    outbox::{OutboxFigures, OutboxPlan},
    time::WallTime,
};

use super::{destination::Destination, tables::micros};

/// Of one outbox, by reason.
#[derive(Debug, Default)]
pub struct Episodes {
    size: Episode,
    age: Episode,
    memory: Episode,
}

#[derive(Debug, Default)]
struct Episode {
    /// Forced out, when it was looked at last.
    seen: u64,
    /// Forced out before the episode that is going on.
    before: Option<u64>,
}

/// What is to be told.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Begins,
    Ends { dropped: u64 },
}

impl Episodes {
    /// Looks at how an outbox is doing. An episode is over when half the bound is free again, and not as soon as one more
    /// event fits: an outbox that hovers at its bound is one episode and not thousands.
    pub fn look(&mut self, of: &Destination, figures: &OutboxFigures, plan: &OutboxPlan, now: WallTime) {
        let half_age = now.minus_micros(micros(plan.max_age / 2));
        let is_young = figures.oldest.is_none_or(|oldest| oldest >= half_age);
        let has_room = figures.waiting_bytes <= plan.max_bytes / 2;
        tell(of, "the outbox holds too many bytes", self.size.look(figures.displaced_size, has_room).as_ref());
        tell(of, "events have become too old", self.age.look(figures.displaced_age, is_young).as_ref());
        let memory = "neither the disk nor memory has room for them, or their database is damaged";
        tell(of, memory, self.memory.look(figures.displaced_memory, figures.is_on_disk).as_ref());
    }
}

impl Episode {
    fn look(&mut self, displaced: u64, is_over: bool) -> Option<News> {
        let is_more = displaced > self.seen;
        let seen = std::mem::replace(&mut self.seen, displaced);
        match self.before {
            None if is_more => {
                self.before = Some(seen);
                Some(News::Begins)
            }
            Some(before) if is_over && !is_more => {
                self.before = None;
                Some(News::Ends { dropped: displaced - before })
            }
            _ => None,
        }
    }
}

fn tell(Destination { broker, base_topic }: &Destination, why: &str, news: Option<&News>) {
    match news {
        Some(News::Begins) => tracing::warn!(broker, base_topic, "the oldest events are being dropped: {why}"),
        Some(News::Ends { dropped }) => {
            tracing::warn!(broker, base_topic, dropped, "events are no longer dropped; that many were ({why})");
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_told_when_it_begins_and_when_it_ends() {
        let mut episode = Episode::default();
        let looks = [(0, true), (2, false), (5, false), (5, false), (5, true), (5, true), (6, true), (6, true)];
        let told = looks.map(|(displaced, is_over)| episode.look(displaced, is_over));
        let expected = [
            None,
            Some(News::Begins),
            None,
            None,
            Some(News::Ends { dropped: 5 }),
            None,
            Some(News::Begins),
            Some(News::Ends { dropped: 1 }),
        ];
        assert_eq!(told, expected);
    }
}
