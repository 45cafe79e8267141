//! Requests larger than any that is meant are refused before they cost memory.

use crate::support::{Endpoint, exchange};

fn status_of(endpoint: &Endpoint, request: &str) -> Option<u16> {
    exchange(endpoint.address, request.as_bytes()).map(|answer| answer.status)
}

#[test]
fn a_request_line_has_its_bound() {
    let endpoint = Endpoint::open();
    let with_path = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(length));
    assert_eq!(status_of(&endpoint, &with_path(12_000)), Some(404));
    assert_eq!(status_of(&endpoint, &with_path(20_000)), Some(431));
}

#[test]
fn headers_have_their_bound_in_bytes_and_number() {
    let endpoint = Endpoint::open();
    let with_headers = |count: usize, length: usize| {
        let headers = format!("X-Filler: {}\r\n", "x".repeat(length)).repeat(count);
        format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
    };
    assert_eq!(status_of(&endpoint, &with_headers(60, 100)), Some(200));
    assert_eq!(status_of(&endpoint, &with_headers(65, 1)), Some(431));
    assert_eq!(status_of(&endpoint, &with_headers(1, 20_000)), Some(431));
    assert_eq!(status_of(&endpoint, &with_headers(40, 500)), Some(431));
}
