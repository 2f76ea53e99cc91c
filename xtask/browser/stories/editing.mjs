// A persona that two people and a command line edit at once: in random orders, and one story for each thing that gets in the way.

import { equal } from "../expect.mjs";
import { Interleaving } from "../interleaving.mjs";
import { Lane } from "../lane.mjs";

const number = (name, otherwise) => Number(process.env[name] || otherwise);

// How many servers run at once.
const LANES = 2;

// How many there are when no other number is given, and in how many everything that can happen has to come up.
const USUAL = 8;
const ENOUGH = 40;
const OUTCOMES = ["kept", "saved", "asked", "merged", "mine", "theirs", "both", "ended", "elsewhere", "discarded", "back", "marked", "restarted"];

export const interleavings = {
  name: "random interleavings",
  run: async (browser) => {
    const seed = number("KEEPSTEP_SEED", 1);
    const count = number("KEEPSTEP_INTERLEAVINGS", USUAL);
    const steps = number("KEEPSTEP_STEPS", 8);
    const only = process.env.KEEPSTEP_INTERLEAVING;
    const left = only ? [Number(only)] : [...Array(count).keys()];
    let checks = 0;
    const failures = [];
    const outcomes = new Set();
    const work = async () => {
      const lane = await Lane.start(browser);
      try {
        while (left.length > 0 && failures.length === 0) {
          const interleaving = new Interleaving(lane, seed, left.shift());
          try {
            await interleaving.run(steps);
            checks += interleaving.checks;
            for (const outcome of interleaving.outcomes) outcomes.add(outcome);
          } catch (error) {
            failures.push(told(interleaving, seed, steps, error, lane));
          } finally {
            await interleaving.close();
          }
        }
      } finally {
        await lane.end();
      }
    };
    await Promise.all(Array.from({ length: Math.min(LANES, left.length) }, work));
    if (failures.length > 0) throw new Error(failures.join("\n\n"));
    if (count >= ENOUGH && !only) {
      const missing = OUTCOMES.filter((outcome) => !outcomes.has(outcome));
      equal("what never came up", missing, []);
    }
    return checks;
  },
};

function told({ index, log }, seed, steps, error, lane) {
  const again = `KEEPSTEP_SEED=${seed} KEEPSTEP_STEPS=${steps} KEEPSTEP_INTERLEAVING=${index} cargo xtask browser --only "random interleavings"`;
  return `interleaving ${index} of seed ${seed}: ${error.stack ?? error}\n\n  ${log.join("\n  ")}\n\nthe server said: ${lane.world.log}\nrun it again with: ${again}`;
}
