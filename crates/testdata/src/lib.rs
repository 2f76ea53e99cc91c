//! Test data: what a platform publishes as a bundle, and how it becomes files that people edit.
//!
//! A bundle version holds the inputs, personas and criteria that a test runs on. Pulling one is the drift of many small
//! things: each file has a digest of what was last pulled, and each input an id, so the question "who changed it since?" has
//! an answer for every one of them. The parts, in the order in which a pull uses them:
//!
//! 1. [`answer`] takes the platform's answer apart while it is read, and [`bundle`] says what its parts are and loses nothing of it.
//! 2. [`workspace_files`] says which files a bundle is and what they hold, with [`names`] for every file whose name comes from
//!    the platform, [`input_list`] for the one that people edit most, and [`yaml`] to write it.
//! 3. [`pull_plan`] decides for each file: write, keep, remove, or a conflict.
//! 4. [`merge_items`] solves a conflict in the list of inputs, item by item.
//!
//! The way up is [`publish`]: what the files say as the file that makes the next bundle version.
//!
//! What people bring from elsewhere, as a table or line by line, is read in [`sheet`].

pub mod answer;
pub mod bundle;
pub mod input_list;
pub mod input_text;
pub mod merge_items;
pub mod names;
pub mod publish;
pub mod pull_plan;
pub mod same_input;
pub mod sheet;
pub mod workspace_files;
pub mod yaml;
