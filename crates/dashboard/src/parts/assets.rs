//! The files that pages refer to. They are in the binary; a hash of the content is in the address, so a browser keeps
//! one for ever and asks for the next as soon as it changes.

use std::collections::HashMap;
use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use keepstep_base::Digest;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// The files by their names in the folder.
static ASSETS: LazyLock<HashMap<&str, Asset>> =
    LazyLock::new(|| FOLDER.files().filter_map(|file| Some((file.path().to_str()?, Asset::of(file)?))).collect());

/// One file.
pub(crate) struct Asset {
    path: String,
    /// What it is, for the header.
    pub(crate) media_type: &'static str,
    /// Its bytes.
    pub(crate) content: &'static [u8],
}

impl Asset {
    /// Returns a file with its address; nothing for one that no page can refer to.
    fn of(file: &'static File<'static>) -> Option<Self> {
        let (stem, extension) = file.path().to_str()?.split_once('.')?;
        let media_type = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let hash = Digest::of_bytes(file.contents()).to_string();
        Some(Self { path: format!("/assets/{stem}.{}.{extension}", &hash[..16]), media_type, content: file.contents() })
    }
}

/// Returns the address of a file of the folder.
fn address(name: &str) -> &'static str {
    ASSETS.get(name).map_or("", |asset| &asset.path)
}

/// Returns the address of the style sheet.
pub(crate) fn stylesheet() -> &'static str {
    address("style.css")
}

/// Returns the address of the icon.
pub(crate) fn icon() -> &'static str {
    address("icon.svg")
}

/// Returns the address of the module that tells when a page is out of date.
pub(crate) fn script() -> &'static str {
    address("live.js")
}

/// Returns the address of the module that keeps what somebody types.
pub(crate) fn editor() -> &'static str {
    address("editor.js")
}

/// Returns the file of an address below `/assets/`.
pub(crate) fn found(file: &str) -> Option<&'static Asset> {
    ASSETS.values().find(|asset| asset.path.strip_prefix("/assets/") == Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class that is renamed in a page and not here takes the form of the page with it, and nobody is told.
    #[test]
    fn every_class_of_the_stylesheet_is_on_some_page() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut pages = String::new();
        for entry in ["templates", "src", "src/pages", "src/parts"].map(|name| std::fs::read_dir(folder.join(name)).unwrap()) {
            for file in entry.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
                pages += &std::fs::read_to_string(file).unwrap();
            }
        }
        let style = std::fs::read_to_string(folder.join("assets/style.css")).unwrap();
        // Selectors stand before a brace; what follows a point and a letter in one is a class.
        let selectors = style.split('}').filter_map(|rule| rule.rsplit_once('{')).map(|(before, _)| before);
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let classes: std::collections::BTreeSet<&str> = selectors
            .flat_map(|selector| selector.split('.').skip(1))
            .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphabetic()))
            .map(|rest| &rest[..rest.find(|letter| !is_name(letter)).unwrap_or(rest.len())])
            .collect();
        assert!(classes.len() > 40, "{classes:?}");
        let is_used = |class: &&&str| pages.split(|letter| !is_name(letter)).any(|word| word == **class);
        let unused: Vec<_> = classes.iter().filter(|class| !is_used(class)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn every_file_of_the_folder_has_an_address_with_its_hash() {
        assert_eq!(ASSETS.len(), FOLDER.files().count());
        assert_eq!(FOLDER.dirs().count(), 0);
        for name in [stylesheet(), icon(), script(), editor()] {
            let asset = found(name.strip_prefix("/assets/").unwrap()).unwrap();
            assert_eq!(name.split('.').nth(1), Some(&Digest::of_bytes(asset.content).to_string()[..16]));
        }
    }
}
