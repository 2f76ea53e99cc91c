// Runs the projects that are listed on standard input and prints what Node gives the fields of their agents.
//
// Every project is bundled by esbuild with a stand-in for `lua-cli` whose `LuaAgent` keeps what it is given, and run with
// the project as the working folder. All of them share this process: starting Node costs more than a project does.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const esbuild = require(process.argv[2]);

const FIELDS = ['name', 'persona', 'model', 'governance'];

const STAND_IN = `
  export class LuaAgent {
    constructor(config) {
      globalThis.agents.push(this);
      for (const key of Object.keys(config ?? {})) {
        Object.defineProperty(this, key, { value: config[key], writable: true, enumerable: true, configurable: true });
      }
    }
  }
`;

const standIn = {
  name: 'lua-cli',
  setup(build) {
    build.onResolve({ filter: /^lua-cli/ }, () => ({ path: 'lua-cli', namespace: 'stand-in' }));
    build.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({ contents: STAND_IN, loader: 'js' }));
    // A bundle is one file; what a module says about its own place has to be written into it before.
    build.onLoad({ filter: /\.tsx?$/ }, ({ path: file }) => {
      const quoted = JSON.stringify;
      const contents = fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '')
        .replace(/import\.meta\.url/g, quoted(pathToFileURL(file).href))
        .replace(/import\.meta\.dirname|\b__dirname\b/g, quoted(path.dirname(file)))
        .replace(/import\.meta\.filename|\b__filename\b/g, quoted(file));
      return { contents, loader: 'ts', resolveDir: path.dirname(file) };
    });
  },
};

// JSON has no words for functions, and Rust none for half a character.
function plain(value) {
  if (typeof value === 'function') return { $: 'a function' };
  if (typeof value === 'string') return value.isWellFormed() ? value : { $: 'half a character' };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

async function bundled({ folder, entry }) {
  try {
    const built = await esbuild.build({
      absWorkingDir: folder, entryPoints: [path.join(folder, entry)], bundle: true, write: false, format: 'cjs',
      platform: 'node', target: 'node20', logLevel: 'silent', plugins: [standIn],
    });
    return { code: built.outputFiles[0].text };
  } catch (error) {
    return { error: `esbuild: ${error.message}` };
  }
}

function run({ folder, environment }, { code, error }) {
  if (error) return { error };
  process.chdir(folder);
  process.env = { PATH: process.env.PATH, ...environment };
  globalThis.agents = [];
  try {
    const module = { exports: {} };
    // Modules are strict, and a bundle of this format is not.
    new Function('require', 'module', 'exports', `'use strict';${code}`)(require, module, module.exports);
    if (globalThis.agents.length !== 1) return { error: `${globalThis.agents.length} agents were constructed` };
    const agent = globalThis.agents[0];
    const fields = FIELDS.map((field) => [field, plain(agent[field])]);
    return { fields: Object.fromEntries(fields.filter(([, value]) => value !== undefined && value !== null)) };
  } catch (thrown) {
    return { error: `node: ${thrown && thrown.stack || thrown}` };
  }
}

async function main() {
  const projects = JSON.parse(fs.readFileSync(0, 'utf8'));
  const answers = [];
  for (const project of projects) answers.push(run(project, await bundled(project)));
  process.stdout.write(JSON.stringify(answers));
}

main();
