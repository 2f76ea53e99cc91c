//! Services, and those that misbehave.

use std::time::Duration;

use keepstep_runner::event::Stopped;
use serde_json::{Value, json};

use super::common::{self, Scenario};
use super::service::{Reply, Request, Service, whole};

fn scenario(url: &str, more: &str) -> Scenario {
    let scenario = Scenario::new();
    scenario.file("configs/simulation.yaml", &format!("name: t\nrunner:\n  http:\n    url: \"{url}\"\n{more}"));
    scenario
}

/// What a request says, in the default template.
fn said(request: &Request) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    body["input"].as_str().unwrap().to_owned()
}

fn lines(scenario: Scenario, inputs: &[&str], service: Option<&Service>) -> String {
    let ran = scenario.inputs(inputs).parallel(1).timeout(Duration::from_secs(30)).run();
    let lines = ran.finished.iter().map(common::line).collect::<Vec<_>>().join("\n");
    let lines = lines.replace(&"x".repeat(396), "[LONG]");
    service.map_or(lines.clone(), |service| lines.replace(&service.url(""), "[URL]"))
}

fn json_answer(value: &Value) -> Reply {
    whole("200 OK", "Content-Type: application/json\r\n", &value.to_string())
}

fn chunked(pieces: &[&str]) -> String {
    let chunks = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect::<String>();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

#[test]
fn a_service_gets_the_template_and_answers_over_one_connection() {
    let service = Service::start(|request| {
        let text = format!("{} {}", said(request), request.head.lines().next().unwrap());
        json_answer(&json!({"reply": {"text": text}, "usage": {"total_tokens": 5}, "tool_calls": [{"name": "t"}]}))
    });
    let settings = "    headers: {Authorization: \"Bearer ${CARGO_PKG_NAME}\", X-Mode: test}\n    output_path: reply.text\n    body_template: {type: json, mapping: {input: \"$.input\", n: 1, who: \"$.persona\"}}\n";
    let ran = scenario(&service.url("/chat"), settings).inputs(&["a", "b \"é\"", "c"]).parallel(1).run();
    assert_eq!(ran.outputs(), ["a post /chat http/1.1", "b \"é\" post /chat http/1.1", "c post /chat http/1.1"]);
    assert_eq!(ran.finished[0].token_usage, Some(json!({"total_tokens": 5})));
    assert_eq!(ran.finished[0].tool_calls, Some(json!([{"name": "t"}])));
    assert_eq!(service.connections(), 1);
    let request = &service.requests()[0];
    assert_eq!(request.body, r#"{"input":"a","n":1,"who":null}"#);
    for header in
        ["authorization: bearer keepstep-runner", "x-mode: test", "content-type: application/json", "accept: application/json"]
    {
        assert!(request.head.contains(header), "{header}: {}", request.head);
    }
    assert!(!request.head.contains("accept-encoding"), "nobody asks for compression: {}", request.head);
}

#[test]
fn a_get_has_its_values_in_the_address() {
    let service = Service::start(|request| whole("200 OK", "", &json!(request.head.lines().next()).to_string()));
    let settings = "    method: get\n    body_template: {mapping: {q: \"$.input\", n: 2}}\n";
    let said = lines(scenario(&service.url("/ask?k=v"), settings), &["a b&c"], Some(&service));
    assert_eq!(said, "a b&c: passed: get /ask?k=v&q=a+b%26c&n=2 http/1.1");
}

#[test]
fn a_conversation_has_one_session_and_its_history() {
    let service = Service::start(|request| json_answer(&json!({"output": request.body})));
    let settings = "    body_template: {mapping: {session: \"$.session_id\", turns: \"$.messages\", last: \"$.messages[-1].content\"}}\nmulti_turn:\n  enabled: true\n  supervisor: {provider: mock, metadata: {scripted_questions: [more]}}\n";
    let ran = scenario(&service.url("/"), settings).inputs(&["hello"]).run();
    assert_eq!(ran.ended.totals.counts.passed, 1);
    let bodies: Vec<Value> = service.requests().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    assert_eq!(bodies[0]["session"], ran.finished[0].run_id);
    assert_eq!(bodies[1]["session"], bodies[0]["session"]);
    assert_eq!((bodies[0]["turns"].as_array().unwrap().len(), bodies[1]["turns"].as_array().unwrap().len()), (1, 3));
    assert_eq!(bodies[1]["last"], "more");
}

#[test]
fn a_service_that_misbehaves_breaks_its_own_case_only() {
    let service = Service::start(|request| match said(request).as_str() {
        "500" => whole("500 Oh no", "", &json!({"error": {"message": "it  broke\nhere"}}).to_string()),
        "404" => whole("404 Not Found", "Content-Type: text/html\r\n", &format!("<h1>{}</h1>", "x".repeat(2000))),
        "redirect" => whole("307 Elsewhere", "Location: https://other.example/x?key=secret\r\n", ""),
        "half" => Reply::Closes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"output\": \"ha".to_vec()),
        "nothing" => whole("200 OK", "", ""),
        "page" => whole("200 OK", "Content-Type: text/html\r\n", "<title>Sign in</title>"),
        "elsewhere" => json_answer(&json!({"result": {"out": "x"}})),
        "zipped" => whole("200 OK", "Content-Encoding: gzip\r\n", "zzz"),
        "closes" => Reply::Closes(Vec::new()),
        "noise" => Reply::Closes(b"noise\r\n\r\n".to_vec()),
        "twice" => Reply::Stays("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"output\":\"1\"}".repeat(2)),
        "utf-8" => {
            Reply::Closes(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 14\r\n\r\n{\"output\":\"\xff\"}".to_vec())
        }
        "stream" => Reply::Closes(chunked(&["data: {}\n\n"]).into_bytes()),
        "nan" => whole("200 OK", "", "{\"output\": NaN}"),
        other => json_answer(&json!({"output": other})),
    });
    let inputs = [
        "500",
        "404",
        "redirect",
        "half",
        "nothing",
        "page",
        "elsewhere",
        "zipped",
        "closes",
        "noise",
        "twice",
        "fine",
        "utf-8",
        "stream",
        "nan",
        "end",
    ];
    insta::assert_snapshot!(lines(scenario(&service.url("/chat"), ""), &inputs, Some(&service)), @r#"
    500: error: [URL]/chat answered with status 500: it broke here
    404: error: [URL]/chat answered with status 404: <h1>[LONG]…
    redirect: error: [URL]/chat redirects to https://other.example/x; redirects are not followed, `runner.http.url` has to be the right address
    half: error: [URL]/chat broke off in the middle of its answer: end of file before message length reached
    nothing: error: [URL]/chat answered with nothing
    page: error: [URL]/chat did not answer with JSON (expected value at line 1 column 1): <title>Sign in</title>
    elsewhere: error: [URL]/chat has no text in its answer; set `output_path` in `runner.http`: {"result":{"out":"x"}}
    zipped: error: [URL]/chat sent a compressed answer (gzip) although none was requested
    closes: error: [URL]/chat did not answer: connection closed before message completed
    noise: error: [URL]/chat did not answer: invalid HTTP version parsed
    twice: passed: 1
    fine: passed: fine
    utf-8: error: [URL]/chat did not answer with JSON (invalid unicode code point at line 1 column 12): {"output":"�"}
    stream: error: [URL]/chat broke off in the middle of its answer: unexpected EOF during chunk size line
    nan: error: [URL]/chat did not answer with JSON (expected value at line 1 column 12): {"output": NaN}
    end: passed: end
    "#);
}

#[test]
fn a_service_that_never_answers_is_not_waited_for() {
    let service = Service::start(|request| match said(request).as_str() {
        "silent" => Reply::Hangs(String::new()),
        "stuck" => Reply::Hangs("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned()),
        other => json_answer(&json!({"output": other})),
    });
    let ran = scenario(&service.url("/"), "    timeout: 300ms\n").inputs(&["silent", "stuck", "fine"]).parallel(1).run();
    let said: Vec<String> = ran.finished.iter().map(common::line).collect();
    assert_eq!(said, ["silent: timeout: no answer after 0.3s", "stuck: timeout: no answer after 0.3s", "fine: passed: fine"]);
}

#[test]
fn an_answer_larger_than_any_answer_is_not_kept() {
    let service = Service::start(|_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\n\r\n\"".to_vec();
        bytes.resize(bytes.len() + 65 * 1024 * 1024, b'x');
        Reply::Closes(bytes)
    });
    assert_eq!(lines(scenario(&service.url("/"), ""), &["a"], Some(&service)), "a: error: [URL]/ answered with more than 64 MiB");
}

#[test]
fn what_is_to_be_tried_again_is() {
    let service = Service::start({
        let tries = std::sync::atomic::AtomicUsize::new(0);
        move |_| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 | 2 => whole("503 Busy", "", ""),
            1 => json_answer(&json!({"output": "at last"})),
            _ => whole("500 No", "", ""),
        }
    });
    let settings = "    retry: {attempts: 2, backoff: 1ms, status_codes: [503]}\n";
    let said = lines(scenario(&service.url("/"), settings), &["a", "b"], Some(&service));
    assert_eq!(said, "a: passed: at last\nb: error: [URL]/ answered with status 500");
    assert_eq!(service.requests().len(), 4);
}

#[test]
fn nobody_there_stops_the_run() {
    // A port that was free a moment ago, and that nobody listens on.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let inputs: Vec<String> = (0..9).map(|number| number.to_string()).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let ran = scenario(&format!("http://{address}/chat"), "").inputs(&inputs).parallel(1).run();
    assert_eq!(
        (ran.ended.stopped, ran.ended.totals.counts.error, ran.ended.totals.counts.skipped),
        (Some(Stopped::TargetDown), 5, 4)
    );
    assert_eq!(common::line(&ran.finished[0]), format!("0: error: cannot connect to http://{address}/chat: connection refused"));
}

#[test]
fn a_stream_is_put_together() {
    let service = Service::start(|_| {
        let events = chunked(&[
            ": hello\r\n\r\nevent: message\r\ndata: {\"choices\": [{\"delta\": {\"role\": \"assistant\"}}]}\r\n\r",
            "\ndata: {\"choices\":\ndata: [{\"delta\": {\"content\": \"Hel\"}}]}\n\ndata: keep-alive\n\n",
            "data: {\"choices\": [{\"delta\": {\"content\": \"lo \u{e9}\"}}]}\n\nevent: other\ndata: {\"choices\": [{\"delta\": {\"content\": \"no\"}}]}\n\n",
            "data: {\"choices\": [], \"usage\": {\"total_tokens\": 7}}\n\ndata: [DONE]\n\n",
        ]);
        Reply::Stays(format!("{events}0\r\n\r\n"))
    });
    let settings = "    stream: sse\n    stream_output_path: \"choices[0].delta.content\"\n    stream_event_filter: message\n";
    let ran = scenario(&service.url("/"), settings).inputs(&["a", "b"]).parallel(1).run();
    assert_eq!(ran.outputs(), ["Hello é", "Hello é"]);
    assert_eq!(ran.finished[0].token_usage, Some(json!({"total_tokens": 7})));
    assert_eq!(service.connections(), 1, "a stream that was read to its end leaves its connection");
    assert!(service.requests()[0].head.contains("accept: text/event-stream"));
}

#[test]
fn half_a_stream_is_never_a_passed_case() {
    let delta = "event: message\ndata: {\"delta\": \"Hello\"}\n\n";
    let service = Service::start(move |request| {
        let closes = |pieces: &[&str]| Reply::Closes(chunked(pieces).into_bytes());
        let unframed = |text: &str| {
            Reply::Closes(
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{text}").into_bytes(),
            )
        };
        let ends = |pieces: &[&str]| Reply::Stays(format!("{}0\r\n\r\n", chunked(pieces)));
        match said(request).as_str() {
            "cut" => closes(&[delta]),
            "cut in an event" => closes(&[delta, "data: {\"del"]),
            "inside" => ends(&[delta, "data: {\"delta\": \"x\"}\n"]),
            "unframed inside" => unframed("data: {\"delta\": \"x"),
            "unframed" => unframed(delta),
            "done and stuck" => Reply::Hangs(chunked(&[delta, "data: [DONE]\n\n"])),
            "done and cut" => closes(&[delta, "data: [DONE]\n\n"]),
            "error" => ends(&[delta, "event: error\ndata: {\"message\": \"overloaded\"}\n\n"]),
            "error inside" => ends(&[delta, "data: {\"error\": {\"message\": \"no more\"}}\n\n"]),
            "no text" => ends(&["data: {\"x\": 1}\n\ndata: [DONE]\n\n"]),
            "empty text" => ends(&["data: {\"delta\": \"\"}\n\n"]),
            "empty" => ends(&[]),
            "json" => json_answer(&json!({"output": "x"})),
            _ => ends(&[delta, "data: {\"delta\": \" world\"}\n\nevent: done\ndata: {\"finish_reason\": \"stop\"}\n\n"]),
        }
    });
    let inputs = [
        "whole",
        "cut",
        "cut in an event",
        "inside",
        "unframed inside",
        "unframed",
        "done and stuck",
        "done and cut",
        "error",
        "error inside",
        "no text",
        "empty text",
        "empty",
        "json",
        "end",
    ];
    insta::assert_snapshot!(lines(scenario(&service.url("/"), "    stream: sse\n"), &inputs, Some(&service)), @r#"
    whole: passed: Hello world
    cut: error: [URL]/ broke off in the middle of its answer: unexpected EOF during chunk size line
    cut in an event: error: [URL]/ broke off in the middle of its answer: unexpected EOF during chunk size line
    inside: error: [URL]/ ended its stream in the middle of an event
    unframed inside: error: [URL]/ ended its stream in the middle of an event
    unframed: passed: Hello
    done and stuck: passed: Hello
    done and cut: passed: Hello
    error: error: [URL]/ sent an error: overloaded
    error inside: error: [URL]/ sent an error: no more
    no text: error: [URL]/ sent no event with a text; set `stream_output_path` in `runner.http`
    empty text: error: empty answer
    empty: error: [URL]/ sent no event with a text; set `stream_output_path` in `runner.http`
    json: error: [URL]/ did not answer with a stream of events but with: {"output":"x"}
    end: passed: Hello world
    "#);
}

#[test]
fn a_service_that_cannot_be_asked_says_why() {
    let mut all = String::new();
    for (url, more) in [
        ("localhost:8000/chat", ""),
        ("${NOWHERE}/chat", ""),
        ("http://127.0.0.1:1/", "    headers: {Authorization: \"Bearer ${NO_SUCH_KEY}\"}\n"),
        ("http://127.0.0.1:1/", "    headers: {\"a b\": c}\n"),
        ("http://127.0.0.1:1/", "    method: DELETE\n"),
        ("http://127.0.0.1:1/", "    body_template: {mapping: {q: \"$.imput\"}}\n"),
    ] {
        let refusal = scenario(url, more).inputs(&["a"]).refusal();
        all += &format!("{}\n  {}\n", refusal.message, refusal.hints.join(" "));
    }
    insta::assert_snapshot!(all, @"
    localhost:8000/chat is not the address of a service
      `runner.http.url` is an address such as http://localhost:8000/chat
    the address of the service needs NOWHERE, which is not set
      export NOWHERE, or put it into the .env of the scenario
    the header Authorization needs NO_SUCH_KEY, which is not set
      export NO_SUCH_KEY, or put it into the .env of the scenario
    header a b is not a valid HTTP header
      
    unsupported HTTP method DELETE
      `runner.http.method` is GET, POST, PUT or PATCH
    the body of the request has $.imput in it, which is unknown
      known are $.input, $.messages, $.turns, $.system, $.persona, $.persona_id, $.persona_config, $.iteration, $.scenario, $.run_id, $.session_id, $.metadata
    ");
}
