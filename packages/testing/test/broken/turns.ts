import type { turns } from "../../src/describe-processor/cases/turns.ts";
import type { BrokenFor } from "./broken.ts";

export const turnsBroken: BrokenFor<typeof turns> = {
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
};
