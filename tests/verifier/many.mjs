// Answers many commands in one process: a JSON array of words a line, and [exit code, printed text] for each.

import { createInterface } from "node:readline";

import { run } from "./verifier.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const { code, printed } = run(JSON.parse(line));
  console.log(JSON.stringify([code, printed]));
}
