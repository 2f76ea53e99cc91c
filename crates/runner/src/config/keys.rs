//! The keys that a configuration may have: ours, and those that a peer reads. Another one is a slip, which nobody would see otherwise.

use keepstep_base::nearest::nearest;
use serde_json::Value;

use super::error::ConfigError;
use super::section::Section;

/// The keys of each mapping, by the way to it; `[]` stands for the entries of a list. What is under a key that is not among these
/// ways is the user's own.
const KNOWN: &[(&str, &str)] = &[
    (
        "",
        "name description version source_root tags metadata collector_url collector_api_key iterations parallel_runs seed \
         run_delay_seconds personas variation_strategies variation_count variation_temperature variation_model \
         custom_variation_prompt base_inputs inputs_file input_template input_generation runner replay_args evaluators \
         output_directory save_traces save_aggregated_metrics multi_turn conversation input test judge guardrails allow_empty",
    ),
    (
        "runner",
        "type target module_path function_name factory factory_kwargs stream_output_path working_directory python_path python node \
         environment_vars requirements_file setup_commands timeout timeout_seconds max_retries retry_delay use_docker docker_image \
         docker_build_context docker_volumes guards process http command protocol cwd env ready_pattern kill_signal kill_timeout \
         reuse skill_path harness allowed_tools disallowed_tools skill_max_turns sandbox budget",
    ),
    ("runner.process", "command protocol cwd env stream_output_path ready_pattern kill_signal kill_timeout timeout reuse"),
    ("runner.http", "url method headers body_template stream output_path stream_output_path stream_event_filter retry timeout"),
    ("runner.http.retry", "attempts backoff status_codes"),
    ("runner.http.body_template", "type mapping"),
    ("runner.guards", "max_duration output_char_limit"),
    ("replay_args", "enabled recording_file callable_providers override_param_path"),
    ("multi_turn", "enabled max_turns auto_approve_tools persona_override supervisor script rules otherwise"),
    ("multi_turn.rules[]", "when say end once"),
    ("multi_turn.supervisor", "provider model temperature max_tokens base_url system_prompt api_key timeout metadata runner"),
    ("conversation", "enabled max_turns simulator script rules otherwise"),
    ("conversation.rules[]", "when say end once"),
    ("conversation.simulator", "provider model temperature max_tokens base_url system_prompt api_key timeout metadata runner"),
    ("judge", "provider model temperature max_tokens base_url system_prompt api_key timeout metadata runner"),
    ("input", "source items pulled_path"),
    (
        "test",
        "default_mode auto_upload turn_streaming turn_stream_after_upload turn_stream_endpoint turn_stream_retry_max \
         turn_stream_backoff_seconds turn_stream_timeout_seconds",
    ),
    ("guardrails", "forbidden_words max_response_length"),
];

/// Checks every mapping that has known keys.
///
/// # Errors
/// A key is unknown; the nearest known one is named.
pub(super) fn check(root: &Section<'_>) -> Result<(), ConfigError> {
    // Models have runners, too.
    let runners = ["", "multi_turn.supervisor.", "conversation.simulator.", "judge."];
    for (way, known) in KNOWN {
        let is_runner = way.split('.').next() == Some("runner");
        for before in if is_runner { &runners[..] } else { &runners[..1] } {
            for section in sections(root, &format!("{before}{way}"))? {
                check_one(&section, known)?;
            }
        }
    }
    Ok(())
}

fn sections<'a>(root: &Section<'a>, way: &str) -> Result<Vec<Section<'a>>, ConfigError> {
    let mut section = root.clone();
    for step in way.split('.').filter(|step| !step.is_empty()) {
        if let Some(list) = step.strip_suffix("[]") {
            return if section.value(list).is_some() { section.sections(list) } else { Ok(Vec::new()) };
        }
        // What is no mapping is told where it is read, if it is read.
        if !matches!(section.value(step), Some(Value::Object(_))) {
            return Ok(Vec::new());
        }
        section = section.section(step)?;
    }
    Ok(vec![section])
}

fn check_one(section: &Section<'_>, known: &str) -> Result<(), ConfigError> {
    let known: Vec<&str> = known.split_whitespace().collect();
    let Some((key, _)) = section.members().find(|(key, _)| !known.contains(&key.as_str())) else { return Ok(()) };
    let hint = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => "docs/reference/configuration.md lists the keys".to_owned(),
    };
    Err(section.error(key, format!("is not a known key; {hint}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(value: &Value) -> Result<(), String> {
        check(&Section::root(&[], value)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_slip_is_told_with_the_nearest_key_wherever_it_is() {
        for (value, said) in [
            (json!({"runer": {}}), "runer is not a known key; did you mean runner?"),
            (json!({"runner": {"tagret": "a:b"}}), "runner.tagret is not a known key; did you mean target?"),
            (json!({"runner": {"http": {"URL": "x"}}}), "runner.http.URL is not a known key; did you mean url?"),
            (json!({"conversation": {"scripts": []}}), "conversation.scripts is not a known key; did you mean script?"),
            (json!({"conversation": {"rules": [{"when": "a", "says": "b"}]}}), "says is not a known key; did you mean say?"),
            (json!({"judge": {"runner": {"http": {"retry": {"atempts": 1}}}}}), "did you mean attempts?"),
            (json!({"judge": {"modle": "x"}}), "judge.modle is not a known key; did you mean model?"),
            (json!({"zzz": 1}), "zzz is not a known key; docs/reference/configuration.md lists the keys"),
        ] {
            let told = checked(&value).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn what_the_user_names_is_no_key() {
        let free = json!({"metadata": {"x": 1}, "runner": {"environment_vars": {"X": 1}, "http": {"headers": {"x": 1}},
            "factory_kwargs": {"x": 1}}, "personas": [{"mood": "x"}], "multi_turn": {"supervisor": {"metadata": {"x": 1}}}, "input": 7});
        assert_eq!(checked(&free), Ok(()));
    }

    /// Every member of the peers' own classes, 0.3.3 and 0.3.11 (which are the same) and 0.4.0.
    #[test]
    fn what_a_peer_reads_is_known() {
        let peers = [
            (
                "",
                "name description version iterations parallel_runs seed run_delay_seconds personas variation_strategies \
              variation_count variation_temperature variation_model custom_variation_prompt base_inputs inputs_file input_template \
              input_generation runner replay_args evaluators output_directory save_traces save_aggregated_metrics multi_turn \
              collector_url collector_api_key tags metadata source_root conversation input test guardrails",
            ),
            (
                "runner",
                "module_path function_name target factory factory_kwargs stream_output_path working_directory python_path \
              environment_vars requirements_file setup_commands timeout_seconds max_retries retry_delay use_docker docker_image \
              docker_build_context docker_volumes type skill_path harness allowed_tools disallowed_tools skill_max_turns sandbox \
              budget command protocol",
            ),
            ("multi_turn", "enabled max_turns auto_approve_tools persona_override supervisor"),
            ("multi_turn.supervisor", "provider model temperature system_prompt api_key metadata"),
            ("conversation", "enabled max_turns simulator"),
            ("conversation.simulator", "provider model system_prompt temperature"),
            ("input", "source items pulled_path"),
            ("replay_args", "enabled recording_file callable_providers override_param_path"),
        ];
        for (way, keys) in peers {
            let (_, known) = KNOWN.iter().find(|(known, _)| *known == way).unwrap();
            for key in keys.split_whitespace() {
                assert!(known.split_whitespace().any(|known| known == key), "{way}: {key}");
            }
        }
    }
}
