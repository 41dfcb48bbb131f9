//! Takes secrets out of configuration texts, and leaves everything else, line by line, as it was.
//!
//! It goes by names and shapes, so it knows no file format: `key = value` and `key: value` lines (INI, shell, YAML), `"key": value`
//! members (JSON, also several on a line), XML attributes and elements, PEM blocks, passwords in URLs, JSON web tokens. It takes
//! too much rather than too little: the files where a secret is the rule (kubeconfigs, connection profiles) are not read at all.

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "REDACTED";

/// Whether a key's name says that its value is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    // WireGuard's public keys, and names of files and of resources that only contain the syllable, are no secrets.
    if name.starts_with("public") || name.ends_with("publickey") {
        return false;
    }
    ["token", "passw", "passphrase", "secret", "credential", "psk", "privatekey", "apikey", "presharedkey", "keydata", "bearer"]
        .iter()
        .any(|word| name.contains(word))
        || name.ends_with("key")
}

/// The text without its secrets.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_pem = false;
    // Lines that are indented deeper than this belong to a secret key above them (YAML's block scalars, nested maps).
    let mut below: Option<usize> = None;
    // How deep within the brackets of a secret JSON member we are.
    let mut depth = 0_usize;
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let indent = body.len() - body.trim_start().len();
        if in_pem {
            in_pem = !body.contains("-----END ");
            out.push_str(REDACTED);
        } else if let Some(begin) = body.find("-----BEGIN ") {
            in_pem = !body.contains("-----END ");
            out.push_str(body.get(..begin).unwrap_or_default());
            out.push_str(REDACTED);
        } else if below.is_some_and(|b| !body.trim().is_empty() && indent > b) {
            out.push_str(body.get(..indent).unwrap_or_default());
            out.push_str(REDACTED);
        } else {
            if !body.trim().is_empty() {
                below = None;
            }
            let body = json_members(body, &mut depth);
            let body = assignment(&body, &mut below);
            let body = xml(&body);
            out.push_str(&shapes(&body));
        }
        out.push_str(end);
    }
    out
}

/// `"key": value` and `'key': value`, anywhere in a line.
fn json_members(line: &str, depth: &mut usize) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    if *depth > 0 {
        rest = skip_value(rest, depth);
        out.push_str(REDACTED);
    }
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(start);
        out.push_str(before);
        rest = quoted;
        // A quote that is not closed on its line stays as it is.
        let Some(len) = string_len(quoted) else { break };
        let (string, after) = quoted.split_at(len);
        out.push_str(string);
        rest = after;
        let Some(value) = after.trim_start().strip_prefix(':') else { continue };
        if !is_secret_name(string) {
            continue;
        }
        let value = value.trim_start();
        out.push_str(": \"");
        out.push_str(REDACTED);
        out.push('"');
        rest = skip_value(value, depth);
    }
    out.push_str(rest);
    out
}

/// The length of the quoted string that a text begins with, quotes included.
fn string_len(text: &str) -> Option<usize> {
    let quote = text.bytes().next()?;
    let mut escaped = false;
    for (i, b) in text.bytes().enumerate().skip(1) {
        if escaped {
            escaped = false;
        } else if b == b'\\' && quote == b'"' {
            escaped = true;
        } else if b == quote {
            return Some(i + 1);
        }
    }
    None
}

/// What follows a JSON value; `depth` says how many of its brackets are still open at the line's end.
fn skip_value<'a>(text: &'a str, depth: &mut usize) -> &'a str {
    let mut i = 0;
    while let Some(rest) = text.get(i..) {
        let Some(c) = rest.chars().next() else { break };
        match c {
            '"' | '\'' => {
                i += string_len(rest).unwrap_or(rest.len());
                if *depth == 0 {
                    return text.get(i..).unwrap_or_default();
                }
                continue;
            }
            '[' | '{' => *depth += 1,
            ']' | '}' if *depth > 0 => {
                *depth -= 1;
                if *depth == 0 {
                    return text.get(i + 1..).unwrap_or_default();
                }
            }
            ',' | ']' | '}' if *depth == 0 => return rest,
            _ => {}
        }
        i += c.len_utf8();
    }
    ""
}

/// `key = value` and `key: value`, a commented one too.
fn assignment(line: &str, below: &mut Option<usize>) -> String {
    let indent = line.len() - line.trim_start().len();
    let Some(at) = line.find(['=', ':']) else { return words(line) };
    let (name, value) = line.split_at(at);
    let bare = name.trim().trim_start_matches(['#', ';', '-', ' ']).trim_start_matches("export ").trim_end();
    let plain = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c));
    if !plain || bare.split_whitespace().count() > 3 || !is_secret_name(bare) {
        return words(line);
    }
    *below = Some(indent);
    let sign = value.get(..1).unwrap_or_default();
    format!("{name}{sign} {REDACTED}")
}

/// `--token=value`, `token="value"`, `--password value` among other words.
fn words(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let (before, value) = rest.split_at(at);
        out.push_str(before);
        out.push('=');
        rest = value.get(1..).unwrap_or_default();
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c)).next().unwrap_or_default();
        if !is_secret_name(name) {
            continue;
        }
        out.push_str(REDACTED);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '>');
        let quoted = if rest.starts_with(['"', '\'']) { Some(string_len(rest).unwrap_or(rest.len())) } else { None };
        rest = rest.get(quoted.or_else(|| rest.find(ends)).unwrap_or(rest.len())..).unwrap_or_default();
    }
    out.push_str(rest);
    if out.contains("--") { flags(&out) } else { out }
}

/// `--password value`.
fn flags(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut redact_next = false;
    for piece in line.split_inclusive([' ', '\t', '"', '\'', ',']) {
        let word = piece.trim_end_matches([' ', '\t', '"', '\'', ',']);
        let rest = piece.get(word.len()..).unwrap_or_default();
        if redact_next && !word.is_empty() {
            redact_next = false;
            out.push_str(REDACTED);
        } else {
            redact_next |= word.starts_with("--") && !word.contains('=') && is_secret_name(word);
            out.push_str(word);
        }
        out.push_str(rest);
    }
    out
}

/// `<password>value</password>`, also among others on its line; attributes are words with a `=`.
fn xml(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tagged)) = rest.split_once('<') {
        let Some((tag, value)) = tagged.split_once('>') else { break };
        out.push_str(before);
        out.push_str(&format!("<{tag}>"));
        rest = value;
        let name = tag.split_whitespace().next().unwrap_or_default();
        if !name.starts_with(['/', '?', '!']) && !tag.ends_with('/') && is_secret_name(name) {
            out.push_str(REDACTED);
            // An element that ends on a later line loses the rest of this one; configuration is not written so.
            rest = value.find("</").and_then(|end| value.get(end..)).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// Passwords in URLs and JSON web tokens, wherever they stand.
fn shapes(line: &str) -> String {
    if !line.contains("://") && !line.contains("eyJ") {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    for piece in line.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')) {
        if let Some((scheme, rest)) = piece.split_once("://") {
            let authority = rest.find('/').unwrap_or(rest.len());
            if let Some(at) = rest.get(..authority).and_then(|a| a.rfind('@')) {
                out.push_str(&format!("{scheme}://{REDACTED}{}", rest.get(at..).unwrap_or_default()));
                continue;
            }
        }
        // RFC 7519: three base64url parts, the first being a JSON object, so it begins with `{"`.
        if let Some(at) = piece.find("eyJ").filter(|_| piece.matches('.').count() >= 2 && piece.len() > 30) {
            let end = piece.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).len();
            out.push_str(&format!("{}{REDACTED}{}", piece.get(..at).unwrap_or_default(), piece.get(end..).unwrap_or_default()));
            continue;
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_in_every_form() {
        for text in [
            "token = hunter2",
            "  password: hunter2\n",
            "# PrivateKey=hunter2",
            "PresharedKey = hunter2",
            "{\"token\": \"hunter2\", \"mtu\": 1450}",
            "{\"etcd\":{\"password\":\"a\\\"hunter2\",\"x\":1}}",
            "\"secrets\": [\n  \"a\", \"hunter2\"\n], \"b\": 1",
            "\"api_key\": 12345, \"client-secret\": {\"v\": [\"hunter2\"]}",
            "token: |\n  hunter2\n  hunter2\nmtu: 1",
            "token:\n\n    value: hunter2\n",
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n",
            "key: -----BEGIN X-----hunter2-----END X-----",
            "proxy=http://user:hunter2@proxy:3128/",
            "args --token hunter2 --mtu 5",
            "KUBELET_ARGS=\"--token=hunter2\"",
            "<password>hunter2</password>",
            "<a><b x=\"1\">y</b><password>hunter2</password></a>",
            "<a secret=\"hunter2\"/>",
            "- Authorization eyJhbGciOiJub25lhunter2.eyJhdWQiOiIx.hunter2hunter2 x",
            "export API_TOKEN=hunter2",
            "- password: hunter2",
            "<a secret='x hunter2' b=\"c\"/>",
            "args: [\"--token\", \"hunter2\"]",
        ] {
            let redacted = redact(text);
            assert!(!redacted.contains("hunter2"), "{text:?} → {redacted:?}");
            assert!(redacted.contains(REDACTED), "{text:?}");
            assert_eq!(redacted.lines().count(), text.lines().count(), "{text:?}");
        }
    }

    #[test]
    fn the_rest_of_a_line_and_of_a_text_stays() {
        assert_eq!(redact("{\"token\": \"x\", \"mtu\": 1450}\n"), "{\"token\": \"REDACTED\", \"mtu\": 1450}\n");
        assert_eq!(redact("\"secrets\": [\n \"a\"\n], \"b\": 1"), "\"secrets\": \"REDACTED\"\nREDACTED\nREDACTED, \"b\": 1");
        assert_eq!(redact("token: |\n  x\nmtu: 1\n"), "token: REDACTED\n  REDACTED\nmtu: 1\n");
    }

    #[test]
    fn what_is_no_secret_is_not_touched() {
        for text in [
            "PublicKey=abc=\nAllowedIPs = 10.0.0.0/8\n",
            "{\"cniVersion\":\"0.3.1\",\"plugins\":[{\"type\":\"flannel\",\"delegate\":{\"hairpinMode\":true}}]}",
            "nameserver 10.96.0.10\nsearch default.svc.cluster.local\noptions ndots:5\n",
            "net.ipv4.ip_forward = 1\n",
            "-A ufw-user-input -p tcp --dport 22 -j ACCEPT\n",
            "# see https://example.org/a@b\n",
            "a \"quote that is not closed: 1\n",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
