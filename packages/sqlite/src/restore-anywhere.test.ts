import { copyFileSync } from "node:fs";
import { isHeedError } from "@heed/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { journaledEvidence as evidence } from "@heed/testing/private";
import { journaledCompany } from "../test/journaled.ts";
import { bytesOf, withSnapshots } from "../test/snapshots.ts";

type Company = ReturnType<typeof journaledCompany>;
type Test = ReturnType<Company["on"]>;
const people = ["anna", "bert", "clara"].map((name) => `${name}.canary@example.org`);
const topics = ["newsletter", "offers"] as const;

const runs = Math.ceil(Number(process.env["HEED_SEEDS"] ?? 50) / 5);

/** What must be the same whichever back-up was restored. */
async function truthOf({ heed, rows }: Test) {
  const states: unknown[][] = [];
  for (const email of people) {
    const { suppressed } = await heed.suppression.check({ email });
    for (const topic of topics) {
      const { state } = await heed.subscriptions.state({ subject: { email }, topic });
      states.push([email, topic, state, suppressed]);
    }
  }
  const sorted = (all: readonly string[]) => all.toSorted();
  return {
    states,
    silences: sorted((await rows("suppressions")).map((row) => `${row.digest} ${row.scope} ${row.reason}`)),
    known: sorted((await rows("identifiers")).map((row) => row.digest)),
    keys: (await rows("dataKeys")).length,
    subjects: (await rows("subjects")).length,
    requests: sorted(
      (await rows("requests")).map((row) => `${row.id} ${row.right} ${row.closedAt !== null}`),
    ),
    open: (await rows("steps")).filter((row) => row.endedAt === null).length,
  };
}

const vendorTruth = ({ crm, rows }: Company) =>
  people.map((email) => [
    email,
    crm.find(email).length,
    rows.has(email),
    [...(crm.optedOut.get(email) ?? [])].toSorted(),
    [...(crm.optedIn.get(email) ?? [])].toSorted(),
  ]);

function unlessFrozen(error: unknown): void {
  if (!isHeedError(error) || error.code !== "frozen") throw error;
}

/** A held database sends nothing and does nothing, and gets back all that it lost. */
async function expectRestored({ heed }: Test, { crm }: Company, lost: number): Promise<void> {
  const before = crm.calls.length;
  for (const email of people) {
    const ask = { topic: "newsletter", email, messageKey: "held" } as const;
    expect(await heed.permits.take(ask)).toMatchObject({ because: "restore-needed" });
  }
  expect((await heed.work.drain()).settled).toBe(0);
  expect(crm.calls).toHaveLength(before);
  expect(await heed.restore()).toMatchObject({ records: lost });
}

describe("a back-up from any instant", () => {
  it(
    "comes to the same end with the whole journal, sends nothing before, and resurrects nobody",
    { timeout: 240_000 },
    async () => {
      const company = journaledCompany();
      const { storage, files } = withSnapshots(company.base);
      const live = company.on(company.base, { storage });
      const [anna, bert, clara] = people.map((email) => company.person(email));
      for (const subject of [anna!, bert!, clara!])
        await live.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
      await live.settle();
      await company.clock.advance(60_000);
      await live.heed.subscriptions.unsubscribe({ subject: bert!, topic: "newsletter" });
      const { id } = await live.heed.requests.open({
        right: "erasure",
        identity: "signed-in",
        subject: anna!,
      });
      company.crm.fault({ at: "run", operation: "erase", loses: new Error("lost") });
      await live.settle();
      await live.heed.subscriptions.subscribe({ subject: clara!, topic: "offers", evidence });
      await live.heed.requests.open({ right: "withdrawal", identity: "unverified", subject: bert! });
      await live.settle();
      const truth = await truthOf(live);
      const vendors = vendorTruth(company);
      expect(truth.open).toBe(0);
      expect((await live.heed.requests.get(id)).state).toBe("fulfilled");
      await live.heed.close();
      expect(files.length).toBeGreaterThan(30);

      let held = 0;
      for (const file of files) {
        const journal = `${file}.journal`;
        copyFileSync(company.journal, journal);
        const restored = company.on(file, { journal });
        const { state, lost } = await restored.heed.journal.state();
        if (state === "restore-needed") {
          held += 1;
          await expectRestored(restored, company, lost);
        }
        await restored.settle();
        expect({ file, ...(await truthOf(restored)) }).toEqual({ file, ...truth });
        expect(vendorTruth(company)).toEqual(vendors);
        for (const email of people.slice(0, 2)) {
          const ask = { topic: "newsletter", email, messageKey: `after-${file}` } as const;
          expect(await restored.heed.permits.take(ask)).toMatchObject({ allowed: false });
        }
        expect(bytesOf(journal)).not.toContain("canary");
        await restored.heed.close();
      }
      expect(held).toBeGreaterThan(20);
      expect(held).toBeLessThan(files.length);
    },
  );

  it("folds to the same, whatever had happened before and after it", { timeout: 20_000 * runs }, async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ does: fc.constant("in" as const), who: fc.nat(2), topic: fc.nat(1) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ does: fc.constant("out" as const), who: fc.nat(2), topic: fc.nat(2) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ does: fc.constant("erase" as const), who: fc.nat(2), topic: fc.nat(1) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ does: fc.constant("link" as const), who: fc.nat(2), topic: fc.nat(1) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ does: fc.constant("work" as const), who: fc.nat(2), topic: fc.nat(1) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), fc.nat(6), async (steps, offset) => {
        const company = journaledCompany();
        const { storage, files } = withSnapshots(company.base, (n) => n % 7 === offset);
        const live = company.on(company.base, { storage });
        const carriedOut: (typeof steps)[number][] = [];
        for (const each of steps) {
          const { does, who, topic } = each;
          await company.clock.advance(1000);
          carriedOut.push(each);
          const email = people[who] ?? "";
          const subject = { email };
          if (does === "in")
            await live.heed.subscriptions.subscribe({ subject, topic: topics[topic] ?? "offers", evidence });
          else if (does === "out")
            await live.heed.subscriptions.unsubscribe({ subject, topic: topics[topic] ?? "all" });
          else if (does === "erase")
            await live.heed.requests
              .open({ right: "erasure", identity: "signed-in", subject })
              .catch(unlessFrozen);
          else if (does === "link")
            await live.heed.subjects
              .record({ subject: { email: [email, people[(who + 1) % 3] ?? ""] }, identityVerified: true })
              .catch((error: unknown) => {
                unlessFrozen(error);
                carriedOut.pop();
              });
          else await live.settle();
        }
        await live.settle();
        const truth = await truthOf(live);
        await live.heed.close();
        const erasedAt = carriedOut.findIndex(({ does }) => does === "erase");
        const after = erasedAt === -1 ? [] : carriedOut.slice(erasedAt + 1);
        const comesBack = ({ does, who }: (typeof steps)[number], one: number) =>
          (does === "in" && who === one) || (does === "link" && (who === one || (who + 1) % 3 === one));
        // Whoever only said no after an erasure is erased again with it: only that they are silenced is left of them.
        const onlySaidNo = people.filter(
          (_, one) =>
            after.some(({ does, who }) => does === "out" && who === one) &&
            !after.some((each) => comesBack(each, one)),
        );
        const told = (all: readonly (readonly unknown[])[]) =>
          all.map(([email, topic, state, suppressed]) => [
            email,
            topic,
            onlySaidNo.includes(String(email)) ? "silent" : state,
            suppressed,
          ]);
        for (const file of files) {
          const journal = `${file}.journal`;
          copyFileSync(company.journal, journal);
          const restored = company.on(file, { journal });
          await restored.heed.restore();
          await restored.settle();
          const { states, silences, known, subjects, open, requests } = await truthOf(restored);
          const gone = truth.subjects - subjects;
          expect({ states: told(states), silences, open, requests }).toEqual({
            states: told(truth.states),
            requests: truth.requests,
            silences: truth.silences,
            open: truth.open,
          });
          expect(known).toEqual(truth.known.filter((digest) => known.includes(digest)));
          expect(truth.known.length - known.length).toBe(gone);
          expect(gone).toBeGreaterThanOrEqual(0);
          expect(gone).toBeLessThanOrEqual(onlySaidNo.length);
          await restored.heed.close();
        }
      }),
      { numRuns: runs },
    );
  });
});
