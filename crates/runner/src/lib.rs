//! Runs an agent on inputs: inputs become cases, cases become events, events become results.
//!
//! Terminal, JSON and files are readers of the events.
