//! Simulated cameras with exact ground truth, and the RTSP server that serves them.
//!
//! A [`scene::Scene`] draws pictures and knows what is in them, a [`clip::Clip`] holds them encoded, and a
//! [`server::RtspServer`] sends clips out in real time as cameras do. Encoding happens once, at the start, so that a
//! demo's processor time is left to the daemon.

pub mod clip;
pub mod dataset;
pub mod error;
mod random;
pub mod scene;
pub mod server;
pub mod truth;
