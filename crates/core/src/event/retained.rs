//! What is kept on the broker, so that whoever comes later knows it too.

use std::sync::Arc;

use serde::Serialize;

use super::{CameraStatus, NodeStatus};

/// A retained topic's value. The latest one is published at each reconnect, so that nothing stays stale.
#[derive(Clone, Debug, PartialEq)]
pub enum Retained {
    /// `<base>/status`
    Node(NodeStatus),
    /// `<base>/<camera>/status`
    Camera {
        /// The camera.
        camera: Arc<str>,
        /// Its status.
        status: CameraStatus,
    },
    /// `<base>/<camera>/count/<label>`
    Count {
        /// The camera.
        camera: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// Objects present.
        present: u32,
    },
    /// `<base>/<camera>/zone/<zone>/<label>`
    Zone {
        /// The camera.
        camera: Arc<str>,
        /// The zone.
        zone: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// Objects inside.
        inside: u32,
    },
    /// `<base>/<camera>/line/<line>`
    Line {
        /// The camera.
        camera: Arc<str>,
        /// The line.
        line: Arc<str>,
        /// Crossings since the daemon's start.
        crossings: LineCrossings,
    },
    /// `<base>/<camera>/snapshot/<label>`
    Snapshot {
        /// The camera.
        camera: Arc<str>,
        /// The class.
        label: Arc<str>,
        /// The picture, a JPEG file.
        jpeg: Arc<[u8]>,
    },
}

/// Crossings of a line by direction. Serialises to `{"in":3,"out":1}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineCrossings {
    /// From its left to its right.
    pub r#in: u64,
    /// From its right to its left.
    pub out: u64,
}
