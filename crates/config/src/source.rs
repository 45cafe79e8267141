//! A camera's `url` to the source it names.

use std::path::{Path, PathBuf};

use sightline_core::{
    plan::{RtspTransport, SourceSpec, StreamUrl},
    secret::Credentials,
};

use crate::{
    address::{Address, AddressError},
    environment::Environment,
    interpolate::Surroundings,
    suggest::did_you_mean,
};

const SCHEMES: [&str; 6] = ["rtsp", "rtsps", "file", "v4l2", "test", "sim"];

/// What a camera's other keys say about its source.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceOptions {
    pub transport: Option<RtspTransport>,
    pub repeat: Option<bool>,
    pub verify_tls: Option<bool>,
    pub credentials: Option<Credentials>,
}

/// Which key of a camera a source problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKey {
    Url,
    Loop,
    VerifyTls,
    Username,
}

/// The source that an address names: `rtsp(s)://`, `file://`, `v4l2:///dev/video0`, `test://PATTERN`, `sim://SCENE`,
/// with the settings that a camera in a pipeline file has by default. A relative `file://` path starts at the current
/// folder. `${…}` references are resolved as in a pipeline file.
///
/// # Errors
/// What is wrong with it, in words that never quote it: an address may hold a password.
pub fn parse_source_url(url: &str, environment: &Environment) -> Result<SourceSpec, String> {
    let surroundings = Surroundings { environment, folder: Path::new("") };
    source_of(url, SourceOptions::default(), surroundings).map_err(|errors| {
        let told: Vec<String> = errors
            .into_iter()
            .map(|(_, error)| match error.help {
                Some(help) => format!("{} ({help})", error.message),
                None => error.message,
            })
            .collect();
        told.join("; ")
    })
}

/// The source, or what is wrong with it and at which key.
pub(crate) fn source_of(
    url: &str,
    options: SourceOptions,
    surroundings: Surroundings<'_>,
) -> Result<SourceSpec, Vec<(SourceKey, AddressError)>> {
    let at_url = |errors: Vec<AddressError>| errors.into_iter().map(|e| (SourceKey::Url, e)).collect::<Vec<_>>();
    let address = Address::parse(url, surroundings).map_err(at_url)?;
    let unfit = unfit_options(address.scheme(), &options);
    if !unfit.is_empty() {
        return Err(unfit);
    }
    match address.scheme() {
        "rtsp" | "rtsps" => rtsp(&address, options),
        "file" => file(&address, &options, surroundings.folder).map_err(at_url),
        "v4l2" => device(&address).map_err(at_url),
        "test" => test_pattern(&address).map_err(at_url),
        "sim" => scene(&address).map_err(at_url),
        unknown => Err(at_url(vec![unknown_scheme(unknown)])),
    }
}

fn unknown_scheme(scheme: &str) -> AddressError {
    let help = did_you_mean(scheme, SCHEMES)
        .unwrap_or_else(|| format!("there are {}", SCHEMES.map(|scheme| format!("{scheme}://")).join(", ")));
    // A scheme has no room for a secret: letters, digits, `+`, `-`, `.` only, and it was split off at `://`.
    AddressError::new(format!("unknown scheme `{scheme}://`")).with_help(help)
}

/// Settings that would be silently without effect.
fn unfit_options(scheme: &str, options: &SourceOptions) -> Vec<(SourceKey, AddressError)> {
    let mut unfit = Vec::new();
    if options.repeat == Some(true) && scheme != "file" {
        let error = AddressError::new("only a file can be played again").with_help("remove `loop`");
        unfit.push((SourceKey::Loop, error));
    }
    if options.verify_tls == Some(false) && scheme != "rtsps" {
        let error = AddressError::new("only an rtsps:// camera has a certificate to verify");
        unfit.push((SourceKey::VerifyTls, error.with_help("remove `verify_tls`")));
    }
    if options.credentials.is_some() && !matches!(scheme, "rtsp" | "rtsps") {
        let error = AddressError::new("only an rtsp:// or rtsps:// camera has a user and a password");
        unfit.push((SourceKey::Username, error.with_help("remove `username` and `password`")));
    }
    unfit
}

fn rtsp(address: &Address<'_>, options: SourceOptions) -> Result<SourceSpec, Vec<(SourceKey, AddressError)>> {
    let network =
        address.network().map_err(|errors| errors.into_iter().map(|e| (SourceKey::Url, e)).collect::<Vec<_>>())?;
    if network.credentials.is_some() && options.credentials.is_some() {
        let error = AddressError::new("user and password are given twice: here and in `url`");
        return Err(vec![(SourceKey::Username, error.with_help("keep one of them"))]);
    }
    let server = format!("{}://{}", address.scheme(), network.host_and_port);
    let url = StreamUrl::new(
        format!("{server}{}", network.path_and_query),
        &format!("{server}{}", network.path_and_query_shown),
    );
    Ok(SourceSpec::Rtsp {
        url,
        credentials: network.credentials.or(options.credentials),
        transport: options.transport.unwrap_or(RtspTransport::Tcp),
        verify_tls: options.verify_tls.unwrap_or(true),
    })
}

fn file(address: &Address<'_>, options: &SourceOptions, folder: &Path) -> Result<SourceSpec, Vec<AddressError>> {
    let path = address.local_part()?;
    if path.is_empty() || path.ends_with('/') {
        let error = AddressError::new("the address names no file");
        return Err(vec![error.with_help("file:///path/to/video.mp4, or file://video.mp4 beside the pipeline file")]);
    }
    Ok(SourceSpec::File { path: folder.join(path), repeat: options.repeat.unwrap_or(false) })
}

fn device(address: &Address<'_>) -> Result<SourceSpec, Vec<AddressError>> {
    let device = PathBuf::from(address.local_part()?);
    if !device.is_absolute() || device == Path::new("/") {
        return Err(vec![AddressError::new("the address names no device").with_help("v4l2:///dev/video0")]);
    }
    Ok(SourceSpec::V4l2 { device })
}

fn test_pattern(address: &Address<'_>) -> Result<SourceSpec, Vec<AddressError>> {
    let pattern = simple_name(address, "test://smpte, test://ball")?;
    Ok(SourceSpec::Test { pattern: if pattern.is_empty() { "smpte".to_owned() } else { pattern } })
}

fn scene(address: &Address<'_>) -> Result<SourceSpec, Vec<AddressError>> {
    let help = "sim://street, sim://office";
    let scene = simple_name(address, help)?;
    if scene.is_empty() {
        return Err(vec![AddressError::new("the address names no scene").with_help(help)]);
    }
    Ok(SourceSpec::Sim { scene })
}

/// A name of letters, digits, `-` and `_`.
fn simple_name(address: &Address<'_>, help: &str) -> Result<String, Vec<AddressError>> {
    let text = address.local_part()?;
    let name = text.strip_suffix('/').unwrap_or(&text);
    if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Ok(name.to_owned());
    }
    Err(vec![AddressError::new("only a name may follow `://` here").with_help(help)])
}

#[cfg(test)]
mod tests {
    use sightline_core::secret::Secret;

    use super::*;

    fn parse(url: &str) -> Result<SourceSpec, String> {
        parse_source_url(url, &Environment::empty())
    }

    #[test]
    fn each_scheme_has_its_source() {
        for (url, shown) in [
            ("rtsp://h/x", "rtsp://h/x"),
            ("rtsps://u:p@h:322/x?y=1", "rtsps://h:322/x…"),
            ("file:///videos/a%20b.mp4", "file:///videos/a b.mp4"),
            ("file://clip.mp4", "file://clip.mp4"),
            ("v4l2:///dev/video0", "v4l2:///dev/video0"),
            ("test://ball", "test://ball"),
            ("test://", "test://smpte"),
            ("sim://street", "sim://street"),
            ("sim://street/", "sim://street"),
        ] {
            assert_eq!(parse(url).unwrap().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn credentials_leave_the_address() {
        let source = parse("rtsp://viewer:hunter2@h:8554/x").unwrap();
        assert!(!format!("{source:?}").contains("hunter2"));
        let SourceSpec::Rtsp { url, credentials, transport, verify_tls } = source else { panic!("not rtsp") };
        assert_eq!(url.reveal(), "rtsp://h:8554/x");
        let expected = Credentials { username: "viewer".into(), password: Secret::new("hunter2".into()) };
        assert_eq!(credentials, Some(expected));
        assert_eq!((transport, verify_tls), (RtspTransport::Tcp, true));
    }

    #[test]
    fn what_names_no_source_is_refused() {
        for (url, message) in [
            ("rtps://h/x", "unknown scheme `rtps://` (did you mean `rtsp`?)"),
            ("http://h/x", "unknown scheme `http://` (there are rtsp://, rtsps://, file://, v4l2://, test://, sim://)"),
            ("v4l2://video0", "the address names no device (v4l2:///dev/video0)"),
            ("sim://", "the address names no scene (sim://street, sim://office)"),
            ("test://a b", "only a name may follow `://` here (test://smpte, test://ball)"),
            ("10.0.0.1", "an address needs a scheme, as in rtsp:// or mqtt://"),
        ] {
            assert_eq!(parse(url), Err(message.to_owned()));
        }
        assert!(parse("file:///").unwrap_err().starts_with("the address names no file"));
    }
}
