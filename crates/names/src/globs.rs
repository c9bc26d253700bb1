//! `keep` and `exclude`: globs over paths relative to the destination.
//!
//! `*` and `?` stay inside a name, `**` crosses folders. A pattern that names a folder covers its content, as in
//! `.gitignore` and rsync: `docs`, `docs/` and `docs/**` all cover `docs/a/b`. A pattern is anchored at the
//! destination: `*.map` speaks of its top, `**/*.map` of every depth.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Why a pattern is not accepted; the text names the pattern and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GlobError(String);

/// A set of patterns. The empty set matches nothing.
#[derive(Clone, Debug)]
pub struct Globs {
    files: GlobSet,
    folders: GlobSet,
    /// The pattern that each glob of `files` and of `folders` comes from, by its index.
    owners: [Vec<usize>; 2],
    patterns: Vec<String>,
}

impl Default for Globs {
    fn default() -> Self {
        Self {
            files: GlobSet::empty(),
            folders: GlobSet::empty(),
            owners: <[Vec<usize>; 2]>::default(),
            patterns: Vec::new(),
        }
    }
}

impl Globs {
    /// Compiles `patterns`; empty ones are passed over.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Self, GlobError> {
        let (mut files, mut folders) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut kept = Vec::new();
        let mut owners = <[Vec<usize>; 2]>::default();
        for pattern in patterns.iter().map(AsRef::as_ref).filter(|pattern| !pattern.is_empty()) {
            let path = &*checked(pattern)?;
            let add = |set: &mut GlobSetBuilder, glob: &str| match GlobBuilder::new(glob)
                // Otherwise `*` would cross folders, unlike in `.gitignore`.
                .literal_separator(true)
                // The default differs between Windows and other systems.
                .backslash_escape(false)
                .build()
            {
                Ok(glob) => {
                    set.add(glob);
                    Ok(())
                }
                Err(error) => Err(GlobError(format!("{pattern:?} is no valid glob: {}", error.kind()))),
            };
            // What covers a folder covers all below it; `docs/` and `docs/**` do not speak of a file `docs`.
            let folder = path.strip_suffix("/**").or_else(|| path.strip_suffix('/'));
            if folder.is_none() {
                add(&mut files, path)?;
                owners[0].push(kept.len());
            }
            let folder = folder.unwrap_or(path);
            add(&mut folders, folder)?;
            owners[1].push(kept.len());
            for (set, owners) in [&mut files, &mut folders].into_iter().zip(&mut owners) {
                add(set, &format!("{folder}/**"))?;
                owners.push(kept.len());
            }
            kept.push(pattern.to_owned());
        }
        let build = |set: GlobSetBuilder| {
            set.build().map_err(|error| GlobError(format!("the globs cannot be used together: {}", error.kind())))
        };
        Ok(Self { files: build(files)?, folders: build(folders)?, owners, patterns: kept })
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The patterns as they were written.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether a pattern matches the file at `path`: bytes, `/` between names, none in front.
    pub fn matches(&self, path: &[u8]) -> bool {
        !self.is_empty() && self.files.is_match_candidate(&Candidate::from_bytes(path))
    }

    /// The indices of the patterns that match the file at `path`, or cover the folder there.
    pub fn matching(&self, path: &[u8], is_folder: bool) -> Vec<usize> {
        let set = if is_folder { &self.folders } else { &self.files };
        let owners = &self.owners[usize::from(is_folder)];
        set.matches_candidate(&Candidate::from_bytes(path)).into_iter().map(|glob| owners[glob]).collect()
    }

    /// Whether the patterns cover the folder at `path` with everything that it holds or could hold.
    pub fn cover(&self, path: &[u8]) -> bool {
        !self.is_empty() && self.folders.is_match_candidate(&Candidate::from_bytes(path))
    }
}

/// The pattern without what only says "from here" or "nothing in between": `./`, `//`, `/./`.
fn checked(pattern: &str) -> Result<String, GlobError> {
    let refused = |why: &str| Err(GlobError(format!("{pattern:?} {why}")));
    if pattern.contains('\\') {
        let slashes = pattern.replace('\\', "/");
        return refused(&format!(
            "holds a backslash; paths on a branch have forward slashes on every system: {slashes:?}. \
             A special character is taken literally in brackets: `[*]`"
        ));
    }
    if pattern.starts_with('!') {
        return refused("begins with `!`, which is not supported: name what is meant without a negation");
    }
    let names: Vec<_> = pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return refused("leaves the destination: `..` is not allowed");
    }
    if names.is_empty() {
        return refused("names no file; `**` stands for all");
    }
    // A slash at the end says that a folder is meant, and went with the empty names.
    let folder = if pattern.ends_with('/') { "/" } else { "" };
    Ok(names.join("/") + folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Globs {
        Globs::new(patterns).unwrap()
    }

    #[test]
    fn a_pattern_that_names_a_folder_covers_its_content() {
        for pattern in ["docs", "docs/", "docs/**", "/docs", "./docs/", "docs//", ".//docs//**", "./././docs/./"] {
            let globs = globs(&[pattern]);
            assert!(
                globs.matches(b"docs/a") && globs.matches(b"docs/a/b.c") && globs.matches(b"docs/.x/y"),
                "{pattern}"
            );
            assert!(globs.cover(b"docs") && globs.cover(b"docs/a"), "{pattern}");
            assert!(!globs.matches(b"docs2/a") && !globs.matches(b"a/docs/b") && !globs.cover(b"a"), "{pattern}");
        }
        assert!(globs(&["docs"]).matches(b"docs"));
        assert!(!globs(&["docs/"]).matches(b"docs") && !globs(&["docs/**"]).matches(b"docs"));
    }

    #[test]
    fn a_star_stays_inside_a_name_and_two_cross_folders() {
        let top = globs(&["*.map"]);
        assert!(top.matches(b"a.map") && !top.matches(b"js/a.map"));
        let every = globs(&["**/*.map"]);
        assert!(every.matches(b"a.map") && every.matches(b"js/x/a.map") && !every.matches(b"a.map.gz"));
        let all = globs(&["**"]);
        assert!(all.matches(b"a") && all.matches(b"a/b") && all.cover(b"a"));
        let pages = globs(&["pr-*/index.html", "v[0-9]"]);
        assert!(pages.matches(b"pr-7/index.html") && !pages.matches(b"pr-7/x/index.html") && !pages.cover(b"pr-7"));
        assert!(pages.matches(b"v1/a") && !pages.matches(b"vx/a"));
    }

    #[test]
    fn names_that_are_no_text_are_matched_by_their_bytes() {
        assert!(globs(&["caf?/**"]).matches(b"caf\xe9/x"));
        assert!(globs(&["**"]).matches(b"\xff\n"));
        assert!(globs(&["ünï/*"]).matches("ünï/x".as_bytes()));
    }

    #[test]
    fn no_pattern_matches_nothing() {
        assert!(!globs(&[]).matches(b"a") && !globs(&["", ""]).cover(b""));
    }

    #[test]
    fn a_pattern_that_can_not_mean_what_it_says_is_explained() {
        for (pattern, part) in [
            (r"docs\api\**", "\"docs/api/**\""),
            ("!docs", "negation"),
            ("../x", ".."),
            ("a/../../x", ".."),
            ("/", "**"),
            ("a[", "no valid glob"),
            ("{a,b", "no valid glob"),
        ] {
            let error = Globs::new(&[pattern]).unwrap_err().to_string();
            assert!(error.contains(part) && error.starts_with(&format!("{pattern:?}")), "{error}");
        }
    }
}
