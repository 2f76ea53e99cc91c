// Loaded before the installed lua-cli: prints its commands and options as JSON in place of running one.
const path = require('node:path');
const from = path.join(path.dirname(process.argv[1]), '..', 'lua-cli');
const { Command } = require(require.resolve('commander', { paths: [from] }));

function walk(command, way) {
  const options = command.options.map((option) => ({
    names: [option.short, option.long].filter(Boolean),
    takes_value: Boolean(option.required || option.optional),
    choices: option.argChoices ?? [],
  }));
  return [{ path: way, options }, ...command.commands.flatMap((inner) => walk(inner, [...way, inner.name()]))];
}

for (const method of ['parse', 'parseAsync']) {
  Command.prototype[method] = function printed() {
    process.stdout.write(JSON.stringify(walk(this, [])));
    process.exit(0);
  };
}
