//! YAML that may be anybody's, read within bounds.

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};
use saphyr_parser::{Event, Parser};

/// A part of a document, with its place.
pub(super) type YamlNode<'a> = MarkedYaml<'a>;

/// A longer file, in bytes, and one whose lists and tables are nested deeper, is none that GitHub starts.
///
/// Source: <https://github.com/actions/runner/blob/main/src/Sdk/WorkflowParser/ParseOptions.cs>
const LONGEST: usize = 1 << 20;
const DEEPEST: usize = 50;

/// Hundreds of times what a file has that a person wrote; as a tree these take some 50 MB.
const MOST_NODES: usize = 100_000;

/// The first document of a text, which may be anybody's: what has no bounds is not made a tree of.
///
/// NOTE: the tree's own reader calls itself for each level, and a line of `- - - ` would end the process.
pub(super) fn load(text: &str) -> Result<Option<YamlNode<'_>>, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let (mut depth, mut nodes) = (0_usize, 0_usize);
    for token in Parser::new_from_str(text) {
        match token.map_err(|error| error.to_string())?.0 {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(format!("it is nested deeper than {DEEPEST} levels"));
                }
            }
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        nodes += 1;
        if nodes > MOST_NODES {
            return Err(format!("it has more than {MOST_NODES} parts"));
        }
    }
    let documents = MarkedYaml::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().next())
}

/// A list of texts, or a single one, each with its line.
pub(super) fn texts(node: &YamlNode<'_>) -> Vec<(String, usize)> {
    match &node.data {
        YamlData::Sequence(items) => {
            items.iter().filter_map(|item| Some((text_of(item)?, item.span.start.line()))).collect()
        }
        _ => text_of(node).map(|text| (text, node.span.start.line())).into_iter().collect(),
    }
}

/// A member of a table: its key and its value.
pub(super) fn get<'a, 'b>(node: &'a YamlNode<'b>, name: &str) -> Option<(&'a YamlNode<'b>, &'a YamlNode<'b>)> {
    let YamlData::Mapping(table) = &node.data else { return None };
    table.iter().find(|(key, _)| text_of(key).as_deref() == Some(name))
}

/// A scalar as it would be written.
pub(super) fn text_of(node: &YamlNode<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text.clone().into_owned()),
        YamlData::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        YamlData::Value(Scalar::Integer(value)) => Some(value.to_string()),
        YamlData::Value(Scalar::FloatingPoint(value)) => Some(value.to_string()),
        // A tag such as `!!str` changes nothing about the text that is compared.
        YamlData::Tagged(_, inner) => text_of(inner),
        _ => None,
    }
}
