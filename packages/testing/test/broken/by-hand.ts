import type { byHand } from "../../src/describe-processor/cases/by-hand.ts";
import { type BrokenFor, done, emailOf } from "./broken.ts";

export const byHandBroken: BrokenFor<typeof byHand> = {
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
