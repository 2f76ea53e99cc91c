//! The cases with three releases of the real fluxloop-cli.
//!
//! 0.4.0 is another program than the two before it: other files, other requests, other names for the same commands. Each case says
//! which of them it is about; where they do the same, it is run with all.

mod agent;
mod browser;
mod interchange;
mod login;
mod pull;
mod results;
mod set_up;
mod world;

use super::{Case, cases, grammar};

/// All cases.
pub(super) const CASES: &[&[Case]] = &[
    grammar::FLUXLOOP,
    login::CASES,
    login::LAST,
    set_up::CASES,
    set_up::LAST,
    pull::CASES,
    pull::LAST,
    results::CASES,
    results::LAST,
    interchange::CASES,
    interchange::LAST,
];

/// Makes cases about a release of the first line that are run with its last one, 0.3.11, too.
macro_rules! with_last {
    ($($function:ident),* $(,)?) => {
        &[$($crate::peers::Case {
            name: concat!(stringify!($function), "_0_3_11"),
            run: || $function(&$crate::peers::fluxloop::world::World::start_with_last()?),
        }),*]
    };
}
use with_last;

/// A release of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    /// 0.3.3, whose files ours are like.
    Old,
    /// 0.3.11, the last one of that line.
    Last,
    /// 0.4.0, which was written anew.
    New,
}

impl Release {
    const ALL: [Self; 3] = [Self::Old, Self::Last, Self::New];

    fn version(self) -> &'static str {
        match self {
            Self::Old => "0.3.3",
            Self::Last => "0.3.11",
            Self::New => "0.4.0",
        }
    }
}
