//! Errors name their own part only; where one is told to a person, its causes are told with it.

/// An error with its causes, for the log and for `mesh-agent status`.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}
