//! What holds for every load, every fleet and every delay.

use std::time::Duration;

use proptest::prelude::*;
use runtime::Span;

use super::plant::Plant;
use crate::scale::Config;
use crate::scale::policy::Action;

prop_compose! {
    fn configs()(
        min in 0_u32..4,
        more in 1_u32..8,
        spare in 0_u32..3,
        worker_load in 100_u32..1000,
        down_after in 1_u64..120,
    ) -> Config {
        Config {
            min,
            max: min + more,
            spare,
            worker_load,
            down_after: Span::from_secs(down_after),
            down_rest: Span::from_secs(down_after / 2),
            ..Config::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happened before, a steady load leaves the fleet alone in the end, and on the way
    /// there it goes in one direction only.
    #[test]
    fn a_steady_load_settles_within_the_bounds(
        config in configs(),
        begun in 0_u32..12,
        loads in prop::collection::vec((0_u32..8000, 1_u64..90), 0..4),
        last in 0_u32..8000,
        start in 0_u64..40,
        hand_over in 0_u64..20,
        comes_back: bool,
    ) {
        let (min, max) = (config.min, config.max);
        let mut plant = Plant::new(config, begun);
        plant.beat = Duration::from_secs(1);
        plant.start = Duration::from_secs(start);
        plant.hand_over = Duration::from_secs(hand_over);
        plant.comes_back = comes_back;
        for (load, seconds) in loads {
            plant.load = load;
            plant.pass(Duration::from_secs(seconds));
        }
        plant.load = last;
        let steady = plant.steps.len();
        // Each that goes takes its calm, its rest, its hand-over and a beginning of its own.
        plant.pass(Duration::from_secs(20 * 240));
        let settled = plant.steps.len();
        plant.pass(Duration::from_secs(1800));
        prop_assert_eq!(plant.steps.len(), settled, "{:?}", plant.actions());
        prop_assert!((min..=max).contains(&plant.wanted), "{} of {min}..={max}", plant.wanted);

        let changes: Vec<_> = plant.actions();
        let up = |action: &Action| matches!(action, Action::Up { .. });
        let down = |action: &Action| matches!(action, Action::Down { .. });
        let tail = &changes[steady..];
        prop_assert!(!(tail.iter().any(up) && tail.iter().any(down)), "{tail:?}");
        for action in &changes {
            match action {
                Action::Up { to } => prop_assert!(*to <= max && *to >= min),
                Action::Down { to } => prop_assert!(*to >= min),
                Action::Drain { .. } | Action::Rest => {}
            }
        }
    }

    /// What is left when a worker goes could carry a quarter more.
    #[test]
    fn nobody_goes_who_would_be_missed(config in configs(), begun in 1_u32..12, load in 0_u32..8000) {
        let mut plant = Plant::new(config.clone(), begun);
        plant.beat = Duration::from_secs(1);
        plant.load = load;
        let mut before = begun;
        for _ in 0..4_000 {
            plant.beat();
            if plant.wanted < before && plant.wanted < config.max {
                let carried = u64::from(plant.wanted) * u64::from(config.worker_load);
                prop_assert!(carried * 100 >= u64::from(load) * 125, "{} left", plant.wanted);
            }
            before = plant.wanted;
        }
    }
}
