//! What to do about an error, as a type: the one place that retries reads it off the error.

/// How an error is to be handled by the one loop that retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// Try again soon: the network, a camera that is booting.
    Retry,
    /// Try again, but seldom: a wrong password must not lock the account.
    RetrySlowly,
    /// This camera cannot work as configured; the others go on.
    GiveUpCamera,
    /// The process cannot work.
    GiveUpProcess,
}
