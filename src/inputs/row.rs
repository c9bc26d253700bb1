//! What a row of the table of inputs says: where the input belongs, how it is written, what counts without it.

/// A row of the table of inputs.
#[derive(Debug)]
pub struct InputRow {
    /// The name under `with:`; the flag is `--NAME` (for a secret `--NAME-file`), the variable `INPUT_NAME`.
    pub name: &'static str,
    /// Where it belongs in `--help` and `docs/inputs.md`.
    pub group: Group,
    /// How its value is written.
    pub form: InputForm,
    /// What counts when it is not given, or empty.
    pub preset: Preset,
    /// Format, meaning, and the remedy for the commonest mistake: one or two sentences.
    pub help: &'static str,
    /// The inputs of which one must be given for this one to have an effect; none: it always has.
    pub needs: &'static [&'static str],
}

/// The groups, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Which repository, on which server.
    Target,
    /// What authenticates.
    Credential,
    /// A directory onto a branch.
    PushDirectory,
    /// Refs of the checkout.
    PushRefs,
    /// Tags.
    Tag,
    /// Dispatches and waiting.
    Trigger,
    /// A secret, and the end of an old token.
    Secret,
    /// The step as a whole.
    Behaviour,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Target,
        Self::Credential,
        Self::PushDirectory,
        Self::PushRefs,
        Self::Tag,
        Self::Trigger,
        Self::Secret,
        Self::Behaviour,
    ];

    /// The heading over its inputs.
    pub fn title(self) -> &'static str {
        match self {
            Self::Target => "Target",
            Self::Credential => "Credential",
            Self::PushDirectory => "Push: a directory onto a branch",
            Self::PushRefs => "Push: refs of the checkout",
            Self::Tag => "Tag",
            Self::Trigger => "Trigger",
            Self::Secret => "Secret",
            Self::Behaviour => "Behaviour",
        }
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputForm {
    /// A text, outer white space cut; the words say what it must be.
    Text(&'static str),
    /// A text whose outer white space counts.
    Verbatim(&'static str),
    /// `true` or `false`.
    Bool,
    /// One item a line; the words say what a line is.
    List(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A JSON object.
    Json,
    /// `90s`, `10m`, `1h30m`.
    Duration,
    /// A whole number, this or more.
    Number(u32),
    /// A secret, outer white space cut; the words say what it is.
    Secret(&'static str),
    /// A secret whose outer white space counts.
    VerbatimSecret(&'static str),
}

impl InputForm {
    /// What an input of this form accepts, to end the sentence "it accepts …".
    pub fn accepts(self) -> String {
        match self {
            // These forms have no grammar that could be derived: the table has the words.
            Self::Text(words) | Self::Verbatim(words) | Self::Secret(words) | Self::VerbatimSecret(words) => {
                words.to_owned()
            }
            Self::Bool => "true or false".to_owned(),
            Self::List(words) => format!("a list, one item a line: {words}"),
            Self::Choice(words) => match words {
                [] => String::new(),
                [only] => (*only).to_owned(),
                [first @ .., last] => format!("{} or {last}", first.join(", ")),
            },
            Self::Json => "a JSON object, such as {\"key\": \"value\"}".to_owned(),
            Self::Duration => "a time such as 90s, 10m or 1h30m".to_owned(),
            Self::Number(least) => format!("a whole number, {least} or more"),
        }
    }

    /// Whether the value is a secret, which no flag carries.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret(_) | Self::VerbatimSecret(_))
    }

    /// Whether outer white space is part of the value.
    pub fn is_verbatim(self) -> bool {
        matches!(self, Self::Verbatim(_) | Self::VerbatimSecret(_))
    }
}

/// What counts when an input is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing.
    None,
    /// This value, here and in `action.yml`.
    Value(&'static str),
    /// This expression in `action.yml`; nothing on a command line.
    Expression(&'static str),
    /// Something worked out, in these words.
    Derived(&'static str),
}
