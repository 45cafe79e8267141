//! Names for imported layers: those that `core::network` gives the same layers, so that imported weights can be put
//! into the same network at another input size.

use std::collections::BTreeSet;

use super::layer::Layer;

/// Gives every layer a name, each another one. `boxes` and `classes` are the predictors, map by map.
pub(super) fn name_layers(layers: &mut [Layer], boxes: &[usize], classes: &[usize]) {
    let mut taken = BTreeSet::new();
    let (mut convolutions, mut blocks, mut extras) = (0, 0, 0);
    let mut after_depthwise = false;
    for (index, layer) in layers.iter_mut().enumerate() {
        let map_of = |predictors: &[usize]| predictors.iter().position(|&predictor| predictor == index);
        let depthwise = layer.groups > 1;
        let mut name = if let Some(map) = map_of(boxes) {
            format!("predictor_{map}_boxes")
        } else if let Some(map) = map_of(classes) {
            format!("predictor_{map}_classes")
        } else if depthwise {
            blocks += 1;
            format!("block_{blocks}_depthwise")
        } else if after_depthwise {
            format!("block_{blocks}_pointwise")
        } else if blocks == 0 {
            convolutions += 1;
            format!("conv_{}", convolutions - 1)
        } else if layer.window.kernel == 1 {
            extras += 1;
            format!("extra_{extras}_reduce")
        } else {
            format!("extra_{extras}")
        };
        after_depthwise = depthwise;
        // A network of other layers than MobileNet's.
        if taken.contains(&name) {
            name = format!("{name}_{index}");
        }
        taken.insert(name.clone());
        layer.name = name;
    }
}
