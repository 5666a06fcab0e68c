import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { journaledCompanyAt, journaledEvidence as evidence, type Premises } from "./journaled.ts";

const mail = (topic: "newsletter" | "alerts" | "invoices", email: string) =>
  ({ topic, email, messageKey: `${topic}-${email}-after` }) as const;

/** Premises whose database can be copied while nobody has it open. */
export interface BackedUpPremises extends Premises {
  /** Copies the database to a place that is not there yet. */
  readonly backUp: (to: string) => Promise<void>;
}

/** What a company with a journal can rely on when its database is put back to what it was. */
export function describeRestoring({
  name,
  premises,
}: {
  readonly name: string;
  /** New ones for each test. */
  readonly premises: () => BackedUpPremises | Promise<BackedUpPremises>;
}): void {
  const founded = async () => {
    const at = await premises();
    const company = journaledCompanyAt(at);
    const old = `${at.base}_old`;
    const backUp = async (live: ReturnType<typeof company.on>) => {
      await live.heed.close();
      await at.backUp(old);
      return company.on(at.base);
    };
    return { company, old, backUp };
  };

  describe(`a back-up of ${name} that is restored`, () => {
    it(
      "is held until what was lost is replayed: no send, no step, only opt-outs",
      { timeout: 60_000 },
      async () => {
        const { company, old, backUp } = await founded();
        const first = company.on(company.base);
        const anna = company.person("anna.canary@example.org");
        const bert = company.person("bert.canary@example.org");
        for (const subject of [anna, bert])
          await first.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
        await first.settle();
        const live = await backUp(first);
        await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
        const clara = company.person("clara.canary@example.org");
        await live.heed.subscriptions.subscribe({ subject: clara, topic: "newsletter", evidence });
        await live.settle();
        expect(await live.heed.journal.state()).toEqual({ state: "level", lost: 0 });
        await live.heed.close();

        const { heed, settle, search, rows } = company.on(old);
        expect(await heed.journal.state()).toEqual({ state: "restore-needed", lost: 2 });
        expect(await heed.permits.take(mail("newsletter", anna.email))).toEqual({
          allowed: false,
          because: "restore-needed",
        });
        // Bert is untouched by what was lost, and nobody can know that yet.
        expect(await heed.permits.take(mail("newsletter", bert.email))).toMatchObject({
          because: "restore-needed",
        });
        expect(await heed.permits.take(mail("alerts", bert.email))).toMatchObject({
          because: "restore-needed",
        });
        expect(await heed.permits.take(mail("invoices", bert.email))).toMatchObject({ allowed: true });
        await expect(
          heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence }),
        ).rejects.toMatchObject({ code: "restore-needed" });
        await expect(
          heed.requests.open({ right: "erasure", identity: "signed-in", subject: bert }),
        ).rejects.toMatchObject({ code: "restore-needed" });
        await expect(heed.suppression.check({ email: bert.email })).rejects.toMatchObject({
          code: "restore-needed",
        });
        const before = company.crm.calls.length;
        expect(await heed.subscriptions.unsubscribe({ subject: bert, topic: "newsletter" })).toMatchObject({
          changed: true,
        });
        expect((await heed.work.drain()).settled).toBe(0);
        expect(company.crm.calls).toHaveLength(before);

        expect(await heed.restore({ dryRun: true })).toEqual({
          records: 2,
          choices: 2,
          requests: 0,
          erasures: 0,
          unknownErasures: 0,
        });
        expect((await heed.journal.state()).lost).toBe(2);
        const progress: number[] = [];
        await heed.restore({ onProgress: ({ done }) => progress.push(done) });
        expect(progress).toEqual([1, 2]);
        expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
        await settle();
        expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({
          because: "suppressed",
        });
        expect(await heed.permits.take(mail("newsletter", bert.email))).toMatchObject({
          because: "suppressed",
        });
        expect(await heed.permits.take(mail("newsletter", clara.email))).toMatchObject({ allowed: true });
        expect([...(company.crm.optedOut.get(anna.email) ?? [])]).toEqual(["newsletter"]);
        expect([...(company.crm.optedOut.get(bert.email) ?? [])]).toEqual(["newsletter"]);
        expect([...(company.crm.optedIn.get(clara.email) ?? [])]).toEqual(["newsletter"]);
        expect(await search("canary")).toEqual([]);
        expect(readFileSync(company.journal, "latin1")).not.toContain("canary");
        expect(await rows("restored")).toEqual([]);
        // A second restoration has nothing to do.
        expect(await heed.restore()).toMatchObject({ records: 0 });
      },
    );

    it(
      "carries an erasure out again that had ended, and resurrects nobody",
      { timeout: 60_000 },
      async () => {
        const { company, old, backUp } = await founded();
        const first = company.on(company.base);
        const anna = company.person("anna.canary@example.org");
        await first.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
        await first.settle();
        const live = await backUp(first);
        const { id } = await live.heed.requests.open({
          right: "erasure",
          identity: "signed-in",
          subject: anna,
        });
        await live.settle();
        expect((await live.heed.requests.get(id)).state).toBe("fulfilled");
        await live.heed.close();
        // The application's own table came back with its own back-up.
        company.rows.set(anna.email, true);

        const { heed, settle, rows } = company.on(old);
        expect(await rows("dataKeys")).toHaveLength(1);
        expect(await heed.restore()).toMatchObject({ requests: 1, erasures: 1 });
        await settle();
        expect((await heed.requests.get(id)).state).toBe("fulfilled");
        expect(company.rows.has(anna.email)).toBe(false);
        expect(company.crm.find(anna.email)).toEqual([]);
        for (const table of ["subjects", "identifiers", "dataKeys"] as const)
          expect(await rows(table)).toEqual([]);
        expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ because: "erased" });
        expect(await heed.suppression.check({ email: anna.email })).toMatchObject({ suppressed: true });
      },
    );

    it(
      "keeps what a legal hold covers that was placed since, until that is released",
      { timeout: 60_000 },
      async () => {
        const { company, old, backUp } = await founded();
        const first = company.on(company.base);
        const anna = company.person("anna.canary@example.org");
        await first.heed.subjects.record({ subject: anna });
        const early = { reason: "case-1", orderedBy: "board", reviewAt: "2030-01-01T00:00:00Z" };
        const before = await first.heed.holds.place({ everyone: true, ...early });
        const live = await backUp(first);
        await live.heed.holds.release(before.id);
        const since = await live.heed.holds.place({ subject: anna, ...early, reason: "case-2" });
        // Somebody whom the back-up does not know at all.
        const bert = company.person("bert.canary@example.org");
        const unknown = await live.heed.holds.place({ subject: bert, ...early, processor: "crm" });
        const { id } = await live.heed.requests.open({
          right: "erasure",
          identity: "signed-in",
          subject: anna,
        });
        await live.heed.close();
        expect(readFileSync(company.journal, "latin1")).not.toContain("canary");

        const { heed, settle } = company.on(old);
        await heed.restore();
        expect((await heed.holds.list()).map((hold) => hold.id).toSorted()).toEqual(
          [since.id, unknown.id].toSorted(),
        );
        expect(await heed.holds.list({ subject: bert })).toMatchObject([
          { id: unknown.id, processor: "crm" },
        ]);
        await settle(3 * 86_400_000);
        expect(company.crm.find(anna.email)).toHaveLength(1);
        expect(company.rows.has(anna.email)).toBe(true);
        await heed.holds.release(since.id);
        await settle();
        expect(company.crm.find(anna.email)).toEqual([]);
        expect(company.rows.has(anna.email)).toBe(false);
        expect((await heed.requests.get(id)).state).toBe("fulfilled");
      },
    );

    it(
      "goes on where it was when its restoration is interrupted after any record",
      { timeout: 60_000 },
      async () => {
        const { company, old, backUp } = await founded();
        const first = company.on(company.base);
        const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
        await first.heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
        const live = await backUp(first);
        await live.heed.subscriptions.subscribe({ subject: bert, topic: "newsletter", evidence });
        await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
        await live.heed.subjects.record({
          subject: { email: [anna.email, bert.email] },
          identityVerified: true,
        });
        await live.heed.requests.open({ right: "withdrawal", identity: "unverified", subject: bert });
        const of = (test: typeof live) =>
          Promise.all([
            test.heed.subscriptions.state({ subject: anna, topic: "newsletter" }),
            test.heed.subscriptions.state({ subject: anna, topic: "offers" }),
            test.rows("events").then((rows) => rows.map((row) => row.id).toSorted()),
            test.rows("subjects").then((rows) => rows.length),
          ]);
        const truth = await of(live);
        await live.heed.close();
        for (let last = 1; last <= 4; last += 1) {
          const stopped = company.on(old);
          const interrupted = stopped.heed.restore({
            onProgress: ({ done }) => {
              if (done === 1) throw new Error("the process died");
            },
          });
          await expect(interrupted).rejects.toThrow("the process died");
          expect(await stopped.heed.journal.state()).toEqual({ state: "restore-needed", lost: 4 - last });
          await stopped.heed.close();
        }
        const done = company.on(old);
        expect(await done.heed.permits.take(mail("newsletter", bert.email))).toMatchObject({
          because: "restore-needed",
        });
        await done.heed.restore();
        await done.settle();
        expect(await of(done)).toEqual(truth);
        expect((await done.rows("steps")).filter((step) => step.endedAt === null)).toEqual([]);
        expect((await done.rows("requests")).every((row) => row.closedAt !== null)).toBe(true);
      },
    );
  });
}
