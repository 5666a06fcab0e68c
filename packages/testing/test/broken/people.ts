import { RejectedError, UnavailableError } from "@heed/core/contract";
import type { people } from "../../src/describe-processor/cases/people.ts";
import type { BrokenFor } from "./broken.ts";

export const peopleBroken: BrokenFor<typeof people> = {
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
};
