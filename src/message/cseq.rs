//! CSeq (RFC 3261 §20.16) and RAck (RFC 3262 §7.2).

use super::class::Class;
use super::cursor::Cursor;
use super::grammar::{number, GrammarError};
use super::method::Method;

/// A CSeq value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, up to 2^32-1. One that we send must stay below 2^31.
    pub number: u32,
    /// The method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a value.
    pub fn parse(value: &'a [u8]) -> Result<CSeq<'a>, GrammarError> {
        let mut cursor = Cursor::new(value)?;
        cursor.skip_lws();
        let number = read_number(&mut cursor)?;
        let method = read_method(&mut cursor)?;
        Ok(CSeq { number, method })
    }
}

/// A RAck value: which reliable provisional response a PRACK acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the response.
    pub rseq: u32,
    /// The number of the response's CSeq.
    pub cseq: u32,
    /// The method of the response's CSeq.
    pub method: Method<'a>,
}

impl<'a> RAck<'a> {
    /// Reads a value.
    pub fn parse(value: &'a [u8]) -> Result<RAck<'a>, GrammarError> {
        let mut cursor = Cursor::new(value)?;
        cursor.skip_lws();
        let rseq = read_number(&mut cursor)?;
        let cseq = read_number(&mut cursor)?;
        let method = read_method(&mut cursor)?;
        Ok(RAck { rseq, cseq, method })
    }
}

/// A number and the white space that must follow it.
fn read_number(cursor: &mut Cursor<'_>) -> Result<u32, GrammarError> {
    let digits = cursor.take_class(Class::DIGIT);
    let number = number(digits.as_bytes()).ok_or(GrammarError::Number)?;
    if !cursor.skip_lws() {
        return Err(GrammarError::Number);
    }
    Ok(number)
}

/// A method at the end of a value.
fn read_method<'a>(cursor: &mut Cursor<'a>) -> Result<Method<'a>, GrammarError> {
    let method = cursor.token()?;
    cursor.skip_lws();
    if !cursor.is_empty() {
        return Err(GrammarError::Trailing);
    }
    Ok(Method::from(method))
}
