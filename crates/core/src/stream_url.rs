//! Addresses of cameras, which hold secrets.

use crate::secret::Secret;

/// A stream's address, which may hold secrets also outside of `user:password@`: some cameras want them in the path.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamUrl {
    full: Secret,
    shown: String,
}

impl StreamUrl {
    /// `full` is for the connection alone. `shown` is the same with every value from outside the file hidden already;
    /// of it only what comes before the first `?`, `&` or `=` is ever shown, as in `rtsp://10.0.0.9/user…`.
    #[must_use]
    pub fn new(full: String, shown: &str) -> Self {
        let shown = match shown.find(['?', '&', '=']) {
            Some(end) => format!("{}…", &shown[..end]),
            None => shown.to_string(),
        };
        Self { full: Secret::new(full), shown }
    }

    /// The address, for the connection and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.full.reveal()
    }

    /// What of it is not shown, and must be in no message: all of it at once, and each part that somebody may quote by
    /// itself: of a query each `name=value`, and values and folders that are long enough not to be ordinary words.
    #[must_use]
    pub fn hidden(&self) -> Vec<&str> {
        const SHORTEST_WORD: usize = 8;
        let full = self.full.reveal();
        let same = full.bytes().zip(self.shown.bytes()).take_while(|(one, other)| one == other).count();
        // The two begin with the same characters, but may part in the middle of one.
        let start = (0..=same).rev().find(|start| full.is_char_boundary(*start)).unwrap_or(0);
        let whole = &full[start..];
        let pairs = whole.split(['?', '&', ';', '/']);
        let words = pairs.clone().filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
        let is_telling = |part: &&str| part.contains('=') || part.len() >= SHORTEST_WORD;
        let mut hidden: Vec<&str> = pairs.chain(words).filter(is_telling).chain([whole]).collect();
        hidden.retain(|part| !part.is_empty());
        // The longest first: a part that was hidden first would leave the rest of what it is a part of.
        hidden.sort_by_key(|part| std::cmp::Reverse(part.len()));
        hidden.dedup();
        hidden
    }
}

impl From<&str> for StreamUrl {
    fn from(url: &str) -> Self {
        Self::new(url.to_string(), url)
    }
}

impl std::fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_hidden_as_a_whole_and_in_parts() {
        let hidden = |full: &str, shown: &str| {
            let url = StreamUrl::new(full.into(), shown);
            url.hidden().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let query = "rtsp://h/a?token=sesame77&channel=1";
        assert_eq!(hidden(query, query), ["?token=sesame77&channel=1", "token=sesame77", "channel=1", "sesame77"]);
        assert_eq!(hidden("rtsp://h/sesame/é", "rtsp://h/***/é"), ["sesame/é"]);
        assert_eq!(hidden("rtsp://h/open-sesame/é", "rtsp://h/***/é"), ["open-sesame/é", "open-sesame"]);
        assert!(hidden("rtsp://h/a", "rtsp://h/a").is_empty());
    }
}
