//! The default boxes of the SSD paper's own form: Liu et al., arXiv 1512.02325, section 2.2, with the sizes that its
//! authors trained SSD300 with. Those of TensorFlow's form are in [`crate::anchors`].

use crate::{anchors::GridSize, model::Anchor};

/// Side of the smallest square box of each map, and of the last map's larger one, as a fraction of the input.
const SIZES: [f64; 7] = [0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05];

/// The default boxes of six maps, finest first: per cell a square of the map's size, one of the geometric mean of its
/// size and the next one's, and for each aspect ratio a wide and a high one.
pub(super) fn of_paper(maps: &[GridSize], aspect_ratios: &[&[f64]]) -> Vec<Anchor> {
    let mut boxes = Vec::new();
    for ((map, ratios), sizes) in maps.iter().zip(aspect_ratios).zip(SIZES.windows(2)) {
        let shapes = shapes_of_map(sizes[0], sizes[1], ratios);
        for row in 0..map.rows {
            for column in 0..map.columns {
                let center_y = ((row as f64 + 0.5) / map.rows as f64) as f32;
                let center_x = ((column as f64 + 0.5) / map.columns as f64) as f32;
                boxes.extend(shapes.iter().map(|&(height, width)| Anchor { center_y, center_x, height, width }));
            }
        }
    }
    boxes
}

/// Height and width of a map's boxes.
fn shapes_of_map(size: f64, next_size: f64, aspect_ratios: &[f64]) -> Vec<(f32, f32)> {
    let between = (size * next_size).sqrt();
    let mut shapes = vec![(size as f32, size as f32), (between as f32, between as f32)];
    for ratio in aspect_ratios {
        let (longer, shorter) = ((size * ratio.sqrt()) as f32, (size / ratio.sqrt()) as f32);
        shapes.extend([(shorter, longer), (longer, shorter)]);
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_two_squares_and_two_boxes_per_aspect_ratio() {
        let boxes = of_paper(&[GridSize { rows: 1, columns: 2 }], &[&[2.0, 3.0]]);
        assert_eq!(boxes.len(), 12);
        assert!(boxes[..6].iter().all(|b| b.center_x == 0.25 && b.center_y == 0.5));
        assert!(boxes[6..].iter().all(|b| b.center_x == 0.75));
        assert_eq!((boxes[0].height, boxes[0].width), (0.1, 0.1));
        assert!((boxes[1].height - 0.141_421_35).abs() < 1e-6);
        // Ratio 2 is wide first, then high; the area stays.
        assert!((boxes[2].width / boxes[2].height - 2.0).abs() < 1e-5);
        assert!((boxes[3].height / boxes[3].width - 2.0).abs() < 1e-5);
        assert!((boxes[4].width * boxes[4].height - 0.01).abs() < 1e-6);
    }
}
