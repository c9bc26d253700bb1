//! Many publishers to many destinations of one branch, all at once: all must land, whatever it takes.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};

use crate::clients::by_relay;

/// Starts `count` publishers at once, each with a page of its own, and checks that the branch's tree is the sum.
pub(crate) fn measure(count: usize) {
    let token = Token::classic("robin", &["repo"]);
    let site = Repository::new("acme/relay").files("gh-pages", &[("index.html", "root")]);
    let model = Model::new().token(&token).repository(site.collaborator("robin", Role::Write));
    let github = Emulator::start(model).unwrap();
    let work = tempfile::Builder::new().prefix("races-").tempdir().unwrap();
    let begun = Instant::now();
    let publishers: Vec<_> = (0..count)
        .map(|number| {
            let folder = work.path().join(number.to_string());
            fs::create_dir_all(folder.join("site")).unwrap();
            fs::create_dir_all(folder.join("temp")).unwrap();
            fs::write(folder.join("site/index.html"), format!("page of {number}")).unwrap();
            let command = by_relay(&github, &token, &folder.join("site"));
            let mut publisher = Command::new(command.get_program());
            publisher.args(command.get_args()).env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
            publisher.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            publisher.env("INPUT_DESTINATION", format!("previews/{number}")).env("INPUT_ATTEMPTS", "1");
            publisher.env("TMPDIR", folder.join("temp")).env("HOME", &folder);
            publisher.spawn().unwrap()
        })
        .collect();
    let mut longest = 0.0_f64;
    for publisher in publishers {
        let output = publisher.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        longest = longest.max(begun.elapsed().as_secs_f64());
    }
    let files = github.repository("acme/relay").files("gh-pages");
    for number in 0..count {
        let page = files.get(&format!("previews/{number}/index.html")).map(|(_, page)| &page[..]);
        assert_eq!(page, Some(format!("page of {number}").as_bytes()), "a page is lost");
    }
    assert_eq!(files.len(), count + 1, "the sum and the root's page");
    let log = github.log();
    let totals = log.totals();
    println!("| publishers at once | all landed after | pushes | git requests | REST requests |");
    println!("| --: | --: | --: | --: | --: |");
    println!("| {count} | {longest:.1} s | {} | {} | {} |", log.pushes().len(), totals.git, totals.rest);
}
