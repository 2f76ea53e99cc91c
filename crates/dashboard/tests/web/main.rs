//! The pages, asked for over HTTP and read as HTML.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod account;
mod activity;
mod changes;
mod connect;
mod criteria;
mod drafts;
mod editing;
mod escaping;
mod experiments;
mod folders;
mod gates;
mod invitations;
mod issuer;
mod keys;
mod live;
mod logs;
mod members;
mod oidc;
mod operation;
mod reading;
mod results;
mod review;
mod rights;
mod search;
mod security;
mod sheets;
mod sign_in;
mod site;
mod test_data;
mod waiting;
mod webhooks;
