//! Facts about our own files, the ones beside the repository, and bytes that are none.

use std::{path::PathBuf, sync::LazyLock};

use proptest::prelude::*;
use sightline_core::network::architectures::{Architecture, Parameters};

use super::*;
use crate::{Weights, write};

fn shared(path: &str) -> Option<Vec<u8>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = here.ancestors().map(|folder| folder.join("shared").join(path)).find(|file| file.exists());
    if file.is_none() {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no ../shared/{path} beside the repository\n"),
        );
    }
    Some(std::fs::read(file?).unwrap())
}

fn small() -> Vec<u8> {
    let parameters = Parameters { width: 0.0625, size: 32, classes: 2 };
    let network = Architecture::MobileNetV1.build(&parameters).unwrap();
    write(&network, &Weights::random(&network, 1)).unwrap()
}

#[test]
fn our_own_files_are_described() {
    for architecture in Architecture::ALL {
        let size = if architecture == Architecture::MobileNetV1 { 160 } else { 300 };
        let width = if architecture == Architecture::Ssd300Vgg16 { 1.0 } else { 0.25 };
        let network = architecture.build(&Parameters { width, size, classes: 3 }).unwrap();
        let facts = inspect(&write(&network, &Weights::random(&network, 1)).unwrap()).unwrap();
        // Batch normalisation has two values per channel, what it is folded to has one: the bias.
        let folded = network.layers.iter().filter(|layer| {
            matches!(layer.operation, sightline_core::network::Operation::Convolution(of) if of.batch_normalized)
        });
        let folded: usize = folded.map(|layer| layer.output.channels).sum();
        assert_eq!(facts.parameters, (network.parameters() - folded) as u64, "{}", network.name);
        assert_eq!(facts.multiply_adds, Some(network.multiply_adds()), "{}", network.name);
        assert_eq!(facts.inputs.len(), 1);
        let input = &facts.inputs[0];
        assert_eq!((input.name.as_str(), input.element), ("image", "uint8"));
        let dimensions: Vec<String> = input.dimensions.iter().map(ToString::to_string).collect();
        assert_eq!(dimensions, ["N".to_owned(), size.to_string(), size.to_string(), "3".to_owned()]);
        assert_eq!((facts.ir_version, facts.producer.as_str()), (8, "sightline"));
        assert_eq!(facts.operator_sets, [(String::new(), 13)]);
        assert_eq!(facts.operators.values().sum::<usize>(), facts.nodes);
        assert_eq!(facts.weights.to_string(), "float32");
    }
}

#[test]
fn the_reference_files_are_described() {
    // The numbers are those of ONNX's own shape inference. They differ: the float32 files' first layers are filled up with zeros from 24 to 32 channels.
    let (of_float32, of_int8) = (743_156_496, 728_036_496);
    for (name, multiply_adds, weights) in [
        ("ssd_mobilenet_v1_coco", Some(of_float32), "float32"),
        ("ssd_mobilenet_v1_coco_u8in", Some(of_float32), "float32"),
        ("ssd_mobilenet_v1_coco_nms", None, "float32"),
        ("ssd_mobilenet_v1_coco_int8_u8in", Some(of_int8), "int8 (QDQ)"),
        ("ssd_mobilenet_v1_coco_int8_u8in_sym", Some(of_int8), "int8 (QDQ)"),
        ("ssd_mobilenet_v1_coco_int8_u8in_u8w", Some(of_int8), "int8 (QDQ)"),
    ] {
        let Some(bytes) = shared(&format!("models/{name}.onnx")) else { return };
        let facts = inspect(&bytes).unwrap();
        assert_eq!(facts.multiply_adds, multiply_adds, "{name}");
        assert_eq!(facts.weights.to_string(), weights, "{name}");
        assert!((4_100_000..4_130_000).contains(&facts.parameters), "{name}: {}", facts.parameters);
        assert_eq!(facts.operators["Conv"], 47);
    }
}

/// The trained model costs what the architecture that it was built from costs.
#[test]
fn our_own_model_is_its_architecture() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/ssd-mobilenet-v1-sim/model_int8.onnx");
    let facts = inspect(&std::fs::read(file).unwrap()).unwrap();
    let network = Architecture::SsdMobileNetV1.build(&Parameters { width: 0.5, size: 300, classes: 6 }).unwrap();
    assert_eq!(facts.multiply_adds, Some(network.multiply_adds()));
    assert_eq!(facts.weights, WeightType::Int8Qdq);
    assert_eq!(facts.operators["Conv"], network.layers.len());
}

#[test]
fn an_operator_that_is_not_known_makes_no_wrong_number() {
    let mut model = ModelProto::decode(small().as_slice()).unwrap();
    assert!(inspect(&model.encode_to_vec()).unwrap().multiply_adds.is_some());
    let node = &mut model.graph.as_mut().unwrap().node[5];
    node.op_type = Some("SpaceToDepth".to_owned());
    assert_eq!(inspect(&model.encode_to_vec()).unwrap().multiply_adds, None);
    // A known name in somebody else's domain is another operator.
    let node = &mut model.graph.as_mut().unwrap().node[5];
    (node.op_type, node.domain) = (Some("Relu".to_owned()), Some("com.example".to_owned()));
    assert_eq!(inspect(&model.encode_to_vec()).unwrap().multiply_adds, None);
}

#[test]
fn what_is_no_model_is_refused() {
    for bytes in [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"TFL3 is something else", &[0xff; 64], &[0; 64]] {
        assert!(inspect(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let bytes = small();
    let step = 97;
    for end in (0..bytes.len()).step_by(step).chain(bytes.len().saturating_sub(64)..bytes.len()) {
        assert!(inspect(&bytes[..end]).is_err(), "cut to {end} of {} bytes", bytes.len());
    }
}

#[test]
fn a_shape_that_promises_more_than_there_is_is_refused() {
    let mut model = ModelProto::decode(small().as_slice()).unwrap();
    for dims in [vec![1 << 40], vec![i64::MAX, i64::MAX], vec![-1]] {
        model.graph.as_mut().unwrap().initializer[0].dims = dims;
        assert!(matches!(inspect(&model.encode_to_vec()), Err(OnnxError::Tensor { .. })));
    }
}

proptest! {
    /// Damaged bytes give facts or an error, never a panic.
    #[test]
    fn damage_never_panics(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..8),
        header in any::<bool>(),
    ) {
        static STRUCTURE: LazyLock<Vec<u8>> = LazyLock::new(structure);
        let mut bytes = STRUCTURE.clone();
        // Half of the damage to the beginning, where the nodes are.
        let reach = if header { 512 } else { bytes.len() };
        for (index, bit) in flips {
            bytes[index.index(reach)] ^= 1 << bit;
        }
        let _ = inspect(&bytes);
        let network = Architecture::MobileNetV1.build(&Parameters { width: 0.0625, size: 32, classes: 2 }).unwrap();
        let _ = Weights::read(&bytes, &network);
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = inspect(&bytes);
    }
}

/// A file whose weights are few, so that most of its bytes are structure.
fn structure() -> Vec<u8> {
    let mut model = ModelProto::decode(small().as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.retain(|tensor| tensor.dims.iter().product::<i64>() <= 64);
    graph.node.truncate(12);
    model.encode_to_vec()
}
