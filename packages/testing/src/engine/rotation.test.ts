import { keyring, memory, newKey, type HeedStorage } from "@heed/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { virtualClock } from "../virtual-clock.ts";
import { company, evidence } from "./people.ts";

const oldKey = newKey("active").replace(/^[^:]+/, "old");
const newerKey = newKey("active").replace(/^[^:]+/, "new");
const staged = newerKey.replace(":active:", ":staged:");
const lookup = oldKey.replace(":active:", ":lookup:");

/** One storage in the midst of a rotation: one process still writes under the old key, one under the new. */
function rotating() {
  const storage = memory();
  const clock = virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });
  const before = company({ storage, clock, keys: keyring(`${oldKey} ${staged}`) });
  const after = company({ storage, clock, keys: keyring(`${newerKey} ${lookup}`) });
  return { before, after, clock, only: () => company({ storage, clock, keys: keyring(newerKey) }) };
}

type Company = ReturnType<typeof company>;

const anna = { email: "anna@example.org" };
const ben = { email: "ben@example.org", phone: "+46700000001" };

async function permit(
  { heed }: Company,
  email: string,
  topic: "newsletter" | "alerts" = "newsletter",
  messageKey = "1",
) {
  const taken = await heed.permits.take({ topic, email, messageKey });
  if (!taken.allowed) throw new Error(taken.because);
  return taken;
}

/** What the storage needs under the old key. */
async function underOld({ heed }: Company): Promise<Readonly<Record<string, number>>> {
  return (await heed.keys.status()).find(({ id }) => id === "old")?.rows ?? {};
}

describe("rotate", () => {
  it("writes anew all that belongs to the living, so that the old key is needed for proof alone", async () => {
    const { before, after, only } = rotating();
    await before.heed.subscriptions.subscribe({ subject: ben, topic: "newsletter", evidence });
    await permit(before, ben.email, "newsletter", "unsent");
    await before.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    await before.heed.requests.open({ right: "withdrawal", subject: anna, identity: "signed-in" });
    expect(await underOld(after)).toEqual({
      dataKeys: 3,
      identifiers: 3,
      suppressions: 1,
      permits: 1,
      references: 1,
      requests: 1,
      evidence: 4,
    });
    const seen: number[] = [];
    const rotated = await after.heed.keys.rotate({ onProgress: ({ identifiers }) => seen.push(identifiers) });
    expect(rotated).toEqual({
      dataKeys: 3,
      identifiers: 3,
      suppressions: 1,
      isComplete: true,
      isScrubbed: true,
    });
    expect(seen).toEqual([0, 3]);
    // A permit's message key is digested, and nobody knows it any more.
    expect(await underOld(after)).toEqual({ permits: 1, requests: 1, evidence: 4 });
    for (const table of ["dataKeys", "identifiers", "suppressions", "references"] as const)
      expect(JSON.stringify(await after.rows(table))).not.toMatch(/\bold\b/);
    // Who has the new key alone finds everybody, opens everything, and silences whom the old key silenced.
    const { heed } = only();
    expect((await heed.subscriptions.state({ subject: ben, topic: "newsletter" })).state).toBe("given");
    expect(
      (await heed.subscriptions.state({ subject: { phone: ben.phone }, topic: "newsletter" })).state,
    ).toBe("given");
    expect((await heed.suppression.check(anna)).suppressed).toBe(true);
    await expect(permit({ heed } as Company, anna.email)).rejects.toThrow("suppressed");
  });

  it("changes nothing the second time", async () => {
    const { before, after } = rotating();
    await before.heed.subscriptions.unsubscribe({ subject: ben, topic: "newsletter" });
    await after.heed.keys.rotate();
    const rows = async () =>
      Promise.all((["dataKeys", "identifiers", "suppressions"] as const).map((table) => after.rows(table)));
    const left = await rows();
    expect(await after.heed.keys.rotate()).toMatchObject({ dataKeys: 0, identifiers: 0, suppressions: 0 });
    expect(await rows()).toEqual(left);
  });

  it("leaves the suppression of somebody erased, which nobody can digest anew, and says that its key must stay", async () => {
    const { before, after, clock } = rotating();
    before.person(anna.email);
    after.person(anna.email);
    await before.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await before.settle();
    await after.heed.keys.rotate();
    expect(await underOld(after)).toMatchObject({ suppressions: 1 });
    expect(await after.heed.keys.status()).toMatchObject([
      { id: "new", state: "active", mayRetire: false },
      { id: "old", state: "lookup", mayRetire: false },
    ]);
    expect(await after.heed.suppression.check(anna)).toEqual({ suppressed: true, because: "erased" });
    // Presented again, the address is known, and so is what silences it.
    await clock.advance(60_000);
    await after.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await after.heed.keys.rotate();
    expect((await underOld(after))["suppressions"]).toBe(undefined);
    expect((await permit(after, anna.email)).allowed).toBe(true);
  });

  it("lets a link from before an erasure find whoever came back", async () => {
    const { before, after, clock } = rotating();
    for (const each of [before, after]) each.person(anna.email);
    await before.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const { unsubscribeToken: token = "" } = await permit(before, anna.email);
    await before.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await before.settle();
    await clock.advance(60_000);
    await after.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await after.heed.keys.rotate();
    await clock.advance(60_000);
    await after.heed.links.unsubscribe({ token, scope: "topic" });
    expect((await after.heed.subscriptions.state({ subject: anna, topic: "newsletter" })).state).toBe(
      "not-given",
    );
  });

  it("lets a click that it overtakes, between any two transactions, find whoever came back", async () => {
    for (let overtakenAt = 0; overtakenAt < 3; overtakenAt += 1) {
      const { before, after, clock } = rotating();
      for (const each of [before, after]) each.person(anna.email);
      await before.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
      const { unsubscribeToken: token = "" } = await permit(before, anna.email);
      await before.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
      await before.settle();
      await clock.advance(60_000);
      await after.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
      await clock.advance(60_000);
      let transactions = 0;
      const overtaken: HeedStorage = {
        ...after.storage,
        async transact(transaction) {
          if (transactions === overtakenAt) await after.heed.keys.rotate();
          transactions += 1;
          return after.storage.transact(transaction);
        },
      };
      const { heed } = company({ storage: overtaken, clock, keys: keyring(`${newerKey} ${lookup}`) });
      await heed.links.unsubscribe({ token, scope: "topic" });
      expect(transactions).toBeGreaterThan(overtakenAt);
      const { state } = await after.heed.subscriptions.state({ subject: anna, topic: "newsletter" });
      expect([overtakenAt, state]).toEqual([overtakenAt, "not-given"]);
    }
  });

  it("keeps what an erasure may act upon: the identifiers that its request named", async () => {
    const { before, after } = rotating();
    for (const each of [before, after]) each.person(anna.email);
    const { id } = await before.heed.requests.open({
      right: "erasure",
      subject: anna,
      identity: "signed-in",
    });
    await after.heed.keys.rotate();
    expect(await underOld(after)).toMatchObject({ requests: 1 });
    expect(JSON.stringify((await after.rows("requests")).map((row) => row.named))).not.toContain("old.");
    await after.settle();
    expect([after.crm.find(anna.email), (await after.heed.requests.get(id)).state]).toEqual([
      [],
      "partially_fulfilled",
    ]);
  });

  it("keeps the newer of two erasures of one address under two keys", async () => {
    const { before, after, clock } = rotating();
    for (const each of [before, after]) each.person(anna.email);
    await before.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await before.settle();
    await clock.advance(60_000);
    await after.heed.subjects.record({ subject: anna });
    await clock.advance(60_000);
    await after.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect((await after.rows("suppressions")).map(({ reason }) => reason).toSorted()).toEqual([
      "erased",
      "returned",
    ]);
    await after.heed.keys.rotate();
    expect((await after.rows("suppressions")).map(({ reason }) => reason)).toEqual(["erased"]);
    await after.settle();
    expect(await after.heed.suppression.check(anna)).toEqual({ suppressed: true, because: "erased" });
  });

  it("stops a permit that was taken before it, by an opt-out after it", async () => {
    const { before, after } = rotating();
    await before.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const taken = await permit(before, anna.email);
    const alert = await permit(before, anna.email, "alerts", "2");
    await after.heed.keys.rotate();
    await after.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    expect(await taken.handOver()).toBe(false);
    await after.heed.subscriptions.unsubscribe({ subject: anna, topic: "alerts" });
    expect(await alert.handOver()).toBe(false);
    // The message key is remembered as well: this message went, or was stopped, once and for all.
    await after.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await expect(permit(after, anna.email)).rejects.toThrow("already-sent");
  });

  it("takes along what was sent and what was reported, so that both count and are forgotten as ever", async () => {
    const { before, after, only } = rotating();
    await before.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    const { returnTag: tag = "", handOver } = await permit(before, anna.email);
    await handOver();
    expect(await before.heed.messages.report({ tag, kind: "hard" })).toEqual({ did: "stopped" });
    expect(await underOld(after)).toMatchObject({ permits: 1, reports: 1 });
    await after.heed.keys.rotate();
    for (const table of ["permits", "reports"] as const)
      expect((await after.rows(table)).map(({ address }) => address.split(".")[0])).toEqual(["new"]);
    const { heed } = only();
    expect(await heed.messages.sent(anna)).toMatchObject([{ topic: "newsletter", handedOver: true }]);
    expect(await heed.messages.report({ tag, kind: "hard", recipient: anna.email })).toEqual({
      did: "noted",
    });
    await expect(permit({ heed } as Company, anna.email, "newsletter", "2")).rejects.toThrow("undeliverable");
    expect(await heed.messages.forget(anna)).toEqual({ forgotten: 1 });
    expect([...(await after.rows("permits")), ...(await after.rows("reports"))]).toEqual([]);
  });

  it("ends when it is told to, and goes on the next time", async () => {
    const { before, after } = rotating();
    for (let n = 0; n < 250; n += 1) {
      const subject = { email: `person-${n}@example.org` };
      await before.heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    }
    const stop = new AbortController();
    const first = await after.heed.keys.rotate({
      signal: stop.signal,
      onProgress: ({ identifiers }) => identifiers >= 100 && stop.abort(),
    });
    expect(first).toMatchObject({ dataKeys: 250, identifiers: 100, isComplete: false, isScrubbed: false });
    const rest = await after.heed.keys.rotate();
    expect(rest).toMatchObject({ dataKeys: 0, identifiers: 150, suppressions: 150, isComplete: true });
    expect(Object.keys(await underOld(after))).toEqual(["evidence"]);
  });

  it("refuses while a key is missing, and names the key", async () => {
    const { before, only } = rotating();
    await before.heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await expect(only().heed.keys.rotate()).rejects.toMatchObject({ code: "unknown-key" });
    expect(await only().heed.keys.status()).toContainEqual(
      expect.objectContaining({ id: "old", state: "missing", mayRetire: false }),
    );
  });

  it("answers as if no key had ever changed, for any interleaving", async () => {
    const who = fc.constantFrom(
      anna,
      ben,
      { email: ben.email },
      { phone: ben.phone },
      { email: anna.email, phone: "+46700000002" },
    );
    const topic = fc.constantFrom("newsletter" as const, "offers" as const, "alerts" as const);
    const act = fc.record({
      what: fc.constantFrom(
        "subscribe",
        "unsubscribe",
        "all",
        "give",
        "withdraw",
        "send",
        "hand-over",
        "click",
        "erase",
        "record",
        "work",
      ),
      who,
      topic,
      message: fc.constantFrom("1", "2"),
      byNew: fc.boolean(),
      rotates: fc.boolean(),
      part: fc.constantFrom(0, 1, 2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
        const { before, after, clock } = rotating();
        const plain = company({ keys: keyring(oldKey) });
        for (const each of [before, after, plain]) for (const { email } of [anna, ben]) each.person(email);
        const permits = new Map<Company, Awaited<ReturnType<typeof permit>>[]>();
        for (const { what, who, topic, message, byNew, rotates, part } of acts) {
          const rotated = byNew ? after : before;
          const answers = [];
          for (const company of [plain, rotated]) {
            const { heed } = company;
            const own = company === plain ? plain : after;
            const answer = async (): Promise<unknown> => {
              if (what === "subscribe")
                return heed.subscriptions.subscribe({
                  subject: who,
                  topic,
                  evidence,
                  identityVerified: true,
                });
              if (what === "unsubscribe") return heed.subscriptions.unsubscribe({ subject: who, topic });
              if (what === "all") return heed.subscriptions.unsubscribe({ subject: who, topic: "all" });
              if (what === "give") return heed.consent.give({ subject: who, purpose: "news", evidence });
              if (what === "withdraw") return heed.consent.withdraw({ subject: who, purpose: "news" });
              if (what === "record") return heed.subjects.record({ subject: who, identityVerified: true });
              if (what === "erase")
                return heed.requests.open({ right: "erasure", subject: who, identity: "signed-in" });
              if (what === "work") return company.settle().then(() => undefined);
              const sent = permits.get(own) ?? [];
              if (what === "hand-over") return sent.pop()?.handOver();
              if (what === "click") {
                const token = sent.find((each) => each.unsubscribeToken !== undefined)?.unsubscribeToken;
                return token === undefined ? undefined : heed.links.unsubscribe({ token, scope: "topic" });
              }
              const email = "email" in who ? who.email : anna.email;
              const taken = await heed.permits.take({ topic, email, messageKey: message });
              if (taken.allowed) permits.set(own, [...sent, taken]);
              return taken.allowed ? true : taken.because;
            };
            answers.push(
              await answer().then(
                (value) =>
                  JSON.stringify(value, (name, inner: unknown) =>
                    /^(id|eventId|steps)$/.test(name) ? 0 : inner,
                  ) ?? "",
                (error: { code?: string }) => error.code ?? error,
              ),
            );
          }
          expect(answers[1]).toEqual(answers[0]);
          if (rotates) {
            let pages = 0;
            const stop = new AbortController();
            await after.heed.keys.rotate({
              signal: stop.signal,
              onProgress: () => (pages += 1) >= part && part > 0 && stop.abort(),
            });
          }
          const later = new Date(
            Math.max(clock.now().getTime(), plain.clock.now().getTime()) + 1000,
          ).toISOString();
          for (const each of [clock, plain.clock]) await each.set(later);
        }
        for (const each of [before, after]) {
          for (const subject of [anna, ben]) {
            expect(await each.heed.suppression.check({ email: subject.email })).toEqual(
              await plain.heed.suppression.check({ email: subject.email }),
            );
            for (const name of ["newsletter", "offers", "alerts"] as const) {
              const [one, other] = await Promise.all(
                [each, plain].map(({ heed }) => heed.subscriptions.state({ subject, topic: name })),
              );
              expect(one?.state).toBe(other?.state);
            }
          }
        }
      }),
      { numRuns: Number(process.env["HEED_RUNS"] ?? 120) },
    );
  }, 60_000);
});
