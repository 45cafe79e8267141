//! The architectures this project defines, by name. Sources: Howard et al., MobileNets (arXiv 1704.04861); Liu et al.,
//! SSD (arXiv 1512.02325); Huang et al. (arXiv 1611.10012) for TensorFlow Object Detection's form.

use super::{
    Activation, Builder, Channels, Convolution, Network, NetworkError, NetworkHead, Operation, Padding, Shape, SsdForm,
    Window,
    mobilenet::{self, Width},
    ssd::{self, Extra},
    vgg,
};

/// An architecture that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// MobileNetV1, the classifier.
    MobileNetV1,
    /// SSD MobileNetV1 in TensorFlow Object Detection's form, the one everybody deploys: maps of 19 to 1 cells.
    SsdMobileNetV1,
    /// SSD MobileNetV1 with SSD300's maps of 38 to 1 cells and its 8732 default boxes.
    Ssd300MobileNetV1,
    /// SSD300 on VGG-16, the SSD paper's own.
    Ssd300Vgg16,
}

/// What an architecture is built with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Share of the channels, above 0 up to 2; 1 is the paper's. VGG-16 knows only 1.
    pub width: f64,
    /// Height and width of the picture, in pixels.
    pub size: usize,
    /// How many classes; for an SSD with the background.
    pub classes: usize,
}

impl Architecture {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::MobileNetV1, Self::SsdMobileNetV1, Self::Ssd300MobileNetV1, Self::Ssd300Vgg16];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MobileNetV1 => "mobilenet-v1",
            Self::SsdMobileNetV1 => "ssd-mobilenet-v1",
            Self::Ssd300MobileNetV1 => "ssd300-mobilenet-v1",
            Self::Ssd300Vgg16 => "ssd300-vgg16",
        }
    }

    /// What it is published with.
    #[must_use]
    pub const fn defaults(self) -> Parameters {
        let (size, classes) = match self {
            Self::MobileNetV1 => (224, 1000),
            Self::SsdMobileNetV1 => (300, 91),
            Self::Ssd300MobileNetV1 | Self::Ssd300Vgg16 => (300, 21),
        };
        Parameters { width: 1.0, size, classes }
    }

    /// The network of these parameters.
    ///
    /// # Errors
    /// When a parameter is out of range, or the size too small for the last layer.
    pub fn build(self, parameters: &Parameters) -> Result<Network, NetworkError> {
        let &Parameters { width, size, classes } = parameters;
        if !(width > 0.0 && width <= 2.0) {
            return Err(NetworkError::Parameter(format!("width {width} must be above 0 and at most 2")));
        }
        if self == Self::Ssd300Vgg16 && width != 1.0 {
            return Err(NetworkError::Parameter(format!("width {width}: {} has none but 1", self.name())));
        }
        if !(32..=2048).contains(&size) {
            return Err(NetworkError::Parameter(format!("size {size} must be from 32 to 2048")));
        }
        if !(2..=10_000).contains(&classes) {
            return Err(NetworkError::Parameter(format!("{classes} classes: there must be from 2 to 10000")));
        }
        let mut builder = Builder::new(Shape::new(size, size, 3));
        let head = match self {
            Self::MobileNetV1 => classifier(&mut builder, width, classes),
            Self::SsdMobileNetV1 => ssd_mobilenet(&mut builder, width, classes),
            Self::Ssd300MobileNetV1 => ssd300_mobilenet(&mut builder, width, classes),
            Self::Ssd300Vgg16 => ssd300_vgg(&mut builder, classes),
        }?;
        Ok(builder.finish(self.name(), head, classes))
    }
}

/// Fewest channels of a classifier's layer, and of a detector's: TensorFlow's own bounds.
const CLASSIFIER_LEAST: usize = 8;
const DETECTOR_LEAST: usize = 16;

fn classifier(builder: &mut Builder, multiplier: f64, classes: usize) -> Result<NetworkHead, NetworkError> {
    mobilenet::add(builder, Width { multiplier, least: CLASSIFIER_LEAST }, &mobilenet::BLOCKS)?;
    builder.then("average_pool", Operation::GlobalAveragePooling)?;
    // On a 1×1 map a fully connected layer is a 1×1 convolution.
    let fully_connected = Convolution {
        outputs: classes,
        window: Window { kernel: 1, stride: 1, dilation: 1, padding: Padding::Valid },
        channels: Channels::All,
        batch_normalized: false,
        activation: Activation::None,
    };
    builder.then("logits", Operation::Convolution(fully_connected))?;
    builder.then("softmax", Operation::Softmax)?;
    Ok(NetworkHead::Classifier)
}

fn ssd_mobilenet(builder: &mut Builder, multiplier: f64, classes: usize) -> Result<NetworkHead, NetworkError> {
    let width = Width { multiplier, least: DETECTOR_LEAST };
    let blocks = mobilenet::add(builder, width, &mobilenet::BLOCKS)?;
    let extras =
        [Extra::halving(256, 512), Extra::halving(128, 256), Extra::halving(128, 256), Extra::halving(64, 128)];
    let mut maps = vec![blocks[10], blocks[12]];
    maps.extend(ssd::add_extras(builder, width, &extras)?);
    ssd::add_head(builder, &maps, SsdForm::TensorFlow, classes)
}

/// The blocks up to the 11th, of which the last six stay at 38×38 cells: 512 channels come two blocks earlier than in
/// the classifier, and without its stride.
const SSD300_BLOCKS: [(usize, usize); 10] =
    [(64, 1), (128, 2), (128, 1), (256, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)];

fn ssd300_mobilenet(builder: &mut Builder, multiplier: f64, classes: usize) -> Result<NetworkHead, NetworkError> {
    let width = Width { multiplier, least: DETECTOR_LEAST };
    let blocks = mobilenet::add(builder, width, &SSD300_BLOCKS)?;
    builder.then("conv_11", mobilenet::convolution(width.of(1024), 3, 2))?;
    let conv_12 = builder.then("conv_12", mobilenet::convolution(width.of(1024), 1, 1))?;
    let extras = [Extra::halving(256, 512), Extra::halving(128, 256), Extra::halving(128, 256), Extra::last(128, 256)];
    let mut maps = vec![blocks[9], conv_12];
    maps.extend(ssd::add_extras(builder, width, &extras)?);
    ssd::add_head(builder, &maps, SsdForm::Paper, classes)
}

fn ssd300_vgg(builder: &mut Builder, classes: usize) -> Result<NetworkHead, NetworkError> {
    let base = vgg::add(builder)?;
    let mut maps = vec![base.conv4_3_normalized, base.fc7];
    for (number, reduce, outputs, stride, padding) in [
        (8, 256, 512, 2, Padding::Symmetric(1)),
        (9, 128, 256, 2, Padding::Symmetric(1)),
        (10, 128, 256, 1, Padding::Valid),
        (11, 128, 256, 1, Padding::Valid),
    ] {
        builder.then(format!("conv{number}_1"), vgg::convolution(reduce, 1, 1, Padding::Valid))?;
        maps.push(builder.then(format!("conv{number}_2"), vgg::convolution(outputs, 3, stride, padding))?);
    }
    ssd::add_head(builder, &maps, SsdForm::Paper, classes)
}
