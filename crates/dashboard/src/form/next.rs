//! Where somebody wanted to go before they had to sign in.

/// The longest address that is kept, in bytes.
const LONGEST: usize = 2000;

/// Returns the address of a page of this server, or the front page where it is anything else: an address that a stranger made up must not
/// lead away from here once somebody has signed in.
pub(crate) fn page_of_ours(wanted: &str) -> &str {
    let is_path = wanted.starts_with('/') && !wanted.starts_with("//");
    // A browser takes a backslash for a slash, and leaves out tabs and line ends.
    let is_plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_sign_in = wanted.starts_with("/sign-in") || wanted.starts_with("/sign-out");
    if is_path && is_plain && !is_sign_in && wanted.len() <= LONGEST { wanted } else { "/" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_pages_of_this_server_are_opened() {
        for path in ["/", "/agents/a%2Fb?before=3&x=y", "/projects/p/experiments/e#turn-3", "/.//x"] {
            assert_eq!(page_of_ours(path), path);
        }
        for other in [
            "",
            "agents",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: x",
            "https://evil.example",
            "javascript:alert(1)",
            "/ä",
            "/sign-in?next=/sign-in",
            "/sign-out",
            &format!("/{}", "x".repeat(2000)),
        ] {
            assert_eq!(page_of_ours(other), "/", "{other}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_kept_stays_on_this_server(wanted in "[/\\\\a-z.:@?#%\t\n ]{0,12}") {
            let base = url::Url::parse("https://keepstep.example/deep/page").unwrap();
            let resolved = base.join(page_of_ours(&wanted)).unwrap();
            prop_assert_eq!(resolved.host_str(), Some("keepstep.example"));
        }
    }
}
