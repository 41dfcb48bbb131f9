//! How the program ends: its exit statuses, and errors as the one place that prints them wants them.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// An exit status. The numbers are an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Nothing at or above `--fail-on`.
    Clean = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Wrong usage, an error of the tool, or an input that could not be read.
    Error = 2,
    /// Only with `--require-complete`: nothing was found, but some rules could not be checked.
    Incomplete = 3,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads the output any more (`| head`): that is success.
    BrokenPipe,
    /// An error, and what the user can do about it.
    Error {
        /// What went wrong: one line, lower case.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl Stop {
    /// An error about which the user can do nothing that we know of.
    pub(crate) fn error(message: impl fmt::Display) -> Self {
        Self::Error { message: message.to_string(), help: None }
    }

    /// Adds what the user can do.
    pub(crate) fn help(self, text: impl Into<String>) -> Self {
        match self {
            Self::Error { message, .. } => Self::Error { message, help: Some(text.into()) },
            Self::BrokenPipe => self,
        }
    }

    /// What a failed write to stdout means.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::error(format_args!("cannot write to stdout: {error}"))
        }
    }
}
