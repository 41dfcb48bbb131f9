//! Text to records: one file a format, each opening with a real sample of its text.
//!
//! Every parser takes the text of a capture and gives records with positions, and the problems that it met: a line that is not
//! understood is a problem with its line, the rest counts. No input makes a parser panic. What records mean is `state`'s business.

pub mod iptables;
pub mod nft_json;

use crate::source::Problem;

/// What a parser gives.
#[derive(Clone, Debug, Default)]
pub struct Parsed<T> {
    /// What was understood.
    pub value: T,
    /// What was not.
    pub problems: Vec<Problem>,
}
