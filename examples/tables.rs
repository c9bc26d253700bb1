//! Writes `action.yml` and the README's tables from the table of inputs: `cargo run --example tables`.

use std::{error::Error, fs, path::Path};

use repo_relay::inputs::documents;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(root.join("action.yml"), documents::action_yml())?;
    let mut readme = fs::read_to_string(root.join("README.md"))?;
    for (name, content) in [("inputs", documents::inputs_tables()), ("outputs", documents::outputs_table())] {
        readme = documents::between_markers(&readme, name, &content)
            .ok_or(format!("README.md lacks the markers of {name}"))?;
    }
    fs::write(root.join("README.md"), readme)?;
    Ok(())
}
