//! Reads YAML texts as test data is read, for a comparison with another reader.
#![expect(clippy::print_stdout, reason = "this program answers on standard output")]

use std::io::{Error, Read as _};

use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked)?;
    let texts: Vec<String> = serde_json::from_str(&asked)?;
    let read = |text: &String| match keepstep_workspace::yaml::parse_data(text) {
        Ok(value) => json!({ "value": value }),
        Err(message) => json!({ "error": message }),
    };
    let answers: Vec<Value> = texts.iter().map(read).collect();
    println!("{}", json!(answers));
    Ok(())
}
