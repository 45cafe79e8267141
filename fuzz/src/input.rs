//! Values out of any bytes, for targets that take no file.

/// Bytes that are used up from the front. Once there are none, everything is 0.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number from 0 to `most`.
    pub fn up_to(&mut self, most: u8) -> usize {
        let byte = usize::from(self.byte());
        byte % (usize::from(most) + 1)
    }

    /// A fraction in 0..=1.
    pub fn fraction(&mut self) -> f32 {
        f32::from(self.byte()) / 255.0
    }

    pub fn is_set(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Any size there can be.
    pub fn size(&mut self) -> usize {
        let bytes = [(); size_of::<usize>()].map(|()| self.byte());
        usize::from_le_bytes(bytes)
    }

    /// Any float there can be, NaN and infinities included.
    pub fn float(&mut self) -> f32 {
        f32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }
}
