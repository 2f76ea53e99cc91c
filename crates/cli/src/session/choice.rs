//! Which of the server's things a person means by an id or a name.

use crate::shell::failure::Failure;
use crate::shell::visible::visible_line;

/// Returns the thing with that id, else the only one with that name, else the only one whose name differs in case only.
pub(crate) fn one<T>(
    things: Vec<T>,
    typed: &str,
    what: &str,
    server: &str,
    id: impl Fn(&T) -> &str,
    name: impl Fn(&T) -> &str,
) -> Result<T, Failure> {
    let lower = typed.to_lowercase();
    let tests: [&dyn Fn(&T) -> bool; 3] =
        [&|thing| id(thing) == typed, &|thing| name(thing) == typed, &|thing| name(thing).to_lowercase() == lower];
    for test in tests {
        let found: Vec<usize> = things.iter().enumerate().filter(|(_, thing)| test(thing)).map(|(index, _)| index).collect();
        match found.as_slice() {
            [] => {}
            [index] => return things.into_iter().nth(*index).ok_or_else(|| missing(typed, what, server)),
            several => {
                let ids: Vec<String> = several.iter().map(|index| visible_line(id(&things[*index]))).collect();
                return Err(Failure::Usage {
                    message: format!("{server} has {} {what}s called {typed:?}", several.len()),
                    hint: Some(format!("name one by its id: {}", ids.join(", "))),
                });
            }
        }
    }
    Err(missing(typed, what, server))
}

fn missing(typed: &str, what: &str, server: &str) -> Failure {
    Failure::NotFound {
        message: format!("no {what} {typed:?} on {server} that the key can access"),
        hint: Some(format!("`keepstep {what}s list` shows what is there")),
    }
}
