//! Types of service as iproute2 prints them: hexadecimal, or a name of `rt_dsfield`.

/// The byte; `None` for a name that is not among iproute2's own (a node may add some).
pub(super) fn parse(word: &str) -> Option<u8> {
    if let Some(hex) = word.strip_prefix("0x") {
        return u8::from_str_radix(hex, 16).ok();
    }
    if let Ok(number) = word.parse() {
        return Some(number);
    }
    let upper = word.to_ascii_uppercase();
    Some(match upper.as_str() {
        "DEFAULT" => 0,
        "EF" => 0xb8,
        "LOWDELAY" => 0x10,
        "THROUGHPUT" => 0x08,
        "RELIABILITY" => 0x04,
        name => {
            let digits: Vec<u8> = name.bytes().skip(2).map(|b| b.wrapping_sub(b'0')).collect();
            match (name.get(..2)?, digits.as_slice()) {
                ("CS", &[class @ 0..=7]) => class << 5,
                ("AF", &[class @ 1..=4, drop @ 1..=3]) => class << 5 | drop << 3,
                _ => return None,
            }
        }
    })
}

/// `fib_dscp_masked_match` (include/net/ip_fib.h): IPv4 compares the bits of the old type of service, without the precedence.
pub(super) fn masked4(tos: u8) -> u8 {
    tos & 0x1c
}

/// The DSCP of the byte, without ECN.
pub(super) fn dscp(tos: u8) -> u8 {
    tos & 0xfc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(parse("0x10"), Some(0x10));
        assert_eq!(parse("CS6"), Some(0xc0));
        assert_eq!(parse("AF41"), Some(0x88));
        assert_eq!(parse("EF"), Some(0xb8));
        assert_eq!(parse("AF45"), None);
        assert_eq!(parse("ours"), None);
    }
}
