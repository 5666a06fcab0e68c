import {
  type Answers,
  type Call,
  type HeedError,
  type OperationName,
  type Outcome,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import type { Parts } from "../test/register/adapter.ts";
import { registerCannot, registerScene, type Slip } from "../test/register/scene.ts";
import { describeProcessor, judge } from "./describe-processor.ts";
import { type CaseName, processorCases } from "./describe-processor/cases.ts";
import type { ProcessorCase } from "./describe-processor/processor-case.ts";

describeProcessor({ name: "a register of people", create: registerScene, cannot: registerCannot });

interface Broken {
  /** What is wrong with it. */
  readonly that: string;
  /** An operation that it shows in. */
  readonly in: OperationName;
  readonly slip: Slip;
}

const done = { status: "done", affected: 1 } as const;
const bystander = "bystander@example.org";

/** Takes this of the vendor's answers for "the person is gone", whatever else it may mean. */
const takesForGone =
  (status: number, wrong?: (code: unknown) => boolean): Slip =>
  ({ failure }) => ({
    failure(response, code, operation) {
      const error = failure(response, code, operation);
      return response.status === status && (wrong?.(code) ?? true)
        ? new RejectedError("gone", { processor: "register", operation, status, code: "missing" })
        : error;
    },
  });

const throwsInstead =
  (status: number, make: (operation: OperationName | "check") => HeedError): Slip =>
  ({ failure }) => ({
    failure: (response, code, operation) =>
      response.status === status ? (make(operation) as never) : failure(response, code, operation),
  });

const emailOf = (call: Pick<Call, "identifiers">) => call.identifiers[0].value;

/** Adapters that are wrong in one way each, under the case that is there to catch them. */
const broken: Readonly<Record<CaseName, readonly [Broken, ...Broken[]]>> = {
  "does it in the world, and reads it back": [
    { that: "says done and does nothing", in: "erase", slip: () => ({ run: async () => done }) },
    {
      that: "reads nothing back",
      in: "rectify",
      slip: () => ({ verifyAll: async () => new Map() }),
    },
  ],
  "tells all that the vendor holds": [
    { that: "forgets the cards in an export", in: "export", slip: () => ({ cards: async () => [] }) },
  ],
  "tells nothing of anybody else": [
    {
      that: "exports everybody",
      in: "export",
      slip: ({ resolve }, vendor) => ({
        async resolve(calls, context) {
          const found = await resolve(calls, context);
          const via = calls[0]?.identifiers[0] ?? { kind: "email", value: "" };
          const everybody = [...vendor.people.keys()].map((id) => ({
            kind: "person",
            id,
            via,
            verified: true,
          }));
          return new Map([...found.keys()].map((id) => [id, { targets: everybody }]));
        },
      }),
    },
  ],
  "leaves every other subject untouched": [
    {
      that: "takes a neighbour along",
      in: "erase",
      slip: ({ run }, vendor) => ({
        async run(call, context) {
          const others = vendor.ofEmail(bystander).map(({ id }) => ({ kind: "person", id }));
          return run({ ...call, targets: [...call.targets, ...others] }, context);
        },
      }),
    },
  ],
  "changes nothing by only looking": [
    {
      that: "erases while it is only asked to look",
      in: "erase",
      slip: ({ run, verify }) => ({
        async verify(call, context) {
          await run(call, context);
          return verify(call, context);
        },
      }),
    },
  ],
  "sees on reading back that it has not been done": [
    {
      that: "finds everything as asked",
      in: "exclude",
      slip: () => ({ verify: async () => ({ seen: "as-asked" }) }),
    },
  ],
  "does not believe an answer that says done when nothing was done": [
    {
      that: "believes itself on reading back",
      in: "unsubscribe",
      slip({ run, verify }) {
        const believed = new Set<string>();
        return {
          async run(call, context) {
            const outcome = await run(call, context);
            if (outcome.status === "done") believed.add(call.id);
            return outcome;
          },
          verify: async (call, context) =>
            believed.has(call.id) ? { seen: "as-asked" } : verify(call, context),
        };
      },
    },
  ],
  "changes nothing in a second run": [
    {
      that: "writes without looking, and the vendor notes each write",
      in: "unsubscribe",
      slip: ({ writesFor }) => ({
        writesFor: (call, person, context) =>
          writesFor(call, { ...person, lists: { news: true, offers: true } }, context),
      }),
    },
  ],
  "sends no write in a second run": [
    {
      that: "writes what is written already",
      in: "exclude",
      slip: ({ writesFor }) => ({
        writesFor: (call, person, context) => writesFor(call, { ...person, excluded: false }, context),
      }),
    },
  ],
  "finds nobody where nobody is, and leaves nothing of them": [
    {
      that: "says done of somebody unknown",
      in: "erase",
      slip: ({ run }) => ({
        run: async (call, context) => (call.targets.length === 0 ? done : run(call, context)),
      }),
    },
    {
      that: "makes a record of somebody unknown",
      in: "unsubscribe",
      slip: ({ run, ask }) => ({
        async run(call, context) {
          const body = { email: emailOf(call) };
          if (call.targets.length === 0)
            await ask({ method: "POST", path: "/people", body }, context, "unsubscribe");
          return run(call, context);
        },
      }),
    },
  ],
  "finds identifiers with awkward characters, and nobody else's": [
    {
      that: "folds what follows a plus away",
      in: "erase",
      slip: ({ ask }) => ({
        ask: (request, context, operation) =>
          ask(
            {
              ...request,
              ...(request.path === "/lookup"
                ? { body: JSON.parse(JSON.stringify(request.body).replaceAll(/\+[^@]*/g, "")) as object }
                : {}),
            },
            context,
            operation,
          ),
      }),
    },
  ],
  "works through every page of a set, also while it shrinks": [
    {
      that: "reads the first page alone",
      in: "forgetTokens",
      slip: ({ ask }) => ({
        async cards(path, context, operation) {
          const page = (await ask({ method: "GET", path }, context, operation)) as {
            data?: { id: string }[];
          };
          if (!Array.isArray(page.data))
            throw new UnavailableError("-", { processor: "register", operation });
          return page.data.map(({ id }) => id).slice(0, path.startsWith("/cards") ? 0 : 2);
        },
      }),
    },
    {
      that: "gives up for good when the list changes while it is read",
      in: "forgetTokens",
      slip: ({ failure }) => ({
        failure: (response, code, operation) =>
          code === "no-such-cursor"
            ? new RejectedError("no", { processor: "register", operation, status: 400 })
            : failure(response, code, operation),
      }),
    },
  ],
  "acts on every one of several matches, or leaves them all to a human": [
    {
      that: "takes the first match alone",
      in: "forgetTokens",
      slip: ({ resolve }) => ({
        async resolve(calls, context) {
          const found = await resolve(calls, context);
          return new Map([...found].map(([id, { targets }]) => [id, { targets: targets.slice(0, 1) }]));
        },
      }),
    },
    {
      that: "picks one of two records to erase",
      in: "erase",
      slip: ({ resolve }) => ({
        async resolve(calls, context) {
          const found = await resolve(calls, context);
          return new Map([...found].map(([id, { targets }]) => [id, { targets: targets.slice(-1) }]));
        },
      }),
    },
  ],
  "touches nobody whom the vendor's search merely also finds": [
    {
      that: "takes whatever the search finds",
      in: "forgetTokens",
      slip: (_, vendor) => ({
        resolve: async (calls) =>
          new Map(
            calls.map((call) => {
              const [via] = call.identifiers;
              const found = [...vendor.people.values()].filter(
                ({ email, formerEmail }) => email === via.value || formerEmail === via.value,
              );
              return [
                call.id,
                { targets: found.map(({ id }) => ({ kind: "person", id, via, verified: true })) },
              ];
            }),
          ),
      }),
    },
  ],
  "answers a batch by call id": [
    {
      that: "answers by position",
      in: "erase",
      slip: ({ runAll }) => ({
        async runAll(calls, context) {
          const outcomes = [...(await runAll(calls, context)).values()];
          const turned = [...outcomes.slice(1), ...outcomes.slice(0, 1)];
          return new Map(calls.map(({ id }, index) => [id, turned[index] ?? done]));
        },
      }),
    },
  ],
  "gives each call of a batch its own outcome when one is refused": [
    {
      that: "fails all when one failed",
      in: "erase",
      slip: ({ runAll }) => ({
        async runAll(calls, context) {
          const outcomes = await runAll(calls, context);
          const failed = [...outcomes.values()].find(({ status }) => status === "failed");
          return failed === undefined ? outcomes : new Map(calls.map(({ id }) => [id, failed]));
        },
      }),
    },
    {
      that: "says done of all when one was done",
      in: "erase",
      slip: ({ runAll }) => ({
        async runAll(calls, context) {
          const outcomes = await runAll(calls, context);
          return new Map(calls.map(({ id }) => [id, [...outcomes.values()][0] ?? done]));
        },
      }),
    },
  ],
  "reads answers by what they are about, in whatever order they come": [
    {
      that: "reads a batch's answer by position",
      in: "erase",
      slip: ({ ask, resolve }) => ({
        async resolve(calls, context) {
          if (calls.length === 1) return resolve(calls, context);
          const emails = calls.map(emailOf);
          const request = { method: "POST", path: "/lookup", body: { emails } };
          const { results } = (await ask(request, context, "erase")) as { results: { id: string }[] };
          return new Map(
            calls.map((call, index) => {
              const { id = "" } = results[index] ?? {};
              return [
                call.id,
                { targets: [{ kind: "person", id, via: call.identifiers[0], verified: true }] },
              ];
            }),
          );
        },
      }),
    },
  ],
  "takes what a partial answer leaves out for unknown": [
    {
      that: "takes whoever is left out for absent",
      in: "erase",
      slip: ({ resolve }) => ({
        async resolve(calls, context) {
          const found = await resolve(calls, context);
          return new Map(calls.map(({ id }) => [id, found.get(id) ?? { targets: [] }]));
        },
      }),
    },
  ],
  "reports what it retains, with reason and date": [
    {
      that: "keeps silent about what is kept",
      in: "erase",
      slip: ({ run }) => ({
        async run(call, context) {
          const outcome = await run(call, context);
          return outcome.status === "done" ? done : outcome;
        },
      }),
    },
    {
      that: "leaves out until when",
      in: "forgetTokens",
      slip: ({ run }) => ({
        async run(call, context) {
          const outcome = await run(call, context);
          const retained = [{ category: "invoices", reason: "legal-obligation" }];
          return outcome.status === "done" ? { ...done, retained } : outcome;
        },
      }),
    },
  ],
  "changes one list, and none of the others": [
    {
      that: "takes one list for all",
      in: "unsubscribe",
      slip: ({ run }) => ({
        run: (call, context) => run({ ...call, input: { topics: "all" } }, context),
      }),
    },
  ],
  "ends all lists, those that no topic is bound to included": [
    {
      that: "takes all lists for those that it knows",
      in: "unsubscribe",
      slip: ({ run, verify }) => {
        const known = (call: Parameters<Parts["run"]>[0]) => ({
          ...call,
          input: { topics: ["news", "offers"] },
        });
        return {
          run: (call, context) => run(known(call), context),
          verify: (call, context) => verify(known(call), context),
        };
      },
    },
  ],
  "takes a turn before every request, and none besides": [
    {
      that: "calls without a turn",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) => send(request, { ...context, turn: async () => {} }),
      }),
    },
    {
      that: "takes its turn after the call",
      in: "erase",
      slip: ({ send }) => ({
        async send(request, context) {
          const response = await send(request, { ...context, turn: async () => {} });
          await context.turn("calls");
          return response;
        },
      }),
    },
    {
      that: "takes two turns for one call",
      in: "erase",
      slip: ({ send }) => ({
        async send(request, context) {
          await context.turn("calls");
          return send(request, context);
        },
      }),
    },
  ],
  "makes no request where the turn is refused": [
    {
      that: "calls although the turn was refused",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, { ...context, turn: (...buckets) => context.turn(...buckets).catch(() => {}) }),
      }),
    },
  ],
  "is refused on 401": [{ that: "takes 401 for gone", in: "erase", slip: takesForGone(401) }],
  "is refused on 403": [
    { that: "takes 403 for gone", in: "erase", slip: takesForGone(403) },
    {
      that: "goes ahead when its guard could not ask",
      in: "forgetTokens",
      slip: ({ guard }) => ({
        guard: (call, context) => guard(call, context).catch(() => ({ clear: true as const })),
      }),
    },
  ],
  "takes a missing scope for a refusal, never for success": [
    {
      that: "takes a missing scope for gone",
      in: "exclude",
      slip: takesForGone(403, (code) => code === "no-such-scope"),
    },
  ],
  "takes an unknown URL for a missing capability, never for success": [
    { that: "takes every 404 for gone", in: "erase", slip: takesForGone(404) },
  ],
  "slows down on 429, for as long as Retry-After says": [
    {
      that: "does not read Retry-After",
      in: "erase",
      slip: ({ failure }) => ({
        failure: (response, code, operation) =>
          failure(new Response(null, { status: response.status }), code, operation),
      }),
    },
  ],
  "slows down on 429 without Retry-After": [
    {
      that: "waits for no number of milliseconds",
      in: "erase",
      slip: ({ failure }) => ({
        failure(response, code, operation) {
          const error = failure(response, code, operation);
          const ms = Number(response.headers.get("retry-after") ?? "soon");
          return Object.assign(error, response.status === 429 ? { retryAfterMs: ms } : {});
        },
      }),
    },
  ],
  "finds a failing vendor unavailable": [
    {
      that: "gives up on a failing vendor",
      in: "erase",
      slip: throwsInstead(503, (operation) => new RejectedError("no", { processor: "register", operation })),
    },
  ],
  "takes a cut connection for no answer": [
    {
      that: "believes that what it meant to do was done",
      in: "erase",
      slip({ run, verify }) {
        const meant = new Set<string>();
        return {
          run(call, context) {
            meant.add(call.id);
            return run(call, context);
          },
          verify: async (call, context) =>
            meant.has(call.id) ? { seen: "as-asked" } : verify(call, context),
        };
      },
    },
    {
      that: "throws what its client throws",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, context).catch(() => {
            throw new Error("socket hang up");
          }),
      }),
    },
  ],
  "takes a garbled answer for no answer": [
    {
      that: "throws what its parser throws",
      in: "erase",
      slip: () => ({ read: (_, text) => (text === "" ? undefined : (JSON.parse(text) as unknown)) }),
    },
  ],
  "believes no malformed answer": [
    {
      that: "takes an answer that it cannot read for an empty one",
      in: "forgetTokens",
      slip: ({ ask }) => ({
        resolve: async (calls, context) =>
          rightOrEmpty(calls, async () => {
            const emails = calls.map(emailOf);
            const request = { method: "POST", path: "/lookup", body: { emails } };
            return (await ask(request, context, "forgetTokens")) as { results?: { id: string }[] } | null;
          }),
        async cards(path, context, operation) {
          const page = (await ask({ method: "GET", path }, context, operation).catch(() => ({}))) as {
            data?: { id: string }[];
          } | null;
          return Array.isArray(page?.data) ? page.data.map(({ id }) => id) : [];
        },
      }),
    },
  ],
  "proves which account it is": [
    {
      that: "says the account that it was told",
      in: "erase",
      slip: ({ account, check }) => ({
        check: async (context) => ({
          ...(await check(context)),
          account: account === "register-1" ? account : "register-2",
        }),
      }),
    },
  ],
  "says before anything is done which permission is missing": [
    {
      that: "lacks nothing, as far as it knows",
      in: "erase",
      slip: ({ check }) => ({ check: async (context) => ({ ...(await check(context)), lacks: [] }) }),
    },
  ],
  "has one effect when an answer was lost and it is asked again": [
    {
      that: "writes again what was written before the answer was lost",
      in: "unsubscribe",
      slip: ({ writesFor }) => ({
        writesFor: (call, person, context) =>
          writesFor(call, { ...person, lists: { news: true, offers: true } }, context),
      }),
    },
    {
      that: "sends a lost call again at once",
      in: "subscribe",
      slip: ({ ask }) => ({
        ask: (request, context, operation) =>
          ask(request, context, operation).catch((error: unknown) => {
            if ((error as Error).name !== "UnavailableError") throw error;
            return ask(request, context, operation);
          }),
      }),
    },
  ],
  "stops waiting when it is aborted": [
    {
      that: "waits for ever",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, { ...context, signal: new AbortController().signal, turn: context.turn }),
      }),
    },
  ],
  "asks nobody when it was aborted before": [
    {
      that: "calls although nobody waits",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, {
            ...context,
            signal: context.signal.aborted ? new AbortController().signal : context.signal,
            turn: (...buckets) => context.turn(...buckets).catch(() => {}),
          }),
      }),
    },
  ],
  "knows nothing of a write that it no longer waits for, until it reads back": [
    {
      that: "says done of what it no longer waits for",
      in: "erase",
      slip: ({ runAll }) => ({
        runAll: (calls, context) =>
          runAll(calls, context).catch((error: unknown): Answers<Outcome> => {
            if (!context.signal.aborted) throw error;
            return new Map(calls.map(({ id }) => [id, done]));
          }),
      }),
    },
  ],
  "says not yet while the vendor's reads lag, and as asked when they have caught up": [
    {
      that: "remembers what it saw first",
      in: "erase",
      slip({ verify }) {
        const seen = new Map<string, Awaited<ReturnType<Parts["verify"]>>>();
        return {
          async verify(call, context) {
            const known = seen.get(call.id) ?? (await verify(call, context));
            seen.set(call.id, known);
            return known;
          },
        };
      },
    },
  ],
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes": [
    {
      that: "logs the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          console.info(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "warns of the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          process.emitWarning(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "quotes the vendor in the cause of its error",
      in: "erase",
      slip: ({ send, failure }) => {
        let said = "";
        return {
          async send(request, context) {
            const response = await send(request, context);
            said = await response.clone().text();
            return response;
          },
          failure: (response, code, operation) =>
            Object.assign(failure(response, code, operation), { cause: new Error(said) }),
        };
      },
    },
  ],
  "leaves nobody's name in evidence, traces, metrics or rows of heed's own": [
    {
      that: "throws the address at the engine",
      in: "unsubscribe",
      slip: () => ({
        async run(call) {
          throw new TypeError(`Cannot unsubscribe ${emailOf(call)}.`);
        },
      }),
    },
  ],
  "leaves it to a human, with an instruction that names nobody": [
    {
      that: "names the person in its instruction",
      in: "restrict",
      slip: () => ({
        run: async (call) => ({
          status: "manual",
          instruction: `Restrict ${emailOf(call)} by hand, please.`,
        }),
      }),
    },
    { that: "does it by itself all the same", in: "restrict", slip: () => ({ run: async () => done }) },
  ],
};

async function rightOrEmpty(
  calls: readonly Call<OperationName, "email">[],
  ask: () => Promise<{ results?: { id: string }[] } | null>,
) {
  const answer = await ask().catch(() => null);
  const results = Array.isArray(answer?.results) ? answer.results : [];
  return new Map(
    calls.map((call) => {
      const via = call.identifiers[0];
      return [call.id, { targets: results.map(({ id }) => ({ kind: "person", id, via, verified: true })) }];
    }),
  );
}

const all = Object.entries(broken).flatMap(([caughtBy, adapters]) =>
  adapters.map((adapter) => ({ caughtBy: caughtBy as CaseName, ...adapter })),
);

describe("the kit", () => {
  it.each(all)("$caughtBy: catches an adapter that $that", async ({ caughtBy, in: operation, slip }) => {
    const each: ProcessorCase = processorCases[caughtBy];
    const skip = (because: string): never => {
      throw new TypeError(`Skipped: ${because}`);
    };
    const judged = (slip?: Slip) =>
      judge({ create: (between) => registerScene(between, slip) }, each, operation, skip);
    // The same case of the same operation passes where nothing is wrong.
    await judged();
    const caught = await judged(slip).then(
      () => "passed",
      (error: unknown) => (error as Error).name,
    );
    expect(caught).toBe("AssertionError");
  });

  it("has a broken adapter for each case", () => {
    expect(Object.keys(broken).toSorted()).toEqual(Object.keys(processorCases).toSorted());
  });
});
