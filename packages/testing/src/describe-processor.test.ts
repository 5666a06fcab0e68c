import type { Operation, ProcessorV1 } from "@heed/core/contract";
import { each, RateLimitedError, RejectedError, UnavailableError } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { describeProcessor } from "./describe-processor.ts";
import { processorCases } from "./describe-processor/cases.ts";
import type { Setup, WorldFault } from "./describe-processor/world.ts";

type Erase = Operation<"erase", "email", "calls">;

/** The smallest vendor there is: a list of addresses, and an adapter to it that does everything right. */
function ledgerOfAddresses(): Setup & { readonly operation: Erase } {
  const held = new Map<string, string>();
  const seen = { total: 0, mutating: 0 };
  let fault: WorldFault | undefined;
  const about = { processor: "list", operation: "erase" } as const;

  async function call<T>(signal: AbortSignal, mutates: boolean, effect: () => T, pretended: T): Promise<T> {
    if (fault === "hang")
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new UnavailableError("aborted", about))),
      );
    seen.total += 1;
    if (mutates) seen.mutating += 1;
    if (fault === "unauthorized" || fault === "forbidden" || fault === "unknown-url")
      throw new RejectedError("no", { ...about, status: 401 });
    if (fault === "rate-limited") throw new RateLimitedError("slow", { ...about, retryAfterMs: 1 });
    if (fault === "ignores-writes" && mutates) return pretended;
    const answer =
      fault === undefined || fault === "cut-after" || fault === "ignores-writes" ? effect() : undefined;
    if (fault !== undefined && fault !== "ignores-writes") throw new UnavailableError("no answer", about);
    return answer as T;
  }
  const operation: Erase = {
    batchSize: 10,
    repeat: "safe",
    settlingMs: 0,
    run: each(async ({ identifiers: [{ value }] }, { turn, signal }) => {
      await turn("calls");
      if (!(await call(signal, false, () => held.has(value), false))) return { status: "absent" };
      await turn("calls");
      await call(signal, true, () => held.delete(value), true);
      return { status: "done", affected: 1 };
    }),
    verify: each(async ({ identifiers: [{ value }] }, { turn, signal }) => {
      await turn("calls");
      return {
        seen: (await call(signal, false, () => held.has(value), false)) ? "not-as-asked" : "as-asked",
      };
    }),
  };
  const processor: ProcessorV1<"email", never, "calls"> = {
    specificationVersion: "v1",
    name: "list",
    account: "list-1",
    identifiers: { email: /@/ },
    topics: {},
    limits: { calls: { calls: 100, perMs: 1000 } },
    operations: { erase: operation },
    check: async () => ({ account: "list-1", lacks: [], unknownTopics: [] }),
  };
  return {
    operation,
    processor,
    world: {
      add: (email) => void held.set(email, `record of ${email}`),
      holds: (_operation, email) => held.has(email),
      snapshot: (email) => held.get(email) ?? "",
      fault: (next) => void (fault = next),
      heal: () => void (fault = undefined),
      requests: () => seen,
    },
  };
}

describeProcessor({ name: "a list of addresses", operations: ["erase"], create: ledgerOfAddresses });

/** Adapters that are wrong in one way each, and the case that is there to catch it. */
const broken: readonly {
  readonly name: string;
  readonly caughtBy: string;
  readonly breaks: (right: ReturnType<typeof ledgerOfAddresses>) => Partial<Erase>;
}[] = [
  {
    name: "says done and does nothing",
    caughtBy: "does it in the world, and reads it back",
    breaks: () => ({ run: each(async () => ({ status: "done", affected: 1 })) }),
  },
  {
    name: "believes itself on reading back",
    caughtBy: "does not believe an answer that says done when the data stays",
    breaks: () => ({ verify: each(async () => ({ seen: "as-asked" })) }),
  },
  {
    name: "takes a neighbour along",
    caughtBy: "leaves every other subject untouched",
    breaks: ({ operation, world }) => ({
      run: async (calls, context) => {
        if ((await world.snapshot("bystander@example.org")) !== "") {
          await operation.run(
            [
              {
                ...calls[0],
                id: "other",
                identifiers: [{ kind: "email", value: "bystander@example.org" }],
              } as never,
            ],
            context,
          );
        }
        return operation.run(calls, context);
      },
    }),
  },
  {
    name: "erases while it is only asked to look",
    caughtBy: "changes nothing by only resolving and verifying",
    breaks: ({ operation }) => ({
      verify: async (calls, context) => {
        await operation.run(calls, context);
        return new Map(calls.map((call) => [call.id, { seen: "as-asked" as const }]));
      },
    }),
  },
  {
    name: "answers by position",
    caughtBy: "answers a batch by call id",
    breaks: ({ operation }) => ({
      run: async (calls, context) => {
        const answers = [...(await operation.run(calls, context)).values()];
        const ids = calls.map((call) => call.id).toReversed();
        return new Map(
          ids.map((id, index) => [id, answers[(index + 1) % answers.length] ?? { status: "absent" }]),
        );
      },
    }),
  },
  {
    name: "calls without a turn",
    caughtBy: "takes a turn for every request",
    breaks: ({ operation }) => ({
      run: (calls, context) => operation.run(calls, { ...context, turn: async () => {} }),
    }),
  },
  {
    name: "takes a refusal for absence",
    caughtBy: "takes an unknown URL for a missing capability, never for success",
    breaks: ({ operation }) => ({
      run: async (calls, context) =>
        operation
          .run(calls, context)
          .catch(() => new Map(calls.map((call) => [call.id, { status: "absent" as const }]))),
    }),
  },
  {
    name: "quotes the address in its error",
    caughtBy: "finds a failing vendor unavailable",
    breaks: ({ operation }) => ({
      run: async (calls, context) =>
        operation.run(calls, context).catch((cause: unknown) => {
          throw new UnavailableError("down", {
            processor: "list",
            operation: "erase",
            cause: new Error(`${String(cause)} for ${calls[0]?.identifiers[0].value}`),
          });
        }),
    }),
  },
  {
    name: "waits for ever",
    caughtBy: "stops waiting when it is aborted",
    breaks: ({ operation }) => ({
      run: (calls, context) => operation.run(calls, { ...context, signal: new AbortController().signal }),
    }),
  },
  {
    name: "says that nobody was there when somebody unknown is asked for as done",
    caughtBy: "makes no record of somebody unknown",
    breaks: ({ world }) => ({
      run: each(async ({ identifiers: [{ value }] }) => {
        await world.add(value);
        return { status: "done", affected: 0 };
      }),
    }),
  },
];

describe("the kit", () => {
  it.each(broken)("catches an adapter that $name", async ({ caughtBy, breaks }) => {
    const right = ledgerOfAddresses();
    const operation = { ...right.operation, ...breaks(right) };
    const setup: Setup = { ...right, processor: { ...right.processor, operations: { erase: operation } } };
    const judged = processorCases.find((each) => each.name === caughtBy);
    const outcome = await judged?.judge(setup, "erase").then(
      () => "passed",
      () => "caught",
    );
    expect(outcome).toBe("caught");
  });

  it("refuses a skip of a case that does not exist", () => {
    const cannot = [{ case: "no such case", reason: "-" }];
    expect(() => describeProcessor({ name: "x", operations: [], create: ledgerOfAddresses, cannot })).toThrow(
      TypeError,
    );
  });
});
