//! CSeq (RFC 3261 §20.16) and RAck (RFC 3262 §7.2).

use super::grammar::{trim, trim_start, GrammarError};
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
    let mut number = 0u32;
    let mut rest = value;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        number = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u32::from(digit - b'0')))
            .ok_or(GrammarError::Number)?;
        rest = tail;
    }
    let after = trim_start(rest);
    if rest.len() == value.len() || after.len() == rest.len() {
        return Err(GrammarError::Number);
    }
    Ok((number, after))
}

fn read_method(token: &[u8]) -> Result<Method<'_>, GrammarError> {
    Method::from_token(token).ok_or(GrammarError::Token)
}
