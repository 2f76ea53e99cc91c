//! The clock and the randomness that a store uses.

use std::fmt;
use std::sync::Arc;

use crate::{Result, StoreError};

type Clock = dyn Fn() -> i64 + Send + Sync;
type Random = dyn Fn(&mut [u8]) -> std::result::Result<(), getrandom::Error> + Send + Sync;

/// The clock and the source of random bytes, as arguments.
#[derive(Clone)]
pub struct Surroundings {
    clock: Arc<Clock>,
    random: Arc<Random>,
}

impl Surroundings {
    /// Returns those of the machine.
    pub fn of_the_machine() -> Self {
        Self { clock: Arc::new(|| jiff::Timestamp::now().as_millisecond()), random: Arc::new(getrandom::fill) }
    }

    /// Returns the same with another clock, which gives epoch milliseconds.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns the same with other random bytes.
    #[must_use]
    pub fn with_random(mut self, random: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        self.random = Arc::new(move |bytes| {
            random(bytes);
            Ok(())
        });
        self
    }

    /// Returns the time in epoch milliseconds.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Returns random bytes.
    ///
    /// # Errors
    /// The machine has none to give.
    pub fn random<const LENGTH: usize>(&self) -> Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        (self.random)(&mut bytes).map_err(StoreError::Random)?;
        Ok(bytes)
    }

    /// Returns a new id: the prefix and 24 random hexadecimal digits.
    ///
    /// # Errors
    /// The machine has no random bytes to give.
    pub fn id(&self, prefix: &str) -> Result<String> {
        Ok(format!("{prefix}{}", data_encoding::HEXLOWER.encode(&self.random::<12>()?)))
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Surroundings")
    }
}
