import { type Call, type HeedError, type OperationName, RejectedError } from "@heed/core/contract";
import type { refusals } from "../../src/describe-processor/cases/refusals.ts";
import { operations } from "../register/adapter.ts";
import type { Slip } from "../register/scene.ts";
import { type BrokenFor, emailOf } from "./broken.ts";

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

export const refusalsBroken: BrokenFor<typeof refusals> = {
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
  "names the topics whose list the vendor does not know": [
    {
      that: "takes every list for one that there is",
      in: "unsubscribe",
      slip: ({ check }) => ({ check: async (context) => ({ ...(await check(context)), unknownTopics: [] }) }),
    },
    {
      that: "gives up on all topics where one is unknown",
      in: "subscribe",
      slip: ({ check, topics }) => ({
        async check(context) {
          const checked = await check(context);
          const unknownTopics = checked.unknownTopics.length > 0 ? Object.keys(topics) : [];
          return { ...checked, unknownTopics };
        },
      }),
    },
  ],
  "says before anything is done which permission is missing": [
    {
      that: "lacks nothing, as far as it knows",
      in: "erase",
      slip: ({ check }) => ({ check: async (context) => ({ ...(await check(context)), lacks: [] }) }),
    },
    {
      that: "lacks everything, whatever the key may do",
      in: "erase",
      slip: ({ check }) => ({
        async check(context) {
          const lacks = operations.map((operation) => ({ operation, needs: "people: write" }));
          return { ...(await check(context)), lacks };
        },
      }),
    },
    {
      that: "throws what the vendor refuses, and leaves it to be found out which operation that is",
      in: "erase",
      slip: ({ check, ask }) => ({
        async check(context) {
          await ask({ method: "GET", path: "/permissions" }, context, "check");
          return check(context);
        },
      }),
    },
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
