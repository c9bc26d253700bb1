//! The recipes: every fenced block of YAML in `docs/recipes` that is a whole workflow.

use std::{fs, io, path::Path};

/// One workflow of a recipe page.
pub struct Recipe {
    /// The name of its file in `docs/workflows`, made of the workflow's `name`.
    pub file: String,
    /// The workflow, as the page has it.
    pub text: String,
}

impl Recipe {
    /// Whether the workflow is the other side of a recipe: it runs in the target and does not use the action.
    pub fn is_receiver(&self) -> bool {
        !self.text.contains("uses: OWNER/repo-relay@v1")
    }
}

/// The workflows of all recipe pages below `root`: the pages by name, the workflows of a page in its order.
pub fn recipes(root: &Path) -> io::Result<Vec<Recipe>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(root.join("docs/recipes"))? {
        pages.push(entry?.path());
    }
    pages.sort();
    let mut recipes = Vec::new();
    for page in pages {
        recipes.extend(workflows(&fs::read_to_string(page)?));
    }
    Ok(recipes)
}

/// The whole workflows of one page, in order. A block without `on:` is a part of a workflow and is left out.
pub fn workflows(page: &str) -> Vec<Recipe> {
    let blocks = page.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split_once("\n```\n"));
    let recipe = |(block, _): (&str, &str)| {
        let name = block.strip_prefix("name: ")?.lines().next()?;
        let file = format!("{}.yml", name.to_lowercase().replace(' ', "-"));
        block.contains("\non:").then(|| Recipe { file, text: format!("{block}\n") })
    };
    blocks.filter_map(recipe).collect()
}
