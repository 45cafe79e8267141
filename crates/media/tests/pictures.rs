//! Still pictures.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing unwrap in a helper is the failing test")]

use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use sightline_core::frame::{FrameBuffer, PixelFormat};
use sightline_media::{is_image, read_image};

/// Red in the top left pixel's quarter, blue elsewhere; 40×20.
fn picture() -> RgbImage {
    RgbImage::from_fn(40, 20, |x, y| if x < 20 && y < 10 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

fn pixel(path: &Path, x: usize, y: usize) -> (usize, usize, [u8; 3]) {
    let pixels = read_image(path).unwrap();
    let view = pixels.view();
    assert_eq!(view.format, PixelFormat::Rgb);
    let at = y * view.planes[0].stride + 3 * x;
    (view.width, view.height, view.planes[0].data[at..at + 3].try_into().unwrap())
}

fn saved(folder: &tempfile::TempDir, name: &str, format: ImageFormat) -> PathBuf {
    let path = folder.path().join(name);
    picture().save_with_format(&path, format).unwrap();
    path
}

#[test]
fn png_is_read_exactly_and_jpeg_nearly() {
    let folder = tempfile::tempdir().unwrap();
    let png = saved(&folder, "a.png", ImageFormat::Png);
    assert_eq!(pixel(&png, 3, 3), (40, 20, [255, 0, 0]));
    assert_eq!(pixel(&png, 30, 15), (40, 20, [0, 0, 255]));
    let jpeg = saved(&folder, "a.jpg", ImageFormat::Jpeg);
    let (width, height, [red, _, blue]) = pixel(&jpeg, 3, 3);
    assert!(width == 40 && height == 20 && red > 200 && blue < 60);
}

#[test]
fn exif_orientation_turns_the_picture_upright() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = std::fs::read(saved(&folder, "a.jpg", ImageFormat::Jpeg)).unwrap();
    // APP1 with a TIFF of one entry: Orientation (0x0112) = 6, "turn by 90° clockwise to see it upright".
    let mut exif =
        b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let mut turned = jpeg[..2].to_vec();
    turned.append(&mut exif);
    turned.extend(&jpeg[2..]);
    let path = folder.path().join("turned.jpg");
    std::fs::write(&path, turned).unwrap();
    let (width, height, [red, _, blue]) = pixel(&path, 16, 3);
    assert_eq!((width, height), (20, 40));
    assert!(red > 200 && blue < 60, "the top left corner is now top right");
}

#[test]
fn pictures_are_known_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    assert!(is_image(&saved(&folder, "png.mp4", ImageFormat::Png)).unwrap());
    assert!(is_image(&saved(&folder, "jpeg", ImageFormat::Jpeg)).unwrap());
    let text = folder.path().join("text.jpg");
    std::fs::write(&text, "no picture at all").unwrap();
    assert!(!is_image(&text).unwrap());
    let empty = folder.path().join("empty.png");
    std::fs::write(&empty, "").unwrap();
    assert!(!is_image(&empty).unwrap());
    assert!(is_image(&folder.path().join("missing.jpg")).is_err());
}

#[test]
fn errors_name_the_file_and_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let png = saved(&folder, "a.png", ImageFormat::Png);
    let whole = std::fs::read(&png).unwrap();
    let truncated = folder.path().join("truncated.png");
    std::fs::write(&truncated, &whole[..whole.len() / 2]).unwrap();
    let text = folder.path().join("text.jpg");
    std::fs::write(&text, "no picture at all").unwrap();
    for path in [truncated, text, folder.path().join("missing.jpg")] {
        let error = read_image(&path).unwrap_err().to_string();
        eprintln!("{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}
