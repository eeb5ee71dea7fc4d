//! CSeq (RFC 3261 §20.16) and RAck (RFC 3262 §7.2).

use super::class::Class;
use super::grammar::{number, trim, GrammarError};
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
        let (number, method) = split_number(trim(value))?;
        let method = read_method(method)?;
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
        let (rseq, rest) = split_number(trim(value))?;
        let (cseq, method) = split_number(rest)?;
        let method = read_method(method)?;
        Ok(RAck { rseq, cseq, method })
    }
}

/// A number, and what follows the white space behind it.
fn split_number(value: &[u8]) -> Result<(u32, &[u8]), GrammarError> {
    let (digits, rest) = value
        .split_at_checked(Class::DIGIT.span(value))
        .ok_or(GrammarError::Number)?;
    let number = number(digits).ok_or(GrammarError::Number)?;
    match Class::LWS.span(rest) {
        0 => Err(GrammarError::Number),
        blank => Ok((number, rest.get(blank..).unwrap_or_default())),
    }
}

fn read_method(token: &[u8]) -> Result<Method<'_>, GrammarError> {
    Method::from_token(token).ok_or(GrammarError::Token)
}
