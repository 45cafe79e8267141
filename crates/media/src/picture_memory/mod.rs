//! Memory for decoded pictures that is shared where GStreamer would copy it.
//!
//! libav goes on reading a picture after it has given it away: the next ones refer to it. It keeps it mapped for writing
//! meanwhile, although it writes no more, and so GStreamer's base class for decoders copies every such picture before it
//! sends it on: 1.4 MB at 1280×720, thirty times a second for two cameras, and as much memory for each picture on its way.
//!
//! Pictures in memory of this allocator are not copied but shared, until somebody maps one of the two anew for writing: only then
//! it gets a copy of its own (copy on write). What must hold is that nobody goes on writing through an old mapping once a
//! picture has been sent on. These decoders do not, for pictures that are not made of two fields: one comes out when it is complete.
//!
//! What a decoder has no picture in any more stays with the allocator ([`unused`]) and not with a pool ([`pool`]). A pool would keep all that
//! was ever needed at the same time, and would let a decoder draw where a picture that was sent on still is, which is then copied.

mod pool;
mod unused;

use std::{
    alloc::Layout,
    ptr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gstreamer as gst;
use gstreamer::{ffi, glib, prelude::*, subclass::prelude::*};
use gstreamer_video as gst_video;

use self::{
    pool::PicturePool,
    unused::{Block, Unused},
};

/// Decoders of which that is known. Others of libav draw into pictures that they have given away.
pub const SHARING_DECODERS: [&str; 2] = ["avdec_h264", "avdec_h265"];

/// Lets one of [`SHARING_DECODERS`] decode into such memory.
pub fn offer_to(decoder: &gst::Element) {
    let Some(pad) = decoder.static_pad("src") else { return };
    let allocator = PictureAllocator::default();
    // What comes back from the elements behind it, before the decoder sees it.
    let answers = gst::PadProbeType::QUERY_DOWNSTREAM | gst::PadProbeType::PULL;
    pad.add_probe(answers, move |_, info| {
        let Some(query) = info.query_mut() else { return gst::PadProbeReturn::Ok };
        let gst::QueryViewMut::Allocation(allocation) = query.view_mut() else { return gst::PadProbeReturn::Ok };
        let info = allocation.get().0.and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        let progressive = info.filter(|info| !info.is_interlaced());
        // Who has a pool or an allocator of its own has a reason.
        let has_own = allocation.allocation_pools().len() + allocation.allocation_params().len() > 0;
        if let (Some(info), false) = (progressive, has_own) {
            let size = u32::try_from(info.size()).unwrap_or(u32::MAX);
            allocation.add_allocation_param(Some(&allocator), gst::AllocationParams::default());
            allocation.add_allocation_pool(Some(&PicturePool::default()), size, 0, 0);
        }
        gst::PadProbeReturn::Ok
    });
}

glib::wrapper! {
    struct PictureAllocator(ObjectSubclass<imp::PictureAllocator>) @extends gst::Allocator, gst::Object;
}

impl Default for PictureAllocator {
    fn default() -> Self {
        glib::Object::new()
    }
}

/// What GStreamer has for a `GstMemory` of this allocator.
#[repr(C)]
struct PictureMemory {
    /// First, as GStreamer knows nothing else. It changes reference count and locks behind our back: only ever read in parts.
    memory: ffi::GstMemory,
    content: Mutex<Content>,
}

struct Content {
    block: Arc<Block>,
    /// Mappings there are.
    mapped: usize,
}

mod imp {
    use gstreamer::{glib::translate::IntoGlib, prelude::*};

    use super::*;

    #[derive(Default)]
    pub(super) struct PictureAllocator {
        unused: Unused,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for PictureAllocator {
        const NAME: &'static str = "SightlinePictureAllocator";
        type Type = super::PictureAllocator;
        type ParentType = gst::Allocator;

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            let allocator = object.as_ptr().cast::<ffi::GstAllocator>();
            // SAFETY: the object is an allocator that is being made, and seen by nobody else yet.
            unsafe {
                (*allocator).mem_type = c"SightlinePicture".as_ptr();
                (*allocator).mem_map = Some(map);
                (*allocator).mem_unmap = Some(unmap);
                (*allocator).mem_copy = Some(share);
            }
        }
    }

    impl ObjectImpl for PictureAllocator {}
    impl GstObjectImpl for PictureAllocator {}

    // SAFETY: memory comes from `alloc` and `share` alone, and goes back to `free`.
    unsafe impl AllocatorImpl for PictureAllocator {
        unsafe fn alloc(&self, size: usize, params: &gst::AllocationParams) -> *mut ffi::GstMemory {
            // An alignment is given as its mask.
            let align = params.align() | gst::Memory::default_alignment();
            let layout = size
                .checked_add(params.prefix())
                .and_then(|size| size.checked_add(params.padding()))
                .and_then(|size| Layout::from_size_align(size, align + 1).ok());
            let Some(block) = layout.and_then(|layout| self.unused.take(layout)) else { return ptr::null_mut() };
            let (whole, end) = (block.layout().size(), params.prefix() + size);
            // What is around the picture may be asked to be zero.
            // SAFETY: the block has as many bytes before the picture and after it.
            unsafe {
                block.start().write_bytes(0, params.prefix());
                block.start().add(end).write_bytes(0, whole - end);
            }
            let allocator = self.obj().as_ptr().cast::<ffi::GstAllocator>();
            let range = [whole, align, params.prefix(), size];
            // SAFETY: the allocator is this one, and the range lies in the block.
            unsafe { memory(params.flags().into_glib(), allocator, range, Arc::new(block)) }
        }

        unsafe fn free(&self, memory: *mut ffi::GstMemory) {
            // SAFETY: made by `memory`, and the last reference to it is gone.
            let memory = unsafe { Box::from_raw(memory.cast::<PictureMemory>()) };
            let content = memory.content.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some(block) = Arc::into_inner(content.block) {
                self.unused.put(block);
            }
        }
    }

    /// Memory that sees a range of a block: the block's size, its alignment, and where in it the memory begins and how long it is.
    ///
    /// # Safety
    /// `allocator` is one of these, and the range lies in the block.
    unsafe fn memory(
        flags: ffi::GstMemoryFlags,
        allocator: *mut ffi::GstAllocator,
        [whole, align, offset, size]: [usize; 4],
        block: Arc<Block>,
    ) -> *mut ffi::GstMemory {
        // SAFETY: all zeros are a `GstMemory` that has not been initialised yet.
        let memory = unsafe { std::mem::zeroed() };
        let content = Mutex::new(Content { block, mapped: 0 });
        let memory = Box::into_raw(Box::new(PictureMemory { memory, content }));
        // GStreamer shares a part of memory by a function that this one does not have: it copies instead, and so shares.
        let flags = flags | ffi::GST_MEMORY_FLAG_NO_SHARE;
        // SAFETY: the memory was made just now; the others are the caller's promise.
        unsafe {
            ffi::gst_memory_init(memory.cast(), flags, allocator, ptr::null_mut(), whole, align, offset, size);
        }
        memory.cast()
    }

    /// # Safety
    /// `memory` is one of this allocator's, and alive while the guard is.
    unsafe fn content<'a>(memory: *mut ffi::GstMemory) -> MutexGuard<'a, Content> {
        // SAFETY: the caller's promise.
        let content = unsafe { &(*memory.cast::<PictureMemory>()).content };
        content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `GstMemoryMapFunction`: where the block begins; null where there is no memory for a copy, or where somebody else has mapped what is
    /// shared and cannot follow.
    unsafe extern "C" fn map(memory: *mut ffi::GstMemory, _: usize, flags: ffi::GstMapFlags) -> glib::ffi::gpointer {
        // SAFETY: GStreamer hands in memory of this allocator.
        let mut content = unsafe { content(memory) };
        if flags & ffi::GST_MAP_WRITE != 0 && Arc::get_mut(&mut content.block).is_none() {
            let copy = if content.mapped == 0 { content.block.copied() } else { None };
            let Some(copy) = copy else { return ptr::null_mut() };
            content.block = Arc::new(copy);
        }
        content.mapped += 1;
        content.block.start().cast()
    }

    /// `GstMemoryUnmapFunction`
    unsafe extern "C" fn unmap(memory: *mut ffi::GstMemory) {
        // SAFETY: as above.
        unsafe { content(memory) }.mapped -= 1;
    }

    /// `GstMemoryCopyFunction`: the part from `offset` on, -1 for `size` is what there is.
    unsafe extern "C" fn share(memory: *mut ffi::GstMemory, offset: isize, size: isize) -> *mut ffi::GstMemory {
        // SAFETY: as above; these never change.
        let (allocator, whole, align, begin, length) =
            unsafe { ((*memory).allocator, (*memory).maxsize, (*memory).align, (*memory).offset, (*memory).size) };
        let size = usize::try_from(size).unwrap_or_else(|_| length.saturating_add_signed(offset.saturating_neg()));
        let Some(begin) = begin.checked_add_signed(offset) else { return ptr::null_mut() };
        if begin.checked_add(size).is_none_or(|end| end > whole) {
            return ptr::null_mut();
        }
        // SAFETY: as above.
        let content = unsafe { content(memory) };
        let block = Arc::clone(&content.block);
        // SAFETY: the allocator is this one's, and the range lies in the block.
        unsafe { self::memory(0, allocator, [whole, align, begin, size], block) }
    }
}

#[cfg(test)]
mod tests;
