use proptest::prelude::*;

use super::*;

#[test]
fn credentials_are_hidden_in_each_form() {
    for (text, clean) in [
        ("opening rtsp://viewer:secret@10.0.0.9/s now", "opening rtsp://***@10.0.0.9/s now"),
        ("a rtsp://u:p@h/x and rtsp://h2/y@z", "a rtsp://***@h/x and rtsp://h2/y@z"),
        ("http://u:p@ss@h", "http://***@h"),
        ("rtsp://viewer:p@ss:w/rd@h/x", "rtsp://***@h/x"),
        ("'rtsp://viewer:p/w@h/x', rtsp://h/y@z", "'rtsp://***@h/x', rtsp://h/y@z"),
        ("Authorization: Basic dmlld2Vy\r\nCSeq: 2", "Authorization: ***\r\nCSeq: 2"),
        ("   key: 'Authorization', value: 'Basic dmlld2Vy'", "   key: 'Authorization', value: '***'"),
        ("proxy-authorization:Digest username=\"v\", response=\"9\"", "proxy-authorization:***\""),
        ("headers, Authorization=(string)\"Basic\\ dmlld2Vy\";", "headers, Authorization=(string)\"***"),
        ("rtspsrc, user-pw=(string)\"se\\\"cret\", x=1", "rtspsrc, user-pw=(string)\"***\", x=1"),
        ("user-id = viewer, user-pw = (string) secret", "user-id = *** user-pw = (string) ***"),
        ("a=(structure)\"b\\,\\ user-pw\\=1\", password=x", "a=(structure)\"b\\,\\ user-pw\\=***\", password=***"),
        ("in=\"s, user-pw=(string)\\\"a b\\\", c=1\"", "in=\"s, user-pw=(string)\\\"***\\\", c=1\""),
        ("GET /user=admin&Password=hunter2&channel=1", "GET /user=admin&Password=***&channel=1"),
    ] {
        assert_eq!(redact(text), clean);
        assert_eq!(redact(clean), clean, "what is hidden stays as it is");
    }
}

#[test]
fn text_without_a_credential_stays_as_it_is() {
    for text in [
        "",
        "rtsp://10.0.0.9:554/stream@2?x=a@b",
        "rtsp://[fe80::1]:554/stream@2",
        "Authorization: ",
        "authorization failed",
        "WWW-Authenticate: Digest realm=\"camera\", nonce=\"4711\"",
        "the camera refuses this user or password (Unauthorized (401))",
        "user-pw=(string)\"\"",
        "password=",
        "mailto:me@here, a://b",
    ] {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
    }
}

/// As `gst_string_wrap` does: in quotes, and a backslash before all but a few characters.
fn wrapped(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            let plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | ':' | '.');
            [(!plain).then_some('\\'), Some(c)].into_iter().flatten()
        })
        .collect();
    format!("\"{escaped}\"")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |digit| char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]))
    });
    digits.collect()
}

/// Each form with a user and a password in it, and how the password is written there.
fn forms(user: &str, password: &str) -> Vec<(String, String)> {
    let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
    let basic = base64(format!("{user}:{password}").as_bytes());
    vec![
        (format!("rtsp://{user}:{encoded}@h/x"), encoded.clone()),
        (format!("Authorization: Basic {basic}"), basic.clone()),
        (format!("key: 'Proxy-Authorization', value: 'Basic {basic}'"), basic.clone()),
        (format!("authorization=(string){}", wrapped(&basic)), basic),
        (format!("s, user-pw=(string){}, z=1;", wrapped(password)), wrapped(password)),
        (format!("t=(structure){};", wrapped(&format!("s, user-pw=(string){};", wrapped(password)))), password.into()),
        (format!("s, user-pw = {} ", wrapped(password)), wrapped(password)),
        (format!("rtsp://h/live?password={encoded}&x"), encoded),
    ]
}

proptest! {
    #[test]
    fn any_text_is_taken_and_hiding_twice_changes_nothing(text in ".{0,80}") {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    /// Made of what the forms are made of, so that they meet at every angle.
    #[test]
    fn any_mixture_of_the_forms_is_taken(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "://", "@", "a", "ü", "/", " ", "\\", "\"", "'", "\n", "=", ":", ",", "(string)", "***", "&", ", value:",
                "authorization", "Authorization:", "user-pw=", "PASSWORD=",
            ]),
            0..24,
        ),
    ) {
        let once = redact(&parts.concat()).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn text_without_the_marks_of_a_credential_is_not_changed(text in "[^@=:,]{0,80}") {
        prop_assert!(matches!(redact(&text), Cow::Borrowed(_)));
    }

    #[test]
    fn no_credential_survives_in_any_form(
        user in "[a-z]{1,8}",
        // Long enough not to be part of the text around it by chance.
        password in "[A-Z0-9]{8}[ -~]{0,8}[A-Z0-9]{4}",
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
    ) {
        for (form, written) in forms(&user, &password) {
            let text = format!("{before} {form} {after}");
            let clean = redact(&text);
            prop_assert!(!clean.contains(&written), "{} in {}", written, clean);
            prop_assert!(!clean.contains(&password[..8]), "the beginning of {} in {}", password, clean);
        }
    }
}
