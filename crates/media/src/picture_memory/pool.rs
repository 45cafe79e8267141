//! The pool that a decoder takes its pictures from. It keeps none: what comes back goes to the allocator at once.
//!
//! GStreamer's own keeps as many as were once needed at the same time: three pictures of 1.4 MB at 1280×720, of which a camera uses one
//! while nothing moves and little is decoded.

use gstreamer as gst;
use gstreamer::{glib, subclass::prelude::*};
use gstreamer_video as gst_video;

glib::wrapper! {
    pub struct PicturePool(ObjectSubclass<imp::PicturePool>)
        @extends gst_video::VideoBufferPool, gst::BufferPool, gst::Object;
}

impl Default for PicturePool {
    fn default() -> Self {
        glib::Object::new()
    }
}

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct PicturePool;

    #[glib::object_subclass]
    impl ObjectSubclass for PicturePool {
        const NAME: &'static str = "SightlinePicturePool";
        type Type = super::PicturePool;
        type ParentType = gst_video::VideoBufferPool;
    }

    impl ObjectImpl for PicturePool {}
    impl GstObjectImpl for PicturePool {}

    impl BufferPoolImpl for PicturePool {
        /// Those of its parent: they are what a decoder asks for before it draws into a pool's pictures.
        fn options() -> &'static [&'static str] {
            &["GstBufferPoolOptionVideoMeta", "GstBufferPoolOptionVideoAlignment"]
        }

        fn release_buffer(&self, mut buffer: gst::Buffer) {
            // To a pool this says that somebody has replaced the memory in it, and such a buffer it throws away.
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_flags(gst::BufferFlags::TAG_MEMORY);
            }
            self.parent_release_buffer(buffer);
        }
    }
}

// SAFETY: `GstVideoBufferPoolClass` is `GstBufferPoolClass` and nothing else, whose functions `gst::BufferPool` sees to.
unsafe impl IsSubclassable<imp::PicturePool> for gst_video::VideoBufferPool {}
