import { inspect } from "node:util";
import { keyring, newKey, type Checkpoint, type EvidenceSettings, type Receipt } from "@heed/core";
import { verifyReceipt } from "@heed/core/evidence";
import type { Write } from "@heed/core/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { virtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const open = { right: "erasure", identity: "signed-in" } as const;
const email = "anna.canary@example.org";

/** Somebody erased, with the receipt as it comes out of a file. */
async function erased(evidence: EvidenceSettings = { backupsLastDays: 30 }) {
  const keys = keyring(newKey());
  const world = company({ keys, evidence });
  const subject = world.person(email);
  const { id } = await world.heed.requests.open({ ...open, subject });
  await world.settle();
  const receipt = JSON.parse(JSON.stringify(await world.heed.requests.receipt(id))) as Receipt;
  return { ...world, keys, publicKeys: keys.publicKeys(), id, receipt };
}

/** The code of what does not hold. */
function codeOf(receipt: unknown, publicKeys: Readonly<Record<string, string>>): unknown {
  try {
    verifyReceipt(receipt as Receipt, publicKeys);
    return "it holds";
  } catch (error) {
    return (error as { name?: string }).name === "TamperedEvidenceError"
      ? (error as { code?: string }).code
      : error;
  }
}

describe("a receipt", () => {
  it("says by when what was erased is off a vendor's disks, also where a later run did the rest", async () => {
    const keys = keyring(newKey());
    const { heed, crm, person, settle } = company({ keys });
    const subject = person(email);
    const purgedBy = "2026-02-14";
    crm.fault({ at: "run", operation: "erase", answers: { status: "done", affected: 0, purgedBy } });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const steps = (await heed.requests.get(id)).steps.filter((step) => step.purgedBy !== undefined);
    expect(steps).toMatchObject([{ processor: "crm", state: "verified", purgedBy }]);
    const receipt = await heed.requests.receipt(id);
    expect(receipt.summary.purges).toEqual([{ processor: "crm", purgedBy }]);
    expect(codeOf(receipt, keys.publicKeys())).toBe("it holds");
    const other = { ...receipt, summary: { ...receipt.summary, purges: [] } };
    expect(codeOf(other, keys.publicKeys())).not.toBe("it holds");
  });

  it("says what became of the request, what is kept and why, and verifies from JSON and public keys alone", async () => {
    const { receipt, publicKeys, id, heed } = await erased();
    const request = await heed.requests.get(id);
    expect(receipt.summary).toEqual({
      requestId: id,
      right: "erasure",
      regime: "gdpr",
      identity: "signed-in",
      state: "partially-fulfilled",
      receivedAt: request.receivedAt,
      dueOn: "2026-02-16",
      closedAt: request.closedAt,
      late: false,
      retained: [
        {
          processor: "billing",
          category: "invoices",
          reason: "legal-obligation",
          law: "SFS 1999:1078 7:2",
          until: "2033-12-31",
        },
      ],
      purges: [],
    });
    expect(receipt.entries).toHaveLength((await heed.requests.evidence(id)).length);
    expect(verifyReceipt(receipt, publicKeys)).toEqual([
      { what: "entries in the log", count: receipt.entries.length },
      { what: "statements", count: 11 },
      { what: "checkpoint signatures", count: 1 },
      { what: "receipt signature", count: 1 },
    ]);
  });

  it("states until when a back-up could still be opened, if the controller says how long they last", async () => {
    const { receipt, rows } = await erased({ backupsLastDays: 30 });
    const own = (await rows("steps")).find(({ processor }) => processor === "heed");
    const until = Date.parse(own?.endedAt ?? "") + 30 * 86_400_000;
    expect(receipt.backups).toEqual({ lastDays: 30, openUntil: new Date(until).toISOString() });
    expect((await erased({})).receipt.backups).toBeNull();
  });

  it("says late when the deadline had passed", async () => {
    const { heed, person, settle, crm, clock } = company();
    const subject = person(email);
    crm.fault({ at: "run", operation: "erase", throws: new TypeError("broken"), times: 1_000_000 });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    await clock.set("2026-03-01T00:00:00.000Z");
    for (const step of (await heed.requests.get(id)).steps)
      if (step.state === "manual" || step.state === "failed") await heed.steps.acknowledge(step.id);
    await settle();
    expect((await heed.requests.receipt(id)).summary.late).toBe(true);
  });

  it("names nobody", async () => {
    const { receipt } = await erased();
    const seen = inspect(receipt, { depth: null }).toLowerCase();
    for (const part of ["anna", "canary", "example.org", "cus-", "crm-"]) expect(seen).not.toContain(part);
    expect(receipt.digests).toContain("only the holder of the key");
  });

  it("shows any change of one byte of its text", async () => {
    const { receipt, publicKeys } = await erased();
    const text = JSON.stringify(receipt);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (position, byte) => {
        const character = String.fromCharCode(byte);
        fc.pre(text[position] !== character);
        const altered = text.slice(0, position) + character + text.slice(position + 1);
        let parsed: unknown;
        try {
          parsed = JSON.parse(altered);
        } catch {
          return;
        }
        expect(codeOf(parsed, publicKeys)).toMatch(/^[a-z-]+$/);
      }),
      { numRuns: 2000 },
    );
    expect(codeOf(receipt, publicKeys)).toBe("it holds");
  });

  it("says which part does not hold, also when it was signed again with another key", async () => {
    const { receipt, publicKeys } = await erased();
    const { entries, summary } = receipt;
    const [first, second] = entries;
    if (first === undefined || second === undefined) throw new Error("no entries");
    const stranger = keyring(newKey());
    const changed = (change: Partial<Receipt>) => codeOf({ ...receipt, ...change }, publicKeys);
    expect(changed({ entries: entries.with(0, { ...first, at: "2026-01-15T12:00:00.001Z" }) })).toBe(
      "altered-entry",
    );
    expect(changed({ entries: entries.with(0, { ...first, salt: "0".repeat(32) }) })).toBe("altered-entry");
    expect(changed({ entries: entries.with(0, second).with(1, first) })).toBe("wrong-order");
    expect(changed({ entries: entries.toSpliced(2, 1) })).toMatch(/^(altered-receipt|forged-signature)$/);
    expect(changed({ summary: { ...summary, late: true } })).toBe("altered-receipt");
    expect(changed({ summary: { ...summary, retained: [] } })).toBe("altered-receipt");
    expect(changed({ backups: null })).toBe("forged-signature");
    const openUntil = summary.closedAt;
    expect(changed({ backups: { lastDays: Number.MAX_SAFE_INTEGER, openUntil } })).toBe("unreadable");
    expect(changed({ issuedAt: "2026-01-15T12:00:00.001Z" })).toBe("forged-signature");
    expect(codeOf(receipt, stranger.publicKeys())).toBe("wrong-key");
    const [id = ""] = Object.keys(publicKeys);
    const [x = ""] = Object.values(stranger.publicKeys());
    expect(codeOf(receipt, { [id]: x })).toBe("forged-signature");
    expect(codeOf({ ...receipt, note: "x" }, publicKeys)).toBe("unreadable");
    expect(codeOf("canary", publicKeys)).toBe("unreadable");
  });

  it("is there for a closed request only", async () => {
    const { heed, person } = company();
    const { id } = await heed.requests.open({ ...open, subject: person(email) });
    await expect(heed.requests.receipt(id)).rejects.toMatchObject({ code: "request-open" });
    await expect(heed.requests.receipt("nobody's")).rejects.toMatchObject({ code: "no-such-request" });
  });

  it("says how it was established in the end who asked", async () => {
    const { heed, person, settle } = company();
    const { id } = await heed.requests.open({
      right: "erasure",
      identity: "unverified",
      subject: person(email),
    });
    await heed.requests.verify({ id, identity: "confirmed-by-link" });
    await settle();
    expect((await heed.requests.receipt(id)).summary.identity).toBe("confirmed-by-link");
  });

  it("of a request that was taken back says so", async () => {
    const { heed, person, settle } = company();
    const { id } = await heed.requests.open({ ...open, subject: person(email) });
    await settle(0);
    const another = await heed.requests.open({ ...open, subject: person("b@example.org") });
    await heed.requests.withdraw(another.id);
    const { summary, backups } = await heed.requests.receipt(another.id);
    expect([summary.state, summary.retained, backups]).toEqual(["withdrawn", [], null]);
    expect(summary.requestId).not.toBe(id);
  });

  it("is none any more once its evidence was pruned, and others stay", async () => {
    const { heed, id, person, settle, clock, publicKeys } = await erased();
    await clock.advance(1000);
    const before = clock.now().toISOString();
    const later = await heed.requests.open({ ...open, subject: person("later@example.org") });
    await settle();
    await heed.evidence.prune({ before });
    await expect(heed.requests.receipt(id)).rejects.toMatchObject({ code: "evidence-pruned" });
    verifyReceipt(await heed.requests.receipt(later.id), publicKeys);
    await heed.evidence.verify();
  });

  it("is not signed over evidence that was altered in the storage", async () => {
    const { heed, id, storage, clock, rows } = await erased();
    const entry = (await rows("evidence")).find((row) => row.entry?.includes('"request.closed"'));
    const write: Write = {
      update: "evidence",
      where: { id: entry?.id ?? "" },
      set: { entry: entry?.entry?.replace('"late":false', '"late":true') ?? "" },
    };
    await storage.transact({ lock: [], clock, read: {}, decide: () => ({ writes: [write], answer: 0 }) });
    await expect(heed.requests.receipt(id)).rejects.toMatchObject({ code: "altered-entry" });
  });

  it("tells what a rule keeps where no processor was asked", async () => {
    const { heed, settle, person, rows } = company({
      billing: { operations: [] },
    });
    const { id } = await heed.requests.open({ ...open, subject: person(email) });
    await settle();
    expect((await heed.requests.receipt(id)).summary.retained).toEqual([
      expect.objectContaining({ processor: "billing", category: "invoices" }),
    ]);
    expect(await rows("retained")).toMatchObject([
      { processor: "billing", until: "2033-12-31", sealed: null },
    ]);
  });
});

describe("a worker", () => {
  const person = { subject: { email }, topic: "newsletter" } as const;

  it("seals what it did before it rests, and says so to nobody's cost", async () => {
    const { heed, rows } = company();
    await heed.subscriptions.unsubscribe(person);
    expect(await heed.evidence.checkpoint()).toBeUndefined();
    await heed.work.drain();
    const { length } = await rows("evidence");
    expect((await heed.evidence.checkpoint())?.size).toBe(length);
    const before = await heed.evidence.checkpoint();
    await heed.work.drain();
    expect(await heed.evidence.checkpoint()).toEqual(before);
  });

  it("publishes each newest checkpoint until that succeeded once", async () => {
    const published: Checkpoint[] = [];
    const failures: unknown[] = [];
    let isDown = true;
    const { heed } = company({
      evidence: {
        publish: async (checkpoint) => {
          if (isDown) throw new Error("the bucket is down");
          published.push(checkpoint);
        },
      },
    });
    heed.on("work.failed", ({ error }) => failures.push(error));
    await heed.subscriptions.unsubscribe(person);
    await heed.work.drain();
    await heed.work.drain();
    expect(failures).toHaveLength(2);
    await heed.subscriptions.unsubscribe({ ...person, topic: "offers" });
    await heed.work.drain();
    isDown = false;
    await heed.work.drain();
    await heed.work.drain();
    await heed.evidence.seal();
    // The one that was overtaken is left out, and what succeeded is not repeated.
    expect(published).toEqual([await heed.evidence.checkpoint()]);
    await heed.evidence.verify({ published });
  });

  it("is held up by no publication that gives no answer", async () => {
    const failures: unknown[] = [];
    const { heed, crm } = company({
      evidence: { publish: () => new Promise(() => {}) },
    });
    crm.add({ id: "1", emails: [email] });
    heed.on("work.failed", ({ error }) => failures.push(error));
    await heed.subscriptions.unsubscribe(person);
    await heed.work.drain();
    expect(failures).toMatchObject([{ code: "publish-timeout" }]);
    await heed.subscriptions.unsubscribe({ ...person, topic: "offers" });
    await heed.work.drain();
    expect(crm.optedOut.size).toBeGreaterThan(0);
  });

  it("goes on with people's choices when the log was tampered with, and says so", async () => {
    const failures: unknown[] = [];
    const { heed, rows, storage, clock, settle } = company();
    heed.on("work.failed", ({ error }) => failures.push(error));
    await heed.subscriptions.unsubscribe(person);
    await heed.work.drain();
    const write: Write = { update: "checkpoints", where: { seq: 1 }, set: { root: "0".repeat(64) } };
    await storage.transact({ lock: [], clock, read: {}, decide: () => ({ writes: [write], answer: 0 }) });
    await heed.subscriptions.unsubscribe({ ...person, topic: "offers" });
    await settle();
    expect(failures.length).toBeGreaterThan(0);
    for (const error of failures) expect(error).toMatchObject({ name: "TamperedEvidenceError" });
    expect((await rows("steps")).every(({ endedAt }) => endedAt !== null)).toBe(true);
    expect((await rows("checkpoints")).map(({ seq }) => seq)).toEqual([1]);
  });

  it("has a publication that is under way noted before it stops: it would be made again", async () => {
    const clock = virtualClock("2026-01-15T12:00:00.000Z");
    const published = Promise.withResolvers<void>();
    const state = { isPublishing: false, isStopped: false };
    const publish = () => {
      state.isPublishing = true;
      return published.promise;
    };
    const { heed, rows } = company({ clock, evidence: { publish } });
    await heed.subscriptions.unsubscribe(person);
    heed.work.start();
    while (!state.isPublishing) await clock.advance(500);
    const stopped = heed.work.stop().then(() => (state.isStopped = true));
    for (let n = 0; n < 10; n += 1) await clock.advance(1_000);
    expect(state.isStopped).toBe(false);
    published.resolve();
    await stopped;
    expect((await rows("checkpoints")).map(({ publishedAt }) => publishedAt === null)).toEqual([false]);
  });

  it("seals at its pace while it runs, and ends its round before it stops", async () => {
    const { heed, rows, clock } = company({ evidence: { sealEveryMs: 60_000 } });
    heed.work.start();
    const sealed = async (size: number) => {
      while (((await heed.evidence.checkpoint())?.size ?? 0) < size) await clock.advance(500);
    };
    await heed.subscriptions.unsubscribe(person);
    await sealed(1);
    const first = await heed.evidence.checkpoint();
    await heed.subscriptions.unsubscribe({ ...person, topic: "offers" });
    await sealed((first?.size ?? 0) + 1);
    await heed.work.stop();
    const second = await heed.evidence.checkpoint();
    expect(Date.parse(second?.at ?? "") - Date.parse(first?.at ?? "")).toBeGreaterThanOrEqual(60_000);
    expect(second?.size).toBeLessThanOrEqual((await rows("evidence")).length);
    await heed.evidence.verify();
  });

  it("takes settings that mean something, and no others", () => {
    const none = [
      { sealEveryMs: -1 },
      { backupsLastDays: Number.NaN },
      { backupsLastDays: 1.5 },
      { backupsLastDays: 1e9 },
    ];
    for (const evidence of none)
      expect(() => company({ evidence })).toThrow(/evidence\.(sealEveryMs|backupsLastDays)/);
  });
});
