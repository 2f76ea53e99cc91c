//! What a browser or a program calls itself, in the words of people.

use axum::http::{HeaderMap, header};

/// The longest name that is kept, in characters.
const LONGEST: usize = 60;

/// Browsers, each by what only it says: all of them also say what they would like to be taken for.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems; the first that is named is meant.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Returns what sent a request: `Firefox on Linux` for a browser, the first word of what it says for a program. It is a claim, and the text
/// of a stranger.
pub fn name(headers: &HeaderMap) -> String {
    let said = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    described(said.as_deref().unwrap_or_default())
}

fn described(said: &str) -> String {
    let known = |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name);
    if !said.starts_with("Mozilla/") {
        let word: String = said.split_whitespace().next().unwrap_or_default().chars().take(LONGEST).collect();
        return if word.is_empty() { "an unnamed program".to_owned() } else { word };
    }
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => "a browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs_have_names() {
        for (said, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "a browser on macOS"),
            ("Mozilla/5.0", "a browser"),
            ("keepstep/0.1.0 (linux x86_64)", "keepstep/0.1.0"),
            ("python-requests/2.32.3", "python-requests/2.32.3"),
            ("", "an unnamed program"),
        ] {
            assert_eq!(described(said), name);
        }
        assert_eq!(described(&"x".repeat(5000)).len(), LONGEST);
    }
}
