//! Reads a manifest as far as it can be read.
//!
//! The format's version is read whatever the rest looks like. Fields that this version does not know are left alone, and a record
//! that it cannot read (an outcome of a newer version, a flipped bit) costs only itself.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::Damage;
use crate::manifest::{FORMAT, FormatVersion, Manifest};

/// Why there is no manifest to be had.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is of a newer major version.
    TooNew(FormatVersion),
    /// It has more records, or namespaces, than a bundle may have entries.
    TooMany(usize),
    /// It is unreadable.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Head {
    format: FormatVersion,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    collector: &'a RawValue,
    #[serde(borrow)]
    node: &'a RawValue,
    #[serde(borrow)]
    started_at: &'a RawValue,
    #[serde(borrow, default)]
    finished_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cut_short: Option<&'a RawValue>,
    #[serde(borrow, default)]
    netns: Option<&'a RawValue>,
    #[serde(borrow, default)]
    captures: Option<&'a RawValue>,
}

/// Reads the manifest that stands in the entry `name`; what could not be read of it goes to `damage`.
pub(super) fn read(name: &str, text: &str, most: usize, damage: &mut Vec<Damage>) -> Result<Manifest, Failure> {
    let unreadable = |error: serde_json::Error| Failure::Unreadable(error.to_string());
    let Head { format } = serde_json::from_str(text).map_err(unreadable)?;
    if format.major > FORMAT.major {
        return Err(Failure::TooNew(format));
    }
    if format.major == 0 {
        return Err(Failure::Unreadable("format version 0 never was".to_owned()));
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(unreadable)?;
    let part = |part: &str| format!("{part} in {name}");
    let mut told = |what: &str, why: String| damage.push(Damage::Manifest { part: part(what), why });
    let finished_at = raw.finished_at.and_then(|value| time(value).map_err(|why| told("finished_at", why)).ok());
    // That it was cut short must not be lost, even if why is.
    let cut_short = raw.cut_short.map(|value| serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned()));
    let netns = list(raw.netns, "netns", most, &mut told)?;
    let captures = list(raw.captures, "captures", most, &mut told)?;
    Ok(Manifest {
        format,
        collector: serde_json::from_str(raw.collector.get()).map_err(unreadable)?,
        node: serde_json::from_str(raw.node.get()).map_err(unreadable)?,
        started_at: time(raw.started_at).map_err(Failure::Unreadable)?,
        finished_at,
        cut_short,
        netns,
        captures,
    })
}

fn time(value: &RawValue) -> Result<OffsetDateTime, String> {
    let text: String = serde_json::from_str(value.get()).map_err(|e| e.to_string())?;
    OffsetDateTime::parse(&text, &Rfc3339).map_err(|e| e.to_string())
}

/// Reads a list item by item.
fn list<T: DeserializeOwned>(
    value: Option<&RawValue>,
    name: &str,
    most: usize,
    told: &mut impl FnMut(&str, String),
) -> Result<Vec<T>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let items: Vec<&RawValue> = match serde_json::from_str(value.get()) {
        Ok(items) => items,
        Err(error) => {
            told(name, error.to_string());
            return Ok(Vec::new());
        }
    };
    if items.len() > most {
        return Err(Failure::TooMany(items.len()));
    }
    let read = |(index, item): (usize, &RawValue)| match serde_json::from_str(item.get()) {
        Ok(item) => Some(item),
        Err(error) => {
            told(&format!("{name}[{index}]"), error.to_string());
            None
        }
    };
    Ok(items.into_iter().enumerate().filter_map(read).collect())
}
