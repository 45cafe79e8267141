//! Addresses with credentials in them, taken apart before references are resolved.
//!
//! A password from `${env:…}` may hold `@ : / # %`. So the address is split as it is written, each reference standing
//! for itself as one character that cannot occur; only then are the parts resolved, literal parts percent-decoded and
//! referenced ones taken as they are (RFC 3986 section 3 for the parts). No message quotes any of it.

use sightline_core::secret::{Credentials, Secret};
use url::Url;

use crate::interpolate::{Part, Reference, ReferenceError, Surroundings, Template};

/// First of the private-use characters that stand for references; 6400 of them.
const FIRST_MARK: u32 = 0xE000;
const LAST_MARK: u32 = 0xF8FF;

/// What is wrong with an address: message and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressError {
    pub message: String,
    pub help: Option<String>,
}

impl AddressError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<ReferenceError> for AddressError {
    fn from(error: ReferenceError) -> Self {
        Self::new(error.message).with_help(error.help)
    }
}

const ENCODE_HELP: &str = "in an address the characters @ : / # ? % of a password are written %40 %3A %2F %23 %3F %25; \
     or use `username:` and `password:`, or ${env:NAME}, which are taken as they are";

/// `scheme://` and what follows, split but not resolved.
pub(crate) struct Address<'a> {
    scheme: String,
    masked: String,
    references: Vec<Reference>,
    surroundings: Surroundings<'a>,
}

/// A resolved network address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkAddress {
    /// Without brackets where it is IPv6.
    pub host: String,
    pub port: Option<u16>,
    /// `10.0.0.21:554`, as in an address.
    pub host_and_port: String,
    /// `/path?query`, or empty. May hold secrets.
    pub path_and_query: String,
    /// The same with `***` for every reference.
    pub path_and_query_shown: String,
    pub credentials: Option<Credentials>,
}

impl<'a> Address<'a> {
    /// Splits off the scheme.
    pub fn parse(text: &str, surroundings: Surroundings<'a>) -> Result<Self, Vec<AddressError>> {
        let one = |error: AddressError| vec![error];
        let template = Template::parse(text).map_err(|error| one(error.into()))?;
        let (mut masked, mut references) = mask(template).map_err(one)?;
        if !masked.contains("://") {
            // The whole address may come out of one reference: `url: ${env:CAMERA_URL}`.
            masked = substitute(&masked, &references, surroundings, false)?;
            references = Vec::new();
        }
        let Some((scheme, rest)) = masked.split_once("://") else {
            return Err(one(AddressError::new("an address needs a scheme, as in rtsp:// or mqtt://")));
        };
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if scheme.is_empty() || !scheme.chars().all(is_scheme) {
            return Err(one(AddressError::new("the scheme, what is before `://`, is not valid")));
        }
        Ok(Self { scheme: scheme.to_lowercase(), masked: rest.to_owned(), references, surroundings })
    }

    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// All after `://`, percent-decoded: for addresses that name a file, a device or a scene.
    pub fn local_part(&self) -> Result<String, Vec<AddressError>> {
        let text = substitute(&self.masked, &self.references, self.surroundings, true)?;
        if text.chars().any(char::is_control) {
            return Err(vec![AddressError::new("the address holds a control character")]);
        }
        Ok(text)
    }

    /// User, password, host, port and path.
    pub fn network(&self) -> Result<NetworkAddress, Vec<AddressError>> {
        let authority_end = self.masked.find(['/', '?', '#']).unwrap_or(self.masked.len());
        let (authority, path) = self.masked.split_at(authority_end);
        if path.contains('@') {
            // Either a password with a bare `/ ? #`, whose end would be taken for a path and shown in logs, or a path
            // with an `@`. The first is far more likely and must not be let through.
            return Err(vec![
                AddressError::new("an `@` after the first `/`, `?` or `#`")
                    .with_help(format!("{ENCODE_HELP}; an @ that belongs to the path is written %40")),
            ]);
        }
        let (userinfo, host) = match authority.rfind('@') {
            Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
            None => (None, authority),
        };
        let credentials = userinfo.map(|userinfo| self.credentials(userinfo));
        let host_and_port = self.resolved(host, false);
        let path_and_query = self.resolved(path, false);

        let mut errors = Vec::new();
        let credentials = keep(credentials.transpose(), &mut errors).flatten();
        let host_and_port = keep(host_and_port, &mut errors);
        let path_and_query = keep(path_and_query, &mut errors);
        let (Some(host_and_port), Some(path_and_query)) = (host_and_port, path_and_query) else {
            return Err(errors);
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let (host, port) = self.host_and_port(&host_and_port, &path_and_query).map_err(|error| vec![error])?;
        let hidden = |c: char| if mark_index(c).is_some() { "***".to_owned() } else { c.to_string() };
        let path_and_query_shown = path.chars().map(hidden).collect();
        Ok(NetworkAddress { host, port, host_and_port, path_and_query, path_and_query_shown, credentials })
    }

    fn resolved(&self, masked: &str, percent_decode: bool) -> Result<String, Vec<AddressError>> {
        substitute(masked, &self.references, self.surroundings, percent_decode)
    }

    fn credentials(&self, userinfo: &str) -> Result<Credentials, Vec<AddressError>> {
        let (username, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let username = self.resolved(username, true)?;
        let password = self.resolved(password, true)?;
        if username.is_empty() {
            return Err(vec![AddressError::new("the user before the `@` is empty").with_help(ENCODE_HELP)]);
        }
        Ok(Credentials { username, password: Secret::new(password) })
    }

    fn host_and_port(&self, host_and_port: &str, path: &str) -> Result<(String, Option<u16>), AddressError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control();
        if path.contains(forbidden) {
            let error = AddressError::new("the address's path holds a blank or a control character");
            return Err(error.with_help("write a blank as %20"));
        }
        if host_and_port.contains(|c: char| forbidden(c) || matches!(c, '@' | '/' | '?' | '#' | '%' | '\\')) {
            return Err(AddressError::new("the host is not valid").with_help(ENCODE_HELP));
        }
        let invalid =
            |why: String| AddressError::new(format!("the address is not valid: {why}")).with_help(ENCODE_HELP);
        // `ParseError` is an enum of fixed texts: it quotes nothing.
        let url =
            Url::parse(&format!("{}://{host_and_port}{path}", self.scheme)).map_err(|e| invalid(e.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("no host".to_owned()))?;
        if url.port() == Some(0) {
            return Err(invalid("port 0".to_owned()));
        }
        Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), url.port()))
    }
}

/// The value of a result, its errors put with the others.
fn keep<T>(result: Result<T, Vec<AddressError>>, errors: &mut Vec<AddressError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            errors.extend(found);
            None
        }
    }
}

/// The text with one private-use character in place of each reference.
fn mask(template: Template) -> Result<(String, Vec<Reference>), AddressError> {
    let mut masked = String::new();
    let mut references = Vec::new();
    for part in template.0 {
        match part {
            Part::Literal(text) => {
                if text.chars().any(|c| mark_index(c).is_some()) {
                    return Err(AddressError::new("the address holds a private-use character"));
                }
                masked.push_str(&text);
            }
            Part::Reference(reference) => {
                let mark = u32::try_from(references.len()).ok().and_then(|index| char::from_u32(FIRST_MARK + index));
                let mark = mark.filter(|mark| mark_index(*mark).is_some());
                masked.push(mark.ok_or_else(|| AddressError::new("too many references in one address"))?);
                references.push(reference);
            }
        }
    }
    Ok((masked, references))
}

fn mark_index(c: char) -> Option<usize> {
    let code = u32::from(c);
    (FIRST_MARK..=LAST_MARK).contains(&code).then(|| (code - FIRST_MARK) as usize)
}

/// Puts the references back, as they are; percent-decodes what was written literally, if wished.
fn substitute(
    masked: &str,
    references: &[Reference],
    surroundings: Surroundings<'_>,
    percent_decode: bool,
) -> Result<String, Vec<AddressError>> {
    let mut text = String::new();
    let mut errors = Vec::new();
    let mut literal = String::new();
    let end_literal = |literal: &mut String, text: &mut String, errors: &mut Vec<AddressError>| {
        let run = std::mem::take(literal);
        match if percent_decode { percent_decoded(&run) } else { Some(run) } {
            Some(decoded) => text.push_str(&decoded),
            None => errors.push(AddressError::new("the percent-encoded characters are not UTF-8")),
        }
    };
    for c in masked.chars() {
        let Some(reference) = mark_index(c).and_then(|index| references.get(index)) else {
            literal.push(c);
            continue;
        };
        end_literal(&mut literal, &mut text, &mut errors);
        match reference.resolve(surroundings) {
            Ok(value) => text.push_str(&value),
            Err(error) => errors.push(error.into()),
        }
    }
    end_literal(&mut literal, &mut text, &mut errors);
    if errors.is_empty() { Ok(text) } else { Err(errors) }
}

/// RFC 3986 section 2.1; a `%` without two hexadecimal digits stays as it is. `None` when the bytes are not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let encoded = (bytes[index] == b'%').then(|| bytes.get(index + 1..index + 3)).flatten();
        match encoded.and_then(hexadecimal_byte) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal_byte(digits: &[u8]) -> Option<u8> {
    let high = char::from(digits[0]).to_digit(16)?;
    let low = char::from(digits[1]).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use proptest::prelude::*;

    use super::*;
    use crate::environment::Environment;

    fn network(text: &str, secret: &str) -> Result<NetworkAddress, Vec<AddressError>> {
        let secret = secret.to_owned();
        let environment = Environment {
            variable: Arc::new(move |name| (name == "SECRET").then(|| secret.clone())),
            ..Environment::empty()
        };
        let surroundings = Surroundings { environment: &environment, folder: Path::new("/") };
        Address::parse(text, surroundings)?.network()
    }

    fn parts(address: &NetworkAddress) -> (&str, &str, &str, Option<u16>, &str) {
        let credentials = address.credentials.as_ref();
        let username = credentials.map_or("", |c| c.username.as_str());
        let password = credentials.map_or("", |c| c.password.reveal());
        (username, password, &address.host, address.port, &address.path_and_query)
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (text, expected) in [
            ("rtsp://10.0.0.21/stream1", ("", "", "10.0.0.21", None, "/stream1")),
            ("rtsp://viewer:pass@cam.local:8554/a?b=c#d", ("viewer", "pass", "cam.local", Some(8554), "/a?b=c#d")),
            ("rtsp://viewer:p%40ss%2F%3A%25@h/", ("viewer", "p@ss/:%", "h", None, "/")),
            ("rtsp://viewer:p@ss@h/", ("viewer", "p@ss", "h", None, "/")),
            ("rtsp://viewer:a:b@h", ("viewer", "a:b", "h", None, "")),
            ("rtsp://viewer:50%zz@h", ("viewer", "50%zz", "h", None, "")),
            ("rtsp://viewer@[fd00::1]:554/x", ("viewer", "", "fd00::1", Some(554), "/x")),
            ("RTSP://h/X", ("", "", "h", None, "/X")),
        ] {
            let address = network(text, "").unwrap();
            assert_eq!(parts(&address), expected, "{text}");
        }
    }

    #[test]
    fn a_whole_address_may_come_from_a_variable() {
        let address = network("${env:SECRET}", "rtsp://viewer:p%40ss@h:1/x").unwrap();
        assert_eq!(parts(&address), ("viewer", "p@ss", "h", Some(1), "/x"));
    }

    #[test]
    fn bad_addresses_are_refused_without_being_quoted() {
        for text in [
            "canary",
            "://canary",
            "rtsp://",
            "rtsp:///canary",
            "rtsp://viewer:can/ary@h/x",
            "rtsp://viewer:can#ary@h/x",
            "rtsp://viewer:can?ary@h/x",
            "rtsp://:canary@h/x",
            "rtsp://h:99999/canary",
            "rtsp://h:0/canary",
            "rtsp://ca nary/x",
            "rtsp://h/ca nary",
            "rtsp://u:%ff@canary/",
            "rtsp://${env:UNSET}@canary/",
            "rtsp://h/\u{E000}canary",
        ] {
            let errors = network(text, "").expect_err(text);
            let told = format!("{errors:?}");
            assert!(!told.contains("canary") && !told.contains("ary@"), "{text}: {told}");
        }
    }

    proptest! {
        #[test]
        fn a_referenced_password_is_taken_as_it_is(password in "[ -~]*|.*") {
            let address = network("rtsp://viewer:${env:SECRET}@10.0.0.21:554/stream1", &password).unwrap();
            prop_assert_eq!(parts(&address), ("viewer", password.as_str(), "10.0.0.21", Some(554), "/stream1"));
        }

        #[test]
        fn a_percent_encoded_password_comes_back(password in ".*") {
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let address = network(&format!("rtsp://viewer:{encoded}@h/x"), "").unwrap();
            prop_assert_eq!(parts(&address).1, password.as_str());
        }

        #[test]
        fn no_text_makes_it_panic(text in "rtsp://[a-z@:/?#%$\\[\\]{}]*|.*") {
            let _ = network(&text, "x");
        }
    }
}
