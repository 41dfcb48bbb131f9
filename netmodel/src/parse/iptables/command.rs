//! The command line above a pasted listing, `iptables -t nat -nvL PREROUTING`: it alone says of which table the listing is.
//!
//! Left out: prompts, which are taken off before, and commands that change rules.

use super::record::TableKind;

/// What a command lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parse) struct Command {
    /// The table; `filter` where the command names none.
    pub(in crate::parse) table: TableKind,
    /// Whether it lists all chains of the table and not one.
    pub(in crate::parse) all: bool,
}

/// The command of a line, if it lists rules.
pub(in crate::parse) fn listing(line: &str) -> Option<Command> {
    let mut words = line.split_ascii_whitespace().peekable();
    while words.next_if(|w| matches!(*w, "sudo" | "doas" | "$" | "#" | "%" | ">") || w.contains('=')).is_some() {}
    let tool = words.next()?;
    let tool = tool.rsplit('/').next().unwrap_or(tool);
    if !matches!(tool, "iptables" | "ip6tables" | "iptables-nft" | "ip6tables-nft" | "iptables-legacy" | "ip6tables-legacy") {
        return None;
    }
    let (mut table, mut lists, mut all, mut by_number) = (TableKind::Filter, false, true, false);
    while let Some(word) = words.next() {
        // What follows is another command's: `iptables -L | grep KUBE` shows a part only.
        if word.starts_with(['|', '>', '&', ';']) || word.starts_with("2>") {
            all &= !word.starts_with('|');
            break;
        }
        let mut takes_chain = false;
        match word {
            "-t" | "--table" => table = TableKind::of(words.next()?),
            "--list" | "--list-rules" => (lists, takes_chain) = (true, true),
            "--zero" | "-Z" => {}
            _ if word.starts_with("--table=") => table = TableKind::of(word.get(8..)?),
            _ if word.starts_with("--") => {}
            _ if word.starts_with("-t") => table = TableKind::of(word.get(2..)?),
            _ if word.starts_with('-') => {
                let letters = word.get(1..)?;
                if letters.contains(['L', 'S']) {
                    (lists, takes_chain) = (true, true);
                } else if letters.contains(['A', 'I', 'D', 'R', 'F', 'N', 'X', 'P', 'C', 'j']) {
                    return None;
                }
                // `-nvLt nat`: the last letter takes the value.
                if letters.ends_with('t') {
                    table = TableKind::of(words.next()?);
                    takes_chain = false;
                }
            }
            _ => by_number = true,
        }
        if takes_chain && words.next_if(|w| !w.starts_with(['-', '|', '>', '&', ';']) && !w.starts_with("2>")).is_some() {
            all = false;
        }
    }
    lists.then_some(Command { table, all: all && !by_number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_its_table() {
        let of = |line| listing(line).map(|c| (c.table, c.all));
        assert_eq!(of("iptables -L"), Some((TableKind::Filter, true)));
        assert_eq!(of("sudo /sbin/iptables -t nat -nvL"), Some((TableKind::Nat, true)));
        assert_eq!(of("# ip6tables-legacy -nvL -t mangle --line-numbers"), Some((TableKind::Mangle, true)));
        assert_eq!(of("iptables -nLt nat"), Some((TableKind::Nat, true)));
        assert_eq!(of("iptables -S FORWARD"), Some((TableKind::Filter, false)));
        assert_eq!(of("iptables -L | grep KUBE"), Some((TableKind::Filter, false)));
        assert_eq!(of("iptables -L -n 2>/dev/null"), Some((TableKind::Filter, true)));
        for other in
            ["iptables -A INPUT -j DROP", "iptables-save", "iptables v1.8.9 (nf_tables): x", "-A INPUT -L", "", "iptables"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
