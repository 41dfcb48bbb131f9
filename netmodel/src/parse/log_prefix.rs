//! What stands before the message of a log line: dmesg, syslog, journald, klog, container runtimes.
//!
//! ```text
//! [ 1234.567890] message
//! <4>[ 1234.567890] [    T42] message
//! [Tue Jan  2 10:00:00 2024] message
//! kern  :warn  : [ 1234.567890] message
//! Jan  2 10:00:00 node-a kernel: [ 1234.567890] message
//! 2024-01-02T10:00:00.123456+00:00 node-a kernel: message
//! I0102 10:00:00.123456       1 proxier.go:853] message
//! 2024-01-02T10:00:00.123456789Z stderr F I0102 10:00:00.123456       1 proxier.go:853] message
//! {"log":"message\n","stream":"stderr","time":"2024-01-02T10:00:00.123456789Z"}
//! ```

use serde::Serialize;

use super::text::word;

/// The parts of a line; all are slices of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct LogLine<'t> {
    /// The wall clock's time as written, of the outermost prefix that has one.
    pub(crate) time: Option<&'t str>,
    /// Seconds since boot.
    pub(crate) uptime: Option<f64>,
    /// The program (`kernel`, `kubelet`), of syslog and journald.
    pub(crate) program: Option<&'t str>,
    /// What is left.
    pub(crate) message: &'t str,
}

/// Takes the prefixes off, outermost first.
pub(crate) fn split(line: &str) -> LogLine<'_> {
    let mut out = LogLine { message: line.trim_ascii(), ..LogLine::default() };
    // docker in syslog in journald: there are never more.
    for _ in 0..5 {
        let before = out.message;
        strip(&mut out);
        if out.message.len() == before.len() {
            break;
        }
    }
    out
}

fn strip<'t>(line: &mut LogLine<'t>) {
    let message = line.message;
    if let Some(inner) = json(message) {
        line.message = inner;
    } else if let Some((_, rest)) = message.strip_prefix('<').and_then(|m| m.split_once('>')).filter(|(l, _)| digits(l)) {
        line.message = rest.trim_ascii_start();
    } else if let Some((inside, rest)) = message.strip_prefix('[').and_then(|m| m.split_once(']')) {
        bracket(line, inside.trim_ascii(), rest.trim_ascii_start());
    } else if let Some(rest) = facility(message) {
        line.message = rest;
    } else if let Some((time, rest)) = klog(message) {
        line.time = line.time.or(Some(time));
        line.message = rest;
    } else if let Some((time, rest)) = clock(message) {
        line.time = line.time.or(Some(time));
        line.message = rest;
        origin(line);
    }
}

/// `[ 12.5]`, `[Tue Jan  2 10:00:00 2024]`, or the caller behind either (`[    T42]`, `[   C1]`).
fn bracket<'t>(line: &mut LogLine<'t>, inside: &'t str, rest: &'t str) {
    if let Some(seconds) = inside.parse::<f64>().ok().filter(|_| inside.contains('.')) {
        line.uptime = line.uptime.or(Some(seconds));
        line.message = rest;
        // journalctl -o short-monotonic has host and program behind it; dmesg has not, and prints `ll header: …`.
        if rest.split_ascii_whitespace().nth(1).is_some_and(|w| w == "kernel:" || w.ends_with("]:")) {
            origin(line);
        }
    } else if inside.matches(':').count() == 2 && inside.split_ascii_whitespace().count() == 5 {
        line.time = line.time.or(Some(inside));
        line.message = rest;
    } else if (line.uptime.is_some() || line.time.is_some()) && inside.starts_with(['T', 'C']) && digits(&inside[1..]) {
        line.message = rest;
    }
}

/// `Jan  2 10:00:00 ` or an ISO time.
fn clock(message: &str) -> Option<(&str, &str)> {
    let (first, rest) = word(message);
    let iso = first.len() >= 19
        && first.as_bytes().get(4) == Some(&b'-')
        && first.as_bytes().get(10).is_some_and(|b| matches!(b, b'T'));
    if iso && first.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
        return Some((first, rest.trim_ascii_start()));
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if !months.contains(&first) {
        return None;
    }
    let (day, rest) = word(rest);
    let (time, rest) = word(rest);
    let end = message.len() - rest.len();
    (digits(day) && time.matches(':').count() == 2).then(|| (&message[..end], rest.trim_ascii_start()))
}

/// `node-a kernel: ` and `node-a kubelet[123]: `, or the `stderr F ` of a container's log.
fn origin(line: &mut LogLine<'_>) {
    let (first, rest) = word(line.message);
    let (second, behind) = word(rest);
    if matches!(first, "stdout" | "stderr") && matches!(second, "F" | "P") {
        line.message = behind.trim_ascii_start();
        return;
    }
    let Some(program) = second.strip_suffix(':') else { return };
    let program = program.split('[').next().unwrap_or(program);
    // A host name has no colon, a program no blank; `eth0: link up` has neither in that order.
    let word_like = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./()@".contains(&b));
    if word_like(first) && word_like(program) && line.program.is_none() {
        line.program = Some(program);
        line.message = behind.trim_ascii_start();
    }
}

/// `kern  :warn  : ` of `dmesg -x`.
fn facility(message: &str) -> Option<&str> {
    let (facility, rest) = message.split_once(':')?;
    let (level, rest) = rest.split_once(": ")?;
    let facilities = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news"];
    let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    (facilities.contains(&facility.trim_ascii()) && levels.contains(&level.trim_ascii())).then(|| rest.trim_ascii_start())
}

/// `I0102 10:00:00.123456       1 proxier.go:853] `
fn klog(message: &str) -> Option<(&str, &str)> {
    let (head, rest) = message.split_once("] ").or_else(|| Some((message.strip_suffix(']')?, "")))?;
    let (date, behind) = word(head);
    let (time, _) = word(behind);
    let severity = date.starts_with(['I', 'W', 'E', 'F']) && date.len() == 5 && digits(&date[1..]);
    let end = date.len() + behind.find(time).unwrap_or(0) + time.len();
    (severity && time.matches(':').count() == 2).then(|| (&message[..end], rest.trim_ascii_start()))
}

/// The text within `{"log":"…\n",`. Escapes stay as they are: a message that has some is not the worse for being found.
fn json(message: &str) -> Option<&str> {
    let inner = message.strip_prefix("{\"log\":\"")?;
    let bytes = inner.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let inner = inner.get(..end.min(bytes.len())).unwrap_or(inner);
    Some(inner.strip_suffix("\\n").unwrap_or(inner))
}

fn digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_comes_off() {
        let cases = [
            "[ 1234.567890] m: x",
            "<4>[ 1234.567890] [    T42] m: x",
            "[    0.000000][    T0] m: x",
            "[Tue Jan  2 10:00:00 2024] m: x",
            "kern  :warn  : [ 1234.567890] m: x",
            "Jan  2 10:00:00 node-a kernel: [ 1234.567890] m: x",
            "Jan  2 10:00:00 node-a kernel: m: x",
            "2024-01-02T10:00:00.123456+00:00 node-a kernel: m: x",
            "2024-01-02T10:00:00,123456+00:00 m: x",
            "[ 1234.567890] node-a kernel: m: x",
            "I0102 10:00:00.123456       1 proxier.go:853] m: x",
            "2024-01-02T10:00:00.123456789Z stderr F I0102 10:00:00.123456       1 proxier.go:853] m: x",
            "{\"log\":\"m: x\\n\",\"stream\":\"stderr\",\"time\":\"2024-01-02T10:00:00.123456789Z\"}",
            "m: x",
        ];
        for case in cases {
            assert_eq!(split(case).message, "m: x", "{case}");
        }
        assert_eq!(split(cases[5]).uptime, Some(1_234.567_89));
        assert_eq!((split(cases[5]).time, split(cases[5]).program), (Some("Jan  2 10:00:00"), Some("kernel")));
        assert_eq!(split(cases[3]).time, Some("Tue Jan  2 10:00:00 2024"));
    }

    #[test]
    fn what_belongs_to_the_message_stays() {
        assert_eq!(split("[UFW BLOCK] IN=eth0").message, "[UFW BLOCK] IN=eth0");
        assert_eq!(split("[ 12.5] [UFW BLOCK] IN=eth0").message, "[UFW BLOCK] IN=eth0");
        assert_eq!(split("[ 12.5] eth0: link up").message, "eth0: link up");
        assert_eq!(split("[ 12.5] IPv6: eth0: link up").message, "IPv6: eth0: link up", "no host named `IPv6:`");
        assert_eq!(
            split("[ 12.5] ll header: 00000000: 02 42").message,
            "ll header: 00000000: 02 42",
            "no program named `header`"
        );
        assert_eq!(split("Jan was cold").message, "Jan was cold");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\[|\\]|<4>|Jan 2 10:00:00 |I0102 10:00:00 |h kernel: |\\{\"log\":\"|\\\\|\"|T4|[0-9.]{1,4}| |\u{e9}){0,20}") {
            let _ = split(&text);
        }
    }
}
