use super::*;
use crate::proto::ValueInfoProto;

fn node(operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: Some(operator.to_owned()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..NodeProto::default()
    }
}

/// A depthwise layer of 16 channels between quantised tensors, and its result as an output that is joined from one part.
fn model() -> ModelProto {
    let constant =
        |name: &str, data_type, shape: &[usize], bytes: &[u8]| TensorProto::raw(name, data_type, shape, bytes.to_vec());
    let axis = || vec![integer("axis", 0)];
    let bias_scales = [0.5f32 * 0.25; 16];
    let node = vec![
        node("DequantizeLinear", &["image", "image_s", "image_z"], "x", vec![]),
        node("DequantizeLinear", &["w_q", "w_s", "w_z"], "w", axis()),
        node("DequantizeLinear", &["b_q", "b_s", "b_z"], "b", axis()),
        node(
            "Conv",
            &["x", "w", "b"],
            "conv",
            vec![
                integer("group", 16),
                integers("pads", &[1; 4]),
                integers("strides", &[2, 2]),
                integers("kernel_shape", &[3, 3]),
            ],
        ),
        node("QuantizeLinear", &["conv", "conv_s", "conv_z"], "conv_q", vec![]),
        node("Reshape", &["conv_q", "rows_of_4"], "rows", vec![]),
        node("DequantizeLinear", &["rows", "conv_s", "conv_z"], "floats", vec![]),
        node("Concat", &["floats"], "boxes", vec![integer("axis", 1)]),
    ];
    let initializer = vec![
        TensorProto::floats("image_s", &[], &[0.5]),
        constant("image_z", data_type::UINT8, &[], &[7]),
        constant("w_q", data_type::INT8, &[16, 1, 3, 3], &[1; 144]),
        TensorProto::floats("w_s", &[16], &[0.25; 16]),
        constant("w_z", data_type::INT8, &[16], &[0; 16]),
        constant("b_q", data_type::INT32, &[16], &[1; 64]),
        TensorProto::floats("b_s", &[16], &bias_scales),
        constant("b_z", data_type::INT32, &[16], &[0; 64]),
        TensorProto::floats("conv_s", &[], &[2.0]),
        constant("conv_z", data_type::UINT8, &[], &[3]),
        TensorProto::integers("rows_of_4", &[0, -1, 4]),
    ];
    let output = vec![ValueInfoProto { name: Some("boxes".to_owned()), r#type: None }];
    ModelProto {
        graph: Some(GraphProto { node, initializer, output, ..GraphProto::default() }),
        ..ModelProto::default()
    }
}

/// How many operators of ours there are after `change`: of layers and of outputs.
fn own(change: impl Fn(&mut GraphProto)) -> [usize; 2] {
    let mut model = model();
    change(model.graph.as_mut().unwrap());
    take_over(&mut model);
    let nodes = model.graph.unwrap().node;
    let of = |name: &str| nodes.iter().filter(|node| node.op_type() == name).count();
    [of(operators::convolution::node::NAME), of(operators::joined_output::NAME)]
}

#[test]
fn a_layer_and_an_output_are_taken_over() {
    let mut model = model();
    take_over(&mut model);
    let graph = model.graph.unwrap();
    let operators: Vec<&str> = graph.node.iter().map(NodeProto::op_type).collect();
    assert_eq!(operators, ["Transpose", "Convolution3x3", "Transpose", "Reshape", "JoinedOutput"]);
    assert_eq!(graph.node[1].input[1..], ["w_q", "b_q", "sightline/conv_q/scale"]);
    let scale = initializer(&graph, "sightline/conv_q/scale").unwrap().to_floats().unwrap();
    assert_eq!(scale, [0.5 * 0.25 / 2.0; 16]);
    let quantisation = initializer(&graph, "sightline/boxes/quantisation").unwrap().to_floats().unwrap();
    assert_eq!(quantisation, [2.0, 3.0, 2.0, 3.0]);
    assert_eq!(graph.node[4].output, ["boxes"]);
    assert_eq!(model.opset_import.len(), 1);
}

fn set(graph: &mut GraphProto, tensor: TensorProto) {
    let found = graph.initializer.iter_mut().find(|it| it.name == tensor.name).unwrap();
    *found = tensor;
}

#[test]
fn a_layer_that_is_another_one_is_left_alone() {
    let untouched = [0, 1];
    let attribute = |graph: &mut GraphProto, attribute| graph.node[3].attribute.push(attribute);
    assert_eq!(own(|_| ()), [1, 1]);
    assert_eq!(own(|graph| attribute(graph, integers("dilations", &[2, 2]))), untouched);
    assert_eq!(own(|graph| attribute(graph, integer("auto_pad", 1))), untouched);
    assert_eq!(own(|graph| graph.node[3].attribute[0].i = Some(1)), untouched, "no depthwise layer");
    assert_eq!(own(|graph| graph.node[3].attribute[1].ints = vec![2; 4]), untouched, "wider pads");
    assert_eq!(own(|graph| graph.node[3].attribute[2].ints = vec![3, 3]), untouched, "longer steps");
    assert_eq!(own(|graph| graph.node[3].attribute[2].ints = vec![1, 2]), untouched, "other steps to the right");
    assert_eq!(own(|graph| drop(graph.node[3].input.pop())), untouched, "no bias");
}

#[test]
fn numbers_that_stand_for_something_else_are_left_alone() {
    let untouched = [0, 1];
    let raw =
        |name: &str, data_type, shape: &[usize], bytes: &[u8]| TensorProto::raw(name, data_type, shape, bytes.to_vec());
    assert_eq!(
        own(|graph| set(graph, raw("w_z", data_type::INT8, &[16], &[1; 16]))),
        untouched,
        "weights have a zero point"
    );
    assert_eq!(own(|graph| set(graph, raw("b_z", data_type::INT32, &[16], &[1; 64]))), untouched, "the bias has one");
    assert_eq!(
        own(|graph| set(graph, TensorProto::floats("b_s", &[16], &[0.2; 16]))),
        untouched,
        "the bias is of another scale"
    );
    assert_eq!(own(|graph| graph.node[1].attribute[0].i = Some(1)), untouched, "scales along another axis");
    assert_eq!(own(|graph| set(graph, raw("image_z", data_type::INT8, &[], &[7]))), untouched, "signed bytes");
    assert_eq!(own(|graph| drop(graph.node[0].input.pop())), untouched, "bytes of a type that is not told");
    assert_eq!(own(|graph| graph.node[4].attribute.push(integer("output_dtype", 3))), untouched);
    assert_eq!(
        own(|graph| set(graph, raw("w_q", data_type::UINT8, &[16, 1, 3, 3], &[1; 144]))),
        untouched,
        "unsigned weights"
    );
    assert_eq!(
        own(|graph| set(graph, raw("b_q", data_type::INT32, &[16], &[0x7F; 64]))),
        untouched,
        "sums that overflow"
    );
}

#[test]
fn what_somebody_else_sees_is_left_alone() {
    let shown = |name: &str| ValueInfoProto { name: Some(name.to_owned()), r#type: None };
    for tensor in ["x", "w", "conv"] {
        assert_eq!(own(|graph| graph.output.push(shown(tensor))), [0, 1], "{tensor} is an output");
        assert_eq!(
            own(|graph| graph.node.push(node("Relu", &[tensor], "more", vec![]))),
            [0, 1],
            "{tensor} is used twice"
        );
    }
    assert_eq!(own(|graph| graph.output.push(shown("floats"))), [1, 0]);
    assert_eq!(
        own(|graph| graph.node.push(node("Relu", &["image"], "sightline/conv_q/scale", vec![]))),
        [0, 0],
        "the name is taken"
    );
}

#[test]
fn an_output_that_is_joined_in_another_way_is_left_alone() {
    assert_eq!(own(|graph| graph.node[7].attribute[0].i = Some(2)), [1, 0]);
    assert_eq!(own(|graph| set(graph, TensorProto::integers("rows_of_4", &[0, -1]))), [1, 0], "no rows");
    assert_eq!(own(|graph| drop(graph.node[6].input.pop())), [1, 0], "bytes of a type that is not told");
}
