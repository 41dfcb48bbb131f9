//! Where a link begins in the text of `ip addr` and `ip link`: `2: eth0@if4: <…`, also in the middle of a line.
//!
//! Colons may be full-width (`73：kube-ipvs0：`): some input methods make them so.

/// The words of a piece from here on begin a link: its index and name, what is behind its `@`, and the rest.
pub(super) struct Header<'t> {
    pub(super) index: u32,
    pub(super) name: &'t str,
    pub(super) lower: Option<&'t str>,
    pub(super) rest: &'t str,
}

/// Reads `2: eth0@if4: <…`, and at the start of a line also `2: eth0    inet …` (`-o`).
pub(super) fn header(text: &str, starts_line: bool) -> Option<Header<'_>> {
    const COLON: [char; 2] = [':', '：'];
    let (index, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (index, rest) = (index.parse().ok()?, rest.strip_prefix(COLON)?.trim_start());
    let end = rest.find(|c: char| c.is_whitespace() || COLON.contains(&c) || c == '<')?;
    let (name, behind) = rest.split_at(end);
    let (name, lower) = name.rsplit_once('@').map_or((name, None), |(n, l)| (n, Some(l)));
    let rest = behind.trim_start_matches(COLON).trim_start();
    let flags = behind.starts_with(COLON) && (rest.starts_with('<') || starts_line && rest.is_empty());
    let oneline =
        starts_line && behind.starts_with(char::is_whitespace) && (rest.starts_with("inet") || rest.starts_with("link/"));
    (!name.is_empty() && (flags || oneline)).then_some(Header { index, name, lower, rest })
}

/// Where in a line the next link begins: at a word such as `3:` that a name and flags follow.
pub(super) fn next_header(text: &str) -> Option<usize> {
    let angles = memchr::memchr_iter(b'<', text.as_bytes());
    angles.filter_map(|angle| start_of_header(text, angle)).next()
}

/// From the `<` of a link's flags back to its index.
fn start_of_header(text: &str, angle: usize) -> Option<usize> {
    // An index, two names and their signs fit in this; a look further back at every `<` would cost the square of the line.
    let from = (angle.saturating_sub(96)..=angle).find(|&i| text.is_char_boundary(i))?;
    let start = start_in(text.get(from..)?, angle - from)? + from;
    (start > 0 && header(text.get(start..)?, false).is_some()).then_some(start)
}

/// Where the two words before an angle begin.
fn start_in(text: &str, angle: usize) -> Option<usize> {
    let before = text.get(..angle)?.trim_end().trim_end_matches([':', '：']).trim_end();
    // The name, then the index before it; both are words, or glued by a colon.
    let start = before.rfind(|c: char| c.is_whitespace()).map_or(0, |i| i + 1);
    let word = before.get(start..)?;
    let start = if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', '：']) {
        start
    } else {
        let index = before.get(..start)?.trim_end();
        index.rfind(char::is_whitespace).map_or(0, |i| i + 1)
    };
    // `rfind` gives the start of a blank, which may be longer than a byte.
    let start = (start..=angle).find(|&i| text.is_char_boundary(i))?;
    Some(start + text.get(start..).map_or(0, |t| t.len() - t.trim_start().len()))
}
