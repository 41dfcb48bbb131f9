//! Finds the entries of a zip whose directory is lost, by the header that stands before each of them (APPNOTE.TXT 4.3.7).
//!
//! An entry that was streamed says its size only behind its data (a data descriptor, 4.3.9): its deflate stream is inflated to
//! find where it ends. Where the headers make no sense, the search goes on at the next one that does. Nothing inflated is kept.

use super::entry::{Entry, Found, Packed, Source, safe_name};
use super::error::{Damage, Limits, Refusal, escaped};
use super::stream::{Descriptor, Ending, descriptor, inflate, signature, u16_at, u32_at, u64_at};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";

/// Whether a file begins as a zip does that has at least one entry.
pub(super) fn begins_like_a_zip(data: &[u8]) -> bool {
    data.starts_with(&LOCAL)
}

/// Finds what can be found.
pub(super) fn entries(data: &[u8], limits: &Limits) -> Result<Found, Refusal> {
    let mut walk = Walk { data, limits, found: Found::default(), seen: 0, total: 0, work: 0 };
    let mut at = 0;
    let mut cut_off = None;
    loop {
        if [DIRECTORY, END, END64].contains(&signature(data, at)) {
            break;
        }
        match walk.entry(at) {
            Ok(Step::Next(next)) => at = next,
            Ok(Step::CutOff) => {
                cut_off = Some(at);
                break;
            }
            Ok(Step::Nonsense) => {
                let Some(next) = next_header(data, at + 1) else {
                    cut_off = Some(at);
                    break;
                };
                at = next;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    if let Some(at) = cut_off {
        walk.found.damage.push(Damage::CutOff { at: at as u64 });
    }
    Ok(walk.found)
}

/// What stands at an offset.
enum Step {
    /// An entry, which was added; the next should be there.
    Next(usize),
    /// The file's end, in the middle of an entry or between two.
    CutOff,
    /// No entry.
    Nonsense,
}

struct Walk<'a> {
    data: &'a [u8],
    limits: &'a Limits,
    found: Found,
    /// Headers that were read: of entries that were left out, too.
    seen: usize,
    /// Inflated bytes of the entries that were found.
    total: u64,
    /// Bytes that were read and made on the search for ends: bounds what headers within headers could cost.
    work: u64,
}

/// The fields of a local header that matter.
struct Header {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
}

impl Walk<'_> {
    fn entry(&mut self, at: usize) -> Result<Step, Refusal> {
        let data = self.data;
        if data.len() < at + 4 {
            return Ok(Step::CutOff);
        }
        if signature(data, at) != LOCAL {
            return Ok(Step::Nonsense);
        }
        let (Some(fixed), Some(name_length), Some(extra_length)) =
            (data.get(at..at + 30), u16_at(data, at + 26), u16_at(data, at + 28))
        else {
            return Ok(Step::CutOff);
        };
        let name_end = at + 30 + usize::from(name_length);
        let start = name_end + usize::from(extra_length);
        let (Some(raw), Some(extra)) = (data.get(at + 30..name_end), data.get(name_end..start)) else { return Ok(Step::CutOff) };
        let is_folder = raw.ends_with(b"/");
        let name = safe_name(raw).map_err(Refusal::Unsafe)?;
        let mut header = Header {
            flags: u16_at(fixed, 6).unwrap_or(0),
            method: u16_at(fixed, 8).unwrap_or(u16::MAX),
            crc: u32_at(fixed, 14).unwrap_or(0),
            packed: u32_at(fixed, 18).unwrap_or(0).into(),
            size: u32_at(fixed, 22).unwrap_or(0).into(),
        };
        if let Some((size, packed)) = zip64_sizes(extra) {
            header.size = size;
            header.packed = packed;
        }
        self.seen += 1;
        self.limits.whole(self.seen, self.total).map_err(Refusal::Limit)?;
        if header.flags & 1 != 0 {
            self.found.unusable(name, "it is encrypted".to_owned());
            return Ok(self.after(&header, start));
        }
        match (header.method, header.flags & 8 != 0) {
            (8, true) => self.streamed(name, start),
            (0 | 8, false) => self.sized(name, &header, start, is_folder),
            (0, true) => {
                self.found.unusable(name, "it is stored without its size, which only the lost directory has".to_owned());
                Ok(Step::Nonsense)
            }
            (method, _) => {
                self.found.unusable(name, format!("its compression (method {method}) is not known here"));
                Ok(self.after(&header, start))
            }
        }
    }

    /// Where the next header is, if this one says how long its data are.
    fn after(&self, header: &Header, start: usize) -> Step {
        let end = usize::try_from(header.packed).ok().and_then(|packed| start.checked_add(packed));
        match end {
            _ if header.flags & 8 != 0 => Step::Nonsense,
            Some(end) if end <= self.data.len() => Step::Next(end),
            _ => Step::CutOff,
        }
    }

    /// An entry whose header has its sizes.
    fn sized(&mut self, name: String, header: &Header, start: usize, is_folder: bool) -> Result<Step, Refusal> {
        let step = self.after(header, start);
        let (end, broken) = match step {
            Step::Next(end) => (end, None),
            _ => (self.data.len(), Some("the bundle is cut off within it".to_owned())),
        };
        if is_folder {
            return Ok(step);
        }
        // A cut off entry has fewer packed bytes than it says: its ratio is that of the whole.
        self.charge(&name, header.size, header.packed)?;
        let packed = Packed { range: start..end, crc: Some(header.crc), broken };
        let source = if header.method == 0 { Source::Stored(packed) } else { Source::Deflated(packed) };
        self.add(name, source, header.size, matches!(step, Step::CutOff));
        Ok(step)
    }

    /// A deflated entry whose sizes and checksum stand behind it.
    fn streamed(&mut self, name: String, start: usize) -> Result<Step, Refusal> {
        let stream = inflate(self.data.get(start..).unwrap_or_default(), self.limits.entry_bytes);
        self.work = self.work.saturating_add(stream.made).saturating_add(stream.taken as u64);
        if self.work > self.limits.total_bytes.saturating_add(self.data.len() as u64) {
            return Err(Refusal::Limit("finding its entries takes too long (a zip bomb)".to_owned()));
        }
        self.charge(&name, stream.made, stream.taken as u64)?;
        let end = start + stream.taken;
        let (broken, step) = match stream.end {
            Ending::Whole => match descriptor(self.data, end, &stream) {
                Descriptor::Right(length) => (None, Step::Next(end + length)),
                Descriptor::Missing => (Some("the bundle is cut off before its checksum".to_owned()), Step::CutOff),
                Descriptor::Wrong => (Some("its checksum is wrong or overwritten".to_owned()), Step::Nonsense),
            },
            Ending::OutOfInput => (Some("the bundle is cut off within it".to_owned()), Step::CutOff),
            Ending::Invalid => (Some("its compressed data are damaged".to_owned()), Step::Nonsense),
            Ending::TooLong => return Err(Refusal::Limit(format!("{} is larger than any entry may be", escaped(&name)))),
        };
        let crc = (broken.is_none()).then_some(stream.crc);
        let cut_off = matches!(step, Step::CutOff);
        self.add(name, Source::Deflated(Packed { range: start..end, crc, broken }), stream.made, cut_off);
        // Behind a stream that is whole but for its checksum no header can be hidden in it.
        Ok(if matches!(stream.end, Ending::Whole) && matches!(step, Step::Nonsense) { Step::Next(end) } else { step })
    }

    fn charge(&mut self, name: &str, size: u64, packed: u64) -> Result<(), Refusal> {
        self.limits.entry(name, size, packed).map_err(Refusal::Limit)?;
        self.total = self.total.saturating_add(size);
        self.limits.whole(self.seen, self.total).map_err(Refusal::Limit)
    }

    fn add(&mut self, name: String, source: Source, size: u64, cut_off: bool) {
        if let (Source::Stored(packed) | Source::Deflated(packed), false) = (&source, cut_off)
            && let Some(why) = &packed.broken
        {
            self.found.damage.push(Damage::Entry { path: name.clone(), why: why.clone() });
        }
        self.found.insert(name, Entry::new(source, size));
    }
}

/// Where the next local header stands that can be one: a known compression and a harmless name.
fn next_header(data: &[u8], from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    rest.windows(4).enumerate().filter(|(_, window)| *window == LOCAL).map(|(offset, _)| from + offset).find(|&at| {
        let name = || {
            let length = usize::from(u16_at(data, at + 26)?);
            safe_name(data.get(at + 30..at + 30 + length)?).ok()
        };
        matches!(u16_at(data, at + 8), Some(0 | 8)) && name().is_some()
    })
}

/// The sizes in a zip64 field (APPNOTE.TXT 4.5.3): inflated, then packed. A local header has both or none.
fn zip64_sizes(mut extra: &[u8]) -> Option<(u64, u64)> {
    loop {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if id == 1 {
            return Some((u64_at(field, 0)?, u64_at(field, 8)?));
        }
        extra = extra.get(4 + length..)?;
    }
}
