//! A second daemon on the same state directory would deliver the first one's events: it is refused, and the first one
//! notices nothing.

use crate::support::{beside_others, broker::free_port, daemon::Daemon, output, sightline, stderr};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_directory_is_used_by_one_daemon() {
    let _turn = beside_others().await;
    let yaml = format!(
        "version: 1\nname: one\nmodel: {{name: ssd-mobilenet-v1-sim}}\nmqtt: {{url: \"mqtt://127.0.0.1:{}\"}}\n\
         cameras:\n  pattern: {{url: \"test://ball\"}}\n",
        free_port()
    );
    let mut first = Daemon::start(&yaml);
    first.running().await;
    let mut second = sightline();
    second.arg("run").arg(first.path("pipeline.yaml")).args(["--http", "off", "--state-dir"]).arg(first.state());
    let refused = tokio::task::spawn_blocking(move || output(&mut second)).await.expect("no panic");
    assert_eq!(refused.status.code(), Some(69), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&*first.state().to_string_lossy()), "{}", stderr(&refused));

    assert_eq!(first.get("/healthz").await.status, 200);
    let (status, _) = first.terminate().await;
    assert!(status.success(), "{status}");
}
