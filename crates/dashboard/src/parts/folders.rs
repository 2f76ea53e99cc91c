//! Names with `/` are folders: a list shows one level of them, and each level has an address.

use std::collections::BTreeMap;

use keepstep_http::addresses::segment;

use crate::error_page::PageError;
use crate::parts::visible::Visible;

/// How many rows of a level are on a page.
const ROWS: usize = 100;

/// One page of one level of a list.
pub(crate) struct FolderPage<'t, T> {
    /// The way to the folder that is open, which is the last one, each with its address; none at the top.
    pub(crate) crumbs: Vec<(Visible, String)>,
    /// The folders in it.
    pub(crate) folders: Vec<FolderRow>,
    /// What is in it and in no folder of it, each with the rest of its name.
    pub(crate) items: Vec<(&'t T, Visible)>,
    /// The address of the page before.
    pub(crate) earlier: Option<String>,
    /// The address of the page after.
    pub(crate) later: Option<String>,
}

/// A folder.
pub(crate) struct FolderRow {
    /// Its name, without those above.
    pub(crate) name: Visible,
    /// The address of the list with it open.
    pub(crate) href: String,
    /// How much is in it and in its folders.
    pub(crate) count: usize,
}

/// Returns a page of the level that an address asks for, of a list in the order of its names. `base` is the address of the list without
/// any folder; `place` is where on the page the list is.
///
/// # Errors
/// Nothing is in that folder.
pub(crate) fn open<'t, T>(
    all: &'t [T],
    name: impl Fn(&T) -> &str,
    (base, place): (&str, &str),
    folder: Option<&str>,
    number: Option<&str>,
) -> Result<FolderPage<'t, T>, PageError> {
    let folder = folder.unwrap_or_default();
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let mut items = Vec::new();
    for item in all {
        let (of_item, rest) = parts(name(item));
        if of_item == folder {
            items.push((item, rest));
        } else if let Some(below) = below(folder, &of_item) {
            let first = below.split('/').next().unwrap_or_default();
            *folders.entry(first.to_owned()).or_default() += 1;
        }
    }
    if !folder.is_empty() && folders.is_empty() && items.is_empty() {
        return Err(PageError::NotFound);
    }
    let address = |folder: &str, page: usize| {
        let folder = if folder.is_empty() { String::new() } else { format!("folder={}", segment(folder)) };
        let page = if page > 1 { format!("page={page}") } else { String::new() };
        let query: Vec<String> = [folder, page].into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}{mark}{}{place}", query.join("&"))
    };
    let inside = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let rows = folders.len() + items.len();
    let pages = rows.div_ceil(ROWS).max(1);
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(1).clamp(1, pages);
    let first = (number - 1) * ROWS;
    let (skipped, of_folders) = (first.saturating_sub(folders.len()), first.min(folders.len()));
    let shown: Vec<FolderRow> = folders
        .iter()
        .skip(of_folders)
        .take(ROWS)
        .map(|(name, count)| FolderRow { name: Visible::of(name), href: address(&inside(name), 1), count: *count })
        .collect();
    let left = ROWS - shown.len();
    Ok(FolderPage {
        crumbs: crumbs(folder).map(|(name, path)| (Visible::of(name), address(path, 1))).collect(),
        folders: shown,
        items: items.into_iter().skip(skipped).take(left).map(|(item, rest)| (item, Visible::of(rest))).collect(),
        earlier: (number > 1).then(|| address(folder, number - 1)),
        later: (number < pages).then(|| address(folder, number + 1)),
    })
}

/// Returns true if a name is in a folder or in one of its folders; every name is in the one without a name.
pub(crate) fn is_inside(name: &str, folder: &str) -> bool {
    let (of_item, _) = parts(name);
    of_item == folder || below(folder, &of_item).is_some()
}

/// Returns the way to a folder, as [`open`] does it: each folder with its address in the list.
pub(crate) fn crumbs_to(folder: &str, base: &str) -> Vec<(Visible, String)> {
    crumbs(folder).map(|(name, path)| (Visible::of(name), format!("{base}?folder={}", segment(path)))).collect()
}

/// Returns the folder of a name and the rest of it. A name of which a part is empty is in no folder.
fn parts(name: &str) -> (String, &str) {
    let parts: Vec<&str> = name.split('/').map(str::trim).collect();
    match parts.split_last() {
        Some((last, folders)) if !folders.is_empty() && parts.iter().all(|part| !part.is_empty()) => (folders.join("/"), last),
        _ => (String::new(), name),
    }
}

/// Returns what is below a folder in the path of another one.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// Returns each folder of a path with its name.
fn crumbs(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.filter(|end| *end > 0).map(|end| (path[..end].rsplit('/').next().unwrap_or_default(), &path[..end]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Folders with counts, what is beside them, and the page.
    type Level = (Vec<String>, Vec<String>, FolderPage<'static, String>);

    fn level(names: &[&str], folder: &str, page: &str) -> Result<Level, PageError> {
        let names: &'static [String] = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().leak();
        let page = open(names, String::as_str, ("/list", "#all"), Some(folder), Some(page))?;
        let folders = page.folders.iter().map(|row| format!("{} {}", row.name.plain(), row.count)).collect();
        let items = page.items.iter().map(|(_, rest)| rest.plain().to_owned()).collect();
        Ok((folders, items, page))
    }

    #[test]
    fn a_name_is_in_its_folder_and_in_those_above() {
        for (name, folder, is_in) in [
            ("support/billing/EU", "support", true),
            ("support/billing/EU", "support/billing", true),
            ("support/billing/EU", "", true),
            ("support/billing/EU", "supp", false),
            ("supporters/One", "support", false),
            ("support", "support", false),
            ("https://support", "https:", false),
        ] {
            assert_eq!(is_inside(name, folder), is_in, "{name} in {folder}");
        }
        let crumbs = crumbs_to("a b/c", "/changes");
        let crumbs: Vec<_> = crumbs.iter().map(|(name, href)| (name.plain(), href.as_str())).collect();
        assert_eq!(crumbs, [("a b", "/changes?folder=a%20b"), ("c", "/changes?folder=a%20b%2Fc")]);
    }

    #[test]
    fn a_level_has_folders_with_counts_and_what_is_in_none_of_them() {
        let names =
            ["Shop", "support/Refunds", "support/billing/EU", "support/billing/US", "supporters/One", " support / Spaced "];
        let (folders, items, page) = level(&names, "", "1").unwrap();
        assert_eq!((folders, items), (vec!["support 4".to_owned(), "supporters 1".to_owned()], vec!["Shop".to_owned()]));
        assert_eq!((page.folders[0].href.as_str(), page.crumbs.len()), ("/list?folder=support#all", 0));
        let (folders, items, page) = level(&names, "support", "1").unwrap();
        assert_eq!((folders, items), (vec!["billing 2".to_owned()], vec!["Refunds".to_owned(), "Spaced".to_owned()]));
        assert_eq!(page.folders[0].href, "/list?folder=support%2Fbilling#all");
        let (folders, items, page) = level(&names, "support/billing", "1").unwrap();
        assert_eq!((folders.len(), items), (0, vec!["EU".to_owned(), "US".to_owned()]));
        let crumbs: Vec<_> = page.crumbs.iter().map(|(name, href)| (name.plain(), href.as_str())).collect();
        assert_eq!(crumbs, [("support", "/list?folder=support#all"), ("billing", "/list?folder=support%2Fbilling#all")]);
        for nothing in ["supp", "support/", "/support", "other"] {
            assert!(matches!(level(&names, nothing, "1"), Err(PageError::NotFound)), "{nothing}");
        }
    }

    #[test]
    fn a_name_with_an_empty_part_is_in_no_folder() {
        for name in ["", "/", "/a", "a/", "a//b", "a/ /b", "https://x"] {
            let (folders, items, _) = level(&[name], "", "1").unwrap();
            assert_eq!((folders.len(), items), (0, vec![name.to_owned()]));
        }
    }

    #[test]
    fn a_long_level_has_pages() {
        let names: Vec<String> = (0..1000)
            .map(|number| format!("{}agent {number:04}", if number < 150 { format!("f{number:03}/") } else { String::new() }))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut seen = Vec::new();
        for number in 1..=10 {
            let (folders, items, page) = level(&names, "", &number.to_string()).unwrap();
            assert_eq!(folders.len() + items.len(), 100);
            assert_eq!((page.earlier.is_some(), page.later.is_some()), (number > 1, number < 10));
            seen.extend(folders);
            seen.extend(items);
        }
        assert!(seen.is_sorted_by_key(|name| !name.starts_with('f')), "folders come first");
        assert_eq!((seen[149].as_str(), seen[150].as_str(), seen[999].as_str()), ("f149 1", "agent 0150", "agent 0999"));
        for (odd, as_is) in [("0", "1"), ("99", "10"), ("x", "1"), ("-1", "1")] {
            assert_eq!(level(&names, "", odd).unwrap().1, level(&names, "", as_is).unwrap().1, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn everything_is_in_one_place(names in prop::collection::vec("[a-c/ ]{0,6}", 0..30)) {
            let mut found = Vec::new();
            let mut folders = vec![String::new()];
            while let Some(folder) = folders.pop() {
                let page = open(&names, String::as_str, ("/", ""), Some(&folder), None).ok().unwrap();
                found.extend(page.items.iter().map(|(name, _)| (*name).clone()));
                for row in &page.folders {
                    let inside = if folder.is_empty() { row.name.plain().to_owned() } else { format!("{folder}/{}", row.name.plain()) };
                    folders.push(inside);
                }
            }
            found.sort();
            let mut all = names.clone();
            all.sort();
            prop_assert_eq!(found, all);
        }
    }
}
