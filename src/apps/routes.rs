//! Which applications want which requests: per method a set in the order of registration, and a
//! running index, so that they take turns.

use std::collections::{BTreeSet, HashMap};

use crate::engine::AppId;

/// Methods that one application may route.
pub const MAX_ROUTES: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Routes {
    /// By lower-case method. No entry is empty.
    turns: HashMap<String, Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    apps: Vec<AppId>,
    next: usize,
}

impl Routes {
    /// Fails, with the limit, when the application has too many routes.
    pub(super) fn add(&mut self, app: AppId, verb: &str) -> Result<(), usize> {
        let verb = verb.to_ascii_lowercase();
        let known = self.turns.get(&verb);
        if known.is_some_and(|turns| turns.apps.contains(&app)) {
            return Ok(());
        }
        let routed = self
            .turns
            .values()
            .filter(|turns| turns.apps.contains(&app));
        if routed.count() >= MAX_ROUTES {
            return Err(MAX_ROUTES);
        }
        self.turns.entry(verb).or_default().apps.push(app);
        Ok(())
    }

    pub(super) fn remove(&mut self, app: AppId, verb: &str) {
        let verb = verb.to_ascii_lowercase();
        if let Some(turns) = self.turns.get_mut(&verb) {
            turns.remove(app);
            if turns.apps.is_empty() {
                self.turns.remove(&verb);
            }
        }
    }

    pub(super) fn remove_all(&mut self, app: AppId) {
        self.turns.retain(|_, turns| {
            turns.remove(app);
            !turns.apps.is_empty()
        });
    }

    /// True when any application wants requests of this lower-case method.
    pub(super) fn contains(&self, verb: &str) -> bool {
        self.turns.contains_key(verb)
    }

    /// True when no application wants any requests; names with a colon stand for other news.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.keys().all(|verb| verb.contains(':'))
    }

    /// The value of an Allow header (RFC 3261 §20.5): what is wanted, and what comes with the
    /// calls that are.
    pub(super) fn allow(&self) -> String {
        let mut methods: BTreeSet<String> = self
            .turns
            .keys()
            .filter(|verb| verb.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .map(|verb| verb.to_ascii_uppercase())
            .collect();
        if methods.contains("INVITE") {
            methods.extend(["ACK", "BYE", "CANCEL"].map(String::from));
        }
        methods.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The application whose turn it is for this lower-case method, of those that are able.
    pub(super) fn choose(&mut self, verb: &str, is_able: impl Fn(&AppId) -> bool) -> Option<AppId> {
        let turns = self.turns.get_mut(verb)?;
        let count = turns.apps.len();
        let turn = (0..count)
            .map(|step| (turns.next + step) % count)
            .find(|turn| turns.apps.get(*turn).is_some_and(&is_able))?;
        turns.next = (turn + 1) % count;
        turns.apps.get(turn).copied()
    }
}

impl Turns {
    /// The turn stays with the application that has it, unless that is the one removed.
    fn remove(&mut self, app: AppId) {
        let Some(at) = self.apps.iter().position(|other| *other == app) else {
            return;
        };
        self.apps.remove(at);
        if at < self.next {
            self.next -= 1;
        }
        if self.next >= self.apps.len() {
            self.next = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AppId = AppId(1);
    const B: AppId = AppId(2);
    const C: AppId = AppId(3);

    fn routes(apps: &[AppId]) -> Routes {
        let mut routes = Routes::default();
        for app in apps {
            routes.add(*app, "invite").unwrap();
        }
        routes
    }

    fn chosen(routes: &mut Routes, times: usize) -> Vec<AppId> {
        (0..times)
            .filter_map(|_| routes.choose("invite", |_| true))
            .collect()
    }

    #[test]
    fn applications_take_turns_in_the_order_of_registration() {
        assert_eq!(chosen(&mut routes(&[B, A, C]), 5), [B, A, C, B, A]);
    }

    #[test]
    fn every_method_has_turns_of_its_own() {
        let mut routes = routes(&[A, B]);
        routes.add(A, "bye").unwrap();
        routes.add(B, "bye").unwrap();
        assert_eq!(routes.choose("invite", |_| true), Some(A));
        assert_eq!(routes.choose("bye", |_| true), Some(A));
    }

    #[test]
    fn registering_twice_gives_one_turn() {
        assert_eq!(chosen(&mut routes(&[A, A, B]), 4), [A, B, A, B]);
    }

    #[test]
    fn the_case_of_the_method_does_not_matter() {
        let mut routes = Routes::default();
        routes.add(A, "INVITE").unwrap();
        assert_eq!(chosen(&mut routes, 1), [A]);
        routes.remove(A, "Invite");
        assert!(!routes.contains("invite"));
    }

    #[test]
    fn one_that_is_not_able_is_skipped_and_keeps_no_turn() {
        let mut routes = routes(&[A, B, C]);
        assert_eq!(routes.choose("invite", |app| *app != A), Some(B));
        assert_eq!(chosen(&mut routes, 2), [C, A]);
        assert_eq!(routes.choose("invite", |_| false), None);
    }

    #[test]
    fn removing_a_route_leaves_the_others_and_their_turns() {
        let mut routes = routes(&[A, B, C]);
        routes.add(A, "bye").unwrap();
        assert_eq!(chosen(&mut routes, 1), [A]);
        routes.remove(A, "invite");
        assert_eq!(chosen(&mut routes, 3), [B, C, B]);
        assert!(routes.contains("bye"));
    }

    #[test]
    fn removing_an_application_removes_all_its_routes() {
        let mut routes = routes(&[A]);
        routes.add(A, "bye").unwrap();
        routes.remove_all(A);
        assert_eq!(chosen(&mut routes, 1), []);
        assert!(routes.turns.is_empty());
    }

    #[test]
    fn the_routes_of_an_application_are_limited() {
        let mut routes = Routes::default();
        for n in 0..MAX_ROUTES {
            routes.add(A, &format!("verb{n}")).unwrap();
        }
        assert_eq!(routes.add(A, "one-more"), Err(MAX_ROUTES));
        assert_eq!(routes.add(A, "verb0"), Ok(()));
        assert_eq!(routes.add(B, "one-more"), Ok(()));
    }
}
