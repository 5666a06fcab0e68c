import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedStep, stepRow } from "../../test/step-row.ts";
import type { Row } from "../contract/tables.ts";
import { stepsToRelease } from "./gates.ts";
import { isDestructive, ownStage } from "./lifecycle.ts";

type Step = Row<"steps">;

const preference = (set: Partial<Step> = {}) =>
  stepRow({ requestId: null, operation: "unsubscribe", stage: 0, ...set });
const own = (set: Partial<Step> = {}) =>
  stepRow({ processor: "heed", operation: "erase", stage: ownStage, seq: 10_000, ...set });
const released = (...steps: Step[]) => stepsToRelease(steps);

describe("steps of one subject at one processor", () => {
  it("go one after another, in ledger order", () => {
    const [first, second, third] = [preference(), preference(), preference()];
    expect(released(third, first, second)).toEqual([first.id]);
    expect(released({ ...first, state: "running" }, second, third)).toEqual([]);
    expect(released(second, third)).toEqual([second.id]);
  });

  it("do not wait for another processor", () => {
    const [crm, mail] = [preference(), preference({ processor: "mail" })];
    expect(released(crm, mail)).toEqual([crm.id, mail.id]);
  });

  it("wait for one that is tried again later", () => {
    const first = preference({ state: "due", because: "unavailable" });
    expect(released(first, preference())).toEqual([]);
  });

  it("wait, when tried again, for a later one that is in hand", () => {
    const [first, second] = [preference(), preference()];
    for (const state of ["due", "running"]) expect(released(first, { ...second, state })).toEqual([]);
    expect(released(first, { ...second, state: "waiting" })).toEqual([first.id]);
  });

  it("pass one that a legal hold stops, and are waited for by it when it comes back", () => {
    const held = stepRow({ state: "due", because: "legal-hold" });
    const optOut = preference();
    expect(released(held, optOut)).toEqual([optOut.id]);
    expect(released({ ...held, state: "waiting" }, { ...optOut, state: "due" })).toEqual([]);
    expect(released({ ...held, because: "unavailable" }, optOut)).toEqual([]);
  });

  it("go on when the one before has ended, however it did", () => {
    const next = preference();
    for (const state of ["verified", "failed", "manual", "superseded", "cancelled"])
      expect(released(endedStep(state, { requestId: null }), next)).toEqual([next.id]);
  });
});

describe("steps of a request", () => {
  it("wait for none that a legal hold stops, but heed's own data does", () => {
    const held = stepRow({ processor: "mail", stage: 1, state: "due", because: "legal-hold" });
    const crm = stepRow();
    expect(released(held, crm, own())).toEqual([crm.id]);
    expect(released(held, own())).toEqual([]);
  });

  it("may all resolve at once", () => {
    const crm = stepRow({ phase: "resolve" });
    const mail = stepRow({ phase: "resolve", processor: "mail" });
    expect(released(crm, mail, own())).toEqual([crm.id, mail.id]);
  });

  it("destroy nothing before every other is resolved", () => {
    const resolved = stepRow({ phase: "run" });
    const resolving = stepRow({ phase: "resolve", processor: "mail", state: "running" });
    expect(released(resolved, resolving)).toEqual([]);
    expect(released(resolved, { ...resolving, phase: "run" })).toEqual([resolved.id]);
  });

  it("go on at a processor that has a second one to resolve behind them", () => {
    const tokens = stepRow({ operation: "forgetTokens", stage: 1, phase: "run" });
    const contact = stepRow({ operation: "erase", stage: 2, phase: "resolve" });
    expect(released(tokens, contact)).toEqual([tokens.id]);
  });

  it("stop use without waiting until others are resolved", () => {
    const stop = stepRow({ operation: "unsubscribe", stage: 0, phase: "run" });
    const resolving = stepRow({ phase: "resolve", processor: "mail", state: "running" });
    expect(released(stop, resolving)).toEqual([stop.id]);
  });

  it("keep the order of stages", () => {
    const tokens = stepRow({ operation: "forgetTokens", stage: 1, processor: "payments", state: "due" });
    const contact = stepRow({ stage: 2 });
    const rows = stepRow({ stage: 3, processor: "app" });
    expect(released(tokens, contact, rows)).toEqual([]);
    const ended = { ...tokens, state: "verified", endedAt: "2026-01-15T13:00:00.000Z" };
    expect(released(ended, contact, rows)).toEqual([contact.id]);
  });

  it("are held up by nobody who met an obstacle", () => {
    const down = stepRow({
      stage: 0,
      processor: "mail",
      state: "due",
      phase: "resolve",
      because: "unavailable",
    });
    const behindIt = stepRow({ stage: 1, processor: "mail", phase: "resolve" });
    const contact = stepRow({ stage: 2 });
    expect(released(down, behindIt, contact)).toEqual([contact.id]);
  });

  it("are not held up by another request's", () => {
    const other = stepRow({ requestId: "r2", processor: "mail", phase: "resolve", state: "running" });
    const contact = stepRow();
    expect(released(other, contact)).toEqual([contact.id]);
  });
});

describe("heed's own data", () => {
  it("goes last", () => {
    const last = own();
    expect(released(endedStep("verified"), endedStep("retained"), last)).toEqual([last.id]);
    expect(released(stepRow({ state: "due", because: "unavailable" }), last)).toEqual([]);
    expect(released(stepRow({ state: "running" }), last)).toEqual([]);
  });

  it("waits for a preference or another request that is still open", () => {
    expect(released(endedStep("verified"), preference({ state: "running" }), own())).toEqual([]);
    expect(released(endedStep("verified"), stepRow({ requestId: "r2", state: "due" }), own())).toEqual([]);
  });

  it("stays while a step failed or is left to a human", () => {
    for (const state of ["failed", "manual"])
      expect(released(endedStep(state), endedStep("verified"), own())).toEqual([]);
  });
});

describe("heed's own data beside another request", () => {
  it("stays while a step of it failed or is left to a human", () => {
    for (const state of ["failed", "manual"]) {
      expect(released(endedStep(state, { requestId: "r2" }), endedStep("verified"), own())).toEqual([]);
      // A preference that failed is nobody's request.
      const last = own();
      expect(released(endedStep(state, { requestId: null }), last)).toEqual([last.id]);
    }
  });
});

describe("any plan", () => {
  const anyPlanned = fc.record({
    processor: fc.constantFrom("crm", "mail", "payments", "app"),
    operation: fc.constantFrom("unsubscribe" as const, "forgetTokens" as const, "erase" as const),
    resolves: fc.boolean(),
    request: fc.constantFrom("r1", "r1", "r1", "r2", null),
  });
  const stageOf = { unsubscribe: 0, forgetTokens: 1, erase: 2 } as const;
  const ends = ["verified", "verified", "acknowledged", "failed", "manual"] as const;

  /** What becomes of a step that is tried: `draw` decides. */
  function tried(step: Step, draw: number): Step {
    if (draw % 4 === 0) return { ...step, because: "unavailable" };
    if (step.phase === "resolve") return { ...step, phase: "run", state: "waiting", because: null };
    if (step.phase === "run") return { ...step, phase: "verify", because: null };
    return { ...step, state: ends[draw % ends.length] ?? "verified", endedAt: "2026-01-15T13:00:00.000Z" };
  }

  it("comes to its end, one step at a processor at a time, in its order, whatever fails on the way", () => {
    fc.assert(
      fc.property(
        fc.array(anyPlanned, { maxLength: 8 }),
        fc.infiniteStream(fc.nat({ max: 1000 })),
        (planned, draws) => {
          const draw = () => draws.next().value as number;
          // As plans are made: one request after another, and the stages of a processor in their order.
          const inOrder = ["r1", "r2", null].flatMap((request) =>
            planned
              .filter((each) => each.request === request)
              .toSorted((a, b) => stageOf[a.operation] - stageOf[b.operation]),
          );
          let steps: readonly Step[] = inOrder.map(({ processor, operation, resolves, request }) =>
            stepRow({
              processor,
              operation,
              requestId: request,
              stage: stageOf[operation],
              phase: resolves ? "resolve" : "run",
            }),
          );
          const last = own({ seq: Number.MAX_SAFE_INTEGER });
          steps = [...steps, last];
          for (let round = 0; round < 2000; round += 1) {
            const ids = new Set(stepsToRelease(steps));
            for (const step of steps.filter(({ id }) => ids.has(id)))
              expect(passedOver(step, steps)).toEqual([]);
            steps = steps.map((step) => (ids.has(step.id) ? { ...step, state: "due" } : step));
            const due = steps.filter((step) => step.state === "due");
            const processors = due.map((step) => step.processor);
            expect(new Set(processors).size).toBe(processors.length);
            const chosen = due[draw() % Math.max(1, due.length)];
            if (chosen === undefined) break;
            const after = tried(chosen, draw());
            steps = steps.map((step) => (step.id === chosen.id ? after : step));
          }
          const open = steps.filter((step) => step.endedAt === null);
          const needsHuman = steps.some(
            (step) => step.requestId !== null && (step.state === "failed" || step.state === "manual"),
          );
          const isOwnLeft = open.length === 1 && open[0]?.id === last.id && needsHuman;
          expect(open.length === 0 || isOwnLeft).toBe(true);
        },
      ),
    );
  });

  const isFirst = (step: Step, steps: readonly Step[]) =>
    !steps.some(
      (other) => other.processor === step.processor && other.seq < step.seq && other.endedAt === null,
    );

  /** Who should have gone before this step. */
  function passedOver(step: Step, steps: readonly Step[]): readonly Step[] {
    const others = steps.filter((other) => other.id !== step.id && other.endedAt === null);
    if (step.stage === ownStage) return others;
    if (step.requestId === null || step.phase === "resolve") return [];
    const isHindered = (other: Step) =>
      steps.some(
        (each) =>
          each.processor === other.processor &&
          each.seq <= other.seq &&
          each.endedAt === null &&
          each.because !== null,
      );
    return others.filter((other) => {
      if (other.requestId !== step.requestId || other.stage === ownStage || isHindered(other)) return false;
      const mustResolve = isDestructive(step.operation) && other.phase === "resolve" && isFirst(other, steps);
      return other.stage < step.stage || mustResolve;
    });
  }
});
