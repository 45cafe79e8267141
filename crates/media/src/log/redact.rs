//! Credentials, recognised by where they stand and not by what they are.

use std::{borrow::Cow, ops::Range};

/// What stands in the place of a credential.
const HIDDEN: &str = "***";

/// Keys whose values GStreamer's elements take for user and password, and names that cameras have for them in addresses.
/// As endings: `proxy_password=` is one, too.
const KEYS: [&str; 8] = ["user-pw", "user-id", "proxy-pw", "proxy-id", "password", "passwd", "passwort", "pwd"];

/// `text` with `***` in the place of every credential that shows itself by its form:
/// - `user:password@` in an address, `rtsp://viewer:secret@10.0.0.9/stream`;
/// - what follows `Authorization:` and `Proxy-Authorization:`, to the end of the line, also as rtspsrc prints headers,
///   `key: 'Authorization', value: 'Basic …'`;
/// - values of [`KEYS`] in structures and addresses: `user-pw=(string)"…"`, `password=…&`.
///
/// Text without any of these is returned as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(mut credential) = next_credential(text, 0) else { return Cow::Borrowed(text) };
    let mut clean = String::with_capacity(text.len());
    let mut copied = 0;
    loop {
        clean.push_str(text.get(copied..credential.start).unwrap_or_default());
        clean.push_str(HIDDEN);
        copied = credential.end;
        match next_credential(text, copied) {
            Some(next) => credential = next,
            None => break,
        }
    }
    clean.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(clean)
}

/// The first credential at `from` or behind it. Never empty, and never what is hidden already.
fn next_credential(text: &str, from: usize) -> Option<Range<usize>> {
    let found = [user_info(text, from), header(text, from), property(text, from)];
    found.into_iter().flatten().min_by_key(|range| range.start)
}

fn is_credential(text: &str, range: &Range<usize>) -> bool {
    text.get(range.clone()).is_some_and(|credential| !credential.is_empty() && credential != HIDDEN)
}

/// `user:password` between `://` and `@` (RFC 3986, 3.2.1).
///
/// A password that nobody has percent-encoded may hold `/` and `@` itself. So with a user in sight all up to the last `@`
/// is taken: a path with an `@` of its own is hidden too, then.
fn user_info(text: &str, from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let start = from + text.get(from..)?.find("://")? + 3;
        let address = text.get(start..)?;
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '<' | '>');
        let address = &address[..address.find(ends).unwrap_or(address.len())];
        let address = &address[..address.find("://").unwrap_or(address.len())];
        let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
        if let Some(length) = address.rfind('@').filter(|_| has_user(authority)) {
            let range = start..start + length;
            if is_credential(text, &range) {
                return Some(range);
            }
        }
        from = start;
    }
}

/// Whether it is more than `host:port` or `[IPv6 address]:port`.
fn has_user(authority: &str) -> bool {
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|_| !authority.starts_with('['));
    authority.contains('@') || port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What an `Authorization` header says, to the end of the line.
fn header(text: &str, from: usize) -> Option<Range<usize>> {
    const NAME: &str = "authorization";
    let mut from = from;
    loop {
        let behind_name = find_ignoring_case(text, NAME, from)? + NAME.len();
        let line = text.get(behind_name..)?;
        let line = &line[..line.find(['\r', '\n']).unwrap_or(line.len())];
        let value = line.trim_start_matches(['\'', '"', '\\', ' ']);
        let value = value.strip_prefix([':', '=']).or_else(|| value.strip_prefix(", value:")).map(after_type);
        if let Some(value) = value {
            let end = behind_name + line.len();
            // A closing quote stays where it is, if only to find what is hidden already.
            let quoted = value.trim_start_matches(['\'', '"', '\\']);
            let start = end - quoted.len();
            let end = start + quoted.trim_end_matches(['\'', '"', '\\']).len();
            if is_credential(text, &(start..end)) {
                return Some(start..end);
            }
        }
        from = behind_name;
    }
}

/// The value of one of [`KEYS`].
fn property(text: &str, from: usize) -> Option<Range<usize>> {
    KEYS.iter().filter_map(|key| value_of(key, text, from)).min_by_key(|range| range.start)
}

fn value_of(key: &str, text: &str, from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let behind_key = find_ignoring_case(text, key, from)? + key.len();
        from = behind_key;
        // In a structure inside a structure all but letters have a backslash.
        let value = text.get(behind_key..)?.trim_start_matches([' ', '\\']);
        let Some(value) = value.strip_prefix('=').map(after_type) else {
            continue;
        };
        let start = text.len() - value.len();
        let range = match opening_quote(value) {
            Some(quote) => {
                let start = start + quote.len();
                start..start + quoted_length(value.get(quote.len()..)?, quote)
            }
            // Addresses may hold commas and quotes in a value, so neither ends it.
            None => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '"');
                start..start + value.find(ends).unwrap_or(value.len())
            }
        };
        if is_credential(text, &range) {
            return Some(range);
        }
    }
}

/// Without the type that GStreamer's structures write before a value: `(string)`.
fn after_type(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let typed = value.trim_start_matches('\\').strip_prefix('(').and_then(|rest| rest.split_once(')'));
    match typed {
        Some((name, rest)) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '\\') => {
            rest.trim_start_matches(' ')
        }
        _ => value,
    }
}

/// The quote that `value` begins with, with the backslashes that a structure inside a structure puts before it.
fn opening_quote(value: &str) -> Option<&str> {
    let backslashes = value.len() - value.trim_start_matches('\\').len();
    let is_quote = value[backslashes..].starts_with('"');
    if is_quote { value.get(..=backslashes) } else { None }
}

/// Length of what stands before the quote that closes what `quote` opened; all of `text` when none does.
///
/// With n backslashes before the opening quote, each backslash of the content is written as 2(n + 1), and the closing
/// quote has n of its own; a quote of the content has n more than that, and one more.
fn quoted_length(text: &str, quote: &str) -> usize {
    let own = quote.len() - 1;
    let mut backslashes = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' => backslashes += 1,
            b'"' if backslashes % (2 * (own + 1)) == own => return at - own,
            _ => backslashes = 0,
        }
    }
    text.len()
}

/// Where `word`, which is in small ASCII letters, is in `text`, in whatever case.
fn find_ignoring_case(text: &str, word: &str, from: usize) -> Option<usize> {
    let places = text.as_bytes().get(from..)?.windows(word.len());
    // Only ASCII letters are equal to ASCII letters, so the place is one where a character begins.
    places.into_iter().position(|place| place.eq_ignore_ascii_case(word.as_bytes())).map(|at| from + at)
}

#[cfg(test)]
mod tests;
