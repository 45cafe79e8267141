//! A graph's inputs and outputs held against a model's specification.

use sightline_core::{
    model::{Head, ModelSpec, TensorLayout},
    tensor::ElementType,
};

/// One input or output as the graph declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Port {
    pub name: String,
    /// `None`: no tensor.
    pub element: Option<Element>,
    /// -1 where the graph leaves it open.
    pub shape: Vec<i64>,
}

/// What a tensor is made of, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    U8,
    F32,
    I32,
    I64,
    /// Anything else, as its library calls it.
    Other(String),
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::Other(name) => name,
        })
    }
}

/// The batch that the graph is fixed to, if it is.
pub(crate) fn fixed_batch(inputs: &[Port]) -> Option<usize> {
    let batch = *inputs.first()?.shape.first()?;
    usize::try_from(batch).ok().filter(|batch| *batch > 0)
}

/// Everything in which the graph differs from the specification; empty when it fits.
pub(crate) fn differences(spec: &ModelSpec, inputs: &[Port], outputs: &[Port]) -> Vec<String> {
    let mut differences = input_differences(spec, inputs);
    let names = spec.head.output_names();
    for (name, expected) in names.into_iter().zip(expected_outputs(spec)) {
        let Some(output) = outputs.iter().find(|output| output.name == name) else {
            differences.push(format!("the graph has no output \"{name}\", only {}", names_of(outputs)));
            continue;
        };
        let readable = [Element::F32, Element::I32, Element::I64];
        if !output.element.as_ref().is_some_and(|element| readable.contains(element)) {
            let found = described_element(output.element.as_ref());
            differences.push(format!("output \"{name}\" is of type {found}, expected float32, int32 or int64"));
        }
        // A graph may leave a shape wholly open; the warm-up run tells then.
        if !output.shape.is_empty() {
            differences.extend(shape_difference("output", name, &output.shape, &expected));
        }
    }
    differences
}

/// The same for the shapes that a run really gave, in the order of [`Head::output_names`].
pub(crate) fn run_differences(spec: &ModelSpec, shapes: &[Vec<usize>]) -> Vec<String> {
    let names = spec.head.output_names();
    let all = names.into_iter().zip(shapes).zip(expected_outputs(spec));
    let signed = |shape: &[usize]| -> Vec<i64> { shape.iter().map(|&side| side.try_into().unwrap_or(-1)).collect() };
    all.filter_map(|((name, shape), expected)| shape_difference("output", name, &signed(shape), &expected)).collect()
}

/// The part of [`differences`] that is about the input.
pub(crate) fn input_differences(spec: &ModelSpec, inputs: &[Port]) -> Vec<String> {
    let mut differences = Vec::new();
    let [input] = inputs else {
        return vec![format!("the graph has {} inputs ({}), expected one", inputs.len(), names_of(inputs))];
    };
    if let Some(wanted) = spec.input.name.as_ref().filter(|wanted| **wanted != input.name) {
        differences.push(format!("the graph's input is \"{}\", expected \"{wanted}\"", input.name));
    }
    let wanted = match spec.input.element {
        ElementType::U8 => Element::U8,
        ElementType::F32 => Element::F32,
    };
    if input.element.as_ref() != Some(&wanted) {
        let found = described_element(input.element.as_ref());
        differences.push(format!("input \"{}\" is of type {found}, expected {wanted}", input.name));
    }
    let (height, width) = (Dim::Is("height", spec.input.height), Dim::Is("width", spec.input.width));
    let channels = Dim::Is("channels", spec.input.layout.channels());
    let expected = match spec.input.layout {
        TensorLayout::Nchw => [Dim::Any("N"), channels, height, width],
        TensorLayout::Nhwc | TensorLayout::NhwcPadded => [Dim::Any("N"), height, width, channels],
    };
    differences.extend(shape_difference("input", &input.name, &input.shape, &expected));
    differences
}

#[derive(Clone, Copy)]
enum Dim {
    Any(&'static str),
    Is(&'static str, usize),
}

/// The shapes of the head's outputs, in the order of [`Head::output_names`].
fn expected_outputs(spec: &ModelSpec) -> Vec<Vec<Dim>> {
    let batch = Dim::Any("N");
    let rows = Dim::Any("M");
    let coordinates = Dim::Is("coordinates", 4);
    match &spec.head {
        Head::RawSsd { anchors, .. } => {
            let anchors = Dim::Is("anchors", anchors.len());
            let classes = Dim::Is("labels", spec.labels.len());
            vec![vec![batch, anchors, coordinates], vec![batch, anchors, classes]]
        }
        // The count is [N] or [N, 1]: decoding takes both.
        Head::InGraphNms { .. } => vec![vec![batch, rows, coordinates], vec![batch, rows], vec![batch, rows], vec![]],
        Head::DetectionOutput { .. } => vec![vec![Dim::Is("", 1), Dim::Is("", 1), rows, Dim::Is("fields", 7)]],
        Head::Classifier { .. } => vec![vec![batch, Dim::Is("labels", spec.labels.len())]],
    }
}

/// `None` when `found` fits `expected`; everything fits an expectation of no dimensions.
fn shape_difference(what: &str, name: &str, found: &[i64], expected: &[Dim]) -> Option<String> {
    if expected.is_empty() {
        return None;
    }
    let fits = |(found, expected): (&i64, &Dim)| match expected {
        Dim::Any(_) => true,
        Dim::Is(_, wanted) => *found < 0 || usize::try_from(*found) == Ok(*wanted),
    };
    if found.len() == expected.len() && found.iter().zip(expected).all(fits) {
        return None;
    }
    let one = |dim: &Dim| match dim {
        Dim::Any(letter) => (*letter).to_owned(),
        Dim::Is("", wanted) => wanted.to_string(),
        Dim::Is(meaning, wanted) => format!("{wanted} {meaning}"),
    };
    let expected = expected.iter().map(one).collect::<Vec<_>>().join(", ");
    Some(format!("{what} \"{name}\" has shape {found:?}, expected [{expected}]"))
}

fn described_element(element: Option<&Element>) -> String {
    element.map_or_else(|| "no tensor".into(), |element| element.to_string())
}

fn names_of(ports: &[Port]) -> String {
    if ports.is_empty() {
        return "none".into();
    }
    ports.iter().map(|port| format!("\"{}\"", port.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
