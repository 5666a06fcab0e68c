import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { openShop, type ShopTopic } from "../../test/shop.ts";
import type { PermitAnswer } from "../contract/permit.ts";
import type { Reads, Transaction } from "../contract/storage.ts";
import { ephemeralKeys, keyring, newKey } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import type { Farewell, FarewellMessage } from "./farewell.ts";

const email = "anna@example.org";
const subject = { email };
const minuteMs = 60_000;
const dayMs = 86_400_000;

type Answer = Awaited<ReturnType<Farewell["send"]>>;

/** A shop that says farewell through a letter box: what went in, and what the sender is to answer. */
function shopWithBox(
  answer: (message: FarewellMessage) => Answer | Promise<Answer> = () => "accepted",
  more: Parameters<typeof openShop>[0] = {},
) {
  const sent: FarewellMessage[] = [];
  const farewell: Farewell<ShopTopic> = {
    topic: "terms",
    send: async (message) => {
      sent.push(message);
      return answer(message);
    },
  };
  const shop = openShop({ ...more, farewell });
  const endOf = async (requestId: string) => {
    const all = await shop.heed.requests.evidence(requestId);
    return all.flatMap(({ entry }) => (entry.kind === "farewell.ended" ? [entry.outcome] : []));
  };
  return { ...shop, sent, endOf };
}

describe("the farewell after an erasure", () => {
  it("is sent once, when the request has ended and heed knows the address no more", async () => {
    const seen: unknown[] = [];
    const { heed, erase, sent, rows, endOf, clock } = shopWithBox(async ({ requestId }): Promise<Answer> => {
      seen.push((await heed.requests.get(requestId)).state, await rows("identifiers"));
      return "accepted";
    });
    const { id } = await erase(subject);
    expect(seen).toEqual(["fulfilled", []]);
    expect(sent).toMatchObject([{ email, requestId: id, topic: "terms", messageKey: `farewell:${id}` }]);
    expect(await endOf(id)).toEqual(["accepted"]);
    expect([await rows("farewells"), await rows("dataKeys")]).toEqual([[], []]);
    clock.advance(30 * dayMs);
    await heed.work.drain();
    expect(sent).toHaveLength(1);
    const receipt = await heed.requests.receipt(id);
    expect(receipt.entries.at(-1)).toMatchObject({ entry: { kind: "farewell.ended", outcome: "accepted" } });
  });

  it("goes to the address that the request named, as it is spelled for sending", async () => {
    const { heed, sent } = shopWithBox();
    await heed.subjects.record({
      subject: { email: "old@example.org", accountId: "a1" },
      identityVerified: true,
    });
    await heed.requests.open({
      right: "erasure",
      subject: { email: "Anna.B@Example.ORG", accountId: "a1" },
      identity: "signed-in",
    });
    await heed.work.drain();
    expect(sent.map((each) => each.email)).toEqual(["Anna.B@example.org"]);
  });

  it("goes to the address on file where the request names the account alone", async () => {
    const { heed, sent } = shopWithBox();
    await heed.subjects.record({ subject: { email, accountId: "a1" }, identityVerified: true });
    await heed.requests.open({ right: "erasure", subject: { accountId: "a1" }, identity: "signed-in" });
    await heed.work.drain();
    expect(sent.map((each) => each.email)).toEqual([email]);
  });

  it("goes to no address that nobody has shown to be theirs, and to no account", async () => {
    const { heed, sent, rows } = shopWithBox();
    await heed.subjects.record({ subject: { email, accountId: "a1" } });
    await heed.requests.open({ right: "erasure", subject: { accountId: "a1" }, identity: "signed-in" });
    await heed.requests.open({ right: "erasure", subject: { accountId: "a2" }, identity: "signed-in" });
    await heed.work.drain();
    for (const { id } of await heed.steps.parked()) await heed.steps.acknowledge(id);
    await heed.work.drain();
    expect((await rows("requests")).map(({ state }) => state)).toEqual(["fulfilled", "fulfilled"]);
    expect([sent, await rows("farewells")]).toEqual([[], []]);
  });

  it("follows no request that was refused, taken back or never verified, and no other right", async () => {
    const { heed, sent, clock, rows } = shopWithBox();
    const unverified = { right: "erasure", identity: "unverified" } as const;
    const denied = await heed.requests.open({ ...unverified, subject });
    await heed.requests.deny({ id: denied.id, because: "manifestly-unfounded" });
    const withdrawn = await heed.requests.open({ ...unverified, subject });
    await heed.requests.withdraw(withdrawn.id);
    await heed.requests.open({ ...unverified, subject });
    await heed.requests.open({ right: "withdrawal", subject, identity: "signed-in" });
    await heed.work.drain();
    clock.advance(60 * dayMs);
    await heed.work.drain();
    expect((await rows("requests")).map(({ state }) => state).toSorted()).toEqual([
      "denied",
      "expired",
      "fulfilled",
      "withdrawn",
    ]);
    expect([sent, await rows("farewells")]).toEqual([[], []]);
  });

  it("waits for the end of the request", async () => {
    const { heed, sent, clock } = shopWithBox();
    const hold = { reason: "litigation", orderedBy: "counsel", reviewAt: "2026-03-01T00:00:00Z" } as const;
    const { id: holdId } = await heed.holds.place({ everyone: true, ...hold });
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await heed.work.drain();
    clock.advance(dayMs);
    await heed.work.drain();
    expect([(await heed.requests.get(id)).state, sent]).toEqual(["executing", []]);
    await heed.holds.release(holdId);
    await heed.work.drain();
    expect([(await heed.requests.get(id)).state, sent.length]).toEqual(["fulfilled", 1]);
  });

  it("holds up nothing else", async () => {
    const { promise, resolve } = Promise.withResolvers<"accepted">();
    const { heed, sent, rows, clock, endOf } = shopWithBox(() => promise);
    heed.work.start();
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await until(() => sent.length === 1, clock);
    await heed.subscriptions.unsubscribe({ subject: { email: "bo@example.org" }, topic: "all" });
    await until(async () => (await rows("steps")).every((step) => step.endedAt !== null), clock);
    expect(await endOf(id)).toEqual([]);
    resolve("accepted");
    await until(async () => (await endOf(id)).length > 0, clock);
    await heed.close();
  });

  it("is sent to ten people at a time at most", async () => {
    const { promise, resolve } = Promise.withResolvers<"accepted">();
    const { heed, sent, clock, rows } = shopWithBox(() => promise);
    for (let index = 0; index < 15; index += 1)
      await heed.requests.open({
        right: "erasure",
        subject: { email: `person-${index}@example.org` },
        identity: "signed-in",
      });
    heed.work.start();
    await until(async () => (await rows("requests")).every(({ closedAt }) => closedAt !== null), clock);
    for (let seconds = 0; seconds < 60; seconds += 1) {
      clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect(sent.length).toBeLessThanOrEqual(10);
    resolve("accepted");
    await until(() => sent.length === 15, clock);
    await heed.close();
  });

  it("is said to everybody, however many were erased at once", async () => {
    const { heed, sent, rows } = shopWithBox();
    const emails = Array.from({ length: 35 }, (_, index) => `person-${index}@example.org`);
    for (const each of emails)
      await heed.requests.open({ right: "erasure", subject: { email: each }, identity: "signed-in" });
    await heed.work.drain();
    expect(sent.map((each) => each.email).toSorted()).toEqual(emails.toSorted());
    expect([await rows("farewells"), await rows("dataKeys")]).toEqual([[], []]);
  });
});

/** A storage whose removed bytes may be in the way of somebody who reads. */
function obstructed() {
  const inner = memory();
  const scrubbing = { isPossible: true };
  const storage = Object.assign(Object.create(inner) as typeof inner, {
    transact: inner.transact.bind(inner),
    due: inner.due.bind(inner),
    scrub: async () => scrubbing.isPossible && inner.scrub(),
  });
  return { storage, scrubbing };
}

/** Lets a running worker go on, and time pass, until something is so. */
async function until(isSo: () => boolean | Promise<boolean>, clock: { advance(ms: number): void }) {
  for (let turns = 0; turns < 500; turns += 1) {
    if (await isSo()) return;
    await new Promise(setImmediate);
    clock.advance(10);
  }
  expect.fail("it never came");
}

describe("a farewell that does not get away", () => {
  it.each([
    ["not-sent"],
    ["deferred"],
    ["notSent"],
    [{ status: "notSent" }],
    [{ status: "deferred" }],
  ] as const)("is tried again after %j, with the same key and after a growing pause", async (first) => {
    const { heed, erase, sent, clock, endOf } = shopWithBox(() => (sent.length < 5 ? first : "accepted"));
    const { id } = await erase(subject);
    const waited: number[] = [];
    for (let tried = sent.length; sent.length < 5 && waited.length < 9; tried = sent.length) {
      let minutes = 0;
      for (; sent.length === tried && minutes < 100; minutes += 1) {
        clock.advance(minuteMs);
        await heed.work.drain();
      }
      waited.push(minutes);
    }
    // The first of it passed after the erasure: see `erase`.
    expect(waited).toEqual([5, 10, 20, 40]);
    expect(new Set(sent.map(({ messageKey }) => messageKey))).toEqual(new Set([`farewell:${id}`]));
    expect(await endOf(id)).toEqual(["accepted"]);
  });

  it("is given up after seven days: the key is gone, and evidence says so", async () => {
    const { heed, erase, sent, clock, rows, endOf } = shopWithBox(() => "not-sent");
    const start = clock.now().getTime();
    const { id } = await erase(subject);
    expect([(await rows("farewells")).length, (await rows("dataKeys")).length]).toEqual([1, 1]);
    let endedAfterMs = 0;
    for (let hour = 0; hour < 24 * 8; hour += 1) {
      clock.advance(60 * minuteMs);
      await heed.work.drain();
      if (endedAfterMs === 0 && (await rows("dataKeys")).length === 0)
        endedAfterMs = clock.now().getTime() - start;
    }
    expect(endedAfterMs).toBeGreaterThan(6 * dayMs);
    expect(endedAfterMs).toBeLessThanOrEqual(7 * dayMs);
    expect(sent.length).toBeGreaterThan(10);
    expect(sent.length).toBeLessThan(20);
    expect(await endOf(id)).toEqual(["not-sent"]);
    expect(await rows("farewells")).toEqual([]);
  });

  it("is given up after seven days in which nobody worked, without a try", async () => {
    const { heed, erase, sent, clock, rows, endOf } = shopWithBox(() => "not-sent");
    const { id } = await erase(subject);
    clock.advance(7 * dayMs);
    await heed.work.drain();
    expect([sent.length, await endOf(id), await rows("dataKeys")]).toEqual([1, ["not-sent"], []]);
  });

  it("is ended at its time also by a process that has no sender", async () => {
    const keys = ephemeralKeys();
    const { heed: _, ...first } = shopWithBox(() => "not-sent", { keys });
    const { id } = await first.erase(subject);
    const { heed } = openShop({ keys, storage: first.storage, clock: first.clock });
    first.clock.advance(5 * minuteMs);
    const { nextAt } = await heed.work.drain();
    expect([await first.endOf(id), (await first.rows("dataKeys")).length]).toEqual([[], 1]);
    first.clock.advance(Date.parse(nextAt ?? "") - first.clock.now().getTime());
    await heed.work.drain();
    expect([await first.endOf(id), await first.rows("dataKeys")]).toEqual([["not-sent"], []]);
  });

  it.each([
    ["rejected", "rejected"],
    ["unknown", "unknown"],
    ["blocked", "not-sent"],
  ] as const)("is not tried again once it is %s", async (status, outcome) => {
    const { heed, erase, sent, clock, rows, endOf } = shopWithBox(() => ({ status }));
    const { id } = await erase(subject);
    expect(await endOf(id)).toEqual([outcome]);
    for (let day = 0; day < 8; day += 1) {
      clock.advance(dayMs);
      await heed.work.drain();
    }
    expect([sent.length, await endOf(id), await rows("dataKeys")]).toEqual([1, [outcome], []]);
  });

  it("says in what a drain left when it is tried next", async () => {
    const { heed, erase, clock } = shopWithBox(() => "not-sent");
    await erase(subject);
    const { nextAt } = await heed.work.drain();
    expect(Date.parse(nextAt ?? "") - clock.now().getTime()).toBe(5 * minuteMs - 1000);
  });
});

describe("a farewell whose answer is lost", () => {
  const failures: Record<string, () => Answer | Promise<Answer>> = {
    "a sender that throws": () => {
      throw new TypeError("broken");
    },
    "an answer that is none": () => "sent" as never,
    "no answer at all": () => undefined as never,
  };
  it.each(Object.entries(failures))(
    "for %s is not sent again, and told as a failure",
    async (_what, answer) => {
      const { heed, erase, sent, clock, rows, endOf } = shopWithBox(answer);
      const failed: unknown[] = [];
      heed.on("work.failed", (event) => failed.push(event));
      const { id } = await erase(subject);
      expect(await endOf(id)).toEqual(["unknown"]);
      clock.advance(8 * dayMs);
      await heed.work.drain();
      expect([sent.length, await rows("farewells"), await rows("dataKeys")]).toEqual([1, [], []]);
      expect(failed).toMatchObject([{ operation: "farewell" }]);
    },
  );

  it("because its worker died is not sent again, and what that one hears later is void", async () => {
    const keys = ephemeralKeys();
    const { storage, scrubbing } = obstructed();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const dead = shopWithBox(() => promise, { keys, storage });
    const { id } = await dead.heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    const died = dead.heed.work.drain();
    for (let turns = 0; dead.sent.length === 0 && turns < 500; turns += 1) await new Promise(setImmediate);
    expect(await dead.rows("farewells")).toMatchObject([{ state: "attempting", tries: 1 }]);

    const next = shopWithBox(() => "accepted", { keys, storage, clock: dead.clock });
    await next.heed.work.drain();
    expect([next.sent, await next.endOf(id)]).toEqual([[], []]);
    // As after twenty minutes, but that the dead one's own patience does not end.
    await storage.transact({
      lock: [],
      clock: dead.clock,
      read: {},
      decide: (_, now) => ({
        writes: [{ update: "farewells", where: {}, set: { dueAt: now } }],
        answer: undefined,
      }),
    });
    scrubbing.isPossible = false;
    await next.heed.work.drain();
    expect([next.sent, await next.rows("dataKeys")]).toEqual([[], []]);
    resolve("accepted");
    await died;
    scrubbing.isPossible = true;
    dead.clock.advance(minuteMs);
    await next.heed.work.drain();
    expect([next.sent, await next.endOf(id)]).toEqual([[], ["unknown"]]);
  });

  it("is not one that another worker has taken up just now", async () => {
    const keys = ephemeralKeys();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const one = shopWithBox(() => (one.sent.length === 1 ? "not-sent" : promise), { keys });
    const { id } = await one.erase(subject);
    one.clock.advance(5 * minuteMs);
    const inner = one.storage;
    const looking = Promise.withResolvers<void>();
    const sending = async () => {
      looking.resolve();
      for (let turns = 0; one.sent.length < 2 && turns < 500; turns += 1) await new Promise(setImmediate);
    };
    const storage = Object.assign(Object.create(inner) as typeof inner, {
      due: inner.due.bind(inner),
      scrub: inner.scrub.bind(inner),
      async transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
        if (transaction.lock.length > 0 && "farewells" in transaction.read) await sending();
        return inner.transact(transaction);
      },
    });
    const other = shopWithBox(() => "accepted", { keys, storage, clock: one.clock });
    const late = other.heed.work.drain();
    await looking.promise;
    const first = one.heed.work.drain();
    await late;
    expect([one.sent.length, other.sent.length]).toEqual([2, 0]);
    resolve("accepted");
    await first;
    expect(await one.endOf(id)).toEqual(["accepted"]);
  });

  it("because it took more than ten minutes counts as unknown", async () => {
    const { heed, sent, clock, endOf } = shopWithBox(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    );
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    const drained = heed.work.drain();
    for (let turns = 0; sent.length === 0 && turns < 500; turns += 1) await new Promise(setImmediate);
    clock.advance(10 * minuteMs);
    await drained;
    expect([sent.length, await endOf(id)]).toEqual([1, ["unknown"]]);
  });

  it("because the worker was told to stop counts as unknown, after its grace", async () => {
    const { heed, sent, clock, endOf, rows } = shopWithBox(() => new Promise(() => {}));
    heed.work.start();
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await until(() => sent.length === 1, clock);
    const stopped = heed.work.stop();
    await new Promise(setImmediate);
    expect(await endOf(id)).toEqual([]);
    clock.advance(30_000);
    await stopped;
    expect([await endOf(id), await rows("dataKeys")]).toEqual([["unknown"], []]);
  });
});

describe("the permit of a farewell", () => {
  it("is given to the erased address for that message alone, and leaves no trace", async () => {
    const bo = "bo@example.org";
    const answers: Record<string, unknown> = {};
    const { heed, erase, rows, isSendable, sent } = shopWithBox(
      async ({ email: to, messageKey, permits }): Promise<Answer> => {
        if (to === bo) return "accepted";
        const ask = { topic: "terms", email, messageKey } as const;
        answers["other topic"] = await permits.take({ ...ask, topic: "receipts" });
        answers["other key"] = await permits.take({ ...ask, messageKey: "m1" });
        answers["other request"] = await permits.take({ ...ask, messageKey: `${messageKey}0` });
        answers["somebody else"] = await permits.take({ ...ask, email: bo });
        const permit = await permits.take({ ...ask, email: "ANNA@example.org" });
        answers["its own"] = permit;
        if (!permit.allowed) return "blocked";
        answers["handed over"] = [await permit.handOver(), await permit.handOver()];
        answers["a second one"] = await permits.take(ask);
        await permit.settle("accepted");
        answers["permits"] = await rows("permits");
        return "accepted";
      },
    );
    await erase({ email: bo });
    await erase(subject);
    expect(answers).toEqual({
      "other topic": { allowed: false, because: "erased" },
      "other key": { allowed: false, because: "erased" },
      "other request": { allowed: false, because: "erased" },
      "somebody else": { allowed: false, because: "erased" },
      "its own": expect.objectContaining({ allowed: true, class: "legal" }) as PermitAnswer,
      "handed over": [true, false],
      "a second one": { allowed: false, because: "already-sent" },
      permits: [],
    });
    expect(answers["its own"]).not.toHaveProperty("returnTag");
    expect(answers["its own"]).not.toHaveProperty("unsubscribeToken");
    const messageKey = sent.at(-1)?.messageKey ?? "";
    expect(await heed.permits.take({ topic: "terms", email, messageKey })).toMatchObject({
      because: "erased",
    });
    expect(await isSendable("terms", email)).toBe("erased");
  });

  it("is none before the farewell is being sent, nor between two tries", async () => {
    const { heed, erase, sent } = shopWithBox(() => "not-sent");
    await erase(subject);
    const [{ messageKey } = { messageKey: "" }] = sent;
    expect(await heed.permits.take({ topic: "terms", email, messageKey })).toMatchObject({
      because: "erased",
    });
  });

  it("of an earlier try hands nothing over in a later one", async () => {
    const taken: PermitAnswer[] = [];
    const handedOver: boolean[] = [];
    const { heed, erase, clock } = shopWithBox(async ({ permits, messageKey }): Promise<Answer> => {
      taken.push(await permits.take({ topic: "terms", email, messageKey }));
      if (taken.length === 1) return "not-sent";
      for (const permit of taken) handedOver.push(permit.allowed && (await permit.handOver()));
      return "accepted";
    });
    await erase(subject);
    clock.advance(10 * minuteMs);
    await heed.work.drain();
    expect(handedOver).toEqual([false, true]);
  });
});

describe("what a farewell leaves", () => {
  const canary = "canary.anna@canary-domain.example";

  it("is no address anywhere: rows, sealed or not, events and evidence", async () => {
    const told: unknown[] = [];
    const { heed, erase, placesOf, clock, sent, rows } = shopWithBox(() =>
      sent.length === 1 ? "not-sent" : "accepted",
    );
    await heed.subjects.record({ subject: { email: canary } });
    const digest = (await rows("identifiers"))[0]?.digest ?? "none";
    expect(await placesOf(digest)).not.toEqual([]);
    for (const name of ["request.changed", "step.settled", "farewell.ended", "work.failed"] as const)
      heed.on(name, (event) => told.push(name, event));
    const { id } = await erase({ email: canary });
    expect(await placesOf("canary")).toEqual([]);
    clock.advance(dayMs);
    await heed.work.drain();
    expect(sent.map((each) => each.email)).toEqual([canary, canary]);
    expect(told.slice(-2)).toEqual(["farewell.ended", { requestId: id, outcome: "accepted" }]);
    expect([await placesOf("canary"), await placesOf(digest)]).toEqual([[], []]);
    const seen = inspect([told, await heed.requests.evidence(id), await heed.requests.receipt(id)], {
      depth: Infinity,
    });
    expect(seen).toContain("farewell.ended");
    expect(seen).not.toContain("canary");
  });

  it("counts only when the bytes of its key are gone", async () => {
    const { storage, scrubbing } = obstructed();
    const { heed, erase, clock, endOf, rows } = shopWithBox(
      () => {
        scrubbing.isPossible = false;
        return "accepted";
      },
      { storage },
    );
    const { id } = await erase(subject);
    expect([await endOf(id), await rows("dataKeys")]).toEqual([[], []]);
    expect(await rows("farewells")).toMatchObject([{ state: "ended", sealed: null, address: null }]);
    scrubbing.isPossible = true;
    clock.advance(minuteMs);
    await heed.work.drain();
    expect([await endOf(id), await rows("farewells")]).toEqual([["accepted"], []]);
  });

  it("waits for a worker that has its key", async () => {
    const [old, young] = [newKey(), newKey("staged")];
    const both = keyring(`${old} ${young}`);
    const first = shopWithBox(() => "not-sent", { keys: both });
    const { id } = await first.erase(subject);
    const other = shopWithBox(() => "accepted", {
      keys: keyring(newKey()),
      storage: first.storage,
      clock: first.clock,
    });
    const failed: unknown[] = [];
    other.heed.on("work.failed", ({ error }) => failed.push(error));
    first.clock.advance(5 * minuteMs);
    await other.heed.work.drain();
    expect([other.sent, failed]).toMatchObject([[], [{ code: "unknown-key" }]]);
    const rotated = shopWithBox(() => "accepted", {
      keys: keyring(`${old.replace(":active:", ":lookup:")} ${young.replace(":staged:", ":active:")}`),
      storage: first.storage,
      clock: first.clock,
    });
    const oldUse = (await rotated.heed.keys.status()).find((key) => key.state === "lookup");
    expect(oldUse?.rows).toMatchObject({ farewells: 1, dataKeys: 1 });
    await rotated.heed.keys.rotate();
    first.clock.advance(minuteMs);
    await rotated.heed.work.drain();
    expect([rotated.sent.map((each) => each.email), await rotated.endOf(id)]).toEqual([
      [email],
      ["accepted"],
    ]);
  });
});

describe("createHeed's farewell", () => {
  const send = async () => "accepted" as const;

  it.each([["product-news"], ["outages"]] as const)("is of no class that can be silenced: %s", (topic) => {
    expect(() => openShop({ farewell: { topic, send } })).toThrow(
      expect.objectContaining({ issues: [{ path: "farewell.topic", message: "another class" }] }),
    );
  });

  it("names a topic of the policy, and somebody who sends", () => {
    expect(() => openShop({ farewell: { topic: "goodbye" as never, send } })).toThrow(
      expect.objectContaining({ code: "topic-not-covered" }),
    );
    expect(() => openShop({ farewell: { topic: "terms" } as never })).toThrow(
      expect.objectContaining({ issues: [{ path: "farewell.send", message: "no function" }] }),
    );
    expect(() => openShop({ farewell: { topic: "terms", send, from: "x" } as never })).toThrow(
      expect.objectContaining({ code: "unknown-option" }),
    );
  });
});
