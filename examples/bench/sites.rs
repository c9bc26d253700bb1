//! The folders that are published.

use std::{fs, path::Path, process::Command};

use repo_relay::{globs::Globs, publish::walk};

/// Writes `files` files of `bytes` bytes in all into `folders` folders: pages of words, and a tenth of them media that do not
/// shrink; the same at every run.
pub(crate) fn make(site: &Path, files: usize, folders: usize, bytes: usize) {
    let mut seed = 1_u64;
    let size = bytes / files;
    for number in 0..files {
        let folder = site.join(format!("part{}", number % folders));
        fs::create_dir_all(&folder).unwrap();
        let media = number % 10 == 0;
        let end = if media { "png" } else { "html" };
        fs::write(folder.join(format!("file{number}.{end}")), content(&mut seed, size, media)).unwrap();
    }
}

/// Writes `pages` pages of some 20 kB that share a head, a navigation and a footer: what a generator of sites makes.
pub(crate) fn make_pages(site: &Path, pages: usize) {
    let mut seed = 7_u64;
    let links: Vec<String> = (0..60).map(|number| format!("<a href=\"/part{number}/\">Part {number}</a>\n")).collect();
    let links = links.concat();
    for number in 0..pages {
        let folder = site.join(format!("part{}", number % 100));
        fs::create_dir_all(&folder).unwrap();
        let body = String::from_utf8(content(&mut seed, 17_000, false)).unwrap();
        let page = format!(
            "<!doctype html>\n<title>Page {number}</title>\n<nav>\n{links}</nav>\n{body}\n{FOOTER}first</footer>\n"
        );
        fs::write(folder.join(format!("file{number}.html")), page).unwrap();
    }
}

/// What every page ends with begins with this.
const FOOTER: &str = "<footer>";

/// Gives every page of [`make_pages`] a new footer.
pub(crate) fn new_footer(site: &Path, round: usize) {
    let listing = walk::walk(site, &Globs::default()).unwrap();
    for file in listing.files() {
        let path = listing.place(file).unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        let end = page.rfind(FOOTER).unwrap();
        fs::write(path, format!("{}{FOOTER}made anew in round {round}</footer>\n", &page[..end])).unwrap();
    }
}

fn content(seed: &mut u64, size: usize, media: bool) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the ", "site ", "is ", "made ", "of ", "pages ", "and ", "every ", "page ", "holds ", "words ", "<p>",
        "</p>\n", "that ", "repeat ", "often ",
    ];
    let mut bytes = Vec::with_capacity(size + 16);
    while bytes.len() < size {
        // xorshift: any sequence serves that is the same at every run.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        if media {
            bytes.extend_from_slice(&seed.to_le_bytes());
        } else {
            bytes.extend_from_slice(WORDS[(*seed % 16) as usize].as_bytes());
            if seed.is_multiple_of(7) {
                bytes.extend_from_slice(format!("{} ", *seed % 100_000).as_bytes());
            }
        }
    }
    bytes.truncate(size);
    bytes
}

/// Changes ten pages, all over the site.
pub(crate) fn change(site: &Path, round: usize) {
    let listing = walk::walk(site, &Globs::default()).unwrap();
    let pages: Vec<_> = listing.files().iter().filter(|file| file.path.ends_with(b".html")).collect();
    for (number, file) in pages.iter().step_by(pages.len().div_ceil(10)).enumerate() {
        let path = listing.place(file).unwrap().path();
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(format!("<p>round {round}, change {number}</p>\n").as_bytes());
        fs::write(path, text).unwrap();
    }
}

/// Copies a folder, and waits until it is on the disk: writing it out must not disturb what is measured next.
pub(crate) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    assert!(Command::new("sync").arg("-f").arg(to).status().unwrap().success());
}
