//! The order of the modules: every file of `src/` and of the crates below it imports only from its own floor or from a floor below, and no two files
//! import each other, directly or by a detour. What is read are the `use` lines, without those of tests; a re-export counts
//! as an import of the file that defines the item.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The floors from the ground up; the same list stands in `src/lib.rs` and in CONTRIBUTING.
const FLOORS: &[&[&str]] = &[
    &["names", "credential", "globs", "system"],
    &["diagnosis"],
    &["http", "progress", "pending_write"],
    &["git", "github", "report", "retry"],
    &["context", "inputs", "cli", "explain"],
    &["refs", "publish", "workflow_file"],
    &["plan"],
    &["connection", "mint"],
    &["preflight"],
    &["push", "tag", "secrets", "trigger", "revoke"],
    &["wait"],
    &["relay"],
    &["fanout"],
    &["step"],
    &["lib", "main"],
];

/// The module path of every file, such as `git::pack::entry`, with the paths that it imports.
type House = BTreeMap<String, Vec<String>>;

#[test]
fn imports_run_downward_and_in_no_circle() {
    let house = read(&sources());
    assert!(house.len() > 150, "only {} files were read", house.len());
    let faults = faults(&house);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Who looks for words in text from outside before it is redacted, and shows none of it.
const SEARCHERS: &[&str] = &[
    "diagnosis::reading",
    "git::lfs::transfer",
    "git::receive",
    "git::receive::report",
    "git::transport::ssh::conversation",
    "github::error",
];

#[test]
fn text_from_outside_is_searched_where_it_is_known_to_be() {
    let mut found = Vec::new();
    for (module, file) in sources() {
        let text = fs::read_to_string(file).unwrap();
        if text.split("#[cfg(test)]\nmod tests {").next().unwrap().contains(".searched()") {
            found.push(module);
        }
    }
    assert_eq!(found, SEARCHERS);
}

#[test]
fn the_same_floors_stand_in_the_crate_and_in_contributing() {
    for file in ["src/lib.rs", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let order: Vec<String> = FLOORS.iter().rev().skip(1).map(|floor| floor.join(" · ")).collect();
        for floor in &order {
            assert!(
                text.lines().any(|line| line.replace('`', "").contains(floor.as_str())),
                "{file} lacks the floor {floor}"
            );
        }
    }
}

#[test]
fn an_import_upward_and_a_circle_are_found() {
    let house = |files: &[(&str, &[&str])]| -> House {
        files
            .iter()
            .map(|(name, uses)| ((*name).to_owned(), uses.iter().map(|path| (*path).to_owned()).collect()))
            .collect()
    };
    let upward = house(&[("http", &["git::pack::Pack"]), ("git::pack", &[])]);
    assert_eq!(faults(&upward), ["http imports from a higher floor: git::pack"]);
    let circle = house(&[
        ("git::a", &["git::b::B"]),
        ("git::b", &["git::Through"]),
        ("git", &["git::c::Through"]),
        ("git::c", &["git::a::A"]),
    ]);
    assert_eq!(faults(&circle), ["files import each other: git::a, git::b, git::c"]);
    assert!(faults(&house(&[("git::a", &["git::b::B", "http::X"]), ("git::b", &[]), ("http", &[])])).is_empty());
    assert_eq!(faults(&house(&[("elsewhere", &[])])), ["elsewhere stands on no floor"]);
}

/// What breaks the order, in words.
fn faults(house: &House) -> Vec<String> {
    let mut faults = Vec::new();
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, uses) in house {
        let Some(own) = floor(file) else {
            faults.push(format!("{file} stands on no floor"));
            continue;
        };
        for path in uses {
            let Some(target) = resolve(house, path, 8).filter(|target| target != file) else { continue };
            if floor(target).is_some_and(|floor| floor > own) {
                faults.push(format!("{file} imports from a higher floor: {target}"));
            }
            // A parent that names what stands in its own folder is how the folder is opened.
            if !target.starts_with(&format!("{file}::")) {
                edges.entry(file).or_default().insert(target);
            }
        }
    }
    faults.extend(circles(&edges).iter().map(|circle| format!("files import each other: {}", circle.join(", "))));
    faults
}

fn floor(file: &str) -> Option<usize> {
    let room = file.split("::").next().unwrap_or(file);
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The file that defines what `path` names: the deepest module on the way, or where its re-export leads.
fn resolve<'a>(house: &'a House, path: &str, depth: u8) -> Option<&'a str> {
    let parts: Vec<&str> = path.split("::").collect();
    for end in (1..=parts.len()).rev() {
        let Some((file, uses)) = house.get_key_value(&parts[..end].join("::")) else { continue };
        let through = parts.get(end).and_then(|item| uses.iter().find(|used| used.rsplit("::").next() == Some(item)));
        return match through.filter(|through| depth > 0 && *through != path) {
            Some(through) => resolve(house, through, depth - 1).or(Some(file)),
            None => Some(file),
        };
    }
    None
}

/// Groups of files that reach each other.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |from: &'a str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in edges.get(file).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file))).collect();
    let mut found: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (file, seen) in reached.iter().filter(|(file, seen)| seen.contains(*file)) {
        let back = |other: &&&str| reached.get(**other).is_some_and(|seen| seen.contains(file));
        found.insert(seen.iter().filter(back).copied().collect());
    }
    found.into_iter().collect()
}

/// Crates that are one module: their root is that module.
const MODULES: &[&str] = &["diagnosis", "git", "github", "report"];

/// The module path of every file of the program, and where the file is. A crate's modules have the paths that they have in the program.
fn sources() -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    collect(&root.join("src"), "", &mut found);
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let mut files = BTreeMap::new();
        collect(&folder.join("src"), "", &mut files);
        let whole = MODULES.contains(&name.as_str());
        found.extend(files.into_iter().filter_map(|(module, file)| match (whole, module.as_str()) {
            (true, "lib") => Some((name.clone(), file)),
            (true, _) => Some((format!("{name}::{module}"), file)),
            (false, "lib") => None,
            (false, _) => Some((module, file)),
        }));
    }
    found
}

fn collect(folder: &Path, above: &str, into: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let module = if name == "mod" { above.to_owned() } else { [above, &name].concat() };
        if path.is_dir() && name != "tests" {
            collect(&path, &format!("{module}::"), into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            into.insert(module.trim_end_matches("::").to_owned(), path);
        }
    }
}

fn read(sources: &BTreeMap<String, PathBuf>) -> House {
    let imports = |(module, file): (&String, &PathBuf)| {
        let text = fs::read_to_string(file).unwrap();
        (module.clone(), uses(&text, module, &|path| sources.contains_key(path)))
    };
    sources.iter().map(imports).collect()
}

/// The paths that a file imports from the program, in full and without `crate::`. `known`: whether there is such a module.
fn uses(text: &str, module: &str, known: &dyn Fn(&str) -> bool) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut paths = Vec::new();
    let mut test_only = false;
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        let statement = start.strip_prefix("pub ").or(start.strip_prefix("pub(crate) ")).unwrap_or(start);
        let statement = statement.strip_prefix("pub(super) ").unwrap_or(statement);
        let Some(first) = statement.strip_prefix("use ") else {
            test_only = start == "#[cfg(test)]";
            continue;
        };
        let mut tree = first.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap_or(";").trim());
        }
        if !std::mem::take(&mut test_only) {
            flatten(tree.trim_end_matches(';'), "", &mut paths);
        }
    }
    paths.iter().map(|path| absolute(path, module, known)).collect()
}

fn flatten(tree: &str, prefix: &str, into: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        into.push(format!("{prefix}{path}").trim_end_matches("::self").to_owned());
        return;
    };
    let (mut depth, mut part) = (0, String::new());
    for c in group.trim().strip_suffix('}').unwrap_or(group).chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            if !part.trim().is_empty() {
                flatten(part.trim(), &format!("{prefix}{}", head.trim()), into);
            }
            part.clear();
        } else {
            part.push(c);
        }
    }
}

fn absolute(path: &str, module: &str, known: &dyn Fn(&str) -> bool) -> String {
    let mut base: Vec<&str> = module.split("::").filter(|part| !matches!(*part, "lib" | "main")).collect();
    let parts: Vec<&str> = path.split("::").collect();
    let rest = match parts[0] {
        // A crate sees those below under the names of their modules; what is neither is its own.
        "crate" => {
            let own = format!("{}::{}", module.split("::").next().unwrap_or(module), parts.get(1).unwrap_or(&""));
            let is_whole = MODULES.iter().any(|name| own.starts_with(&format!("{name}::")));
            let elsewhere = !known(&own) && parts.get(1).is_some_and(|room| floor(room).is_some());
            if !is_whole || elsewhere {
                return parts[1..].join("::");
            }
            base.truncate(1);
            &parts[1..]
        }
        "repo_relay" => return parts[1..].join("::"),
        below if below.starts_with("repo_relay_") => {
            let name = below.trim_start_matches("repo_relay_");
            let rest = parts[1..].join("::");
            return if MODULES.contains(&name) {
                format!("{name}::{rest}").trim_end_matches("::").to_owned()
            } else {
                rest
            };
        }
        "self" => &parts[1..],
        "super" => {
            let up = parts.iter().take_while(|part| **part == "super").count();
            base.truncate(base.len().saturating_sub(up));
            &parts[up..]
        }
        // A child module can be named without `self::`.
        _ => &parts[..],
    };
    base.extend(rest);
    base.join("::")
}
