//! Where registered clients are reached whose Contact leads nowhere: over the connection that
//! their REGISTER came on, or through the translator (RFC 5626 §5, drachtio-server §2.3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::command::AppId;
use super::connections::ByConnection;
use super::path::{ConnectionId, Path};
use super::timers::TimerSlot;

/// What a registration is known by: the Contact's `user@host:port`, and the address of record.
/// Two users may have the same Contact behind two translators.
pub(crate) type RegistrationKey = (Arc<str>, Arc<str>);

/// A Contact of a REGISTER that was granted.
#[derive(Debug)]
pub(crate) struct Registration {
    /// The application that has granted it.
    pub(crate) app: AppId,
    /// The Contact's URI.
    pub(crate) contact: Box<str>,
    /// How the REGISTER came.
    pub(crate) path: Path,
    pub(crate) expires: Instant,
}

/// Who a Contact leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nobody,
    One(Path),
    /// Several users have registered it, from several places.
    Several,
}

#[derive(Debug, Default)]
pub(crate) struct Registrations {
    entries: BTreeMap<RegistrationKey, Registration>,
    by_connection: ByConnection<RegistrationKey>,
    by_expiry: BTreeSet<(Instant, RegistrationKey)>,
    /// The keys the other way round: first the address of record.
    by_record: BTreeSet<(Arc<str>, Arc<str>)>,
    pub(crate) slot: TimerSlot,
}

impl Registrations {
    /// Another application is told of them in the place of one that has gone.
    pub(crate) fn pass_on(&mut self, from: AppId, heir: AppId) {
        for entry in self.entries.values_mut() {
            if entry.app == from {
                entry.app = heir;
            }
        }
    }

    /// Notes a registration in the place of an earlier one of the same user. When there are
    /// `limit` of them, the one that would lapse first makes room.
    pub(crate) fn insert(&mut self, key: RegistrationKey, entry: Registration, limit: usize) {
        self.remove(&key);
        while self.entries.len() >= limit {
            let Some((_, first)) = self.by_expiry.pop_first() else {
                return;
            };
            self.remove(&first);
        }
        self.by_connection
            .insert(entry.path.connection, key.clone());
        self.by_expiry.insert((entry.expires, key.clone()));
        self.by_record.insert(reversed(&key));
        self.entries.insert(key, entry);
    }

    pub(crate) fn remove(&mut self, key: &RegistrationKey) -> Option<Registration> {
        let entry = self.entries.remove(key)?;
        self.by_connection.remove(entry.path.connection, key);
        self.by_expiry.remove(&(entry.expires, key.clone()));
        self.by_record.remove(&reversed(key));
        Some(entry)
    }

    /// Forgets all that is registered for an address of record: `Contact: *` (RFC 3261 §10.2.2).
    pub(crate) fn remove_all_of(&mut self, record: &str) {
        let from = (Arc::from(record), Arc::from(""));
        let of_record = self.by_record.range(from..);
        let of_record = of_record.take_while(|(known, _)| **known == *record);
        let keys: Vec<_> = of_record.map(|(_, name)| name.clone()).collect();
        for name in keys {
            self.remove(&(name, record.into()));
        }
    }

    /// Where the client with this `user@host:port` is.
    pub(crate) fn find(&self, name: &str) -> Found {
        let from: RegistrationKey = (name.into(), "".into());
        let mut found = Found::Nobody;
        for (_, entry) in self
            .entries
            .range(from..)
            .take_while(|((known, _), _)| **known == *name)
        {
            found = match found {
                Found::Nobody => Found::One(entry.path),
                Found::One(path) if path == entry.path => Found::One(path),
                _ => return Found::Several,
            };
        }
        found
    }

    /// Takes off everything that was registered over a connection.
    pub(crate) fn take(&mut self, connection: ConnectionId) -> Vec<Registration> {
        let keys = self.by_connection.on(connection);
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// How many have come over a connection.
    pub(crate) fn count(&self, connection: ConnectionId) -> usize {
        self.by_connection.count(connection)
    }

    /// Forgets what has lapsed.
    pub(crate) fn lapse(&mut self, now: Instant) {
        while let Some((_, key)) = self.by_expiry.first().filter(|(at, _)| *at <= now) {
            let key = key.clone();
            self.remove(&key);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.by_expiry.first().map(|(at, _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn reversed((name, record): &RegistrationKey) -> (Arc<str>, Arc<str>) {
    (record.clone(), name.clone())
}
