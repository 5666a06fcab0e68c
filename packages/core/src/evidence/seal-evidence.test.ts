import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addEvidence, alter, restore } from "../../test/alter.ts";
import { openShop } from "../../test/shop.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { createHeed } from "../heed.ts";
import { keyring, newKey } from "../keys/keyring.ts";
import { definePolicy } from "../policy/define-policy.ts";
import { signedText, type Checkpoint } from "./checkpoint.ts";
import { verifyConsistency, verifyEvidence } from "./verify-evidence.ts";
import { verifyLog } from "./verify-log.ts";

const minuteMs = 60_000;

/** A shop whose log has a few checkpoints over some entries. */
async function withLog(portions: readonly number[] = [3, 1, 5]) {
  const keys = keyring(newKey());
  const shop = openShop({ keys });
  const { heed, storage, clock } = shop;
  const add = (count: number, more?: Partial<Row<"evidence">>) => addEvidence(storage, clock, count, more);
  for (const portion of portions) {
    await add(portion);
    await heed.evidence.seal();
    clock.advance(minuteMs);
  }
  return { ...shop, keys, add, alter: (...writes: readonly Write[]) => alter(storage, clock, ...writes) };
}

async function listOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "it holds",
    (error: { name: string; code: string }) =>
      error.name === "TamperedEvidenceError" ? error.code : `a ${error.name}`,
  );

const codeFrom = (work: () => unknown): unknown => {
  try {
    work();
    return "it holds";
  } catch (error) {
    return (error as { code?: string }).code ?? error;
  }
};

describe("sealing", () => {
  it("takes every entry into the log once, oldest first, and says what the log came to", async () => {
    const { heed, rows, clock, add } = await withLog([]);
    expect(await heed.evidence.seal()).toEqual({ sealed: 0 });
    expect(await heed.evidence.checkpoint()).toBeUndefined();
    await add(2);
    clock.advance(minuteMs);
    await add(3);
    const { sealed, checkpoint } = await heed.evidence.seal();
    expect([sealed, checkpoint?.size, checkpoint?.seq]).toEqual([5, 5, 1]);
    expect(await heed.evidence.seal()).toEqual({ sealed: 0, checkpoint });
    expect(await rows("checkpoints")).toHaveLength(1);
    const inLog = (await rows("evidence")).toSorted((a, b) => (a.sealedAs ?? -1) - (b.sealedAs ?? -1));
    expect(inLog.map(({ sealedAs }) => sealedAs)).toEqual([0, 1, 2, 3, 4]);
    expect(inLog.map(({ at }) => at)).toEqual(inLog.map(({ at }) => at).toSorted());
  });

  it("takes what committed late with the next batch, wherever its instant lies", async () => {
    const { heed, rows, add } = await withLog([3]);
    await add(1, { id: "late", at: "2020-01-01T00:00:00.000Z" });
    await heed.evidence.seal();
    expect((await rows("evidence")).find(({ id }) => id === "late")?.sealedAs).toBe(3);
    expect(await heed.evidence.verify()).toContainEqual({ what: "entries in the log", count: 4 });
  });

  it("seals more than a batch at once, and the tree has the nodes that proofs need", async () => {
    const { heed, rows } = await withLog([1203]);
    expect((await heed.evidence.checkpoint())?.size).toBe(1203);
    expect((await rows("evidenceTree")).map(({ level, place }) => [level, place])).toEqual([
      [8, 0],
      [8, 1],
      [8, 2],
      [8, 3],
    ]);
    const seen: number[] = [];
    await heed.evidence.verify({ onProgress: ({ entries, of }) => seen.push(entries, of) });
    expect(seen.at(-2)).toBe(1203);
    expect(new Set(seen.filter((_, at) => at % 2 === 1))).toEqual(new Set([1203]));
  });

  it("goes on in one log when two seal at once", async () => {
    const { heed, rows, add } = await withLog([2]);
    await add(700);
    await Promise.all([heed.evidence.seal(), heed.evidence.seal(), heed.evidence.seal()]);
    const checkpoints = await rows("checkpoints");
    expect(checkpoints.map(({ seq }) => seq)).toEqual(checkpoints.map((_, index) => index + 1));
    expect(checkpoints.filter(({ isNewest }) => isNewest === 1)).toHaveLength(1);
    expect(await heed.evidence.verify()).toContainEqual({ what: "entries in the log", count: 702 });
  });

  it("leaves nothing half done when its transaction fails", async () => {
    const { heed, rows, add, storage } = await withLog([2]);
    await add(4);
    const { transact } = storage;
    storage.transact = (async (transaction: Parameters<typeof transact>[0]) =>
      transact({
        ...transaction,
        decide: (read, now) => {
          const { writes, answer } = transaction.decide(read, now);
          return { writes: [...writes, { insert: "checkpoints", row: null as never }], answer };
        },
      })) as typeof transact;
    await expect(heed.evidence.seal()).rejects.toThrow(TypeError);
    storage.transact = transact;
    expect((await rows("evidence")).filter(({ sealedAs }) => sealedAs === null)).toHaveLength(4);
    await heed.evidence.seal();
    expect(await heed.evidence.verify()).toContainEqual({ what: "entries in the log", count: 6 });
  });

  it("keeps the logs of two controllers in one storage apart", async () => {
    const { heed, storage, keys, clock, add } = await withLog([3]);
    const policy = definePolicy({
      controller: { name: "Other AB", country: "SE", contact: "privacy@other.example" },
      recipients: {},
      purposes: {},
      topics: {},
    });
    const other = createHeed({ policy, storage, keys, clock, namespace: "other" });
    await add(2, { namespace: "other" });
    expect((await other.evidence.seal()).checkpoint).toMatchObject({ namespace: "other", seq: 1, size: 2 });
    expect(await heed.evidence.checkpoint()).toMatchObject({ namespace: "default", size: 3 });
    for (const each of [heed, other]) await each.evidence.verify();
  });

  it("builds on no checkpoint that was altered", async () => {
    const { heed, add, alter } = await withLog();
    await add(1);
    await alter({ update: "checkpoints", where: { seq: 3 }, set: { at: "2026-01-15T12:00:00.001Z" } });
    expect(await codeOf(heed.evidence.seal())).toBe("forged-signature");
  });

  it("signs with the key that is active now, and the whole log still verifies", async () => {
    const { storage, clock, add } = await withLog();
    const first = newKey();
    const policy = definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: {},
      purposes: {},
      topics: {},
    });
    const open = (text: string) =>
      createHeed({ policy, storage, keys: keyring(text), clock, namespace: "rotated" });
    await add(2, { namespace: "rotated" });
    await open(first).evidence.seal();
    await add(2, { namespace: "rotated" });
    const rotated = open(`${first.replace(":active:", ":retired:")} ${newKey()}`);
    await rotated.evidence.seal();
    const ids = (await listOf(rotated.evidence.checkpoints())).map(({ keyId }) => keyId);
    expect(new Set(ids).size).toBe(2);
    await rotated.evidence.verify();
    // Without the old public key, the old signature says nothing.
    const without = open(newKey());
    expect(await codeOf(without.evidence.verify())).toBe("wrong-key");
  });
});

describe("a stored log", () => {
  const tables = ["evidence", "checkpoints"] as const;

  it("shows any change of one byte in any row of it", async () => {
    const { heed, rows, clock, storage, alter } = await withLog();
    const stored = { evidence: await rows("evidence"), checkpoints: await rows("checkpoints") };
    // A note of heed's own: when a checkpoint was published is no evidence.
    const columnsOf = (table: (typeof tables)[number]) =>
      Object.keys(stored[table][0] ?? {}).filter((column) => column !== "publishedAt");
    const cell = fc
      .constantFrom(...tables)
      .chain((table) =>
        fc.tuple(
          fc.constant(table),
          fc.nat(stored[table].length - 1),
          fc.constantFrom(...columnsOf(table)),
          fc.nat(),
          fc.integer({ min: 32, max: 126 }),
        ),
      );
    await fc.assert(
      fc.asyncProperty(cell, async ([table, at, column, position, byte]) => {
        const row = stored[table][at] as Record<string, string | number | null>;
        const value = row[column] ?? null;
        const changed = otherValue(value, column, position, byte);
        fc.pre(changed !== value);
        const key =
          table === "evidence"
            ? { id: String(row["id"]) }
            : { namespace: "default", seq: Number(row["seq"]) };
        await alter({ update: table, where: key, set: { [column]: changed } });
        const code = await codeOf(heed.evidence.verify());
        await restore(storage, clock, table, stored[table] as never);
        expect([column, code]).not.toContain("it holds");
        expect(code).toMatch(/^[a-z-]+$/);
      }),
      { numRuns: 600 },
    );
    await heed.evidence.verify();
  });

  it("shows a row that was removed, and two that were exchanged", async () => {
    const { heed, rows, clock, storage, alter } = await withLog();
    const entries = await rows("evidence");
    const checkpoints = await rows("checkpoints");
    for (const { id } of entries) {
      await alter({ remove: "evidence", where: { id } });
      expect(await codeOf(heed.evidence.verify())).toMatch(/^missing-(entry|tail)$/);
      await restore(storage, clock, "evidence", entries);
    }
    for (const { seq } of checkpoints) {
      await alter({ remove: "checkpoints", where: { seq } });
      expect(await codeOf(heed.evidence.verify())).toMatch(/^(missing-checkpoint|unsealed-tail)$/);
      await restore(storage, clock, "checkpoints", checkpoints);
    }
    for (const one of entries) {
      for (const other of entries) {
        if ((one.sealedAs ?? 0) >= (other.sealedAs ?? 0)) continue;
        await alter(
          { update: "evidence", where: { id: one.id }, set: { sealedAs: other.sealedAs } },
          { update: "evidence", where: { id: other.id }, set: { sealedAs: one.sealedAs } },
        );
        expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
        await restore(storage, clock, "evidence", entries);
      }
    }
    await heed.evidence.verify();
  });

  it("shows an entry that was put in, and one that was written anew with a commitment of its own", async () => {
    const { heed, alter, rows, add, storage, clock } = await withLog();
    const entries = await rows("evidence");
    await add(1, { sealedAs: 9, salt: "0".repeat(32), commitment: "0".repeat(64) });
    expect(await codeOf(heed.evidence.verify())).toBe("unsealed-tail");
    await restore(storage, clock, "evidence", entries);
    const [victim, donor] = entries;
    if (victim === undefined || donor === undefined) throw new Error("no entries");
    const { entry, salt, commitment } = donor;
    await alter({ update: "evidence", where: { id: victim.id }, set: { entry, salt, commitment } });
    expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
  });

  it("shows a node of the tree that was altered or removed", async () => {
    const { heed, alter } = await withLog([300]);
    await heed.evidence.verify();
    await alter({ update: "evidenceTree", where: { place: 0 }, set: { hash: "0".repeat(64) } });
    expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
    await alter({ remove: "evidenceTree", where: {} });
    expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
  });

  it("shows a tail that was cut off only to whoever kept a checkpoint elsewhere", async () => {
    const { heed, alter, rows } = await withLog();
    const published = (await heed.evidence.checkpoint()) as Checkpoint;
    const [, second] = await rows("checkpoints");
    await alter(
      { remove: "evidence", where: { sealedAs: { above: (second?.size ?? 0) - 1 } } },
      { remove: "checkpoints", where: { seq: 3 } },
      { update: "checkpoints", where: { seq: 2 }, set: { isNewest: 1 } },
    );
    expect(await codeOf(heed.evidence.verify())).toBe("it holds");
    expect(await codeOf(heed.evidence.verify({ published: [published] }))).toBe("missing-tail");
  });

  it("shows a log that was written anew with the key itself, against what was published", async () => {
    const { heed, keys, alter, add, rows } = await withLog();
    const published = (await heed.evidence.checkpoint()) as Checkpoint;
    const entries = await rows("evidence");
    await alter(
      { remove: "checkpoints", where: {} },
      { update: "evidence", where: {}, set: { sealedAs: null, salt: null, commitment: null } },
      { remove: "evidence", where: { id: entries[4]?.id ?? "" } },
    );
    await add(6);
    await heed.evidence.seal();
    expect(await codeOf(heed.evidence.verify())).toBe("it holds");
    expect(await codeOf(heed.evidence.verify({ published: [published] }))).toBe("rewritten");
    const proof = await heed.evidence.prove(published);
    expect(codeFrom(() => verifyConsistency(proof, keys.publicKeys()))).toBe("rewritten");
  });

  it("takes no published checkpoint that another key signed", async () => {
    const { heed } = await withLog();
    const elsewhere = await withLog();
    const foreign = (await elsewhere.heed.evidence.checkpoint()) as Checkpoint;
    expect(await codeOf(heed.evidence.verify({ published: [foreign] }))).toBe("wrong-key");
    const forged = { ...foreign, keyId: (await heed.evidence.checkpoint())?.keyId ?? "" };
    expect(await codeOf(heed.evidence.verify({ published: [forged] }))).toBe("forged-signature");
  });

  it("begins with what every older checkpoint covers, which a short proof shows", async () => {
    const { heed, keys, add } = await withLog([3, 1, 300, 5]);
    await add(1);
    await heed.evidence.seal();
    for (const older of await listOf(heed.evidence.checkpoints())) {
      const proof = JSON.parse(JSON.stringify(await heed.evidence.prove(older))) as never;
      expect(verifyConsistency(proof, keys.publicKeys())).toEqual([
        { what: "checkpoint signatures", count: 2 },
      ]);
    }
  });
});

describe("an exported log", () => {
  async function exported(portions?: readonly number[]) {
    const shop = await withLog(portions);
    const { heed, keys } = shop;
    const log = {
      checkpoints: await listOf(heed.evidence.checkpoints()),
      entries: await listOf(heed.evidence.entries()),
      publicKeys: keys.publicKeys(),
    };
    return { ...shop, log: JSON.parse(JSON.stringify(log)) as typeof log };
  }
  const codeFor = (log: Parameters<typeof verifyEvidence>[0]) => codeFrom(() => verifyEvidence(log));

  it("is verified from JSON alone", async () => {
    const { log } = await exported();
    expect(verifyEvidence(log)).toEqual([
      { what: "checkpoint signatures", count: 3 },
      { what: "entries in the log", count: 9 },
      { what: "pruned entries", count: 0 },
      { what: "published checkpoints", count: 0 },
    ]);
  });

  it("says what does not hold", async () => {
    const { log } = await exported();
    const { entries, checkpoints } = log;
    const [first, second, third] = entries;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no entries");
    expect(codeFor({ ...log, entries: entries.slice(0, -1) })).toBe("missing-tail");
    expect(codeFor({ ...log, entries: entries.toSpliced(4, 1) })).toBe("missing-entry");
    expect(codeFor({ ...log, entries: entries.with(0, second).with(1, first) })).toBe("wrong-order");
    expect(codeFor({ ...log, entries: entries.with(1, first) })).toBe("wrong-order");
    expect(codeFor({ ...log, entries: entries.with(1, { ...second, at: first.at }) })).toBe("it holds");
    expect(codeFor({ ...log, entries: entries.with(1, { ...second, at: "2026-01-15T11:00:00.000Z" }) })).toBe(
      "altered-entry",
    );
    expect(codeFor({ ...log, checkpoints: checkpoints.slice(0, 2) })).toBe("unsealed-tail");
    expect(codeFor({ ...log, checkpoints: checkpoints.toSpliced(1, 1) })).toBe("missing-checkpoint");
    expect(codeFor({ ...log, checkpoints: checkpoints.toReversed() })).toBe("missing-checkpoint");
    expect(codeFor({ ...log, publicKeys: {} })).toBe("wrong-key");
    expect(codeFor({ ...log, entries: "canary" as never })).toBe("unreadable");
    const cut = { ...log, checkpoints: checkpoints.slice(0, 2), entries: entries.slice(0, 4) };
    expect(codeFor(cut)).toBe("it holds");
    expect(codeFor({ ...cut, published: checkpoints.slice(2) })).toBe("missing-tail");
  });

  it("shows a checkpoint that the holder of the key signed again", async () => {
    const { log, keys } = await exported();
    const [first] = log.checkpoints;
    if (first === undefined) throw new Error("no checkpoint");
    const { signature: _, ...body } = { ...first, at: "2026-01-15T11:00:00.000Z" };
    const again = { ...body, signature: keys.sign(signedText("checkpoint", body)) };
    expect(codeFor({ ...log, checkpoints: log.checkpoints.with(0, again) })).toBe("altered-checkpoint");
  });

  it("shows any change of one byte of the file", async () => {
    const { log } = await exported();
    const { publicKeys, ...rest } = log;
    const text = JSON.stringify(rest);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (position, byte) => {
        const character = String.fromCharCode(byte);
        fc.pre(text[position] !== character);
        const altered = text.slice(0, position) + character + text.slice(position + 1);
        expect(() => verifyEvidence({ ...(JSON.parse(altered) as typeof rest), publicKeys })).toThrow(/./);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a log as lines", () => {
  async function written(portions?: readonly number[]) {
    const shop = await withLog(portions);
    return { ...shop, lines: await listOf(shop.heed.evidence.lines()), publicKeys: shop.keys.publicKeys() };
  }

  it("has each checkpoint before the entries that it covers, and is verified from them alone", async () => {
    const { lines, publicKeys } = await written();
    const isCheckpoint = lines.map((line) => line.includes("heed-checkpoint/v1"));
    expect(isCheckpoint.flatMap((is, place) => (is ? [place] : []))).toEqual([0, 4, 6]);
    expect(await verifyLog(lines, { publicKeys })).toEqual([
      { what: "checkpoint signatures", count: 3 },
      { what: "entries in the log", count: 9 },
      { what: "pruned entries", count: 0 },
      { what: "published checkpoints", count: 0 },
    ]);
    expect(await verifyLog([], { publicKeys })).toContainEqual({ what: "entries in the log", count: 0 });
  });

  it("holds where it is longer than a page, was pruned, and is sealed on while it is written", async () => {
    const { heed, clock, add, keys } = await withLog([700]);
    const lines: string[] = [];
    for await (const line of heed.evidence.lines()) {
      lines.push(line);
      if (lines.length !== 10) continue;
      clock.advance(minuteMs);
      await add(600);
      await heed.evidence.seal();
      await heed.evidence.prune({ before: clock.now().toISOString() });
    }
    const checked = await verifyLog(lines, { publicKeys: keys.publicKeys() });
    expect(checked).toContainEqual({ what: "entries in the log", count: 1301 });
    expect(checked.find(({ what }) => what === "pruned entries")?.count).toBeGreaterThan(0);
  });

  it("says what does not hold", async () => {
    const { lines, publicKeys, keys } = await written();
    const codeFor = (altered: readonly string[], published?: readonly Checkpoint[]) =>
      codeOf(verifyLog(altered, { publicKeys, ...(published === undefined ? {} : { published }) }));
    const newest = JSON.parse(lines[6] ?? "") as Checkpoint;
    expect(await codeFor(lines.slice(0, -1))).toBe("missing-tail");
    expect(await codeFor(lines.slice(0, 6))).toBe("it holds");
    expect(await codeFor(lines.slice(0, 6), [newest])).toBe("missing-tail");
    expect(await codeFor(lines.toSpliced(2, 1))).toBe("missing-entry");
    expect(await codeFor(lines.toSpliced(2, 0, lines[1] ?? ""))).toBe("wrong-order");
    expect(await codeFor(lines.toSpliced(4, 1))).toBe("unsealed-tail");
    expect(await codeFor([...lines, ""])).toBe("unreadable");
    expect(await codeFor(["{}"])).toBe("unreadable");
    expect(await codeOf(verifyLog(lines, { publicKeys: {} }))).toBe("wrong-key");
    const { signature: _, ...body } = { ...newest, at: "2026-01-15T11:00:00.000Z" };
    const again = { ...body, signature: keys.sign(signedText("checkpoint", body)) };
    expect(await codeFor(lines.with(6, JSON.stringify(again)), [newest])).toBe("it holds");
    expect(await codeFor(lines.with(0, JSON.stringify(again)))).toBe("missing-checkpoint");
  });

  it("shows that any one of its bytes was altered", async () => {
    const { lines, publicKeys } = await written([2, 1]);
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    const unnoticed: number[] = [];
    for (let place = 0; place < bytes.length; place += 1) {
      const altered = Buffer.from(bytes);
      altered[place] = (altered[place] ?? 0) ^ 1;
      const read = altered.toString().replace(/\n$/, "").split("\n");
      if ((await codeOf(verifyLog(read, { publicKeys }))) === "it holds") unnoticed.push(place);
    }
    expect(unnoticed).toEqual([]);
  });
});

describe("pruning", () => {
  it("forgets what entries say, and the log still verifies, here and elsewhere", async () => {
    const { heed, rows, keys, clock, add } = await withLog();
    const before = clock.now().toISOString();
    const published = (await heed.evidence.checkpoint()) as Checkpoint;
    await add(2);
    await heed.evidence.seal();
    expect(await heed.evidence.prune({ before })).toEqual({ pruned: 9 });
    expect(await heed.evidence.prune({ before })).toEqual({ pruned: 0 });
    const pruned = (await rows("evidence")).filter(({ entry }) => entry === null);
    expect(pruned).toHaveLength(9);
    expect(pruned.every(({ salt, requestId }) => salt === null && requestId === null)).toBe(true);
    expect(inspect(pruned, { depth: null })).not.toContain("topic-");
    expect(await heed.evidence.verify({ published: [published] })).toContainEqual({
      what: "pruned entries",
      count: 9,
    });
    const log = {
      checkpoints: await listOf(heed.evidence.checkpoints()),
      entries: await listOf(heed.evidence.entries()),
      publicKeys: keys.publicKeys(),
    };
    expect(verifyEvidence(log)).toContainEqual({ what: "pruned entries", count: 9 });
  });

  it("refuses while something from before then is not sealed, and prunes nothing", async () => {
    const { heed, rows, clock, add } = await withLog();
    await add(1);
    clock.advance(1);
    await expect(heed.evidence.prune({ before: clock.now().toISOString() })).rejects.toMatchObject({
      name: "ConflictError",
      code: "not-sealed",
    });
    expect((await rows("evidence")).every(({ entry }) => entry !== null)).toBe(true);
    await heed.evidence.seal();
    expect(await heed.evidence.prune({ before: clock.now().toISOString() })).toEqual({ pruned: 10 });
    // That it was done is in the log, for whoever checks it.
    const said = (await rows("evidence")).filter(({ entry }) => entry !== null).map(({ entry }) => entry);
    expect(said).toEqual([`{"before":"${clock.now().toISOString()}","kind":"evidence.pruned"}`]);
  });

  it("prunes all of a large log, many of one instant, and disturbs no check that goes on meanwhile", async () => {
    const { heed, rows, clock, add } = await withLog([1100, 700]);
    await add(10);
    await heed.evidence.seal();
    clock.advance(1);
    const before = clock.now().toISOString();
    let pruning: Promise<unknown> | undefined;
    await heed.evidence.verify({
      onProgress: () => {
        pruning ??= heed.evidence.prune({ before });
      },
    });
    expect(await pruning).toEqual({ pruned: 1810 });
    expect((await rows("evidence")).filter(({ entry }) => entry !== null)).toHaveLength(1);
    expect(await heed.evidence.verify()).toContainEqual({ what: "pruned entries", count: 1810 });
  });

  it("excuses no entry that is younger than what was pruned", async () => {
    const { heed, rows, clock, add, alter } = await withLog([2]);
    const before = clock.now().toISOString();
    await add(1, { id: "young" });
    await heed.evidence.seal();
    await heed.evidence.prune({ before });
    expect((await rows("evidence")).filter(({ entry }) => entry === null)).toHaveLength(2);
    await alter({ update: "evidence", where: { id: "young" }, set: { entry: null, salt: null } });
    expect(await codeOf(heed.evidence.verify())).toBe("emptied-entry");
  });

  it("leaves what is as young as the instant", async () => {
    const { heed, rows, clock, add } = await withLog([2]);
    const before = clock.now().toISOString();
    await add(1);
    await heed.evidence.seal();
    await heed.evidence.prune({ before });
    const kinds = (await rows("evidence")).map(({ entry }) => /"kind":"([a-z.-]+)"/.exec(entry ?? "")?.[1]);
    expect(kinds).toHaveLength(4);
    expect(new Set(kinds)).toEqual(new Set([undefined, "message.in-flight", "evidence.pruned"]));
  });

  it("does not excuse an entry that was emptied in part, or altered since", async () => {
    const { heed, clock, alter, rows } = await withLog();
    const [first] = await rows("evidence");
    const where = { id: first?.id ?? "" };
    await alter({ update: "evidence", where, set: { entry: null } });
    expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
    await alter({ update: "evidence", where, set: { salt: null } });
    expect(await codeOf(heed.evidence.verify())).toBe("emptied-entry");
    await heed.evidence.prune({ before: clock.now().toISOString() });
    await heed.evidence.verify();
    await alter({ update: "evidence", where, set: { at: "2026-01-15T12:00:00.001Z" } });
    expect(await codeOf(heed.evidence.verify())).toBe("altered-entry");
  });
});

/** Another value of the same type. */
function otherValue(
  value: string | number | null,
  column: string,
  position: number,
  byte: number,
): string | number | null {
  if (typeof value === "number") {
    if (column === "isNewest") return 1 - value;
    // No storage takes a second row with the key of another.
    return column === "seq" ? value + 10 : value + 1 - (position % 3);
  }
  if (value === null) return column === "previous" ? "0".repeat(64) : "x";
  const at = position % value.length;
  return value.slice(0, at) + String.fromCharCode(byte) + value.slice(at + 1);
}
