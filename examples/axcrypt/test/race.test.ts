import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Changed } from "@heed/core";
import { newKey } from "@heed/core";
import type { MailOutcome } from "@heed/mailer";
import { mailServer, type Fault, type MailServer, type Stage } from "@heed/mailer/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startRacer, type Racer } from "./race-talk.ts";

const anna = "anna@dest.example";

let sender: Racer;
let unsubscriber: Racer;
beforeAll(async () => {
  [sender, unsubscriber] = await Promise.all([startRacer(), startRacer()]);
});
afterAll(() => Promise.all([sender.kill(), unsubscriber.kill()]));

/** Two processes on one new database, and a mail server; gone with the test. */
async function race(faults: readonly Fault[]) {
  const folder = mkdtempSync(join(tmpdir(), "heed-race-"));
  const post = await mailServer({ faults });
  const scene = { file: join(folder, "heed.db"), keys: newKey(), port: post.port };
  for (const racer of [sender, unsubscriber]) await racer.tell({ what: "begin", scene });
  onTestFinished(async () => {
    for (const racer of [sender, unsubscriber]) await racer.tell({ what: "end" });
    await post.close();
    rmSync(folder, { recursive: true });
  });
  return {
    post,
    optIn: (email: string) => unsubscriber.tell({ what: "opt-in", email }),
    unsubscribe: (email: string) => unsubscriber.tell<Changed>({ what: "unsubscribe", email }),
    send: (email: string) => sender.tell<MailOutcome>({ what: "send", email }),
    ledger: () => readLedger(scene.file),
  };
}

/** A row of the table of permits. */
interface PermitRow {
  readonly address: string;
  readonly takenAt: string;
  readonly handedOverAt: string | null;
  readonly settledAt: string | null;
  readonly outcome: string | null;
  readonly optedOutAt: string | null;
}

/** When somebody's no was committed. */
interface OptOutRow {
  readonly address: string;
  readonly recordedAt: string;
}

/** What the database says itself, whoever wrote it. */
function readLedger(file: string) {
  const database = new DatabaseSync(file, { readOnly: true });
  const all = (sql: string) => database.prepare(sql).all() as unknown[];
  const ledger = {
    permits: all('SELECT * FROM "heed_permits"') as PermitRow[],
    optOuts: all(
      `SELECT "digest" AS "address", "recordedAt" FROM "heed_events" JOIN "heed_identifiers" USING ("subjectId")
       WHERE "heed_events"."kind" IN ('withdrawn', 'revoked')`,
    ) as OptOutRow[],
    inFlight: all(`SELECT 1 FROM "heed_evidence" WHERE "entry" LIKE '%message.in-flight%'`).length,
  };
  database.close();
  return ledger;
}

/** True when these instants come in this order, and none is missing. */
const inOrder = (...instants: readonly (string | null | undefined)[]): boolean =>
  instants.every((instant, index) => {
    const last = index === 0 ? "" : instants[index - 1];
    return typeof instant === "string" && typeof last === "string" && last <= instant;
  });

const leftFor = (post: MailServer, email: string) =>
  post.messages.filter(({ envelope }) => envelope.to.includes(email));

/** Between these a permit has been taken and not been handed over. */
const before: readonly Stage[] = ["connect", "ehlo"];
/** From here on the server hears of the message. */
const after: readonly Stage[] = ["mail", "rcpt", "data", "content", "final-dot"];

describe("an unsubscribe in another process", () => {
  it.each(before)("at %s comes before the message: nothing leaves", async (at) => {
    let told: Changed | undefined;
    const { post, optIn, unsubscribe, send, ledger } = await race([
      { at, times: 1, meanwhile: async () => (told = await unsubscribe(anna)) },
    ]);
    await optIn(anna);
    expect(await send(anna)).toEqual({ status: "blocked", because: "suppressed" });
    expect(told).toMatchObject({ changed: true, inFlight: 0 });
    expect([post.messages, post.search(anna), post.search("MAIL FROM")]).toEqual([[], [], []]);
    const { permits, optOuts, inFlight } = ledger();
    const said = optOuts[0]?.recordedAt;
    expect(permits).toMatchObject([{ handedOverAt: null, outcome: "not-sent", optedOutAt: said }]);
    // It was revoked, not refused: the permit is older than the no.
    expect(inOrder(permits[0]?.takenAt, said)).toBe(true);
    expect(inFlight).toBe(0);
  });

  it.each(after)("at %s comes when the message is in flight, and says so", async (at) => {
    let told: Changed | undefined;
    const { post, optIn, unsubscribe, send, ledger } = await race([
      { at, times: 1, meanwhile: async () => (told = await unsubscribe(anna)) },
    ]);
    await optIn(anna);
    expect(await send(anna)).toMatchObject({ status: "accepted" });
    expect(told).toMatchObject({ changed: true, inFlight: 1 });
    const [message] = leftFor(post, anna);
    const { permits, optOuts, inFlight } = ledger();
    const [permit] = permits;
    const said = optOuts[0]?.recordedAt;
    expect(permit).toMatchObject({ outcome: "accepted", optedOutAt: said });
    // Leave came first, then the no, then its end.
    expect(inOrder(permit?.takenAt, permit?.handedOverAt, said, permit?.settledAt)).toBe(true);
    expect(inOrder(permit?.handedOverAt, message?.receivedAt)).toBe(true);
    expect(inFlight).toBe(1);
    expect(await send(anna)).toMatchObject({ status: "blocked" });
    expect(leftFor(post, anna)).toHaveLength(1);
  });

  it("while the message waits for its turn leaves it without a permit", async () => {
    const { post, optIn, unsubscribe, send, ledger } = await race([
      { at: "data", times: 1, meanwhile: () => unsubscribe(anna) },
    ]);
    for (const email of ["first@dest.example", anna]) await optIn(email);
    const [first, second] = await Promise.all([send("first@dest.example"), send(anna)]);
    expect(first).toMatchObject({ status: "accepted" });
    expect(second).toEqual({ status: "blocked", because: "suppressed" });
    expect(post.search(anna)).toEqual([]);
    expect(ledger()).toMatchObject({ permits: [{ outcome: "accepted" }], inFlight: 0 });
  });

  it("after the server's answer finds nothing in flight, and the next message is refused", async () => {
    const { post, optIn, unsubscribe, send, ledger } = await race([]);
    await optIn(anna);
    expect(await send(anna)).toMatchObject({ status: "accepted" });
    expect(await unsubscribe(anna)).toMatchObject({ changed: true, inFlight: 0 });
    expect(await send(anna)).toMatchObject({ status: "blocked" });
    expect(post.messages).toHaveLength(1);
    expect(ledger()).toMatchObject({ permits: [{ optedOutAt: null }], inFlight: 0 });
  });

  it("at any instant is told apart from the message by the ledger's instants", async () => {
    const people = Array.from({ length: 60 }, (_, index) => `p${index}@dest.example`);
    const noes = new Map<string, Promise<Changed>>();
    let moment = 0;
    // At every stage of every session somebody says no, whose message left, is leaving, or waits.
    const sayNo = (): void => {
      const email = people[(moment++ * 37) % people.length] ?? "";
      if (!noes.has(email) && noes.size < 45) noes.set(email, unsubscribe(email));
    };
    const stages: readonly Stage[] = ["connect", "mail", "rcpt", "data", "final-dot"];
    const { post, optIn, unsubscribe, send, ledger } = await race(
      stages.map((at) => ({ at, meanwhile: sayNo })),
    );
    for (const email of people) await optIn(email);
    const outcomes = await Promise.all(people.map(send));
    const told = await Promise.all(noes.values());
    const { permits, optOuts, inFlight } = ledger();

    const blocked = { status: "blocked", because: "suppressed" };
    const refused = people.filter((_, index) => outcomes[index]?.status !== "accepted");
    const accepted = people.filter((email) => !refused.includes(email));
    expect([refused.length > 5, accepted.length > 5, noes.size > 20]).toEqual([true, true, true]);
    expect(outcomes.filter(({ status }) => status !== "accepted")).toEqual(refused.map(() => blocked));
    expect(refused.filter((email) => !noes.has(email))).toEqual([]);
    expect(refused.flatMap((email) => post.search(`<${email}>`))).toEqual([]);
    expect(accepted.map((email) => leftFor(post, email).length)).toEqual(accepted.map(() => 1));

    const noOf = new Map(optOuts.map(({ address, recordedAt }) => [address, recordedAt]));
    const ofNoes = permits.flatMap((permit) => {
      const no = noOf.get(permit.address);
      return no === undefined ? [] : [{ ...permit, no }];
    });
    expect(ofNoes.filter(({ takenAt, no }) => !inOrder(takenAt, no))).toEqual([]);
    const left = ofNoes.filter(({ handedOverAt }) => handedOverAt !== null);
    // What left had its leave before the no; it was in flight when the no came, and reported so, or it was gone.
    const isExplained = ({ handedOverAt, settledAt, no }: (typeof left)[number]): boolean =>
      inOrder(handedOverAt, no, settledAt) || inOrder(handedOverAt, settledAt, no);
    expect(left.length).toBeGreaterThan(0);
    expect(left.filter((row) => !isExplained(row))).toEqual([]);
    expect(left.filter(({ optedOutAt, no }) => optedOutAt === no)).toHaveLength(inFlight);
    expect(told.reduce((sum, changed) => sum + changed.inFlight, 0)).toBe(inFlight);
  });
});
