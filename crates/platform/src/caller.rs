//! From where somebody asks, and with which tool: for the log of what they did.

tokio::task_local! {
    static CURRENT: Caller;
}

/// The tool and the place of the request that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Which browser or program, in words: a claim of the one who asks.
    pub device: String,
    /// The network address.
    pub address: String,
}

impl Caller {
    /// Does something as what this caller asked for.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Returns who asks for what is being done; none for who works on the data directly.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }
}
