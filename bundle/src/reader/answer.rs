//! The answer to the question for a capture: what the manifest says of it and what its entry holds, put together.
//!
//! | record  | text  | answer |
//! |---------|-------|--------|
//! | taken   | there | the text; partial if it was truncated, timed out, failed, or is damaged |
//! | taken   | lost  | absent: damaged |
//! | absent  | any   | absent, with the record's reason |
//! | none    | there | the text, unrecorded; for a pasted one, what is known of it |
//! | none    | none  | absent: the format is older than the capture, the end was lost, the collection was cut short, there is no such member of a family that was taken, or else the manifest is silent on it |

use std::sync::Arc;

use super::Bundle;
use super::entry::Entry;
use crate::content::{Absence, AbsentWhy, Content, Partial, Text};
use crate::key::{Key, Netns};
use crate::manifest::{Exit, Outcome, Record};

impl Bundle {
    pub(super) fn answer(&self, key: &Key) -> Content {
        match (self.record(key).map(|record| &record.outcome), self.texts.get(key)) {
            (Some(Outcome::Absent { why, detail }), _) => absent(*why, detail.clone()),
            (Some(taken @ Outcome::Taken { .. }), Some(entry)) => self.text(key, Some(taken), entry),
            (Some(Outcome::Taken { .. }), None) => absent(AbsentWhy::Damaged, "its text is not in the bundle".to_owned()),
            (None, Some(entry)) => self.text(key, None, entry),
            (None, None) => self.unrecorded(key),
        }
    }

    fn text(&self, key: &Key, taken: Option<&Outcome>, entry: &Entry) -> Content {
        let loaded = entry.load(&self.zip);
        if let Some(pasted) = self.pasted.as_ref().and_then(|texts| texts.get(key)) {
            return Content::Text(Text {
                body: loaded.body.clone(),
                partial: pasted.partial.clone(),
                lossy: false,
                unrecorded: false,
                format: pasted.format,
                origin: Some(Arc::clone(&pasted.origin)),
            });
        }
        if let (true, Some(why)) = (loaded.body.is_empty(), &loaded.broken) {
            return absent(AbsentWhy::Damaged, why.clone());
        }
        let digest_is_wrong = match (taken, &loaded.sha256) {
            (Some(Outcome::Taken { sha256, .. }), Some(found)) => !sha256.eq_ignore_ascii_case(found),
            _ => false,
        };
        let partial = if let Some(why) = &loaded.broken {
            Some(Partial::Damaged(why.clone()))
        } else if digest_is_wrong {
            Some(Partial::Damaged("it is not the text that was written: its SHA-256 is not that of the manifest".to_owned()))
        } else {
            taken.and_then(partial)
        };
        let given = loaded.sha256.is_none();
        Content::Text(Text {
            body: loaded.body.clone(),
            partial,
            lossy: loaded.lossy,
            unrecorded: taken.is_none() && !given,
            format: key.capture.spec().format,
            origin: None,
        })
    }

    fn unrecorded(&self, key: &Key) -> Content {
        if self.pasted.is_some() {
            return absent(AbsentWhy::NotGiven, "no output that was given shows it".to_owned());
        }
        let format = self.manifest().format;
        let since = key.capture.spec().since_minor;
        if format.minor < since {
            let detail = format!("it came with format {}.{since}; the bundle has {format}", format.major);
            return absent(AbsentWhy::NotInThisVersion, detail);
        }
        if !self.complete {
            return absent(AbsentWhy::Damaged, "the end of the bundle is lost, and it was not in what is left".to_owned());
        }
        if let Netns::Pod(number) = key.netns
            && !self.manifest().netns.iter().any(|netns| netns.number == number)
        {
            return absent(AbsentWhy::NotFound, format!("the bundle has no network namespace {number}"));
        }
        if key.instance.is_some() {
            // A record without an instance speaks for the whole family: there is no such folder, or no tool.
            let whole = Key { instance: None, ..key.clone() };
            if let Some(Record { outcome: Outcome::Absent { why, detail }, .. }) = self.record(&whole) {
                return absent(*why, detail.clone());
            }
        }
        if let Some(why) = &self.manifest().cut_short {
            return absent(AbsentWhy::NotReached, why.clone());
        }
        // The collector lists a family's members and records each, so the one that is missing was not there.
        if key.instance.is_some() && self.records(key.netns, key.capture).next().is_some() {
            return absent(AbsentWhy::NotFound, "others of its kind were taken, but there was no such one".to_owned());
        }
        absent(AbsentWhy::NotRecorded, "the manifest says nothing of it".to_owned())
    }
}

fn absent(why: AbsentWhy, detail: String) -> Content {
    Content::Absent(Absence { why, detail })
}

/// What is missing of a text, by its record. That it was cut off says more than how the tool ended: the collector ended it then.
fn partial(taken: &Outcome) -> Option<Partial> {
    let Outcome::Taken { truncated, timed_out, exit, stderr, .. } = taken else { return None };
    if *truncated {
        return Some(Partial::Truncated);
    }
    if *timed_out {
        return Some(Partial::TimedOut);
    }
    let how = match exit {
        None | Some(Exit::Status(0)) => return None,
        Some(Exit::Status(status)) => format!("exit status {status}"),
        Some(Exit::Signal(signal)) => format!("signal {signal}"),
    };
    let stderr = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Some(Partial::Failed { how, stderr: stderr.to_owned() })
}
