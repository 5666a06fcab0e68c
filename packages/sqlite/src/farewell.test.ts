import { cpSync, readFileSync } from "node:fs";
import type { Farewell, FarewellAnswer } from "@heed/core";
import { describe, expect, it } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { journaledCompany } from "../test/journaled.ts";

const hourMs = 3_600_000;

/** A company with a journal that says farewell, and whose database can be put back to what it was. */
function company() {
  const founded = journaledCompany();
  const sent: string[] = [];
  let answer: () => FarewellAnswer | Promise<FarewellAnswer> = () => "accepted";
  const farewell: Farewell<"invoices"> = {
    topic: "invoices",
    send: async ({ email }) => {
      sent.push(email);
      return answer();
    },
  };
  const on = (place: string, journal = founded.journal) => founded.on(place, { farewell, journal });
  type Live = ReturnType<typeof on>;
  return {
    ...founded,
    on,
    sent,
    anna: founded.person("anna.canary@example.org"),
    /** What the sender answers from now on. */
    answering: (next: typeof answer) => void (answer = next),
    async backUp(live: Live) {
      const old = `${founded.base}.old`;
      await live.storage.backup?.(old);
      return old;
    },
    open: (live: Live, subject: { readonly email: string }) =>
      live.heed.requests.open({ right: "erasure", identity: "signed-in", subject }),
    async endsOf(live: Live, id: string) {
      const all = await live.heed.requests.evidence(id);
      return all.flatMap(({ entry }) => (entry.kind === "farewell.ended" ? [entry.outcome] : []));
    },
    /** Restores, and works for a week and a day. */
    async restored(place: string, journal?: string) {
      const live = on(place, journal);
      await live.heed.restore();
      for (let hour = 0; hour < 24 * 8; hour += 1) {
        await live.settle(hourMs);
        await founded.clock.advance(hourMs);
      }
      expect([await live.rows("farewells"), await live.rows("dataKeys")]).toEqual([[], []]);
      expect(await live.search("canary")).toEqual([]);
      return live;
    },
  };
}

describe("a farewell", () => {
  it("leaves neither the address nor the bytes of its key in the files, nor in the journal", async () => {
    const { on, base, journal, anna, answering, open, sent } = company();
    answering(() => "not-sent");
    const live = on(base);
    await open(live, anna);
    await live.settle(0);
    const keys = await live.rows("dataKeys");
    expect(keys).toHaveLength(1);
    const key = Buffer.from(keys[0]?.wrapped ?? []);
    const sealed = Buffer.from((await live.rows("farewells"))[0]?.sealed ?? []).toString("base64");
    expect(sealed.length).toBeGreaterThan(20);
    expect(bytesOnDisk(base).includes(key)).toBe(true);
    answering(() => "accepted");
    await live.settle(hourMs);
    expect([sent.length, await live.rows("farewells")]).toEqual([2, []]);
    expect(bytesOnDisk(base).includes(key)).toBe(false);
    await live.heed.close();
    // The journal has bytes as base64, and the database as they are.
    for (const file of [bytesOnDisk(base), readFileSync(journal)]) {
      const text = file.toString("latin1").toLowerCase();
      expect(text).not.toContain("canary");
      expect(text).not.toContain(Buffer.from(anna.email).toString("base64url").toLowerCase());
      expect(file.includes(sealed)).toBe(false);
      expect(file.includes(key) || file.includes(key.toString("base64"))).toBe(false);
    }
  });
});

describe("a farewell that is in what a restored database lost", () => {
  it("is not said again, though its erasure is carried out again", async () => {
    const { on, base, anna, sent, backUp, open, endsOf, restored, crm, person } = company();
    const live = on(base);
    await live.heed.subjects.record({ subject: anna, identityVerified: true });
    const old = await backUp(live);
    const { id } = await open(live, anna);
    await live.settle(0);
    expect([sent, await endsOf(live, id)]).toEqual([[anna.email], ["accepted"]]);
    await live.heed.close();
    person(anna.email);
    const again = await restored(old);
    expect(crm.find(anna.email)).toEqual([]);
    expect((await again.heed.requests.get(id)).state).toBe("fulfilled");
    expect([sent, await endsOf(again, id)]).toEqual([[anna.email], ["accepted"]]);
  });

  it("is not said again where the request was open at the time of the back-up", async () => {
    const { on, base, anna, sent, backUp, open, endsOf, restored } = company();
    const live = on(base);
    const { id } = await open(live, anna);
    const old = await backUp(live);
    await live.settle(0);
    await live.heed.close();
    const again = await restored(old);
    expect([sent, await endsOf(again, id)]).toEqual([[anna.email], ["accepted"]]);
  });

  it("is not said again where it waited to be at the time of the back-up", async () => {
    const { on, base, anna, sent, backUp, open, endsOf, restored, answering } = company();
    const live = on(base);
    answering(() => "not-sent");
    const { id } = await open(live, anna);
    await live.settle(0);
    const old = await backUp(live);
    answering(() => "accepted");
    await live.settle(hourMs);
    await live.heed.close();
    expect(sent).toHaveLength(2);
    const again = await restored(old);
    expect([sent.length, await endsOf(again, id)]).toEqual([2, ["accepted"]]);
  });

  it("is not said again where it was begun, and nobody knows what became of it", async () => {
    const { on, base, journal, anna, sent, backUp, open, endsOf, restored, answering } = company();
    const live = on(base);
    answering(() => "not-sent");
    const { id } = await open(live, anna);
    await live.settle(0);
    const old = await backUp(live);
    // The machine dies while it is being sent: this is all that is left.
    const left = `${journal}.left`;
    answering(() => {
      cpSync(journal, left);
      return "accepted";
    });
    await live.settle(hourMs);
    await live.heed.close();
    const again = await restored(old, left);
    expect([sent.length, await endsOf(again, id)]).toEqual([2, ["unknown"]]);
  });

  it("is not said where it may have been: its erasure had ended, and it waited still", async () => {
    const { on, base, anna, sent, backUp, open, endsOf, restored, answering } = company();
    const live = on(base);
    await live.heed.subjects.record({ subject: anna, identityVerified: true });
    const old = await backUp(live);
    answering(() => "not-sent");
    const { id } = await open(live, anna);
    await live.settle(0);
    await live.heed.close();
    answering(() => "accepted");
    const again = await restored(old);
    expect([sent.length, await endsOf(again, id)]).toEqual([1, ["unknown"]]);
  });

  it("is said where the erasure was asked for in that time, and not carried out yet", async () => {
    const { on, base, anna, sent, backUp, open, endsOf, restored } = company();
    const live = on(base);
    await live.heed.subjects.record({ subject: anna, identityVerified: true });
    const old = await backUp(live);
    const { id } = await open(live, anna);
    await live.heed.close();
    const again = await restored(old);
    expect([sent, await endsOf(again, id)]).toEqual([[anna.email], ["accepted"]]);
  });

  it("leaves nothing behind of somebody whom the back-up does not know", async () => {
    const { on, base, anna, sent, backUp, open, endsOf } = company();
    const live = on(base);
    await live.heed.subjects.record({ subject: { email: "bert@example.org" } });
    const old = await backUp(live);
    const { id } = await open(live, anna);
    await live.settle(0);
    await live.heed.close();
    const again = on(old);
    await again.heed.restore();
    await again.settle(24 * hourMs);
    expect([await again.rows("farewells"), await endsOf(again, id), sent.length]).toEqual([
      [],
      ["accepted"],
      1,
    ]);
  });
});
