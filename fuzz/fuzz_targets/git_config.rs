//! `.gitmodules`: what was read, written down again in the plainest form, is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::publish::git_config::{Entry, entries};

fuzz_target!(|content: &[u8]| {
    let read = entries(content);
    let plain: String = read.iter().map(plain).collect();
    assert_eq!(entries(plain.as_bytes()), read, "{plain}");
    for entry in &read {
        assert!(entry.key.starts_with(|first: char| first.is_ascii_lowercase()), "{entry:?}");
        assert_eq!(entry.section, entry.section.to_ascii_lowercase());
    }
    // git reads up to the first mistake: what stands behind one says nothing, and what stands before it stays.
    let mut longer = b"[own]\nkey\n".to_vec();
    longer.extend_from_slice(content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content));
    let longer = entries(&longer);
    assert_eq!(longer.first().map(|entry| (&*entry.section, &*entry.key)), Some(("own", "key")));
    // Without a section of its own, the content's first variables belong to the one before.
    assert!(longer.len() > read.len() || longer.len() == read.len() + 1);
});

/// The entry as a section of its own.
fn plain(entry: &Entry) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let section = match &entry.subsection {
        Some(subsection) => format!("[{} \"{}\"]", entry.section, quoted(subsection)),
        None => format!("[{}]", entry.section),
    };
    let value = match &entry.value {
        Some(value) => {
            let escaped = quoted(value).replace('\n', "\\n").replace('\t', "\\t").replace('\u{8}', "\\b");
            format!(" = \"{escaped}\"")
        }
        None => String::new(),
    };
    format!("{section}\n{}{value}\n", entry.key)
}
