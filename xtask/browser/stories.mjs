// All stories, in the order in which they run.

import { crawl, prefixed } from "./stories/crawl.mjs";
import { demo } from "./stories/demo.mjs";
import { interleavings } from "./stories/editing.mjs";
import { identity } from "./stories/identity.mjs";
import { interrupted } from "./stories/interrupted.mjs";
import { keys, reader } from "./stories/keys.mjs";
import { people, withoutScript } from "./stories/people.mjs";
import { review, reviewWithoutScript } from "./stories/review.mjs";
import { testing, testingWithoutScript } from "./stories/testing.mjs";

export const stories = [
  crawl,
  demo,
  people,
  withoutScript,
  testing,
  testingWithoutScript,
  review,
  reviewWithoutScript,
  identity,
  prefixed,
  reader,
  keys,
  interrupted,
  interleavings,
];
