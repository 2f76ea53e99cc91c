//! Reads `.env` files as [`keepstep_client::env_file`] does, for a comparison with the libraries of others.
//!
//! Standard input is JSON, `{"environment": {NAME: VALUE}, "texts": [TEXT]}`; standard output is a list with an object for each
//! text: what is read as Node's library reads it, as Python's does, and all values that either may give.

use std::collections::BTreeMap;

use keepstep_client::env_file;
use serde_json::{Value, json};

#[expect(clippy::print_stdout, reason = "an example has no printer")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked: Value = serde_json::from_reader(std::io::stdin())?;
    let environment: BTreeMap<String, String> = serde_json::from_value(asked["environment"].clone())?;
    let texts: Vec<String> = serde_json::from_value(asked["texts"].clone())?;
    let read = |text: &String| {
        let variable = |name: &str| environment.get(name).cloned();
        json!({
            "node": env_file::parse(text),
            "python": env_file::parse_as_python(text, variable),
            "readings": env_file::readings(text, variable),
        })
    };
    println!("{}", Value::from(texts.iter().map(read).collect::<Vec<_>>()));
    Ok(())
}
