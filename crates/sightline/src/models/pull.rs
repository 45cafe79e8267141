//! `sightline models pull`: the published COCO model, fetched, verified and imported.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sightline_config::models::sha256_of_bytes;
use sightline_fetch::{Download, FetchError, Progress, download, member};

use super::{
    import::{self, MOST_BYTES, user_folder},
    published::{ARCHIVE, DETECT_SHA256, NAME, origin},
};
use crate::{
    cli::PullArgs,
    failure::{Failure, Kind, OrFail, Outcome},
};

/// Pause before the second try.
const PAUSE: Duration = Duration::from_secs(1);

/// Fetches, verifies and imports; the paths of the manifests go to stdout.
pub fn execute(args: &PullArgs) -> Outcome {
    if args.model != NAME && args.model != super::DEFAULT {
        let message = format!("{}: only {NAME} can be pulled; {} comes with it", args.model, super::DEFAULT);
        return Err(Failure::new(Kind::Usage, anyhow!(message)));
    }
    let out = match &args.out {
        Some(out) => out.clone(),
        None => user_folder()?,
    };
    let (tflite, fetched) = match &args.from {
        Some(file) => (read_local(file)?, None),
        None => {
            let archive = fetch(args.url.as_deref(), &out)?;
            (unpack(&archive)?, Some(archive))
        }
    };
    verify(&tflite, args.from.as_deref())?;
    let imported = sightline_onnx::tflite::import(&tflite).or_fail(Kind::Config)?;
    // A model that was pulled before is replaced by its equal.
    import::write(&imported, &origin(), &out, true)?;
    if let Some(archive) = fetched {
        // What is left behind is only in the way; the models are there.
        let _ = fs::remove_file(archive);
    }
    Ok(())
}

/// Fetches the archive into the folder of models, under a hidden name.
fn fetch(mirror: Option<&str>, out: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(out)
        .with_context(|| format!("cannot make the folder {}", out.display()))
        .or_fail(Kind::Usage)?;
    let file = out.join(format!(".{}", ARCHIVE.file_name));
    let bar = progress_bar();
    let one = |url: &str, sha256: Option<&str>| {
        let wish = Download { url, file: &file, sha256, most_bytes: ARCHIVE.most_bytes, pause: PAUSE };
        download(&wish, &mut |progress| show(&bar, progress))
    };
    let outcome = match mirror {
        // An archive that somebody packed anew has another hash; what counts is the model in it.
        Some(url) => one(url, None),
        None => {
            let [first, second] = ARCHIVE.urls;
            one(first, Some(ARCHIVE.sha256)).or_else(|_| one(second, Some(ARCHIVE.sha256)))
        }
    };
    bar.finish_and_clear();
    match outcome {
        Ok(()) => Ok(file),
        Err(error) => {
            let kind = fetch_kind(&error);
            let help = format!(
                "{error}\n  help: a box without internet takes a file fetched elsewhere: `sightline models pull {NAME} --from {}`\n  it is published at {}",
                ARCHIVE.file_name, ARCHIVE.urls[0]
            );
            Err(Failure::new(kind, anyhow!(help)))
        }
    }
}

const fn fetch_kind(error: &FetchError) -> Kind {
    match error {
        FetchError::Address | FetchError::Write { .. } => Kind::Usage,
        FetchError::Connection { .. } | FetchError::Status { .. } | FetchError::Short { .. } => Kind::Unavailable,
        FetchError::TooLarge { .. }
        | FetchError::WrongHash { .. }
        | FetchError::Archive { .. }
        | FetchError::NoMember { .. } => Kind::Config,
    }
}

/// A bar on a terminal; nothing where nobody watches.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    if let Some(total) = progress.total {
        bar.set_length(total);
    }
    bar.set_position(progress.received);
}

/// The model out of a file that was fetched elsewhere: the archive, or what is in it.
fn read_local(file: &Path) -> Result<Vec<u8>, Failure> {
    let context = || format!("cannot read {}", file.display());
    let size = fs::metadata(file).with_context(context).or_fail(Kind::Usage)?.len();
    if size > MOST_BYTES {
        return Err(Failure::new(Kind::Usage, anyhow!("{}: {size} bytes are too many for it", file.display())));
    }
    let mut beginning = [0; 2];
    let opened = fs::File::open(file).and_then(|mut opened| std::io::Read::read(&mut opened, &mut beginning));
    opened.with_context(context).or_fail(Kind::Usage)?;
    // Every zip archive begins with its author's initials.
    if &beginning == b"PK" {
        return unpack(file);
    }
    fs::read(file).with_context(context).or_fail(Kind::Usage)
}

fn unpack(archive: &Path) -> Result<Vec<u8>, Failure> {
    member(archive, ARCHIVE.member, ARCHIVE.member_bytes).or_fail(Kind::Config)
}

fn verify(tflite: &[u8], from: Option<&Path>) -> Outcome {
    let found = sha256_of_bytes(tflite);
    if found == DETECT_SHA256 {
        return Ok(());
    }
    let place = from.map_or_else(|| "the archive".to_owned(), |file| file.display().to_string());
    let message = format!(
        "{place}: not the published {} ({} bytes of SHA-256 {DETECT_SHA256}) but {} bytes of SHA-256 {found}; fetch it again, or take another SSD with `sightline models import`",
        ARCHIVE.member,
        ARCHIVE.member_bytes,
        tflite.len()
    );
    Err(Failure::new(Kind::Config, anyhow!(message)))
}
