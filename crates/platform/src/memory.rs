//! What requests may take of the memory together.
//!
//! Whatever is sent, and by however many connections, the server stays within a bound. There are three budgets, each of which is
//! waited for within limits (then the answer is 503, and when to come again):
//!
//! - what bodies become: before a body is parsed, its brackets and commas are counted, and what it may become is taken from the budget;
//! - large answers: few are made at a time, and what was made is held against the budget until its reader has it;
//! - work that takes a processor for long: it is done beside the threads that answer, and little of it at once.
//!
//! A large body is written to a file without a name as it comes, so that one that comes slowly holds nothing that others need.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::Error;

/// What parsed bodies may take together, in KiB. One that becomes more, where that is allowed, is alone.
pub const PARSED: usize = 64 * 1024;

/// What answers that are on their way may take together, in KiB.
const ANSWERS: usize = 24 * 1024;

/// How many bodies are written to files at a time.
const SPOOLS: usize = 64;

/// How many passwords are hashed at a time: sign-ins take neither all processors nor much memory.
const HASHES: usize = 2;

/// How long somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all requests share.
#[derive(Debug, Clone)]
pub struct Budgets {
    all: Arc<All>,
    /// What work holds for as long as it runs.
    held: Option<Arc<Share>>,
}

#[derive(Debug)]
struct All {
    parsed: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    makers: Arc<Semaphore>,
    spools: Arc<Semaphore>,
    work: Arc<Semaphore>,
    passwords: Arc<Semaphore>,
}

/// A part of a budget; given back when this is dropped.
#[derive(Debug)]
pub struct Share(OwnedSemaphorePermit);

impl Share {
    /// Gives back what is more than so many bytes.
    fn shrink(&mut self, bytes: usize) {
        let more = self.0.num_permits().saturating_sub(bytes.div_ceil(1024));
        drop(self.0.split(more));
    }
}

impl Default for Budgets {
    fn default() -> Self {
        let processors = processors();
        let of = |size| Arc::new(Semaphore::new(size));
        let all = All {
            parsed: of(PARSED),
            answers: of(ANSWERS),
            makers: of(makers()),
            spools: of(SPOOLS),
            work: of((processors / 2).max(1)),
            passwords: of(HASHES),
        };
        Self { all: Arc::new(all), held: None }
    }
}

impl Budgets {
    /// Takes what a body may become.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn parsed(&self, bytes: usize) -> Result<Share, Error> {
        take(&self.all.parsed, bytes.div_ceil(1024).min(PARSED)).await
    }

    /// Takes a place for making a large answer.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn maker(&self) -> Result<Share, Error> {
        take(&self.all.makers, 1).await
    }

    /// Takes what an answer holds until it is sent, in KiB.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn answer(&self, kibibytes: usize) -> Result<Share, Error> {
        take(&self.all.answers, kibibytes.min(ANSWERS)).await
    }

    /// Takes a place for a body that is written to a file.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn spool(&self) -> Result<Share, Error> {
        take(&self.all.spools, 1).await
    }

    /// Returns the same budgets, whose work holds a share until it is done: work goes on where whoever waits for it goes away.
    pub fn holding(&self, share: Option<Share>) -> Self {
        Self { held: share.map(Arc::new), all: Arc::clone(&self.all) }
    }

    /// Gives back what is held beyond so many bytes, where no work is left that holds it, too.
    pub fn shrink(&mut self, bytes: usize) {
        if let Some(share) = self.held.as_mut().and_then(Arc::get_mut) {
            share.shrink(bytes);
        }
    }

    /// Does what takes a processor for long beside the threads that answer.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let held = self.held.clone();
        let work = move || {
            let value = work();
            drop(held);
            value
        };
        beside(&self.all.work, work).await
    }

    /// Hashes a password, as [`Budgets::work`] does other work.
    ///
    /// # Errors
    /// There was no place for too long.
    pub(crate) async fn password_work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        beside(&self.all.passwords, work).await
    }
}

async fn beside<T: Send + 'static>(budget: &Arc<Semaphore>, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let share = take(budget, 1).await?;
    // Somebody who goes away in the middle leaves the work running: the place is free when it is done.
    let done = tokio::task::spawn_blocking(move || {
        let value = work();
        drop(share);
        value
    });
    done.await.map_err(|error| Error::Internal(format!("the work was not done: {error}")))
}

/// How many bytes of a long list are read at a time.
const PAGE: usize = 512 * 1024;

/// How many entries of a long list are read at a time: it begins with one, because nobody knows how large they are.
#[derive(Debug)]
pub struct Pages {
    most: u32,
    entries: usize,
    bytes: usize,
}

impl Pages {
    /// Returns the beginning of a list that is read at most so many at a time.
    pub fn of_at_most(most: u32) -> Self {
        Self { most, entries: 0, bytes: 0 }
    }

    /// Notes the size of an entry.
    pub fn note(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += bytes;
    }

    /// Returns how many are read next.
    pub fn next(&self) -> u32 {
        match self.entries {
            0 => 1,
            entries => u32::try_from(PAGE * entries / self.bytes.max(1)).unwrap_or(u32::MAX).clamp(1, self.most),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Returns how many large answers are made at a time.
fn makers() -> usize {
    processors().max(2)
}

/// Returns how many threads should answer: more than make large answers, so that there is always one for a small answer. The system
/// shares the processors among them.
pub fn workers() -> usize {
    makers() + 2
}

async fn take(budget: &Arc<Semaphore>, size: usize) -> Result<Share, Error> {
    let size = u32::try_from(size).map_err(|_| Error::Overloaded)?;
    match timeout(PATIENCE, Arc::clone(budget).acquire_many_owned(size)).await {
        Ok(Ok(permit)) => Ok(Share(permit)),
        _ => Err(Error::Overloaded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_as_long_as_their_entries_are_small() {
        let mut pages = Pages::of_at_most(100);
        assert_eq!(pages.next(), 1);
        pages.note(PAGE);
        assert_eq!(pages.next(), 1);
        (0..99).for_each(|_| pages.note(10));
        assert_eq!(pages.next(), 99);
        (0..10_000).for_each(|_| pages.note(10));
        assert_eq!(pages.next(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_too_long_is_told_to_come_again() {
        let budgets = Budgets::default();
        let first = budgets.parsed(PARSED * 1024).await.unwrap();
        let second = budgets.parsed(1).await.unwrap_err();
        assert!(matches!(second, Error::Overloaded));
        drop(first);
        assert!(budgets.parsed(1).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_needed_any_more_is_given_back() {
        let budgets = Budgets::default();
        let share = budgets.parsed(PARSED * 1024).await.unwrap();
        let mut holding = budgets.holding(Some(share));
        holding.work(|| ()).await.unwrap();
        holding.shrink(10 * 1024);
        assert_eq!(budgets.all.parsed.available_permits(), PARSED - 10);
        holding.shrink(20 * 1024);
        assert_eq!(budgets.all.parsed.available_permits(), PARSED - 10);
        drop(holding);
        assert_eq!(budgets.all.parsed.available_permits(), PARSED);
    }

    #[tokio::test]
    async fn work_holds_its_share_also_where_nobody_waits_for_it_any_more() {
        let budgets = Budgets::default();
        let share = budgets.parsed(PARSED * 1024).await.unwrap();
        let holding = budgets.holding(Some(share));
        let (started, has_started) = tokio::sync::oneshot::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let request = tokio::spawn(async move {
            let work = move || {
                started.send(()).unwrap();
                wait.recv().unwrap();
            };
            holding.work(work).await
        });
        has_started.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!(budgets.all.parsed.available_permits(), 0);
        go_on.send(()).unwrap();
        assert!(budgets.parsed(PARSED * 1024).await.is_ok());
    }
}
