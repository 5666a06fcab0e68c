import {
  definePolicy,
  ephemeralKeys,
  keyring,
  memory,
  newKey,
  RejectedError,
  type HeedStorage,
} from "@heed/core";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company, evidence } from "./people.ts";

const erasure = { right: "erasure", identity: "signed-in" } as const;
const refused = () => new RejectedError("no", { processor: "crm", operation: "unsubscribe", status: 422 });

async function tokenFor(heed: ReturnType<typeof company>["heed"], email: string, messageKey = "m") {
  const permit = await heed.permits.take({ topic: "newsletter", email, messageKey });
  return permit.allowed ? (permit.unsubscribeToken ?? "") : "";
}

describe("an opt-out that was answered", () => {
  it("holds when the subject is linked to another while its token is being opened", async () => {
    const inner = memory();
    let between = async () => {};
    const storage: HeedStorage = {
      ...inner,
      async transact(transaction) {
        const answer = await inner.transact(transaction);
        const act = between;
        if ("references" in transaction.read && Object.keys(transaction.read).length === 1) {
          between = async () => {};
          await act();
        }
        return answer;
      },
    };
    const { heed, clock } = company({ storage, keys: ephemeralKeys() });
    await heed.subjects.record({ subject: { accountId: "1" } });
    await heed.subscriptions.subscribe({
      subject: { email: "anna@example.org" },
      topic: "newsletter",
      evidence,
    });
    await clock.advance(1_000);
    const token = await tokenFor(heed, "anna@example.org");
    const pending = await heed.permits.take({
      topic: "newsletter",
      email: "anna@example.org",
      messageKey: "next",
    });
    between = async () => {
      await heed.subjects.record({
        subject: { accountId: "1", email: "anna@example.org" },
        identityVerified: true,
      });
    };
    expect(await heed.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: true });
    expect(pending.allowed && (await pending.handOver())).toBe(false);
    const subject = { email: "anna@example.org" };
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("not-given");
  });

  it("reaches the vendor when an old link is used by somebody who was erased and came back", async () => {
    const { heed, crm, person, settle, clock } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await clock.advance(1_000);
    const token = await tokenFor(heed, subject.email);
    await heed.requests.open({ ...erasure, subject });
    await settle();
    await clock.advance(1_000);
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    expect(await heed.links.unsubscribe({ token, scope: "all" })).toEqual({ changed: true });
    await settle();
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("not-given");
    expect(crm.optedIn.get(subject.email)?.has("newsletter") ?? false).toBe(false);
  });

  it("holds for an old link when the clock has stepped back", async () => {
    const { heed, person, settle, clock } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await clock.advance(1_000);
    const token = await tokenFor(heed, subject.email);
    await heed.requests.open({ ...erasure, subject });
    await settle();
    await clock.advance(10_000);
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await clock.advance(10);
    const taken = await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "taken" });
    await clock.set(new Date(clock.now().getTime() - 5_000).toISOString());
    await heed.links.unsubscribe({ token, scope: "topic" });
    expect(taken.allowed && (await taken.handOver())).toBe(false);
    const next = await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "next" });
    expect(next.allowed).toBe(false);
  });

  it("is recorded even under an id that an opt-in has", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence, id: "form-1" });
    expect(
      await heed.subscriptions.unsubscribe({ subject, topic: "newsletter", id: "form-1" }),
    ).toMatchObject({ changed: true });
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("not-given");
    const again = heed.subscriptions.subscribe({ subject, topic: "offers", evidence, id: "form-1" });
    await expect(again).rejects.toMatchObject({ code: "id-taken" });
  });

  it("is told again, when asked again, to a processor that refused it", async () => {
    const { heed, crm, person, settle, clock, rows } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "unsubscribe", throws: refused() });
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await settle();
    expect((await rows("steps")).map((step) => step.state)).toEqual(["failed"]);
    await clock.advance(1_000);
    const again = await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    expect([again.changed, again.steps.length]).toEqual([false, 1]);
    await settle();
    expect([...(crm.optedOut.get(subject.email) ?? [])]).toEqual(["newsletter"]);
    // Told once for good: another repeat tells nobody.
    expect((await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" })).steps).toEqual([]);
  });

  it("is told for an address that is named only later", async () => {
    const { heed, crm, settle, clock } = company();
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    await settle();
    await clock.advance(1_000);
    await heed.subscriptions.unsubscribe({
      subject: { email: ["a@example.org", "z@example.org"] },
      topic: "newsletter",
    });
    await settle();
    expect([...(crm.optedOut.get("z@example.org") ?? [])]).toEqual(["newsletter"]);
  });

  it("survives an erasure that is taken back", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    const { id } = await heed.requests.open({ ...erasure, subject });
    await heed.requests.withdraw(id);
    await settle();
    expect([...(crm.optedOut.get(subject.email) ?? [])]).toEqual(["newsletter"]);
  });

  it("is carried out for a withdrawal request although it was recorded before", async () => {
    const { heed, crm, person, settle, clock } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "unsubscribe", throws: refused() });
    await heed.consent.withdraw({ subject, purpose: "news" });
    await settle();
    await clock.advance(1_000);
    const { id, state } = await heed.requests.open({
      right: "withdrawal",
      subject,
      purpose: "news",
      identity: "signed-in",
    });
    expect(state).toBe("executing");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([...(crm.optedOut.get(subject.email) ?? [])].toSorted()).toEqual(["newsletter", "offers"]);
  });

  it("works by the link of a topic that the policy has no longer: everything stops", async () => {
    const shared = {
      storage: memory(),
      keys: keyring(newKey()),
      clock: virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true }),
    };
    const topics = (name: string) =>
      ({
        [name]: { class: "marketing", purpose: "news" },
        offers: { class: "marketing", purpose: "news" },
      }) as const;
    const base = {
      controller: { name: "A", country: "SE", contact: "a@b.se" },
      purposes: { news: { basis: "consent" } },
    } as const;
    const before = createTestHeed({ ...shared, policy: definePolicy({ ...base, topics: topics("weekly") }) });
    const subject = { email: "anna@example.org" };
    await before.heed.consent.give({ subject, purpose: "news", evidence });
    await shared.clock.advance(1_000);
    const permit = await before.heed.permits.take({ topic: "weekly", email: subject.email, messageKey: "m" });
    const token = permit.allowed ? (permit.unsubscribeToken ?? "") : "";
    const after = createTestHeed({ ...shared, policy: definePolicy({ ...base, topics: topics("monthly") }) });
    expect(await after.heed.links.open(token)).toMatchObject({ topic: "all" });
    await after.heed.links.unsubscribe({ token, scope: "topic" });
    expect(
      await after.heed.permits.take({ topic: "offers", email: subject.email, messageKey: "m2" }),
    ).toMatchObject({ allowed: false });
  });
});

describe("taking a request back", () => {
  it("is not possible for a withdrawal, which was recorded at once", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({
      right: "withdrawal",
      subject,
      purpose: "news",
      identity: "signed-in",
    });
    await expect(heed.requests.withdraw(id)).rejects.toMatchObject({ code: "too-late" });
    await settle();
    expect([...(crm.optedOut.get(subject.email) ?? [])].toSorted()).toEqual(["newsletter", "offers"]);
  });
});

describe("an address named while an erasure runs", () => {
  it("is silenced, and stays when the erasure has ended", async () => {
    const { heed, person, settle } = company();
    const subject = person("anna@example.org");
    await heed.requests.open({ ...erasure, subject });
    await heed.subscriptions.unsubscribe({
      subject: { email: [subject.email, "z@example.org"] },
      topic: "all",
    });
    await settle();
    expect(await heed.suppression.check({ email: "z@example.org" })).toMatchObject({ suppressed: true });
  });
});

describe("an unverified request", () => {
  it("does not lift what protects somebody who was erased", async () => {
    const { heed, person, settle, clock } = company();
    const subject = person("anna@example.org");
    await heed.requests.open({ ...erasure, subject });
    await settle();
    await clock.advance(1_000);
    await heed.requests.open({ right: "erasure", identity: "unverified", subject });
    expect(await heed.suppression.check(subject)).toMatchObject({ suppressed: true });
    expect(await heed.permits.take({ topic: "alerts", email: subject.email, messageKey: "m" })).toMatchObject(
      { because: "erased" },
    );
  });
});
