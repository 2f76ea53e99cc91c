//! Texts that are hard to write down, and the ways in which JavaScript writes them.

use super::random::Random;

/// What texts are put together of.
const PIECES: &[&str] = &[
    "You help in a shop.",
    "one",
    "two",
    " ",
    "\n",
    "\n\n",
    "\t",
    "\r",
    "\r\n",
    "\\",
    "\\\\",
    "`",
    "${",
    "$",
    "{",
    "}",
    "'",
    "\"",
    "${process.env.HOME}",
    "\\n",
    "\\u",
    "\\x41",
    "*/",
    "/*",
    "//",
    "</script>",
    "<!--",
    "\0",
    "7",
    "\u{b}",
    "\u{85}",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "😀",
    "e\u{301}",
    "ß",
    "İ",
    "\u{1b}[31m",
    "\u{7f}",
    "%s",
    "$&",
    "$1",
    "=======",
];

/// Returns a text.
pub(super) fn text(random: &mut Random) -> String {
    let count = 1 + random.below(6);
    (0..count).map(|_| random.one_of(PIECES)).collect()
}

/// Returns a literal with a text, in any of the ways to write it.
pub(super) fn literal(random: &mut Random, text: &str) -> String {
    let quote = random.one_of(&['\'', '"', '`']);
    let body = body(random, text, quote);
    format!("{quote}{body}{quote}")
}

/// Returns what stands between the quotes.
pub(super) fn body(random: &mut Random, text: &str, quote: char) -> String {
    let mut body = String::new();
    // How eager this literal is to write with an escape what needs none.
    let eagerness = random.one_of(&[2, 10, 1000]);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let follows = rest.peek().copied().unwrap_or(' ');
        if random.once_in(eagerness * 4) {
            body.push_str(random.one_of(&["\\\n", "\\\r\n", "\\\u{2028}"]));
        }
        let must = match character {
            '\\' => true,
            '\n' => quote != '`',
            '\r' => quote != '`' || !random.once_in(8),
            '$' => quote == '`' && follows == '{',
            '{' => quote == '`' && body.ends_with('$'),
            _ => character == quote,
        };
        if must || random.once_in(eagerness) {
            body.push_str(&escaped(random, character, follows));
        } else {
            body.push(character);
        }
    }
    body
}

fn escaped(random: &mut Random, character: char, follows: char) -> String {
    let code = u32::from(character);
    let simple = match character {
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        '\u{b}' => Some("\\v"),
        '\u{8}' => Some("\\b"),
        '\u{c}' => Some("\\f"),
        '\0' if !follows.is_ascii_digit() => Some("\\0"),
        _ => None,
    };
    // A backslash before any other character is the character.
    let is_itself = !character.is_ascii_alphanumeric() && !character.is_control() && !"\u{2028}\u{2029}".contains(character);
    match random.below(5) {
        0 | 1 if simple.is_some() => simple.unwrap_or_default().to_owned(),
        0 | 1 if is_itself => format!("\\{character}"),
        2 if code <= 0xff => format!("\\x{code:02X}"),
        3 => {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        _ => format!("\\u{{{code:x}}}"),
    }
}
