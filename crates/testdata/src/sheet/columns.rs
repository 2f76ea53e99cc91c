//! What the columns of a table are.

use serde::{Deserialize, Serialize};

/// What a column of a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// What the user says.
    Words,
    /// A conversation: a JSON list of messages.
    Messages,
    /// The id of the input.
    Id,
    /// The name of the persona that says it, or its id.
    Persona,
    /// Tags between commas, or as a JSON list.
    Tags,
    /// All metadata as one JSON object.
    Metadata,
    /// A member of the metadata, under the name of the column.
    Own,
    /// Nothing that is wanted.
    LeaveOut,
}

/// The names of a column with what the user says: of several, the first here is it, wherever it stands.
const WORDS: [&str; 8] = ["input", "question", "text", "prompt", "query", "utterance", "words", "user"];

impl Meaning {
    /// All of them, with what stands for them in a form.
    pub const ALL: [(Self, &str); 8] = [
        (Self::Words, "words"),
        (Self::Messages, "messages"),
        (Self::Id, "id"),
        (Self::Persona, "persona"),
        (Self::Tags, "tags"),
        (Self::Metadata, "metadata"),
        (Self::Own, "own"),
        (Self::LeaveOut, "leave-out"),
    ];

    /// Returns what stands for it in a form.
    pub fn key(self) -> &'static str {
        Self::ALL.into_iter().find(|(meaning, _)| *meaning == self).map_or("", |(_, key)| key)
    }

    /// Returns what a form says.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == key).map(|(meaning, _)| meaning)
    }

    /// Returns true for what any number of columns may be.
    pub fn is_for_many(self) -> bool {
        matches!(self, Self::Own | Self::LeaveOut)
    }

    fn of_name(name: &str) -> Self {
        match name.trim().to_lowercase().as_str() {
            name if WORDS.contains(&name) => Self::Words,
            "messages" | "conversation" => Self::Messages,
            "id" | "input_id" | "input id" => Self::Id,
            "persona" => Self::Persona,
            "tags" | "labels" => Self::Tags,
            "metadata" => Self::Metadata,
            _ => Self::Own,
        }
    }
}

/// Returns what columns are by their names alone; nothing where none of them says what the user says.
pub fn guess_by_name(columns: &[String]) -> Option<Vec<Meaning>> {
    let says = |name: &String| matches!(Meaning::of_name(name), Meaning::Words | Meaning::Messages);
    columns.iter().any(says).then(|| guess(columns, &[]))
}

/// Guesses what columns are, from what columns of these names were before, and from the names. One of them says what the user says.
pub fn guess(columns: &[String], kept: &[(String, Meaning)]) -> Vec<Meaning> {
    // Where questions stand beside `user`, that is who asked them.
    let words = WORDS.into_iter().find_map(|word| columns.iter().position(|name| name.trim().to_lowercase() == word));
    let mut meanings: Vec<Meaning> = Vec::with_capacity(columns.len());
    for (at, name) in columns.iter().enumerate() {
        let before = kept.iter().find(|(kept, _)| kept == name).map(|(_, meaning)| *meaning);
        let by_name = || match Meaning::of_name(name) {
            Meaning::Words if words != Some(at) => Meaning::Own,
            meaning => meaning,
        };
        let meaning = before.unwrap_or_else(by_name);
        // Of two columns with one meaning the first has it.
        let is_taken = !meaning.is_for_many() && meanings.contains(&meaning);
        meanings.push(if is_taken { Meaning::Own } else { meaning });
    }
    let says_something = |meaning: &Meaning| matches!(meaning, Meaning::Words | Meaning::Messages);
    if !meanings.iter().any(says_something)
        && let Some(first) = meanings.iter_mut().find(|meaning| **meaning == Meaning::Own)
    {
        *first = Meaning::Words;
    }
    meanings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_what_was_kept_say_what_a_column_is() {
        let columns = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let found = guess(&columns(&["ID", "Question", "text", "Persona", "tags", "zip"]), &[]);
        assert_eq!(found, [Meaning::Id, Meaning::Words, Meaning::Own, Meaning::Persona, Meaning::Tags, Meaning::Own]);
        assert_eq!(guess(&columns(&["user", "Text", "question"]), &[]), [Meaning::Own, Meaning::Own, Meaning::Words]);
        assert_eq!(guess(&columns(&["user", "question"]), &[("user".to_owned(), Meaning::Words)])[0], Meaning::Words);
        assert_eq!(guess(&columns(&["Frage", "Land"]), &[]), [Meaning::Words, Meaning::Own]);
        assert_eq!(guess_by_name(&columns(&["Frage", "Land"])), None);
        assert_eq!(guess_by_name(&columns(&["Land", "Question"])), Some(vec![Meaning::Own, Meaning::Words]));
        let kept = [("Frage".to_owned(), Meaning::LeaveOut), ("Land".to_owned(), Meaning::Words)];
        assert_eq!(guess(&columns(&["Frage", "Land"]), &kept), [Meaning::LeaveOut, Meaning::Words]);
        for (meaning, key) in Meaning::ALL {
            assert_eq!((Meaning::of_key(key), meaning.key()), (Some(meaning), key));
        }
    }

    proptest! {
        #[test]
        fn no_two_columns_are_the_same_thing(names in prop::collection::vec("id|text|input|tags|labels|a|b", 0..8)) {
            let found = guess(&names, &[]);
            prop_assert_eq!(found.len(), names.len());
            for (at, meaning) in found.iter().enumerate() {
                prop_assert!(meaning.is_for_many() || !found[..at].contains(meaning));
            }
        }
    }
}
