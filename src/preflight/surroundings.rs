//! What stands around the push: the Pages site that is made from the branch, and what the checkout left behind.

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts, PublishFacts},
};
use crate::{
    diagnosis::{Cause, Failure},
    git::format::FileMode,
    plan::Plan,
    publish::{directory::DirectoryPlan, walk::shown},
};

/// The branch that GitHub Pages is usually made from.
const PAGES: &str = "gh-pages";

/// How many links a sentence names.
const NAMED: usize = 3;

/// Links in the folder that Pages builds: it refuses a site that has any.
fn links(directory: &DirectoryPlan, facts: &Facts, folder: &str) -> Option<Failure> {
    let branch = directory.branch().short();
    let publish = facts.publish.as_ref()?.as_ref().ok()?;
    let files = publish.hashed.listing().files().iter();
    let destination = directory.asked.commit.destination.as_str();
    let whole = |path: &[u8]| match destination {
        "" => path.to_vec(),
        destination => [destination.as_bytes(), path].join(&b'/'),
    };
    let brought = files.filter(|file| file.mode == FileMode::SYMLINK).map(|file| whole(&file.path));
    let staying = publish.proposal.changes.staying_links.iter().cloned();
    let is_built = |path: &Vec<u8>| {
        folder.is_empty() || path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
    };
    let links: Vec<_> = brought.chain(staying).filter(is_built).collect();
    let names: Vec<String> = links.iter().take(NAMED).map(|path| shown(path)).collect();
    let more = links.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!links.is_empty()).then(|| {
        let what = format!("GitHub Pages does not build symbolic links, and {branch} has {}{more}.", names.join(", "));
        let remedy = "Set `symlinks: follow`, which publishes in place of a link what it points to; a link that `keep` or `exclude` leaves on the branch has to be replaced there.";
        Failure::new(Cause::SymlinkNotServed, what).with_remedy(remedy)
    })
}

/// Whether the branch that is pushed is the one that the readers of a wiki see.
fn of_wiki(plan: &Plan, facts: &Facts) -> Option<Check> {
    // A wiki shows the default branch of its repository alone. Another one can be pushed, and nobody sees it.
    let default = facts.repository.answer().map(|wiki| wiki.default_branch.as_str()).filter(|name| !name.is_empty())?;
    let other = plan.branches().find(|branch| branch.short() != default)?;
    if plan.branches().any(|branch| branch.short() == default) {
        return None;
    }
    let short = other.short();
    let what = format!("Readers of the wiki see its default branch {default}, not {short}.");
    let remedy = match plan.directory() {
        Some(_) => format!("Set `branch: {default}`."),
        None => format!("Push to {default} as well (`{short}:{default}`)."),
    };
    let failure = Failure::new(Cause::PagesSourceMismatch, what).with_remedy(remedy).with_link(plan.target.web());
    Some(Check::warn(CheckName::Pages, failure))
}

/// A site that is waited for and is not there.
fn no_site(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let is_known = facts.repository.answer().is_some_and(|repository| repository.has_pages == Some(false));
    (plan.awaits_pages() && is_known).then(|| {
        let page = format!("{}/settings/pages", plan.target.web());
        let what = format!("{} has no Pages site, and `wait-for: pages` waits for its deployment.", plan.target.slug);
        let remedy = format!("Open {page} and choose the branch under Build and deployment > Deploy from a branch, or take `pages` out of `wait-for`.");
        Failure::new(Cause::PagesSourceMismatch, what).with_remedy(remedy).with_link(page)
    })
}

/// Whether the site that is waited for is made from what is pushed, where that is no directory.
fn awaited_pages(plan: &Plan, facts: &Facts) -> Option<Check> {
    if !plan.awaits_pages() {
        return None;
    }
    if facts.pages.refusal().is_some_and(|refusal| refusal.status == Some(404))
        && let Some(failure) = no_site(plan, facts)
    {
        return Some(Check::warn(CheckName::Pages, failure));
    }
    let source = &facts.pages.answer()?.source.as_ref()?.branch;
    let mut branches = plan.branches().peekable();
    branches.peek()?;
    if branches.any(|branch| branch.short() == source) {
        return Some(Check::pass(CheckName::Pages, format!("{source} is what the Pages site is made from.")));
    }
    let what = format!(
        "The Pages site is made from {source}, which this step does not push: `wait-for: pages` waits in vain."
    );
    let remedy = format!(
        "Push to {source}, choose another branch on {}/settings/pages, or take `pages` out of `wait-for`.",
        plan.target.web()
    );
    Some(Check::warn(CheckName::Pages, Failure::new(Cause::PagesSourceMismatch, what).with_remedy(remedy)))
}

/// Whether the branch is what Pages publishes.
pub(super) fn pages(plan: &Plan, facts: &Facts) -> Option<Check> {
    if plan.is_wiki() {
        return of_wiki(plan, facts);
    }
    let Some(directory) = plan.directory() else { return awaited_pages(plan, facts) };
    let branch = directory.branch().short();
    let site = match &facts.pages {
        Asked::No => return None,
        Asked::Refused(refusal) if refusal.status == Some(404) => {
            if let Some(failure) = no_site(plan, facts) {
                return Some(Check::warn(CheckName::Pages, failure));
            }
            // 404 can also mean that the token may not ask: `gh-pages` is most likely a site all the same.
            if branch == PAGES
                && let Some(failure) = links(directory, facts, "")
            {
                return Some(Check::warn(CheckName::Pages, failure));
            }
            let text = "There is no Pages site, or the token may not ask for it.";
            return Some(Check::skip(CheckName::Pages, text));
        }
        Asked::Refused(refusal) => {
            let text = format!("The Pages site could not be asked for. {}", refusal.failure.what);
            return Some(Check::skip(CheckName::Pages, text));
        }
        Asked::Answer(site) => site,
    };
    let page = format!("{}/settings/pages", plan.target.web());
    let warn = |what: String| {
        let remedy = format!(
            "If {branch} is meant to be the site: {page} > Build and deployment > Deploy from a branch > {branch}."
        );
        let failure = Failure::new(Cause::PagesSourceMismatch, what).with_remedy(remedy).with_link(page.clone());
        Some(Check::warn(CheckName::Pages, failure))
    };
    let pass = |text: String| Some(Check::pass(CheckName::Pages, text));
    if site.build_type.as_deref() == Some("workflow") {
        // A workflow publishes what it builds: `gh-pages` is the one name that promises something else.
        return if branch == PAGES {
            warn(format!("The Pages site is made by a workflow, not from {branch}."))
        } else {
            pass("The Pages site is made by a workflow.".to_owned())
        };
    }
    let Some(source) = site.source.as_ref().filter(|source| !source.branch.is_empty()) else {
        return pass("The Pages site names no branch.".to_owned());
    };
    let (folder, destination) = (source.path.trim_matches('/'), directory.asked.commit.destination.as_str());
    if source.branch != branch {
        return warn(format!("The Pages site is made from {}, not from {branch}.", source.branch));
    }
    let inside = folder.is_empty() || destination == folder || destination.starts_with(&format!("{folder}/"));
    let below = format!("{folder}/");
    let brings = |publish: &PublishFacts| {
        publish.hashed.listing().files().iter().any(|file| file.path.starts_with(below.as_bytes()))
    };
    // Of a directory that cannot be read nothing is known.
    let holds = destination.is_empty() && facts.publish.iter().flatten().all(brings);
    if !inside && !holds {
        let place = if destination.is_empty() { "its root" } else { destination };
        return warn(format!("The Pages site is made from the folder {folder} of {branch}, not from {place}."));
    }
    if let Some(failure) = links(directory, facts, folder) {
        return Some(Check::warn(CheckName::Pages, failure));
    }
    let address = site.html_url.as_deref().map(|url| format!(" ({url})")).unwrap_or_default();
    pass(format!("{branch} is what the Pages site is made from{address}."))
}

/// Whether the checkout stored a header that plain git would send in place of the token.
pub(super) fn checkout_credentials(plan: &Plan) -> Check {
    let Some(first) = plan.stored_headers.first() else {
        return Check::pass(CheckName::CheckoutCredentials, "The checkout left no credential behind.");
    };
    let place = if first.included { "a file that the checkout's configuration includes" } else { ".git/config" };
    let what = format!(
        "The checkout left `{}` in {place}: every later step can use it, and plain git sends it in place of another token. This step does not use it.",
        first.variable
    );
    let remedy = "Set `persist-credentials: false` under `with:` of actions/checkout.";
    let failure = Failure::new(Cause::CheckoutCredentials, what).with_remedy(remedy);
    Check::warn(CheckName::CheckoutCredentials, failure)
}
