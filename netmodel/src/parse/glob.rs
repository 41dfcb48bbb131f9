//! Shell patterns as configuration files write interface names: `*`, `?`, `[a-z]`, `[!a]`, `\*` (fnmatch(3) without flags).

/// Whether a name matches a pattern. Linear in `pattern × name`: only the last `*` is ever tried again.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last `*` did not fit.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match step(&pattern, p, name[n]) {
            Step::Star => {
                star = Some((p + 1, n));
                p += 1;
            }
            Step::Fits(next) => (p, n) = (next, n + 1),
            Step::Fails => {
                let Some((after, from)) = star else { return false };
                (p, n) = (after, from + 1);
                star = Some((after, from + 1));
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

enum Step {
    Star,
    Fits(usize),
    Fails,
}

fn step(pattern: &[char], p: usize, c: char) -> Step {
    let fits = |yes: bool, next: usize| if yes { Step::Fits(next) } else { Step::Fails };
    match pattern.get(p) {
        None => Step::Fails,
        Some('*') => Step::Star,
        Some('?') => Step::Fits(p + 1),
        Some('\\') if p + 1 < pattern.len() => fits(pattern[p + 1] == c, p + 2),
        Some('[') => match class(&pattern[p + 1..], c) {
            Some((yes, len)) => fits(yes, p + 1 + len),
            // No `]`: the bracket stands for itself.
            None => fits(c == '[', p + 1),
        },
        Some(&literal) => fits(literal == c, p + 1),
    }
}

/// Whether a class, behind its `[`, holds a character, and how long it is with its `]`.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let first = usize::from(negated);
    // A `]` at the beginning is a member.
    let end = first + 1 + pattern.get(first + 1..)?.iter().position(|&c| c == ']')?;
    let members = &pattern[first..end];
    let (mut i, mut found) = (0, false);
    while i < members.len() {
        if let [low, '-', high, ..] = members[i..] {
            found |= (low..=high).contains(&c);
            i += 3;
        } else {
            found |= members[i] == c;
            i += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_of_interface_names() {
        for (pattern, name) in [
            ("cali*", "cali0a1b"),
            ("*", ""),
            ("eth?", "eth0"),
            ("en[a-p]*s?", "enp0s3"),
            ("[!v]eth*", "xeth"),
            ("a*b*c", "axxbbc"),
            ("[]x]", "]"),
            ("x\\*", "x*"),
            ("[", "["),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("cali*", "tunl0"), ("eth?", "eth10"), ("[!v]eth*", "veth0"), ("a*b", "ac"), ("", "a"), ("x\\*", "xy"), ("[", "x")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        assert!(!matches(&"*a".repeat(1000), &"a".repeat(999)));
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[*?\\[\\]!^a-c\\\\\u{e9}-]{0,12}", name in "[a-c\u{e9}-]{0,8}") {
            let _ = matches(&pattern, &name);
        }
        #[test]
        fn a_name_without_specials_matches_itself(name in "[a-z0-9.@-]{0,15}") {
            proptest::prop_assert!(matches(&name, &name) && matches("*", &name));
        }
    }
}
