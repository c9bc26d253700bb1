//! The closed list of causes: each one's slug, meaning, remedy and page, from the one table in [`table`].

mod table;

pub use table::Cause;

/// Whether a cause passes by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// The same request, unchanged, may succeed later.
    Passing,
    /// It stays until someone changes something.
    Lasting,
}

/// One row of the table.
struct Row {
    section: &'static str,
    slug: &'static str,
    nature: Nature,
    meaning: &'static str,
    remedy: &'static str,
    docs: Docs,
}

/// Where a cause is explained further.
#[derive(Clone, Copy)]
enum Docs {
    /// The page of GitHub or git at this address.
    Elsewhere(&'static str),
    /// The cause's own section of `docs/causes.md`: its address, and the paragraph that only this section has.
    Here { url: &'static str, details: &'static str },
}

impl Cause {
    /// The cause's name in outputs, annotations and the report.
    pub fn slug(self) -> &'static str {
        self.row().slug
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether the same request, unchanged, may pass later.
    pub fn is_transient(self) -> bool {
        self.row().nature == Nature::Passing
    }

    /// What to click or to set, and where, in general words.
    pub fn remedy(self) -> &'static str {
        self.row().remedy
    }

    /// The page that tells more: GitHub's documentation, or the cause's section of `docs/causes.md`.
    pub fn docs(self) -> &'static str {
        match self.row().docs {
            Docs::Elsewhere(url) | Docs::Here { url, .. } => url,
        }
    }

    /// The heading that the documentation lists it under.
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// The cause with this slug.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.slug() == slug)
    }

    /// The whole list as the Markdown page `docs/causes.md`, with a heading per cause.
    pub fn page() -> String {
        let mut page = String::from(
            "<!-- Written by `cargo run --example causes > docs/causes.md`; a test fails when it is stale. -->\n\
             # Causes\n\n\
             The output `error`, the titles of annotations, the report and `repo-relay explain` use these names and no others.\n\
             Each cause has its own address: `causes.md#` and its name. *Passes by itself* means that the same request can succeed later,\n\
             without a change; such a failure is retried, at most `attempts` times.\n",
        );
        let mut section = "";
        for cause in Self::ALL {
            let row = cause.row();
            if row.section != section {
                section = row.section;
                page.extend(["\n## ", section, "\n"]);
            }
            let passes = if cause.is_transient() { " Passes by itself." } else { "" };
            let meaning = sentence(row.meaning);
            page.extend(["\n### `", row.slug, "`\n\n", &*meaning, passes, "\n\n**What to do:** ", row.remedy]);
            match row.docs {
                Docs::Elsewhere(url) => page.extend([" [Read more](", url, ")\n"]),
                Docs::Here { details, .. } => page.extend(["\n\n", details, "\n"]),
            }
        }
        page
    }
}

/// A meaning as a sentence: a capital first, a full stop last. A name in backquotes stays as it is.
fn sentence(meaning: &str) -> String {
    let mut characters = meaning.chars();
    characters
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_ascii_uppercase(), characters.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_slug_is_its_own_and_leads_back() {
        let slugs: HashSet<_> = Cause::ALL.iter().map(|cause| cause.slug()).collect();
        assert_eq!(slugs.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            assert_eq!(Cause::from_slug(cause.slug()), Some(*cause));
            assert!(cause.slug().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", cause.slug());
        }
        assert_eq!(Cause::from_slug("no-such-cause"), None);
    }

    #[test]
    fn every_cause_says_what_to_do_and_where_to_read_more() {
        for cause in Cause::ALL {
            assert!(cause.remedy().ends_with('.'), "{}", cause.slug());
            assert!(cause.docs().starts_with("https://"), "{}: {}", cause.slug(), cause.docs());
            let own = cause.docs().split_once("/docs/causes.md#").map(|(_, anchor)| anchor);
            assert!(own.is_none_or(|anchor| anchor == cause.slug()), "{}: {}", cause.slug(), cause.docs());
            assert!(!cause.docs().contains("/repo-relay#"), "{}: a section of the README", cause.slug());
        }
    }
}
