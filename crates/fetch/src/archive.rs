//! Members of zip archives.

use std::{fs::File, io::Read, path::Path};

use crate::FetchError;

/// The content of the member of that file name, in whatever folder of the archive it is, at most `most_bytes` of it.
///
/// # Errors
/// When the file is no zip archive, is damaged, or has no such member, or the member is larger.
pub fn member(archive: &Path, file_name: &str, most_bytes: u64) -> Result<Vec<u8>, FetchError> {
    let unreadable = |cause: String| FetchError::Archive { path: archive.to_owned(), cause };
    let file = File::open(archive).map_err(|error| unreadable(error.to_string()))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| unreadable(error.to_string()))?;
    let mut names = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let Some(name) = names.find(|name| Path::new(name).file_name().is_some_and(|found| found == file_name)) else {
        return Err(FetchError::NoMember { path: archive.to_owned(), name: file_name.to_owned() });
    };
    drop(names);
    let member = zip.by_name(&name).map_err(|error| unreadable(error.to_string()))?;
    let mut content = Vec::new();
    // The size that an archive states is only a claim; one byte more than allowed tells that it is too much.
    member.take(most_bytes + 1).read_to_end(&mut content).map_err(|error| unreadable(error.to_string()))?;
    if content.len() as u64 > most_bytes {
        return Err(unreadable(format!("{file_name} in it is larger than {most_bytes} bytes")));
    }
    Ok(content)
}
