//! The files that pages refer to. They are in the binary; a hash of the content is in the address, so a browser keeps
//! one for ever and asks for the next as soon as it changes.
//!
//! A module imports another one by its name in the folder, which becomes its address here. Each file is compressed once, when the first of them is asked for, as small as it gets: with zstd for browsers that take it, and with gzip.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::HeaderMap;
use include_dir::{Dir, File, include_dir};
use keepstep_base::Digest;
use keepstep_http::packing::{Effort, Packing};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// The files by their names in the folder.
static ASSETS: LazyLock<HashMap<&str, Asset>> = LazyLock::new(|| {
    let mut assets = HashMap::new();
    FOLDER.files().for_each(|file| add(file, &mut assets));
    assets
});

/// Adds a file, after those that it imports. No file imports itself in a circle.
fn add(file: &'static File<'static>, assets: &mut HashMap<&'static str, Asset>) {
    let Some(name) = file.path().to_str().filter(|name| !assets.contains_key(name)) else { return };
    let mut content = file.contents().to_vec();
    if let Some(mut text) = file.contents_utf8().filter(|_| name.ends_with(".js")).map(str::to_owned) {
        for (imported, path) in FOLDER.files().filter_map(|file| Some((file, file.path().to_str()?))) {
            let import = format!("from \"./{path}\"");
            if text.contains(&import) {
                add(imported, assets);
                let address = assets.get(path).map_or("", |asset| &asset.path);
                text = text.replace(&import, &format!("from \"./{}\"", address.trim_start_matches("/assets/")));
            }
        }
        content = text.into_bytes();
    }
    assets.extend(Asset::of(name, content).map(|asset| (name, asset)));
}

/// One file.
pub(crate) struct Asset {
    path: String,
    /// What it is, for the header.
    pub(crate) media_type: &'static str,
    /// Its bytes.
    content: Vec<u8>,
    /// Its bytes in the forms that are smaller.
    packed: Vec<(Packing, Vec<u8>)>,
}

impl Asset {
    /// Returns a file with its address; nothing for one that no page can refer to.
    fn of(name: &str, content: Vec<u8>) -> Option<Self> {
        let (stem, extension) = name.split_once('.')?;
        let media_type = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let hash = Digest::of_bytes(&content).to_string();
        // One that cannot be packed is sent as it is.
        let packed = Packing::ALL.into_iter().filter_map(|packing| Some((packing, packing.pack(&content, Effort::Best).ok()?)));
        let packed = packed.filter(|(_, bytes)| bytes.len() < content.len()).collect();
        Some(Self { path: format!("/assets/{stem}.{}.{extension}", &hash[..16]), media_type, content, packed })
    }

    /// Returns the bytes for a browser, and how they are packed if they are.
    pub(crate) fn for_browser(&'static self, headers: &HeaderMap) -> (Option<Packing>, &'static [u8]) {
        let packed = self.packed.iter().find(|(packing, _)| packing.is_taken(headers));
        packed.map_or((None, &self.content), |(packing, bytes)| (Some(*packing), bytes))
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

/// Returns the style sheet itself, for a file that stands alone.
pub(crate) fn stylesheet_text() -> &'static str {
    ASSETS.get("style.css").and_then(|asset| std::str::from_utf8(&asset.content).ok()).unwrap_or_default()
}

/// Returns the address of the icon.
pub(crate) fn icon() -> &'static str {
    address("icon.svg")
}

/// Returns the address of the module that tells when a page is out of date.
pub(crate) fn script() -> &'static str {
    address("live.js")
}

/// Returns the address of the module that brings the page of a test up to date.
pub(crate) fn watcher() -> &'static str {
    address("watch.js")
}

/// Returns the address of the module that keeps what somebody types.
pub(crate) fn editor() -> &'static str {
    address("editor.js")
}

/// Returns the address of the module that every page has.
pub(crate) fn page_script() -> &'static str {
    address("page.js")
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
        for entry in
            ["templates", "src", "src/pages", "src/parts", "assets"].map(|name| std::fs::read_dir(folder.join(name)).unwrap())
        {
            for file in entry.map(|entry| entry.unwrap().path()).filter(|path| path.is_file() && !path.ends_with("style.css")) {
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
    fn a_module_imports_another_one_by_its_address() {
        for asset in ASSETS.values().filter(|asset| asset.path.ends_with(".js")) {
            let text = std::str::from_utf8(&asset.content).unwrap();
            for import in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(found(import).is_some(), "{} imports {import}", asset.path);
            }
        }
    }

    #[test]
    fn a_file_is_sent_packed_to_a_browser_that_takes_it() {
        let style = found(stylesheet().strip_prefix("/assets/").unwrap()).unwrap();
        let given = |accepted: &str| {
            style.for_browser(&HeaderMap::from_iter([("accept-encoding".parse().unwrap(), accepted.parse().unwrap())]))
        };
        assert_eq!(given(""), (None, style.content.as_slice()));
        for (accepted, packing) in [("gzip, zstd", Packing::Zstd), ("gzip", Packing::Gzip)] {
            let (used, packed) = given(accepted);
            assert_eq!(used, Some(packing));
            assert!(packed.len() * 3 < style.content.len(), "{}", packed.len());
        }
    }

    #[test]
    fn every_file_of_the_folder_has_an_address_with_its_hash() {
        assert_eq!(ASSETS.len(), FOLDER.files().count());
        assert_eq!(FOLDER.dirs().count(), 0);
        for name in [stylesheet(), icon(), script(), watcher(), editor(), page_script()] {
            let asset = found(name.strip_prefix("/assets/").unwrap()).unwrap();
            assert_eq!(name.split('.').nth(1), Some(&Digest::of_bytes(&asset.content).to_string()[..16]));
        }
    }
}
