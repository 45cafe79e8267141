//! The weights of a network: drawn at random, or read from an ONNX file of the same layers.

use std::{collections::BTreeMap, f64::consts::TAU};

use fastrand::Rng;
use prost::Message as _;
use sightline_core::network::{Activation, Channels, Convolution, Layer, Network, Operation};

use crate::{
    OnnxError,
    proto::{ModelProto, TensorProto},
};

/// Standard deviation of a predictor's random kernel: small, so that training starts from undecided scores.
const PREDICTOR_DEVIATION: f64 = 0.01;
/// What L2 normalisation's scale starts from: Liu et al., arXiv 1512.02325, section 3.1.
const L2_SCALE: f32 = 20.0;

/// The learnt values of one layer.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerWeights {
    /// Of a convolution, batch normalisation folded in.
    Convolution {
        /// `[outputs, inputs seen, rows, columns]`
        kernel: Vec<f32>,
        /// `[outputs]`
        bias: Vec<f32>,
    },
    /// Of L2 normalisation: `[channels]`.
    Scale(Vec<f32>),
}

/// The learnt values of a network, by the names of its layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, LayerWeights>);

impl Weights {
    /// Those of the given layers.
    #[must_use]
    pub const fn new(layers: BTreeMap<String, LayerWeights>) -> Self {
        Self(layers)
    }

    /// Those of one layer.
    #[must_use]
    pub fn of(&self, layer: &str) -> Option<&LayerWeights> {
        self.0.get(layer)
    }

    /// Random ones, the same for the same seed. Kernels before an activation are normal with variance 2 / inputs (He
    /// et al., arXiv 1502.01852), so that signals keep their size through the layers; biases are 0.
    #[must_use]
    pub fn random(network: &Network, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut layers = BTreeMap::new();
        for layer in &network.layers {
            let weights = match layer.operation {
                Operation::Convolution(convolution) => {
                    let values = layer.kernel_values();
                    let inputs_of_an_output = values / convolution.outputs.max(1);
                    let deviation = match convolution.activation {
                        Activation::None => PREDICTOR_DEVIATION,
                        Activation::Relu | Activation::Relu6 => (2.0 / inputs_of_an_output as f64).sqrt(),
                    };
                    let kernel = (0..values).map(|_| (normal(&mut random) * deviation) as f32).collect();
                    LayerWeights::Convolution { kernel, bias: vec![0.0; convolution.outputs] }
                }
                Operation::L2Normalization => LayerWeights::Scale(vec![L2_SCALE; layer.input.channels]),
                Operation::MaximumPooling(_) | Operation::GlobalAveragePooling | Operation::Softmax => continue,
            };
            layers.insert(layer.name.clone(), weights);
        }
        Self(layers)
    }

    /// Those of an ONNX file: the initialisers `LAYER_kernel` and `LAYER_bias` (`LAYER_scale` for L2 normalisation).
    /// The input size does not matter: weights learnt at one serve at another.
    ///
    /// # Errors
    /// When the bytes are no ONNX file, or for every layer whose weights are missing or of another shape.
    pub fn read(bytes: &[u8], network: &Network) -> Result<Self, OnnxError> {
        let model = ModelProto::decode(bytes).map_err(|error| OnnxError::NotOnnx(error.to_string()))?;
        let graph = model.graph.ok_or(OnnxError::NotAModel("it has no graph"))?;
        let initializers: BTreeMap<&str, &TensorProto> =
            graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        let mut layers = BTreeMap::new();
        let mut problems = Vec::new();
        for layer in &network.layers {
            match read_layer(layer, &initializers) {
                Ok(None) => {}
                Ok(Some(weights)) => {
                    layers.insert(layer.name.clone(), weights);
                }
                Err(of_layer) => problems.extend(of_layer),
            }
        }
        if !problems.is_empty() {
            return Err(OnnxError::Weights { network: network.name.clone(), problems });
        }
        Ok(Self(layers))
    }
}

/// The weights of one layer; `None`: it has none. The error is every problem of its tensors.
fn read_layer(layer: &Layer, initializers: &BTreeMap<&str, &TensorProto>) -> Result<Option<LayerWeights>, Vec<String>> {
    match layer.operation {
        Operation::Convolution(convolution) => {
            let kernel = read_tensor(&kernel_name(layer), &kernel_shape(layer, convolution), initializers);
            let bias = read_tensor(&bias_name(layer), &[convolution.outputs], initializers);
            match (kernel, bias) {
                (Ok(kernel), Ok(bias)) => Ok(Some(LayerWeights::Convolution { kernel, bias })),
                (kernel, bias) => Err([kernel.err(), bias.err()].into_iter().flatten().collect()),
            }
        }
        Operation::L2Normalization => {
            let scale = read_tensor(&scale_name(layer), &scale_shape(layer), initializers);
            scale.map(|scale| Some(LayerWeights::Scale(scale))).map_err(|problem| vec![problem])
        }
        Operation::MaximumPooling(_) | Operation::GlobalAveragePooling | Operation::Softmax => Ok(None),
    }
}

fn read_tensor(name: &str, shape: &[usize], initializers: &BTreeMap<&str, &TensorProto>) -> Result<Vec<f32>, String> {
    let Some(tensor) = initializers.get(name) else {
        return Err(format!("{name} is missing"));
    };
    if tensor.shape().as_deref() != Some(shape) {
        return Err(format!("{name} has shape {:?}, not {shape:?}", tensor.dims));
    }
    tensor.to_floats().map_err(|error| error.to_string())
}

pub(crate) fn kernel_name(layer: &Layer) -> String {
    format!("{}_kernel", layer.name)
}

pub(crate) fn bias_name(layer: &Layer) -> String {
    format!("{}_bias", layer.name)
}

pub(crate) fn scale_name(layer: &Layer) -> String {
    format!("{}_scale", layer.name)
}

/// `[outputs, inputs seen, rows, columns]`
pub(crate) const fn kernel_shape(layer: &Layer, convolution: Convolution) -> [usize; 4] {
    let seen = match convolution.channels {
        Channels::All => layer.input.channels,
        Channels::Own => 1,
    };
    [convolution.outputs, seen, convolution.window.kernel, convolution.window.kernel]
}

/// `[1, channels, 1, 1]`, so that it multiplies a feature map as it is.
pub(crate) const fn scale_shape(layer: &Layer) -> [usize; 4] {
    [1, layer.input.channels, 1, 1]
}

/// A draw from the normal distribution of mean 0 and variance 1 (Box and Muller, 1958).
fn normal(random: &mut Rng) -> f64 {
    // From above 0 up to 1: the logarithm of 0 is none.
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (TAU * random.f64()).cos()
}

#[cfg(test)]
mod tests {
    use sightline_core::network::architectures::{Architecture, Parameters};

    use super::*;
    use crate::write;

    fn build(architecture: Architecture, width: f64, size: usize, classes: usize) -> Network {
        architecture.build(&Parameters { width, size, classes }).unwrap()
    }

    #[test]
    fn random_weights_have_their_variance_and_depend_on_the_seed_alone() {
        let network = build(Architecture::MobileNetV1, 0.5, 64, 10);
        let weights = Weights::random(&network, 7);
        assert_eq!(weights, Weights::random(&network, 7));
        assert_ne!(weights, Weights::random(&network, 8));
        let Some(LayerWeights::Convolution { kernel, bias }) = weights.of("block_13_pointwise") else {
            panic!("no such layer");
        };
        let mean = kernel.iter().map(|&value| f64::from(value)).sum::<f64>() / kernel.len() as f64;
        let variance = kernel.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / kernel.len() as f64;
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!((variance / (2.0 / 512.0) - 1.0).abs() < 0.02, "{variance}");
        assert!(bias.iter().all(|&value| value == 0.0));
    }

    #[test]
    fn as_many_values_as_the_network_has_kernels_and_biases() {
        for architecture in Architecture::ALL {
            let width = if architecture == Architecture::Ssd300Vgg16 { 1.0 } else { 0.5 };
            let network = build(architecture, width, 300, 21);
            let weights = Weights::random(&network, 0);
            for layer in &network.layers {
                match weights.of(&layer.name) {
                    Some(LayerWeights::Convolution { kernel, bias }) => {
                        assert_eq!((kernel.len(), bias.len()), (layer.kernel_values(), layer.output.channels));
                    }
                    Some(LayerWeights::Scale(scale)) => assert_eq!(scale.len(), layer.parameters()),
                    None => assert_eq!(layer.parameters(), 0, "{}", layer.name),
                }
            }
        }
    }

    #[test]
    fn weights_of_one_input_size_serve_at_another() {
        let small = build(Architecture::Ssd300Vgg16, 1.0, 300, 3);
        let weights = Weights::random(&small, 1);
        let bytes = write(&small, &weights).unwrap();
        let large = build(Architecture::Ssd300Vgg16, 1.0, 512, 3);
        assert_eq!(Weights::read(&bytes, &large).unwrap(), weights);
    }

    #[test]
    fn every_layer_that_does_not_fit_is_named() {
        let written = build(Architecture::SsdMobileNetV1, 0.25, 160, 4);
        let bytes = write(&written, &Weights::random(&written, 1)).unwrap();
        let other_classes = build(Architecture::SsdMobileNetV1, 0.25, 160, 7);
        let error = Weights::read(&bytes, &other_classes).unwrap_err();
        let OnnxError::Weights { problems, .. } = &error else { panic!("{error}") };
        assert_eq!(problems.len(), 12, "{problems:#?}");
        assert!(
            error.to_string().contains("predictor_0_classes_kernel has shape [12, 128, 1, 1], not [21, 128, 1, 1]")
        );
        let vgg = build(Architecture::Ssd300Vgg16, 1.0, 300, 4);
        let error = Weights::read(&bytes, &vgg).unwrap_err().to_string();
        assert!(error.contains("conv1_1_kernel is missing") && error.contains("conv4_3_normalized_scale is missing"));
    }

    #[test]
    fn what_is_no_onnx_file_is_refused() {
        let network = build(Architecture::MobileNetV1, 0.25, 64, 2);
        assert!(matches!(Weights::read(b"\x89PNG\r\n", &network), Err(OnnxError::NotOnnx(_))));
        assert!(matches!(Weights::read(b"", &network), Err(OnnxError::NotAModel(_))));
    }
}
