//! The part of GraphQL's language that clients of GitHub write: one operation, fields with aliases, arguments and
//! variables, inline fragments.
//!
//! <https://spec.graphql.org/October2021/#sec-Document-Syntax>

use std::iter::Peekable;

use serde_json::{Map, Number, Value};

/// A field that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The key in the answer.
    pub(super) alias: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) fields: Vec<Field>,
}

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// A mutation rather than a query.
    pub(super) mutates: bool,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, or a number.
    Word(String),
    Text(String),
    Mark(char),
    Spread,
}

/// The tokens of a document; what is no token ends it.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' | ',' => {}
            '#' => while letters.next_if(|&next| next != '\n').is_some() {},
            '"' => tokens.push(Token::Text(quoted(&mut letters)?)),
            '.' => {
                (letters.next() == Some('.') && letters.next() == Some('.')).then_some(())?;
                tokens.push(Token::Spread);
            }
            letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '$' | '!' | '=' | '@' => tokens.push(Token::Mark(letter)),
            _ => return None,
        }
    }
    Some(tokens)
}

fn quoted(letters: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' => return Some(text),
            '\\' => text.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'u' => {
                    let digits: String = (0..4).map_while(|_| letters.next()).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            }),
            letter => text.push(letter),
        }
    }
}

struct Reader<'a, I: Iterator<Item = Token>> {
    tokens: Peekable<I>,
    variables: &'a Value,
}

/// Reads a document with its variables filled in; `None`: it cannot be parsed.
pub(super) fn read(text: &str, variables: &Value) -> Option<Operation> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable(), variables };
    let mut mutates = false;
    if let Some(Token::Word(word)) = reader.tokens.next_if(|token| matches!(token, Token::Word(_))) {
        mutates = word == "mutation";
        if !mutates && word != "query" {
            return None;
        }
        // Name and declared variables: nothing here needs their types.
        while reader.tokens.next_if(|token| *token != Token::Mark('{')).is_some() {}
    }
    let fields = reader.selection()?;
    reader.tokens.next().is_none().then_some(Operation { mutates, fields })
}

impl<I: Iterator<Item = Token>> Reader<'_, I> {
    fn takes(&mut self, mark: char) -> Option<()> {
        self.tokens.next_if_eq(&Token::Mark(mark)).map(|_| ())
    }

    fn word(&mut self) -> Option<String> {
        match self.tokens.next()? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn selection(&mut self) -> Option<Vec<Field>> {
        self.takes('{')?;
        let mut fields = Vec::new();
        while self.takes('}').is_none() {
            if self.tokens.next_if_eq(&Token::Spread).is_some() {
                // `... on Type { … }`: the types that are served have no subtypes of one interface side by side.
                (self.word()? == "on").then_some(())?;
                self.word()?;
                fields.extend(self.selection()?);
                continue;
            }
            let (mut name, mut alias) = (self.word()?, None);
            if self.takes(':').is_some() {
                alias = Some(std::mem::replace(&mut name, self.word()?));
            }
            let arguments = if self.takes('(').is_some() { self.pairs(')')? } else { Map::new() };
            let nested = self.tokens.peek() == Some(&Token::Mark('{'));
            let inner = if nested { self.selection()? } else { Vec::new() };
            fields.push(Field { alias: alias.unwrap_or_else(|| name.clone()), name, arguments, fields: inner });
        }
        Some(fields)
    }

    /// `name: value` up to the closing mark.
    fn pairs(&mut self, end: char) -> Option<Map<String, Value>> {
        let mut pairs = Map::new();
        while self.takes(end).is_none() {
            let name = self.word()?;
            self.takes(':')?;
            pairs.insert(name, self.value()?);
        }
        Some(pairs)
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.tokens.next()? {
            Token::Text(text) => Value::String(text),
            Token::Mark('$') => {
                let name = self.word()?;
                self.variables.get(&name).cloned().unwrap_or_default()
            }
            Token::Mark('{') => Value::Object(self.pairs('}')?),
            Token::Mark('[') => {
                let mut list = Vec::new();
                while self.takes(']').is_none() {
                    list.push(self.value()?);
                }
                Value::Array(list)
            }
            Token::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                number if number.parse::<i64>().is_ok() => Value::Number(number.parse::<Number>().ok()?),
                word => Value::String(word.to_owned()),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_with_their_variables() {
        let text = "mutation Go($id: ID!, $how: X = SQUASH) { # a comment\n out: enable(input: {pullRequestId: $id, \
                    mergeMethod: SQUASH, n: -3, l: [true null]}) { pullRequest { number ... on Node { id } } } }";
        let read = read(text, &serde_json::json!({"id": "PR_\"1\""})).unwrap();
        let [field] = &read.fields[..] else { panic!("{read:?}") };
        assert!(read.mutates);
        assert_eq!((field.alias.as_str(), field.name.as_str()), ("out", "enable"));
        let input =
            serde_json::json!({"pullRequestId": "PR_\"1\"", "mergeMethod": "SQUASH", "n": -3, "l": [true, null]});
        assert_eq!(field.arguments["input"], input);
        let names: Vec<_> = field.fields[0].fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["number", "id"]);
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        for text in
            ["", "{", "{ viewer { login }", "subscription { a }", "{ a } }", "{ a(b: ) }", "{ ...Named }", "{ a & }"]
        {
            assert!(read(text, &Value::Null).is_none(), "{text}");
        }
    }
}
