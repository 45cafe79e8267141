//! Bytes of a decoder's pictures, and those of them that no picture is in.

use std::{
    alloc::Layout,
    ptr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use memmap2::{MmapOptions, MmapRaw};

/// New pages for a picture of 1280×720 take 0.4 ms. Where pictures are further apart than this that is nothing, and a megabyte is much.
const SELDOM: Duration = Duration::from_millis(500);
/// So many are kept at most. A decoder lets go of one for each that it takes; only those who have pictures for longer than it, in a batch or
/// for a snapshot, let several go at the same time.
const MOST: usize = 2;

/// Bytes of a picture. They come from the system and go back there: malloc keeps what lies between other things, which is a megabyte for each
/// camera where pictures come and go.
pub struct Block {
    bytes: MmapRaw,
    layout: Layout,
}

impl Block {
    /// Zeros. `None` where there is no memory, or none is asked for, or it cannot be aligned so.
    pub fn new(layout: Layout) -> Option<Self> {
        if layout.size() == 0 {
            return None;
        }
        // All of it is about to be drawn: its pages are made at once, and not one by one.
        let bytes = MmapRaw::from(MmapOptions::new().len(layout.size()).populate().map_anon().ok()?);
        bytes.as_ptr().addr().is_multiple_of(layout.align()).then_some(Self { bytes, layout })
    }

    /// Another one with the same content.
    pub fn copied(&self) -> Option<Self> {
        let copy = Self::new(self.layout)?;
        // SAFETY: two blocks of that size, of which one was made just now.
        unsafe { ptr::copy_nonoverlapping(self.start(), copy.start(), self.layout.size()) };
        Some(copy)
    }

    /// Where it begins. Who may read and who may write there is what the allocator's `map` sees to.
    pub fn start(&self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Its size and alignment.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

/// What one decoder has no picture in. While it draws one after the other a few are kept for the next ones. Of a camera of which little is
/// decoded, because nothing moves, nothing is kept.
///
/// Of one decoder, because what it leaves undrawn of a damaged picture shows what was there before, and that must not be another camera's.
#[derive(Default)]
pub struct Unused(Mutex<State>);

#[derive(Default)]
struct State {
    /// The last one has been used last.
    blocks: Vec<Block>,
    /// When the last picture was begun.
    begun: Option<Instant>,
    /// That was long after the one before.
    is_seldom: bool,
}

impl Unused {
    /// For the next picture: zeros, or what is left of an earlier one. `None` where there is no memory, or none is asked for.
    pub fn take(&self, layout: Layout) -> Option<Block> {
        self.take_at(layout, Instant::now())
    }

    fn take_at(&self, layout: Layout, now: Instant) -> Option<Block> {
        let (found, unneeded) = self.lock().take(layout, now);
        // No longer under the lock.
        drop(unneeded);
        found.or_else(|| Block::new(layout))
    }

    /// No picture is in it any more.
    pub fn put(&self, block: Block) {
        let mut state = self.lock();
        if !state.is_seldom && state.blocks.len() < MOST {
            state.blocks.push(block);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A block, if there is one, and those that are not needed.
    fn take(&mut self, layout: Layout, now: Instant) -> (Option<Block>, Vec<Block>) {
        let before = self.begun.replace(now);
        self.is_seldom = before.is_some_and(|before| now.saturating_duration_since(before) > SELDOM);
        // A stream changes its size once in a while, and then for good.
        let mut unneeded: Vec<Block> = self.blocks.extract_if(.., |block| block.layout != layout).collect();
        let found = self.blocks.pop();
        if self.is_seldom {
            unneeded.append(&mut self.blocks);
        }
        (found, unneeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 64).unwrap()
    }

    fn count(unused: &Unused) -> usize {
        unused.0.lock().unwrap().blocks.len()
    }

    #[test]
    fn the_next_picture_is_drawn_where_the_last_one_was() {
        let (unused, now) = (Unused::default(), Instant::now());
        let [first, second] = [(); 2].map(|()| unused.take_at(layout(100), now).unwrap());
        let last = second.start();
        unused.put(first);
        unused.put(second);
        assert_eq!(unused.take_at(layout(100), now).unwrap().start(), last);
        assert_eq!(count(&unused), 1);
    }

    #[test]
    fn what_many_had_at_the_same_time_is_not_kept() {
        let (unused, now) = (Unused::default(), Instant::now());
        let held = [(); 9].map(|()| unused.take_at(layout(100), now).unwrap());
        held.into_iter().for_each(|block| unused.put(block));
        assert_eq!(count(&unused), MOST);
    }

    #[test]
    fn who_draws_seldom_keeps_nothing() {
        let (unused, start) = (Unused::default(), Instant::now());
        // As a decoder does: the last picture is let go when the next one has been begun.
        let mut last = None;
        let mut draw = |millis| {
            let next = unused.take_at(layout(100), start + Duration::from_millis(millis)).unwrap();
            last.replace(next).into_iter().for_each(|block| unused.put(block));
            count(&unused)
        };
        assert_eq!([0, 60, 120, 180].map(&mut draw), [0, 1, 1, 1]);
        assert_eq!([681, 1182, 5000].map(&mut draw), [0, 0, 0], "more than half a second");
        assert_eq!([5060, 5560, 6060].map(&mut draw), [1, 1, 1], "no more");
    }

    #[test]
    fn pictures_of_another_size_leave_nothing_of_the_old_ones() {
        let (unused, now) = (Unused::default(), Instant::now());
        let held = [(); 3].map(|()| unused.take_at(layout(100), now).unwrap());
        let [first, second, third] = held;
        unused.put(first);
        unused.put(second);
        let other = unused.take_at(layout(200), now).unwrap();
        assert_eq!((other.layout(), count(&unused)), (layout(200), 0));
        // One that was still in use comes back later.
        let start = other.start();
        unused.put(other);
        unused.put(third);
        assert_eq!(unused.take_at(layout(200), now).unwrap().start(), start);
        assert_eq!(count(&unused), 0);
        assert!(unused.take_at(layout(0), now).is_none());
    }

    #[test]
    fn an_alignment_that_cannot_be_had_is_no_memory() {
        let pages = |align| Layout::from_size_align(1000, align).unwrap();
        assert!(Block::new(pages(4096)).is_some());
        assert!(Block::new(pages(1 << 46)).is_none());
    }
}
