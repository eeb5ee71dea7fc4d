//! Where applications are: a host, a port, and whether TLS is spoken.

use std::fmt;

use thiserror::Error;

/// A host and port for applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address; one of IPv6 without brackets.
    pub host: String,
    /// 0 for any port that is free.
    pub port: u16,
    /// Whether TLS is spoken.
    pub secure: bool,
}

/// The text names no place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is no host with a port, such as '10.0.0.1:9022'")]
pub struct NotAPlace(pub String);

impl Place {
    /// Reads `host:port`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// It is something else.
    pub fn new(secure: bool, text: &str) -> Result<Place, NotAPlace> {
        let bad = || NotAPlace(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number).ok_or_else(bad)?;
        let host = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(host) => host,
            None if host.contains(':') => return Err(bad()),
            None => host,
        };
        let is_graphic = host.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || !is_graphic {
            return Err(bad());
        }
        let host = host.to_owned();
        Ok(Place { host, port, secure })
    }

    /// `tcp` or `tls`.
    pub fn scheme(&self) -> &'static str {
        if self.secure {
            "tls"
        } else {
            "tcp"
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "{}/[{host}]:{port}", self.scheme()),
            false => write!(f, "{}/{host}:{port}", self.scheme()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_read_and_written() {
        for (secure, text, written) in [
            (false, "127.0.0.1:9022", "tcp/127.0.0.1:9022"),
            (true, "app.example.com:1", "tls/app.example.com:1"),
            (false, "[::1]:0", "tcp/[::1]:0"),
        ] {
            assert_eq!(Place::new(secure, text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":1",
            "host",
            "host:",
            "host:+1",
            "host:65536",
            "::1:5",
            "[]:5",
            "a b:5",
            "a:5 ",
        ] {
            assert_eq!(Place::new(false, text), Err(NotAPlace(text.to_owned())));
        }
    }
}
