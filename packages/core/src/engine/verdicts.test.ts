import { describe, expect, it } from "vitest";
import { shopPolicy } from "../../test/shop.ts";
import { stepRow } from "../../test/step-row.ts";
import type { HeedContext } from "../context.ts";
import type {
  Finding,
  FoundTarget,
  OperationName,
  Outcome,
  Resolution,
  Retained,
} from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import type { Claim } from "./claim.ts";
import type { AnyOperation } from "./operation-of.ts";
import { backoffMs, type Trouble } from "./trouble.ts";
import { afterResolve, afterRun, afterTrouble, afterVerify } from "./verdicts.ts";

const now = "2026-01-15T12:00:00.000Z";
const email = { kind: "email", value: "anna@example.org" };
const unused = () => Promise.reject(new Error("no verdict asks a processor"));

const target = (id: string, more: Partial<FoundTarget> = {}): FoundTarget => ({
  kind: "contact",
  id,
  via: email,
  verified: true,
  ...more,
});

function contextWith(trusts?: readonly string[]): HeedContext {
  const crm = { ...shopPolicy.recipients["crm"], ...(trusts === undefined ? {} : { trusts }) };
  const policy = { ...shopPolicy, recipients: { crm } };
  return { namespace: "default", keys: ephemeralKeys(), policy } as unknown as HeedContext;
}

function operationWith(set: Partial<AnyOperation> = {}): AnyOperation {
  return { batchSize: 10, repeat: "safe", settlingMs: 0, run: unused, verify: unused, ...set };
}

function claimOf(
  set: Partial<Row<"steps">> = {},
  more: {
    found?: readonly FoundTarget[];
    ranBefore?: boolean;
    reference?: string;
    keep?: readonly Retained[];
  } = {},
): Claim {
  const step = stepRow({ state: "running", ...set });
  return {
    step,
    phase: step.phase as Claim["phase"],
    call: {
      id: step.id,
      operation: step.operation as OperationName,
      input: { suppress: true, keep: more.keep ?? [] },
      identifiers: [email],
      targets: [],
    },
    found: {
      targets: more.found ?? [],
      ...(more.reference === undefined ? {} : { reference: more.reference }),
    },
    key: new Uint8Array(32),
    subjectDigests: [],
    ranBefore: more.ranBefore ?? false,
    isGuarded: false,
    leaseElapsesMs: Number.POSITIVE_INFINITY,
  };
}

const acknowledgedOnly = { verify: { acknowledgedOnly: "nothing can be read back" } } as const;
const retained = [{ category: "invoices", reason: "legal-obligation" }];

describe("afterResolve", () => {
  const resolve = (resolution: Resolution | undefined, set: Partial<Row<"steps">> = {}, trusts?: string[]) =>
    afterResolve(contextWith(trusts), claimOf({ phase: "resolve", ...set }), operationWith(), resolution);

  it("goes on to run with what was found, also when that is nothing", () => {
    expect(resolve({ targets: [target("1")] })).toEqual({
      to: "run",
      found: { targets: [target("1")] },
      silence: [],
    });
    expect(resolve({ targets: [] })).toMatchObject({ to: "run", found: { targets: [] } });
  });

  it("asks again when there was no answer", () => {
    expect(resolve(undefined, { tries: 3 })).toEqual({
      to: "again",
      dueInMs: backoffMs(3),
      because: "no-answer",
      counts: true,
    });
  });

  it("takes a match in doubt to a human before anything irreversible", () => {
    const guess = target("1", { verified: false });
    for (const operation of ["erase", "exclude", "forgetTokens"])
      expect(resolve({ targets: [target("2"), guess] }, { operation })).toMatchObject({
        to: "end",
        state: "manual",
        because: "unverified-match",
      });
    expect(resolve({ targets: [guess] }, { operation: "unsubscribe" })).toMatchObject({ to: "run" });
  });

  it("takes a match on a kind that the policy does not trust there to a human", () => {
    const byPhone = target("1", { via: { kind: "phone", value: "+46700000000" } });
    expect(resolve({ targets: [byPhone] }, {}, ["email"])).toMatchObject({ because: "unverified-match" });
    expect(resolve({ targets: [byPhone] }, {}, ["email", "phone"])).toMatchObject({ to: "run" });
    expect(resolve({ targets: [byPhone] })).toMatchObject({ to: "run" });
  });

  it("takes several matches of one identifier to a human, unless there may be several", () => {
    const two = { targets: [target("1"), target("2")] };
    expect(resolve(two)).toMatchObject({ to: "end", state: "manual", because: "several-matches" });
    const several = operationWith({ matches: "several" });
    expect(afterResolve(contextWith(), claimOf(), several, two)).toMatchObject({ to: "run" });
    const apart = { targets: [target("1"), target("2", { kind: "lead" })] };
    expect(resolve(apart)).toMatchObject({ to: "run" });
    const byOther = target("2", { via: { kind: "email", value: "anna.b@example.net" } });
    expect(resolve({ targets: [target("1"), byOther] })).toMatchObject({ to: "run" });
  });

  it("does not count what was found through another record of the person, only that one", () => {
    const note = (id: string, within: string) => target(id, { kind: "note", within });
    expect(resolve({ targets: [target("1"), note("7", "1"), note("8", "1")] })).toMatchObject({ to: "run" });
    // Within something that is not this person's record, ids merely need a place.
    expect(resolve({ targets: [target("1"), note("7", "9"), note("8", "9")] })).toMatchObject({
      because: "several-matches",
    });
  });

  it("silences what else the record was known by, for what removes a person only, and never erases by it", () => {
    const alsoKnownAs = [
      { kind: "email", value: "old@example.org" },
      { kind: "email", value: "not an address" },
    ];
    const resolution = { targets: [target("1")], alsoKnownAs };
    const verdict = resolve(resolution);
    expect(verdict).toMatchObject({ to: "run", found: { targets: [target("1")] } });
    expect("silence" in verdict && verdict.silence).toHaveLength(1);
    const excluded = resolve(resolution, { operation: "exclude" });
    expect("silence" in excluded && excluded.silence).toHaveLength(1);
    expect(resolve(resolution, { operation: "unsubscribe" })).toMatchObject({ silence: [] });
  });

  it("names nobody in what it tells a human", () => {
    for (const targets of [[target("1", { verified: false })], [target("1"), target("2")]]) {
      const verdict = resolve({ targets });
      expect(JSON.stringify(verdict)).not.toContain("anna");
      expect("instruction" in verdict && verdict.instruction).toContain('"crm"');
    }
  });
});

describe("afterRun", () => {
  const run = (outcome: Outcome | undefined, operation = operationWith(), claim = claimOf()) =>
    afterRun(claim, operation, outcome);

  it("reads back what was said to be done", () => {
    expect(run({ status: "done", affected: 2 })).toEqual({
      to: "verify",
      dueInMs: 0,
      outcome: { status: "done", affected: 2 },
    });
    expect(run({ status: "absent" })).toEqual({ to: "verify", dueInMs: 0, outcome: { status: "absent" } });
  });

  it("leaves what shows late its time before the first look", () => {
    const operation = operationWith({ verifyAfterMs: 30_000 });
    expect(run({ status: "done", affected: 1 }, operation)).toMatchObject({ to: "verify", dueInMs: 30_000 });
    expect(run({ status: "absent" }, operation)).toMatchObject({ to: "verify", dueInMs: 0 });
  });

  it("ends as acknowledged where nothing can be read back, never as verified", () => {
    const operation = operationWith(acknowledgedOnly);
    expect(run({ status: "done", affected: 1 }, operation)).toMatchObject({
      to: "end",
      state: "acknowledged",
    });
    expect(run({ status: "absent" }, operation)).toMatchObject({ to: "end", state: "acknowledged" });
    expect(run({ status: "done", affected: 1, retained }, operation)).toMatchObject({
      to: "end",
      state: "retained",
      outcome: { retained },
    });
  });

  it("counts nothing there as done when a run before had lost its answer", () => {
    const claim = claimOf({}, { ranBefore: true });
    expect(run({ status: "absent" }, operationWith(), claim)).toMatchObject({ outcome: { status: "done" } });
  });

  it("takes nothing back of what an earlier run did", () => {
    const outcome = JSON.stringify({ status: "done", affected: 2, retained });
    const again = (answer: Outcome) => run(answer, operationWith(), claimOf({ outcome }));
    expect(again({ status: "absent" })).toMatchObject({ outcome: { status: "done", affected: 2, retained } });
    expect(again({ status: "done", affected: 1 })).toMatchObject({
      outcome: { status: "done", affected: 3, retained },
    });
    const absent = claimOf({ outcome: JSON.stringify({ status: "absent" }) });
    expect(run({ status: "absent" }, operationWith(), absent)).toMatchObject({
      outcome: { status: "absent" },
    });
  });

  it("asks again about work that goes on where nothing can be read back: nobody said done", () => {
    const pending = { status: "pending", reference: "job-1", checkAfterMs: 1_000 } as const;
    expect(run(pending, operationWith(acknowledgedOnly))).toEqual({
      to: "again",
      phase: "run",
      dueInMs: 1_000,
      because: "pending",
      counts: false,
      answered: true,
      found: { targets: [], reference: "job-1" },
    });
    expect(run(pending)).toMatchObject({ to: "verify", because: "pending", dueInMs: 1_000 });
    // Where asking again would do it again, a human looks.
    const unsafe = operationWith({ ...acknowledgedOnly, repeat: "verify-first" });
    expect(run(pending, unsafe)).toMatchObject({
      to: "end",
      state: "manual",
      because: "unknown-outcome",
    });
  });

  it("keeps count of what was carried out before something stood in the way, or while the vendor works", () => {
    const blocked = { status: "blocked", by: "in-use", checkAfterMs: 5000, affected: 1 } as const;
    const pending = { status: "pending", reference: "job-1", checkAfterMs: 1000, affected: 1 } as const;
    const partly = JSON.stringify({ status: "partly", affected: 1 });
    for (const answer of [blocked, pending] as const) {
      expect(run(answer)).toMatchObject({ outcome: { status: "partly", affected: 1 } });
      expect(run({ ...answer, retained }, operationWith(), claimOf({ outcome: partly }))).toMatchObject({
        outcome: { status: "partly", affected: 2, retained },
      });
      // What was said to be done stays said.
      const done = JSON.stringify({ status: "done", affected: 2 });
      expect(run(answer, operationWith(), claimOf({ outcome: done }))).toMatchObject({
        outcome: { status: "done", affected: 3 },
      });
      expect(run({ ...answer, affected: 0 })).not.toHaveProperty("outcome");
    }
    const after = (answer: Outcome) => run(answer, operationWith(), claimOf({ outcome: partly }));
    expect(after({ status: "done", affected: 1 })).toMatchObject({
      outcome: { status: "done", affected: 2 },
    });
    // The rest went by itself: what this step carried out did not.
    expect(after({ status: "absent" })).toMatchObject({ outcome: { status: "done", affected: 1 } });
  });

  it("keeps no records of an export and no reference in the outcome", () => {
    const exported = {
      status: "done",
      records: [{ category: "contact", data: "anna@example.org" }],
    } as const;
    expect(run(exported)).toEqual({ to: "verify", dueInMs: 0, outcome: { status: "done" } });
  });

  it("comes back with the reference of what is pending", () => {
    expect(run({ status: "pending", reference: "job-7", checkAfterMs: 60_000 })).toEqual({
      to: "verify",
      dueInMs: 60_000,
      because: "pending",
      found: { targets: [], reference: "job-7" },
    });
  });

  it("runs again when what stands in the way is gone, which is no failed try", () => {
    expect(run({ status: "blocked", by: "open-invoice", checkAfterMs: 5000 })).toEqual({
      to: "again",
      phase: "run",
      dueInMs: 5000,
      because: "open-invoice",
      counts: false,
      answered: true,
    });
  });

  it("says when what stands in the way ends, where that is known", () => {
    const blocked = { status: "blocked", by: "period-end", checkAfterMs: 5000 } as const;
    const until = "2026-09-01T00:00:00Z";
    expect(run({ ...blocked, until })).toMatchObject({ to: "again", until });
    expect(run(blocked)).not.toHaveProperty("until");
  });

  it("does not say that there was nothing to do where an answer was lost before", () => {
    const ranBefore = claimOf({}, { ranBefore: true });
    const done = (affected: number, claim = claimOf()) =>
      run({ status: "done", affected, retained }, operationWith(), claim);
    expect(done(0, ranBefore)).toEqual({
      to: "verify",
      dueInMs: 0,
      outcome: { status: "done", retained },
    });
    expect(done(2, ranBefore)).toMatchObject({ outcome: { affected: 2 } });
    expect(done(0)).toMatchObject({ outcome: { affected: 0 } });
  });

  it("takes what a human must do to a human", () => {
    expect(run({ status: "manual", instruction: "Press the button." })).toEqual({
      to: "end",
      state: "manual",
      because: "by-hand",
      instruction: "Press the button.",
    });
  });

  describe("without an answer", () => {
    it("looks first where that is possible", () => {
      for (const repeat of ["safe", "verify-first"] as const)
        expect(run(undefined, operationWith({ repeat }), claimOf({ tries: 2 }))).toMatchObject({
          to: "verify",
          dueInMs: backoffMs(2),
          because: "no-answer",
          counts: true,
        });
    });

    it("repeats where that is safe, and asks a human where it is not", () => {
      expect(run(undefined, operationWith(acknowledgedOnly))).toMatchObject({ to: "again", phase: "run" });
      const unsafe = operationWith({ ...acknowledgedOnly, repeat: "verify-first" });
      expect(run(undefined, unsafe)).toMatchObject({
        to: "end",
        state: "manual",
        because: "unknown-outcome",
      });
    });
  });

  it("refuses a failed outcome, which is trouble", () => {
    expect(() => run({ status: "failed", error: new Error("x") })).toThrow(TypeError);
  });
});

describe("afterVerify", () => {
  const done = JSON.stringify({ status: "done", affected: 1 });
  const verify = (
    finding: Finding | undefined,
    set: Partial<Row<"steps">> = {},
    more: { operation?: Partial<AnyOperation>; found?: FoundTarget[]; seen?: Resolution } = {},
  ) =>
    afterVerify(
      contextWith(),
      claimOf({ phase: "verify", outcome: done, ...set }, { found: more.found ?? [] }),
      operationWith(more.operation),
      finding,
      more.seen,
      now,
    );

  it("ends as verified when it reads as asked, with the outcome that was said", () => {
    expect(verify({ seen: "as-asked" })).toEqual({
      to: "end",
      state: "verified",
      finding: "as-asked",
      outcome: { status: "done", affected: 1 },
    });
  });

  it("ends as verified, too, when the answer of the run was lost", () => {
    expect(verify({ seen: "as-asked" }, { outcome: null })).toMatchObject({
      state: "verified",
      outcome: { status: "done" },
    });
  });

  describe("of something destroyed by a run that nothing was heard of", () => {
    const keep = retained;
    const unheard = (
      set: Partial<Row<"steps">> = {},
      more: Parameters<typeof claimOf>[1] & { operation?: Partial<AnyOperation> } = {},
    ) =>
      afterVerify(
        contextWith(),
        claimOf({ phase: "verify", ...set }, { ranBefore: true, keep, ...more }),
        operationWith(more.operation),
        { seen: "as-asked" },
        undefined,
        now,
      );
    const ended = { to: "end", state: "retained", outcome: { status: "done", retained } };

    it("asks once more, for what is kept", () => {
      expect(unheard()).toEqual({
        to: "again",
        phase: "run",
        dueInMs: 0,
        because: "answer-lost",
        counts: false,
        // The run that was lost stays unknown, so that "nothing there" is not taken for "never was".
        answered: false,
        finding: "as-asked",
      });
    });

    it("asks nobody twice, nor where repeating is not safe, nor when its time is over: what was to be kept is", () => {
      expect(unheard({ finding: "as-asked" })).toMatchObject(ended);
      expect(unheard({}, { operation: { repeat: "verify-first" } })).toMatchObject(ended);
      expect(unheard({ deadlineAt: now })).toMatchObject(ended);
      const partly = JSON.stringify({ status: "partly", affected: 2 });
      expect(unheard({ finding: "as-asked", outcome: partly })).toMatchObject({
        ...ended,
        outcome: { status: "done", affected: 2, retained },
      });
    });

    it("asks once more, too, for what turned up after an answer that was heard", () => {
      const heard = { finding: "not-as-asked", outcome: JSON.stringify({ status: "done", affected: 1 }) };
      expect(unheard(heard)).toMatchObject({ to: "again", phase: "run", because: "answer-lost" });
      const kept = [{ category: "mail-log", reason: "kept-by-processor" }];
      const outcome = JSON.stringify({ status: "absent", retained: kept });
      expect(unheard({ finding: "as-asked", outcome })).toMatchObject({
        state: "retained",
        outcome: { status: "done", retained: kept },
      });
      // Where nobody was found, an answer stands as it was.
      const nobody = { operation: { resolve: unused } };
      for (const status of ["done", "absent"])
        expect(unheard({ finding: "as-asked", outcome: JSON.stringify({ status }) }, nobody)).toMatchObject({
          state: "verified",
          outcome: { status },
        });
    });

    it("keeps nothing of somebody who was never found", () => {
      const operation = { resolve: unused };
      expect(unheard({ finding: "as-asked" }, { operation })).toMatchObject({
        state: "verified",
        outcome: { status: "absent" },
      });
      expect(unheard({ finding: "as-asked" }, { operation, found: [target("1")] })).toMatchObject(ended);
    });

    it("asks nobody who has answered, and where nothing is destroyed", () => {
      for (const status of ["done", "absent"])
        expect(unheard({ outcome: JSON.stringify({ status }) }, { ranBefore: false })).toMatchObject({
          state: "verified",
          outcome: { status },
        });
      // What a vendor keeps that works on it is said with that.
      expect(unheard({}, { reference: "job-1" })).toMatchObject({ to: "end", state: "verified" });
      expect(unheard({}, { ranBefore: false })).toMatchObject({ to: "end", state: "verified" });
      expect(unheard({ operation: "unsubscribe" })).toMatchObject({ to: "end", state: "verified" });
    });
  });

  it("takes what was carried out while the vendor worked into the end, and runs again where it is not all", () => {
    const outcome = JSON.stringify({ status: "partly", affected: 2, retained });
    expect(verify({ seen: "as-asked" }, { outcome, because: "pending" })).toMatchObject({
      state: "retained",
      outcome: { status: "done", affected: 2, retained },
    });
    expect(verify({ seen: "not-as-asked" }, { outcome, because: "pending" })).toMatchObject({
      to: "again",
      phase: "run",
      dueInMs: 0,
      because: "pending",
    });
  });

  it("ends as retained when something is kept", () => {
    const outcome = JSON.stringify({ status: "done", affected: 1, retained });
    expect(verify({ seen: "as-asked" }, { outcome })).toMatchObject({ state: "retained" });
  });

  it("looks twice at what was destroyed, one settling period apart", () => {
    const operation = { settlingMs: 10_000 };
    expect(verify({ seen: "as-asked" }, {}, { operation })).toEqual({
      to: "verify",
      dueInMs: 10_000,
      rounds: 1,
      finding: "as-asked",
    });
    expect(verify({ seen: "as-asked" }, { rounds: 1 }, { operation })).toMatchObject({ state: "verified" });
    expect(verify({ seen: "as-asked" }, { operation: "unsubscribe" }, { operation })).toMatchObject({
      state: "verified",
    });
  });

  it("says what the last look saw, and nothing that an earlier one did", () => {
    const before = { finding: "as-asked", rounds: 1 } as const;
    const one = target("1");
    expect(verify({ seen: "not-as-asked" }, before)).toMatchObject({ finding: "not-as-asked" });
    expect(verify({ seen: "unknown" }, before)).toMatchObject({ finding: "unknown" });
    expect(verify({ seen: "not-yet", checkAfterMs: 3000 }, before)).toMatchObject({ finding: "unknown" });
    expect(verify({ seen: "as-asked" }, before)).toMatchObject({ finding: "as-asked" });
    // It could not look for the one that nobody knew of.
    expect(verify({ seen: "as-asked" }, before, { seen: { targets: [one] } })).toMatchObject({
      finding: "not-as-asked",
    });
    expect(verify(undefined, before)).not.toHaveProperty("finding");
  });

  it("looks again when the vendor lags, which is no doubt", () => {
    expect(verify({ seen: "not-yet", checkAfterMs: 3000 })).toEqual({
      to: "again",
      phase: "verify",
      finding: "unknown",
      dueInMs: 3000,
      because: "not-yet",
      counts: false,
    });
  });

  it("waits until the settling time is over before it believes a contradiction", () => {
    const operation = { settlingMs: 10_000 };
    const ranAt = "2026-01-15T11:59:54.000Z";
    expect(verify({ seen: "not-as-asked" }, { ranAt }, { operation })).toMatchObject({
      to: "verify",
      dueInMs: 4000,
    });
    const before = "2026-01-15T11:59:50.000Z";
    expect(verify({ seen: "not-as-asked" }, { ranAt: before }, { operation })).toMatchObject({
      to: "again",
      phase: "run",
      because: "not-verified",
    });
  });

  it("looks anew for whom it is about before a choice is told again, and not where that was done just now", () => {
    const resolves = { resolve: unused };
    expect(
      verify({ seen: "not-as-asked" }, { operation: "unsubscribe" }, { operation: resolves }),
    ).toMatchObject({ to: "again", phase: "resolve", because: "not-verified" });
    expect(verify({ seen: "not-as-asked" }, {}, { operation: resolves })).toMatchObject({ phase: "run" });
  });

  it("runs again when a processor that said done is contradicted, and gives up after five times", () => {
    for (let doubts = 0; doubts < 4; doubts += 1)
      expect(verify({ seen: "not-as-asked" }, { doubts })).toMatchObject({
        to: "again",
        phase: "run",
        because: "not-verified",
        doubtful: true,
        dueInMs: backoffMs(doubts),
      });
    expect(verify({ seen: "not-as-asked" }, { doubts: 4 })).toEqual({
      to: "end",
      state: "failed",
      because: "not-verified",
      finding: "not-as-asked",
    });
  });

  it("simply runs when nothing was known of the run and nothing was done", () => {
    expect(
      verify({ seen: "not-as-asked" }, { outcome: null, because: "no-answer", doubts: 4 }),
    ).toMatchObject({
      to: "again",
      phase: "run",
      dueInMs: 0,
      because: "no-answer",
      answered: true,
    });
  });

  it("takes what cannot be told to a human after eight looks", () => {
    for (let doubts = 0; doubts < 7; doubts += 1)
      expect(verify({ seen: "unknown" }, { doubts })).toMatchObject({
        to: "again",
        phase: "verify",
        because: "cannot-tell",
        doubtful: true,
      });
    expect(verify({ seen: "unknown" }, { doubts: 7 })).toMatchObject({
      to: "end",
      state: "manual",
      because: "cannot-tell",
      finding: "unknown",
    });
  });

  it("never takes a missing answer for a good one", () => {
    expect(verify(undefined, { tries: 1 })).toEqual({
      to: "again",
      dueInMs: backoffMs(1),
      because: "no-answer",
      counts: true,
    });
  });

  describe("when resolving again finds more", () => {
    const found = [target("1")];

    it("extends the plan and runs again, whatever the read-back says", () => {
      for (const finding of [{ seen: "as-asked" }, { seen: "unknown" }, undefined] as const)
        expect(verify(finding, {}, { found, seen: { targets: [target("2")] } })).toMatchObject({
          to: "again",
          phase: "run",
          because: "more-found",
          found: { targets: [target("1"), target("2")] },
        });
    });

    it("goes slower each time, and to a human after five", () => {
      const more = (doubts: number) =>
        verify({ seen: "as-asked" }, { doubts }, { found, seen: { targets: [target("2")] } });
      expect(more(0)).toMatchObject({ to: "again", dueInMs: 0, doubtful: true });
      expect(more(3)).toMatchObject({ to: "again", dueInMs: backoffMs(3), doubtful: true });
      expect(more(4)).toMatchObject({ to: "end", state: "manual", because: "more-found" });
    });

    it("leaves what it knew already to the read-back", () => {
      expect(verify({ seen: "as-asked" }, {}, { found, seen: { targets: [target("1")] } })).toMatchObject({
        state: "verified",
      });
    });

    it("does not look at it where nothing is destroyed", () => {
      const seen = { targets: [target("2")] };
      expect(verify({ seen: "as-asked" }, { operation: "unsubscribe" }, { found, seen })).toMatchObject({
        state: "verified",
      });
    });

    it("takes it to a human when it is a guess, or one of several: it would be erased next", () => {
      for (const [targets, because] of [
        [[target("2", { verified: false })], "unverified-match"],
        [[target("2"), target("3")], "several-matches"],
      ] as const)
        expect(verify({ seen: "as-asked" }, {}, { found, seen: { targets } })).toMatchObject({
          to: "end",
          state: "manual",
          because,
        });
    });
  });
});

describe("afterTrouble", () => {
  const operations = {
    readable: operationWith(),
    blind: operationWith(acknowledgedOnly),
    blindAndUnsafe: operationWith({ ...acknowledgedOnly, repeat: "verify-first" }),
  };
  const trouble = (
    kind: Trouble,
    set: Partial<Row<"steps">> = {},
    batch = 1,
    operation: AnyOperation = operations.readable,
  ) => afterTrouble(claimOf(set), operation, kind, batch);

  it("waits as long as a vendor says, which is no failed try", () => {
    expect(trouble({ kind: "rate-limited", retryAfterMs: 7000, bucket: undefined })).toEqual({
      to: "again",
      dueInMs: 7000,
      because: "rate-limited",
      counts: false,
    });
  });

  it("waits for somebody to mend an account that is refused", () => {
    expect(trouble({ kind: "account-refused" })).toMatchObject({ to: "again", because: "account-refused" });
  });

  it("fails what is refused, but only when it was alone", () => {
    expect(trouble({ kind: "rejected" })).toEqual({ to: "end", state: "failed", because: "rejected" });
    expect(trouble({ kind: "rejected" }, {}, 2)).toMatchObject({ to: "again", alone: true, dueInMs: 0 });
  });

  it("knows no run any more after a definite refusal, unless one before it is unknown", () => {
    for (const kind of [
      { kind: "rejected" },
      { kind: "account-refused" },
      { kind: "rate-limited", retryAfterMs: 1, bucket: undefined },
    ] as const) {
      const refused = (ranBefore: boolean, isDefinite: boolean) =>
        afterTrouble(claimOf({}, { ranBefore }), operations.readable, kind, 1, isDefinite);
      expect(refused(false, true)).toMatchObject({ answered: true });
      expect(refused(true, true)).not.toHaveProperty("answered");
      expect(refused(false, false)).not.toHaveProperty("answered");
    }
  });

  it("gives a lost lease back at once", () => {
    expect(trouble({ kind: "lease-lost" })).toMatchObject({ to: "again", dueInMs: 0, counts: false });
  });

  it("asks a question that only reads again, alone when others were beside it", () => {
    for (const phase of ["resolve", "verify"]) {
      const down = { kind: "unavailable", because: "unavailable" } as const;
      const verdict = trouble(down, { phase, tries: 1 }, 1, operations.blindAndUnsafe);
      expect(verdict).toMatchObject({ to: "again", dueInMs: backoffMs(1), counts: true, alone: false });
      expect(trouble(down, { phase }, 5)).toMatchObject({ alone: true });
    }
  });

  it("asks a guard again, and reads nothing back: nothing was run", () => {
    const ask = (kind: Trouble) =>
      afterTrouble(claimOf({ tries: 2 }), operations.readable, kind, 1, false, "guard");
    expect(ask({ kind: "unavailable", because: "unavailable" })).toEqual({
      to: "again",
      dueInMs: backoffMs(2),
      because: "unavailable",
      counts: true,
      alone: false,
    });
    expect(ask({ kind: "stopped" })).toEqual({ to: "again", dueInMs: 0, because: null, counts: false });
  });

  it("looks first when it is not known whether a run went through", () => {
    const down = { kind: "unavailable", because: "adapter-failed" } as const;
    expect(trouble(down, { tries: 2 }, 5)).toEqual({
      to: "verify",
      dueInMs: backoffMs(2),
      because: "adapter-failed",
      counts: true,
      alone: true,
    });
    expect(trouble(down, {}, 1, operations.blind)).toMatchObject({ to: "again", phase: "run" });
    expect(trouble(down, {}, 1, operations.blindAndUnsafe)).toMatchObject({
      to: "end",
      state: "manual",
      because: "unknown-outcome",
    });
  });
});
