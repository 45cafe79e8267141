//! The fp32 network on the reference's own 300×300 inputs gives the reference's boxes, all of them and no others.

mod support;

use support::{Input, Network, edge_difference, golden, pairs, raw_model, shared};

#[test]
fn every_reference_box_is_found_exactly() {
    let Some(shared) = shared() else { return };
    for (file, input) in
        [("ssd_mobilenet_v1_coco.onnx", Input::Normalised), ("ssd_mobilenet_v1_coco_u8in.onnx", Input::Bytes)]
    {
        let mut network = Network::open(&raw_model(&shared, file, input));
        let (mut count, mut worst_score, mut worst_edge) = (0, 0f32, 0f32);
        for golden in golden(&shared) {
            let found = network.detect(&golden.input);
            let name = &golden.name;
            assert_eq!(found.len(), golden.float_nms.len(), "{name}: {found:?}");
            let pairs = pairs(&golden.float_nms, &found);
            assert_eq!(pairs.len(), found.len(), "{name}: {found:?}");
            for (reference, found, _) in pairs {
                worst_score = worst_score.max((reference.score - found.score).abs());
                worst_edge = worst_edge.max(edge_difference(&reference.bbox, &found.bbox));
                count += 1;
            }
        }
        println!("{file}: {count} boxes, scores within {worst_score:.6}, edges within {worst_edge:.6}");
        assert!(count > 50);
        assert!(worst_score <= 1e-3 && worst_edge <= 1e-3);
    }
}
