//! Three-valued answers: yes, no, or not known and why.

use std::borrow::Cow;

/// Why something is not known, in lower case.
pub type Why = Cow<'static, str>;

/// An answer to a question about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tri {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Not known; says why, in lower case.
    Unknown(Why),
}

impl Tri {
    /// Not known, for this reason.
    #[must_use]
    pub fn unknown(why: impl Into<Why>) -> Self {
        Self::Unknown(why.into())
    }

    /// Both must hold: one No suffices for No, whatever is not known.
    #[must_use]
    pub fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Unknown(why) => match other() {
                Self::No => Self::No,
                _ => Self::Unknown(why),
            },
        }
    }

    /// One must hold: one Yes suffices for Yes, whatever is not known.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        !((!self).and(|| !other()))
    }
}

impl std::ops::Not for Tri {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

impl From<bool> for Tri {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certain_answer_beats_an_unknown_one() {
        let unknown = || Tri::unknown("x");
        assert_eq!(unknown().and(|| Tri::No), Tri::No);
        assert_eq!(unknown().and(|| Tri::Yes), unknown());
        assert_eq!(unknown().or(|| Tri::Yes), Tri::Yes);
        assert_eq!(unknown().or(|| Tri::No), unknown());
        assert_eq!(Tri::No.or(|| Tri::No), Tri::No);
        assert_eq!(!unknown(), unknown());
    }
}
