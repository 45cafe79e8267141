//! A value that never reaches a log, an error, a metric, an API answer or an MQTT payload.

/// A password or key. It has neither `Display` nor a telling `Debug`; [`Secret::reveal`] is the one way out, and each
/// call of it is a place to look at in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the value in.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the library call that needs it and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// A user name and its password.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Credentials {
    /// User name; not secret.
    pub username: String,
    /// Password.
    pub password: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_tell() {
        let credentials = Credentials { username: "viewer".into(), password: Secret::new("hunter2".into()) };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
