//! Looking at a library before it is loaded.
//!
//! The system's loader maps what a file says of itself: a copy that was cut off kills the process at the first access
//! behind its end. And the `openvino` crate keeps the first library that the loader takes, whatever is in it.

use std::path::Path;

/// Offsets in an ELF64 file's header and in its program headers (System V ABI, "ELF-64 Object File Format").
mod at {
    pub(super) const CLASS: usize = 4;
    pub(super) const BYTE_ORDER: usize = 5;
    pub(super) const TYPE: usize = 16;
    pub(super) const MACHINE: usize = 18;
    pub(super) const PROGRAM_HEADERS: usize = 32;
    pub(super) const SECTION_HEADERS: usize = 40;
    pub(super) const PROGRAM_HEADER_SIZE: usize = 54;
    pub(super) const PROGRAM_HEADER_COUNT: usize = 56;
    pub(super) const SECTION_HEADER_SIZE: usize = 58;
    pub(super) const SECTION_HEADER_COUNT: usize = 60;
    /// Within a program header.
    pub(super) const SEGMENT_OFFSET: usize = 8;
    pub(super) const SEGMENT_SIZE_IN_FILE: usize = 32;
}

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const SHARED_OBJECT: u16 = 3;
#[cfg(target_arch = "x86_64")]
const THIS_MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const THIS_MACHINE: u16 = 183;

/// Makes sure that `path` is a whole shared library for this machine in which all of `functions` are named.
///
/// # Errors
/// What it is not.
pub(crate) fn check(path: &Path, functions: &[&str]) -> Result<(), String> {
    let file = std::fs::read(path).map_err(|error| error.to_string())?;
    if !file.starts_with(MAGIC) {
        return Err("it is no shared library".into());
    }
    match is_whole(&file) {
        Some(true) => {}
        Some(false) => return Err("it is no 64-bit library for this machine".into()),
        None => return Err(format!("it is cut off after {} bytes; fetch it anew", file.len())),
    }
    match functions.iter().find(|function| !names(&file, function)) {
        Some(function) => Err(format!("it has no {function}: it is another library, or too old a version")),
        None => Ok(()),
    }
}

/// Whether everything that the headers speak of is in the file and is for this machine; `None` when the file ends before.
fn is_whole(file: &[u8]) -> Option<bool> {
    let is_ours = (byte(file, at::CLASS)?, byte(file, at::BYTE_ORDER)?) == (CLASS_64, LITTLE_ENDIAN)
        && (half(file, at::TYPE)?, half(file, at::MACHINE)?) == (SHARED_OBJECT, THIS_MACHINE);
    if !is_ours {
        return Some(false);
    }
    let segments = long(file, at::PROGRAM_HEADERS)?;
    let (size, count) = (half(file, at::PROGRAM_HEADER_SIZE)?, half(file, at::PROGRAM_HEADER_COUNT)?);
    for index in 0..usize::from(count) {
        let header = file.get(segments.checked_add(index * usize::from(size))?..)?;
        let end = long(header, at::SEGMENT_OFFSET)?.checked_add(long(header, at::SEGMENT_SIZE_IN_FILE)?)?;
        file.get(..end)?;
    }
    // The sections' headers are what a linker writes last.
    let (size, count) = (half(file, at::SECTION_HEADER_SIZE)?, half(file, at::SECTION_HEADER_COUNT)?);
    file.get(..long(file, at::SECTION_HEADERS)?.checked_add(usize::from(size) * usize::from(count))?)?;
    Some(true)
}

/// Whether a name stands in the file's string table; names that end alike share their ends there.
fn names(file: &[u8], function: &str) -> bool {
    let wanted = [function.as_bytes(), b"\0"].concat();
    file.windows(wanted.len()).any(|window| window == wanted)
}

fn byte(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

fn half(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], offset: usize) -> Option<usize> {
    let value = bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?;
    usize::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library that is always there: this test's own executable is a shared object too.
    fn own() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    fn a_library_cut_off_anywhere_is_not_whole() {
        let whole = own();
        assert_eq!(is_whole(&whole), Some(true));
        for part in [0, 4, 40, 63, 64, 200, whole.len() / 3, whole.len() - 1] {
            assert_eq!(is_whole(&whole[..part]), None, "{part} bytes of {}", whole.len());
        }
    }

    #[test]
    fn another_machines_library_is_not_ours() {
        let mut other = own();
        other[at::MACHINE] = 3;
        assert_eq!(is_whole(&other), Some(false));
    }

    #[test]
    fn what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.so");
        std::fs::write(&text, "not a library").unwrap();
        assert!(check(&text, &[]).unwrap_err().contains("no shared library"));
        assert!(check(&folder.path().join("absent.so"), &[]).unwrap_err().contains("No such file"));
        let executable = std::env::current_exe().unwrap();
        let missing = check(&executable, &[&["no_such", "function"].join("_")]).unwrap_err();
        assert!(missing.contains("it has no no_such_function"), "{missing}");
        check(&executable, &[]).unwrap();
    }
}
