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
