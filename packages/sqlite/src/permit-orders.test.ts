import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createHeed, definePolicy, keyring, newKey, systemClock } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Told } from "../test/actor.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

/** Every way to shuffle sequences together that keeps the order within each. */
function interleavings<T>(sequences: readonly (readonly T[])[]): readonly (readonly T[])[] {
  if (sequences.every((sequence) => sequence.length === 0)) return [[]];
  return sequences.flatMap(([first, ...rest], index) =>
    first === undefined
      ? []
      : interleavings(sequences.map((each, at) => (at === index ? rest : each))).map((order) => [
          first,
          ...order,
        ]),
  );
}

/** A process that does one whole transaction after another, each when it is told. */
function startActor(file: string, keys: string) {
  const child = spawn(process.execPath, [
    "-C",
    "@heed/source",
    fileURLToPath(new URL("../test/actor.ts", import.meta.url)),
    file,
    keys,
  ]);
  onTestFinished(() => void child.kill("SIGKILL"));
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "exit").then(() => ({ done: true as const, value: undefined }));
  return async (told: Told): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(told)}\n`);
    const next = await Promise.race([lines.next(), ended]);
    if (next.done) throw new Error(`The actor has ended. ${complaint}`);
    return JSON.parse(next.value) as Record<string, unknown>;
  };
}

type Act = { readonly by: "sender" | "other"; readonly what: Told["act"]; readonly message: string };

const firstMessage: readonly Act[] = (["take", "hand-over", "settle"] as const).map((what) => ({
  by: "sender",
  what,
  message: "first",
}));
const secondMessage: readonly Act[] = (["take", "hand-over"] as const).map((what) => ({
  by: "other",
  what,
  message: "second",
}));
const optOut: readonly Act[] = [{ by: "other", what: "unsubscribe", message: "" }];
const orders = interleavings([firstMessage, secondMessage, optOut]);

describe("two processes on one file", () => {
  it.each(["news", "all"] as const)(
    "let nothing leave after an unsubscribe from %s was answered, in every order",
    { timeout: 60_000 },
    async (topic) => {
      expect(orders).toHaveLength(60);
      const file = temporaryFile();
      const keys = newKey();
      const storage = sqlite(file);
      onTestFinished(() => storage.close());
      const heed = createHeed({
        policy: definePolicy({
          controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
          purposes: { news: { basis: "consent" } },
          topics: { news: { class: "marketing", purpose: "news" } },
        }),
        storage,
        keys: keyring(keys),
      });
      const actors = { sender: startActor(file, keys), other: startActor(file, keys) };
      for (const [index, order] of orders.entries()) {
        const email = `order${index}@example.org`;
        await heed.subscriptions.subscribe({
          subject: { email },
          topic: "news",
          evidence: { noticeVersion: "1" },
        });
        await new Promise((resolve) => setTimeout(resolve, 2));
        const name = order.map(({ what, message }) => `${what} ${message}`.trim()).join(", ");
        const left = new Map<string, "before" | "after">();
        const handingOver = new Set<string>();
        let isAnswered = false;
        let inFlight: unknown;
        for (const { by, what, message } of order) {
          const key = `${message}-${index}`;
          if (what === "unsubscribe") {
            inFlight = (await actors[by]({ act: "unsubscribe", email, topic }))["inFlight"];
            isAnswered = true;
            expect(inFlight, name).toBe(handingOver.size);
            continue;
          }
          const answer = await actors[by](
            what === "take" ? { act: "take", email, message: key } : { act: what, message: key },
          );
          if (what === "take") expect(answer["allowed"], name).toBe(!isAnswered);
          if (what === "hand-over" && answer["handedOver"] === true) {
            left.set(message, isAnswered ? "after" : "before");
            handingOver.add(message);
          }
          if (what === "settle") handingOver.delete(message);
        }
        expect([...left.values()], name).not.toContain("after");
      }
      // What was already handing over is recorded as such: once in its permit, once as evidence.
      const recorded = await storage.transact({
        lock: [],
        clock: systemClock,
        read: {
          permits: { from: "permits", where: { optedOutAt: { isNull: false } } },
          evidence: { from: "evidence", where: {} },
        },
        decide: ({ permits, evidence }) => ({
          writes: [],
          answer: {
            late: permits.filter((permit) => permit.state !== "revoked").length,
            evidence: evidence.filter((row) => row.entry.includes("message.in-flight")).length,
          },
        }),
      });
      // Orders in which the opt-out falls after a hand-over: counted by hand from the sixty.
      const expected = orders.flatMap((order) => {
        const at = (what: string, message: string) =>
          order.findIndex((act) => act.what === what && act.message === message);
        const out = at("unsubscribe", "");
        const first = at("hand-over", "first") < out && out < at("settle", "first");
        return [first, at("hand-over", "second") < out].filter(Boolean);
      }).length;
      expect(recorded).toEqual({ late: expected, evidence: expected });
    },
  );
});
