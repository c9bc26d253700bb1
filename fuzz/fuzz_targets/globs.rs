//! `keep` and `exclude` against a matcher in the plainest words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::globs::Globs;

// The form of the input: a path, then a pattern a line.
fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let bytes = lines.next().unwrap_or_default();
    let patterns: Vec<_> = lines.take(4).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let Ok(globs) = Globs::new(&patterns) else { return };
    assert_eq!(globs.is_empty(), patterns.iter().all(|pattern| pattern.is_empty()));
    globs.matches(bytes);
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    let names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
    let path = names.join("/");
    if path.is_empty() || input.len() > 200 {
        // The plain words below take for ever on long ones.
        return;
    }
    if globs.cover(path.as_bytes()) {
        let below = format!("{path}/x");
        assert!(globs.matches(below.as_bytes()), "{patterns:?} cover {path} and not what is in it");
        assert!(globs.cover(below.as_bytes()), "{patterns:?} cover {path} and not the folders in it");
    }
    if patterns.iter().all(|pattern| is_plain(pattern)) {
        let expected = patterns.iter().any(|pattern| model(pattern, &names));
        assert_eq!(globs.matches(path.as_bytes()), expected, "{patterns:?} and {path}");
    }
});

/// Whether the plain words below speak of the pattern: no sets, and `**` only as a whole name that is not the last of several.
fn is_plain(pattern: &str) -> bool {
    let path = pattern.trim_start_matches('/');
    let path = path.strip_suffix("/**").or_else(|| path.strip_suffix('/')).unwrap_or(path);
    let names: Vec<_> = path.split('/').collect();
    let doubled = names.windows(2).any(|pair| pair == ["**", "**"]) || names.len() > 1 && names.last() == Some(&"**");
    !doubled
        && (path == pattern || path != "**")
        && !pattern.contains(['[', ']', '{', '}'])
        && names.iter().all(|name| (*name == "**" || !name.contains("**")) && !matches!(*name, "" | "."))
}

/// Whether one pattern speaks of the file: it matches the path whole, or a folder above it.
fn model(pattern: &str, names: &[&str]) -> bool {
    let path = pattern.trim_start_matches('/');
    let folder = path.strip_suffix("/**").or_else(|| path.strip_suffix('/'));
    let wanted: Vec<_> = folder.unwrap_or(path).split('/').collect();
    let above = (1..names.len()).any(|count| fits(&wanted, &names[..count]));
    above || folder.is_none() && fits(&wanted, names)
}

/// Whether the names of a pattern fit the names of a path, `**` any number of them.
fn fits(wanted: &[&str], names: &[&str]) -> bool {
    match wanted.split_first() {
        None => names.is_empty(),
        Some((&"**", rest)) if rest.is_empty() => !names.is_empty(),
        Some((&"**", rest)) => (0..=names.len()).any(|passed| fits(rest, &names[passed..])),
        Some((first, rest)) => names.split_first().is_some_and(|(name, names)| {
            let (first, name): (Vec<_>, Vec<_>) = (first.chars().collect(), name.chars().collect());
            fits_name(&first, &name) && fits(rest, names)
        }),
    }
}

/// Whether a pattern with `*` and `?` fits one name whole.
fn fits_name(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|passed| fits_name(rest, &name[passed..])),
        Some((wanted, rest)) => {
            name.split_first().is_some_and(|(c, name)| (*wanted == '?' || wanted == c) && fits_name(rest, name))
        }
    }
}
