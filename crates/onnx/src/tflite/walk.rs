//! From the operators of a file to the layers of an SSD: which convolutions there are, which of them predict, and in
//! which order their outputs are put together.

use std::collections::BTreeMap;

use sightline_core::{
    anchors::GridSize,
    model::{BoxCoder, ScoreFunction},
};

use super::{
    error::ImportError,
    flexbuffer,
    layer::{self, ByteQuantization, Layer},
    naming,
    schema::{Code, Model, Operator, Tensor},
};

/// The name of the operator that an SSD ends in.
const POST_PROCESS: &str = "TFLite_Detection_PostProcess";

/// One of the head's two outputs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Output {
    /// The layers that predict it, in the order in which they are put together.
    pub(super) predictors: Vec<usize>,
    /// Values per default box.
    pub(super) values: usize,
    /// What all of them are brought to when put together.
    pub(super) quantization: ByteQuantization,
}

/// An SSD.
pub(super) struct Ssd<'a> {
    /// Each takes the output of an earlier one.
    pub(super) layers: Vec<Layer>,
    pub(super) boxes: Output,
    pub(super) classes: Output,
    pub(super) score: ScoreFunction,
    pub(super) background_class: Option<u16>,
    pub(super) box_coder: BoxCoder,
    pub(super) iou_threshold: Option<f32>,
    /// Cells and boxes per cell of each map, in the order of the outputs.
    pub(super) maps: Vec<(GridSize, usize)>,
    /// The file's default boxes: `[boxes, 4]` bytes, quantised.
    pub(super) anchors: &'a Tensor<'a>,
}

/// The SSD that the operators make.
pub(super) fn walk<'a>(model: &'a Model<'a>, file_size: usize) -> Result<Ssd<'a>, ImportError> {
    check_operators(model)?;
    let producers = producers(model)?;
    let (mut layers, layer_of) = read_layers(model, file_size)?;
    let finder = Finder { model, producers: &producers, layers: &layers, layer_of: &layer_of };
    let post_process = post_process(model)?;
    let [Some(boxes), Some(scores), Some(anchors)] = *post_process.inputs.as_slice() else {
        return Err(ImportError::Contradiction(format!("{POST_PROCESS} has not three inputs")));
    };
    let (score, logits) = match finder.producer(scores) {
        Some(Operator { code: Code::Logistic, inputs, .. }) => match *inputs.as_slice() {
            [Some(logits)] => (ScoreFunction::Sigmoid, logits),
            _ => return Err(ImportError::Contradiction("LOGISTIC has not one input".to_owned())),
        },
        _ => (ScoreFunction::Identity, scores),
    };
    let (boxes, classes) = (finder.output(boxes, "boxes")?, finder.output(logits, "scores")?);
    if boxes.values != 4 {
        return Err(ImportError::Contradiction(format!("a box has {} encodings instead of 4", boxes.values)));
    }
    let maps = maps(&layers, &boxes, &classes)?;
    let options = Options::read(post_process)?;
    let background_class = options.background_class(classes.values)?;
    naming::name_layers(&mut layers, &boxes.predictors, &classes.predictors);
    Ok(Ssd {
        layers,
        boxes,
        classes,
        score,
        background_class,
        box_coder: options.box_coder()?,
        iou_threshold: options.get("nms_iou_threshold").ok(),
        maps,
        anchors: &model.tensors[anchors],
    })
}

/// The first operator that is not known here says what kind of file it is.
fn check_operators(model: &Model<'_>) -> Result<(), ImportError> {
    for operator in &model.operators {
        match operator.code {
            Code::Custom(POST_PROCESS)
            | Code::Concatenation
            | Code::Convolution
            | Code::DepthwiseConvolution
            | Code::Logistic
            | Code::Reshape => {}
            other => return Err(ImportError::Unsupported(format!("operator {other} is not supported"))),
        }
    }
    Ok(())
}

fn post_process<'m, 'a>(model: &'m Model<'a>) -> Result<&'m Operator<'a>, ImportError> {
    match model.operators.split_last() {
        Some((last, others)) if last.code == Code::Custom(POST_PROCESS) => {
            let another = others.iter().any(|operator| operator.code == last.code);
            if another {
                Err(ImportError::Unsupported(format!("more than one {POST_PROCESS} is not supported")))
            } else {
                Ok(last)
            }
        }
        Some((last, _)) => Err(ImportError::Unsupported(format!("a file that ends in {} is not supported", last.code))),
        None => Err(ImportError::Unsupported("a file without operators is not supported".to_owned())),
    }
}

/// Which operator computes a tensor.
fn producers(model: &Model<'_>) -> Result<BTreeMap<usize, usize>, ImportError> {
    let mut producers = BTreeMap::new();
    for (index, operator) in model.operators.iter().enumerate() {
        for &output in &operator.outputs {
            if producers.insert(output, index).is_some() {
                let name = model.tensors[output].name;
                return Err(ImportError::Contradiction(format!("tensor {name} is computed twice")));
            }
        }
    }
    Ok(producers)
}

/// The convolutions in the order in which they run, and which tensor is the output of which.
fn read_layers(model: &Model<'_>, file_size: usize) -> Result<(Vec<Layer>, BTreeMap<usize, usize>), ImportError> {
    let [picture] = *model.inputs.as_slice() else {
        return Err(ImportError::Unsupported(format!("{} inputs are not supported, only one", model.inputs.len())));
    };
    let (mut layers, mut layer_of) = (Vec::new(), BTreeMap::new());
    let mut weights = 0;
    for operator in &model.operators {
        if !matches!(operator.code, Code::Convolution | Code::DepthwiseConvolution) {
            continue;
        }
        let mut layer = layer::read(model, operator)?;
        weights += layer.kernel.len() + 4 * layer.bias.len();
        if weights > file_size {
            return Err(ImportError::Unsupported("weights that several layers share are not supported".to_owned()));
        }
        let from = operator.inputs.first().copied().flatten();
        layer.from = match from.and_then(|from| layer_of.get(&from)) {
            Some(&index) => Some(index),
            None if from == Some(picture) => None,
            None => {
                let name = from.map_or("", |from| model.tensors[from].name);
                return Err(ImportError::Unsupported(format!(
                    "a convolution of {name}, which is neither the picture nor an earlier convolution's output, is not \
                     supported"
                )));
            }
        };
        layer_of.extend(operator.outputs.iter().map(|&output| (output, layers.len())));
        layers.push(layer);
    }
    Ok((layers, layer_of))
}

/// Finds its way from the end of a file towards its beginning.
struct Finder<'f, 'a> {
    model: &'f Model<'a>,
    producers: &'f BTreeMap<usize, usize>,
    layers: &'f [Layer],
    layer_of: &'f BTreeMap<usize, usize>,
}

impl<'f, 'a> Finder<'f, 'a> {
    fn producer(&self, tensor: usize) -> Option<&'f Operator<'a>> {
        self.producers.get(&tensor).map(|&index| &self.model.operators[index])
    }

    fn tensor(&self, index: usize) -> &'f Tensor<'a> {
        &self.model.tensors[index]
    }

    /// The tensor before all reshapes. They keep the order of the values, so only their ends matter.
    fn before_reshapes(&self, tensor: usize) -> Result<usize, ImportError> {
        let mut tensor = tensor;
        // No more reshapes than operators: a circle ends.
        for _ in &self.model.operators {
            match self.producer(tensor) {
                Some(Operator { code: Code::Reshape, inputs, .. }) => {
                    let Some(&Some(before)) = inputs.first() else {
                        return Err(ImportError::Contradiction("RESHAPE has no input".to_owned()));
                    };
                    tensor = before;
                }
                _ => return Ok(tensor),
            }
        }
        Err(ImportError::Contradiction("the operators run in a circle".to_owned()))
    }

    /// One of the head's outputs: predictors, reshaped, put together, reshaped.
    fn output(&self, tensor: usize, what: &str) -> Result<Output, ImportError> {
        let &values = self.tensor(tensor).shape.last().unwrap_or(&0);
        let together = self.before_reshapes(tensor)?;
        let Some(Operator { code: Code::Concatenation, inputs, options, .. }) = self.producer(together) else {
            return Err(ImportError::Unsupported(format!(
                "{what} that are not put together by CONCATENATION are not supported"
            )));
        };
        let axis = options.as_ref().map_or(Ok(0), |options| options.i32(0, 0, "the axis of a concatenation"))?;
        let fused = options.as_ref().map_or(Ok(0), |options| options.u8(1, "the activation of a concatenation"))?;
        if fused != 0 {
            return Err(ImportError::Unsupported("CONCATENATION with an activation is not supported".to_owned()));
        }
        let mut predictors = Vec::with_capacity(inputs.len());
        for input in inputs {
            let input = input.ok_or_else(|| ImportError::Contradiction("CONCATENATION lacks an input".to_owned()))?;
            predictors.push(self.predictor(input, values, axis, what)?);
        }
        let quantization = layer::byte_quantization(self.tensor(together))?;
        Ok(Output { predictors, values, quantization })
    }

    /// The convolution that predicts one part of an output.
    fn predictor(&self, part: usize, values: usize, axis: i32, what: &str) -> Result<usize, ImportError> {
        let name = self.tensor(part).name;
        let Some(&index) = self.layer_of.get(&self.before_reshapes(part)?) else {
            return Err(ImportError::Unsupported(format!(
                "{what} ({name}) that no convolution predicts are not supported"
            )));
        };
        let layer = &self.layers[index];
        let boxes = layer.output.height * layer.output.width * (layer.output.channels / values.max(1));
        let sound = values > 0 && layer.output.channels.is_multiple_of(values);
        // [1, boxes, values] or [1, boxes, 1, values], put together along the boxes.
        let rows: &[usize] = &self.tensor(part).shape;
        if !sound || axis != 1 || !(rows == [1, boxes, values] || rows == [1, boxes, 1, values]) {
            return Err(ImportError::Unsupported(format!(
                "{what} ({name}) of shape {rows:?} put together along axis {axis} are not supported"
            )));
        }
        Ok(index)
    }
}

/// The feature maps, on which both outputs have to agree.
fn maps(layers: &[Layer], boxes: &Output, classes: &Output) -> Result<Vec<(GridSize, usize)>, ImportError> {
    let of = |output: &Output| -> Vec<(GridSize, usize)> {
        let map = |&index: &usize| {
            let shape = layers[index].output;
            (GridSize { rows: shape.height, columns: shape.width }, shape.channels / output.values)
        };
        output.predictors.iter().map(map).collect()
    };
    let maps = of(boxes);
    if maps != of(classes) {
        return Err(ImportError::Contradiction("boxes and scores are not those of the same default boxes".to_owned()));
    }
    Ok(maps)
}

/// What the post-processing was given.
struct Options<'a>(BTreeMap<&'a str, f64>);

impl<'a> Options<'a> {
    fn read(post_process: &Operator<'a>) -> Result<Self, ImportError> {
        Ok(Self(flexbuffer::numbers(post_process.custom_options)?))
    }

    fn get(&self, option: &str) -> Result<f32, ImportError> {
        let value = self.0.get(option).map(|&value| value as f32).filter(|value| value.is_finite());
        value.ok_or_else(|| ImportError::Contradiction(format!("{POST_PROCESS} has no {option}")))
    }

    fn box_coder(&self) -> Result<BoxCoder, ImportError> {
        let scale = |option| {
            let scale = self.get(option)?;
            let positive = (scale > 0.0).then_some(scale);
            positive.ok_or_else(|| ImportError::Contradiction(format!("{POST_PROCESS} has a {option} of {scale}")))
        };
        Ok(BoxCoder { y: scale("y_scale")?, x: scale("x_scale")?, height: scale("h_scale")?, width: scale("w_scale")? })
    }

    /// Class 0, if there is one logit more than there are classes: that is how the operator itself decides.
    fn background_class(&self, logits: usize) -> Result<Option<u16>, ImportError> {
        let classes = self.get("num_classes")?;
        match logits as f32 - classes {
            0.0 => Ok(None),
            1.0 => Ok(Some(0)),
            _ => Err(ImportError::Contradiction(format!("there are {logits} logits for {classes} classes"))),
        }
    }
}
