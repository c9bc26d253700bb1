//! git's configuration format, as `.gitmodules` has it: read up to the first mistake, as git does.
//!
//! Source: <https://git-scm.com/docs/git-config#_configuration_file>, `git_parse_source` of git's `config.c`

/// One variable of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The section, in lower case.
    pub section: String,
    /// What stands in quotation marks behind it.
    pub subsection: Option<String>,
    /// The variable, in lower case.
    pub key: String,
    /// Its value; none where the variable stands alone.
    pub value: Option<String>,
}

/// The variables before the first mistake.
pub fn entries(content: &[u8]) -> Vec<Entry> {
    // As git does: `\r\n` is one line end, and the mark of UTF-8 at the beginning is no part of the text.
    let text = String::from_utf8_lossy(content).replace("\r\n", "\n");
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(&text) };
    let (mut entries, mut section) = (Vec::new(), None);
    while let Some(first) = reader.skip_blanks() {
        let read = match first {
            '#' | ';' => {
                reader.skip_line();
                Some(())
            }
            '[' => reader.section().map(|found| section = Some(found)),
            _ => section.as_ref().and_then(|section| reader.variable(section)).map(|entry| entries.push(entry)),
        };
        // git's check looks at nothing behind a mistake. Reading on would find faults that the server does not see.
        if read.is_none() {
            break;
        }
    }
    entries
}

/// A section and its subsection.
type Section = (String, Option<String>);

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    fn skip_blanks(&mut self) -> Option<char> {
        self.take_while(|c| c.is_ascii_whitespace());
        self.peek()
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
    }

    /// `[section "subsection"]`
    fn section(&mut self) -> Option<Section> {
        self.next();
        let section = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).to_ascii_lowercase();
        self.take_while(|c| matches!(c, ' ' | '\t'));
        match self.next()? {
            // The old form `[section.subsection]`, in which upper and lower case of the subsection are the same.
            ']' => match section.split_once('.') {
                Some((section, subsection)) => Some((section.to_owned(), Some(subsection.to_owned()))),
                None => Some((section, None)),
            },
            '"' => {
                let mut subsection = String::new();
                loop {
                    match self.next()? {
                        '\n' => return None,
                        '"' => break,
                        // In a subsection the backslash stands for the next character itself: `\t` is the letter t.
                        '\\' => subsection.push(self.next().filter(|c| *c != '\n')?),
                        other => subsection.push(other),
                    }
                }
                (self.next()? == ']').then_some((section, Some(subsection)))
            }
            _ => None,
        }
    }

    /// `key = value`
    fn variable(&mut self, (section, subsection): &Section) -> Option<Entry> {
        self.peek().filter(char::is_ascii_alphabetic)?;
        let key = self.take_while(|c| c.is_ascii_alphanumeric() || c == '-').to_ascii_lowercase();
        self.take_while(|c| matches!(c, ' ' | '\t'));
        let value = match self.next() {
            // A variable without `=` is git's short form of true.
            None | Some('\n') => None,
            Some('=') => Some(self.value()?),
            Some(_) => return None,
        };
        Some(Entry { section: section.clone(), subsection: subsection.clone(), key, value })
    }

    fn value(&mut self) -> Option<String> {
        self.take_while(|c| matches!(c, ' ' | '\t'));
        let (mut value, mut quoted, mut kept) = (String::new(), false, 0);
        loop {
            match self.next() {
                None | Some('\n') if !quoted => break,
                // A quotation has to end in its line; `\` before the line's end is the only way on.
                None | Some('\n') => return None,
                Some('#' | ';') if !quoted => {
                    self.skip_line();
                    break;
                }
                Some('"') => {
                    quoted = !quoted;
                    kept = value.len();
                }
                Some('\\') => {
                    match self.next()? {
                        '\n' => continue,
                        'n' => value.push('\n'),
                        't' => value.push('\t'),
                        'b' => value.push('\u{8}'),
                        same @ ('\\' | '"') => value.push(same),
                        _ => return None,
                    }
                    kept = value.len();
                }
                Some(other) => {
                    value.push(other);
                    if quoted || !other.is_ascii_whitespace() {
                        kept = value.len();
                    }
                }
            }
        }
        // Blanks at its end are no part of it.
        value.truncate(kept);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let shown = |entry: &Entry| {
            let value = entry.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
            format!("{}|{}|{}{value}", entry.section, entry.subsection.as_deref().unwrap_or("-"), entry.key)
        };
        entries(text.as_bytes()).iter().map(shown).collect()
    }

    #[test]
    fn it_is_read_as_git_reads_it() {
        assert_eq!(read("\u{feff}[Core]\n\tBare\n a = b c  # d\r\n"), ["core|-|bare", "core|-|a=b c"]);
        assert_eq!(read("[s \"a\\\"b\\c\"] x = \"1 \" 2\\\n3\\n\\t\n"), ["s|a\"bc|x=1  23\n\t"]);
        assert_eq!(read("[s.Sub]\nx=\n"), ["s|sub|x="]);
        assert_eq!(read("[s]\nx = 1\ny = \"open\nz = 2\n"), ["s|-|x=1"], "up to the first mistake");
        assert_eq!(read("x = 1\n"), [""; 0]);
        assert_eq!(read("[s \"a\nb\"]\nx = 1"), [""; 0]);
    }
}
