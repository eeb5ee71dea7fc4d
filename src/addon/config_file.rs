//! Configuration files as trees with the lines on which things stand, so that `drachtio check` can
//! say where something is wrong. What the trees mean is JavaScript's matter (`lib/serve/`).

use napi_derive::napi;
use roxmltree::{Document, ParsingOptions};
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// More elements and attributes than any configuration has.
const MAX_NODES: u32 = 100_000;

/// A node is nested no deeper than this.
const MAX_DEPTH: usize = 32;

/// An element of an XML document.
#[napi(object)]
pub struct XmlElement {
    /// Its name.
    pub name: String,
    /// The line it begins on, from 1.
    pub line: u32,
    /// The text directly inside it, without blanks at the ends.
    pub text: String,
    /// Its attributes, in their order.
    pub attributes: Vec<XmlAttribute>,
    /// The elements in it, in their order.
    pub children: Vec<XmlElement>,
}

/// An attribute of an element.
#[napi(object)]
pub struct XmlAttribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The line it stands on, from 1.
    pub line: u32,
}

/// A value of a TOML document.
#[napi(object)]
pub struct TomlValue {
    /// The key, empty for what is in an array.
    pub key: String,
    /// The line it begins on, from 1.
    pub line: u32,
    /// `table`, `array`, `string`, `integer`, `float`, `boolean` or `datetime`.
    pub kind: String,
    /// The value itself, unless it is a table or an array.
    pub text: String,
    /// What is in a table or an array.
    pub children: Vec<TomlValue>,
}

/// Parses an XML document. Fails with the text `line:column: what is wrong`.
#[napi(catch_unwind)]
pub fn parse_xml(text: String) -> napi::Result<XmlElement> {
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options)
        .map_err(|error| located(error.pos().row, error.pos().col, &error.to_string()))?;
    element(&document, document.root_element(), MAX_DEPTH)
}

/// Parses a TOML document. Fails with the text `line:column: what is wrong`.
#[napi(catch_unwind)]
pub fn parse_toml(text: String) -> napi::Result<TomlValue> {
    let lines = Lines::of(&text);
    let root = DeTable::parse(&text).map_err(|error| {
        let (line, column) = lines.at(error.span().map_or(0, |span| span.start));
        located(line, column, error.message())
    })?;
    table("", 1, root.get_ref(), &lines, MAX_DEPTH)
}

fn element(
    document: &Document<'_>,
    node: roxmltree::Node<'_, '_>,
    depth: usize,
) -> napi::Result<XmlElement> {
    let line = document.text_pos_at(node.range().start).row;
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| located(line, 1, "elements are nested too deeply"))?;
    let texts = node.children().filter(|child| child.is_text());
    let text: String = texts.filter_map(|child| child.text()).collect();
    Ok(XmlElement {
        name: node.tag_name().name().to_owned(),
        line,
        text: text.trim().to_owned(),
        attributes: node
            .attributes()
            .map(|attribute| XmlAttribute {
                name: attribute.name().to_owned(),
                value: attribute.value().to_owned(),
                line: document.text_pos_at(attribute.range().start).row,
            })
            .collect(),
        children: node
            .children()
            .filter(|child| child.is_element())
            .map(|child| element(document, child, depth))
            .collect::<napi::Result<_>>()?,
    })
}

fn table(
    key: &str,
    line: u32,
    table: &DeTable<'_>,
    lines: &Lines,
    depth: usize,
) -> napi::Result<TomlValue> {
    let children = table
        .iter()
        .map(|(key, value)| toml_value(key.get_ref(), key.span().start, value, lines, depth));
    Ok(TomlValue {
        key: key.to_owned(),
        line,
        kind: "table".to_owned(),
        text: String::new(),
        children: children.collect::<napi::Result<_>>()?,
    })
}

fn toml_value(
    key: &str,
    start: usize,
    value: &Spanned<DeValue<'_>>,
    lines: &Lines,
    depth: usize,
) -> napi::Result<TomlValue> {
    let (line, column) = lines.at(start);
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| located(line, column, "values are nested too deeply"))?;
    let leaf = |kind: &str, text: String| TomlValue {
        key: key.to_owned(),
        line,
        kind: kind.to_owned(),
        text,
        children: Vec::new(),
    };
    Ok(match value.get_ref() {
        DeValue::String(text) => leaf("string", text.to_string()),
        DeValue::Integer(number) => leaf("integer", number.to_string()),
        DeValue::Float(number) => leaf("float", number.to_string()),
        DeValue::Boolean(flag) => leaf("boolean", flag.to_string()),
        DeValue::Datetime(time) => leaf("datetime", time.to_string()),
        DeValue::Table(inner) => table(key, line, inner, lines, depth)?,
        DeValue::Array(items) => {
            let children = items
                .iter()
                .map(|item| toml_value("", item.span().start, item, lines, depth));
            TomlValue {
                children: children.collect::<napi::Result<_>>()?,
                ..leaf("array", String::new())
            }
        }
    })
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Lines(
            std::iter::once(0)
                .chain(breaks.map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// The line and column of a position, both from 1.
    fn at(&self, position: usize) -> (u32, u32) {
        let line = self.0.partition_point(|start| *start <= position);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (number(line), number(position.saturating_sub(start) + 1))
    }
}

fn located(line: u32, column: u32, problem: &str) -> napi::Error {
    napi::Error::from_reason(format!("{line}:{column}: {problem}"))
}
