//! The report as JSON: the output `report`, of the form of `docs/report.schema.json`, small enough to be handed on.

use super::{Report, text::cut};
use crate::credential::{Redacted, Texts as _};

/// The report is cut to less than this many bytes.
pub const MOST_BYTES: usize = 256 * 1024;

/// A text is cut to this many characters, whatever the report's size.
const LONGEST_TEXT: usize = 4096;

/// The report on one line, in at most 256 KiB.
///
/// When it would be larger its lists are cut, and what is left out is counted: first each target's lists, then
/// the texts, at last the list of targets.
pub fn render(report: &Redacted<Report>) -> String {
    let mut report = Report::clone(report);
    for (entries, characters) in [
        (usize::MAX, LONGEST_TEXT),
        (1000, LONGEST_TEXT),
        (300, LONGEST_TEXT),
        (100, 1024),
        (30, 256),
        (10, 256),
        (0, 128),
    ] {
        shrink(&mut report, entries, characters);
        if let Some(json) = fitting(&report) {
            return json;
        }
    }
    while !report.targets.is_empty() {
        let half = report.targets.len() / 2;
        report.omitted_targets += report.targets.len() - half;
        // NOTE: the error stays that of the first failed target, left out or not.
        report.keep_error();
        report.targets.truncate(half);
        if let Some(json) = fitting(&report) {
            return json;
        }
    }
    serde_json::to_string(&report).unwrap_or_default()
}

fn fitting(report: &Report) -> Option<String> {
    serde_json::to_string(report).ok().filter(|json| json.len() < MOST_BYTES)
}

fn shrink(report: &mut Report, entries: usize, characters: usize) {
    for target in &mut report.targets {
        target.omitted.checks += shorten_list(&mut target.checks, entries);
        target.omitted.refs += shorten_list(&mut target.refs, entries);
        target.omitted.runs += shorten_list(&mut target.runs, entries);
        target.omitted.files += shorten_list(&mut target.changes.files, entries);
        target.omitted.remote += shorten_list(&mut target.remote, entries);
    }
    report.for_each_text(&mut |text| shorten(text, characters));
}

/// How many entries were cut off.
fn shorten_list<T>(list: &mut Vec<T>, entries: usize) -> usize {
    let before = list.len();
    list.truncate(entries);
    before - list.len()
}

fn shorten(text: &mut String, characters: usize) {
    // A text of fewer bytes has fewer characters.
    if text.len() > characters {
        *text = cut(text, characters).into_owned();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::tests::{fixtures, runner};
    use crate::{
        credential::{Redactor, Secret},
        diagnosis::{Cause, Failure, Stage},
    };

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../../docs/report.schema.json")).unwrap()
    }

    fn each_text(json: &Value, path: &str, see: &mut dyn FnMut(&str, &str)) {
        match json {
            Value::String(text) => see(path, text),
            Value::Array(list) => list.iter().for_each(|item| each_text(item, path, see)),
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| each_text(value, &format!("{path}/{key}"), see));
            }
            _ => {}
        }
    }

    fn checked(report: &Report) -> Value {
        let json = render(&Redactor::default().redacted(report.clone()));
        assert!(json.len() < MOST_BYTES && !json.contains('\n'));
        let json: Value = serde_json::from_str(&json).unwrap();
        if let Err(error) = jsonschema::validate(&schema(), &json) {
            panic!("{error} at {}", error.instance_path());
        }
        json
    }

    #[test]
    fn every_report_has_the_schemas_form() {
        let json = checked(&fixtures::success());
        assert_eq!(json["targets"][0]["stages"][1]["status"], "done");
        assert_eq!(json["targets"][0]["refs"][0]["ref"], "refs/heads/gh-pages");
        let json = checked(&fixtures::failure());
        assert_eq!(json["targets"][0]["stages"][1]["cause"], "branch-protected");
        checked(&Report::failed(Stage::Inputs, &Failure::new(Cause::InvalidInput, "Wrong.")));
    }

    #[test]
    fn the_schema_names_every_cause_and_no_other() {
        let schema = schema();
        let listed: Vec<&str> =
            schema["$defs"]["cause"]["enum"].as_array().unwrap().iter().map(|slug| slug.as_str().unwrap()).collect();
        let mut causes = vec![""];
        causes.extend(Cause::ALL.iter().map(|cause| cause.slug()));
        assert_eq!(listed, causes);
    }

    #[test]
    fn the_schema_refuses_what_is_no_report() {
        let whole = checked(&fixtures::success());
        for change in [
            |json: &mut Value| json["schema"] = 2.into(),
            |json: &mut Value| json["error"] = "no-such-cause".into(),
            |json: &mut Value| json["targets"][0]["stages"][0]["status"] = "fine".into(),
            |json: &mut Value| json["targets"][0]["extra"] = 1.into(),
            |json: &mut Value| drop(json["targets"][0]["changes"].take()),
        ] {
            let mut json = whole.clone();
            change(&mut json);
            assert!(!jsonschema::is_valid(&schema(), &json), "{json}");
        }
    }

    #[test]
    fn a_large_report_is_cut_and_counted() {
        let mut report = fixtures::failure();
        let refs = vec![report.targets[0].refs[0].clone(); 20_000];
        report.targets[0].refs = refs;
        let json = checked(&report);
        let kept = json["targets"][0]["refs"].as_array().unwrap().len();
        assert!(kept >= 1000, "{kept}");
        assert_eq!(json["targets"][0]["omitted"]["refs"], 20_000 - kept);

        let mut report = Report::new(vec![fixtures::success().targets[0].clone(); 5000]);
        report.targets.push(fixtures::failure().targets[0].clone());
        let json = checked(&report);
        let kept = json["targets"].as_array().unwrap().len();
        assert!(kept > 50, "{kept}");
        assert_eq!(json["omitted_targets"], 5001 - kept);
        assert_eq!(json["error"], "branch-protected");
    }

    #[test]
    fn no_text_of_a_report_keeps_a_secret() {
        let redactor = Redactor::new(&[Secret::new("canary-4711".into())]);
        let mut report = fixtures::success();
        report.targets.extend(fixtures::failure().targets);
        report.for_each_text(&mut |text| *text = format!("<canary-4711 {text}"));
        let json: Value = serde_json::from_str(&render(&redactor.redacted(report))).unwrap();
        each_text(&json, "", &mut |path, text| {
            assert!(!text.contains("canary-4711"), "{path}: {text}");
            let own = [
                "/error",
                "/cause",
                "/version",
                "/stages/name",
                "/stages/status",
                "/checks/name",
                "/checks/status",
                "/drift",
                "/files/change",
                "/pull_request/status",
            ];
            assert_eq!(text.starts_with("<***"), !own.iter().any(|own| path.ends_with(own)), "{path}: {text}");
        });
        // Vocabulary is not outside text: a secret that equals it does not make the report unreadable.
        let redactor = Redactor::new(&[Secret::new("done".into())]);
        assert!(render(&redactor.redacted(fixtures::success())).contains("\"status\":\"done\""));
    }

    proptest! {
        #[test]
        fn hostile_text_comes_back_as_it_went_in(text in runner::hostile()) {
            let mut report = fixtures::success();
            report.targets[0].runs[0].workflow.clone_from(&text);
            let json: Value = serde_json::from_str(&render(&Redactor::default().redacted(report.clone()))).unwrap();
            prop_assert_eq!(json["targets"][0]["runs"][0]["workflow"].as_str(), Some(text.as_str()));
        }
    }
}
