//! Names: what is accepted is written as it is meant, and reads as itself; a wiki has one repository.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::names::{Oid, RefName, ServerUrl, Slug, TreePath};

fuzz_target!(|text: &str| {
    if let Ok(slug) = text.parse::<Slug>() {
        assert_eq!(slug.to_string().parse(), Ok(slug.clone()));
        assert_eq!(slug.to_string().matches('/').count(), 1);
        assert!(!slug.name().is_empty() && !slug.owner().is_empty() && !slug.to_string().contains(char::is_whitespace));
        assert!(!matches!(slug.name(), "." | ".."), "{slug}");
        if let Some(repository) = slug.wiki_of() {
            assert_eq!(format!("{repository}.wiki"), slug.to_string());
            assert_eq!(slug.repository(), repository);
        } else {
            assert_eq!(slug.repository(), slug);
        }
    }
    if let Ok(server) = text.parse::<ServerUrl>() {
        let again: ServerUrl = server.to_string().parse().expect("an address");
        assert_eq!(again, server);
        let url = server.url();
        assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
        assert!(server.derived_api().belongs_to(&server), "{server}");
    }
    if let Ok(name) = text.parse::<RefName>() {
        assert_eq!(name.as_str(), text);
        assert!(name.as_str().starts_with("refs/") && !text.contains("..") && !text.contains(|c: char| c.is_ascii_control()));
        assert!(name.as_str().ends_with(name.short()));
        for above in name.above() {
            assert!(text.starts_with(&format!("{}/", above.as_str())), "{text}");
        }
    }
    if let Ok(path) = text.parse::<TreePath>() {
        assert_eq!(path.as_str().parse(), Ok(path.clone()));
        assert!(path.components().all(|part| !part.is_empty() && !matches!(part, "." | "..") && !part.eq_ignore_ascii_case(".git")));
    }
    if let Ok(oid) = text.parse::<Oid>() {
        assert_eq!(oid.to_string(), text.to_ascii_lowercase());
    }
});
