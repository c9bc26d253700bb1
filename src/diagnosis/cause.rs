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
    docs: &'static str,
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

    /// The page that tells more: GitHub's documentation, or a section of this project's README.
    pub fn docs(self) -> &'static str {
        self.row().docs
    }

    /// The heading that the documentation lists it under.
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// The cause with this slug.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.slug() == slug)
    }

    /// The whole list as the Markdown page `docs/causes.md`.
    pub fn page() -> String {
        let mut page = String::from(
            "<!-- Written by `cargo run --example causes > docs/causes.md`; a test fails when it is stale. -->\n\
             # Causes\n\n\
             The output `error`, the titles of annotations, the report and `repo-relay explain` use these names and no others.\n\
             *Retry helps* says whether the same request may succeed later, without a change; such a failure is tried again.\n",
        );
        let mut section = "";
        for cause in Self::ALL {
            let row = cause.row();
            if row.section != section {
                section = row.section;
                page.extend([
                    "\n## ",
                    section,
                    "\n\n| cause | meaning | retry helps | remedy |\n| --- | --- | --- | --- |\n",
                ]);
            }
            let passes = if cause.is_transient() { "yes" } else { "no" };
            let Row { slug, meaning, remedy, docs, .. } = row;
            page.extend(["| `", slug, "` | ", meaning, " | ", passes, " | ", remedy, " [More](", docs, ") |\n"]);
        }
        page
    }
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
            assert!(!cause.remedy().contains('|') && !cause.meaning().contains('|'), "{}", cause.slug());
        }
    }
}
