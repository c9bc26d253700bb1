//! Writes both `action.yml` files and the README's tables from the table of inputs, and the README's recipes to `docs/workflows`:
//! `cargo run --example tables`.

#![allow(missing_docs, unreachable_pub, reason = "an example")]

use std::{error::Error, fs, path::Path};

use repo_relay::inputs::documents;

#[path = "../tests/readme/mod.rs"]
mod readme;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(root.join("action.yml"), documents::action_yml())?;
    fs::write(root.join("native/action.yml"), documents::native_action_yml())?;
    let mut readme = fs::read_to_string(root.join("README.md"))?;
    for (name, content) in [("inputs", documents::inputs_tables()), ("outputs", documents::outputs_table())] {
        readme = documents::between_markers(&readme, name, &content)
            .ok_or(format!("README.md lacks the markers of {name}"))?;
    }
    fs::write(root.join("README.md"), &readme)?;
    let workflows = root.join("docs/workflows");
    fs::remove_dir_all(&workflows)?;
    fs::create_dir(&workflows)?;
    for recipe in readme::recipes(&readme) {
        fs::write(workflows.join(recipe.file), recipe.text)?;
    }
    Ok(())
}
