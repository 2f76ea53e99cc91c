//! What several pages show in the same way.

pub(crate) mod assets;
pub(crate) mod baseline;
pub(crate) mod changed_test_data;
pub(crate) mod chart;
pub(crate) mod chosen_trend;
pub(crate) mod code_state;
pub(crate) mod confirm;
pub(crate) mod devices;
pub(crate) mod diff_view;
pub(crate) mod editors;
pub(crate) mod folders;
pub(crate) mod frame;
pub(crate) mod link_rights;
pub(crate) mod live_edit;
pub(crate) mod live_test;
pub(crate) mod markdown;
pub(crate) mod marked;
pub(crate) mod sessions;
pub(crate) mod shown_gate;
pub(crate) mod shown_results;
pub(crate) mod shown_review;
pub(crate) mod spans;
pub(crate) mod theme;
pub(crate) mod tried_criterion;
pub(crate) mod view;
pub(crate) mod visible;
