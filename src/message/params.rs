//! Parameters: `;name=value` after a header value or within a URI.

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::GrammarError;
use super::limits::MAX_PARAMS;

/// The parameters of a header value or a URI: the text, read when asked. What is not a
/// parameter ends the reading: see [`check`](Self::check).
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    text: &'a str,
}

/// The parameters that dialogs and transactions are known by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks<'a> {
    pub(crate) tag: Option<&'a str>,
    pub(crate) branch: Option<&'a str>,
}

impl<'a> Params<'a> {
    /// Takes what follows the value of a header that is not a list.
    #[inline(always)]
    pub(crate) fn take_rest(cursor: &mut Cursor<'a>) -> Result<Params<'a>, GrammarError> {
        cursor.skip_lws();
        match cursor.peek() {
            None | Some(b';') => Ok(Params {
                text: cursor.take_rest(),
            }),
            Some(_) => Err(GrammarError::Trailing),
        }
    }

    /// Takes what follows a value in a list, up to the comma behind it or the end.
    #[inline(always)]
    pub(crate) fn take_element(cursor: &mut Cursor<'a>) -> Result<Params<'a>, GrammarError> {
        cursor.skip_lws();
        match cursor.peek() {
            None | Some(b',') => Ok(Params::default()),
            Some(b';') => Ok(Params {
                text: cursor.take_element(),
            }),
            Some(_) => Err(GrammarError::Trailing),
        }
    }

    /// URI parameters, already checked: from the first `;` on.
    pub(crate) fn of_uri(text: &'a str) -> Self {
        Params { text }
    }

    /// The text, with its first semicolon; empty when there are no parameters.
    pub fn text(&self) -> &'a str {
        self.text.trim_ascii()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Checks the syntax of header parameters (`generic-param`), their number, and that a tag or
    /// branch is there once at most and has a value.
    pub fn check(&self) -> Result<(), GrammarError> {
        self.check_for_marks().map(drop)
    }

    /// Checks the syntax, and returns the tag and the branch on the way.
    pub(crate) fn check_for_marks(&self) -> Result<Marks<'a>, GrammarError> {
        if self.text.is_empty() {
            return Ok(Marks::default());
        }
        let mut cursor = Cursor::of(self.text);
        let mut count = 0;
        let mut marks = Marks::default();
        cursor.skip_lws();
        while cursor.eat(b';') {
            count += 1;
            if count > MAX_PARAMS {
                return Err(GrammarError::TooManyParameters);
            }
            let (name, value) = read_param(&mut cursor)?;
            let mark = match name {
                name if name.eq_ignore_ascii_case("tag") => &mut marks.tag,
                name if name.eq_ignore_ascii_case("branch") => &mut marks.branch,
                _ => continue,
            };
            if mark.is_some() || value.is_none() {
                return Err(GrammarError::Parameter);
            }
            *mark = value;
        }
        cursor.finish()?;
        Ok(marks)
    }

    /// The value of the first parameter of that name in any case: `Some(None)` for one without
    /// a value. A quoted value keeps its quotes: see [`unquote`](super::unquote). Escapes are
    /// not undone: [`Uri::param`](super::Uri::param) does that.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        let mut cursor = Cursor::of(self.text);
        loop {
            let written = next_name(&mut cursor)?;
            let value = next_value(&mut cursor);
            if written.eq_ignore_ascii_case(name) {
                return Some(value);
            }
        }
    }

    /// The value of a parameter that has one.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// True when a parameter of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every parameter in order: name, and value if it has one.
    pub fn iter(&self) -> ParamsIter<'a> {
        ParamsIter {
            cursor: Cursor::of(self.text),
        }
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = (&'a str, Option<&'a str>);
    type IntoIter = ParamsIter<'a>;

    fn into_iter(self) -> ParamsIter<'a> {
        self.iter()
    }
}

/// Iterates over [`Params`].
#[derive(Debug, Clone)]
pub struct ParamsIter<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for ParamsIter<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = next_name(&mut self.cursor)?;
        Some((name, next_value(&mut self.cursor)))
    }
}

/// The name of the parameter that begins here, if one does.
fn next_name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    cursor.skip_lws();
    if !cursor.eat(b';') {
        return None;
    }
    cursor.skip_lws();
    Some(cursor.take_class(Class::PARAM_NAME))
}

/// The value behind a name, if there is a `=`. A quoted string without end is no value.
fn next_value<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    cursor.skip_lws();
    if !cursor.eat(b'=') {
        return None;
    }
    cursor.skip_lws();
    match cursor.peek() {
        Some(b'"') => cursor.quoted().ok(),
        _ => Some(cursor.take_class(Class::PARAM_VALUE)),
    }
}

/// One `generic-param` after its semicolon: a token, and if there is a `=` a token, a host or a
/// quoted string.
fn read_param<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a str, Option<&'a str>), GrammarError> {
    cursor.skip_lws();
    let name = cursor.take_class(Class::TOKEN);
    cursor.skip_lws();
    let mut value = None;
    if cursor.eat(b'=') {
        cursor.skip_lws();
        value = Some(match cursor.peek() {
            Some(b'"') => cursor.quoted()?,
            _ => cursor.take_class(Class::GEN_VALUE),
        });
        cursor.skip_lws();
    }
    if name.is_empty() || value == Some("") {
        return Err(GrammarError::Parameter);
    }
    Ok((name, value))
}
