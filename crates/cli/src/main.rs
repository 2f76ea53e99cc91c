//! `keepstep`: keeps an AI agent's code, platform and test results in step.

use std::process::ExitCode;

/// Gives memory back to the system after it is free. The allocator of the C library keeps what a burst of large requests took in each
/// of its arenas, so a server would stay as large as its worst minute.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keepstep_cli::main()
}
