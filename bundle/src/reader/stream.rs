//! The raw deflate stream of an entry that does not say how long it is, and the data descriptor behind it.

use flate2::{Crc, Decompress, FlushDecompress, Status};

const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// How a deflate stream ends.
pub(super) enum Ending {
    Whole,
    OutOfInput,
    Invalid,
    TooLong,
}

/// What a raw deflate stream turned out to be.
pub(super) struct Stream {
    pub(super) end: Ending,
    /// Bytes that it takes.
    pub(super) taken: usize,
    /// Bytes that it makes.
    pub(super) made: u64,
    /// CRC-32 of those.
    pub(super) crc: u32,
}

/// Inflates without keeping anything, to find the end. A zip's deflate is raw (RFC 1951), without zlib's header.
pub(super) fn inflate(data: &[u8], most: u64) -> Stream {
    let mut inflater = Decompress::new(false);
    let mut crc = Crc::new();
    let mut buffer = vec![0; 64 << 10];
    let end = loop {
        let (taken, made) = (position(&inflater), inflater.total_out());
        let status = inflater.decompress(data.get(taken..).unwrap_or_default(), &mut buffer, FlushDecompress::None);
        let new = usize::try_from(inflater.total_out() - made).unwrap_or(0);
        crc.update(buffer.get(..new).unwrap_or_default());
        match status {
            Ok(Status::StreamEnd) => break Ending::Whole,
            Err(_) => break Ending::Invalid,
            Ok(_) if inflater.total_out() > most => break Ending::TooLong,
            Ok(_) if new == 0 && position(&inflater) == taken => break Ending::OutOfInput,
            Ok(_) => {}
        }
    };
    Stream { end, taken: position(&inflater), made: inflater.total_out(), crc: crc.sum() }
}

fn position(inflater: &Decompress) -> usize {
    usize::try_from(inflater.total_in()).unwrap_or(usize::MAX)
}

/// What stands behind a streamed entry.
pub(super) enum Descriptor {
    /// It fits the data; its length.
    Right(usize),
    Missing,
    Wrong,
}

/// Reads the data descriptor: an optional signature, the CRC, and the sizes in four bytes each, or in eight (zip64).
pub(super) fn descriptor(data: &[u8], at: usize, stream: &Stream) -> Descriptor {
    let signed = signature(data, at) == DESCRIPTOR;
    for skip in if signed { [4, 0] } else { [0, 4] } {
        if skip == 4 && !signed {
            continue;
        }
        let at = at + skip;
        if u32_at(data, at) != Some(stream.crc) {
            continue;
        }
        if u64_at(data, at + 4) == Some(stream.taken as u64) && u64_at(data, at + 12) == Some(stream.made) {
            return Descriptor::Right(skip + 20);
        }
        let narrow = |offset| u32_at(data, offset).map(u64::from);
        if narrow(at + 4) == Some(stream.taken as u64) && narrow(at + 8) == Some(stream.made) {
            return Descriptor::Right(skip + 12);
        }
    }
    // 16 bytes are what it has at least, with the signature that every writer today puts there.
    if data.len() < at.saturating_add(16) { Descriptor::Missing } else { Descriptor::Wrong }
}

pub(super) fn signature(data: &[u8], at: usize) -> [u8; 4] {
    bytes(data, at).unwrap_or_default()
}

fn bytes<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(super) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    bytes(data, at).map(u16::from_le_bytes)
}

pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    bytes(data, at).map(u32::from_le_bytes)
}

pub(super) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    bytes(data, at).map(u64::from_le_bytes)
}
