//! The text form in pieces: items of a block (lines, or parts of lines between semicolons), and the words of an item.

/// What a piece of an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word.
    Word,
    /// What stands between double quotes, without them.
    Quoted,
    /// One of `{ } ( ) , ; #`, or a lone `:`.
    Sign,
}

/// A piece of an item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tok<'a> {
    pub(super) kind: Kind,
    /// Its text.
    pub(super) text: &'a str,
    /// Offset of its first byte in the item, quotes included.
    pub(super) start: usize,
    /// Offset behind its last byte.
    pub(super) end: usize,
}

impl Tok<'_> {
    /// Whether it is this sign.
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether it is this word, not in quotes.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// Cuts an item into words.
pub(super) fn tokens<'a>(item: &'a str, out: &mut Vec<Tok<'a>>) {
    out.clear();
    let bytes = item.as_bytes();
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => i += 1,
            // The end of a line in a script.
            b'\\' if matches!(bytes.get(i + 1), Some(b'\n' | b'\r')) => i += 1,
            b'"' => {
                let close = memchr::memchr2(b'"', b'\n', &bytes[i + 1..]).map_or(bytes.len(), |n| i + 1 + n);
                let end = if bytes.get(close) == Some(&b'"') { close + 1 } else { close };
                out.push(Tok { kind: Kind::Quoted, text: item.get(i + 1..close).unwrap_or_default(), start: i, end });
                i = end;
            }
            b'{' | b'}' | b'(' | b')' | b',' | b';' | b'#' => {
                out.push(Tok { kind: Kind::Sign, text: item.get(i..=i).unwrap_or_default(), start: i, end: i + 1 });
                i += 1;
            }
            _ => {
                let len = word_len(&bytes[i..]);
                push_word(item, i, i + len, out);
                i += len;
            }
        }
    }
}

/// Where a word ends. Raw payload (`@nh,8,8`) keeps its commas.
fn word_len(bytes: &[u8]) -> usize {
    let raw = bytes[0] == b'@'
        && bytes.iter().position(|&b| b == b',').is_some_and(|comma| {
            let base = &bytes[1..comma];
            matches!(base, b"ll" | b"nh" | b"th" | b"ih") || (!base.is_empty() && base.iter().all(u8::is_ascii_digit))
        });
    bytes
        .iter()
        .position(|&b| match b {
            b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b'(' | b')' | b';' | b'"' => true,
            b',' => !raw,
            _ => false,
        })
        .unwrap_or(bytes.len())
        .max(1)
}

fn push_word<'a>(item: &'a str, start: usize, end: usize, out: &mut Vec<Tok<'a>>) {
    let Some(text) = item.get(start..end) else { return };
    let sign = |at: usize| Tok { kind: Kind::Sign, text: ":", start: at, end: at + 1 };
    if text == ":" {
        out.push(sign(start));
        return;
    }
    // A port without an address (`:8080`, `:tcp dport map …`); two colons begin an address.
    if text.starts_with(':') && !text.starts_with("::") {
        out.push(sign(start));
        push_word(item, start + 1, end, out);
        return;
    }
    // People write `80: accept`; an address that ends so ends in two colons.
    if let Some(word) = text.strip_suffix(':')
        && !word.ends_with(':')
    {
        out.push(Tok { kind: Kind::Word, text: word, start, end: end - 1 });
        out.push(sign(end - 1));
        return;
    }
    out.push(Tok { kind: Kind::Word, text, start, end });
}

/// What comes next in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A line or a part of one, with its leading blanks and tabs, and its offset.
    Text(&'a str, usize),
    /// `… {`: the text before the brace, and its offset.
    Open(&'a str, usize),
    /// `}`.
    Close(usize),
    /// The end of the text.
    End,
}

/// Goes through a text item by item.
#[derive(Debug)]
pub(super) struct Items<'a> {
    text: &'a str,
    pub(super) pos: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }

    /// The next item. Where `blocks` is true a brace opens a block, else it belongs to the item, which may then span lines.
    pub(super) fn next(&mut self, blocks: bool) -> Item<'a> {
        let bytes = self.text.as_bytes();
        // Blanks before an item belong to it: in rules of iptables-nft they may stand for an extension.
        let mut start = self.pos;
        loop {
            match bytes.get(self.pos) {
                None => return Item::End,
                Some(b'\n' | b';') => {
                    self.pos += 1;
                    start = self.pos;
                }
                Some(b' ' | b'\t' | b'\r') => self.pos += 1,
                Some(b'}') => {
                    self.pos += 1;
                    return Item::Close(self.pos - 1);
                }
                Some(_) => break,
            }
        }
        self.item(start, blocks)
    }

    fn item(&mut self, start: usize, blocks: bool) -> Item<'a> {
        let bytes = self.text.as_bytes();
        let mut depth = 0usize;
        let mut i = self.pos;
        while let Some(&byte) = bytes.get(i) {
            match byte {
                b'"' => {
                    let close = memchr::memchr2(b'"', b'\n', &bytes[i + 1..]).map_or(bytes.len(), |n| i + 1 + n);
                    i = if bytes.get(close) == Some(&b'"') { close + 1 } else { close };
                    continue;
                }
                // What stands behind it on its line opens and closes nothing, but is kept: QUIRKS 17.
                b'#' if i == 0 || bytes[i - 1].is_ascii_whitespace() => {
                    i = memchr::memchr(b'\n', &bytes[i..]).map_or(bytes.len(), |n| i + n);
                    continue;
                }
                b'{' if blocks => {
                    let item = self.slice(start, i);
                    self.pos = i + 1;
                    return Item::Open(item, start);
                }
                b'{' => depth += 1,
                b'}' if depth == 0 => break,
                b'}' => depth -= 1,
                b';' if depth == 0 => break,
                b'\n' if depth == 0 && bytes[..i].last() != Some(&b'\\') => break,
                b'\n' if depth > 0 && self.begins_block(i + 1) => break,
                _ => {}
            }
            i += 1;
        }
        self.pos = i;
        Item::Text(self.slice(start, i), start)
    }

    /// Whether a line begins a chain, set or table: then a brace before it was never closed, and the text was cut there.
    fn begins_block(&self, at: usize) -> bool {
        let line = self.text.get(at..).unwrap_or_default().lines().next().unwrap_or_default().trim();
        line.contains('{')
            && ["chain ", "table ", "set ", "map "].iter().any(|word| line.starts_with(word))
            && !line.contains(" : ")
            && !line.contains(',')
    }

    /// The rest of the line from here, consumed, if it is blank or a remark (`# handle 5`); nothing is consumed else.
    pub(super) fn remark(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest.as_bytes().get(blanks) != Some(&b'#') {
            return None;
        }
        let len = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        self.pos += len;
        Some(rest.get(blanks..len).unwrap_or_default().trim_start_matches('#').trim())
    }

    /// The next line without consuming it, and what consuming it would lead to.
    pub(super) fn peek_line(&self) -> Option<(&'a str, usize, usize)> {
        let start = if self.text.as_bytes().get(self.pos) == Some(&b'\n') { self.pos + 1 } else { self.pos };
        let rest = self.text.get(start..)?;
        let len = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        Some((rest.get(..len)?, start, start + len))
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}
