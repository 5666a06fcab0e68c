import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { askOn } from "../src/demo/ask.ts";

/** A terminal, and what somebody types on it. */
function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  return { input, output, ask: askOn(input, output), never: new AbortController().signal };
}

it.each([
  ["y", "yes"],
  ["YES ", "yes"],
  ["", "no"],
  ["n", "no"],
  ["yes please", "no"],
] as const)("takes %j for a %s", async (typed, answer) => {
  const { input, output, ask, never } = terminal();
  const answered = ask("Do this?", never);
  input.write(`${typed}\n`);
  expect(await answered).toBe(answer);
  expect(String(output.read())).toContain("Do this? [y/N]");
});

it("takes the end of input for a no", async () => {
  const { input, ask, never } = terminal();
  const answered = ask("Do this?", never);
  input.end();
  expect(await answered).toBe("no");
});

it("asks nobody where there is no terminal, whatever comes in", async () => {
  const { input, output, ask, never } = terminal(false);
  input.end("y\n");
  expect(await ask("Do this?", never)).toBe("nobody");
  expect(output.read()).toBeNull();
});

it("asks no longer when it is interrupted", async () => {
  const { ask } = terminal();
  const interruption = new AbortController();
  const answered = ask("Do this?", interruption.signal);
  interruption.abort();
  await expect(answered).rejects.toMatchObject({ name: "AbortError" });
});
