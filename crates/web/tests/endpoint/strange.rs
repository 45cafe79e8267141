//! Whatever bytes a path or a query is made of: a request is answered, and it is never the server's fault.

use std::{fmt::Write, sync::LazyLock};

use proptest::{collection::vec, prelude::*};

use crate::support::{Endpoint, exchange};

/// One for all cases. It is not stopped: a static is never dropped.
static ENDPOINT: LazyLock<Endpoint> = LazyLock::new(Endpoint::open);

fn status_of(path: &[u8]) -> Option<u16> {
    let request = [b"GET /", path, b" HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat();
    exchange(ENDPOINT.address, &request).map(|answer| answer.status)
}

fn percent_encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    })
}

fn places() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "api/v1/cameras/",
        "api/v1/events?",
        "api/v1/events?camera=",
        "api/v1/events?from=",
        "api/v1/events?limit=",
        "api/v1/events?before=1&",
        "healthz?",
    ])
}

proptest! {
    #[test]
    fn raw_bytes_are_answered(place in places(), bytes in vec(any::<u8>(), 0..60)) {
        let status = status_of(&[place.as_bytes(), &bytes].concat());
        prop_assert!(status.is_some_and(|status| status < 500), "{:?}", status);
    }

    #[test]
    fn percent_encoded_bytes_are_answered(place in places(), bytes in vec(any::<u8>(), 0..60)) {
        let status = status_of(format!("{place}{}", percent_encoded(&bytes)).as_bytes());
        prop_assert!(matches!(status, Some(200 | 400 | 404)), "{:?}", status);
    }

    #[test]
    fn queries_of_any_form_are_answered(query in "((from|until|limit|before|type|label)?[=&%+;]?[0-9a-zA-Z:%.-]{0,8}&?){0,6}") {
        let status = status_of(format!("api/v1/events?{query}").as_bytes());
        prop_assert!(matches!(status, Some(200 | 400)), "{:?} to {}", status, query);
    }
}
