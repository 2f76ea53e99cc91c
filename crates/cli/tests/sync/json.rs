//! `keepstep sync --json`

use insta::assert_json_snapshot;
use serde_json::Value;

use crate::common::{Bench, FIRST};

fn without_this_run(bench: &Bench, document: &Value) -> Value {
    serde_json::from_str(&bench.filtered(&document.to_string())).unwrap()
}

#[test]
fn the_document_of_a_check() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    let (exit, mut document) = bench.json(&["sync", "--check"]);
    assert_eq!(exit, 1);
    document["production"]["published_at"] = "[TIME]".into();
    assert_json_snapshot!(without_this_run(&bench, &document), @r#"
    {
      "schema": "keepstep.sync/1",
      "agent": "[AGENT]",
      "server": "[URL]",
      "checked": true,
      "in_step": false,
      "inStep": false,
      "against": "published",
      "revision": 2,
      "fields": [
        {
          "field": "name",
          "state": "in_step",
          "local": "Helper",
          "server": "Helper",
          "location": "src/index.ts:4:9",
          "computed": false
        },
        {
          "field": "persona",
          "state": "ahead",
          "local": "You are a formal helper.\nAnswer briefly.\nNever promise a date.",
          "server": "You are a friendly helper.\nAnswer briefly.\nNever promise a date.",
          "location": "src/index.ts:5:12",
          "computed": false,
          "diff": [
            {
              "kind": "line",
              "tag": "removed",
              "segments": [
                {
                  "text": "You are a ",
                  "changed": false
                },
                {
                  "text": "friendly",
                  "changed": true
                },
                {
                  "text": " helper.",
                  "changed": false
                }
              ]
            },
            {
              "kind": "line",
              "tag": "added",
              "segments": [
                {
                  "text": "You are a ",
                  "changed": false
                },
                {
                  "text": "formal",
                  "changed": true
                },
                {
                  "text": " helper.",
                  "changed": false
                }
              ]
            },
            {
              "kind": "line",
              "tag": "unchanged",
              "segments": [
                {
                  "text": "Answer briefly.",
                  "changed": false
                }
              ]
            },
            {
              "kind": "line",
              "tag": "unchanged",
              "segments": [
                {
                  "text": "Never promise a date.",
                  "changed": false
                }
              ]
            }
          ]
        },
        {
          "field": "model",
          "state": "in_step",
          "local": null,
          "server": null
        },
        {
          "field": "governance",
          "state": "in_step",
          "local": null,
          "server": null
        }
      ],
      "published": 1,
      "current": 1,
      "newer_draft": null,
      "equal_draft": null,
      "not_compared": [],
      "production": {
        "version": 1,
        "is_latest_published": true,
        "author": "test owner",
        "message": null,
        "published_at": "[TIME]",
        "deployed_at": null,
        "deployed_by": null
      },
      "exit": 1
    }
    "#);
}

#[test]
fn a_failure_is_a_document_too() {
    let bench = Bench::in_step();
    bench.project().file("keepstep.lock", "<<<<<<< HEAD\nversion = 1\n=======\nversion = 1\n>>>>>>> b\n");
    let (exit, document) = bench.json(&["sync", "--check"]);
    assert_eq!(exit, 2);
    assert_eq!(document["error"]["kind"], "lock_file");
    assert_eq!(document["exit"], 2);
}
