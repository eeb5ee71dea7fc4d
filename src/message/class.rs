//! The character classes of RFC 3261 §25.1, as bits in one table: a look-up per byte.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class(u32);

impl Class {
    /// `token`.
    pub(crate) const TOKEN: Class = Class(1);
    /// Linear white space. A CR or LF inside a header value is part of a fold: the index admits
    /// no other.
    pub(crate) const LWS: Class = Class(1 << 1);
    /// A decimal digit.
    pub(crate) const DIGIT: Class = Class(1 << 2);
    /// An unquoted `gen-value` of a header parameter: a token or a host.
    pub(crate) const GEN_VALUE: Class = Class(1 << 3);
    /// A display name without quotes: tokens and the white space between them. Bytes above
    /// ASCII should be quoted, but phones leave the quotes out.
    pub(crate) const DISPLAY_NAME: Class = Class(1 << 4);
    /// A host name or an IPv4 address. The underscore is not in RFC 3261, but it is in names
    /// that private networks use.
    pub(crate) const HOST: Class = Class(1 << 5);
    /// What can be in some URI: visible ASCII but for the delimiters around URIs (RFC 2396
    /// §2.4.3).
    pub(crate) const URI: Class = Class(1 << 6);
    /// A URI that stands without angle brackets (RFC 3261 §20.10).
    pub(crate) const ADDR_SPEC: Class = Class(1 << 7);
    /// `user`, but for escapes.
    pub(crate) const USER: Class = Class(1 << 8);
    /// `password`, but for escapes.
    pub(crate) const PASSWORD: Class = Class(1 << 9);
    /// `paramchar`, but for escapes.
    pub(crate) const URI_PARAM: Class = Class(1 << 10);
    /// The name or value of a header in a URI, but for escapes.
    pub(crate) const URI_HEADER: Class = Class(1 << 11);
    /// The name of a parameter that is known to be well-formed.
    pub(crate) const PARAM_NAME: Class = Class(1 << 12);
    /// The unquoted value of a parameter that is known to be well-formed.
    pub(crate) const PARAM_VALUE: Class = Class(1 << 13);
    /// The value of a parameter of credentials, which not everybody quotes: a URI or base64.
    pub(crate) const AUTH_VALUE: Class = Class(1 << 14);
    /// Visible ASCII, as in a Call-ID.
    pub(crate) const WORD: Class = Class(1 << 15);
    /// Digits and dots.
    pub(crate) const IPV4: Class = Class(1 << 16);
    /// A digit of a telephone number (RFC 3966 §3 `phonedigit-hex` without the separators).
    pub(crate) const PHONE_DIGIT: Class = Class(1 << 17);
    /// A telephone number: digits and visual separators.
    pub(crate) const PHONE: Class = Class(1 << 18);

    /// True when the byte is in the set.
    pub(crate) fn has(self, byte: u8) -> bool {
        classes_of(byte) & self.0 != 0
    }

    /// How many bytes of the set `text` begins with.
    #[inline(always)]
    pub(crate) fn span(self, text: &[u8]) -> usize {
        if self.0 & USUALLY_LONG.0 != 0 {
            self.span_of_many(text)
        } else {
            self.span_of_few(text)
        }
    }

    /// The same eight bytes at a time. Never inlined, as the one below: the loops are fast only
    /// where nothing else competes for registers.
    #[inline(never)]
    fn span_of_many(self, text: &[u8]) -> usize {
        let mut rest = text;
        while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
            let common = chunk
                .iter()
                .fold(u32::MAX, |common, &byte| common & classes_of(byte));
            if common & self.0 == 0 {
                break;
            }
            rest = tail;
        }
        let tail = rest.iter().position(|&byte| !self.has(byte));
        tail.map_or(text.len(), |tail| text.len() - rest.len() + tail)
    }

    #[inline(never)]
    fn span_of_few(self, text: &[u8]) -> usize {
        let end = text.iter().position(|&byte| !self.has(byte));
        end.unwrap_or(text.len())
    }

    /// True when `text` is not empty and has no other bytes.
    #[inline]
    pub(crate) fn is_all(self, text: &[u8]) -> bool {
        !text.is_empty() && self.span(text) == text.len()
    }
}

/// Classes of which texts have many bytes in a row, so that looking at eight at once pays.
const USUALLY_LONG: Class = Class(
    Class::GEN_VALUE.0 | Class::HOST.0 | Class::ADDR_SPEC.0 | Class::WORD.0 | Class::PARAM_VALUE.0,
);

fn classes_of(byte: u8) -> u32 {
    TABLE.get(usize::from(byte)).copied().unwrap_or(0)
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut rest: &mut [u32] = &mut table;
    let mut byte = 0u8;
    while let Some((entry, tail)) = rest.split_first_mut() {
        *entry = classes(byte);
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    table
}

const fn classes(byte: u8) -> u32 {
    let lws = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let alphanum = byte.is_ascii_alphanumeric();
    let token = alphanum
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        );
    let unreserved = alphanum
        || matches!(
            byte,
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')'
        );
    let uri = byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
    let phone_digit = byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#');
    bit(Class::TOKEN, token)
        | bit(Class::LWS, lws)
        | bit(Class::DIGIT, byte.is_ascii_digit())
        | bit(
            Class::GEN_VALUE,
            token || matches!(byte, b'[' | b']' | b':'),
        )
        | bit(Class::DISPLAY_NAME, token || lws || byte >= 0x80)
        | bit(Class::HOST, alphanum || matches!(byte, b'-' | b'.' | b'_'))
        | bit(Class::URI, uri)
        | bit(Class::ADDR_SPEC, uri && !matches!(byte, b';' | b',' | b'?'))
        | bit(
            Class::USER,
            unreserved || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/'),
        )
        | bit(
            Class::PASSWORD,
            unreserved || matches!(byte, b'&' | b'=' | b'+' | b'$' | b','),
        )
        | bit(
            Class::URI_PARAM,
            unreserved || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$'),
        )
        | bit(
            Class::URI_HEADER,
            unreserved || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$'),
        )
        | bit(Class::PARAM_NAME, !lws && !matches!(byte, b';' | b'='))
        | bit(Class::PARAM_VALUE, !lws && byte != b';')
        | bit(Class::PHONE_DIGIT, phone_digit)
        | bit(
            Class::PHONE,
            phone_digit || matches!(byte, b'-' | b'.' | b'(' | b')'),
        )
        | bit(Class::IPV4, byte.is_ascii_digit() || byte == b'.')
        | bit(Class::WORD, byte.is_ascii_graphic())
        | bit(
            Class::AUTH_VALUE,
            byte.is_ascii_graphic() && !matches!(byte, b',' | b'"'),
        )
}

const fn bit(class: Class, member: bool) -> u32 {
    if member {
        class.0
    } else {
        0
    }
}
