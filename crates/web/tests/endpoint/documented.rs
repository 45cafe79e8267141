//! `docs/reference/http.md` has what there is: routes, parameters, types and bounds.

use sightline_core::event::EventKind;
use sightline_web::Limits;

use crate::support::Endpoint;

const PAGE: &str = include_str!("../../../../docs/reference/http.md");

#[test]
fn every_route_parameter_and_type_is_described() {
    let index = Endpoint::open().get("/").body;
    let routes = index.split_whitespace().filter(|word| word.starts_with('/'));
    let parameters = index.split_whitespace().filter_map(|word| word.trim_start_matches(['?', '&']).strip_suffix('='));
    let names: Vec<&str> = routes.chain(parameters).chain(EventKind::NAMES).collect();
    assert_eq!(names.len(), 9 + 7 + EventKind::NAMES.len(), "{names:?}");
    for name in names {
        let is_described = [format!("`{name}`"), format!("`GET {name}`"), format!("`POST {name}`")];
        assert!(is_described.iter().any(|form| PAGE.contains(form)), "{name} is not described");
    }
}

#[test]
fn the_bounds_are_as_described() {
    let limits = Limits::default();
    let (header, call) = (limits.header_time.as_secs(), limits.call_time.as_secs());
    let (reload, probe) = (limits.reload_time.as_secs() / 60, limits.probe_time.as_secs());
    for sentence in [
        format!("At most {} connections", limits.connections),
        format!("A header has to arrive within {header} s."),
        format!(
            "At most {} requests are worked\non at a time, each for {call} s, a reload for {reload} minutes",
            limits.calls
        ),
        format!("A daemon that cannot say within {probe} s is not alive"),
        format!("did not arrive within {} s", limits.transfer_time.as_secs()),
    ] {
        assert!(PAGE.contains(&sentence), "not described: {sentence}");
    }
}
