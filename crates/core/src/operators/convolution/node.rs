//! How a layer is called as a node of a graph: its inputs are the images `[N, H, W, C]`, the weights, the bias and the scale.

/// The operator's name in a graph.
pub const NAME: &str = "Convolution3x3";

/// 1 where the layer reads pixels, 0 where each output reads its own channel.
pub const READS_PIXELS: &str = "reads_pixels";
/// The input's byte that stands for 0.
pub const INPUT_ZERO_POINT: &str = "input_zero_point";
/// The output's byte that stands for 0.
pub const OUTPUT_ZERO_POINT: &str = "output_zero_point";
/// Steps between outputs.
pub const STRIDE: &str = "stride";
/// What lies around the input: above, left, below, right.
pub const PADS: &str = "pads";
