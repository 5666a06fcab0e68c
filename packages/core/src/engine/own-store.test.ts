import { describe, expect, it } from "vitest";
import { handClock } from "../../test/hand-clock.ts";
import { noEvidence as evidence, shopPolicy } from "../../test/shop.ts";
import { smallCrm } from "../../test/small-crm.ts";
import { storedRows } from "../../test/stored-rows.ts";
import type { HeedStorage } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";
import { createHeed } from "../heed.ts";
import { keyring, newKey, type Keyring } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";

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
