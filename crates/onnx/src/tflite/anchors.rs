//! The default boxes of an imported file: its own, which are quantised, and the exact ones they were made from.

use sightline_core::{
    anchors::{self, GridSize, SsdAnchorParameters},
    model::Anchor,
};

use super::{error::ImportError, layer::byte_quantization, schema::Tensor};

/// The file's own: bytes `[boxes, 4]` of centre y, centre x, height, width.
pub(super) fn of_file(tensor: &Tensor<'_>, boxes: usize) -> Result<Vec<Anchor>, ImportError> {
    let quantization = byte_quantization(tensor)?;
    if tensor.shape != [boxes, 4] || tensor.data.len() != 4 * boxes {
        let problem = format!("it has {boxes} predictions and default boxes of shape {:?}", tensor.shape);
        return Err(ImportError::Contradiction(problem));
    }
    let value = |byte: u8| quantization.scale * (f32::from(byte) - f32::from(quantization.zero_point));
    let anchor = |&[center_y, center_x, height, width]: &[u8; 4]| Anchor {
        center_y: value(center_y),
        center_x: value(center_x),
        height: value(height),
        width: value(width),
    };
    Ok(tensor.data.as_chunks().0.iter().map(anchor).collect())
}

/// Those that TensorFlow Object Detection generates for the maps, if the file's own are within a pixel of them: then
/// the difference is that of quantisation.
pub(super) fn generated(
    file: &[Anchor],
    maps: &[(GridSize, usize)],
    (height, width): (usize, usize),
) -> Option<Vec<Anchor>> {
    // Only if they are as many: 3 per cell of the first map, 6 of the others.
    let usual = maps.iter().enumerate().all(|(map, &(_, boxes))| boxes == if map == 0 { 3 } else { 6 });
    if !usual {
        return None;
    }
    let generated = anchors::generate(&SsdAnchorParameters::tensorflow(maps.iter().map(|&(grid, _)| grid).collect()));
    let (height, width) = (height as f32, width as f32);
    let within_a_pixel = |(one, other): (&Anchor, &Anchor)| {
        (one.center_y - other.center_y).abs() * height <= 1.0
            && (one.center_x - other.center_x).abs() * width <= 1.0
            && (one.height - other.height).abs() * height <= 1.0
            && (one.width - other.width).abs() * width <= 1.0
    };
    let same = generated.len() == file.len() && generated.iter().zip(file).all(within_a_pixel);
    same.then_some(generated)
}
