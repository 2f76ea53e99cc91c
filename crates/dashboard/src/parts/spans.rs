//! What an agent did for its answers, as a tree: what its SDK noted, else the tools that it says it called.

use std::collections::{HashMap, HashSet};

use keepstep_base::human::milliseconds_words;
use serde_json::{Map, Value};

use crate::parts::shown_results::{Room, excerpt, readable};
use crate::parts::visible::Visible;

/// How many steps are shown, and how many characters of them together.
const MOST: usize = 500;
const MOST_CHARACTERS: usize = 400_000;

/// How long a name may be, in characters.
const LONGEST_NAME: usize = 200;

/// How deep the tree is drawn; what is deeper stands there, too.
const DEPTHS: [&str; 6] = ["depth-0", "depth-1", "depth-2", "depth-3", "depth-4", "depth-5"];

/// Something that an agent did.
#[derive(Debug)]
pub(crate) struct Span {
    /// The class of its depth.
    pub(crate) class: &'static str,
    /// In how many others it is.
    pub(crate) depth: usize,
    pub(crate) kind: Visible,
    pub(crate) name: Visible,
    pub(crate) duration: Option<String>,
    pub(crate) is_bad: bool,
    /// What went in and came out.
    pub(crate) parts: Vec<(&'static str, Visible)>,
}

/// Returns what an agent did, each after what it is a part of, and how much more there is.
pub(crate) fn spans(evaluation: &Map<String, Value>) -> (Vec<Span>, usize) {
    let list = |name: &str| evaluation.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let noted = list("observations");
    let all: Vec<(usize, &Value)> =
        if noted.is_empty() { list("tool_calls").iter().map(|call| (0, call)).collect() } else { in_order(noted) };
    let left_out = all.len().saturating_sub(MOST);
    let is_call = noted.is_empty();
    let mut room = Room::of(MOST_CHARACTERS);
    (all.into_iter().take(MOST).map(|(depth, value)| span(depth, value, is_call, &mut room)).collect(), left_out)
}

fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| value.get(*name)?.as_str()).filter(|text| !text.is_empty())
}

fn id(value: &Value) -> Option<&str> {
    text(value, &["id", "span_id", "observation_id"])
}

fn parent(value: &Value) -> Option<&str> {
    text(value, &["parent_observation_id", "parent_id", "parent_span_id"])
}

/// Returns what was noted with its depth: each after its parent, those of one parent in the order in which they began.
fn in_order(noted: &[Value]) -> Vec<(usize, &Value)> {
    let ids: HashSet<&str> = noted.iter().filter_map(id).collect();
    let mut children: HashMap<Option<&str>, Vec<usize>> = HashMap::new();
    let mut sorted: Vec<usize> = (0..noted.len()).collect();
    sorted.sort_by_key(|at| (text(&noted[*at], &["start_time", "started_at"]).unwrap_or_default(), *at));
    for at in sorted {
        children.entry(parent(&noted[at]).filter(|parent| ids.contains(parent))).or_default().push(at);
    }
    let mut is_done = vec![false; noted.len()];
    let mut ordered = Vec::with_capacity(noted.len());
    let roots = children.get(&None).cloned().unwrap_or_default();
    // Those that are each other's parents have no root: they stand at the end.
    let others = (0..noted.len()).collect();
    for begin in [roots, others] {
        let mut open: Vec<(usize, usize)> = begin.into_iter().rev().map(|at| (0, at)).collect();
        while let Some((depth, at)) = open.pop() {
            if std::mem::replace(&mut is_done[at], true) {
                continue;
            }
            ordered.push((depth, &noted[at]));
            let below = id(&noted[at]).and_then(|id| children.get(&Some(id)));
            open.extend(below.into_iter().flatten().rev().map(|child| (depth + 1, *child)));
        }
    }
    ordered
}

fn span(depth: usize, value: &Value, is_call: bool, room: &mut Room) -> Span {
    let inner = value.get("function").filter(|inner| inner.is_object()).unwrap_or(value);
    let kind = text(value, &["type", "kind"]).filter(|kind| *kind != "function").unwrap_or(if is_call { "tool" } else { "step" });
    let name = value.as_str().or_else(|| text(inner, &["name", "tool", "tool_name"])).unwrap_or(kind);
    let error = text(value, &["error", "status_message"]);
    let parts = [
        ("Input", member(inner, &["input", "arguments", "args", "parameters"])),
        ("Output", member(inner, &["output", "result"])),
        ("Error", error.map(str::to_owned)),
    ];
    Span {
        class: DEPTHS[depth.min(DEPTHS.len() - 1)],
        depth,
        kind: Visible::of(excerpt(kind, LONGEST_NAME)),
        name: Visible::of(excerpt(name, LONGEST_NAME)),
        duration: duration(value).map(milliseconds_words),
        is_bad: error.is_some(),
        parts: parts.into_iter().filter_map(|(name, text)| Some((name, room.clipped(&text?)))).collect(),
    }
}

fn member(value: &Value, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| value.get(*name)).map(readable)?;
    Some(found).filter(|text| !text.trim().is_empty())
}

fn duration(value: &Value) -> Option<f64> {
    if let Some(duration) = value.get("duration_ms").and_then(Value::as_f64) {
        return Some(duration);
    }
    let time = |name: &str| text(value, &[name])?.parse::<jiff::Timestamp>().ok();
    let between = time("end_time")?.as_millisecond() - time("start_time")?.as_millisecond();
    (between >= 0).then_some(between as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(evaluation: &Value) -> Vec<String> {
        let (spans, _) = spans(evaluation.as_object().unwrap());
        let shown = |span: &Span| {
            let parts = span.parts.iter().map(|(name, text)| format!(" {name}={}", text.plain())).collect::<String>();
            format!("{}{} {}{parts}", "-".repeat(span.depth), span.kind.plain(), span.name.plain())
        };
        spans.iter().map(shown).collect()
    }

    #[test]
    fn each_step_stands_below_what_it_is_a_part_of() {
        let noted = json!({"observations": [
            {"id": "c", "parent_observation_id": "b", "type": "tool", "name": "late", "start_time": "2026-01-01T00:00:03Z"},
            {"id": "b", "parent_observation_id": "a", "type": "generation", "name": "model", "start_time": "2026-01-01T00:00:01Z"},
            {"id": "a", "type": "agent", "name": "run", "input": {"order": 7}, "output": "done"},
            {"id": "d", "parent_observation_id": "gone", "type": "tool", "name": "orphan", "error": "boom"},
        ], "tool_calls": ["not shown"]});
        assert_eq!(
            shown(&noted),
            ["agent run Input=order: 7 Output=done", "-generation model", "--tool late", "tool orphan Error=boom"]
        );
        // Nothing that is noted is lost, and nothing goes round for ever.
        let round = json!({"observations": [{"id": "a", "parent_id": "b"}, {"id": "b", "parent_id": "a"}, 7]});
        assert_eq!(shown(&round), ["step step", "step step", "-step step"]);
    }

    #[test]
    fn many_long_steps_are_no_long_page() {
        let call = json!({"name": "n".repeat(1000), "arguments": "x".repeat(50_000), "result": "y".repeat(50_000)});
        let calls = json!({"tool_calls": vec![call; MOST + 1]});
        let (spans, left_out) = spans(calls.as_object().unwrap());
        let of = |span: &Span| span.name.plain().len() + span.parts.iter().map(|(_, text)| text.plain().len()).sum::<usize>();
        assert_eq!((spans.len(), left_out), (MOST, 1));
        assert!(spans.iter().all(|span| span.parts.len() == 2), "each has its beginnings");
        assert!(spans.iter().map(of).sum::<usize>() < 800_000);
    }

    #[test]
    fn calls_are_read_in_each_of_their_forms() {
        let calls = json!({"tool_calls": [
            "ping",
            {"name": "lookup", "arguments": {"order": 7}},
            {"type": "function", "function": {"name": "refund", "arguments": "{\"order\":7,\"sum\":2}"}},
        ]});
        assert_eq!(shown(&calls), ["tool ping", "tool lookup Input=order: 7", "tool refund Input=order: 7\nsum: 2"]);
        assert!(shown(&json!({"tool_calls": "x"})).is_empty());
    }
}
