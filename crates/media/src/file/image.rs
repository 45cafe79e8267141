//! Still pictures.

use std::{fs::File, io::BufReader, path::Path};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use sightline_core::frame::OwnedPixels;

use super::error::FileError;

/// Reads a JPEG or PNG file into packed RGB, turned upright as its EXIF orientation says. Transparency is ignored.
///
/// # Errors
/// When the file is not there, is no such picture or is damaged; each names the file.
pub fn read_image(path: &Path) -> Result<OwnedPixels, FileError> {
    let reader = open(path)?;
    let picture = |cause| FileError::picture(path, cause);
    let mut decoder = reader.into_decoder().map_err(picture)?;
    // A picture without EXIF is upright; a broken EXIF block does not make the pixels worse.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(picture)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let rgb = image.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    OwnedPixels::rgb(width, height, rgb.into_raw()).ok_or_else(|| {
        picture(ImageError::IoError(std::io::Error::other("the decoder gave another number of samples than pixels")))
    })
}

/// Whether the file is a picture that [`read_image`] reads, by its first bytes and not its name.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn is_image(path: &Path) -> Result<bool, FileError> {
    let format = open_and_guess(path)?.format();
    Ok(matches!(format, Some(ImageFormat::Jpeg | ImageFormat::Png)))
}

fn open(path: &Path) -> Result<ImageReader<BufReader<File>>, FileError> {
    open_and_guess(path)
}

fn open_and_guess(path: &Path) -> Result<ImageReader<BufReader<File>>, FileError> {
    // Not `ImageReader::open`: that one believes the file's extension where the bytes say nothing.
    let file = File::open(path).map_err(|cause| FileError::open(path, cause))?;
    ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|cause| FileError::open(path, cause))
}
