import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { journaledCompany } from "../test/journaled.ts";

const anna = { email: "anna.canary@example.org" };
const bert = { email: "bert.canary@example.org" };
const ask = { right: "inquiry", identity: "unverified", about: "access" } as const;

/** A company whose database is put back to what it was before somebody wrote. */
async function company() {
  const founded = journaledCompany();
  const live = founded.on(founded.base);
  await live.heed.subjects.record({ subject: bert });
  const old = `${founded.base}.old`;
  await live.storage.backup?.(old);
  const restored = async () => {
    await live.heed.close();
    const again = founded.on(old);
    const told = await again.heed.restore();
    await again.settle();
    return { ...again, told };
  };
  return { ...founded, live, restored };
}

describe("an inquiry that a restored database lost", () => {
  it("is open again where it was", async () => {
    const { live, restored } = await company();
    const opened = await live.heed.requests.open({ ...ask, subject: anna });
    const { heed, rows } = await restored();
    expect(await heed.requests.list()).toMatchObject([
      { id: opened.id, state: "awaiting_manual", about: "access", dueOn: opened.dueOn },
    ]);
    expect(await heed.requests.open({ ...ask, subject: anna })).toMatchObject({
      id: opened.id,
      changed: false,
    });
    await heed.requests.answer({ id: opened.id });
    expect(await rows("subjects")).toHaveLength(1);
  });

  it("stays answered, and whoever it made stays forgotten, also in the journal", async () => {
    const { live, restored, journal } = await company();
    const ofAnna = await live.heed.requests.open({ ...ask, subject: anna });
    await live.heed.requests.answer({ id: ofAnna.id });
    const ofBert = await live.heed.requests.open({ ...ask, subject: bert });
    await live.heed.requests.answer({ id: ofBert.id });
    const { heed, rows, told } = await restored();
    expect(told).toMatchObject({ requests: 2, erasures: 0, unknownErasures: 0 });
    expect(await heed.requests.list()).toEqual([]);
    for (const { id } of [ofAnna, ofBert]) expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([(await rows("subjects")).length, (await rows("dataKeys")).length]).toEqual([1, 1]);
    expect(readFileSync(journal, "latin1")).not.toContain("canary");
  });

  it("is what it turned out to be", async () => {
    const { live, restored } = await company();
    const inquiry = await live.heed.requests.open({ ...ask, subject: bert });
    const { id, dueOn } = await live.heed.requests.open({
      right: "erasure",
      subject: bert,
      identity: "operator-checked",
      follows: inquiry.id,
    });
    const { heed, rows } = await restored();
    expect((await heed.requests.get(inquiry.id)).state).toBe("fulfilled");
    expect(await heed.requests.get(id)).toMatchObject({ state: "fulfilled", dueOn });
    expect(await rows("identifiers")).toEqual([]);
  });
});
