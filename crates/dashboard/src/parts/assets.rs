//! The files that pages refer to. They are in the binary; a hash of the content is in the address, so a browser keeps
//! one for ever and asks for the next as soon as it changes.

use std::sync::LazyLock;

use keepstep_base::Digest;

/// One file.
pub(crate) struct Asset {
    path: String,
    /// What it is, for the header.
    pub(crate) media_type: &'static str,
    /// Its bytes.
    pub(crate) content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = Digest::of_bytes(content.as_bytes()).to_string();
        Self { path: format!("/assets/{stem}.{}.{extension}", &hash[..16]), media_type, content }
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("../../assets/style.css")));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", "text/javascript; charset=utf-8", include_str!("../../assets/live.js")));

/// Returns the address of the style sheet.
pub(crate) fn stylesheet() -> &'static str {
    &STYLE.path
}

/// Returns the address of the icon.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// Returns the address of the module that tells when a page is out of date.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// Returns the file of an address below `/assets/`.
pub(crate) fn found(file: &str) -> Option<&'static Asset> {
    [&*STYLE, &*ICON, &*SCRIPT].into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(file))
}
