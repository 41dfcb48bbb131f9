//! Writes JSON as iproute2 does (lib/json_writer.c): one line, keys in the order in which they are said, no blanks.
//!
//! Unlike iproute2, control characters that JSON does not allow in strings (an interface may have them in its name) are escaped.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Text that waits to be passed on.
const BUFFER: usize = 16 << 10;

/// A JSON text under way. Errors of the writer are kept until [`Json::record`] or [`Json::finish`] say them, so that what is
/// written need not be asked about word by word.
pub(crate) struct Json<'w> {
    out: &'w mut dyn Write,
    buffer: String,
    comma: bool,
}

impl<'w> Json<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, buffer: String::with_capacity(BUFFER + BUFFER / 4), comma: false }
    }

    /// Passes on what has gathered, if it is much: to be called after each record.
    ///
    /// # Errors
    /// If no more is wanted.
    pub(crate) fn record(&mut self) -> io::Result<()> {
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.pass_on()
    }

    /// Ends the text with a line end.
    ///
    /// # Errors
    /// If no more is wanted.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.buffer.push('\n');
        self.pass_on()
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.out.write_all(self.buffer.as_bytes())?;
        self.buffer.clear();
        Ok(())
    }

    /// Begins an object: a value of this key, or an item of an array.
    pub(crate) fn open(&mut self, key: Option<&str>) {
        self.begin(key, '{');
    }

    /// Ends an object.
    pub(crate) fn close(&mut self) {
        self.end('}');
    }

    /// Begins an array: a value of this key, or an item of an array.
    pub(crate) fn open_array(&mut self, key: Option<&str>) {
        self.begin(key, '[');
    }

    /// Ends an array.
    pub(crate) fn close_array(&mut self) {
        self.end(']');
    }

    fn begin(&mut self, key: Option<&str>, with: char) {
        match key {
            Some(key) => self.key(key),
            None => self.separate(),
        }
        self.buffer.push(with);
        self.comma = false;
    }

    fn end(&mut self, with: char) {
        self.buffer.push(with);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.buffer.push(',');
        }
        self.comma = true;
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.buffer.push(':');
    }

    pub(crate) fn string(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        self.displayed(value);
    }

    /// A value that is a number.
    pub(crate) fn number(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        // Writing to a string does not fail.
        let _ = write!(self.buffer, "{value}");
    }

    pub(crate) fn bool(&mut self, key: &str, value: bool) {
        self.number(key, value);
    }

    pub(crate) fn null(&mut self, key: &str) {
        self.number(key, "null");
    }

    /// `0x…` as a string, or `0` (printf's `%#x`).
    pub(crate) fn hex(&mut self, key: &str, value: u64) {
        if value == 0 { self.string(key, "0") } else { self.string(key, format_args!("{value:#x}")) }
    }

    /// A string that is an item of an array.
    pub(crate) fn item(&mut self, value: impl fmt::Display) {
        self.separate();
        self.displayed(value);
    }

    /// A number that is an item of an array.
    pub(crate) fn item_number(&mut self, value: impl fmt::Display) {
        self.separate();
        let _ = write!(self.buffer, "{value}");
    }

    fn displayed(&mut self, value: impl fmt::Display) {
        self.buffer.push('"');
        let start = self.buffer.len();
        let _ = write!(self.buffer, "{value}");
        let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
        if !self.buffer.as_bytes().get(start..).unwrap_or_default().iter().copied().all(plain) {
            let raw = self.buffer.split_off(start);
            self.escaped(&raw);
        }
        self.buffer.push('"');
    }

    fn quoted(&mut self, text: &str) {
        self.buffer.push('"');
        self.escaped(text);
        self.buffer.push('"');
    }

    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\t' => self.buffer.push_str("\\t"),
                '\n' => self.buffer.push_str("\\n"),
                '\r' => self.buffer.push_str("\\r"),
                '\u{c}' => self.buffer.push_str("\\f"),
                '\u{8}' => self.buffer.push_str("\\b"),
                '\\' => self.buffer.push_str("\\\\"),
                '"' => self.buffer.push_str("\\\""),
                c if c < ' ' => {
                    let _ = write!(self.buffer, "\\u{:04x}", u32::from(c));
                }
                c => self.buffer.push(c),
            }
        }
    }
}

/// A number as printf's `%g` writes it: six significant digits, no trailing zeros.
pub(crate) struct Short(pub(crate) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 || !self.0.is_finite() {
            return write!(f, "{}", self.0);
        }
        // With five decimals of the first digit the exponent is that of the rounded number.
        let scientific = format!("{:.5e}", self.0);
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-4..6).contains(&exponent) {
            let decimals = usize::try_from(5 - exponent).unwrap_or(0);
            let fixed = format!("{:.decimals$}", self.0);
            return f.write_str(trimmed(&fixed));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(f, "{}e{sign}{:02}", trimmed(digits), exponent.abs())
    }
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_iproute2_writes() {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out);
        json.open_array(None);
        json.open(None);
        json.string("ifname", "a\"b\\c\u{1}");
        json.number("mtu", 1500);
        json.open_array(Some("flags"));
        json.item("UP");
        json.item("LOWER_UP");
        json.close_array();
        json.open(Some("empty"));
        json.close();
        json.null("not");
        json.hex("fwmark", 16);
        json.hex("fwmask", 0);
        json.close();
        json.open(None);
        json.close();
        json.close_array();
        json.finish().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "[{\"ifname\":\"a\\\"b\\\\c\\u0001\",\"mtu\":1500,\"flags\":[\"UP\",\"LOWER_UP\"],\"empty\":{},\"not\":null,\
             \"fwmark\":\"0x10\",\"fwmask\":\"0\"},{}]\n"
        );
    }

    #[test]
    fn numbers_are_as_short_as_with_printf() {
        for (number, text) in [
            (0.0, "0"),
            (120.0, "120"),
            (299.99, "299.99"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.333333"),
            (123_456.7, "123457"),
            (1_234_567.0, "1.23457e+06"),
            (999_999.9, "1e+06"),
            (0.0001, "0.0001"),
            (0.000_012_3, "1.23e-05"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(Short(number).to_string(), text);
        }
    }
}
