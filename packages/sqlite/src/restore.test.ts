import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { fileJournal, newKey, type Journal } from "@heed/core";
import { describe, expect, it } from "vitest";
import { describeRestoring, journaledEvidence as evidence } from "@heed/testing/private";
import { journaledCompany } from "../test/journaled.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const mail = (topic: "newsletter" | "alerts" | "invoices", email: string) =>
  ({ topic, email, messageKey: `${topic}-${email}-after` }) as const;

describe("a back-up that is restored", () => {
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

  it("makes nobody anew where they are kept out, also from before they were erased", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    const open = (right: "objection" | "erasure") =>
      live.heed.requests.open({ right, recipient: "crm", identity: "signed-in", subject: anna } as never);
    await open("objection");
    company.crm.records.clear();
    for (const step of await live.heed.steps.parked()) await live.heed.steps.acknowledge(step.id);
    await open("erasure");
    await live.settle();
    await company.clock.advance(60_000);
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.subjects.record({ subject: anna });
    const told = await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    expect(told).toMatchObject({ changed: true, untold: ["crm"] });
    await live.heed.close();
    const { heed, settle, rows } = company.on(old);
    await expect(heed.subjects.record({ subject: anna })).rejects.toMatchObject({ code: "restore-needed" });
    await heed.restore();
    await settle();
    expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ allowed: true });
    expect((await rows("steps")).filter(({ operation }) => operation === "subscribe")).toEqual([]);
    expect([company.crm.find(anna.email), company.crm.optedIn.size]).toEqual([[], 0]);
  });

  it("takes nobody out again who had objected and changed their mind, and waits to be told of that", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const about = { subject: anna, recipient: "crm", identity: "signed-in" } as const;
    const { id } = await live.heed.requests.open({ ...about, right: "objection" });
    for (const step of await live.heed.steps.parked()) await live.heed.steps.acknowledge(step.id);
    await company.clock.advance(60_000);
    await live.heed.suppression.lift(about);
    await live.settle();
    await live.heed.close();
    company.crm.optedIn.clear();
    const { heed, settle } = company.on(old);
    await expect(heed.suppression.lift(about)).rejects.toMatchObject({ code: "restore-needed" });
    await heed.restore();
    await settle();
    expect(await heed.suppression.check({ ...anna, recipient: "crm" })).toEqual({ suppressed: false });
    expect([await heed.steps.parked(), (await heed.requests.get(id)).state]).toEqual([[], "withdrawn"]);
    expect([...(company.crm.optedIn.get(anna.email) ?? [])]).toEqual(["newsletter"]);
  });

  it("leaves nothing to a human of a request that had ended", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    company.crm.fault({
      at: "run",
      operation: "unsubscribe",
      answers: { status: "manual", instruction: "Ring them." },
    });
    const { id } = await live.heed.requests.open({
      right: "withdrawal",
      identity: "signed-in",
      subject: anna,
    });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const [step] = await live.heed.steps.parked();
    await live.heed.steps.acknowledge(step?.id ?? "");
    expect((await live.heed.requests.get(id)).state).toBe("fulfilled");
    await live.heed.close();
    const { heed, settle } = company.on(old);
    await heed.restore();
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    const left = (await heed.steps.parked()).filter((each) => each.requestId === id);
    expect(left).toEqual([]);
  });

  it("leaves nothing to a human of an erasure that had ended, of somebody who came back", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    company.crm.fault({
      at: "run",
      operation: "erase",
      answers: { status: "manual", instruction: "Ring them." },
    });
    const { id } = await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const [step] = await live.heed.steps.parked();
    expect(step?.requestId).toBe(id);
    await live.heed.steps.acknowledge(step?.id ?? "");
    await live.settle();
    await company.clock.advance(60_000);
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    await live.heed.close();
    const { heed, settle } = company.on(old);
    await heed.restore();
    await settle();
    expect((await heed.requests.get(id)).closedAt).toBeDefined();
    expect(await heed.steps.parked()).toEqual([]);
  });

  it("knows again that what somebody pays for may be ended, which they had said of an open request", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    const down = new TypeError("down");
    company.crm.fault({ at: "run", operation: "erase", throws: down, times: 1_000 });
    const erasure = { right: "erasure", identity: "signed-in", subject: anna } as const;
    const { id } = await live.heed.requests.open(erasure);
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    expect(await live.heed.requests.open({ ...erasure, endsPaidService: "allowed" })).toMatchObject({
      id,
      changed: true,
    });
    await live.heed.close();
    const { heed, rows } = company.on(old);
    expect(await rows("requests")).toMatchObject([{ id, endsPaidService: null }]);
    await heed.restore();
    expect(await rows("requests")).toMatchObject([{ id, endsPaidService: "allowed" }]);
  });

  it("erases again whoever only said no after the erasure, however often it is restored", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    const [old, same] = [`${company.base}.old`, `${company.base}.same`];
    for (const copy of [old, same]) await live.storage.backup?.(copy);
    const { id } = await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await live.settle();
    await company.clock.advance(60_000);
    await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    await live.settle();
    await live.heed.close();
    for (const copy of [old, same]) {
      company.person(anna.email);
      const { heed, settle, rows } = company.on(copy);
      await heed.restore();
      await settle();
      expect(company.rows.has(anna.email)).toBe(false);
      expect(company.crm.find(anna.email)).toEqual([]);
      expect((await heed.requests.get(id)).state).toBe("fulfilled");
      for (const table of ["subjects", "identifiers", "dataKeys"] as const)
        expect(await rows(table)).toEqual([]);
      expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ allowed: false });
      await heed.close();
    }
  });

  it.each([
    ["is found to be", "known"],
    ["says no together with", "known"],
    ["says no together with", "unknown"],
    ["says no, and is found to be", "known"],
  ])(
    "erases nobody else where somebody who was erased %s a person, %s before, who had said no",
    async (how, before) => {
      const company = journaledCompany();
      const live = company.on(company.base);
      const { heed } = live;
      const [anna, bert] = ["anna", "bert"].map((name) => company.person(`${name}.canary@example.org`));
      const both = { email: [anna!.email, bert!.email] };
      if (before === "known") await heed.subjects.record({ subject: bert!, identityVerified: true });
      await heed.subscriptions.unsubscribe({ subject: anna!, topic: "newsletter" });
      await live.settle();
      const old = `${company.base}.old`;
      await live.storage.backup?.(old);
      await heed.subscriptions.unsubscribe({ subject: bert!, topic: "newsletter" });
      await heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna! });
      await live.settle();
      await company.clock.advance(60_000);
      if (how === "says no together with")
        await heed.subscriptions.unsubscribe({ subject: both, topic: "newsletter" });
      else {
        if (how !== "is found to be")
          await heed.subscriptions.unsubscribe({ subject: anna!, topic: "newsletter" });
        await heed.subjects.record({ subject: both, identityVerified: true });
      }
      await live.settle();
      const { email } = bert!;
      const heard = await heed.subscriptions.state({ subject: bert!, topic: "newsletter" });
      await heed.close();
      const restored = company.on(old);
      await restored.heed.restore();
      await restored.settle();
      expect(company.rows.has(email)).toBe(true);
      expect(company.crm.find(email)).toHaveLength(1);
      expect(await restored.heed.suppression.check({ email })).toEqual({ suppressed: false });
      expect(await restored.heed.subscriptions.state({ subject: bert!, topic: "newsletter" })).toEqual(heard);
      expect((await restored.rows("subjects")).map(({ frozenBy }) => frozenBy)).toEqual([null]);
    },
  );

  it.each([true, false])("erases again two who had become one (shown before: %s)", async (isBefore) => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const both = { email: ["a.canary@example.org", "b.canary@example.org"] };
    for (const email of both.email)
      await live.heed.subscriptions.subscribe({
        subject: company.person(email),
        topic: "newsletter",
        evidence,
      });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    if (isBefore) await live.heed.subjects.record({ subject: both, identityVerified: true });
    const { id } = await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: both });
    await live.settle();
    expect([...company.rows.keys()]).toEqual([]);
    await live.heed.close();
    for (const email of both.email) company.person(email);
    const { heed, settle, rows } = company.on(old);
    await heed.restore();
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([...company.rows.keys()]).toEqual([]);
    expect(both.email.flatMap((email) => company.crm.find(email))).toEqual([]);
    for (const table of ["subjects", "identifiers", "dataKeys"] as const)
      expect(await rows(table)).toEqual([]);
  });

  it("asks whoever follows a link from the lost time to come again, and then hears them", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const sent = await live.heed.permits.take(mail("newsletter", anna.email));
    const token = (sent.allowed && sent.unsubscribeToken) || "";
    await live.heed.close();
    const { heed } = company.on(old);
    const click = () => heed.links.unsubscribe({ token, scope: "topic" });
    await expect(heed.links.open(token)).rejects.toMatchObject({ code: "restore-needed" });
    await expect(click()).rejects.toMatchObject({ code: "restore-needed" });
    await expect(heed.links.open(`${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`)).resolves.toBe(
      undefined,
    );
    await heed.restore();
    expect(await click()).toEqual({ changed: true });
    expect(await heed.permits.take(mail("newsletter", anna.email))).toMatchObject({ because: "suppressed" });
  });

  it("does the same with an invitation of the lost time, and keeps the answers that were given", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    const request = async (email: string) => {
      const ask = { subject: { email }, topic: "newsletter", evidence } as const;
      const invited = await live.heed.subscriptions.request(ask);
      return invited.asked ? invited.token : "";
    };
    const [open, yes, no] = [
      await request("anna@example.org"),
      await request("ben@example.org"),
      await request("eve@example.org"),
    ];
    await live.heed.invitations.answer({ token: yes, answer: "yes" });
    await live.heed.invitations.answer({ token: no, answer: "no" });
    await live.heed.close();
    const { heed, rows } = company.on(old);
    const answer = () => heed.invitations.answer({ token: open, answer: "yes" });
    await expect(heed.invitations.open(open)).rejects.toMatchObject({ code: "restore-needed" });
    await expect(answer()).rejects.toMatchObject({ code: "restore-needed" });
    await heed.restore();
    expect(await answer()).toMatchObject({ changed: true });
    expect(await heed.invitations.open(yes)).toMatchObject({ state: "answered", answer: "yes" });
    expect(await heed.invitations.open(no)).toMatchObject({ state: "answered", answer: "no" });
    expect(await heed.permits.take(mail("newsletter", "ben@example.org"))).toMatchObject({ allowed: true });
    expect(await heed.permits.take(mail("newsletter", "eve@example.org"))).toMatchObject({ allowed: false });
    expect(
      (await rows("invitations")).map((row) => String(row.answer)).toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual(["no", "yes", "yes"]);
  });

  it("forgets again whom only an invitation had made known", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const request = async (email: string) => {
      const ask = { subject: { email }, topic: "newsletter", evidence } as const;
      const invited = await live.heed.subscriptions.request(ask);
      return invited.asked ? invited.token : "";
    };
    const [token] = [await request("anna@example.org"), await request("ben@example.org")];
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.subjects.record({ subject: { email: "eve@example.org" } });
    await company.clock.advance(8 * 86_400_000);
    await live.settle();
    expect(await live.rows("subjects")).toHaveLength(1);
    await live.heed.close();
    const { heed, rows } = company.on(old);
    expect(await heed.restore()).toMatchObject({ erasures: 0, unknownErasures: 0 });
    expect(await rows("subjects")).toHaveLength(1);
    expect(await rows("invitations")).toEqual([]);
    expect(await heed.invitations.open(token)).toMatchObject({ state: "expired" });
  });

  it("does not bring somebody back whom a later erasure silenced, whichever record came first", async () => {
    const company = journaledCompany();
    const [one, other] = [company.on(company.base), company.on(company.base)];
    const anna = company.person("anna.canary@example.org");
    const erase = () => one.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await erase();
    await one.settle();
    const old = `${company.base}.old`;
    await one.storage.backup?.(old);
    await company.clock.advance(60_000);
    await other.heed.subjects.record({ subject: anna });
    await company.clock.advance(60_000);
    await erase();
    await one.settle();
    for (const { heed } of [one, other]) await heed.close();
    // The other process was the first to commit and the last to append: no order holds between two writers.
    const lines = readFileSync(company.journal, "latin1").split("\n");
    // Whoever asks to be erased comes back too: the second of three.
    const [, back = 0] = lines.flatMap((line, index) => (line.includes("returned") ? [index] : []));
    writeFileSync(company.journal, [...lines.toSpliced(back, 1), lines[back], ""].join("\n"), "latin1");
    const { heed, settle } = company.on(old);
    await heed.restore();
    await settle();
    expect(await heed.suppression.check(anna)).toEqual({ suppressed: true, because: "erased" });
  });

  it("is recognised by processes that run on while their database is put back", async () => {
    const company = journaledCompany();
    let file = company.base;
    /** One process's storage: it finds the other file behind the same name. */
    const opened = () => {
      const files = new Map<string, ReturnType<typeof sqlite>>();
      const inner = () => files.get(file) ?? files.set(file, sqlite(file)).get(file)!;
      return new Proxy(inner(), {
        get: (_, name) => {
          const value: unknown = Reflect.get(inner(), name);
          return typeof value === "function" ? (value.bind(inner()) as unknown) : value;
        },
      });
    };
    const storage = opened();
    const { heed } = company.on(company.base, { storage });
    // One that has recorded nothing of what is lost, and carries steps out.
    const other = company.on(company.base, { storage: opened() });
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    for (const subject of [anna, bert])
      await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    const old = `${company.base}.old`;
    await storage.backup?.(old);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    expect(await other.heed.permits.take(mail("newsletter", anna.email))).toMatchObject({
      because: "suppressed",
    });
    file = old;
    expect((await other.heed.work.drain()).settled).toBe(0);
    expect(company.crm.calls).toEqual([]);
    expect(await other.heed.permits.take(mail("newsletter", anna.email))).toMatchObject({
      because: "restore-needed",
    });
    for (let round = 0; round < 2; round += 1)
      await expect(
        heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence }),
      ).rejects.toMatchObject({ code: "restore-needed" });
    await heed.subscriptions.unsubscribe({ subject: bert, topic: "newsletter" });
    expect(await heed.journal.state()).toEqual({ state: "restore-needed", lost: 1 });
    await heed.restore();
    for (const { email } of [anna, bert])
      expect(await heed.permits.take(mail("newsletter", email))).toMatchObject({ because: "suppressed" });
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
  it.each(["0000", "zzzz"])("of a rotation ends, also past a no under the new key (%s)", async (id) => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.subscriptions.subscribe({ subject: bert, topic: "newsletter", evidence });
    await live.heed.close();
    const keys = `${newKey().replace(/^[^:]+/, id)} ${company.keys.replace(":active:", ":lookup:")}`;
    const rotated = company.on(company.base, { keys });
    await rotated.heed.keys.rotate();
    await rotated.heed.close();
    const { heed, settle } = company.on(old, { keys });
    for (const subject of [anna, bert])
      await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await heed.restore();
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await settle();
    for (const { email } of [anna, bert]) {
      expect(await heed.permits.take(mail("newsletter", email))).toMatchObject({ because: "suppressed" });
      expect([...(company.crm.optedOut.get(email) ?? [])]).toEqual(["newsletter"]);
    }
    await heed.keys.rotate();
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject: bert });
    await settle();
    expect(company.rows.has(bert.email)).toBe(false);
    expect(company.crm.find(bert.email)).toEqual([]);
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

  it("tells processors what somebody chose who was taken for two people before it was restored anew", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna@example.org");
    const [old, again] = [`${company.base}.old`, `${company.base}.again`];
    for (const copy of [old, again]) await live.storage.backup?.(copy);
    await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await live.heed.close();
    // Held, and so unknown here; then this database is lost too.
    const held = company.on(old);
    await held.heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    await held.heed.close();

    const { heed, settle, rows } = company.on(again);
    expect(await heed.restore()).toMatchObject({ records: 2, choices: 2 });
    await settle();
    expect(await rows("subjects")).toHaveLength(1);
    expect([...(company.crm.optedOut.get(anna.email) ?? [])].toSorted()).toEqual(["newsletter", "offers"]);
  });

  it("knows whose a choice was that another process wrote down only after two had become one", async () => {
    const company = journaledCompany();
    const slow = fileJournal(company.journal);
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    let isSlow = false;
    const through: Journal = {
      open: (begun) => slow.open(begun),
      last: () => slow.last(),
      read: () => slow.read(),
      append: async (record) => {
        if (isSlow) await waiting;
        return slow.append(record);
      },
      forget: (owners) => slow.forget(owners),
      compact: (before, proofOf) => slow.compact(before, proofOf),
      close: () => slow.close(),
    };
    const one = company.on(company.base, { through });
    const other = company.on(company.base);
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    for (const subject of [anna, bert])
      await one.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await other.heed.subjects.record({ subject: anna });
    const old = `${company.base}.old`;
    await one.storage.backup?.(old);
    isSlow = true;
    const choices = [anna, bert].map((subject) =>
      one.heed.subscriptions.unsubscribe({ subject, topic: "newsletter" }),
    );
    while ((await other.rows("events")).length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.heed.subjects.record({
      subject: { email: [anna.email, bert.email] },
      identityVerified: true,
    });
    goOn();
    await Promise.all(choices);
    await other.settle();
    for (const { heed } of [one, other]) await heed.close();
    company.crm.optedOut.clear();

    const { heed, settle, rows } = company.on(old);
    await heed.restore();
    await settle();
    const [subject, ...others] = await rows("subjects");
    expect(others).toEqual([]);
    expect((await rows("events")).map((row) => row.subjectId)).toEqual(Array(4).fill(subject?.id));
    for (const { email } of [anna, bert])
      expect([...(company.crm.optedOut.get(email) ?? [])]).toEqual(["newsletter"]);
  });

  it("ends each of the requests that had ended together, whether or not it knows whose it was", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const [known, unknown] = ["known", "unknown"].map((name) => company.person(`${name}.canary@example.org`));
    await live.heed.subjects.record({ subject: known! });
    const copy = `${company.base}.copy`;
    await live.storage.backup?.(copy);
    const ids: string[] = [];
    // The app has answered for both when the vendor does, for both at once.
    company.crm.lagMs = 60_000;
    for (const subject of [unknown!, known!])
      ids.push((await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject })).id);
    await live.settle();
    // They ended in one transaction, and so in one record.
    const ends = readFileSync(company.journal, "utf8")
      .split("\n")
      .filter((line) => line.includes("request.closed"));
    expect(ends).toHaveLength(1);
    const evidenceOf = async ({ heed }: typeof live, id: string) =>
      (await heed.requests.evidence(id)).filter(({ entry }) => entry.kind === "request.closed").length;
    await live.heed.close();

    for (const { email } of [known!, unknown!]) company.person(email);
    const restored = company.on(copy);
    expect(await restored.heed.restore()).toMatchObject({ erasures: 2, unknownErasures: 1 });
    await restored.settle();
    for (const id of ids) {
      expect((await restored.heed.requests.get(id)).state).toBe("fulfilled");
      expect(await evidenceOf(restored, id)).toBe(1);
      expect((await restored.heed.requests.receipt(id)).summary.state).toBe("fulfilled");
    }
    expect([...company.rows.keys()]).toEqual([unknown!.email]);
    expect(await restored.rows("dataKeys")).toEqual([]);
  });

  it("says which erasures it cannot carry out again, and the suppression list finds whom they were about", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = { email: "anna.canary@example.org" };
    const known = Array.from({ length: 8 }, (_, n) => ({ email: `p${n}.canary@example.org` }));
    for (const subject of known) await live.heed.subjects.record({ subject });
    const copy = `${company.base}.copy`;
    await live.storage.backup?.(copy);
    // They turn out to be people whom the copy does not know; and somebody has only said no since.
    for (const [n, { email }] of known.entries()) {
      const accountId = `a${n}`;
      await live.heed.subjects.record({ subject: { accountId } });
      await live.heed.subjects.record({ subject: { email, accountId }, identityVerified: true });
    }
    await live.heed.subscriptions.unsubscribe({ subject: { email: "clara@example.org" }, topic: "all" });
    const erase = async (heed: typeof live.heed, subject: { readonly email: string }) =>
      heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    for (const { email } of [anna, ...known]) await erase(live.heed, company.person(email));
    await live.settle();
    expect(company.rows.size).toBe(0);
    await live.heed.close();

    // The application's own tables come back, too.
    for (const { email } of [anna, ...known]) company.person(email);
    company.person("clara@example.org");
    const { heed, settle } = company.on(copy);
    const counts = { erasures: 9, unknownErasures: 1 };
    expect(await heed.restore({ dryRun: true })).toMatchObject(counts);
    expect(await heed.restore()).toMatchObject(counts);
    await settle();
    expect([...company.rows.keys()].toSorted()).toEqual([anna.email, "clara@example.org"]);
    for (const email of company.rows.keys())
      if ((await heed.suppression.check({ email })).because === "erased") await erase(heed, { email });
    await settle();
    expect([...company.rows.keys()]).toEqual(["clara@example.org"]);
    expect(company.crm.find(anna.email)).toEqual([]);
    expect(await heed.restore()).toMatchObject({ records: 0, erasures: 0, unknownErasures: 0 });
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
    const [strange] = other.keys.split(":");
    await expect(stateOf()).rejects.toMatchObject({
      code: "journal-foreign",
      message: expect.stringContaining(`begun under the key "${strange}", which this process lacks`),
    });

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

  it.each(["is put back", "is lost for good"])(
    "whose file goes while a process runs has what was chosen meanwhile, once it %s",
    async (end) => {
      const company = journaledCompany();
      const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;
      const [one, other] = [company.on(company.base), company.on(company.base)];
      for (const { heed } of [one, other]) await heed.subscriptions.unsubscribe(optOut("a@example.org"));
      const away = `${company.journal}.away`;
      renameSync(company.journal, away);
      await expect(one.heed.subscriptions.unsubscribe(optOut("b@example.org"))).rejects.toMatchObject({
        code: "journal-failed",
      });
      // It would not say whose it is.
      expect(existsSync(company.journal)).toBe(false);
      if (end === "is put back") renameSync(away, company.journal);
      else await other.heed.restore({ acceptLoss: true });
      await one.heed.subscriptions.unsubscribe(optOut("c@example.org"));
      for (const { heed } of [one, other]) await heed.close();
      const again = company.on(company.base);
      expect(await again.heed.journal.state()).toEqual({ state: "level", lost: 0 });
      await again.heed.close();
      const empty = company.on(`${company.base}.empty`);
      await empty.heed.restore({ acceptLoss: true });
      for (const email of ["b@example.org", "c@example.org"])
        expect(await empty.heed.subscriptions.state(optOut(email))).toMatchObject({ state: "not-given" });
    },
  );

  it.each(["goes on", "ends"])(
    "that is begun anew by one process is not in doubt when another %s",
    async (how) => {
      const company = journaledCompany();
      const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;
      const one = company.on(company.base);
      // It has not counted yet that the journal has it.
      await one.heed.subscriptions.unsubscribe(optOut("a@example.org"));
      rmSync(company.journal);
      const other = company.on(company.base);
      await other.heed.restore({ acceptLoss: true });
      if (how === "goes on") await one.heed.subscriptions.unsubscribe(optOut("b@example.org"));
      for (const { heed } of [one, other]) await heed.close();
      const again = company.on(company.base);
      expect(await again.heed.journal.state()).toEqual({ state: "level", lost: 0 });
      await again.heed.subscriptions.unsubscribe(optOut("c@example.org"));
      await again.heed.close();
      const empty = company.on(`${company.base}.empty`);
      await empty.heed.restore({ acceptLoss: true });
      for (const email of [...(how === "goes on" ? ["b@example.org"] : []), "c@example.org"])
        expect(await empty.heed.subscriptions.state(optOut(email))).toMatchObject({ state: "not-given" });
    },
  );

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

  it("that was compacted beyond a back-up refuses it, until what is in neither is accepted as lost", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const optOut = (name: string) =>
      ({ subject: { email: `${name}@example.org` }, topic: "newsletter" }) as const;
    await live.heed.subscriptions.unsubscribe(optOut("a"));
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await company.clock.advance(1000);
    await live.heed.subscriptions.unsubscribe(optOut("b"));
    await company.clock.advance(1000);
    const before = company.clock.now();
    await company.clock.advance(1000);
    await live.heed.subscriptions.unsubscribe(optOut("c"));
    expect(await live.heed.journal.compact({ before })).toEqual({ dropped: 2 });
    const newer = `${company.base}.newer`;
    await live.storage.backup?.(newer);
    await live.heed.subscriptions.unsubscribe(optOut("d"));
    await live.heed.close();
    // The one it still reaches back to, however often it is looked at.
    for (let round = 0; round < 3; round += 1) {
      const { heed } = company.on(newer);
      expect(await heed.restore()).toMatchObject({ choices: round === 0 ? 1 : 0 });
      await heed.subscriptions.unsubscribe(optOut("e"));
      await heed.close();
    }
    const { heed } = company.on(old);
    await expect(heed.journal.state()).rejects.toMatchObject({ code: "journal-compacted" });
    await expect(heed.permits.take(mail("newsletter", "b@example.org"))).rejects.toMatchObject({
      code: "journal-compacted",
    });
    await expect(heed.restore()).rejects.toMatchObject({ code: "journal-compacted" });
    await heed.restore({ acceptLoss: true });
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    for (const [name, state] of [
      ["a", "not-given"],
      ["b", "never-asked"],
      ["c", "not-given"],
      ["d", "not-given"],
    ] as const)
      expect(await heed.subscriptions.state(optOut(name))).toMatchObject({ state });
  });

  it("that was begun after a back-up refuses it, until what is in neither is accepted as lost", async () => {
    const company = journaledCompany();
    const optOut = (name: string) =>
      ({ subject: { email: `${name}@example.org` }, topic: "newsletter" }) as const;
    const without = company.on(company.base, { journal: false });
    const [empty, old] = [`${company.base}.empty`, `${company.base}.old`];
    await without.storage.backup?.(empty);
    await without.heed.subscriptions.unsubscribe(optOut("a"));
    await without.storage.backup?.(old);
    await without.heed.subscriptions.unsubscribe(optOut("lost"));
    await without.heed.close();
    const live = company.on(company.base);
    expect(await live.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    const newer = `${company.base}.newer`;
    await live.storage.backup?.(newer);
    await live.heed.subscriptions.unsubscribe(optOut("b"));
    await live.heed.close();

    expect(await company.on(newer).heed.restore()).toMatchObject({ choices: 1 });
    for (const copy of [empty, old]) {
      const { heed } = company.on(copy);
      await expect(heed.journal.state()).rejects.toMatchObject({ code: "journal-compacted" });
      await expect(heed.permits.take(mail("newsletter", "lost@example.org"))).rejects.toMatchObject({
        code: "journal-compacted",
      });
      await expect(heed.restore()).rejects.toMatchObject({ code: "journal-compacted" });
      expect(await heed.restore({ acceptLoss: true })).toMatchObject({ choices: 1 });
      expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
      for (const [name, state] of [
        ["a", copy === old ? "not-given" : "never-asked"],
        ["lost", "never-asked"],
        ["b", "not-given"],
      ] as const)
        expect(await heed.subscriptions.state(optOut(name))).toMatchObject({ state });
    }
  });

  it("that was begun on an empty database gives all of it to another empty one", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const optOut = { subject: { email: "a@example.org" }, topic: "newsletter" } as const;
    await live.heed.subscriptions.unsubscribe(optOut);
    await live.heed.close();
    const { heed } = company.on(`${company.base}.empty`);
    expect(await heed.journal.state()).toEqual({ state: "restore-needed", lost: 1, isEmpty: true });
    await heed.restore();
    expect(await heed.subscriptions.state(optOut)).toMatchObject({ state: "not-given" });
  });

  it("that was begun anew gives an older back-up what it has, once what is in neither is accepted as lost", async () => {
    const company = journaledCompany();
    const optOut = (name: string) =>
      ({ subject: { email: `${name}@example.org` }, topic: "newsletter" }) as const;
    const first = company.on(company.base);
    await first.heed.subscriptions.unsubscribe(optOut("a"));
    const old = `${company.base}.old`;
    await first.storage.backup?.(old);
    await first.heed.subscriptions.unsubscribe(optOut("lost"));
    await first.heed.close();
    rmSync(company.journal);
    const second = company.on(company.base);
    await second.heed.restore({ acceptLoss: true });
    await second.heed.subscriptions.unsubscribe(optOut("b"));
    await second.heed.close();

    const { heed } = company.on(old);
    await expect(heed.journal.state()).rejects.toMatchObject({ code: "journal-compacted" });
    expect(await heed.restore({ acceptLoss: true })).toMatchObject({ choices: 1 });
    await heed.subscriptions.unsubscribe(optOut("c"));
    await heed.close();
    const again = company.on(old);
    expect(await again.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    for (const [name, state] of [
      ["a", "not-given"],
      ["lost", "never-asked"],
      ["b", "not-given"],
      ["c", "not-given"],
    ] as const)
      expect(await again.heed.subscriptions.state(optOut(name))).toMatchObject({ state });
  });

  it("that was begun anew twice gives the oldest back-up what it has, once the rest is accepted as lost", async () => {
    const company = journaledCompany();
    const optOut = (name: string) =>
      ({ subject: { email: `${name}@example.org` }, topic: "newsletter" }) as const;
    const old = `${company.base}.old`;
    const first = company.on(company.base);
    await first.heed.subscriptions.unsubscribe(optOut("a"));
    await first.storage.backup?.(old);
    await first.heed.close();
    for (const name of ["b", "c"]) {
      rmSync(company.journal);
      const next = company.on(company.base);
      await next.heed.restore({ acceptLoss: true });
      await next.heed.subscriptions.unsubscribe(optOut(name));
      await next.heed.close();
    }
    const { heed } = company.on(old);
    await expect(heed.journal.state()).rejects.toMatchObject({ code: "journal-compacted" });
    expect(await heed.restore({ acceptLoss: true })).toMatchObject({ choices: 1 });
    for (const [name, state] of [
      ["a", "not-given"],
      ["b", "never-asked"],
      ["c", "not-given"],
    ] as const)
      expect(await heed.subscriptions.state(optOut(name))).toMatchObject({ state });
  });

  it("is begun anew again where the process died before the database had noted it", async () => {
    const company = journaledCompany();
    const optOut = { subject: { email: "a@example.org" }, topic: "newsletter" } as const;
    const first = company.on(company.base);
    await first.heed.subscriptions.unsubscribe(optOut);
    await first.heed.close();
    rmSync(company.journal);
    const dying = fileJournal(company.journal);
    const second = company.on(company.base, {
      through: {
        ...dying,
        open: async (begun) => {
          const opened = await dying.open(begun);
          if (begun !== undefined) throw new Error("the process died");
          return opened;
        },
      },
    });
    await expect(second.heed.restore({ acceptLoss: true })).rejects.toThrow("the process died");
    await second.heed.close();
    const third = company.on(company.base);
    await expect(third.heed.journal.state()).rejects.toMatchObject({ code: "journal-missing" });
    await third.heed.restore({ acceptLoss: true });
    expect(await third.heed.journal.state()).toEqual({ state: "level", lost: 0 });
  });

  it("is not shortened by a database that lacks what would be left out", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const anna = company.person("anna@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await live.heed.close();
    await company.clock.advance(60_000);
    const before = company.clock.now().toISOString();
    const { heed } = company.on(old);
    const written = readFileSync(company.journal);
    await expect(heed.journal.compact({ before })).rejects.toMatchObject({ code: "restore-needed" });
    expect(readFileSync(company.journal)).toEqual(written);
    await heed.restore();
    expect((await heed.journal.compact({ before })).dropped).toBeGreaterThanOrEqual(2);
  });

  it("keeps a key that it needs, and lets it go when all that was written under it is left out", async () => {
    const company = journaledCompany();
    const first = company.on(company.base);
    const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;
    await first.heed.subscriptions.unsubscribe(optOut("a@example.org"));
    await first.heed.close();
    const [id = "", , secret = ""] = company.keys.split(":");
    const fresh = newKey();
    const { heed, clock, settle } = company.on(company.base, { keys: `${fresh} ${id}:lookup:${secret}` });
    await settle();
    await heed.keys.rotate();
    await heed.evidence.seal();
    await clock.advance(1000);
    const before = clock.now();
    await heed.evidence.prune({ before: before.toISOString() });
    const needed = async () => (await heed.keys.status()).find((key) => key.id === id);
    // The proof of whose journal it is, the opt-out, and what the rotation changed.
    expect(await needed()).toMatchObject({ mayRetire: false, rows: { journal: 3 } });
    await heed.journal.compact({ before });
    expect(await needed()).toMatchObject({ mayRetire: true, rows: {} });
    await heed.close();
    const after = company.on(company.base, { keys: `${fresh} ${id}:retired:${secret}` });
    expect(await after.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await after.heed.subscriptions.unsubscribe(optOut("b@example.org"));
    expect(await after.heed.permits.take(mail("newsletter", "a@example.org"))).toMatchObject({
      because: "suppressed",
    });
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

describeRestoring({
  name: "sqlite",
  premises() {
    const base = temporaryFile();
    return {
      base,
      journal: `${base}.journal`,
      open: (file) => sqlite(file),
      async backUp(to) {
        const storage = sqlite(base);
        await storage.backup?.(to);
        await storage.close();
      },
    };
  },
});
