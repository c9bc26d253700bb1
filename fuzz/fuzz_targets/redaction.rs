//! Redaction: no form of a secret is shown, wherever the text was cut before, and text that holds none stays as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::credential::{OutsideText, Redactor, Secret, masks, without_token_shapes};

fuzz_target!(|input: (&str, &str, &str, u16, u16)| {
    let (secret, before, after, form, cut) = input;
    let redactor = Redactor::new(&[Secret::new(secret.to_owned())]);
    let forms = masks(&Secret::new(secret.to_owned()));
    let Some(form) = forms.get(usize::from(form) % forms.len().max(1)) else {
        let text = format!("{before}{after}");
        assert_eq!(redactor.redact(&text), without_token_shapes(&text), "nothing is known");
        return;
    };
    // Stars and the mark of a cut cannot be told from what stands in a secret's place.
    if secret.contains(['*', '…']) || form.expose().contains('*') {
        return;
    }
    let text = OutsideText::from(format!("{before}{}{after}", form.expose()));
    let shown = text.redacted(&redactor);
    assert!(!shown.contains(form.expose()), "{shown} holds {}", form.expose());
    let cut = shown.cut(usize::from(cut));
    assert!(cut.chars().count() <= usize::from(input.4));
    let begins = cut.strip_suffix('…').unwrap_or(&cut);
    assert!(shown.starts_with(begins), "a cut leaves the beginning");
    assert_eq!(redactor.redact(&shown), shown.as_str(), "what is redacted stays");
});
