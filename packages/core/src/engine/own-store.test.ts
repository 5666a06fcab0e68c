import { describe, expect, it } from "vitest";
import { handClock } from "../../test/hand-clock.ts";
import { noEvidence as evidence, openShop, shopPolicy } from "../../test/shop.ts";
import { smallCrm } from "../../test/small-crm.ts";
import { storedRows } from "../../test/stored-rows.ts";
import type { HeedStorage } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";
import { createHeed } from "../heed.ts";
import { ephemeralKeys, keyring, newKey, type Keyring } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { ownStore } from "./own-store.ts";

const anna = { email: "anna@example.org" };
const other = { email: "anna@work.example" };

/** A storage that says it has removed rows of a table, and has them still, as often as it is asked. */
function keeping(table: TableName, times: number): HeedStorage {
  const storage = memory();
  let left = times;
  return Object.assign(Object.create(storage) as HeedStorage, {
    transact: ((transaction) =>
      storage.transact({
        ...transaction,
        decide: (rows, now) => {
          const { writes, answer } = transaction.decide(rows, now);
          // What takes a message's key anew removes by id.
          const isKept = (write: (typeof writes)[number]) =>
            "remove" in write && write.remove === table && "address" in write.where && left > 0;
          const kept = writes.filter((write) => !isKept(write));
          if (kept.length < writes.length) left -= 1;
          return { writes: kept, answer };
        },
      })) satisfies HeedStorage["transact"],
  });
}

function openOver(storage: HeedStorage, keys: Keyring = keyring(newKey())) {
  const clock = handClock();
  const heed = createHeed({
    policy: shopPolicy,
    storage,
    keys,
    clock,
    processors: { crm: smallCrm().processor },
  });
  return {
    heed,
    clock,
    async report(email: string) {
      const permit = await heed.permits.take({ topic: "receipts", email, messageKey: "m1" });
      if (!permit.allowed || permit.returnTag === undefined) throw new Error("no permit");
      await permit.handOver();
      await permit.settle("accepted");
      await heed.messages.report({ tag: permit.returnTag, kind: "soft" });
    },
    async erase() {
      clock.advance(60_000);
      const ask = { right: "erasure", subject: anna, identity: "signed-in" } as const;
      const { id } = await heed.requests.open(ask);
      for (let round = 0; round < 20; round += 1) {
        await heed.work.drain();
        clock.advance(3_600_000);
      }
      return (await heed.requests.get(id)).state;
    },
    left: async () => [
      ...(await storedRows(storage, clock, "permits")),
      ...(await storedRows(storage, clock, "reports")),
    ],
  };
}

describe("an erasure of heed's own data", () => {
  it.each(["permits", "reports"] as const)("is not done while there are %s of the person", async (table) => {
    const company = openOver(keeping(table, Number.POSITIVE_INFINITY));
    // They named one address; what was sent to the other is theirs as well.
    await company.heed.subjects.record({
      subject: { email: [anna.email, other.email] },
      identityVerified: true,
    });
    await company.report(other.email);
    expect(await company.erase()).not.toBe("fulfilled");
    expect(await company.left()).not.toEqual([]);
  });

  it.each(["permits", "reports"] as const)("removes %s that the first run left", async (table) => {
    const company = openOver(keeping(table, 2));
    await company.heed.subjects.record({
      subject: { email: [anna.email, other.email] },
      identityVerified: true,
    });
    for (const { email } of [anna, other]) await company.report(email);
    expect(await company.erase()).toBe("fulfilled");
    expect(await company.left()).toEqual([]);
  });

  it("covers what was sent while nobody was known, under a key that was the active one then", async () => {
    const storage = memory();
    const old = newKey();
    const before = openOver(storage, keyring(old));
    for (const { email } of [anna, other]) await before.report(email);
    const after = openOver(storage, keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`));
    await after.heed.consent.give({ subject: other, purpose: "news", evidence });
    await after.heed.subjects.record({
      subject: { email: [anna.email, other.email] },
      identityVerified: true,
    });
    expect(await after.heed.messages.sent(anna)).toHaveLength(1);
    expect(await after.erase()).toBe("fulfilled");
    expect(await after.left()).toEqual([]);
  });

  it("is none of who came back under the address before it was seen to be done", async () => {
    const storage = memory();
    let isScrubbed = false;
    const slow = Object.assign(Object.create(storage) as HeedStorage, { scrub: async () => isScrubbed });
    const company = openOver(slow);
    await company.report(anna.email);
    expect(await company.erase()).not.toBe("fulfilled");
    expect(await company.left()).toEqual([]);
    await company.heed.subjects.record({ subject: anna });
    await company.report(anna.email);
    isScrubbed = true;
    await company.heed.work.drain();
    expect(await company.heed.requests.list()).toEqual([]);
    expect(await company.left()).toHaveLength(2);
  });

  it("leaves what was sent to others", async () => {
    const company = openOver(memory());
    for (const email of [anna.email, "ben@example.org"]) await company.report(email);
    expect(await company.erase()).toBe("fulfilled");
    expect(await company.left()).toHaveLength(2);
  });
});

describe("what heed itself knows of a person", () => {
  const tables = [
    "subjects",
    "identifiers",
    "dataKeys",
    "events",
    "steps",
    "references",
    "invitations",
    "requests",
    "permits",
  ] as const;

  /** Somebody of whom there is a row in each table, and the erasure that is about to end it. */
  async function wellKnown() {
    const { heed, storage, clock, rows, isSendable } = openShop();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    await heed.subscriptions.request({ subject: anna, topic: "events", evidence });
    await isSendable("offers", anna.email);
    await heed.requests.open({ right: "inquiry", subject: anna, identity: "unverified" });
    const { id } = await heed.requests.open({ right: "erasure", subject: anna, identity: "unverified" });
    // What a correction would have been, for example.
    await storage.transact({
      lock: [],
      clock,
      read: {},
      decide: () => ({
        writes: [{ update: "steps", where: {}, set: { sealed: new Uint8Array([1]) } }],
        answer: undefined,
      }),
    });
    const all = async () =>
      Object.fromEntries(
        await Promise.all(tables.map(async (table) => [table, await rows(table)] as const)),
      ) as { [T in (typeof tables)[number]]: Awaited<ReturnType<typeof rows<T>>> };
    const before = await all();
    const subjectId = before.subjects[0]?.id ?? "";
    const identifiers = [
      { kind: "heedSubject", value: subjectId },
      { kind: "heedRequest", value: id },
    ];
    const { erase } = ownStore({ storage, clock, keys: ephemeralKeys(), namespace: "default" }).operations;
    const ask = async (question: "run" | "verify", context: object = {}): Promise<unknown> => {
      const answers = await Reflect.get(erase ?? {}, question).call(
        erase,
        [{ id: "1", identifiers }],
        context,
      );
      return (answers as ReadonlyMap<string, unknown>).get("1");
    };
    const put = (table: (typeof tables)[number], row: object) =>
      storage.transact({
        lock: [],
        clock,
        read: {},
        decide: () => ({ writes: [{ insert: table, row } as never], answer: undefined }),
      });
    return { id, subjectId, all, before, ask, put };
  }

  it("is gone from every table, or says nothing of anybody any more", async () => {
    const { id, before, all, ask } = await wellKnown();
    for (const table of tables) expect([table, before[table].length > 0]).toEqual([table, true]);
    for (const table of ["events", "steps"] as const)
      expect([table, before[table].some(({ sealed }) => sealed !== null)]).toEqual([table, true]);
    expect(await ask("run")).toEqual({ status: "done", affected: 1 });
    const after = await all();
    for (const table of ["subjects", "identifiers", "dataKeys", "invitations", "permits"] as const)
      expect([table, after[table]]).toEqual([table, []]);
    for (const { sealed } of [...after.events, ...after.steps]) expect(sealed).toBeNull();
    for (const { subjectId, address } of after.references) expect([subjectId, address]).toEqual([null, null]);
    // Its own request still has to be read back.
    const others = after.requests.filter((request) => request.id !== id);
    expect(others.map(({ named }) => named)).toEqual(["[]"]);
    expect(await ask("verify")).toEqual({ seen: "as-asked" });
  });

  it.each(["subjects", "identifiers", "dataKeys", "events", "references", "invitations", "permits"] as const)(
    "is not gone while there is any of it in %s",
    async (table) => {
      const { before, ask, put } = await wellKnown();
      await ask("run");
      const row = before[table].find((each) => !("sealed" in each) || each.sealed !== null);
      await put(table, { ...row, ...(table === "events" || table === "references" ? { id: "again" } : {}) });
      expect(await ask("verify")).toEqual({ seen: "not-as-asked" });
    },
  );

  it("stays as it is where a hold was placed before its turn came", async () => {
    const { all, before, ask } = await wellKnown();
    await expect(ask("run", { proceed: () => Promise.reject(new Error("held")) })).rejects.toThrow("held");
    expect(await all()).toEqual(before);
  });
});
