//! One convolution of a quantised TensorFlow Lite file, brought to ONNX's form.
//!
//! Source: `tensorflow/lite/kernels/conv.cc` and `depthwise_conv.cc`; Jacob et al., arXiv 1712.05877, for the
//! arithmetic.

use sightline_core::network::{Activation, Padding, Shape, Window};

use super::{
    error::ImportError,
    schema::{Code, INT32, Model, Operator, Tensor, UINT8},
};

/// More cells per side than any window here has.
const LARGEST_WINDOW: i32 = 1 << 12;
/// Bias scales are input scale × kernel scale; so far off they may be rounded.
const SCALE_TOLERANCE: f32 = 1e-3;

/// Real value = scale · (stored value − zero point), for the whole tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ByteQuantization {
    pub(super) scale: f32,
    pub(super) zero_point: u8,
}

/// A convolution, its bias and its activation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    /// Unique, in this project's naming.
    pub(super) name: String,
    /// The layer whose output it takes; `None`: the picture.
    pub(super) from: Option<usize>,
    pub(super) window: Window,
    /// As many as input channels: depthwise.
    pub(super) groups: usize,
    pub(super) input: Shape,
    pub(super) output: Shape,
    /// `[outputs, inputs seen, rows, columns]`
    pub(super) kernel_shape: [usize; 4],
    pub(super) kernel: Vec<u8>,
    pub(super) kernel_quantization: ByteQuantization,
    /// In units of `bias_scale`.
    pub(super) bias: Vec<i32>,
    pub(super) bias_scale: f32,
    pub(super) activation: Activation,
    pub(super) input_quantization: ByteQuantization,
    pub(super) output_quantization: ByteQuantization,
}

impl Layer {
    /// Top, left, bottom, right.
    pub(super) fn pads(&self) -> [usize; 4] {
        let (top, bottom) = self.window.padding_of(self.input.height);
        let (left, right) = self.window.padding_of(self.input.width);
        [top, left, bottom, right]
    }

    /// The stored values that the activation leaves, if it leaves fewer than the type has. Source:
    /// `CalculateActivationRangeQuantized` of `tensorflow/lite/kernels/kernel_util.cc`.
    pub(super) fn stored_range(&self) -> Option<(u8, u8)> {
        let ByteQuantization { scale, zero_point } = self.output_quantization;
        let most = match self.activation {
            Activation::None => return None,
            Activation::Relu => u8::MAX,
            // Rounded and cut off at the type's end, as a float cast to an integer is.
            Activation::Relu6 => (f32::from(zero_point) + (6.0 / scale).round()) as u8,
        };
        (zero_point > 0 || most < u8::MAX).then_some((zero_point, most))
    }
}

/// Height, width and channels of one picture's tensor `[1, height, width, channels]`.
pub(super) fn shape_of_map(tensor: &Tensor<'_>) -> Result<Shape, ImportError> {
    match *tensor.shape.as_slice() {
        [1, height, width, channels] if height > 0 && width > 0 && channels > 0 => {
            Ok(Shape { height, width, channels })
        }
        _ => Err(ImportError::Unsupported(format!(
            "tensor {} of shape {:?} is not supported as a feature map",
            tensor.name, tensor.shape
        ))),
    }
}

/// The quantisation of a tensor of bytes.
pub(super) fn byte_quantization(tensor: &Tensor<'_>) -> Result<ByteQuantization, ImportError> {
    let name = tensor.name;
    if tensor.element != UINT8 {
        return Err(ImportError::Unsupported(format!("tensor {name} is not of type uint8, which is not supported")));
    }
    let Some(quantization) = tensor.quantization else {
        return Err(ImportError::Unsupported(format!("tensor {name} has no one scale, which is not supported")));
    };
    let zero_point = u8::try_from(quantization.zero_point).ok();
    match zero_point {
        Some(zero_point) if is_scale(quantization.scale) => {
            Ok(ByteQuantization { scale: quantization.scale, zero_point })
        }
        _ => Err(ImportError::Contradiction(format!("tensor {name} has a scale or zero point that cannot be"))),
    }
}

/// Far inside of what a float can hold, so that products of two are sound as well.
fn is_scale(scale: f32) -> bool {
    (1e-15..1e15).contains(&scale)
}

/// What a convolution is before it has a name and a place.
pub(super) fn read(model: &Model<'_>, operator: &Operator<'_>) -> Result<Layer, ImportError> {
    let ([Some(input), Some(kernel), Some(bias)], [output]) = (operator.inputs.as_slice(), operator.outputs.as_slice())
    else {
        return Err(ImportError::Unsupported(format!("operator {} without a bias is not supported", operator.code)));
    };
    let tensor = |index: usize| &model.tensors[index];
    let (input, kernel, bias, output) = (tensor(*input), tensor(*kernel), tensor(*bias), tensor(*output));
    let (input_shape, output_shape) = (shape_of_map(input)?, shape_of_map(output)?);
    let depthwise = operator.code == Code::DepthwiseConvolution;
    let (window, fused) = read_options(operator, kernel, depthwise)?;
    let contradiction = |problem: &str| ImportError::Contradiction(format!("convolution {} {problem}", output.name));
    let moved = (window.output(input_shape.height), window.output(input_shape.width));
    if moved != (Some(output_shape.height), Some(output_shape.width)) {
        return Err(contradiction("has an output of another size than its window makes"));
    }
    let groups = if depthwise { input_shape.channels } else { 1 };
    let kernel_values = ordered_kernel(kernel, depthwise, input_shape.channels, output_shape.channels)
        .ok_or_else(|| contradiction("has a kernel that does not fit its input and output"))?;
    if bias.element != INT32 || bias.data.len() != 4 * output_shape.channels {
        return Err(contradiction("has a bias that does not fit its output"));
    }
    let (input_quantization, kernel_quantization) = (byte_quantization(input)?, byte_quantization(kernel)?);
    let output_quantization = byte_quantization(output)?;
    let bias_scale = input_quantization.scale * kernel_quantization.scale;
    let is_theirs = |scale: f32| (scale - bias_scale).abs() <= SCALE_TOLERANCE * bias_scale;
    let bias_scale = match bias.quantization {
        Some(of_file) if of_file.zero_point == 0 && is_theirs(of_file.scale) => of_file.scale,
        _ => return Err(contradiction("has a bias whose scale is not that of its input times that of its kernel")),
    };
    Ok(Layer {
        name: String::new(),
        from: None,
        window,
        groups,
        input: input_shape,
        output: output_shape,
        kernel_shape: [output_shape.channels, input_shape.channels / groups, window.kernel, window.kernel],
        kernel: kernel_values,
        kernel_quantization,
        bias: bias.data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect(),
        bias_scale,
        activation: activation(fused, output_quantization)?,
        input_quantization,
        output_quantization,
    })
}

/// The window and the fused activation's number, from `Conv2DOptions` or `DepthwiseConv2DOptions`.
fn read_options(operator: &Operator<'_>, kernel: &Tensor<'_>, depthwise: bool) -> Result<(Window, u8), ImportError> {
    let code = operator.code;
    let unsupported = |what: &str| ImportError::Unsupported(format!("operator {code} with {what} is not supported"));
    let Some(options) = &operator.options else {
        return Err(ImportError::Contradiction(format!("operator {code} has no options")));
    };
    // DepthwiseConv2DOptions has its depth_multiplier in between.
    let (activation_field, dilation_field) = if depthwise { (4, 5) } else { (3, 4) };
    let size = |number, default, what| -> Result<usize, ImportError> {
        let value = options.i32(number, default, "the options of a convolution")?;
        let size = usize::try_from(value).ok().filter(|_| (1..=LARGEST_WINDOW).contains(&value));
        size.ok_or_else(|| ImportError::Contradiction(format!("operator {code} has a {what} of {value}")))
    };
    let (stride, stride_down) = (size(1, 0, "stride")?, size(2, 0, "stride")?);
    let (dilation, dilation_down) = (size(dilation_field, 1, "dilation")?, size(dilation_field + 1, 1, "dilation")?);
    let &[_, rows, columns, _] = kernel.shape.as_slice() else {
        return Err(unsupported("a kernel of other than four dimensions"));
    };
    if rows != columns || stride != stride_down || dilation != dilation_down {
        return Err(unsupported("a window that is not square"));
    }
    if rows == 0 || i32::try_from(rows).is_ok_and(|rows| rows > LARGEST_WINDOW) {
        return Err(unsupported("a kernel of that size"));
    }
    let padding = match options.u8(0, "the padding of a convolution")? {
        0 => Padding::Same,
        1 => Padding::Valid,
        _ => return Err(unsupported("a padding other than SAME and VALID")),
    };
    let window = Window { kernel: rows, stride, dilation, padding };
    Ok((window, options.u8(activation_field, "the activation of a convolution")?))
}

/// A kernel `[outputs, rows, columns, inputs]`, or `[1, rows, columns, outputs]` of a depthwise convolution, in ONNX's
/// order `[outputs, inputs seen, rows, columns]`. `None`: its shape or size is another.
fn ordered_kernel(kernel: &Tensor<'_>, depthwise: bool, inputs: usize, outputs: usize) -> Option<Vec<u8>> {
    let &[first, rows, columns, last] = kernel.shape.as_slice() else {
        return None;
    };
    let fits = if depthwise { (first, last) == (1, outputs) } else { (first, last) == (outputs, inputs) };
    let cells = rows.checked_mul(columns)?;
    let size = cells.checked_mul(first)?.checked_mul(last)?;
    if !fits || kernel.data.len() != size || !outputs.is_multiple_of(inputs) && depthwise {
        return None;
    }
    // Both are [first, cells, last]: for each of the first and the last all cells in a row.
    let in_order = (0..first).flat_map(|one| {
        (0..last).flat_map(move |other| (0..cells).map(move |cell| (one * cells + cell) * last + other))
    });
    Some(in_order.map(|index| kernel.data[index]).collect())
}

/// The activation that a layer has, or had before its range took it over: quantisation-aware training's converter drops
/// a ReLU6 whose output range begins at 0 and ends at about 6, for then the type's own ends do its work. A network of
/// floats needs it back.
fn activation(fused: u8, output: ByteQuantization) -> Result<Activation, ImportError> {
    let largest = output.scale * f32::from(u8::MAX);
    match fused {
        0 if output.zero_point > 0 => Ok(Activation::None),
        0 if largest <= 6.0 + output.scale => Ok(Activation::Relu6),
        0 | 1 => Ok(Activation::Relu),
        3 => Ok(Activation::Relu6),
        other => Err(ImportError::Unsupported(format!("activation number {other} of the schema is not supported"))),
    }
}
