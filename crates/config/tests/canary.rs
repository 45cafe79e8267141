//! No secret leaves: not in a plan's Debug output, not in a problem in any form, whatever is wrong around it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use common::{environment, folder};
use sightline_config::{load, parse_source_url};

const CANARY: &str = "c4n4ry";
/// The canary with the characters that break addresses, as a variable's value.
const AWKWARD: &str = "c4n4ry@:/#%?${x}\u{7}";

/// Loads the text as `p.yaml` beside a file `secret` and gives everything that can be seen of the result.
fn everything_seen(text: &str) -> String {
    let folder = folder(&[("p.yaml", text), ("secret", AWKWARD)]);
    let environment =
        environment(&[("SECRET", AWKWARD), ("TOKEN", CANARY), ("WHOLE", &format!("rtsp://u:{CANARY}@h:x/"))]);
    let folder_name = folder.path().display().to_string();
    let seen = match load(&[folder.path().join("p.yaml")], &environment) {
        Ok(plan) => {
            let sources = plan.pipelines.iter().flat_map(|p| &p.cameras).map(|c| c.spec.source.to_string());
            format!("{plan:?}{plan:#?}{}{environment:?}", sources.collect::<String>())
        }
        Err(problems) => {
            let json = serde_json::to_string(&problems).unwrap();
            format!("{problems}{problems:?}{problems:#?}{json}")
        }
    };
    assert!(!folder_name.contains(CANARY));
    seen
}

fn pipeline(mqtt: &str, camera: &str) -> String {
    format!("version: 1\nname: a\nmodel: {{name: ssd-mobilenet-v1-coco}}\nmqtt: {mqtt}\ncameras:\n  a: {camera}\n")
}

#[test]
fn secrets_that_are_right_stay_inside() {
    for (mqtt, camera) in [
        (format!("{{username: u, password: {CANARY}}}"), format!("{{url: 'rtsp://u:{CANARY}@h/x'}}")),
        ("{url: 'mqtt://u:${env:SECRET}@h'}".to_owned(), "{url: 'rtsp://u:${file:secret}@h/x'}".to_owned()),
        ("{}".to_owned(), "{url: 'rtsp://h/x', username: u, password: '${env:SECRET}'}".to_owned()),
    ] {
        let seen = everything_seen(&pipeline(&mqtt, &camera));
        assert!(seen.contains("***"), "not a plan: {seen}");
        assert!(!seen.contains(CANARY), "{mqtt} {camera}: {seen}");
    }
    // Some cameras want their password in the path or the query.
    for url in ["rtsp://h/${env:TOKEN}/live", "rtsp://h/live?token=${env:TOKEN}", "rtsp://h/user=a&password=c4n4ry"] {
        let seen = everything_seen(&pipeline("{}", &format!("{{url: \"{url}\"}}")));
        assert!(seen.contains("rtsp://h/") && !seen.contains(CANARY), "{seen}");
    }
}

#[test]
fn secrets_beside_what_is_wrong_stay_inside() {
    let c = CANARY;
    let cases = [
        // wrong types
        pipeline(&format!("{{username: u, password: [{c}]}}"), "{url: test://}"),
        pipeline(&format!("{{username: u, password: {{{c}: 1}}}}"), "{url: test://}"),
        pipeline(c, c),
        pipeline("{}", &format!("[{c}]")),
        pipeline("{}", &format!("{{url: test://, fps: {c}}}")),
        pipeline("{}", &format!("{{url: test://, loop: {c}}}")),
        pipeline("{}", &format!("{{url: 'rtsp://h/', transport: {c}}}")),
        pipeline("{}", &format!("{{url: test://, stall_timeout: {c}}}")),
        pipeline("{}", &format!("{{url: test://, decoder: '{c} !'}}")),
        pipeline("{}", &format!("{{url: test://, zones: {c}}}")),
        pipeline(
            "{}",
            &format!("{{url: test://, zones: {{d: {{polygon: [[{c}, 0], {c}], labels: [{c}], point: {c}}}}}}}"),
        ),
        pipeline("{}", &format!("{{url: test://, masks: [[{c}]], lines: {{g: {{from: {c}, to: [{c}]}}}}}}")),
        pipeline("{}", &format!("{{url: test://, labels: [{c}], zones: {{d: {{labels: [person]}}}}}}")),
        pipeline("{}", &format!("{{url: test://, snapshots: {{quality: {c}}}, clips: {{events: [{c}], pre: {c}}}}}")),
        pipeline(
            "{}",
            "{url: 'rtsp://h/', zones: {d: {loitering: '${env:SECRET}'}}, clips: {max_age: '${env:SECRET}'}}",
        ),
        // wrong keys
        pipeline(&format!("{{pasword: {c}}}"), &format!("{{url: test://, pass: {c}, x: 'rtsp://u:{c}@h/'}}")),
        pipeline("{}", &format!("{{url: test://}}\n  rtsp://u:{c}@h/x: {{}}")),
        pipeline("{}", &format!("{{url: test://}}\n  ? rtsp://u:{c}@h/x")),
        pipeline("{}", &format!("{{url: test://, rtsp://u:{c}@h/x: 1, rtsp://u:{c}@h/x: 2}}")),
        // wrong addresses
        pipeline(&format!("{{url: 'mqtt://u:{c}/x@h'}}"), &format!("{{url: 'rtsp://u:{c}/x@h/'}}")),
        pipeline(&format!("{{url: 'mqtt://u:{c}@h:x'}}"), &format!("{{url: 'rtsp://u:{c}@h:x/'}}")),
        pipeline(&format!("{{url: 'http://u:{c}@h'}}"), &format!("{{url: 'http://u:{c}@h/'}}")),
        pipeline(&format!("{{url: 'mqtt://u:{c}@h/path'}}"), &format!("{{url: 'rtsp:/u:{c}@h/'}}")),
        pipeline(&format!("{{url: 'u:{c}@h'}}"), &format!("{{url: 'u:{c}@h/'}}")),
        pipeline("{url: '${env:WHOLE}'}", "{url: '${env:WHOLE}'}"),
        pipeline("{url: '${env:SECRET}'}", "{url: '${env:SECRET}'}"),
        pipeline("{url: 'mqtt://${env:SECRET}'}", "{url: 'rtsp://${env:SECRET}/'}"),
        pipeline("{}", "{url: 'rtsp://h/${env:SECRET} x'}"),
        pipeline("{}", "{url: 'sim://${env:SECRET}'}"),
        pipeline("{}", "{url: 'test://${env:SECRET}'}"),
        pipeline("{}", "{url: 'v4l2://${env:SECRET}'}"),
        pipeline("{}", "{url: 'file://${env:SECRET}'}"),
        // references in the wrong place
        pipeline("{prefix: '${env:SECRET}', node: '${file:secret}'}", "{url: test://, decoder: '${env:SECRET}'}"),
        pipeline("{}", "{url: test://, stall_timeout: '${env:SECRET}'}"),
        pipeline("{url: mqtts://h, ca: '${file:secret}'}", "{url: test://}"),
        pipeline("{url: mqtts://h, ca: secret, client_cert: secret, client_key: secret}", "{url: test://}"),
        pipeline(&format!("{{username: u, password: '${{{c}}}'}}"), "{url: test://}"),
        pipeline(&format!("{{username: u, password: '${{env:X}}{c}'}}"), "{url: test://}"),
        pipeline(&format!("{{username: u, password: '{c}${{'}}"), "{url: test://}"),
        pipeline("{}", "{url: test://, username: '${env:SECRET}'}"),
        "version: 1\nname: ${env:SECRET}\nmodel: {name: '${env:SECRET}'}\ncameras: {a: {url: test://}}\n".to_owned(),
        "version: 1\nname: a\nmodel: {path: '${file:secret}'}\ncameras: {a: {url: test://}}\n".to_owned(),
        // malformed YAML around them
        pipeline(&format!("{{username: u, password: \"{c}"), "{url: test://}"),
        pipeline(&format!("{{username: u, password: {c}: x}}"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: @{c}"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: !{c} x"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: *{c}"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: %{c}\n {c}"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: '{c}' {c}"), "{url: test://}"),
        pipeline(&format!("\n  username: u\n  password: \"\\{c}\""), "{url: test://}"),
        c.to_owned(),
        format!("- {c}\n"),
    ];
    for text in cases {
        let seen = everything_seen(&text);
        assert!(seen.contains("Problem {"), "it should be wrong:\n{text}\n{seen}");
        assert!(!seen.contains(CANARY), "\n{text}\n{seen}");
    }
}

#[test]
fn a_source_addresss_error_does_not_quote_it() {
    let environment = environment(&[("SECRET", AWKWARD)]);
    for url in [CANARY, "rtsp://u:c4n4ry/x@h", "c4n4ry://h", "rtsp://${env:SECRET}", "sim://c4n4ry!", "file://c4n4ry/"]
    {
        let error = parse_source_url(url, &environment).expect_err(url);
        let is_scheme = url.starts_with(CANARY) && url.contains("://");
        assert!(is_scheme || !error.contains(CANARY), "{url}: {error}");
    }
}
