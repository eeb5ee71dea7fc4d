//! Applications that have gone, and whose dialogs wait for one that comes with the same tags.

use crate::engine::AppId;

/// Applications whose dialogs wait, at most. Those of further ones are ended at once.
pub(super) const MAX_DEPARTED: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Departed {
    /// The one that has been gone longest stands first.
    entries: Vec<(AppId, Vec<String>)>,
}

impl Departed {
    /// An application has gone; false if its dialogs can't wait, since nobody could be told from
    /// others by no tags.
    pub(super) fn leave(&mut self, app: AppId, tags: &[String]) -> bool {
        let may_wait = !tags.is_empty() && self.entries.len() < MAX_DEPARTED;
        if may_wait {
            self.entries.push((app, sorted(tags)));
        }
        may_wait
    }

    /// One that comes with all these tags and no others takes the place of the one that this is.
    pub(super) fn heir_of(&mut self, tags: &[String]) -> Option<AppId> {
        let tags = sorted(tags);
        let at = self.entries.iter().position(|(_, other)| *other == tags)?;
        Some(self.entries.remove(at).0)
    }

    /// Nobody has come in time; false if somebody has.
    pub(super) fn lapse(&mut self, app: AppId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(other, _)| *other != app);
        self.entries.len() < before
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn sorted(tags: &[String]) -> Vec<String> {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_same_tags_in_any_order_name_the_one_that_left_first() {
        let mut departed = Departed::default();
        assert!(departed.leave(AppId(1), &tags(&["blue", "one"])));
        assert!(departed.leave(AppId(2), &tags(&["one", "blue", "one"])));
        assert_eq!(departed.heir_of(&tags(&["blue"])), None);
        assert_eq!(departed.heir_of(&tags(&["one", "blue"])), Some(AppId(1)));
        assert!(!departed.lapse(AppId(1)));
        assert!(departed.lapse(AppId(2)));
        assert_eq!(departed.heir_of(&tags(&["one", "blue"])), None);
    }

    #[test]
    fn one_without_tags_and_one_too_many_do_not_wait() {
        let mut departed = Departed::default();
        assert!(!departed.leave(AppId(0), &[]));
        for n in 0..MAX_DEPARTED {
            let id = u32::try_from(n).unwrap();
            assert!(departed.leave(AppId(id), &tags(&["blue"])));
        }
        assert!(!departed.leave(AppId(9_999), &tags(&["blue"])));
        assert_eq!(departed.len(), MAX_DEPARTED);
    }
}
