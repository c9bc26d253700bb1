//! The README's recipes: every fenced block of YAML that is a whole workflow.

/// One recipe.
pub struct Recipe {
    /// The name of its file in `docs/workflows`, made of the workflow's `name`.
    pub file: String,
    /// The workflow, as the README has it.
    pub text: String,
}

/// The recipes of a README, in order. A block without `on:` is a part of a workflow, and no recipe.
pub fn recipes(readme: &str) -> Vec<Recipe> {
    let blocks = readme.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split_once("\n```\n"));
    let recipe = |(block, _): (&str, &str)| {
        let name = block.strip_prefix("name: ")?.lines().next()?;
        let file = format!("{}.yml", name.to_lowercase().replace(' ', "-"));
        block.contains("\non:").then(|| Recipe { file, text: format!("{block}\n") })
    };
    blocks.filter_map(recipe).collect()
}
