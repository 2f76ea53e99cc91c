//! How often the tests of two runs are wrong, simulated. `docs/statistics.md` states these bounds.

use keepstep_base::random::Random;
use keepstep_results::statistics::{Pairs, QuantileChange, wilson};

/// How many comparisons are simulated for each rate.
const RUNS: usize = 4000;

/// Returns the share of simulated comparisons for which something is said.
fn share(runs: usize, seed: u64, mut says: impl FnMut(&mut Random) -> bool) -> f64 {
    let mut random = Random::new(seed);
    (0..runs).filter(|_| says(&mut random)).count() as f64 / runs as f64
}

/// An agent: how likely it passes each input. Most inputs are easy, some are a matter of luck.
fn agent(inputs: usize) -> Vec<f64> {
    (0..inputs).map(|input| [0.99, 0.98, 1.0, 0.95, 0.9, 0.99, 1.0, 0.6, 0.97, 0.5][input % 10]).collect()
}

/// Runs an agent twice, the second time with its chance on each input lowered by `drop`.
fn two_runs(agent: &[f64], drop: f64, random: &mut Random) -> Pairs {
    let mut pairs = Pairs::default();
    for chance in agent {
        pairs.add(random.next_truth(*chance), random.next_truth((chance - drop).max(0.0)));
    }
    pairs
}

#[test]
fn a_change_is_seldom_claimed_where_there_is_none() {
    for (seed, inputs) in [(1, 10), (2, 50), (3, 200), (4, 1000)] {
        let agent = agent(inputs);
        let alarms = share(RUNS, seed, |random| two_runs(&agent, 0.0, random).p_value() <= 0.05);
        assert!(alarms <= 0.05, "{inputs} inputs: {alarms}");
    }
}

#[test]
fn a_regression_is_seldom_claimed_where_there_is_none() {
    for (seed, inputs) in [(1, 10), (2, 50), (3, 200), (4, 1000)] {
        let agent = agent(inputs);
        for max_drop in [0.0, 0.02, 0.05] {
            let same = share(RUNS, seed, |random| two_runs(&agent, 0.0, random).regression(max_drop).is_real());
            assert!(same <= 0.05, "{inputs} inputs, {max_drop} allowed: {same}");
            // A drop of just what is allowed is the hardest case.
            let allowed = share(RUNS, seed, |random| two_runs(&agent, max_drop, random).regression(max_drop).is_real());
            assert!(allowed <= 0.05, "{inputs} inputs, {max_drop} allowed and true: {allowed}");
        }
    }
}

#[test]
fn a_regression_is_seldom_missed_where_there_is_one() {
    // Inputs, allowed drop, real drop, and the share of real drops that may be missed.
    for (inputs, max_drop, drop, misses) in [
        (50, 0.0, 0.30, 0.10),
        (200, 0.0, 0.12, 0.10),
        (200, 0.02, 0.15, 0.10),
        (1000, 0.02, 0.08, 0.05),
        (1000, 0.0, 0.05, 0.10),
    ] {
        let agent = agent(inputs);
        let missed = share(RUNS, 5, |random| !two_runs(&agent, drop, random).regression(max_drop).is_real());
        assert!(missed <= misses, "{inputs} inputs, {max_drop} allowed, {drop} real: {missed}");
    }
}

#[test]
fn an_agent_that_always_answers_the_same_never_raises_an_alarm() {
    let mut pairs = Pairs::default();
    for input in 0..100 {
        pairs.add(input % 3 != 0, input % 3 != 0);
    }
    assert!(!pairs.regression(0.0).is_real());
    assert_eq!(pairs.p_value(), 1.0);
}

#[test]
fn the_interval_of_a_rate_holds_it() {
    for (seed, of) in [(1, 10), (2, 50), (3, 500)] {
        for rate in [0.1, 0.5, 0.8, 0.95] {
            let holds = share(RUNS, seed, |random| {
                let passed = (0..of).filter(|_| random.next_truth(rate)).count() as u64;
                wilson(passed, of).is_some_and(|interval| interval.low <= rate && rate <= interval.high)
            });
            assert!(holds >= 0.91, "{of} draws of {rate}: {holds}");
        }
    }
    // Inputs of very different difficulty, each run five times.
    let agent = agent(40);
    let rate = agent.iter().sum::<f64>() / 40.0;
    let holds = share(RUNS, 4, |random| {
        let passed = agent.iter().map(|chance| (0..5).filter(|_| random.next_truth(*chance)).count() as u64).sum();
        wilson(passed, 200).is_some_and(|interval| interval.low <= rate && rate <= interval.high)
    });
    assert!(holds >= 0.95, "{holds}");
}

/// Returns sorted durations with a long tail, as those of models are.
fn durations(count: usize, factor: f64, random: &mut Random) -> Vec<f64> {
    let mut durations: Vec<f64> = (0..count).map(|_| factor * 800.0 * (0.5 * random.next_normal()).exp()).collect();
    durations.sort_by(f64::total_cmp);
    durations
}

#[test]
fn a_slower_quantile_is_told_from_noise() {
    const RUNS: usize = 400;
    for (seed, count, most) in [(1, 20, 0.08), (2, 50, 0.08), (3, 200, 0.08), (4, 1000, 0.08)] {
        let alarms = share(RUNS, seed, |random| {
            let (before, after) = (durations(count, 1.0, random), durations(count, 1.0, random));
            QuantileChange::between(&before, &after, 0.95).is_some_and(|change| change.is_regression(0.0))
        });
        assert!(alarms <= most, "{count} durations: {alarms}");
    }
    for (count, factor, misses) in [(100, 1.8, 0.05), (200, 1.5, 0.05), (1000, 1.25, 0.05)] {
        let missed = share(RUNS, 5, |random| {
            let (before, after) = (durations(count, 1.0, random), durations(count, factor, random));
            !QuantileChange::between(&before, &after, 0.95).is_some_and(|change| change.is_regression(0.0))
        });
        assert!(missed <= misses, "{count} durations, {factor} times slower: {missed}");
    }
}
