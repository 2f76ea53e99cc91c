// Somebody at a command line, with an agent whose persona is code.

import { readFile } from "node:fs/promises";

const source = (name, persona) => `import { LuaAgent } from 'lua-cli';

export const agent = new LuaAgent({
  name: '${name}',
  persona: \`${persona}\`,
});
`;

const MARKED = /<<<<<<< code\n([\s\S]*?)\|\|\|\|\|\|\| base\n[\s\S]*?=======\n([\s\S]*?)>>>>>>> server\n?/g;

export class Terminal {
  // Creates an agent with a persona that is published.
  static async withAgent(world, key, name, persona) {
    const terminal = new Terminal();
    Object.assign(terminal, { world, key, name, folder: `agents/${name}` });
    await world.write(`${terminal.folder}/.gitignore`, "node_modules\n");
    await terminal.run(["init", "agent", ".", "--name", name]);
    await terminal.write(persona);
    await terminal.run(["push", "persona", "--force"]);
    const [, id] = /agentId:\s*["']?([^\s"']+)/.exec(await readFile(world.path(`${terminal.folder}/lua.skill.yaml`), "utf8"));
    terminal.agent = id;
    return terminal;
  }

  run(args, options = {}) {
    return this.world.run(args, { cwd: this.world.path(this.folder), key: this.key, ...options });
  }

  // Runs a command that may end with 4: there is something to decide.
  async tries(args) {
    const { child, ended } = this.world.start(args, { cwd: this.world.path(this.folder), key: this.key });
    child.stdin.end();
    const output = await ended;
    if (![0, 4].includes(output.code)) {
      throw new Error(`\`keepstep ${args.join(" ")}\` exited with ${output.code}\n${output.stdout}${output.stderr}`);
    }
    return output;
  }

  async text() {
    return /persona: `([\s\S]*?)`/.exec(await readFile(this.world.path(`${this.folder}/src/index.ts`), "utf8"))[1];
  }

  write(persona) {
    return this.world.write(`${this.folder}/src/index.ts`, source(this.name, persona));
  }

  // Keeps both sides wherever a merge marked some.
  async decide() {
    await this.write((await this.text()).replace(MARKED, "$1$2"));
  }
}
