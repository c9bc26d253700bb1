//! Other services that a log speaks of: their refusals are no evidence about GitHub.

/// Registries, clouds and tools beside GitHub, in lower case.
const OTHERS: [&str; 46] = [
    "npm err",
    "npm error",
    "npmjs.",
    "registry.yarnpkg",
    "upload.pypi",
    "pythonhosted",
    "twine",
    "docker push",
    "docker pull",
    "docker login",
    "docker buildx",
    "docker daemon",
    "docker.io",
    "dockerhub",
    // The host under which Docker's client reaches its registry.
    "registry-1.",
    "quay.io",
    "gcr.io",
    "ghcr.io",
    "pkg.dev",
    "permission_denied: ",
    "public.ecr",
    "amazonaws",
    "putobject",
    "s3://",
    "(accessdenied)",
    "accessdenied:",
    "azurecr",
    "azurewebsites",
    "sonarcloud",
    "sonarqube",
    "codecov",
    "publish to registry",
    "cargo publish",
    "repo.maven",
    "org.apache.maven",
    "sonatype",
    "artifactory",
    "jfrog",
    "netlify",
    "vercel",
    "heroku",
    "api.cloudflare",
    "slack.com",
    "rubygems.org",
    "nuget.org",
    "pip install",
];

/// Other forges: the words of their refusals are much like GitHub's.
const FORGES: [&str; 9] = [
    "gitlab",
    "bitbucket",
    "gitea:",
    "gitee.com",
    "codeberg.org",
    "dev.azure.com",
    "visualstudio.com",
    "codecommit",
    // The codes of errors of Azure DevOps, such as TF401019.
    "tf40",
];

/// What a text about GitHub or about git itself holds.
const OURS: [&str; 16] = [
    "github",
    // Git prints it of every server; beside the name of another service it shows a push all the same.
    "rejected]",
    "git push",
    "git fetch",
    "git clone",
    "receive-pack",
    "upload-pack",
    "refs/",
    ".git'",
    ".git/",
    "gh: ",
    "ghe.com",
    "ghes",
    "octokit",
    "git@",
    "refspec",
];

/// Whether a line, or a whole text, in lower case, is about another service alone.
pub(super) fn is_foreign(flat: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| flat.contains(word));
    // A forge speaks git's own words, so that only the name of GitHub makes the text one about it.
    (any(&OTHERS) && !any(&OURS)) || (any(&FORGES) && !flat.contains("github") && !flat.contains("ghe"))
}

#[cfg(test)]
mod tests {
    use super::is_foreign;

    #[test]
    fn another_service_is_told_from_a_name_that_holds_its_own() {
        assert!(is_foreign("npm error 403 403 forbidden - put https://npmjs.example.test/x"));
        assert!(is_foreign("gitlab: you are not allowed to push code to protected branches on this project."));
        assert!(!is_foreign("error: src refspec docker does not match any"));
        assert!(!is_foreign("https://api.github.com/repos/o/r/actions/workflows/docker-build.yml/dispatches"));
    }
}
