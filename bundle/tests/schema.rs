//! The manifest's JSON Schema in docs/ is the one that the types have. `COLDPATH_BLESS=1` writes it.

use std::path::Path;

#[test]
fn the_schema_in_docs_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manifest.schema.json");
    let schema = bundle::manifest_schema();
    if std::env::var_os("COLDPATH_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &schema).unwrap();
    }
    // A checkout on Windows may have changed the line ends.
    let standing = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(standing == schema, "docs/manifest.schema.json is out of date; run this test with COLDPATH_BLESS=1");
}
