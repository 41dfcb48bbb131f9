//! Both forms of one ruleset give the same records; fixtures of real rulesets; no input panics.

mod agree;
mod fixtures;
mod hostile;
mod quirks;

use super::*;

fn disagreements(json: &str, text: &str) -> Vec<String> {
    let json = json::parse(json);
    let text = text::parse(text);
    let mut found: Vec<String> = Vec::new();
    found.extend(json.problems.iter().map(|p| format!("json: {p:?}")));
    found.extend(text.problems.iter().map(|p| format!("text: {p:?}")));
    found.extend(agree::differences(&json.value, &text.value));
    found
}

/// Scratch: `NFT_PAIRS="a.json a.txt …"` compares files outside of the repository.
#[test]
fn pairs_named_in_the_environment_agree() {
    let Ok(pairs) = std::env::var("NFT_PAIRS") else { return };
    let files: Vec<&str> = pairs.split_whitespace().collect();
    let mut bad = 0;
    for pair in files.chunks(2) {
        let read = |path: &str| std::fs::read_to_string(path).unwrap();
        let found = disagreements(&read(pair[0]), &read(pair[1]));
        if !found.is_empty() {
            bad += 1;
            println!("{} {}: {}", pair[0], pair[1], found.len());
            for line in found.iter().take(40) {
                println!("    {line}");
            }
        }
    }
    assert_eq!(bad, 0);
}
