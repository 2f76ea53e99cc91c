//! The modules that stand in place of packages.

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

/// Returns the text of the module that stands in place of a package and exports the names.
pub(super) fn module_text(specifier: &str, names: &[String]) -> String {
    let specifier = serde_json::Value::from(specifier);
    let mut text = format!("const s={specifier},k=globalThis.__keepstep;export default k.namespace(s);\n");
    for (index, name) in names.iter().enumerate() {
        // `then` is taken, see below; nothing that a definition uses has this name.
        if name == "default" || name == "then" || names[..index].contains(name) {
            continue;
        }
        let name = serde_json::Value::from(name.as_str());
        text.push_str(&format!("const v{index}=k.member(s,{name});export{{v{index} as {name}}};\n"));
    }
    // `import('zod')` resolves with what this function hands on, and so with a value that has every member. A static
    // import never sees it.
    text.push_str("export function then(done){done(k.namespace(s))}\n");
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
        let names = ["z", "default", "z", "a-b"].map(str::to_owned);
        insta::assert_snapshot!(module_text("zod", &names), @r#"
        const s="zod",k=globalThis.__keepstep;export default k.namespace(s);
        const v0=k.member(s,"z");export{v0 as "z"};
        const v3=k.member(s,"a-b");export{v3 as "a-b"};
        export function then(done){done(k.namespace(s))}
        "#);
    }
}
