import { RejectedError, UnavailableError } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { answerEach } from "./answer-each.ts";

const calls = [{ id: "a" }, { id: "b" }, { id: "c" }] as const;
const about = { processor: "stripe-tokens", operation: "forgetTokens" } as const;

describe("answerEach", () => {
  it("keeps each answer with its call, in whatever order they come", async () => {
    const waits = { a: 3, b: 2, c: 1 };
    const ended: string[] = [];
    const answers = await answerEach(calls, async ({ id }) => {
      for (let left = waits[id]; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
      ended.push(id);
      return `for ${id}`;
    });
    expect(ended).toEqual(["c", "b", "a"]);
    expect(Object.fromEntries(answers)).toEqual({ a: "for a", b: "for b", c: "for c" });
  });

  it("leaves out a call that the vendor failed", async () => {
    const answers = await answerEach(calls, ({ id }) =>
      id === "b" ? Promise.reject(new UnavailableError("down", about)) : Promise.resolve(id),
    );
    expect([...answers.keys()]).toEqual(["a", "c"]);
  });

  it("throws the first failure when no call was answered", async () => {
    const failing = answerEach(calls, ({ id }) => Promise.reject(new RejectedError(`no ${id}`, about)));
    await expect(failing).rejects.toThrow("no a");
  });

  it("throws what is not a failed call, and only when nothing runs on", async () => {
    const lost = new Error("the lease is lost");
    const ended: string[] = [];
    const failing = answerEach(calls, async ({ id }) => {
      if (id === "a") throw lost;
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(id);
      return id;
    });
    await expect(failing).rejects.toBe(lost);
    expect(ended).toEqual(["b", "c"]);
  });
});
