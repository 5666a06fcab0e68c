import type { batches } from "../../src/describe-processor/cases/batches.ts";
import { type BrokenFor, done, emailOf } from "./broken.ts";

export const batchesBroken: BrokenFor<typeof batches> = {
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
};
