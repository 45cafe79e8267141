use gstreamer::glib::translate::from_glib_full;
use gstreamer_video::prelude::*;

use super::*;

fn memory(size: usize) -> gst::Memory {
    gst::init().unwrap();
    PictureAllocator::default().alloc(size, None).unwrap()
}

fn address(memory: &gst::Memory) -> *const u8 {
    memory.map_readable().unwrap().as_ptr()
}

#[test]
fn a_copy_sees_the_same_bytes_until_one_of_the_two_is_written() {
    let mut picture = memory(1000);
    picture.get_mut().unwrap().map_writable().unwrap().fill(7);
    let mut copy = picture.copy();
    assert_eq!(address(&copy), address(&picture));
    copy.get_mut().unwrap().map_writable().unwrap()[3] = 8;
    assert_ne!(address(&copy), address(&picture));
    assert_eq!(copy.map_readable().unwrap()[2..5], [7, 8, 7]);
    assert_eq!(picture.map_readable().unwrap()[2..5], [7, 7, 7]);
    let only = address(&picture);
    picture.get_mut().unwrap().map_writable().unwrap()[3] = 9;
    assert_eq!(address(&picture), only, "who shares with nobody keeps its bytes");
}

#[test]
fn a_picture_that_is_written_anew_leaves_the_one_that_was_sent_on_alone() {
    let mut picture = memory(1000);
    picture.get_mut().unwrap().map_writable().unwrap().fill(1);
    // The picture is sent on, and its memory decoded into once more.
    let sent = picture.copy();
    let seen = sent.map_readable().unwrap();
    picture.get_mut().unwrap().map_writable().unwrap().fill(2);
    assert!(seen.iter().all(|byte| *byte == 1));
    drop(picture);
    assert!(seen.iter().all(|byte| *byte == 1));
}

#[test]
fn who_still_has_the_picture_mapped_goes_on_seeing_it() {
    let mut picture = memory(1000);
    let mut decoding = picture.get_mut().unwrap().map_writable().unwrap();
    decoding.fill(1);
    // What the base class does while libav keeps its mapping.
    let memory = decoding.memory().as_ptr().cast_mut();
    // SAFETY: alive while it is mapped; what is returned is ours.
    let sent: gst::Memory = unsafe { from_glib_full(ffi::gst_memory_copy(memory, 0, -1)) };
    assert_eq!(address(&sent), decoding.as_ptr());
    // SAFETY: as above; a mapping that fails is none to be undone.
    let second = unsafe {
        let mut info = std::mem::zeroed();
        ffi::gst_memory_map(memory, &raw mut info, ffi::GST_MAP_READ | ffi::GST_MAP_WRITE)
    };
    assert_eq!(second, glib::ffi::GFALSE, "it would write into the picture that was sent on");
    drop(decoding);
    picture.get_mut().unwrap().map_writable().unwrap().fill(2);
    assert!(sent.map_readable().unwrap().iter().all(|byte| *byte == 1));
}

/// The picture alone: what is between its lines and below it nobody has drawn.
fn drawn(sample: &gst::Sample) -> Vec<u8> {
    let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info).unwrap();
    let plane = |plane: u32| {
        let [width, height] = [frame.comp_width(plane), frame.comp_height(plane)].map(|length| length as usize);
        let stride = usize::try_from(frame.plane_stride()[plane as usize]).unwrap();
        let lines = frame.plane_data(plane).unwrap().chunks(stride).take(height);
        lines.flat_map(move |line| line[..width].to_vec()).collect::<Vec<_>>()
    };
    // Of I420 each plane is a component.
    (0..frame.n_planes()).flat_map(plane).collect()
}

/// Pictures of a short video that refer to each other, and whether each came in such memory.
fn decoded(offered: bool) -> Vec<(Vec<u8>, bool)> {
    crate::init().unwrap();
    let line = "videotestsrc num-buffers=40 pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 \
                ! x264enc ref=2 bframes=0 tune=zerolatency ! h264parse ! avdec_h264 name=decoder max-threads=1";
    let pipeline = gst::parse::launch(line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let decoder = pipeline.by_name("decoder").unwrap();
    let offers = Arc::new(Mutex::new(Vec::new()));
    if offered {
        offer_to(&decoder);
        // What the decoder is told after that.
        let answers = gst::PadProbeType::QUERY_DOWNSTREAM | gst::PadProbeType::PULL;
        let offers = Arc::clone(&offers);
        decoder.static_pad("src").unwrap().add_probe(answers, move |_, info| {
            if let Some(gst::QueryView::Allocation(allocation)) = info.query().map(|query| query.view()) {
                offers.lock().unwrap().extend(allocation.allocation_pools().map(|(pool, ..)| pool));
            }
            gst::PadProbeReturn::Ok
        });
    }
    let tail = crate::tail::Tail::add_to(&pipeline, crate::tail::Pace::Reader, None).unwrap();
    decoder.link(&tail.convert).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut pictures = Vec::new();
    // Held for a while, as a slot and a batch do.
    let mut held = std::collections::VecDeque::new();
    let read = |sample: &gst::Sample| {
        let buffer = sample.buffer().unwrap();
        let is_ours = buffer.peek_memory(0).allocator().is_some_and(|it| it.is::<PictureAllocator>());
        (drawn(sample), is_ours)
    };
    while let Ok(sample) = tail.sink.pull_sample() {
        held.push_back(sample);
        if held.len() > 6 {
            pictures.extend(held.pop_front().as_ref().map(read));
        }
    }
    pictures.extend(held.iter().map(read));
    pipeline.set_state(gst::State::Null).unwrap();
    let offers = offers.lock().unwrap();
    assert!(offers.is_empty() != offered, "it asks for a pool");
    let is_ours = |pool: &Option<gst::BufferPool>| pool.as_ref().is_some_and(|pool| pool.is::<PicturePool>());
    assert!(offers.iter().all(is_ours), "{offers:?}");
    pictures
}

#[test]
fn a_decoder_takes_it_and_its_pictures_are_the_same() {
    let (plain, shared) = (decoded(false), decoded(true));
    assert_eq!((plain.len(), shared.len()), (40, 40));
    assert!(plain.iter().all(|(_, is_ours)| !is_ours));
    // The first ones come before anything is negotiated.
    assert!(shared.iter().filter(|(_, is_ours)| *is_ours).count() > 30);
    for (number, (plain, shared)) in plain.iter().zip(&shared).enumerate() {
        assert!(plain.0 == shared.0, "picture {number} is another one");
    }
}

#[test]
fn a_pool_of_pictures_keeps_none() {
    gst::init().unwrap();
    let (pool, allocator) = (PicturePool::default(), PictureAllocator::default());
    let parent = gst_video::VideoBufferPool::new();
    let options = |pool: &gst::BufferPool| pool.options().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(options(parent.upcast_ref()).iter().all(|option| options(pool.upcast_ref()).contains(option)));

    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 320, 240).build().unwrap();
    let mut config = pool.config();
    config.set_params(Some(&info.to_caps().unwrap()), info.size().try_into().unwrap(), 0, 0);
    config.set_allocator(Some(&allocator), None);
    pool.set_config(config).unwrap();
    pool.set_active(true).unwrap();
    // Each memory refers to its allocator.
    let nothing = allocator.ref_count();
    let pictures = [(); 3].map(|()| pool.acquire_buffer(None).unwrap());
    assert_eq!(allocator.ref_count(), nothing + 3);
    drop(pictures);
    assert_eq!(allocator.ref_count(), nothing);
    pool.set_active(false).unwrap();
}

#[test]
fn a_picture_nobody_has_any_more_makes_room_for_the_next_one() {
    gst::init().unwrap();
    let allocator = PictureAllocator::default();
    // What is kept shows the picture that was there, and nothing is kept when this thread has to wait for too long.
    let is_drawn_there = |_| {
        let mut picture = allocator.alloc(1000, None).unwrap();
        picture.get_mut().unwrap().map_writable().unwrap().fill(7);
        let copy = picture.copy();
        let bytes = address(&picture);
        drop(picture);
        let second = allocator.alloc(1000, None).unwrap();
        assert_ne!(address(&second), bytes, "the copy still shows it");
        drop((second, copy));
        let next = allocator.alloc(1000, None).unwrap();
        address(&next) == bytes && next.map_readable().unwrap().iter().all(|byte| *byte == 7)
    };
    assert!((0..10).any(is_drawn_there));
}

#[test]
fn a_part_that_is_copied_is_that_part() {
    let mut picture = memory(100);
    let count = |bytes: &mut [u8]| (0..).zip(bytes).for_each(|(number, byte)| *byte = number);
    count(&mut picture.get_mut().unwrap().map_writable().unwrap());
    let part = picture.copy_range(10..30);
    assert_eq!(part.map_readable().unwrap()[..], (10..30).collect::<Vec<u8>>()[..]);
    let part = part.copy_range(5..);
    assert_eq!(part.map_readable().unwrap()[..], (15..30).collect::<Vec<u8>>()[..]);
}

#[test]
fn what_is_asked_for_is_aligned() {
    gst::init().unwrap();
    let params = gst::AllocationParams::new(gst::MemoryFlags::empty(), 63, 0, 16);
    let picture = PictureAllocator::default().alloc(1000, Some(&params)).unwrap();
    assert_eq!(address(&picture).addr() % 64, 0);
    assert_eq!(picture.size(), 1000);
}
