//! The pages, asked for over HTTP and read as HTML.

mod editing;
mod escaping;
mod reading;
mod security;
mod sign_in;
mod site;
