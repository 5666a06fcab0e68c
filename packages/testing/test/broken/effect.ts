import type { effect } from "../../src/describe-processor/cases/effect.ts";
import type { Context } from "../register/adapter.ts";
import type { Slip } from "../register/scene.ts";
import { type BrokenFor, done, emailOf } from "./broken.ts";

const bystander = "bystander@example.org";

/** Takes what it has done for read back, where it is so minded. */
const believingItself =
  (isMinded: (context: Context) => boolean): Slip =>
  ({ run, verify }) => {
    const believed = new Set<string>();
    return {
      async run(call, context) {
        const outcome = await run(call, context);
        if (outcome.status === "done") believed.add(call.id);
        return outcome;
      },
      verify: async (call, context) =>
        isMinded(context) && believed.has(call.id) ? { seen: "as-asked" } : verify(call, context),
    };
  };

export const effectBroken: BrokenFor<typeof effect> = {
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
  "says whose it is, whatever the webhook told of": [
    {
      that: "looks only where a choice was told of",
      in: "observe",
      slip: ({ run }) => ({
        run: async (call, context) =>
          "saw" in call.input && !call.input.saw.includes("opted-out")
            ? { status: "done", choices: [], addresses: [] }
            : run(call, context),
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
      slip: believingItself(() => true),
    },
    {
      that: "believes itself where it was told to look for more just before",
      in: "erase",
      slip: believingItself(({ moment }) => moment !== undefined),
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
};
