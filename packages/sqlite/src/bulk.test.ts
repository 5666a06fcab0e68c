import { createHeed, definePolicy, keyring, newKey } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {},
  purposes: { news: { basis: "consent" }, service: { basis: "contract" } },
  topics: {
    newsletter: { class: "marketing", purpose: "news" },
    alerts: { class: "service", purpose: "service" },
  },
});

function open(file: string, keys: string) {
  const heed = createHeed({ policy, storage: sqlite(file), keys: keyring(keys) });
  onTestFinished(() => heed.close());
  return heed;
}

function* people(count: number) {
  for (let n = 0; n < count; n += 1)
    yield { subject: { email: `person-${n}@example.org` }, topic: "newsletter" as const };
}

describe("a bulk on SQLite", () => {
  it("lets a single call of the same process wait for one of its transactions at most", async () => {
    const heed = open(temporaryFile(), newKey());
    let transactions = 0;
    const waited: number[] = [];
    const singles: Promise<void>[] = [];
    const single = async (call: () => Promise<unknown>) => {
      const before = transactions;
      await call();
      waited.push(transactions - before);
    };
    await heed.subscriptions.unsubscribeMany(people(2_000), {
      onProgress() {
        transactions += 1;
        const email = `single-${transactions}@example.org`;
        singles.push(
          single(() => heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" })),
          single(() => heed.permits.take({ topic: "alerts", email, messageKey: "1" })),
        );
      },
    });
    await Promise.all(singles);
    expect(transactions).toBe(10);
    expect(waited).toHaveLength(20);
    expect(Math.max(...waited)).toBeLessThanOrEqual(1);
  });

  it("lets another process's calls in between, and loses nothing of either", async () => {
    const [file, keys] = [temporaryFile(), newKey()];
    const [one, other] = [open(file, keys), open(file, keys)];
    const bulk = { isRunning: true };
    let answered = 0;
    const result = one.subscriptions.unsubscribeMany(people(6_000)).finally(() => (bulk.isRunning = false));
    for (let n = 0; bulk.isRunning; n += 1) {
      const email = `single-${n}@example.org`;
      await other.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
      if (bulk.isRunning) answered += 1;
      const { state } = await one.subscriptions.state({ subject: { email }, topic: "newsletter" });
      expect(state).toBe("not-given");
    }
    expect(await result).toMatchObject({ changed: 6_000, refused: 0 });
    expect(answered).toBeGreaterThan(0);
  });
});
