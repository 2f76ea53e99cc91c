//! The real lua-cli and the real fluxloop-cli, unmodified, against our server, and beside our own program on the same files.
//!
//! Each case has a world of its own: a server on a free port with its own data, a home folder, a project. A case is an
//! ordinary function; what it expects of every command is the exit code, the absence of any warning that it does not
//! name, and the state that the server is in afterwards, asked over our own API with `curl`.

mod env_files;
mod expect;
mod fluxloop;
mod grammar;
mod javascript;
mod lua;
mod platform;
mod project;
mod world;
mod yaml_files;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};

/// One case: its name and what it does.
pub(crate) struct Case {
    name: &'static str,
    run: fn() -> Result<()>,
}

/// Makes cases that are named like their functions, each in a world of its own.
macro_rules! cases {
    ($world:ty: $($function:path),* $(,)?) => {
        &[$($crate::peers::Case {
            name: $crate::peers::last_segment(stringify!($function)),
            run: || $function(&<$world>::start()?),
        }),*]
    };
}
pub(crate) use cases;
pub(crate) use javascript::packages::compare as compare_packages;
pub(crate) use javascript::values::{Sample, compare as compare_values, compare_all as compare_all_values};

/// How many cases run at the same time. Each spends most of its time in one process of the peer.
const AT_ONCE: usize = 2;

/// Runs the cases with lua-cli, or those whose name contains a text, and returns how many there were.
pub(crate) fn run_lua(only: Option<&str>) -> Result<usize> {
    run(&[javascript::CASES, env_files::CASES, yaml_files::CASES, grammar::LUA, lua::CASES], only)
}

/// Runs the cases with every release of fluxloop-cli, as [`run_lua`] does.
pub(crate) fn run_fluxloop(only: Option<&str>) -> Result<usize> {
    run(fluxloop::CASES, only)
}

fn run(cases: &[&'static [Case]], only: Option<&str>) -> Result<usize> {
    let chosen = |case: &&Case| only.is_none_or(|text| case.name.contains(text));
    let waiting: VecDeque<&Case> = cases.iter().copied().flatten().filter(chosen).collect();
    let count = waiting.len();
    if count == 0 {
        bail!("no peer test has that in its name");
    }
    let waiting = Mutex::new(waiting);
    let failures = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let started = Instant::now();
                    let result = (case.run)();
                    let took = started.elapsed().as_secs_f64();
                    match result {
                        Ok(()) => println!("    ok      {} ({took:.1} s)", case.name),
                        Err(error) => {
                            println!("    FAILED  {} ({took:.1} s)", case.name);
                            let message = format!("{}: {error:#}", case.name);
                            failures.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() {
        return Ok(count);
    }
    bail!("{} of {count} peer tests failed\n\n{}", failures.len(), failures.join("\n\n"))
}

/// Returns what follows the last `::` of a path.
pub(crate) const fn last_segment(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut index = bytes.len();
    while index > 0 && bytes[index - 1] != b':' {
        index -= 1;
    }
    path.split_at(index).1
}
