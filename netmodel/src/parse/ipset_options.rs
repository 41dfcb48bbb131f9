//! What stands behind a set's type and behind a member in `ipset save` and `ipset list`: options of both.
//!
//! ```text
//! family inet hashsize 1024 maxelem 65536 timeout 300 counters comment skbinfo bucketsize 12 initval 0x2d47f9c9
//! timeout 0 packets 3 bytes 180 comment "node seven" skbmark 0x1111/0xff00ffff skbprio 1:10 skbqueue 10
//! ```
//!
//! Words of ipset(8), 7.x; the order depends on the set's type and is not held to. Left out: the elements, see `state::ipsets`.

use serde::Serialize;

use super::text::{trimmed, word};
use crate::source::{At, position};

/// Options of a set. What is not printed is `None`; the kernel's default for it depends on the type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetOptions {
    /// `family`, as printed; bitmaps and lists have none.
    pub family: Option<At>,
    /// `hashsize`: buckets at first.
    pub hashsize: Option<u32>,
    /// `maxelem`: elements at most; one more is refused ("set is full"), or with `forceadd` replaces another.
    pub maxelem: Option<u32>,
    /// `bucketsize`: elements in a bucket (since 7.7).
    pub bucketsize: Option<u32>,
    /// `initval`: seed of the hash (printed since 7.7).
    pub initval: Option<u32>,
    /// `netmask`: addresses are stored as networks of that length.
    pub netmask: Option<u32>,
    /// `bitmask`, an address.
    pub bitmask: Option<At>,
    /// `markmask` of hash:ip,mark.
    pub markmask: Option<u32>,
    /// `range` of a bitmap (`0-65535`, `192.168.0.0-192.168.0.255`).
    pub range: Option<At>,
    /// `size` of a list.
    pub size: Option<u32>,
    /// `timeout`: seconds that a member lives if it says nothing else; 0 for ever. `None`: members have no timeout.
    pub timeout: Option<u32>,
    /// `counters`.
    pub counters: bool,
    /// `comment`: members may have one.
    pub comment: bool,
    /// `skbinfo`.
    pub skbinfo: bool,
    /// `forceadd`.
    pub forceadd: bool,
    /// Words that are not known.
    pub unknown: Vec<At>,
}

/// Options of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemberOptions {
    /// Seconds left; 0 for ever.
    pub timeout: Option<u32>,
    /// Packets that matched.
    pub packets: Option<u64>,
    /// Bytes that matched.
    pub bytes: Option<u64>,
    /// The comment without its quotes. ipset lets no `"` into it and knows no escapes.
    pub comment: Option<At>,
    /// Mark and mask that are given to packets that match.
    pub skbmark: Option<(u32, u32)>,
    /// Priority (`1:10`, hexadecimal).
    pub skbprio: Option<At>,
    /// Queue.
    pub skbqueue: Option<u16>,
    /// An exception.
    pub nomatch: bool,
    /// Words that are not known.
    pub unknown: Vec<At>,
}

/// Reads the options of a set; `at` is where they stand in `text`.
#[must_use]
pub fn set_options(text: &str, at: At) -> SetOptions {
    let mut out = SetOptions::default();
    let mut rest = super::text::slice(text, at);
    loop {
        let (key, after) = word(rest);
        let (value, behind) = word(after);
        let spot = |part: &str| position(text, part, at.line);
        let mut valued = true;
        match key {
            "" => return out,
            "family" => out.family = trimmed(text, value, at.line),
            "hashsize" => out.hashsize = value.parse().ok(),
            "maxelem" => out.maxelem = value.parse().ok(),
            "bucketsize" => out.bucketsize = value.parse().ok(),
            "initval" => out.initval = hex32(value),
            "netmask" => out.netmask = value.parse().ok(),
            "bitmask" => out.bitmask = trimmed(text, value, at.line),
            "markmask" => out.markmask = hex32(value),
            "range" => out.range = trimmed(text, value, at.line),
            "size" => out.size = value.parse().ok(),
            "timeout" => out.timeout = value.parse().ok(),
            "counters" => (out.counters, valued) = (true, false),
            "comment" => (out.comment, valued) = (true, false),
            "skbinfo" => (out.skbinfo, valued) = (true, false),
            "forceadd" => (out.forceadd, valued) = (true, false),
            _ => {
                out.unknown.push(spot(key));
                valued = false;
            }
        }
        rest = if valued { behind } else { after };
    }
}

/// Reads the options of a member; `at` is where they stand in `text`.
#[must_use]
pub fn member_options(text: &str, at: At) -> MemberOptions {
    let mut out = MemberOptions::default();
    let mut rest = super::text::slice(text, at);
    loop {
        let (key, after) = word(rest);
        let (value, behind) = word(after);
        rest = behind;
        match key {
            "" => return out,
            "timeout" => out.timeout = value.parse().ok(),
            "packets" => out.packets = value.parse().ok(),
            "bytes" => out.bytes = value.parse().ok(),
            "skbmark" => out.skbmark = skbmark(value),
            "skbprio" => out.skbprio = trimmed(text, value, at.line),
            "skbqueue" => out.skbqueue = value.parse().ok(),
            "nomatch" => (out.nomatch, rest) = (true, after),
            "comment" => {
                let quoted = after.trim_ascii_start();
                let (comment, behind) = match quoted.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
                    Some(split) => split,
                    // Cut off inside the comment, or a hand removed the quotes.
                    None => (quoted.trim_start_matches('"'), ""),
                };
                out.comment = Some(position(text, comment, at.line));
                rest = behind;
            }
            _ => {
                out.unknown.push(position(text, key, at.line));
                rest = after;
            }
        }
    }
}

fn hex32(word: &str) -> Option<u32> {
    super::text::hex(word).and_then(|n| u32::try_from(n).ok())
}

/// `0x1111/0xff00ffff`; without a mask every bit counts.
fn skbmark(word: &str) -> Option<(u32, u32)> {
    match word.split_once('/') {
        Some((mark, mask)) => Some((hex32(mark)?, hex32(mask)?)),
        None => Some((hex32(word)?, u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::text::slice;

    fn whole(text: &str) -> At {
        position(text, text, 1)
    }

    #[test]
    fn options_of_sets() {
        let text = "family inet6 hashsize 64 maxelem 100 netmask 24 markmask 0xffffff00 timeout 0 counters comment skbinfo forceadd \
                    bucketsize 12 initval 0x2d47f9c9 bitmask 255.128.255.0 newthing 4";
        let got = set_options(text, whole(text));
        assert_eq!((got.hashsize, got.maxelem, got.netmask, got.timeout), (Some(64), Some(100), Some(24), Some(0)));
        assert_eq!((got.markmask, got.initval, got.bucketsize), (Some(0xffff_ff00), Some(0x2d47_f9c9), Some(12)));
        assert!(got.counters && got.comment && got.skbinfo && got.forceadd);
        assert_eq!(slice(text, got.bitmask.unwrap()), "255.128.255.0");
        assert_eq!(got.unknown.iter().map(|&a| slice(text, a)).collect::<Vec<_>>(), ["newthing", "4"]);
    }

    #[test]
    fn options_of_members() {
        let text = "nomatch timeout 0 packets 3 bytes 180 comment \"timeout 9 nomatch\" skbmark 0x1111/0xff00ffff skbprio 1:10 skbqueue 10";
        let got = member_options(text, whole(text));
        assert_eq!((got.timeout, got.packets, got.bytes), (Some(0), Some(3), Some(180)));
        assert_eq!(slice(text, got.comment.unwrap()), "timeout 9 nomatch");
        assert_eq!((got.skbmark, got.skbqueue), (Some((0x1111, 0xff00_ffff)), Some(10)));
        assert!(got.nomatch && got.unknown.is_empty());
    }

    #[test]
    fn a_word_of_a_comment_is_no_option_even_where_the_line_ends_in_it() {
        let text = "comment \"nomatch tim";
        let got = member_options(text, whole(text));
        assert_eq!(slice(text, got.comment.unwrap()), "nomatch tim");
        assert!(!got.nomatch);
        let empty = "comment \"\" nomatch";
        let got = member_options(empty, whole(empty));
        assert_eq!((slice(empty, got.comment.unwrap()), got.nomatch), ("", true));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(comment|timeout|skbmark|nomatch|\"|0x[0-9]{1,9}/?|[0-9]{1,12}| |\u{e9}){0,20}") {
            let _ = (set_options(&text, whole(&text)), member_options(&text, whole(&text)));
        }
    }
}
