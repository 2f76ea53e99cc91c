//! The modules that stand in place of packages.

use std::collections::BTreeSet;

use super::strip::{ALL, PackageImport};

/// What the names of these modules begin with. No path and no package begins so.
const PREFIX: &str = "keepstep:package/";

/// Returns the name of the module that stands in place of a package for one importer.
///
/// A module must say which names it exports before anything runs. Each importer gets a module of its own, which exports
/// what this importer wants; the values behind the names are the same for all.
pub(super) fn module_name(specifier: &str, importer: usize) -> String {
    format!("{PREFIX}{specifier}#{importer}")
}

/// Returns the specifier and the importer that a module's name was made of, or `None` for another module.
pub(super) fn parse_module_name(name: &str) -> Option<(&str, usize)> {
    let (specifier, importer) = name.strip_prefix(PREFIX)?.rsplit_once('#')?;
    Some((specifier, importer.parse().ok()?))
}

/// Returns the text of the module that stands in place of a package, for what one importer wants of it.
///
/// `all` are the names of everything that the package exports, for an importer that passes all of that on: they have to be known
/// before anything runs.
pub(super) fn module_text(specifier: &str, importer: &str, import: Option<&PackageImport>, all: &[String]) -> String {
    let passes_on = import.is_some_and(|import| import.passes_on);
    let wanted = import.map_or(&[][..], |import| &import.names);
    let names: BTreeSet<&str> = wanted.iter().chain(all).map(String::as_str).collect();
    let literal = |text: &str| serde_json::Value::from(text).to_string();
    let (specifier, importer) = (literal(specifier), literal(importer));
    let mut text =
        format!("const [d,n]=globalThis.__keepstep.view({importer},{specifier});export default d;export{{n as \"{ALL}\"}};\n");
    for (index, name) in names.into_iter().enumerate() {
        // `then` is taken, see below; nothing that a definition uses has this name.
        if name == "default" || name == "then" || name == ALL {
            continue;
        }
        let name = literal(name);
        text.push_str(&format!("const v{index}=n[{name}];export{{v{index} as {name}}};\n"));
    }
    // `import('zod')` resolves with what this function hands on, and so with a value that has every member. A static
    // import never sees it, but a module that passes everything on would.
    if !passes_on {
        text.push_str("export function then(done){done(n)}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_module_reads_back() {
        assert_eq!(parse_module_name(&module_name("@a/b#c", 17)), Some(("@a/b#c", 17)));
        assert_eq!(parse_module_name("/p/a.ts"), None);
    }

    #[test]
    fn a_module_exports_each_name_once() {
        let names = ["z", "default", "z", "a-b"].map(str::to_owned).to_vec();
        let import = PackageImport { specifier: "zod".to_owned(), names, passes_on: false };
        insta::assert_snapshot!(module_text("zod", "/p/a.ts", Some(&import), &["y".to_owned()]), @r#"
        const [d,n]=globalThis.__keepstep.view("/p/a.ts","zod");export default d;export{n as "*all"};
        const v0=n["a-b"];export{v0 as "a-b"};
        const v2=n["y"];export{v2 as "y"};
        const v3=n["z"];export{v3 as "z"};
        export function then(done){done(n)}
        "#);
    }
}
