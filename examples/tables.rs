//! Writes both `action.yml` files and the tables of `docs/inputs.md` from the table of inputs, and the workflows of
//! `docs/recipes` to `docs/workflows`: `cargo run --example tables`.

#![allow(missing_docs, unreachable_pub, dead_code, reason = "an example, with a module that tests use as well")]

use std::{error::Error, fs, path::Path};

use repo_relay::inputs::documents;

#[path = "../tests/pages/mod.rs"]
mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(root.join("action.yml"), documents::action_yml())?;
    fs::write(root.join("native/action.yml"), documents::native_action_yml())?;
    let path = root.join("docs/inputs.md");
    let mut page = fs::read_to_string(&path)?;
    for (name, content) in [("inputs", documents::inputs_tables()), ("outputs", documents::outputs_table())] {
        page = documents::between_markers(&page, name, &content)
            .ok_or(format!("docs/inputs.md lacks the markers of {name}"))?;
    }
    fs::write(path, page)?;
    let workflows = root.join("docs/workflows");
    fs::remove_dir_all(&workflows)?;
    fs::create_dir(&workflows)?;
    for recipe in pages::recipes(root)? {
        fs::write(workflows.join(recipe.file), recipe.text)?;
    }
    Ok(())
}
