//! What holds for loose outputs, whatever the bytes: sections stand in order and inside the file, their texts are no more than the
//! file's, and everything that was recognised can be put together to nodes and read.

use std::ops::ControlFlow;

use netmodel::loose::{self, What};
use netmodel::{Source, records};

/// Recognises what stands in a file of these bytes, makes nodes of it, and reads every text of them as `coldpath show` does.
///
/// # Panics
/// If a property does not hold, which is the finding.
pub fn hold(bytes: &[u8]) {
    // Names break ties: a different one for each length.
    const NAMES: [&str; 4] = ["pasted.txt", "node-a/ip6tables-save.txt", "etc/resolv.conf", "proc/net/dev"];
    let paste = loose::read(NAMES[bytes.len() % NAMES.len()], bytes);
    // A text of UTF-16 has at most three bytes for two; each line ends with one more.
    let most = 3 * bytes.len() + 64;
    let (mut last, mut total) = (0, 0);
    assert!(!paste.sections.is_empty(), "a file without a section");
    for section in &paste.sections {
        assert!(section.first > last, "section {}..{} begins before the end of another", section.first, section.last);
        assert!(section.first <= section.last, "section {}..{}", section.first, section.last);
        last = section.last;
        match &section.what {
            What::Known(known) => {
                assert!(!known.keys.is_empty(), "{} is no capture", known.kind);
                total += known.text.len();
            }
            What::Identity(identity) => assert!(!identity.host.is_empty(), "an identity without a name"),
            What::LeftOut(why) => assert!(!why.is_empty(), "left out without a reason"),
        }
    }
    assert!(last as usize <= bytes.len() + 1, "{last} lines in {} bytes", bytes.len());
    assert!(total <= most, "{total} bytes of text in {}", bytes.len());
    for node in loose::nodes(std::slice::from_ref(&paste), "pasted", "node") {
        for key in node.bundle.keys() {
            if let bundle::Content::Text(text) = node.bundle.get(key) {
                let source = Source::of(key, text);
                records::read(&source).each(&mut |_| ControlFlow::Continue(()));
                let _ = records::normalized(&source);
            }
        }
    }
}
