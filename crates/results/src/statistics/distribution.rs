//! Tails of the two distributions that the tests stand on.

/// Returns the chance of at least `at_least` successes in `of` throws of a fair coin.
pub(super) fn coin_tail(at_least: u64, of: u64) -> f64 {
    if at_least == 0 {
        return 1.0;
    }
    if at_least > of {
        return 0.0;
    }
    // The smaller tail is summed up, since a sum of many numbers near 1 would lose what matters.
    if 2 * at_least <= of {
        return 1.0 - coin_tail(of - at_least + 1, of);
    }
    let logarithm = ln_factorial(of) - ln_factorial(at_least) - ln_factorial(of - at_least) - of as f64 * std::f64::consts::LN_2;
    let mut term = logarithm.exp();
    let mut sum = 0.0;
    for successes in at_least..=of {
        sum += term;
        // Terms only get smaller here; the rest no longer counts.
        if term < sum * 1e-17 {
            break;
        }
        term *= (of - successes) as f64 / (successes + 1) as f64;
    }
    sum.min(1.0)
}

/// Returns the logarithm of a factorial.
fn ln_factorial(number: u64) -> f64 {
    if number < 20 {
        return (2..=number).map(|factor| (factor as f64).ln()).sum();
    }
    // Stirling's series, exact to the last digits from here on.
    let x = number as f64;
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    x * x.ln() - x
        + 0.5 * (std::f64::consts::TAU * x).ln()
        + inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)))
}

/// Returns the share of the normal distribution above a number of deviations.
pub(super) fn normal_tail(deviations: f64) -> f64 {
    if deviations.is_nan() {
        return 1.0;
    }
    let x = deviations.abs();
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let above = if x < 3.0 {
        // The series of the distribution around its middle.
        let (mut term, mut sum) = (x, x);
        for odd in (3..200).step_by(2) {
            term *= x * x / f64::from(odd);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        0.5 - density * sum
    } else {
        // Laplace's continued fraction of the tail.
        let fraction = (1..=60).rev().fold(x, |below, level| x + f64::from(level) / below);
        density / fraction
    };
    if deviations >= 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12 * b.abs().max(1e-12);
        assert!(close(coin_tail(5, 5), 1.0 / 32.0));
        assert!(close(coin_tail(8, 10), 56.0 / 1024.0));
        assert!(close(coin_tail(1, 10), 1023.0 / 1024.0));
        assert_eq!((coin_tail(0, 0), coin_tail(1, 0), coin_tail(0, 9)), (1.0, 0.0, 1.0));
        assert!((coin_tail(50_001, 100_001) - 0.5).abs() < 1e-9);
        assert!((normal_tail(1.959_963_984_540_054) - 0.025).abs() < 1e-12);
        assert!((normal_tail(0.0) - 0.5).abs() < 1e-15);
        assert!((normal_tail(-1.0) - 0.841_344_746_068_543).abs() < 1e-12);
        assert!((normal_tail(5.0) / 2.866_515_718_791_939e-7 - 1.0).abs() < 1e-9);
        assert!((normal_tail(2.999_999) / normal_tail(3.000_001) - 1.0).abs() < 1e-4, "both ways agree where they meet");
    }
}
