//! The files that a bundle is in a scenario's folder: the layouts of `fluxloop-cli` 0.3.3 and 0.4.0.
//!
//! `test` of 0.3.3 reads `inputs/generated.yaml` and `.state/criteria/*.yaml`, its upload `.state/sync.json`; 0.4.0 reads
//! `pulled/*.json`. All of it is made from one bundle here, as paths and bytes, and nothing is written. Of the files that hold
//! the items, of which there may be more than memory holds, only what they are is said. A list without entries is a file that
//! says so: where it had no file, 0.4.0 would go on running what an earlier bundle left there.

use serde_json::{Value, json};

use super::bundle::Bundle;
use super::names::{self, Kind, Named, UnsafePath};
use super::yaml::to_yaml;

/// Where a scenario's inputs are unless its configuration says otherwise.
pub const DEFAULT_INPUTS_FILE: &str = "inputs/generated.yaml";

/// The two identical records of what was pulled; 0.3.3 reads the first that it can.
pub const SYNC_STATE_FILES: [&str; 2] = [".state/sync/sync.json", ".state/sync.json"];

/// Where 0.4.0 has the items, as they were received.
pub const PULLED_INPUTS: &str = "pulled/inputs.json";

/// The folder of the criteria.
pub const CRITERIA_FOLDER: &str = ".state/criteria";

/// What a file is for, which decides who may have edited it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The list of inputs: people edit it, and it can be merged item by item.
    Inputs,
    /// Other content of the bundle.
    Content,
    /// A record of what was pulled. Programs rewrite it, so a difference is nobody's edit. Written last.
    Record,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedFile<C = Content> {
    /// Its path below the scenario's folder, with `/` between its parts.
    pub path: String,
    /// What it holds.
    pub content: C,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a file of a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This.
    Bytes(Vec<u8>),
    /// The list of inputs as [`ListText`](super::input_list::ListText) writes it.
    List,
    /// The items as received, as an indented JSON array.
    Items,
}

/// What the files depend on besides the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    /// The configured path of the inputs.
    pub inputs_file: &'a str,
    /// Which platform was asked.
    pub api_url: &'a str,
    /// The project that was asked for; the answer's own wins.
    pub project_id: Option<&'a str>,
    /// The value of the scenario's present `sync.json`. What an upload noted in it stays.
    pub sync_state: Option<&'a Value>,
    /// True if the scenario has a `pulled/` folder as 0.4.0 makes it.
    pub with_pulled: bool,
}

/// Returns the files that a bundle is, the list of inputs first and records last.
///
/// # Errors
/// The configured inputs file lies outside the scenario.
pub fn render(bundle: &Bundle, placement: Placement<'_>) -> Result<Vec<ManagedFile>, UnsafePath> {
    let inputs_path = names::inputs_path(placement.inputs_file)?;
    let mut files = vec![ManagedFile { path: inputs_path.clone(), content: Content::List, purpose: Purpose::Inputs }];
    let mut add = |path: String, content, purpose| files.push(ManagedFile { path, content, purpose });
    // As both peers write it: indented by two, Unicode as it is, no line feed at the end.
    let bytes = |value: &Value| Content::Bytes(format!("{value:#}").into_bytes());
    let lists = [("personas", &bundle.personas), ("criteria", &bundle.criteria)];
    let lists = lists.map(|(file, list)| (file, list.iter().map(|entry| entry.0.clone()).collect::<Value>()));
    for (file, list) in &lists {
        add(format!(".state/sync/{file}.json"), bytes(&json!({ "items": list })), Purpose::Content);
    }
    for (path, text) in criteria_files(bundle) {
        add(path, Content::Bytes(text.into_bytes()), Purpose::Content);
    }
    if placement.with_pulled {
        add(PULLED_INPUTS.to_owned(), Content::Items, Purpose::Content);
        for (file, list) in &lists {
            add(format!("pulled/{file}.json"), bytes(list), Purpose::Content);
        }
        add("pulled/sync_meta.json".to_owned(), bytes(&bundle.description()), Purpose::Record);
    }
    let state = sync_state(bundle, &inputs_path, placement);
    for path in SYNC_STATE_FILES {
        add(path.to_owned(), bytes(&state), Purpose::Record);
    }
    Ok(files)
}

/// Returns the criteria as files: one YAML document for each entry of the pack.
fn criteria_files(bundle: &Bundle) -> Vec<(String, String)> {
    let ids: Vec<String> = bundle.criteria.iter().map(|entry| entry.id().unwrap_or_default()).collect();
    let named = bundle.criteria.iter().zip(&ids).map(|(entry, id)| Named { id, name: entry.name().unwrap_or_default() });
    let stems = names::file_names(Kind::Criterion, &Vec::from_iter(named));
    let files = stems.into_iter().zip(&bundle.criteria);
    files.map(|(stem, entry)| (format!("{CRITERIA_FOLDER}/{stem}.yaml"), to_yaml(&entry.0))).collect()
}

/// Returns the record of what was pulled. Everything in the present one that a pull does not decide stays as it is.
fn sync_state(bundle: &Bundle, inputs_path: &str, placement: Placement<'_>) -> Value {
    let mut state = json!({
        "project_id": bundle.project_id().or_else(|| placement.project_id.map(str::to_owned)),
        "bundle_version_id": bundle.id,
        "inputs_file": inputs_path,
        "pulled_at": bundle.pulled_at(),
        "api_url": placement.api_url,
    });
    if let (Some(members), Some(Value::Object(present))) = (state.as_object_mut(), placement.sync_state) {
        present.iter().for_each(|(name, value)| _ = members.entry(name).or_insert_with(|| value.clone()));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement() -> Placement<'static> {
        Placement {
            inputs_file: DEFAULT_INPUTS_FILE,
            api_url: "http://127.0.0.1:9941",
            project_id: None,
            sync_state: None,
            with_pulled: true,
        }
    }

    fn answer() -> Value {
        json!({
            "bundle_version": {"id": "bv_0001", "project_id": "1111", "scenario_id": "2222", "future": {"x": 1}},
            "run_spec_snapshot": {},
            "scenario_context": {"scenario": {"id": "2222", "name": "orders"}},
            "input_items": [{
                "id": "item-1", "persona_id": "4444", "messages": [{"role": "user", "content": "Where is my order?"}],
                "metadata": {"category": "happy"}, "future": true,
            }],
            "personas": [{"id": "4444", "name": "novice", "difficulty": "easy"}],
            "criteria_pack": [{
                "id": "crit-1", "name": "Politeness check", "version": 1, "items": ["Be polite", {"description": "Short"}],
            }],
            "sync_meta": {"pulled_at": "2026-02-01T10:00:00Z"},
        })
    }

    fn read(answer: &Value) -> Bundle {
        Bundle::read(answer.to_string().as_bytes(), &mut |_, _| Ok(())).unwrap()
    }

    fn shown(answer: Value, placement: Placement<'_>) -> String {
        let rendered = render(&read(&answer), placement).unwrap();
        let show = |file: &ManagedFile| {
            let content = match &file.content {
                Content::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            };
            format!("== {}\n{}\n", file.path, content.trim_end())
        };
        rendered.iter().map(show).collect()
    }

    #[test]
    fn the_layout_is_the_one_of_both_peers() {
        insta::assert_snapshot!(shown(answer(), placement()), @r#"
        == inputs/generated.yaml
        List
        == .state/sync/personas.json
        {
          "items": [
            {
              "id": "4444",
              "name": "novice",
              "difficulty": "easy"
            }
          ]
        }
        == .state/sync/criteria.json
        {
          "items": [
            {
              "id": "crit-1",
              "name": "Politeness check",
              "version": 1,
              "items": [
                "Be polite",
                {
                  "description": "Short"
                }
              ]
            }
          ]
        }
        == .state/criteria/politeness_check.yaml
        id: crit-1
        name: Politeness check
        version: 1
        items:
        - Be polite
        - description: Short
        == pulled/inputs.json
        Items
        == pulled/personas.json
        [
          {
            "id": "4444",
            "name": "novice",
            "difficulty": "easy"
          }
        ]
        == pulled/criteria.json
        [
          {
            "id": "crit-1",
            "name": "Politeness check",
            "version": 1,
            "items": [
              "Be polite",
              {
                "description": "Short"
              }
            ]
          }
        ]
        == pulled/sync_meta.json
        {
          "bundle_version": {
            "id": "bv_0001",
            "project_id": "1111",
            "scenario_id": "2222",
            "future": {
              "x": 1
            }
          },
          "run_spec_snapshot": {},
          "scenario_context": {
            "scenario": {
              "id": "2222",
              "name": "orders"
            }
          },
          "sync_meta": {
            "pulled_at": "2026-02-01T10:00:00Z"
          }
        }
        == .state/sync/sync.json
        {
          "project_id": "1111",
          "bundle_version_id": "bv_0001",
          "inputs_file": "inputs/generated.yaml",
          "pulled_at": "2026-02-01T10:00:00Z",
          "api_url": "http://127.0.0.1:9941"
        }
        == .state/sync.json
        {
          "project_id": "1111",
          "bundle_version_id": "bv_0001",
          "inputs_file": "inputs/generated.yaml",
          "pulled_at": "2026-02-01T10:00:00Z",
          "api_url": "http://127.0.0.1:9941"
        }
        "#);
    }

    #[test]
    fn f18_empty_lists_are_files_that_say_so() {
        let files = shown(json!({"bundle_version": {"id": "b"}}), placement());
        for file in ["personas", "criteria"] {
            assert!(files.contains(&format!("== pulled/{file}.json\n[]\n")), "{files}");
        }
    }

    #[test]
    fn f31_a_pull_keeps_what_an_upload_noted() {
        let old = json!({"bundle_version_id": "old", "last_run_batch_id": "rb-1", "last_experiment_id": "exp_1", "own": 1});
        let files = shown(answer(), Placement { sync_state: Some(&old), ..placement() });
        let (_, state) = files.rsplit_once("== .state/sync.json\n").unwrap();
        let state: Value = serde_json::from_str(state).unwrap();
        assert_eq!(state["bundle_version_id"], "bv_0001");
        assert_eq!(state["last_run_batch_id"], "rb-1");
        assert_eq!(state["last_experiment_id"], "exp_1");
        assert_eq!(state["own"], 1);
    }

    #[test]
    fn f31_criteria_with_equal_slugs_have_files_of_their_own() {
        let pack = json!([{"id": "1", "name": "A!B"}, {"id": "2", "name": "a b"}, "a text", {}]);
        let bundle = read(&json!({"bundle_version": {"id": "b"}, "criteria_pack": pack}));
        let mut paths: Vec<String> = criteria_files(&bundle).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 4);
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 4, "{paths:?}");
    }

    #[test]
    fn f34_nothing_lands_outside_the_scenario() {
        let mut answer = answer();
        answer["criteria_pack"][0]["name"] = json!("../../../x");
        let bundle = read(&answer);
        assert!(render(&bundle, Placement { inputs_file: "../../../x.yaml", ..placement() }).is_err());
        let rendered = render(&bundle, placement()).unwrap();
        assert!(rendered.iter().all(|file| !file.path.contains("..")), "{rendered:?}");
    }
}
