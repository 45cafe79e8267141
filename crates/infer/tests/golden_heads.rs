//! Raw heads against the reference's, element by element.

mod support;

use support::{Input, Network, floats, golden, raw_model, shared};

#[test]
fn raw_heads_equal_the_references() {
    let Some(shared) = shared() else { return };
    let mut fp32 = Network::open(&raw_model(&shared, "ssd_mobilenet_v1_coco.onnx", Input::Normalised));
    let mut compared = 0;
    for golden in golden(&shared) {
        let reference = |kind: &str| shared.join(format!("golden/heads/{}.{kind}.f32", golden.name));
        if !reference("box").exists() {
            continue;
        }
        let heads = fp32.heads(&golden.input);
        for (head, kind) in heads.iter().zip(["box", "cls"]) {
            let expected = floats(&reference(kind));
            assert_eq!(head.len(), expected.len());
            let worst = head.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{} {kind}: worst difference {worst:.6}", golden.name);
            assert!(worst < 2e-3, "{} {kind}: {worst}", golden.name);
        }
        compared += 1;
    }
    assert!(compared >= 3);
}
