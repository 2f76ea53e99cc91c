//! The `.fluxloop` workspace on disk: where it is, what is in it, how pulled data gets in, what an experiment left.
//!
//! No network and no printing; the decisions are made in [`keepstep_core::test_data`].

pub mod experiments;
