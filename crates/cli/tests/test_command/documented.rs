//! Every example of the reference of the configuration is run.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use keepstep_testkit::transcript;

use super::Orders;

/// A fenced block: what it is of, the name of its file, its text.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let (language, file) = info.split_once(' ').map_or((info, None), |(language, file)| (language, Some(file.to_owned())));
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        found.push(Block { language: language.to_owned(), file, text });
    }
    found
}

/// Answers with JSON at /chat and with events at /stream, and returns its address.
fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let asked = body.get("question").or(body.get("input")).unwrap().as_str().unwrap();
            let (kind, text) = if first.contains("/stream") {
                let event = |text: &str| format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": {"content": text}}]}));
                ("text/event-stream", event("You said: ") + &event(asked) + "data: [DONE]\n\n")
            } else {
                ("application/json", serde_json::json!({"reply": {"text": format!("You said: {asked}")}}).to_string())
            };
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
            let mut stream = reader.into_inner();
            stream.write_all((head + &text).as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn every_example_of_the_reference_runs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let blocks = blocks(&std::fs::read_to_string(path).unwrap());
    let address = service();
    let examples: Vec<usize> = (0..blocks.len()).filter(|place| blocks[*place].language == "yaml").collect();
    assert!(examples.len() >= 7, "{}", examples.len());
    for (index, place) in examples.iter().enumerate() {
        let end = examples.get(index + 1).copied().unwrap_or(blocks.len());
        let orders = Orders::new("");
        orders.inputs(&["hello"]);
        for block in &blocks[place + 1..end] {
            orders.file(block.file.as_deref().unwrap(), &block.text);
        }
        let yaml = blocks[*place].text.replace("http://localhost:8000", &address);
        orders.file("configs/simulation.yaml", &yaml);
        orders.file("criteria/own.yaml", "- contains: \"You said: \"\n");
        let output = orders.command(&["test", "--skip-upload"]).env("CHAT_KEY", "key").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{yaml}\n{}", transcript(&output));
    }
}
