import type { keeping } from "../../src/describe-processor/cases/keeping.ts";
import type { Parts } from "../register/adapter.ts";
import { type BrokenFor, done } from "./broken.ts";

export const keepingBroken: BrokenFor<typeof keeping> = {
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
      that: "forgets what is kept as soon as the person is gone",
      in: "erase",
      slip: ({ run, show }) => ({
        async run(call, context) {
          const [target] = call.targets;
          const isGone =
            target !== undefined && (await show(target.id, context, call.operation)) === undefined;
          return isGone ? { status: "absent" } : run(call, context);
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
};
