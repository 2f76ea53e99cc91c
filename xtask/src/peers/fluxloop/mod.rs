//! The cases with both releases of the real fluxloop-cli.
//!
//! The two are different programs: other files, other requests, other names for the same commands. Each case says which
//! of them it is about; where they do the same, it is run with both.

mod agent;
mod browser;
mod interchange;
mod login;
mod pull;
mod results;
mod set_up;
mod world;

use super::{Case, cases};

/// All cases.
pub(super) const CASES: &[&[Case]] = &[login::CASES, set_up::CASES, pull::CASES, results::CASES, interchange::CASES];

/// A release of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    /// 0.3.3, whose files ours are like.
    Old,
    /// 0.4.0, which was written anew.
    New,
}

impl Release {
    const BOTH: [Self; 2] = [Self::Old, Self::New];

    fn version(self) -> &'static str {
        match self {
            Self::Old => "0.3.3",
            Self::New => "0.4.0",
        }
    }
}
