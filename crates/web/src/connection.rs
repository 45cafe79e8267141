//! One connection: one request, bounded in bytes and time.
//!
//! hyper's own server instead of `axum::serve`, which has neither a timeout for headers nor a bound on their size. A
//! connection carries one request only: the bound on connections is then one on requests, and nobody holds a place by
//! being idle. Scrapes and probes are seconds apart, so that reusing connections would save nothing.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, sync::watch};

use crate::Limits;

/// The longest request line and headers together, in bytes; more is answered with 431.
const HEADER_BYTES: usize = 16 * 1024;
/// The most headers; more is answered with 431.
const HEADERS: usize = 64;

/// Answers the one request on `stream`. Ends early when a stop is requested and no request has begun.
pub(crate) async fn serve(stream: TcpStream, routes: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_header_size(HEADER_BYTES)
        .max_headers(HEADERS)
        .keep_alive(false);
    let exchange = async {
        let mut connection =
            std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = stop_requested(&mut stop) => None,
        };
        match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    // What went wrong, the client has to know: it sent no HTTP, was too slow, or went away.
    let _ = tokio::time::timeout(limits.connection_time(), exchange).await;
}

/// Ends when a stop is requested, or nobody is left who could.
pub(crate) async fn stop_requested(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_requested| *is_requested).await;
}
