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

function told(what: Told["act"], message: string, email: string, topic: "news" | "all"): Told {
  if (what === "unsubscribe") return { act: what, email, topic };
  return what === "take" ? { act: what, email, message } : { act: what, message };
}

function answerOf(answer: Record<string, unknown>): unknown {
  if ("allowed" in answer) return answer["allowed"] === true ? "allowed" : answer["because"];
  if ("handedOver" in answer) return answer["handedOver"] === true ? "leaves" : "stopped";
  return "inFlight" in answer ? { inFlight: answer["inFlight"] } : "noted";
}

/** What must be answered in an order: nothing is allowed, and nothing leaves, once the opt-out was answered. */
function rightAnswers(order: readonly Act[]): readonly unknown[] {
  const permits = new Map<string, "given" | "revoked" | "leaving">();
  let isOut = false;
  return order.map(({ what, message }) => {
    const permit = permits.get(message);
    if (what === "unsubscribe") {
      isOut = true;
      const inFlight = [...permits.values()].filter((state) => state === "leaving").length;
      for (const [key, state] of permits) if (state === "given") permits.set(key, "revoked");
      return { inFlight };
    }
    if (what === "take") {
      if (!isOut) permits.set(message, "given");
      return isOut ? "suppressed" : "allowed";
    }
    if (what === "settle") permits.delete(message);
    if (what === "settle" || permit === undefined) return "noted";
    if (permit === "given") permits.set(message, "leaving");
    return permit === "given" ? "leaves" : "stopped";
  });
}

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
        const answers: unknown[] = [];
        for (const { by, what, message } of order) {
          answers.push(answerOf(await actors[by](told(what, `${message}-${index}`, email, topic))));
        }
        expect(answers, name).toEqual(rightAnswers(order));
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
            evidence: evidence.filter((row) => row.entry?.includes("message.in-flight")).length,
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
