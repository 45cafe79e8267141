//! Files read whole, but never more of them than any file of ours has: a path may name anything, `/dev/zero` too.

use std::{fs::File, io::Read, path::Path};

/// Longer than any pipeline file, manifest or list of labels; 65 535 labels are less.
pub(crate) const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// The bytes of a file that has at most so many.
///
/// # Errors
/// Why it cannot be read, in words that follow "cannot read …: ".
pub(crate) fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > most => Err(format!("larger than {}", size(most))),
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

/// The text of a file that has at most so many bytes.
///
/// # Errors
/// As of [`read_bytes`]; and the line of what is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String, String> {
    String::from_utf8(read_bytes(path, most)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text")
    })
}

fn size(bytes: u64) -> String {
    match bytes / 1024 {
        kibibytes if kibibytes % 1024 == 0 => format!("{} MiB", kibibytes / 1024),
        kibibytes => format!("{kibibytes} KiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read_text(&file, 5), Ok("12345".to_owned()));
        std::fs::write(&file, vec![b'x'; 2049]).unwrap();
        assert_eq!(read_bytes(&file, 2048), Err("larger than 2 KiB".to_owned()));
        assert_eq!(read_text(Path::new("/dev/zero"), MAX_TEXT_BYTES), Err("larger than 1 MiB".to_owned()));
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, b"one\ntwo \xff\n").unwrap();
        assert_eq!(read_text(&file, 100), Err("line 2 is not UTF-8 text".to_owned()));
    }
}
