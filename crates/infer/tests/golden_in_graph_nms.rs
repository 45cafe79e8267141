//! The model that decodes and suppresses inside its graph agrees with our own decoding and suppression.

mod support;

use support::{Input, Network, edge_difference, golden, in_graph_model, pairs, raw_model, shared};

#[test]
fn suppression_in_the_graph_agrees_with_ours() {
    let Some(shared) = shared() else { return };
    let mut ours = Network::open(&raw_model(&shared, "ssd_mobilenet_v1_coco.onnx", Input::Normalised));
    let mut theirs = Network::open(&in_graph_model(&shared));
    let (mut count, mut worst_score, mut worst_edge) = (0, 0f32, 0f32);
    for golden in golden(&shared) {
        let (ours, theirs) = (ours.detect(&golden.input), theirs.detect(&golden.input));
        assert_eq!(ours.len(), theirs.len(), "{}: {ours:?} {theirs:?}", golden.name);
        let pairs = pairs(&ours, &theirs);
        assert_eq!(pairs.len(), ours.len(), "{}", golden.name);
        for (ours, theirs, _) in pairs {
            worst_score = worst_score.max((ours.score - theirs.score).abs());
            worst_edge = worst_edge.max(edge_difference(&ours.bbox, &theirs.bbox));
            count += 1;
        }
    }
    println!("{count} boxes, scores within {worst_score:.6}, edges within {worst_edge:.6}");
    assert!(count > 50 && worst_score <= 1e-3 && worst_edge <= 1e-3);
}
