import type { lag } from "../../src/describe-processor/cases/lag.ts";
import type { Parts } from "../register/adapter.ts";
import type { BrokenFor } from "./broken.ts";

export const lagBroken: BrokenFor<typeof lag> = {
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
};
