import { describe, expect, it } from "vitest";
import { isHeedError, RateLimitedError } from "@heed/core";
import { company, evidence } from "./people.ts";

const open = { right: "erasure", identity: "signed-in" } as const;

describe("erasure", () => {
  it("erases at every processor, reads back, and keeps what the law keeps", async () => {
    const { heed, crm, billing, app, person, settle } = company();
    const subject = person("anna@example.org", { cards: 2 });
    person("bystander@example.org");
    const { id, dueOn } = await heed.requests.open({ ...open, subject });
    expect(dueOn).toBe("2026-02-16"); // one month, rolled over a Sunday
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("partially_fulfilled");
    expect(
      request.steps.map(({ processor, operation, state, outcome }) => [processor, operation, state, outcome]),
    ).toEqual([
      ["crm", "unsubscribe", "verified", "done"],
      ["crm", "erase", "verified", "done"],
      ["billing", "forgetTokens", "retained", "done"],
      ["app", "erase", "verified", "done"],
      ["heed", "erase", "verified", "done"],
    ]);
    expect(request.steps[2]?.retained).toEqual([
      { category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", until: "2033-12-31" },
    ]);
    expect(crm.find("anna@example.org")).toEqual([]);
    expect(billing.find("anna@example.org")[0]?.cards).toBe(0);
    expect(app.has("anna@example.org")).toBe(false);
    expect(crm.find("bystander@example.org")).toHaveLength(1);
    expect(billing.find("bystander@example.org")[0]?.cards).toBe(1);
    expect(app.has("bystander@example.org")).toBe(true);
  });

  it("resolves everywhere before it runs anything, and keeps the order of stages", async () => {
    const { heed, crm, billing, person, settle } = company();
    const subject = person("anna@example.org");
    await heed.requests.open({ ...open, subject });
    await settle();
    const moments = [
      ...crm.calls.map((call) => ["crm", call.at, call.operation]),
      ...billing.calls.map((call) => ["billing", call.at, call.operation]),
    ];
    expect(moments).toContainEqual(["crm", "resolve", "erase"]);
    const crmErase = crm.calls.findIndex((call) => call.at === "run" && call.operation === "erase");
    expect(crm.calls.slice(0, crmErase).map((call) => `${call.at}:${call.operation}`)).toContain(
      "verify:unsubscribe",
    );
  });

  it("destroys its own keys, identifiers and sealed payloads, and leaves no address anywhere", async () => {
    const { heed, person, settle, rows, search } = company();
    const subject = person("anna.canary@example.org");
    await heed.subscriptions.subscribe({
      subject,
      topic: "newsletter",
      evidence: { shown: "anna.canary@example.org" },
    });
    await heed.requests.open({ ...open, subject });
    await settle();
    expect(await rows("identifiers")).toEqual([]);
    // What the law keeps at a processor has a key of its own, until its date; no other key is left.
    const kept = (await rows("retained")).map((part) => part.id);
    expect(kept).toHaveLength(1);
    expect((await rows("dataKeys")).map(({ owner }) => owner)).toEqual(kept);
    expect((await rows("events")).every((row) => row.sealed === null)).toBe(true);
    expect(await search("anna.canary")).toEqual([]);
    const everything = await rows("evidence");
    expect(everything.length).toBeGreaterThan(6);
  });

  it("releases the opt-out that waited behind an opt-in that it cancels", async () => {
    const { heed, crm, person, settle, rows } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    expect((await rows("steps")).filter((step) => step.endedAt === null)).toEqual([]);
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
    expect(crm.find("anna@example.org")).toEqual([]);
  });

  it("is never fulfilled while one processor fails, and the others do not wait for it", async () => {
    const { heed, crm, billing, app, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "erase", throws: new TypeError("broken"), times: 1_000_000 });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle(10 * 86_400_000);
    const request = await heed.requests.get(id);
    expect(request.state).toBe("executing");
    expect(
      request.steps.find((step) => step.processor === "crm" && step.operation === "erase"),
    ).toMatchObject({ state: "due", because: "adapter-failed" });
    expect(billing.find("anna@example.org")[0]?.cards).toBe(0);
    expect(app.has("anna@example.org")).toBe(false);
    // heed's own data goes last: the failing step still needs it.
    expect(request.steps.find((step) => step.processor === "heed")?.state).toBe("waiting");
    expect(crm.find("anna@example.org")).toHaveLength(1);
  });

  it("goes to a human at the deadline, never silently", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "erase", throws: new TypeError("broken"), times: 1_000_000 });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("awaiting_manual");
    const step = request.steps.find((each) => each.processor === "crm" && each.operation === "erase");
    expect(step).toMatchObject({ state: "manual", because: "deadline-passed" });
    expect(step?.instruction).toContain("deadline");
  });

  it("goes to a human at the deadline also when its next try was to come later", async () => {
    const { heed, crm, rows, person, clock, settle } = company();
    const subject = person("anna@example.org");
    const throws = new RateLimitedError("slow", {
      processor: "crm",
      operation: "erase",
      retryAfterMs: 86_400_000,
    });
    crm.fault({ at: "run", operation: "erase", throws, times: 1_000 });
    await clock.set("2026-01-15T12:34:00.000Z");
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const step = (await rows("steps")).find((each) => each.processor === "crm" && each.operation === "erase");
    expect(step).toMatchObject({ requestId: id, state: "manual", because: "deadline-passed" });
    const lateMs = Date.parse(step?.endedAt ?? "") - Date.parse(step?.deadlineAt ?? "");
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(60_000);
  });

  it("does not believe a processor that says done and keeps the data", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "erase", lies: true, times: 1_000_000 });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("awaiting_manual");
    expect(
      request.steps.find((step) => step.processor === "crm" && step.operation === "erase"),
    ).toMatchObject({ state: "failed", because: "not-verified", finding: "not-as-asked" });
  });

  it("verifies again after a lie was mended", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "erase", lies: true, times: 2 });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
    expect(crm.find("anna@example.org")).toEqual([]);
  });

  it("keeps the tokens of somebody who still pays, says why, and goes on when they stop", async () => {
    const { heed, billing, app, person, settle } = company();
    const subject = person("anna@example.org", { isPaying: true });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle(3 * 86_400_000);
    const blocked = (await heed.requests.get(id)).steps.find((step) => step.processor === "billing");
    expect(blocked).toMatchObject({ state: "due", because: "active-subscription" });
    expect(billing.find("anna@example.org")[0]?.cards).toBe(1);
    expect(app.has("anna@example.org")).toBe(false);
    for (const record of billing.find("anna@example.org")) record.isPaying = false;
    await settle();
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
    expect(billing.find("anna@example.org")[0]?.cards).toBe(0);
  });

  it("treats a guard without an answer as a no", async () => {
    const { heed, billing, person, settle } = company();
    const subject = person("anna@example.org");
    billing.fault({ at: "guard", leavesOut: "all", times: 3 });
    billing.fault({ at: "guard", answers: { clear: "yes" }, times: 3 });
    const { id } = await heed.requests.open({ ...open, subject });
    await heed.work.drain();
    expect((await heed.requests.get(id)).steps.find((step) => step.processor === "billing")).toMatchObject({
      because: "guard-unanswered",
    });
    expect(billing.calls.filter((call) => call.at === "run")).toEqual([]);
    await settle();
    expect(billing.find("anna@example.org")[0]?.cards).toBe(0);
  });

  it("claims nothing of a run that its guard never let begin", async () => {
    for (const trouble of [{ throws: new TypeError("broken") }, { hangs: true }] as const) {
      const { heed, billing, person, settle } = company();
      // Nothing is stored any more: reading back would say that all is as asked.
      const subject = person("anna@example.org", { cards: 0 });
      billing.fault({ at: "guard", ...trouble });
      const { id } = await heed.requests.open({ ...open, subject });
      await settle();
      const step = (await heed.requests.get(id)).steps.find((each) => each.processor === "billing");
      expect(step).toMatchObject({ state: "retained", outcome: "done", affected: 0 });
      expect(billing.calls.map(({ at }) => at)).toEqual([
        "check",
        "resolve",
        "guard",
        "guard",
        "run",
        "resolve",
        "verify",
      ]);
    }
  });

  it("counts a lost answer as one effect: nothing there afterwards means done", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "erase", loses: new TypeError("connection cut") });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const step = (await heed.requests.get(id)).steps.find(
      (each) => each.processor === "crm" && each.operation === "erase",
    );
    expect(step).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked" });
    // Seen to be gone, and asked once more: only the answer tells what is kept.
    expect(crm.calls.filter((call) => call.at === "run" && call.operation === "erase")).toHaveLength(2);
  });

  it("looks twice, one settling period apart, and extends the plan when more turns up", async () => {
    const { heed, crm, person, settle, clock } = company({ crm: { settlingMs: 30_000 } });
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({ ...open, subject });
    await heed.work.drain();
    await clock.advance(25_000);
    crm.add({ id: "late-copy", emails: ["anna@example.org"] });
    await settle();
    const step = (await heed.requests.get(id)).steps.find(
      (each) => each.processor === "crm" && each.operation === "erase",
    );
    expect(step).toMatchObject({ state: "verified" });
    expect(crm.find("anna@example.org")).toEqual([]);
    expect(crm.calls.filter((call) => call.at === "run" && call.operation === "erase")).toHaveLength(2);
  });

  it("sends several matches of one identifier to a human before anything is destroyed", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("shared@example.org");
    crm.add({ id: "second", emails: ["shared@example.org"] });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("awaiting_manual");
    const step = request.steps.find((each) => each.operation === "erase" && each.processor === "crm");
    expect(step).toMatchObject({ state: "manual", because: "several-matches" });
    expect(crm.find("shared@example.org")).toHaveLength(2);
    expect(step?.instruction).not.toContain("shared@");
    // The human erased the right one, and says so.
    await heed.steps.acknowledge(step?.id ?? "");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
  });

  it("tells a human when no identifier is known that a processor can search by", async () => {
    const { heed, settle } = company();
    const { id } = await heed.requests.open({ ...open, subject: { accountId: "4711" } });
    await settle();
    const request = await heed.requests.get(id);
    expect(request.state).toBe("awaiting_manual");
    expect(
      request.steps.filter((step) => step.because === "no-identifier").map((step) => step.processor),
    ).toEqual(["crm", "crm", "billing", "app"]);
  });

  it("says absent for somebody unknown, and calls nothing that destroys", async () => {
    const { heed, crm, settle } = company();
    const { id } = await heed.requests.open({ ...open, subject: { email: "nobody@example.org" } });
    await settle();
    const request = await heed.requests.get(id);
    expect(
      request.steps
        .filter((step) => step.operation === "erase" && step.processor !== "heed")
        .map((step) => [step.state, step.outcome]),
    ).toEqual([
      ["verified", "absent"],
      ["verified", "absent"],
    ]);
    expect(crm.records.size).toBe(0);
    // The processor is not told of somebody it never knew.
    expect([crm.optedOut.size, crm.optedIn.size]).toEqual([0, 0]);
  });

  it("erases by what was shown to be this person's, and silences by everything", async () => {
    const { heed, crm, person, settle } = company();
    person("mine@example.org");
    person("maybe@example.org");
    // Nobody has shown that both addresses are one person's.
    await heed.consent.give({
      subject: { email: ["mine@example.org", "maybe@example.org"] },
      purpose: "news",
      evidence: { none: true },
    });
    await heed.requests.open({ ...open, subject: { email: "mine@example.org" } });
    await settle();
    expect(crm.find("mine@example.org")).toEqual([]);
    expect(crm.find("maybe@example.org")).toHaveLength(1);
    expect(await heed.suppression.check({ email: "maybe@example.org" })).toMatchObject({ suppressed: true });
  });

  it("does nothing for somebody who has not shown who they are, until they do", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const { id, state } = await heed.requests.open({ right: "erasure", identity: "unverified", subject });
    expect(state).toBe("awaiting_verification");
    await settle();
    expect(crm.calls).toEqual([]);
    expect((await heed.requests.get(id)).steps).toEqual([]);
    await heed.requests.verify({ id, identity: "confirmed-by-link" });
    await settle();
    expect(crm.find("anna@example.org")).toEqual([]);
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
  });

  it("is one request, however often it is opened", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    const first = await heed.requests.open({ ...open, subject });
    const second = await heed.requests.open({ ...open, subject: { email: "ANNA@Example.org" } });
    expect(second).toEqual({ ...first, changed: false });
  });

  it("can be taken back until something was carried out, and the subject is unfrozen", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({ ...open, subject });
    expect(await heed.requests.withdraw(id)).toEqual({ state: "withdrawn" });
    await settle();
    expect(crm.find("anna@example.org")).toHaveLength(1);
    const { changed, parked } = await heed.consent.give({
      subject,
      purpose: "news",
      evidence: { none: true },
    });
    expect([changed, parked]).toEqual([true, false]);

    const again = await heed.requests.open({ ...open, subject });
    await heed.work.drain();
    await expect(heed.requests.withdraw(again.id)).rejects.toSatisfy(
      (error) => isHeedError(error) && error.name === "ConflictError",
    );
  });

  it("proves an account for the first of many previews, and again after it was refused", async () => {
    const { heed, crm, person } = company();
    const checks = () => crm.calls.filter(({ at }) => at === "check").length;
    const preview = (email: string) => heed.requests.preview({ right: "erasure", subject: person(email) });
    await preview("anna@example.org");
    await preview("bo@example.org");
    expect(checks()).toBe(1);
    crm.fault({ at: "resolve", operation: "erase", throws: new Error("no answer") });
    const { steps } = await preview("cia@example.org");
    expect(
      steps.find(({ operation, processor }) => processor === "crm" && operation === "erase"),
    ).toMatchObject({
      because: "unavailable",
    });
    await preview("dan@example.org");
    expect(checks()).toBe(2);
  });

  it("previews by reading only, and refuses to go on when the plan has changed", async () => {
    const { heed, crm, person, rows } = company();
    const subject = person("anna@example.org");
    const preview = await heed.requests.preview({ right: "erasure", subject });
    expect(
      preview.steps.find((step) => step.processor === "crm" && step.operation === "erase"),
    ).toMatchObject({ found: 1, effects: ["irreversible"] });
    expect(crm.calls.map((call) => call.at)).toEqual(["check", "resolve"]);
    expect(await rows("requests")).toEqual([]);
    crm.add({ id: "more", emails: ["anna@example.org"] });
    await expect(heed.requests.open({ ...open, subject, preview })).rejects.toMatchObject({
      code: "plan-changed",
    });
    expect(await rows("requests")).toEqual([]);
    const fresh = await heed.requests.preview({ right: "erasure", subject });
    expect((await heed.requests.open({ ...open, subject, preview: fresh })).changed).toBe(true);
  });

  it("parks opt-ins that arrive meanwhile and applies them to somebody new afterwards", async () => {
    const { heed, person, settle, rows, clock } = company();
    const subject = person("anna@example.org");
    await heed.requests.open({ ...open, subject });
    await clock.advance(1);
    const before = (await rows("subjects"))[0]?.id;
    const parked = await heed.subscriptions.subscribe({
      subject,
      topic: "newsletter",
      evidence: { noticeVersion: "2" },
    });
    expect(parked).toMatchObject({ changed: false, parked: true });
    expect(
      (await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "m1" })).allowed,
    ).toBe(false);
    await settle();
    expect(await rows("parked")).toEqual([]);
    expect((await rows("subjects"))[0]?.id).not.toBe(before);
    expect(
      (await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "m2" })).allowed,
    ).toBe(true);
    expect(
      await heed.permits.take({ topic: "offers", email: subject.email, messageKey: "m3" }),
    ).toMatchObject({ allowed: false, because: "suppressed" });
  });

  it("records opt-outs while it runs", async () => {
    const { heed, person, settle, rows } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence: { none: true } });
    await heed.requests.open({ ...open, subject });
    const { changed, steps } = await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    expect([changed, steps.length]).toEqual([true, 1]);
    await settle();
    // By then the processor had the person no longer, and was not told of them anew.
    const told = (await rows("steps")).find((step) => steps.includes(step.id));
    expect(told).toMatchObject({ state: "verified", outcome: '{"status":"absent"}' });
    expect(
      await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "m" }),
    ).toMatchObject({ allowed: false });
  });
});
