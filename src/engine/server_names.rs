//! The names that peers on secure transports must prove to have (RFC 5922 §7), so that a path
//! can carry one as a number.

use std::collections::HashMap;
use std::sync::Arc;

use super::limits::MAX_SERVER_NAMES;

/// Names the host that a secure connection must lead to; the name itself is in
/// [`Transmit::server_name`](super::Transmit::server_name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerId(pub u64);

/// The names in use, in two generations: when the younger one is full, what was not asked for
/// since it began is forgotten.
#[derive(Debug, Default)]
pub(crate) struct ServerNames {
    young: Generation,
    old: Generation,
    next: u64,
}

#[derive(Debug, Default)]
struct Generation {
    ids: HashMap<Arc<str>, ServerId>,
    names: HashMap<ServerId, Arc<str>>,
}

impl ServerNames {
    /// The number of a host name or address, in any case.
    pub(crate) fn id(&mut self, host: &str) -> ServerId {
        let host: Arc<str> = host.to_ascii_lowercase().into();
        if let Some(id) = self.young.ids.get(&host) {
            return *id;
        }
        let id = self.old.ids.get(&host).copied().unwrap_or_else(|| {
            self.next += 1;
            ServerId(self.next)
        });
        self.remember(id, host);
        id
    }

    /// The name; `None` once it has been forgotten.
    pub(crate) fn name(&mut self, id: ServerId) -> Option<Arc<str>> {
        if let Some(name) = self.young.names.get(&id) {
            return Some(name.clone());
        }
        let name = self.old.names.get(&id)?.clone();
        self.remember(id, name.clone());
        Some(name)
    }

    fn remember(&mut self, id: ServerId, name: Arc<str>) {
        if self.young.ids.len() >= MAX_SERVER_NAMES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.ids.insert(name.clone(), id);
        self.young.names.insert(id, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_in_any_case() {
        let mut names = ServerNames::default();
        let id = names.id("Example.com");
        assert_eq!(names.id("example.COM"), id);
        assert_ne!(names.id("example.org"), id);
        assert_eq!(names.name(id).as_deref(), Some("example.com"));
    }

    #[test]
    fn the_table_is_bounded_and_keeps_what_is_used() {
        let mut names = ServerNames::default();
        let used = names.id("used.example");
        let unused = names.id("unused.example");
        for n in 0..3 * MAX_SERVER_NAMES {
            names.id(&format!("{n}.example"));
            assert_eq!(names.name(used).as_deref(), Some("used.example"));
            assert!(names.young.ids.len() <= MAX_SERVER_NAMES);
        }
        assert_eq!(names.name(unused), None);
        assert!(names.old.ids.len() <= MAX_SERVER_NAMES);
    }
}
