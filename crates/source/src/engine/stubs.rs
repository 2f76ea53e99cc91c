//! The modules that stand in place of packages.

use std::collections::BTreeSet;

use super::strip::PackageImport;

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

/// What `export * from 'lua-cli'` passes on, which has to be known before anything runs. Of other packages nothing is.
const LUA_NAMES: [&str; 20] = [
    "LuaAgent",
    "LuaSkill",
    "LuaTool",
    "LuaWebhook",
    "LuaJob",
    "LuaTrigger",
    "LuaMCPServer",
    "LuaDevice",
    "LuaDeviceTrigger",
    "LuaVoice",
    "LuaVoiceTool",
    "LuaWorkflow",
    "PreProcessor",
    "PostProcessor",
    "defineDevice",
    "defineDeviceTrigger",
    "defineTrigger",
    "defineVoice",
    "defineWorkflow",
    "env",
];

/// Returns the text of the module that stands in place of a package, for what one importer wants of it.
pub(super) fn module_text(specifier: &str, import: Option<&PackageImport>) -> String {
    let passes_on = import.is_some_and(|import| import.passes_on);
    let is_lua = specifier == "lua-cli" || specifier.starts_with("lua-cli/");
    let wanted = import.map_or(&[][..], |import| &import.names).iter().map(String::as_str);
    let names: BTreeSet<&str> = wanted.chain(LUA_NAMES.into_iter().filter(|_| passes_on && is_lua)).collect();
    let specifier = serde_json::Value::from(specifier);
    let mut text = format!("const s={specifier},k=globalThis.__keepstep;export default k.namespace(s);\n");
    for (index, name) in names.into_iter().enumerate() {
        // `then` is taken, see below; nothing that a definition uses has this name.
        if name == "default" || name == "then" {
            continue;
        }
        let name = serde_json::Value::from(name);
        text.push_str(&format!("const v{index}=k.member(s,{name});export{{v{index} as {name}}};\n"));
    }
    // `import('zod')` resolves with what this function hands on, and so with a value that has every member. A static
    // import never sees it, but a module that passes everything on would.
    if !passes_on {
        text.push_str("export function then(done){done(k.namespace(s))}\n");
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
        insta::assert_snapshot!(module_text("zod", Some(&import)), @r#"
        const s="zod",k=globalThis.__keepstep;export default k.namespace(s);
        const v0=k.member(s,"a-b");export{v0 as "a-b"};
        const v2=k.member(s,"z");export{v2 as "z"};
        export function then(done){done(k.namespace(s))}
        "#);
    }
}
