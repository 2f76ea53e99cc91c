//! What a name means in another file.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Evaluated, Evaluator, ForeignUse};
use crate::modules::{Graph, Resolved, is_module};
use crate::syntax::{Binding, BindingId, BindingKind, Export, ExpressionId, ImportName, Module, Usage, spread_to_origins};
use crate::value::{Obstacle, Site, Value};
use keepstep_source::frame::Span;

/// What an import names.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Binding(Arc<Module>, BindingId),
    Expression(Arc<Module>, ExpressionId),
    /// A member of a JSON file's object.
    Member(Arc<Module>, ExpressionId, String),
    Namespace(Arc<Module>),
    Function,
    Host(Arc<str>, Vec<String>),
}

/// How many re-exports are followed.
const LONGEST_CHAIN: usize = 64;

impl Evaluator<'_> {
    /// Returns what an import of a module names.
    pub(crate) fn import(&self, module: &Arc<Module>, specifier: &str, name: &ImportName, span: Span) -> Evaluated<Target> {
        self.follow(module, specifier, name, span, LONGEST_CHAIN)
    }

    fn follow(&self, module: &Arc<Module>, specifier: &str, name: &ImportName, span: Span, left: usize) -> Evaluated<Target> {
        let site = || Site::new(module, span);
        let target = match self.module_at(module, specifier, &site())? {
            Ok(target) => target,
            Err(package) => {
                let path = match name {
                    ImportName::Named(name) => vec![name.clone()],
                    ImportName::Default | ImportName::Namespace => Vec::new(),
                };
                return Ok(Target::Host(package, path));
            }
        };
        match name {
            ImportName::Namespace => Ok(Target::Namespace(target)),
            ImportName::Default => self.exported(&target, "default", &site(), left),
            ImportName::Named(name) => self.exported(&target, name, &site(), left),
        }
    }

    /// Returns the module that a specifier names, or the package.
    pub(super) fn module_at(
        &self,
        module: &Arc<Module>,
        specifier: &str,
        site: &Site,
    ) -> Evaluated<Result<Arc<Module>, Arc<str>>> {
        let path = match self.graph.resolve(module, specifier) {
            Resolved::File(path) => path,
            Resolved::Package(package) => return Ok(Err(package)),
            Resolved::Missing => {
                return Err(Obstacle::at(site.clone(), format!("`{specifier}` cannot be found"))
                    .help("correct the path of the import, or create the file")
                    .last());
            }
            Resolved::Outside(path) => {
                let message = format!("`{specifier}` is outside of the project and its repository, at {}", path.display());
                return Err(Obstacle::at(site.clone(), message).help("move the file into the repository").last());
            }
        };
        if !is_module(&path) {
            let message = format!("`{specifier}` is not code, so importing it gives no value");
            let help = format!("read the file instead: readFileSync('{specifier}', 'utf8')");
            return Err(Obstacle::at(site.clone(), message).help(help));
        }
        match self.graph.module(&path) {
            Ok(target) => Ok(Ok(target)),
            Err(error) => Err(Obstacle::at(site.clone(), format!("`{specifier}` is of no use: {}", error.describe())).last()),
        }
    }

    /// Returns what a module exports under a name.
    pub(crate) fn export(&self, module: &Arc<Module>, name: &str) -> Evaluated<Target> {
        self.exported(module, name, &Site::new(module, Span::new(0, 0)), LONGEST_CHAIN)
    }

    fn exported(&self, module: &Arc<Module>, name: &str, site: &Site, left: usize) -> Evaluated<Target> {
        let file = || keepstep_source::display_path(&self.graph.relative(&module.file.path));
        let Some(left) = left.checked_sub(1) else {
            let message = format!("`{name}` of {} is only ever exported again, in a circle", file());
            return Err(Obstacle::at(site.clone(), message).last());
        };
        match module.exports.get(name) {
            Some(Export::Binding(binding)) => {
                return match &module.bindings[*binding].kind {
                    BindingKind::Import { specifier, name, span } => self.follow(module, specifier, name, *span, left),
                    _ => Ok(Target::Binding(Arc::clone(module), *binding)),
                };
            }
            Some(Export::Expression(expression)) => return Ok(Target::Expression(Arc::clone(module), *expression)),
            Some(Export::From { specifier, name, span }) => return self.follow(module, specifier, name, *span, left),
            Some(Export::Function) => return Ok(Target::Function),
            None => {}
        }
        let is_json = module.file.path.extension().is_some_and(|extension| extension == "json");
        if is_json && let Some(Export::Expression(expression)) = module.exports.get("default") {
            return Ok(Target::Member(Arc::clone(module), *expression, name.to_owned()));
        }
        if let Some(Export::Expression(whole)) = module.exports.get(Module::WHOLE) {
            return Ok(match name {
                "default" => Target::Expression(Arc::clone(module), *whole),
                _ => Target::Member(Arc::clone(module), *whole, name.to_owned()),
            });
        }
        if name != "default" {
            let star_name = ImportName::Named(name.to_owned());
            let mut failure = None;
            for specifier in &module.stars {
                match self.follow(module, specifier, &star_name, Span::new(0, 0), left) {
                    Ok(Target::Host(package, path)) => return Ok(Target::Host(package, path)),
                    Ok(target) => return Ok(target),
                    Err(obstacle) => failure = Some(obstacle),
                }
            }
            // With one star the reason is behind it; with several, nobody knows which was meant.
            if let (Some(obstacle), 1) = (failure, module.stars.len()) {
                return Err(obstacle);
            }
        }
        let message = match name {
            "default" => format!("{} has no default export", file()),
            "" => format!("{} exports nothing that has an empty name", file()),
            _ => format!("{} does not export `{name}`", file()),
        };
        let obstacle = Obstacle::at(site.clone(), message).help("correct the name in the import, or export it there");
        // A file without any export may be of the old kind, which assigns its exports while it runs.
        let may_assign = module.exports.is_empty() && module.stars.is_empty();
        Err(if may_assign { obstacle } else { obstacle.last() })
    }

    /// Evaluates what an import names.
    pub(super) fn target(&self, target: Target) -> Evaluated {
        match target {
            Target::Binding(module, binding) => self.binding(&module, binding, usize::MAX),
            Target::Expression(module, id) => Ok(self.with_foreign_doubt(&module, id, self.expression(&module, id)?)),
            Target::Member(module, id, key) => {
                let object = self.with_foreign_doubt(&module, id, self.expression(&module, id)?);
                self.access(&object, &key, &Site::new(&module, module.expression(id).span))
            }
            Target::Namespace(module) => Ok(Value::Namespace(module)),
            Target::Function => Ok(Value::Function),
            Target::Host(package, path) => Ok(Value::Host(package, path)),
        }
    }
}

impl ForeignUse {
    /// Collects what the importing files do with what they import. Of `users`, which the agent does not need, only what they
    /// change counts.
    pub(crate) fn of(graph: &Graph, paths: &[PathBuf], users: &[PathBuf]) -> Self {
        let nothing = Self::default();
        let evaluator = Evaluator::new(graph, &nothing);
        let mut foreign = Self::default();
        let load = |paths: &[PathBuf]| -> Vec<Arc<Module>> { paths.iter().filter_map(|path| graph.module(path).ok()).collect() };
        let (modules, users) = (load(paths), load(users));
        for module in &users {
            foreign.add_changes(&evaluator, module);
        }
        for module in &modules {
            for binding in &module.bindings {
                let BindingKind::Import { specifier, name, span } = &binding.kind else { continue };
                if matches!(graph.resolve(module, specifier), Resolved::Package(_)) {
                    continue;
                }
                match evaluator.import(module, specifier, name, *span) {
                    Ok(Target::Binding(target, id)) => foreign.add(&target, id, binding),
                    Ok(Target::Expression(target, id) | Target::Member(target, id, _)) => {
                        foreign.add_expression(&target, id, binding.usage);
                    }
                    Ok(Target::Namespace(target)) => {
                        for export in target.exports.values() {
                            match export {
                                Export::Binding(id) => foreign.add(&target, *id, binding),
                                Export::Expression(id) => foreign.add_expression(&target, *id, binding.usage),
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        foreign.spread(&modules);
        foreign
    }

    fn add(&mut self, module: &Module, id: BindingId, user: &Binding) {
        let (usage, reads) = self.by_binding.entry((module.file.path.clone(), id)).or_default();
        usage.join(user.usage);
        *reads = reads.saturating_add(user.reads);
    }

    fn add_expression(&mut self, module: &Module, id: ExpressionId, usage: Usage) {
        if usage.changed.is_some() || usage.escaped.is_some() {
            self.by_expression.entry((module.file.path.clone(), id)).or_default().join(usage);
        }
    }

    /// Notes where a file changes objects that others make.
    fn add_changes(&mut self, evaluator: &Evaluator<'_>, module: &Arc<Module>) {
        for binding in &module.bindings {
            let (BindingKind::Import { specifier, name, span }, Some(change)) = (&binding.kind, binding.usage.changed) else {
                continue;
            };
            let made: Vec<(Arc<Module>, ExpressionId)> = match evaluator.import(module, specifier, name, *span) {
                Ok(Target::Binding(target, id)) => target.value_of(id).map(|value| (target, value)).into_iter().collect(),
                Ok(Target::Expression(target, id)) => vec![(target, id)],
                Ok(Target::Namespace(target)) => {
                    let value = |export: &Export| match export {
                        Export::Binding(id) => target.value_of(*id),
                        Export::Expression(id) => Some(*id),
                        _ => None,
                    };
                    target.exports.values().filter_map(|export| Some((Arc::clone(&target), value(export)?))).collect()
                }
                _ => Vec::new(),
            };
            for (target, value) in made {
                let (home, made) = evaluator.definition(&target, value);
                let place = (home.file.path.clone(), home.expression(made).span);
                self.changes.entry(place).or_default().push(Site::new(module, change));
            }
        }
    }

    /// Returns where another file changes a member of the object that is made at a place.
    pub(crate) fn change_of(&self, module: &Module, made: Span, member: &str) -> Option<&Site> {
        let changes = self.changes.get(&(module.file.path.clone(), made))?;
        changes.iter().find(|site| site.text().contains(member))
    }

    /// Carries what other files do with an object over to the other names that it has in its own file.
    fn spread(&mut self, modules: &[Arc<Module>]) {
        // Most files are only read by others, and looking at all their names would take long in a large project.
        let used = self.by_binding.iter().filter(|(_, (usage, _))| usage.changed.is_some() || usage.escaped.is_some());
        let touched: HashSet<PathBuf> = used.map(|((path, _), _)| path.clone()).collect();
        for module in modules.iter().filter(|module| touched.contains(&module.file.path)) {
            let key = |id: BindingId| (module.file.path.clone(), id);
            let foreign = |id: BindingId| self.by_binding.get(&key(id)).map(|(usage, _)| *usage).unwrap_or_default();
            let mut usage: Vec<Usage> = (0..module.bindings.len()).map(foreign).collect();
            spread_to_origins(&mut usage, &module.aliases);
            for (id, usage) in usage.into_iter().enumerate() {
                if usage.changed.is_some() || usage.escaped.is_some() {
                    self.by_binding.entry(key(id)).or_default().0 = usage;
                }
            }
        }
    }
}
