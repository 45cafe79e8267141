//! The default boxes of an SSD head, generated from the parameters they were trained with.
//!
//! Source: TensorFlow Object Detection, `multiple_grid_anchor_generator.create_ssd_anchors`; the idea is section 2.2
//! of the SSD paper (arXiv 1512.02325).

use crate::model::Anchor;

/// Cells of one feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GridSize {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// What an SSD's default boxes are generated from. One layer per feature map, finest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SsdAnchorParameters {
    /// The feature maps that predict, in the order of the head's outputs.
    pub feature_maps: Vec<GridSize>,
    /// Size of the first map's boxes as a fraction of the input; the maps between are spaced linearly.
    pub min_scale: f64,
    /// Size of the last map's boxes.
    pub max_scale: f64,
    /// Width over height, one box each, in this order. All positive.
    pub aspect_ratios: Vec<f64>,
    /// One more box per cell of this aspect ratio, its size the geometric mean of this map's and the next one's.
    pub interpolated_scale_aspect_ratio: Option<f64>,
    /// The first map has three boxes only: 0.1 at ratio 1, and its own scale at ratios 2 and 1/2.
    pub reduce_boxes_in_lowest_layer: bool,
}

impl SsdAnchorParameters {
    /// What TensorFlow Object Detection's SSD pipelines have in common, for these maps.
    #[must_use]
    pub fn tensorflow(feature_maps: Vec<GridSize>) -> Self {
        Self {
            feature_maps,
            min_scale: 0.2,
            max_scale: 0.95,
            aspect_ratios: vec![1.0, 2.0, 0.5, 3.0, 1.0 / 3.0],
            interpolated_scale_aspect_ratio: Some(1.0),
            reduce_boxes_in_lowest_layer: true,
        }
    }
}

/// A box's shape before it is put on a grid.
#[derive(Clone, Copy)]
struct Shape {
    scale: f64,
    aspect_ratio: f64,
}

/// The default boxes: map by map, row by row, cell by cell, and within a cell in the order of the aspect ratios with
/// the interpolated one last. Centres and sizes are fractions of the input and are not clipped to it.
///
/// Computed in 64 bits and rounded once, which is within 1e-6 of TensorFlow's own 32-bit arithmetic.
#[must_use]
pub fn generate(parameters: &SsdAnchorParameters) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for (layer, grid) in parameters.feature_maps.iter().enumerate() {
        let shapes = shapes_of_layer(parameters, layer);
        append_grid(&mut anchors, *grid, &shapes);
    }
    anchors
}

fn shapes_of_layer(parameters: &SsdAnchorParameters, layer: usize) -> Vec<Shape> {
    let scale = scale_of_layer(parameters, layer);
    if layer == 0 && parameters.reduce_boxes_in_lowest_layer {
        return vec![
            Shape { scale: 0.1, aspect_ratio: 1.0 },
            Shape { scale, aspect_ratio: 2.0 },
            Shape { scale, aspect_ratio: 0.5 },
        ];
    }
    let mut shapes: Vec<Shape> =
        parameters.aspect_ratios.iter().map(|&aspect_ratio| Shape { scale, aspect_ratio }).collect();
    if let Some(aspect_ratio) = parameters.interpolated_scale_aspect_ratio {
        let next_scale = scale_of_layer(parameters, layer + 1);
        shapes.push(Shape { scale: (scale * next_scale).sqrt(), aspect_ratio });
    }
    shapes
}

/// Linear from `min_scale` to `max_scale`; 1 beyond the last layer.
fn scale_of_layer(parameters: &SsdAnchorParameters, layer: usize) -> f64 {
    let layers = parameters.feature_maps.len();
    if layer >= layers {
        return 1.0;
    }
    if layers == 1 {
        return parameters.min_scale;
    }
    let step = (parameters.max_scale - parameters.min_scale) / (layers - 1) as f64;
    parameters.min_scale + step * layer as f64
}
fn append_grid(anchors: &mut Vec<Anchor>, grid: GridSize, shapes: &[Shape]) {
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            for shape in shapes {
                let ratio_root = shape.aspect_ratio.sqrt();
                anchors.push(Anchor {
                    center_y: ((row as f64 + 0.5) / grid.rows as f64) as f32,
                    center_x: ((column as f64 + 0.5) / grid.columns as f64) as f32,
                    height: (shape.scale / ratio_root) as f32,
                    width: (shape.scale * ratio_root) as f32,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn square(cells: usize) -> GridSize {
        GridSize { rows: cells, columns: cells }
    }

    /// SSD MobileNetV1 300×300 as TensorFlow Object Detection publishes it.
    fn ssd_mobilenet_v1() -> SsdAnchorParameters {
        SsdAnchorParameters::tensorflow([19, 10, 5, 3, 2, 1].map(square).to_vec())
    }

    fn assert_close(anchor: Anchor, expected: [f32; 4]) {
        let actual = [anchor.center_y, anchor.center_x, anchor.height, anchor.width];
        for (a, e) in actual.into_iter().zip(expected) {
            assert!((a - e).abs() <= 1e-6, "{actual:?} is not {expected:?}");
        }
    }

    #[test]
    fn each_map_has_its_share_of_the_1917_boxes() {
        let anchors = generate(&ssd_mobilenet_v1());
        assert_eq!(anchors.len(), 1917);
        let mut start = 0;
        for (cells, count) in [(19, 1083), (10, 600), (5, 150), (3, 54), (2, 24), (1, 6)] {
            let first_center = 0.5 / cells as f32;
            assert!((anchors[start].center_y - first_center).abs() < 1e-6, "map of {cells} starts elsewhere");
            start += count;
        }
        assert_eq!(start, 1917);
    }

    #[test]
    fn known_boxes_have_their_values() {
        let anchors = generate(&ssd_mobilenet_v1());
        let half = 0.5 / 19.0;
        // The reduced first map: 0.1 at 1, 0.2 at 2 and 1/2 (0.2·√2 = 0.282843, 0.2/√2 = 0.141421).
        assert_close(anchors[0], [half, half, 0.1, 0.1]);
        assert_close(anchors[1], [half, half, 0.141_421_36, 0.282_842_7]);
        assert_close(anchors[2], [half, half, 0.282_842_7, 0.141_421_36]);
        // The second map's scale is 0.35, its interpolated box √(0.35·0.5).
        assert_close(anchors[1083], [0.05, 0.05, 0.35, 0.35]);
        assert_close(anchors[1083 + 5], [0.05, 0.05, 0.418_33, 0.418_33]);
        // The last box of all: √(0.95·1).
        assert_close(anchors[1916], [0.5, 0.5, 0.974_679_4, 0.974_679_4]);
        // Columns run faster than rows.
        assert_close(anchors[3], [half, 3.0 * half, 0.1, 0.1]);
    }

    #[test]
    fn the_published_models_boxes_are_reproduced() {
        let Some(file) = shared("models/anchors.bin") else {
            // Past libtest's capture, which hides what a passing test prints.
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("SKIPPED: no ../shared/models/anchors.bin beside the repository\n"),
            );
            return;
        };
        #[expect(clippy::disallowed_methods, reason = "a test's reference file")]
        let bytes = std::fs::read(file).unwrap();
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let anchors = generate(&ssd_mobilenet_v1());
        assert_eq!(values.len(), anchors.len() * 4);
        for (anchor, expected) in anchors.into_iter().zip(values.chunks_exact(4)) {
            assert_close(anchor, expected.try_into().unwrap());
        }
    }

    fn shared(path: &str) -> Option<PathBuf> {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().map(|folder| folder.join("shared").join(path)).find(|file| file.exists())
    }

    #[test]
    fn a_single_map_takes_the_least_scale() {
        let parameters = SsdAnchorParameters {
            feature_maps: vec![GridSize { rows: 1, columns: 2 }],
            min_scale: 0.5,
            max_scale: 0.9,
            aspect_ratios: vec![1.0],
            interpolated_scale_aspect_ratio: None,
            reduce_boxes_in_lowest_layer: false,
        };
        let anchors = generate(&parameters);
        assert_eq!(anchors.len(), 2);
        assert_close(anchors[0], [0.5, 0.25, 0.5, 0.5]);
        assert_close(anchors[1], [0.5, 0.75, 0.5, 0.5]);
    }

    #[test]
    fn no_map_makes_no_box() {
        assert!(generate(&SsdAnchorParameters { feature_maps: vec![], ..ssd_mobilenet_v1() }).is_empty());
    }

    proptest! {
        #[test]
        fn centres_lie_inside_and_areas_follow_the_scale(
            rows in 1usize..12, columns in 1usize..12, maps in 1usize..5,
            min_scale in 0.05f64..0.4, spread in 0.0f64..0.5, ratio in 0.2f64..5.0, reduce: bool,
        ) {
            let parameters = SsdAnchorParameters {
                feature_maps: vec![GridSize { rows, columns }; maps],
                min_scale,
                max_scale: min_scale + spread,
                aspect_ratios: vec![ratio],
                interpolated_scale_aspect_ratio: None,
                reduce_boxes_in_lowest_layer: reduce,
            };
            let anchors = generate(&parameters);
            let first = if reduce { 3 } else { 1 };
            prop_assert_eq!(anchors.len(), rows * columns * (first + maps - 1));
            for anchor in &anchors {
                prop_assert!(anchor.center_x > 0.0 && anchor.center_x < 1.0);
                prop_assert!(anchor.center_y > 0.0 && anchor.center_y < 1.0);
            }
            if !reduce {
                let area = f64::from(anchors[0].height * anchors[0].width);
                prop_assert!((area - min_scale * min_scale).abs() < 1e-5);
                prop_assert!((f64::from(anchors[0].width / anchors[0].height) - ratio).abs() < 1e-4 * ratio);
            }
        }
    }
}
