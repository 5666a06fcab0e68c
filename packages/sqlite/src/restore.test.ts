import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evidence, journaledCompany } from "../test/journaled.ts";

const mail = (topic: "newsletter" | "alerts" | "invoices", email: string) =>
  ({ topic, email, messageKey: `${topic}-${email}-after` }) as const;

describe("a back-up that is restored", () => {
  it("is held until what was lost is replayed: no send, no step, only opt-outs", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    const bert = company.person("bert.canary@example.org");
    for (const subject of [anna, bert])
      await live.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
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
    expect(await heed.permits.take(mail("alerts", bert.email))).toMatchObject({ because: "restore-needed" });
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
    });
    expect((await heed.journal.state()).lost).toBe(2);
    const progress: number[] = [];
    await heed.restore({ onProgress: ({ done }) => progress.push(done) });
    expect(progress).toEqual([1, 2]);
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await settle();
    expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ because: "suppressed" });
    expect(await heed.permits.take(mail("newsletter", bert.email))).toMatchObject({ because: "suppressed" });
    expect(await heed.permits.take(mail("newsletter", clara.email))).toMatchObject({ allowed: true });
    expect([...(company.crm.optedOut.get(anna.email) ?? [])]).toEqual(["newsletter"]);
    expect([...(company.crm.optedOut.get(bert.email) ?? [])]).toEqual(["newsletter"]);
    expect([...(company.crm.optedIn.get(clara.email) ?? [])]).toEqual(["newsletter"]);
    expect(await search("canary")).toEqual([]);
    expect(readFileSync(company.journal, "latin1")).not.toContain("canary");
    expect(await rows("restored")).toEqual([]);
    // A second restoration has nothing to do.
    expect(await heed.restore()).toMatchObject({ records: 0 });
  });

  it("carries an erasure out again that had ended, and resurrects nobody", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const { id } = await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
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
  });

  it("keeps what a legal hold covers that was placed since, until that is released", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subjects.record({ subject: anna });
    const early = { reason: "case-1", orderedBy: "board", reviewAt: "2030-01-01T00:00:00Z" };
    const before = await live.heed.holds.place({ everyone: true, ...early });
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.holds.release(before.id);
    const since = await live.heed.holds.place({ subject: anna, ...early, reason: "case-2" });
    // Somebody whom the back-up does not know at all.
    const bert = company.person("bert.canary@example.org");
    const unknown = await live.heed.holds.place({ subject: bert, ...early, processor: "crm" });
    const { id } = await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await live.heed.close();
    expect(readFileSync(company.journal, "latin1")).not.toContain("canary");

    const { heed, settle } = company.on(old);
    await heed.restore();
    expect((await heed.holds.list()).map((hold) => hold.id).toSorted()).toEqual(
      [since.id, unknown.id].toSorted(),
    );
    expect(await heed.holds.list({ subject: bert })).toMatchObject([{ id: unknown.id, processor: "crm" }]);
    await settle(3 * 86_400_000);
    expect(company.crm.find(anna.email)).toHaveLength(1);
    expect(company.rows.has(anna.email)).toBe(true);
    await heed.holds.release(since.id);
    await settle();
    expect(company.crm.find(anna.email)).toEqual([]);
    expect(company.rows.has(anna.email)).toBe(false);
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("leaves alone whoever was erased and had come back", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await live.settle();
    await company.clock.advance(60_000);
    company.person(anna.email);
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    await live.heed.close();
    const { heed, settle, rows } = company.on(old);
    await heed.restore();
    await settle();
    expect(company.crm.find(anna.email)).toHaveLength(1);
    expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ allowed: true });
    expect(await heed.subscriptions.state({ subject: anna, topic: "offers" })).toMatchObject({
      state: "never-asked",
    });
    expect(await rows("subjects")).toHaveLength(1);
    expect((await rows("requests"))[0]?.closedAt).not.toBeNull();
    expect((await rows("steps")).filter((step) => step.endedAt === null)).toEqual([]);
  });

  it("is one person again when somebody says no whom only the journal knows", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const old = `${company.base}.old`;
    await live.storage.backup?.(old).catch(() => {});
    await live.rows("subjects");
    await live.storage.backup?.(old).catch(() => {});
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
    await live.heed.close();
    const { heed, rows } = company.on(old);
    await company.clock.advance(1000);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await heed.restore();
    expect(await rows("subjects")).toHaveLength(1);
    expect(await rows("dataKeys")).toHaveLength(1);
    expect(await heed.subscriptions.state({ subject: anna, topic: "newsletter" })).toMatchObject({
      state: "not-given",
    });
    expect(await heed.subscriptions.state({ subject: anna, topic: "offers" })).toMatchObject({
      state: "given",
    });
    // And all of it is in the journal: the same back-up can be restored once more.
    await heed.close();
    copyFileSync(old, `${old}.copy`);
    const empty = company.on(`${company.base}.empty`);
    await expect(empty.heed.journal.state()).resolves.toMatchObject({ state: "restore-needed" });
    await empty.heed.restore();
    expect(await empty.rows("subjects")).toHaveLength(1);
    expect(await empty.heed.subscriptions.state({ subject: anna, topic: "newsletter" })).toMatchObject({
      state: "not-given",
    });
  });
});

describe("a restoration", () => {
  it("that is interrupted after any record goes on where it was", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    const old = `${company.base}.old`;
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
    await live.storage.backup?.(old);
    await live.heed.subscriptions.subscribe({ subject: bert, topic: "newsletter", evidence });
    await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    await live.heed.subjects.record({ subject: { email: [anna.email, bert.email] }, identityVerified: true });
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
  });

  it("tells processors what two people chose who were found to be one since", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await live.heed.subscriptions.unsubscribe({ subject: bert, topic: "offers" });
    await live.heed.subjects.record({ subject: { email: [anna.email, bert.email] }, identityVerified: true });
    await live.settle();
    await live.heed.close();
    // The vendor came back with its own back-up.
    company.crm.optedOut.clear();

    const { heed, settle, rows } = company.on(old);
    // Interrupted once all is replayed and nothing is planned, so that nobody remembers what became of whom.
    const interrupted = heed.restore({
      onProgress: ({ done, of }) => {
        if (done === of) throw new Error("the process died");
      },
    });
    await expect(interrupted).rejects.toThrow("the process died");
    const [subject] = await rows("subjects");
    expect((await rows("restored")).map((row) => row.subjectId)).toEqual([subject?.id, subject?.id]);
    await heed.restore();
    await settle();
    for (const { email } of [anna, bert])
      expect([...(company.crm.optedOut.get(email) ?? [])].toSorted()).toEqual(["newsletter", "offers"]);
  });

  it("is over when each controller of the storage has done its own", async () => {
    const company = journaledCompany();
    const old = `${company.base}.old`;
    const both = ["one", "two"].map((namespace) => company.on(company.base, { namespace }));
    const anna = company.person("anna@example.org");
    await both[0]?.rows("subjects");
    await both[0]?.storage.backup?.(old);
    for (const { heed } of both) await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    for (const { heed } of both) await heed.close();
    const [one, two] = ["one", "two"].map((namespace) => company.on(old, { namespace }));
    await one?.heed.restore();
    const planned = async () => (await one?.rows("steps"))?.map((step) => step.namespace);
    expect(await planned()).toEqual(["one"]);
    expect(await one?.heed.journal.state()).toEqual({ state: "restore-needed", lost: 0 });
    await two?.heed.restore();
    expect((await planned())?.toSorted()).toEqual(["one", "two"]);
    expect(await one?.heed.journal.state()).toEqual({ state: "level", lost: 0 });
  });
});

describe("a journal", () => {
  it("that is missing, empty, cut or another's is refused loudly, with the way out", async () => {
    const company = journaledCompany();
    const first = company.on(company.base);
    const anna = company.person("anna@example.org");
    const optOut = { subject: anna, topic: "newsletter" } as const;
    await first.heed.subscriptions.unsubscribe(optOut);
    await first.heed.subscriptions.unsubscribe(optOut);
    await first.heed.close();
    const whole = readFileSync(company.journal);
    const stateOf = async () => {
      const { heed } = company.on(company.base);
      try {
        return await heed.journal.state();
      } finally {
        await heed.close();
      }
    };
    expect(await stateOf()).toEqual({ state: "level", lost: 0 });
    rmSync(company.journal);
    await expect(stateOf()).rejects.toMatchObject({ code: "journal-missing" });
    writeFileSync(company.journal, "");
    await expect(stateOf()).rejects.toMatchObject({ code: "journal-missing" });
    writeFileSync(company.journal, whole.subarray(0, whole.lastIndexOf("\n", whole.length - 2) + 1));
    await expect(stateOf()).rejects.toMatchObject({ code: "journal-missing" });
    for (const at of [40, Math.floor(whole.length / 2), whole.length - 40]) {
      const altered = Buffer.from(whole);
      altered[at] = altered[at]! ^ 1;
      writeFileSync(company.journal, altered);
      await expect(stateOf()).rejects.toMatchObject({
        code: expect.stringMatching(/^journal-(damaged|missing)$/),
      });
    }
    const other = journaledCompany();
    const stranger = other.on(other.base);
    await stranger.heed.subscriptions.unsubscribe(optOut);
    await stranger.heed.close();
    copyFileSync(other.journal, company.journal);
    await expect(stateOf()).rejects.toMatchObject({ code: "journal-foreign" });

    rmSync(company.journal);
    const { heed } = company.on(company.base);
    await expect(heed.permits.take(mail("newsletter", anna.email))).rejects.toMatchObject({
      code: "journal-missing",
    });
    await expect(heed.restore()).rejects.toMatchObject({ code: "journal-missing" });
    await heed.restore({ acceptLoss: true });
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await heed.subscriptions.unsubscribe({ ...optOut, topic: "offers" });
    expect(statSync(company.journal).mode & 0o777).toBe(0o600);
  });

  it("passes over a record that a crash cut short, and goes on behind it", async () => {
    const company = journaledCompany();
    const first = company.on(company.base);
    const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;
    await first.heed.subscriptions.unsubscribe(optOut("a@example.org"));
    const old = `${company.base}.old`;
    await first.storage.backup?.(old);
    const before = statSync(company.journal).size;
    await first.heed.subscriptions.unsubscribe(optOut("b@example.org"));
    const after = statSync(company.journal).size;
    await first.heed.close();
    truncateSync(company.journal, Math.floor((before + after) / 2));
    // As if it had died before it could answer: the database it had is the older one, and lacks nothing.
    const second = company.on(old);
    expect(await second.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await second.heed.subscriptions.unsubscribe(optOut("c@example.org"));
    await second.heed.close();
    const again = company.on(old);
    expect(await again.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await again.heed.close();
    const empty = company.on(`${company.base}.empty`);
    await empty.heed.restore();
    for (const [email, state] of [
      ["a@example.org", "not-given"],
      ["b@example.org", "never-asked"],
      ["c@example.org", "not-given"],
    ] as const)
      expect(await empty.heed.subscriptions.state(optOut(email))).toMatchObject({ state });
  });

  it("forgets whoever is erased, and nobody else", async () => {
    const company = journaledCompany();
    const { heed, settle, rows } = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    const bert = company.person("bert.canary@example.org");
    for (const subject of [anna, bert])
      await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    const keys = (await rows("dataKeys")).map((row) => Buffer.from(row.wrapped).toString("base64"));
    const sealed = (await rows("identifiers")).map((row) => Buffer.from(row.sealed).toString("base64"));
    const holds = (text: string) => readFileSync(company.journal, "latin1").includes(text);
    expect([...keys, ...sealed].every(holds)).toBe(true);
    const annas = (await rows("subjects")).length;
    expect(annas).toBe(2);
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await settle();
    const [kept] = await rows("dataKeys");
    const left = Buffer.from(kept?.wrapped ?? []).toString("base64");
    expect(keys.map(holds)).toEqual(keys.map((key) => key === left));
    expect(sealed.filter(holds)).toHaveLength(1);
    await heed.close();
    // Rebuilt from the journal alone, only the silence of the erased is left.
    const empty = company.on(`${company.base}.empty`);
    await empty.heed.restore();
    expect(await empty.heed.permits.take(mail("newsletter", anna.email))).toMatchObject({
      because: "erased",
    });
    expect(await empty.heed.permits.take(mail("newsletter", bert.email))).toMatchObject({ allowed: true });
    expect(await empty.rows("identifiers")).toHaveLength(1);
  });

  it("leaves out what is older than the oldest back-up, and goes on", async () => {
    const company = journaledCompany();
    const { heed, storage } = company.on(company.base);
    const other = company.on(company.base);
    const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;
    for (const name of ["a", "b", "c"]) await heed.subscriptions.unsubscribe(optOut(`${name}@example.org`));
    await other.heed.subscriptions.unsubscribe(optOut("d@example.org"));
    await company.clock.advance(1000);
    const old = `${company.base}.old`;
    await storage.backup?.(old);
    const before = company.clock.now();
    await company.clock.advance(1000);
    await heed.subscriptions.unsubscribe(optOut("e@example.org"));
    const size = statSync(company.journal).size;
    expect(await heed.journal.compact({ before })).toEqual({ dropped: 4 });
    expect(statSync(company.journal).size).toBeLessThan(size);
    // The other process still holds the former file: its next record must not end there.
    await other.heed.subscriptions.unsubscribe(optOut("f@example.org"));
    await heed.subscriptions.unsubscribe(optOut("g@example.org"));
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await heed.close();
    await other.heed.close();
    const restored = company.on(old);
    expect(await restored.heed.restore()).toMatchObject({ choices: 3 });
    for (const name of ["a", "d", "e", "f", "g"])
      expect(await restored.heed.subscriptions.state(optOut(`${name}@example.org`))).toMatchObject({
        state: "not-given",
      });
  });
});
