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
    const message: unknown = expect.stringMatching(new RegExp(`"${id}".* HEED_KEYS as \`lookup\``));
    await expect(old.heed.permits.take(ask)).rejects.toMatchObject({ message });
    await expect(old.heed.suppression.check(subject)).rejects.toMatchObject({ message });
    expect((await old.heed.work.status()).unknownKeys).toEqual([id]);
  });

  it("names every key that it lacks, and none that it has, where the work stands", async () => {
    const { old, withNewKey } = twoProcesses();
    await old.heed.subscriptions.unsubscribe({ subject, topic: "all" });
    expect((await old.heed.work.status()).unknownKeys).toEqual([]);
    // Two of them beside each other, before and behind the one that it has.
    const ids = ["a", "a1", "x", "z"];
    for (const id of ids)
      await withNewKey(id).heed.subscriptions.unsubscribe({
        subject: { email: `${id}@example.org` },
        topic: "all",
      });
    expect((await old.heed.work.status()).unknownKeys).toEqual(ids);
    expect((await withNewKey("x").heed.work.status()).unknownKeys).toEqual(["a", "a1", "z"]);
  });

  it("has one that was retired too early for one that it lacks", async () => {
    const storage = memory();
    const [before, after] = ["m", "n"].map((id) => newKey("active").replace(/^[^:]+/, id));
    await company({ storage, keys: keyring(before) }).heed.subjects.record({ subject });
    const keysWith = (state: string) => keyring(`${after} ${before?.replace(":active:", `:${state}:`)}`);
    const retired = company({ storage, keys: keysWith("retired") });
    expect((await retired.heed.work.status()).unknownKeys).toEqual(["m"]);
    await expect(retired.heed.permits.take(alert)).rejects.toMatchObject({ code: "unknown-key" });
    const found = company({ storage, keys: keysWith("lookup") });
    expect((await found.heed.work.status()).unknownKeys).toEqual([]);
  });

  it("records no opt-in, erases nobody and places no hold: it may not find the person, or who silenced them", async () => {
    const { old, withNewKey } = twoProcesses();
    const other = withNewKey("z");
    other.person(subject.email);
    await other.heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    await other.settle();
    await other.clock.advance(1000);
    await other.heed.subscriptions.unsubscribe({ subject: { email: "ben@example.org" }, topic: "all" });
    const imported = {
      subject,
      topic: "newsletter",
      evidence,
      imported: true,
      at: "2020-01-01T00:00:00Z",
    } as const;
    const ben = { email: "ben@example.org" };
    const matter = { reason: "case-1", orderedBy: "board", reviewAt: "2999-01-01T00:00:00Z" };
    const asks = [
      () => old.heed.subscriptions.subscribe(imported),
      () => old.heed.subscriptions.subscribeMany([imported]),
      () => old.heed.subjects.record({ subject }),
      () => old.heed.requests.open({ right: "erasure", identity: "signed-in", subject: ben }),
      () => old.heed.holds.place({ subject: ben, ...matter }),
    ];
    for (const ask of asks) await expect(ask()).rejects.toMatchObject({ code: "unknown-key" });
    expect(await old.rows("subjects")).toHaveLength(1);
    expect(await old.rows("requests")).toHaveLength(1);
    expect(await old.rows("holds")).toEqual([]);
    // A no is never refused.
    await old.heed.subscriptions.unsubscribe({ subject: ben, topic: "newsletter" });
    expect(
      await old.heed.requests.open({ right: "withdrawal", identity: "unverified", subject }),
    ).toMatchObject({
      changed: true,
    });
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
});
