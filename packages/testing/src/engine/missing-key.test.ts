import { keyring, memory, newKey } from "@heed/core";
import { describe, expect, it } from "vitest";
import { company, evidence } from "./people.ts";

const subject = { email: "anna@example.org" };

/** Two processes on one storage: one was given the new key, the other was forgotten. */
function twoProcesses() {
  const before = newKey("active").replace(/^[^:]+/, "m");
  const storage = memory();
  const old = company({ storage, keys: keyring(before) });
  const withNewKey = (id: string) =>
    company({
      storage,
      keys: keyring(`${newKey("active").replace(/^[^:]+/, id)} ${before.replace(":active:", ":lookup:")}`),
    });
  return { old, withNewKey };
}

const alert = { topic: "alerts", email: subject.email, messageKey: "1" } as const;

describe("a process that lacks a key found in storage", () => {
  // Before, between and behind the ids of the keys that it has.
  it.each(["a", "m1", "z"])("refuses permits (key id %s)", async (id) => {
    const { old, withNewKey } = twoProcesses();
    expect((await old.heed.permits.take(alert)).allowed).toBe(true);
    await withNewKey(id).heed.subscriptions.unsubscribe({ subject, topic: "all" });
    const ask = { ...alert, email: "ben@example.org" };
    await expect(old.heed.permits.take(ask)).rejects.toMatchObject({ code: "unknown-key" });
    await expect(old.heed.suppression.check(subject)).rejects.toMatchObject({ code: "unknown-key" });
  });

  it("answers while it has every key", async () => {
    const { old, withNewKey } = twoProcesses();
    await old.heed.subscriptions.unsubscribe({ subject: { email: "ben@example.org" }, topic: "all" });
    const both = withNewKey("z");
    await both.heed.subscriptions.unsubscribe({ subject, topic: "all" });
    expect((await both.heed.permits.take(alert)).allowed).toBe(true);
  });

  it("stops a message whose permit it gave before", async () => {
    const { old, withNewKey } = twoProcesses();
    await old.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    const permit = await old.heed.permits.take({ ...alert, topic: "newsletter" });
    if (!permit.allowed) throw new Error(permit.because);
    await withNewKey("z").heed.subscriptions.unsubscribe({
      subject: { email: "ben@example.org" },
      topic: "all",
    });
    await expect(permit.handOver()).rejects.toMatchObject({ code: "unknown-key" });
  });

  it("leaves a step to a process that has the key", async () => {
    const { old, withNewKey } = twoProcesses();
    const other = withNewKey("z");
    for (const each of [old, other]) each.person(subject.email);
    await other.heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    const { open, settled, nextAt } = await old.heed.work.drain();
    expect([open, settled, nextAt === undefined]).toEqual([1, 0, false]);
    expect(old.crm.calls.filter(({ at }) => at === "run")).toEqual([]);
    await other.clock.set(nextAt ?? "");
    await other.settle();
    expect((await other.rows("steps")).map(({ state }) => state)).toEqual(["verified"]);
    expect([...(other.crm.optedOut.get(subject.email) ?? [])]).toEqual(["newsletter"]);
  });
});
