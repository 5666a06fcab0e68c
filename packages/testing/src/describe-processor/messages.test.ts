import { describe, expect, it } from "vitest";
import { RejectedError } from "@heed/core/contract";
import type { OperationName } from "@heed/core/contract";
import { registerScene, type Slip } from "../../test/register/scene.ts";
import type { register } from "../../test/register/vendor.ts";
import { judge } from "../describe-processor.ts";
import { type CaseName, processorCases } from "./cases.ts";
import type { Setup } from "./world.ts";

type Change = (setup: Setup, vendor: ReturnType<typeof register>) => Setup;

/** What a case says of the register: "passes", "skips: …" or what it fails with. */
async function said(
  title: CaseName,
  operation: OperationName,
  slip: Slip = () => ({}),
  change: Change = (setup) => setup,
): Promise<string> {
  const skip = (because: string): never => {
    throw new Error(`skips: ${because}`);
  };
  const create = async (between: Parameters<typeof registerScene>[0]) => {
    let vendor: ReturnType<typeof register> | undefined;
    const setup = await registerScene(between, (parts, opened) => {
      vendor = opened;
      return slip(parts, opened);
    });
    if (vendor === undefined) throw new TypeError("The register was not opened.");
    return change(setup, vendor);
  };
  return judge({ create }, processorCases[title], operation, skip).then(
    () => "passes",
    (error: unknown) => (error as Error).message,
  );
}

const inWorld =
  (part: Partial<Setup["world"]>): Change =>
  (setup) => ({ ...setup, world: { ...setup.world, ...part } });

describe("where the vendor lists what a key may do in one answer", () => {
  const permission = "says before anything is done which permission is missing";
  /** Asks once, and believes what the answer lists. */
  const asksOnce: Slip = ({ ask }) => ({
    async check(context) {
      const request = { method: "GET", path: "/account" };
      const { id, scopes } = (await ask(request, context, "check")) as { id: string; scopes: string[] };
      const lacks = (["erase", "exclude"] as const).filter((each) => !scopes.includes(each));
      return {
        account: id,
        lacks: lacks.map((operation) => ({ operation, needs: "scope" })),
        unknownTopics: [],
      };
    },
  });
  const canForbid: Change = (setup, vendor) =>
    inWorld({ forbid: (operation) => void vendor.forbidden.add(operation) })(setup, vendor);

  it("takes the permission away there, and passes who notices", async () => {
    expect(await said(permission, "erase", asksOnce, canForbid)).toBe("passes");
  });

  it("fails who does not notice", async () => {
    const blind: Slip = ({ check }) => ({
      check: async (context) => ({ ...(await check(context)), lacks: [] }),
    });
    expect(await said(permission, "erase", blind, canForbid)).toContain(
      'the key has no permission for "erase" any more, and `lacks` does not name it',
    );
  });

  it("fails who takes one missing permission for all of them", async () => {
    const frightened: Slip = (parts, vendor) => {
      const { check } = { ...parts, ...asksOnce(parts, vendor) };
      return {
        async check(context) {
          const checked = await check(context);
          const all = (["erase", "exclude"] as const).map((operation) => ({ operation, needs: "scope" }));
          return { ...checked, lacks: checked.lacks.length > 0 ? all : [] };
        },
      };
    };
    expect(await said(permission, "erase", frightened, canForbid)).toContain(
      '`lacks` names "exclude", which is carried out all the same',
    );
  });

  it("says what to do where the world cannot", async () => {
    expect(await said(permission, "erase", asksOnce)).toContain(
      'check() was refused everything but its first request, and `lacks` does not name "erase": ask for each permission by ' +
        "a call, give the world `forbid`, or say in `cannot` why the vendor does not allow that",
    );
  });
});

describe("what a case says", () => {
  it.each<[CaseName, OperationName]>([
    ["does it in the world, and reads it back", "erase"],
    ["works through every page of a set, also while it shrinks", "forgetTokens"],
    ["acts on every one of several matches, or leaves them all to a human", "unsubscribe"],
    ["touches nobody whom the vendor's search merely also finds", "forgetTokens"],
    ["answers a batch by call id", "erase"],
    ["changes one list, and none of the others", "unsubscribe"],
  ])("of a world that never says that it is done: %s", async (title, operation) => {
    expect(await said(title, operation, undefined, inWorld({ isDone: () => false }))).toContain(
      `isDone says no after "${operation}": either the vendor's state is not as asked, or the world's isDone does not look at what was asked`,
    );
  });

  it("of an adapter that takes what is gone for a refusal", async () => {
    const refuses: Slip = ({ ask }) => ({
      async cards(path, context, operation) {
        const page = (await ask({ method: "GET", path }, context, operation)) as {
          data: readonly { id: string }[];
          more: boolean;
        };
        if (page.more) throw new RejectedError("no", { processor: "register", operation, status: 404 });
        return page.data.map(({ id }) => id);
      },
    });
    expect(
      await said("works through every page of a set, also while it shrinks", "forgetTokens", refuses),
    ).toContain(
      "what somebody else took away meanwhile was taken for a refusal: a missing object is done already",
    );
  });

  it("of writes that it cannot tell are about somebody", async () => {
    const alone = "gives each call of a batch its own outcome when one is refused";
    const told =
      "No write is about one of them alone: give the world `refuse`. The kit knows only addresses and the ids that `resolve` found";
    expect(await said(alone, "erase", undefined, inWorld({ writes: () => false }))).toBe(`${told}.`);
    const finds: Slip = () => ({
      resolve: async (calls) => new Map(calls.map(({ id }) => [id, { targets: [] }])),
    });
    expect(await said(alone, "erase", finds)).toBe(`${told}; this operation has none.`);
  });

  it("of answers without several records", async () => {
    const one: Slip = ({ runAll, resolve }) => ({
      async resolve(calls, context) {
        const found = await Promise.all(calls.map((call) => resolve([call], context)));
        return new Map(found.flatMap((each) => [...each]));
      },
      runAll,
    });
    expect(await said("takes what a partial answer leaves out for unknown", "erase", one)).toBe(
      "skips: no answer in this case held several records",
    );
  });
});
