//! What is wrong with the settings, all of it.

use std::fmt;
use std::path::PathBuf;

/// Where a value is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The command line.
    Flag(String),
    /// The environment.
    Variable(String),
    /// The file of settings.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "--{flag}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::File(path) => path.display().fmt(f),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// One setting that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) setting: String,
    pub(crate) origin: Origin,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => write!(f, "{}: {}", self.setting, self.message),
            origin => write!(f, "{} ({origin}): {}", self.setting, self.message),
        }
    }
}

/// Everything that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) struct ConfigError {
    pub(crate) problems: Vec<Problem>,
}

impl ConfigError {
    /// One thing that is wrong.
    pub(crate) fn one(setting: &str, origin: Origin, message: impl Into<String>) -> Self {
        ConfigError { problems: vec![Problem { setting: setting.to_owned(), origin, message: message.into() }] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not right")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
