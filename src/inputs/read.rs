//! From texts to values: each input by its form, then what contradicts what.

use std::time::Duration;

use super::{
    Inputs, JsonObject, Push, Raw, Targets, Wait, forms, json,
    raw::{nearest_name, variable},
    refusal::{invalid, refused, unaccepted},
    repository,
    table::{Group, INPUTS, InputForm, InputRow, Preset, find},
};
use crate::{context::Context, credential::Secret, diagnosis::Failure};

impl Inputs {
    /// Reads every input.
    ///
    /// # Errors
    /// `invalid-input` or `insecure-url`, naming the input and what it accepts; the first one in the table's order.
    pub fn read(raw: &Raw, context: &Context) -> Result<Self, Failure> {
        InputReader { raw, context }.read_all()
    }

    /// The step's budget, for what is read before the inputs are; a text that is no duration is refused with those.
    pub fn budget(raw: &Raw) -> Duration {
        let given = raw.text("timeout").map(str::trim).filter(|text| !text.is_empty());
        let given = given.and_then(|text| forms::duration(text).ok());
        given.or_else(|| forms::duration(preset("timeout")).ok()).unwrap_or_default()
    }
}

/// The texts and where the step runs.
pub(super) struct InputReader<'a> {
    pub(super) raw: &'a Raw,
    pub(super) context: &'a Context,
}

impl<'a> InputReader<'a> {
    /// Every input, in the order in which the first wrong one is named.
    pub(super) fn read_all(&self) -> Result<Inputs, Failure> {
        // First: a mistyped name is the reason for most of what would be found missing below.
        self.refuse_unknown()?;
        let lines: Vec<&str> = self.lines("repository");
        let resolved = repository::resolve(&lines, self.text("server-url"), self.text("api-url"), self.context)?;
        let credential = self.credential(&resolved)?;
        let targets = Targets { list: resolved.list, ssh: resolved.ssh, ca_certificate: self.ca_certificate()? };
        let secret = self.secret_input()?;
        let inputs = Inputs {
            revoke_token: self.revoke_token(&credential, secret.as_ref())?,
            credential,
            push: self.push()?,
            author: self.author()?,
            signing_key: self.secret("signing-key"),
            tags: self.tags()?,
            triggers: self.triggers()?,
            secret,
            behaviour: self.behaviour()?,
            notices: resolved.notices,
            warnings: Vec::new(),
            targets,
        };
        let warnings = self.push_without_source(&inputs.push);
        // The warning speaks of all inputs of a push at once: none of them is named a second time.
        let in_vain = if warnings.is_empty() {
            self.without_effect(|_| true)
        } else {
            self.without_effect(|input| !is_push(input))
        };
        Ok(Inputs { notices: [inputs.notices, in_vain].concat(), warnings, ..inputs })
    }

    /// The text of an input; `None` when it is not given or empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let text = self.raw.text(name)?;
        let trimmed = text.trim();
        let verbatim = find(name).is_some_and(|input| input.form.is_verbatim());
        // An expression without a value arrives as an empty text, and must count as not given.
        (!trimmed.is_empty()).then_some(if verbatim { text } else { trimmed })
    }

    /// The same, with the table's value where it is `None`.
    pub(super) fn text_or_preset(&self, name: &str) -> &'a str {
        self.text(name).unwrap_or_else(|| preset(name))
    }

    /// The same for an input that is one line.
    pub(super) fn line(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        match self.text(name) {
            Some(text) if text.contains(['\n', '\r']) => Err(refused(name, text, "it has more than one line")),
            text => Ok(text),
        }
    }

    pub(super) fn lines(&self, name: &str) -> Vec<&'a str> {
        self.text(name).map(|text| forms::lines(text).collect()).unwrap_or_default()
    }

    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        let secret = self.raw.secret(name).filter(|secret| !secret.is_blank())?;
        let verbatim = find(name).is_some_and(|input| input.form.is_verbatim());
        Some(if verbatim { secret.clone() } else { forms::trimmed(secret) })
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool, Failure> {
        let text = self.text_or_preset(name);
        forms::boolean(text).ok_or_else(|| refused(name, text, ""))
    }

    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Failure> {
        let text = self.text_or_preset(name);
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| refused(name, text, ""))
    }

    /// One of `words`, or `no`, which YAML 1.1 turns into `false`.
    pub(super) fn choice_or_no<T: Copy>(&self, name: &str, words: &[(&str, T)], no: T) -> Result<T, Failure> {
        let text = self.text_or_preset(name);
        if text == "no" || forms::boolean(text) == Some(false) { Ok(no) } else { self.choice(name, words) }
    }

    /// `auto`, `true` or `false`, in this order.
    pub(super) fn automatic<T>(&self, name: &str, (auto, yes, no): (T, T, T)) -> Result<T, Failure> {
        let text = self.text_or_preset(name);
        match (text, forms::boolean(text)) {
            ("auto", _) => Ok(auto),
            (_, Some(true)) => Ok(yes),
            (_, Some(false)) => Ok(no),
            _ => Err(refused(name, text, "")),
        }
    }

    pub(super) fn number(&self, name: &str, least: u32) -> Result<u32, Failure> {
        let text = self.text_or_preset(name);
        let number = text.parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| refused(name, text, ""))
    }

    pub(super) fn duration(&self, name: &str) -> Result<Duration, Failure> {
        let text = self.text_or_preset(name);
        forms::duration(text).map_err(|why| refused(name, text, &why))
    }

    pub(super) fn json(&self, name: &str) -> Result<JsonObject, Failure> {
        let text = self.text_or_preset(name);
        json::json_object(text).map_err(|why| refused(name, text, &why))
    }

    /// Whether the input is given with something else than its preset.
    pub(super) fn is_set(&self, name: &str) -> bool {
        let Some(input) = find(name) else { return false };
        if input.form.is_secret() {
            return self.raw.secret(name).is_some_and(|secret| !secret.is_blank());
        }
        let Some(text) = self.text(name) else { return false };
        // The runner fills presets in: a text that equals one does not show that anybody wrote it.
        let Preset::Value(preset) = input.preset else { return true };
        match input.form {
            // `True` and `true` are one value; compared as texts the first would count as set.
            InputForm::Bool => forms::boolean(text) != forms::boolean(preset),
            InputForm::Json => json::json_object(text).is_ok_and(|object| !object.value().is_empty()),
            InputForm::Duration => forms::duration(text) != forms::duration(preset),
            InputForm::Choice(_) if name == "wait" => forms::wait(text) != Some(Wait::No),
            // YAML 1.1 turns an unquoted `no` into `false`.
            InputForm::Choice(_) if preset == "no" => forms::boolean(text) != Some(false) && text != preset,
            InputForm::List(_) => !forms::lines(text).eq(forms::lines(preset)),
            _ => text != preset,
        }
    }

    fn refuse_unknown(&self) -> Result<(), Failure> {
        let names: Vec<String> = self
            .raw
            .unknown()
            .iter()
            .map(|variable| {
                let name = variable.trim_start_matches("INPUT_").to_lowercase();
                // The runner upper-cases the name; people wrote it in lower case.
                let like = nearest_name(&name, INPUTS.iter().map(|input| input.name)).unwrap_or_default();
                format!("Unknown input `{}`. Did you mean `{like}`?", name.escape_debug())
            })
            .collect();
        if !names.is_empty() {
            return Err(invalid(names.join(" ")));
        }
        // Read as text with replacement marks it would name another path or branch.
        match INPUTS.iter().find(|input| self.raw.is_not_text(input)) {
            Some(input) => Err(unaccepted(input.name, &format!("({}) is not valid UTF-8", variable(input)))),
            None => Ok(()),
        }
    }

    /// What is wrong where inputs of a push are given and nothing is pushed: an expression that came out empty leaves no other trace.
    fn push_without_source(&self, push: &Push) -> Vec<String> {
        // What has no effect beside a push is told one by one, by `without_effect`.
        if !matches!(push, Push::None) {
            return Vec::new();
        }
        let given = |name: &str| self.is_set(name);
        let in_vain =
            |input: &&InputRow| is_push(input) && given(input.name) && !input.needs.iter().any(|need| given(need));
        let names: Vec<String> = INPUTS.iter().filter(in_vain).map(|input| format!("`{}`", input.name)).collect();
        let (are, them) = if names.len() == 1 { ("is", "It has") } else { ("are", "They have") };
        match names.as_slice() {
            [] => Vec::new(),
            names => vec![format!(
                "Nothing is pushed: `directory` and `refs` are empty, although {} {are} set. {them} no effect. If `directory` reads an \
                 expression, that came out empty.",
                names.join(", ")
            )],
        }
    }

    /// Inputs among those that `counts` that are given and have no effect, since what they belong to is not.
    fn without_effect(&self, counts: impl Fn(&InputRow) -> bool) -> Vec<String> {
        let in_vain = |input: &&InputRow| {
            counts(input)
                && !input.needs.is_empty()
                && self.is_set(input.name)
                && !input.needs.iter().any(|need| self.is_set(need))
        };
        let sentence = |input: &InputRow| {
            let needs: Vec<String> = input.needs.iter().map(|need| format!("`{need}`")).collect();
            format!("`{}` has no effect without {}.", input.name, needs.join(" or "))
        };
        let mut notices: Vec<String> = INPUTS.iter().filter(in_vain).map(sentence).collect();
        // Git signs tag objects, and a lightweight tag is none.
        if self.is_set("signing-key") && self.is_set("tag") && !self.is_set("tag-message") {
            let text = "`signing-key` signs no lightweight tag: set `tag-message` for a tag that can be verified.";
            notices.push(text.to_owned());
        }
        notices
    }
}

/// Whether the input says how something is pushed.
fn is_push(input: &InputRow) -> bool {
    matches!(input.group, Group::PushDirectory | Group::PushRefs)
}

/// The value that counts when the input is not given; empty where the table has none.
pub(super) fn preset(name: &str) -> &'static str {
    match find(name).map(|input| input.preset) {
        Some(Preset::Value(value)) => value,
        _ => "",
    }
}
