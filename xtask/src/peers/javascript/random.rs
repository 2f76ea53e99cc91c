//! Choices that are the same in every run.

/// A source of choices: splitmix64, whose whole state is one number.
pub(in crate::peers) struct Random(u64);

impl Random {
    /// Returns a source whose choices depend on nothing but this number.
    pub(in crate::peers) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a usize")]
    pub(in crate::peers) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Returns true once in `times` times, on average.
    pub(in crate::peers) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Returns one of several things.
    pub(in crate::peers) fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}
