import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import type { Finding } from "@heed/core/contract";
import { isHeedError } from "@heed/core/contract";
import { expect } from "vitest";
import { callsFor, carryOut, countingContext, operationOf, readBack, resolve } from "./carry-out.ts";
import type { JudgedOperation, Setup, WorldFault } from "./world.ts";

/** One thing that every processor must do, for one of its operations. */
export interface ProcessorCase {
  readonly name: string;
  judge(setup: Setup, operation: JudgedOperation): Promise<void>;
}

const anna = "anna.canary@example.org";
const bystander = "bystander@example.org";
const awkward = [
  "o'brien+news@example.org",
  "a/b%c@example.org",
  "UPPER.Case@example.org",
  "jörg@bücher.example",
  "x=y&z#1@example.org",
];

const seen = (findings: ReadonlyMap<string, Finding>) =>
  [...findings.values()].map((finding) => finding.seen);

async function oneCall({ processor, world }: Setup, operation: JudgedOperation) {
  await world.add(anna);
  return callsFor(processor, operation, [anna]);
}

/** Nothing personal in an error, however it is printed. */
function expectNothingPersonal(error: unknown): void {
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("canary");
  expect(JSON.stringify(error) ?? "").not.toContain("canary");
}

/** Runs into the fault and says what came of it: a throw, or the outcome of the one call. */
async function meet(
  setup: Setup,
  operation: JudgedOperation,
  fault: WorldFault,
): Promise<{ thrown?: unknown; statuses: readonly (string | undefined)[] }> {
  const calls = await oneCall(setup, operation);
  const resolved = await resolve(operationOf(setup.processor, operation), calls, countingContext());
  setup.world.fault(fault);
  try {
    const outcomes = await operationOf(setup.processor, operation).run(resolved, countingContext());
    const failures = [...outcomes.values()].flatMap((outcome) =>
      outcome.status === "failed" ? [outcome.error] : [],
    );
    return {
      ...(failures[0] === undefined ? {} : { thrown: failures[0] }),
      statuses: resolved.map((call) => outcomes.get(call.id)?.status),
    };
  } catch (error) {
    return { thrown: error, statuses: [] };
  } finally {
    setup.world.heal();
  }
}

/** A refusal: an error of heed's, of this class, naming nobody, and never success. */
function refused(name: string, fault: WorldFault, errorName: string): ProcessorCase {
  return {
    name,
    async judge(setup, operation) {
      const { thrown, statuses } = await meet(setup, operation, fault);
      expect(statuses.filter((status) => status === "done" || status === "absent")).toEqual([]);
      expect(isHeedError(thrown) ? thrown.name : inspect(thrown)).toBe(errorName);
      expectNothingPersonal(thrown);
      expect(await setup.world.holds(operation, anna)).toBe(true);
    },
  };
}

/** The cases, in the order in which they are reported. */
export const processorCases: readonly ProcessorCase[] = [
  {
    name: "does it in the world, and reads it back",
    async judge(setup, operation) {
      const calls = await oneCall(setup, operation);
      expect(await setup.world.holds(operation, anna)).toBe(true);
      const { outcomes, findings } = await carryOut(setup.processor, operation, calls);
      expect([...outcomes.values()].map((outcome) => outcome.status)).toEqual(["done"]);
      expect(await setup.world.holds(operation, anna)).toBe(false);
      if (typeof operationOf(setup.processor, operation).verify === "function")
        expect(seen(findings)).toEqual(["as-asked"]);
    },
  },
  {
    name: "leaves every other subject untouched",
    async judge(setup, operation) {
      await setup.world.add(bystander);
      const before = await setup.world.snapshot(bystander);
      expect(before).not.toBe("");
      await carryOut(setup.processor, operation, await oneCall(setup, operation));
      expect(await setup.world.snapshot(bystander)).toBe(before);
    },
  },
  {
    name: "changes nothing by only resolving and verifying",
    async judge(setup, operation) {
      const calls = await oneCall(setup, operation);
      const before = setup.world.requests().mutating;
      const resolved = await resolve(operationOf(setup.processor, operation), calls, countingContext());
      await readBack(setup.processor, operation, resolved, countingContext());
      expect(setup.world.requests().mutating).toBe(before);
      expect(await setup.world.holds(operation, anna)).toBe(true);
    },
  },
  {
    name: "sees on reading back that it has not been done",
    async judge(setup, operation) {
      if (typeof operationOf(setup.processor, operation).verify !== "function") return;
      const calls = await resolve(
        operationOf(setup.processor, operation),
        await oneCall(setup, operation),
        countingContext(),
      );
      expect(seen(await readBack(setup.processor, operation, calls, countingContext()))).toEqual([
        "not-as-asked",
      ]);
    },
  },
  {
    name: "does not believe an answer that says done when the data stays",
    async judge(setup, operation) {
      if (typeof operationOf(setup.processor, operation).verify !== "function") return;
      const calls = await oneCall(setup, operation);
      setup.world.fault("ignores-writes");
      const { findings } = await carryOut(setup.processor, operation, calls);
      expect(await setup.world.holds(operation, anna)).toBe(true);
      expect(seen(findings)).not.toContain("as-asked");
    },
  },
  {
    name: "destroys nothing in a second run",
    async judge(setup, operation) {
      const calls = await oneCall(setup, operation);
      await carryOut(setup.processor, operation, calls);
      const before = await setup.world.snapshot(anna);
      const { outcomes, findings } = await carryOut(setup.processor, operation, calls);
      expect([...outcomes.values()].map((outcome) => outcome.status)).toSatisfy((all: string[]) =>
        all.every((status) => status === "done" || status === "absent"),
      );
      expect(await setup.world.snapshot(anna)).toBe(before);
      expect(seen(findings)).not.toContain("not-as-asked");
    },
  },
  {
    name: "makes no record of somebody unknown",
    async judge(setup, operation) {
      const before = await setup.world.snapshot("unknown@example.org");
      const calls = callsFor(setup.processor, operation, ["unknown@example.org"]);
      const { outcomes } = await carryOut(setup.processor, operation, calls);
      if (operation === "unsubscribe") return;
      expect([...outcomes.values()].map((outcome) => outcome.status)).toEqual(["absent"]);
      expect(await setup.world.snapshot("unknown@example.org")).toBe(before);
      expect(setup.world.requests().mutating).toBe(0);
    },
  },
  {
    name: "answers a batch by call id",
    async judge(setup, operation) {
      const { processor, world } = setup;
      const emails = ["b1@example.org", "b2@example.org", "b3@example.org"];
      await world.add("b1@example.org");
      await world.add("b3@example.org");
      const calls = callsFor(processor, operation, emails);
      const size = operationOf(processor, operation).batchSize;
      for (let at = 0; at < calls.length; at += size) {
        const part = calls.slice(at, at + size);
        const { outcomes } = await carryOut(processor, operation, part);
        expect([...outcomes.keys()].toSorted()).toEqual(part.map((call) => call.id).toSorted());
        for (const call of part) {
          const isKnown = call.identifiers[0].value !== "b2@example.org";
          if (operation !== "unsubscribe")
            expect([call.id, outcomes.get(call.id)?.status]).toEqual([call.id, isKnown ? "done" : "absent"]);
        }
      }
      for (const email of ["b1@example.org", "b3@example.org"])
        expect(await world.holds(operation, email)).toBe(false);
    },
  },
  {
    name: "finds addresses with awkward characters, and nobody else's",
    async judge(setup, operation) {
      for (const email of awkward) {
        await setup.world.add(email);
        await setup.world.add(bystander);
        const before = await setup.world.snapshot(bystander);
        await carryOut(setup.processor, operation, callsFor(setup.processor, operation, [email]));
        expect([email, await setup.world.holds(operation, email)]).toEqual([email, false]);
        expect(await setup.world.snapshot(bystander)).toBe(before);
      }
    },
  },
  {
    name: "takes a turn for every request",
    async judge(setup, operation) {
      const calls = await oneCall(setup, operation);
      const before = setup.world.requests().total;
      const context = countingContext();
      await carryOut(setup.processor, operation, calls, context);
      expect(setup.world.requests().total - before).toBeGreaterThan(0);
      expect(context.turns).toBeGreaterThanOrEqual(setup.world.requests().total - before);
    },
  },
  refused("is refused on 401", "unauthorized", "RejectedError"),
  refused("is refused on 403", "forbidden", "RejectedError"),
  refused("takes an unknown URL for a missing capability, never for success", "unknown-url", "RejectedError"),
  refused("is told to slow down by 429", "rate-limited", "RateLimitedError"),
  refused("finds a failing vendor unavailable", "unavailable", "UnavailableError"),
  refused("takes a garbled answer for no answer", "garbage", "UnavailableError"),
  refused("takes a cut connection for no answer", "cut-before", "UnavailableError"),
  {
    name: "has one effect when the answer was lost and it is asked again",
    async judge(setup, operation) {
      const { thrown } = await meet(setup, operation, "cut-after");
      expect(isHeedError(thrown) ? thrown.name : inspect(thrown)).toBe("UnavailableError");
      expectNothingPersonal(thrown);
      const { findings } = await carryOut(
        setup.processor,
        operation,
        callsFor(setup.processor, operation, [anna]),
      );
      expect(await setup.world.holds(operation, anna)).toBe(false);
      expect(seen(findings)).not.toContain("not-as-asked");
    },
  },
  {
    name: "stops waiting when it is aborted",
    async judge(setup, operation) {
      const calls = await oneCall(setup, operation);
      const resolved = await resolve(operationOf(setup.processor, operation), calls, countingContext());
      setup.world.fault("hang");
      const over = new AbortController();
      const running = operationOf(setup.processor, operation).run(resolved, countingContext(over.signal));
      const ended = running.then(
        () => "answered",
        (error: unknown) => {
          expectNothingPersonal(error);
          return "stopped";
        },
      );
      setTimeout(() => over.abort(new Error("over")), 50);
      expect(await Promise.race([ended, sleep(2_000, "waits on")])).toBe("stopped");
    },
  },
  {
    name: "proves which account it is",
    async judge({ processor, misconfigured }) {
      const { account } = await processor.check(countingContext());
      expect(account).toBe(processor.account);
      if (misconfigured === undefined) return;
      const other = await misconfigured.check(countingContext()).catch((error: unknown) => error);
      const isProven =
        typeof other === "object" &&
        other !== null &&
        "account" in other &&
        other.account === misconfigured.account;
      expect(isProven).toBe(false);
    },
  },
];
