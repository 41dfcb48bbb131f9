//! A finding: what is wrong, how bad it is, how sure we are, the lines that prove it, and how to repair it.

use netmodel::Evidence;

/// What a fault does to traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It breaks under load, at the next reboot or reload, or for some peers.
    Warning,
    /// Traffic is broken now.
    Error,
}

impl Severity {
    /// The word for it in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How sure a finding is; independent of how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It fits, and other causes fit as well.
    Possible,
    /// Something that the bundle does not show could make it false.
    Likely,
    /// The bundle proves it.
    Certain,
}

impl Confidence {
    /// The word for it in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Whether a remedy mends the node now, or for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// At once, until the next reboot or reload.
    Now,
    /// From the next boot or reload on.
    Persistent,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemedyAction {
    /// Run this as root.
    Command(String),
    /// Write this file.
    File {
        /// Its path.
        path: String,
        /// Its whole content.
        content: String,
    },
    /// Something that is neither one command nor one file.
    Advice(String),
}

/// One step of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// For now, or for good.
    pub when: When,
    /// What to do.
    pub action: RemedyAction,
}

impl Remedy {
    /// A command that mends it now.
    #[must_use]
    pub fn now(command: impl Into<String>) -> Self {
        Self { when: When::Now, action: RemedyAction::Command(command.into()) }
    }

    /// A command that mends it for good.
    #[must_use]
    pub fn persistent(command: impl Into<String>) -> Self {
        Self { when: When::Persistent, action: RemedyAction::Command(command.into()) }
    }

    /// A file that mends it for good.
    #[must_use]
    pub fn file(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self { when: When::Persistent, action: RemedyAction::File { path: path.into(), content: content.into() } }
    }

    /// What cannot be said as one command or file.
    #[must_use]
    pub fn advice(when: When, text: impl Into<String>) -> Self {
        Self { when, action: RemedyAction::Advice(text.into()) }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One line, with the observed values.
    pub title: String,
    /// What follows from it for traffic, and why; one paragraph.
    pub message: String,
    /// The lines that prove it, the deciding one first.
    pub evidence: Vec<Evidence>,
    /// How to repair it.
    pub remedy: Vec<Remedy>,
    /// What suffers: devices, CIDRs, Services, kinds of traffic.
    pub affects: Vec<String>,
}

impl Finding {
    /// A finding; severity and confidence must be said.
    #[must_use]
    pub fn new(severity: Severity, confidence: Confidence, title: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            confidence,
            title: title.into(),
            message: message.into(),
            evidence: Vec::new(),
            remedy: Vec::new(),
            affects: Vec::new(),
        }
    }

    /// Adds a line that proves it.
    #[must_use]
    pub fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Adds several lines that prove it.
    #[must_use]
    pub fn because_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Adds a step of its repair.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy.push(remedy);
        self
    }

    /// Adds what suffers.
    #[must_use]
    pub fn affects(mut self, what: impl Into<String>) -> Self {
        self.affects.push(what.into());
        self
    }
}
