//! How often a check is wrong, simulated with the function that `results check` calls. `docs/statistics.md` states these bounds.

use keepstep_base::random::Random;
use serde_json::json;

use super::check::{Limits, Verdict, check};
use super::figures::{Collector, Figures};
use crate::case::Finished;
use crate::status::Status;

/// How many checks are simulated for each rate.
const RUNS: usize = 2000;

/// An agent: how likely it passes an input, how long it takes, and what it costs.
#[derive(Clone, Copy)]
struct Agent {
    /// By how much its chance on each input is lower.
    drop: f64,
    slower: f64,
    dearer: f64,
}

const SAME: Agent = Agent { drop: 0.0, slower: 1.0, dearer: 1.0 };

/// Makes runs of a number of inputs.
struct Bench {
    figures: Figures,
    random: Random,
}

impl Bench {
    fn new(inputs: usize, iterations: u32, seed: u64) -> Self {
        let mut collector = Collector::default();
        for iteration in 0..iterations {
            for input in 0..inputs {
                let case: Finished = serde_json::from_value(json!({
                    "case": crate::case::name(&format!("item-{input}"), iteration), "index": 0, "run_id": "r",
                    "iteration": iteration, "status": "passed", "attempts": 1, "persona": null, "item_id": format!("item-{input}"),
                    "input": format!("question {input}"), "output": "answer", "duration_ms": 0.0, "metadata": {},
                }))
                .unwrap();
                collector.add(&case);
            }
        }
        Self { figures: collector.finish(), random: Random::new(seed) }
    }

    /// Runs an agent. Most inputs are easy, some are a matter of luck; durations and costs have long tails.
    fn run(&mut self, agent: Agent) -> Figures {
        let Self { figures, random } = self;
        for (place, input) in figures.inputs.iter_mut().enumerate() {
            let chance: f64 = [0.99, 0.98, 1.0, 0.95, 0.9, 0.99, 1.0, 0.6, 0.97, 0.5][place % 10] - agent.drop;
            for once in &mut input.runs {
                once.status = if random.next_truth(chance.max(0.0)) { Status::Passed } else { Status::Failed };
            }
            input.cost_usd = Some(agent.dearer * 0.01 * (1 + place % 7) as f64 * (0.3 * random.next_normal()).exp());
        }
        for duration in &mut figures.durations {
            *duration = agent.slower * 800.0 * (0.5 * random.next_normal()).exp();
        }
        figures.durations.sort_by(f64::total_cmp);
        figures.clone()
    }
}

/// Returns the share of checks with a verdict.
fn share(inputs: usize, iterations: u32, seed: u64, limits: Limits, after: Agent, wanted: Verdict) -> f64 {
    let mut bench = Bench::new(inputs, iterations, seed);
    // Quantiles are drawn again and again, which takes its time.
    let runs = if limits.p95.is_some() { RUNS / 5 } else { RUNS };
    let is_wanted = |bench: &mut Bench| check(&bench.run(SAME), &bench.run(after), limits).verdict == wanted;
    (0..runs).filter(|_| is_wanted(&mut bench)).count() as f64 / runs as f64
}

fn drop_of(max_drop: f64) -> Limits {
    Limits { max_drop, ..Limits::default() }
}

#[test]
fn noise_seldom_fails_a_check() {
    for (inputs, iterations) in [(10, 1), (50, 1), (200, 1), (20, 5)] {
        for max_drop in [0.0, 0.02, 0.05] {
            let same = share(inputs, iterations, 1, drop_of(max_drop), SAME, Verdict::Regression);
            assert!(same <= 0.05, "{inputs} inputs {iterations} times, {max_drop} allowed: {same}");
            let just = Agent { drop: max_drop, ..SAME };
            let allowed = share(inputs, iterations, 2, drop_of(max_drop), just, Verdict::Regression);
            assert!(allowed <= 0.055, "{inputs} inputs {iterations} times, {max_drop} allowed and true: {allowed}");
        }
    }
}

#[test]
fn a_real_drop_seldom_passes_a_check() {
    for (inputs, iterations, max_drop, drop, misses) in
        [(50, 1, 0.0, 0.30, 0.05), (200, 1, 0.0, 0.12, 0.06), (200, 1, 0.02, 0.15, 0.05), (40, 5, 0.02, 0.15, 0.05)]
    {
        let caught = share(inputs, iterations, 3, drop_of(max_drop), Agent { drop, ..SAME }, Verdict::Regression);
        assert!(caught >= 1.0 - misses, "{inputs} inputs {iterations} times, {max_drop} allowed, {drop} real: {caught}");
    }
}

#[test]
fn durations_and_costs_are_told_from_noise() {
    let limits = Limits { p95: Some(0.1), ..drop_of(0.0) };
    let p95 = |seed, inputs, slower| share(inputs, 1, seed, limits, Agent { slower, ..SAME }, Verdict::Regression);
    // The pass rate is looked at, too, so both kinds of false alarms add up.
    assert!(p95(4, 100, 1.0) <= 0.07, "{}", p95(4, 100, 1.0));
    assert!(p95(5, 200, 1.8) >= 0.95, "{}", p95(5, 200, 1.8));
    let limits = Limits { cost: Some(0.05), ..drop_of(0.0) };
    let cost = |seed, inputs, dearer| share(inputs, 1, seed, limits, Agent { dearer, ..SAME }, Verdict::Regression);
    assert!(cost(6, 100, 1.0) <= 0.07, "{}", cost(6, 100, 1.0));
    assert!(cost(7, 100, 1.05) <= 0.1, "{}", cost(7, 100, 1.05));
    assert!(cost(8, 100, 1.3) >= 0.95, "{}", cost(8, 100, 1.3));
}

#[test]
fn what_cannot_be_decided_is_said() {
    let undecided = |before: &Figures, after: &Figures, limits| {
        let checked = check(before, after, limits);
        assert_eq!(checked.verdict, Verdict::Undecided, "{checked:?}");
        checked.findings.iter().find_map(|finding| finding.reason.clone()).unwrap()
    };
    let mut few = Bench::new(4, 1, 1);
    let four = few.run(SAME);
    assert_eq!(
        undecided(&four, &four, drop_of(0.0)),
        "4 common cases are too few: even if all of them failed, that could be chance"
    );
    assert_eq!(undecided(&Figures::default(), &four, drop_of(0.0)), "the baseline and this experiment have no case in common");
    let mut many = Bench::new(100, 1, 1);
    let all = many.run(SAME);
    let some = Bench::new(30, 1, 1).run(SAME);
    assert_eq!(undecided(&all, &some, drop_of(0.05)), "only 30 of the 100 cases of the baseline were run");
    let limits = Limits { p95: Some(0.1), ..drop_of(0.0) };
    assert_eq!(
        undecided(&Bench::new(15, 1, 1).run(SAME), &Bench::new(15, 1, 1).run(SAME), limits),
        "both runs need the durations of 20 cases"
    );
    let bad = many.run(Agent { drop: 1.0, ..SAME });
    assert_eq!(undecided(&bad, &all, drop_of(0.0)), "none of the 100 common cases passed in the baseline");
    assert_eq!(check(&all, &bad, drop_of(0.0)).verdict, Verdict::Regression);
    assert_eq!(check(&all, &all, drop_of(0.0)).verdict, Verdict::Good, "the same run is never worse than itself");
}
