//! The order of SRV records by priority and weight (RFC 2782).

use rand::{Rng, RngExt};

use super::records::Srv;

/// The records in the order they are to be tried: by priority, and within one priority by a draw
/// in which a record's chance is its share of the weights.
pub(super) fn ordered<'a>(records: &'a [Srv], random: &mut impl Rng) -> Vec<&'a Srv> {
    let mut waiting: Vec<&Srv> = records.iter().collect();
    // The draw takes the first record that reaches the number drawn: those of weight 0 stand at
    // the beginning, so that they have a chance at all.
    waiting.sort_by_key(|srv| (srv.priority, srv.weight != 0));
    let mut ordered = Vec::with_capacity(waiting.len());
    while let Some(priority) = waiting.first().map(|srv| srv.priority) {
        let equals = waiting.iter().take_while(|srv| srv.priority == priority);
        let sum: u32 = equals.clone().map(|srv| u32::from(srv.weight)).sum();
        let drawn = random.random_range(0..=sum);
        let mut reached = 0;
        let at = equals.map(|srv| u32::from(srv.weight)).position(|weight| {
            reached += weight;
            reached >= drawn
        });
        ordered.push(waiting.remove(at.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::SeedableRng;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 5060,
            target: target.to_string(),
        }
    }

    fn names(records: &[Srv], random: &mut StdRng) -> Vec<String> {
        let ordered = ordered(records, random);
        ordered.iter().map(|srv| srv.target.clone()).collect()
    }

    #[test]
    fn a_lower_priority_comes_first_whatever_its_weight() {
        let mut random = StdRng::seed_from_u64(1);
        let records = [srv(20, 100, "c"), srv(10, 0, "a"), srv(15, 65_535, "b")];
        for _ in 0..100 {
            assert_eq!(names(&records, &mut random), ["a", "b", "c"]);
        }
    }

    #[test]
    fn each_record_is_first_as_often_as_its_weight_says() {
        let mut random = StdRng::seed_from_u64(1);
        let records = [srv(1, 10, "a"), srv(1, 60, "b"), srv(1, 30, "c")];
        let mut first = [0; 3];
        for _ in 0..10_000 {
            let order = names(&records, &mut random);
            assert_eq!(order.len(), 3);
            first[usize::from(order[0].as_bytes()[0] - b'a')] += 1;
        }
        for (count, expected) in first.into_iter().zip([1_000, 6_000, 3_000]) {
            assert!(
                (expected - 300..expected + 300).contains(&count),
                "{first:?}"
            );
        }
    }

    #[test]
    fn a_weight_of_zero_is_a_small_chance_not_none() {
        let mut random = StdRng::seed_from_u64(1);
        let records = [srv(1, 0, "a"), srv(1, 9, "b")];
        let firsts = (0..1_000).filter(|_| names(&records, &mut random)[0] == "a");
        assert!((50..200).contains(&firsts.count()));
        let records = [srv(1, 0, "a"), srv(1, 0, "b")];
        assert_eq!(names(&records, &mut random).len(), 2);
    }

    #[test]
    fn the_greatest_weights_do_not_overflow() {
        let mut random = StdRng::seed_from_u64(1);
        let records: Vec<Srv> = (0..1_000).map(|_| srv(1, u16::MAX, "a")).collect();
        assert_eq!(names(&records, &mut random).len(), 1_000);
    }
}
