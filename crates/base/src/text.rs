//! Classes of characters on which every part of the program must agree, and numbers as text.

/// Adds a number in decimal. Where a number stands before every text, formatting would take longer than all the rest.
pub fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Returns true for white space as `String.prototype.trim` of ECMAScript has it: Unicode's, without U+0085 and with the
/// byte order mark.
pub fn is_javascript_white_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

/// Returns true for a character that a reader would not see and that may mean something to a terminal, a browser or a
/// model: controls, marks of direction, invisible operators, tags.
///
/// Line feeds and tabs are not among them, nor are the joiners and selectors that scripts and emoji need.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_control(),
    }
}

/// Returns true for a character that looks like a blank, or like nothing, and is none. Such a character is what makes two lines
/// differ that look the same.
///
/// Those of [`is_hidden`] are not among them, nor is the line feed.
pub fn is_like_blank(character: char) -> bool {
    match character {
        ' ' | '\n' => false,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => true,
        other => other.is_whitespace() && !is_hidden(other),
    }
}
