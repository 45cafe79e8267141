//! The shape of a node's output from those of its inputs, for the operators that detectors are made of. Source: ONNX's
//! operator definitions, sets 13 to 17. `None`: an operator, an option or a combination that is not known here.

use super::attributes::{Node, axis};

/// More dimensions than any tensor here has.
const MOST_DIMENSIONS: usize = 8;

/// The shape of the node's first output.
pub(super) fn infer(node: Node<'_>, inputs: &[&[u64]]) -> Option<Vec<u64>> {
    if node.proto.op_type() == "Constant" {
        return constant(node);
    }
    let first = *inputs.first()?;
    if first.len() > MOST_DIMENSIONS {
        return None;
    }
    match node.proto.op_type() {
        "Relu" | "Clip" | "Sigmoid" | "Softmax" | "LogSoftmax" | "Tanh" | "Exp" | "Log" | "Sqrt" | "Abs" | "Neg"
        | "LeakyRelu" | "HardSigmoid" | "HardSwish" | "Cast" | "Identity" | "BatchNormalization" | "QuantizeLinear"
        | "DequantizeLinear" => Some(first.to_vec()),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Sum" => {
            inputs.iter().try_fold(Vec::new(), |shape, input| broadcast(&shape, input))
        }
        "Conv" => convolution(node, first, inputs.get(1)?),
        "MaxPool" | "AveragePool" => pooling(node, first),
        "GlobalAveragePool" | "GlobalMaxPool" => {
            let spatial = first.len().checked_sub(2)?;
            Some(first.iter().take(2).copied().chain(vec![1; spatial]).collect())
        }
        "ReduceL2" | "ReduceMean" | "ReduceMax" | "ReduceSum" => reduction(node, first),
        "Gemm" | "MatMul" => product(node, inputs),
        "Transpose" => transposition(node, first),
        "Reshape" => reshape(node, first),
        "Flatten" => flatten(node, first),
        "Concat" => concatenation(node, inputs),
        "Slice" => slice(node, first),
        "Pad" => padding(node, first),
        _ => None,
    }
}

fn constant(node: Node<'_>) -> Option<Vec<u64>> {
    let tensor = node.proto.attribute.iter().find_map(|attribute| attribute.t.as_ref())?;
    Some(tensor.shape()?.into_iter().map(|dimension| dimension as u64).collect())
}

/// Dimensions are matched from the last; one of 1 stretches.
fn broadcast(one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    let rank = one.len().max(other.len());
    let of =
        |shape: &[u64], position: usize| (position + shape.len()).checked_sub(rank).map_or(1, |index| shape[index]);
    let dimension = |position| match (of(one, position), of(other, position)) {
        (a, b) if a == b => Some(a),
        (1, size) | (size, 1) => Some(size),
        _ => None,
    };
    (0..rank).map(dimension).collect()
}

fn convolution(node: Node<'_>, input: &[u64], kernel: &[u64]) -> Option<Vec<u64>> {
    if kernel.len() != input.len() || input.len() < 3 {
        return None;
    }
    let groups = u64::try_from(node.integer("group", 1)).ok()?;
    if kernel[1].checked_mul(groups)? != input[1] {
        return None;
    }
    let spatial = windows(node, &input[2..], &kernel[2..])?;
    Some([input[0], kernel[0]].into_iter().chain(spatial).collect())
}

fn pooling(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let spatial = input.get(2..)?;
    let kernel = node.sizes("kernel_shape", spatial.len(), 0, 1)?;
    Some(input.iter().take(2).copied().chain(windows(node, spatial, &kernel)?).collect())
}

/// How many positions a window has along each axis.
fn windows(node: Node<'_>, input: &[u64], kernel: &[u64]) -> Option<Vec<u64>> {
    let axes = input.len();
    let strides = node.sizes("strides", axes, 1, 1)?;
    let dilations = node.sizes("dilations", axes, 1, 1)?;
    let pads = node.sizes("pads", axes.checked_mul(2)?, 0, 0)?;
    let round_up = node.integer("ceil_mode", 0) != 0;
    let positions = |position: usize| -> Option<u64> {
        let stride = strides[position];
        let reach = kernel[position].checked_sub(1)?.checked_mul(dilations[position])?.checked_add(1)?;
        let padded = match node.text("auto_pad").unwrap_or(b"NOTSET") {
            b"SAME_UPPER" | b"SAME_LOWER" => return Some(input[position].div_ceil(stride)),
            b"VALID" => input[position],
            b"NOTSET" => input[position].checked_add(pads[position])?.checked_add(pads[position + axes])?,
            _ => return None,
        };
        let room = padded.checked_sub(reach)?;
        (if round_up { room.div_ceil(stride) } else { room / stride }).checked_add(1)
    };
    (0..axes).map(positions).collect()
}

fn reduction(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    // The axes are an attribute in older operator sets and an input in newer ones.
    let axes = match (node.integers("axes"), node.input(1)) {
        (Some(axes), None) => axes,
        (None, Some(_)) => node.constant(1)?,
        _ => return None,
    };
    let keep = node.integer("keepdims", 1) != 0;
    let axes: Vec<usize> = axes.into_iter().map(|of| axis(of, input.len())).collect::<Option<_>>()?;
    let kept = |(position, &size): (usize, &u64)| match (axes.contains(&position), keep) {
        (false, _) => Some(size),
        (true, true) => Some(1),
        (true, false) => None,
    };
    Some(input.iter().enumerate().filter_map(kept).collect())
}

/// The dimension over which Gemm and `MatMul` add up.
pub(super) fn summed_dimension(node: Node<'_>, inputs: &[&[u64]]) -> Option<u64> {
    let transposed = node.proto.op_type() == "Gemm" && node.integer("transA", 0) != 0;
    let one = *inputs.first()?;
    if transposed { one.first().copied() } else { one.last().copied() }
}

fn product(node: Node<'_>, inputs: &[&[u64]]) -> Option<Vec<u64>> {
    let (&one, &other) = (inputs.first()?, inputs.get(1)?);
    let is_gemm = node.proto.op_type() == "Gemm";
    if one.len() < 2 || other.len() < 2 || (is_gemm && (one.len(), other.len()) != (2, 2)) {
        return None;
    }
    let matrix = |shape: &[u64], transposed: bool| {
        let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        if transposed { (columns, rows) } else { (rows, columns) }
    };
    let (rows, summed) = matrix(one, is_gemm && node.integer("transA", 0) != 0);
    let (other_summed, columns) = matrix(other, is_gemm && node.integer("transB", 0) != 0);
    if summed != other_summed {
        return None;
    }
    let mut shape = broadcast(&one[..one.len() - 2], &other[..other.len() - 2])?;
    shape.extend([rows, columns]);
    Some(shape)
}

fn transposition(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let Some(order) = node.integers("perm") else {
        return Some(input.iter().rev().copied().collect());
    };
    let order: Vec<usize> = order.into_iter().map(|of| axis(of, input.len())).collect::<Option<_>>()?;
    let is_permutation = order.len() == input.len() && (0..input.len()).all(|position| order.contains(&position));
    is_permutation.then(|| order.into_iter().map(|from| input[from]).collect())
}

fn reshape(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let wanted = node.constant(1)?;
    if wanted.len() > MOST_DIMENSIONS || node.integer("allowzero", 0) != 0 {
        return None;
    }
    let (mut shape, mut free) = (Vec::new(), None);
    for (position, &size) in wanted.iter().enumerate() {
        match size {
            -1 if free.is_none() => {
                free = Some(position);
                shape.push(1);
            }
            0 => shape.push(*input.get(position)?),
            _ => shape.push(u64::try_from(size).ok()?),
        }
    }
    let values = count(input)?;
    let Some(free) = free else {
        return (count(&shape)? == values).then_some(shape);
    };
    let others = count(&shape)?;
    if others == 0 || values % others != 0 {
        return None;
    }
    shape[free] = values / others;
    Some(shape)
}

fn count(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size))
}

fn flatten(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let at = node.integer("axis", 1);
    let at = if usize::try_from(at) == Ok(input.len()) { input.len() } else { axis(at, input.len())? };
    Some(vec![count(&input[..at])?, count(&input[at..])?])
}

fn concatenation(node: Node<'_>, inputs: &[&[u64]]) -> Option<Vec<u64>> {
    let (first, others) = inputs.split_first()?;
    // An axis that the file does not name is none: it has no default.
    let along = axis(node.integer("axis", i64::MAX), first.len())?;
    let mut shape = first.to_vec();
    for other in others {
        if other.len() != shape.len() {
            return None;
        }
        let agree = (0..shape.len()).all(|position| position == along || shape[position] == other[position]);
        if !agree {
            return None;
        }
        shape[along] = shape[along].checked_add(other[along])?;
    }
    Some(shape)
}

fn slice(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let (starts, ends) = (node.constant(1)?, node.constant(2)?);
    let axes = match node.input(3) {
        Some(_) => node.constant(3)?,
        None => (0..i64::try_from(starts.len()).ok()?).collect(),
    };
    let steps = match node.input(4) {
        Some(_) => node.constant(4)?,
        None => vec![1; starts.len()],
    };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return None;
    }
    let mut shape = input.to_vec();
    for (((start, end), of), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let at = axis(of, input.len())?;
        let size = i64::try_from(input[at]).ok()?;
        // Backwards is not met here.
        let step = u64::try_from(step).ok().filter(|&step| step > 0)?;
        let within = |position: i64| {
            let from_start = if position < 0 { position.saturating_add(size) } else { position };
            from_start.clamp(0, size)
        };
        let taken = u64::try_from((within(end) - within(start)).max(0)).ok()?;
        shape[at] = taken.div_ceil(step);
    }
    Some(shape)
}

fn padding(node: Node<'_>, input: &[u64]) -> Option<Vec<u64>> {
    let pads = node.constant(1)?;
    // Since operator set 18 it may be for some axes alone.
    if node.input(3).is_some() || pads.len() != input.len().checked_mul(2)? {
        return None;
    }
    let (before, after) = pads.split_at(input.len());
    let padded = |((&size, &before), &after): ((&u64, &i64), &i64)| {
        let size = i64::try_from(size).ok()?.checked_add(before)?.checked_add(after)?;
        u64::try_from(size).ok()
    };
    input.iter().zip(before).zip(after).map(padded).collect()
}
