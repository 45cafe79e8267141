//! Tensors that are only moved, never computed on: what goes into a session and what comes out.

/// Element type of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Unsigned 8-bit.
    U8,
    /// 32-bit float.
    F32,
}

/// The samples of an input tensor.
#[derive(Clone, Copy, Debug)]
pub enum InputData<'a> {
    /// Unsigned 8-bit.
    U8(&'a [u8]),
    /// 32-bit float.
    F32(&'a [f32]),
}

/// Samples of an input tensor that are owned, and whose memory is used again.
#[derive(Clone, Debug, PartialEq)]
pub enum InputBuffer {
    /// Unsigned 8-bit.
    U8(Vec<u8>),
    /// 32-bit float.
    F32(Vec<f32>),
}

impl InputBuffer {
    /// An empty one for samples of this type.
    #[must_use]
    pub const fn new(element: ElementType) -> Self {
        match element {
            ElementType::U8 => Self::U8(Vec::new()),
            ElementType::F32 => Self::F32(Vec::new()),
        }
    }

    /// Makes it this long; what is new is zero.
    pub fn resize(&mut self, samples: usize) {
        match self {
            Self::U8(data) => data.resize(samples, 0),
            Self::F32(data) => data.resize(samples, 0.0),
        }
    }

    /// All samples.
    #[must_use]
    pub fn data(&self) -> InputData<'_> {
        match self {
            Self::U8(data) => InputData::U8(data),
            Self::F32(data) => InputData::F32(data),
        }
    }

    /// Appends another one's samples. Nothing happens when they are of another type.
    pub fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::U8(data), Self::U8(more)) => data.extend_from_slice(more),
            (Self::F32(data), Self::F32(more)) => data.extend_from_slice(more),
            (Self::U8(_), Self::F32(_)) | (Self::F32(_), Self::U8(_)) => {}
        }
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        match self {
            Self::U8(data) => data.clear(),
            Self::F32(data) => data.clear(),
        }
    }
}

/// An input batch: `shape` is `[N, C, H, W]` or `[N, H, W, C]`, as the model's specification says.
#[derive(Clone, Copy, Debug)]
pub struct InputView<'a> {
    /// Four dimensions, batch first.
    pub shape: [usize; 4],
    /// Row-major samples; as many as the product of `shape`.
    pub data: InputData<'a>,
}

/// One output tensor, borrowed from the session for the length of one call.
#[derive(Clone, Copy, Debug)]
pub struct OutputView<'a> {
    /// Dimensions, batch first.
    pub shape: &'a [usize],
    /// Row-major samples as 32-bit floats (integer outputs are converted by the backend).
    pub data: &'a [f32],
}
