//! Numbers that look random and are the same for the same seed, on every machine and in every version.
//!
//! For orders, resampling and simulations; never for anything that somebody must not guess.

/// A sequence of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Returns the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns the next number that is at least 0 and less than 1.
    pub fn next_fraction(&mut self) -> f64 {
        // 53 bits are what a number of this type holds exactly.
        (self.next_number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns true in this share of the draws.
    pub fn next_truth(&mut self, share: f64) -> bool {
        self.next_fraction() < share
    }

    /// Returns a draw from the normal distribution with mean 0 and deviation 1.
    pub fn next_normal(&mut self) -> f64 {
        // Box and Muller's transformation; the logarithm never sees a zero.
        let radius = (-2.0 * (1.0 - self.next_fraction()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.next_fraction()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_sequence_for_ever() {
        // The published first numbers of this generator.
        let mut random = Random::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next_number()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn fractions_and_normals_are_spread_as_they_should() {
        let mut random = Random::new(1);
        let draws = 20_000;
        let mean = (0..draws).map(|_| random.next_fraction()).sum::<f64>() / f64::from(draws);
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let normals: Vec<f64> = (0..draws).map(|_| random.next_normal()).collect();
        let square = normals.iter().map(|draw| draw * draw).sum::<f64>() / f64::from(draws);
        assert!((square - 1.0).abs() < 0.03, "{square}");
    }
}
