//! The operations endpoint over HTTP: the daemon as its operators see it, through [`sightline_core::operations::Operations`].
