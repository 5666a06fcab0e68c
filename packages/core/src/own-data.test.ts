import { describe, expect, it } from "vitest";
import { handClock } from "../test/hand-clock.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import { ownData } from "./own-data.ts";
import { runOnce } from "./run-once.ts";

/** An application's table, behind a repository that uses `this`. */
class People {
  readonly by = "email" as const;
  readonly rows = new Map<string, { name: string }>();

  async erase(email: string) {
    this.rows.delete(email);
  }
  async holds(email: string) {
    return this.rows.has(email);
  }
  async export(email: string) {
    return this.rows.get(email);
  }
}

function openTable(...emails: string[]) {
  const people = new People();
  for (const email of emails) people.rows.set(email, { name: email });
  return { people, processor: ownData(people) };
}

const clock = handClock();

describe("ownData", () => {
  it("erases the person's row and nobody else's, and reads back", async () => {
    const { people, processor } = openTable("anna@example.org", "ben@example.org");
    const once = await runOnce(processor, "erase", { email: "anna@example.org" }, { clock });
    expect(once).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked" });
    expect([...people.rows.keys()]).toEqual(["ben@example.org"]);
  });

  it("finds a row that was stored in lower case", async () => {
    const { people, processor } = openTable("anna@example.org");
    await runOnce(processor, "erase", { email: "Anna@Example.org" }, { clock });
    expect(people.rows.size).toBe(0);
  });

  it("says absent for somebody whom it does not hold, and erases nothing", async () => {
    const { people, processor } = openTable("anna@example.org");
    const once = await runOnce(processor, "erase", { email: "ben@example.org" }, { clock });
    expect(once).toMatchObject({ state: "verified", outcome: "absent" });
    expect(people.rows.size).toBe(1);
  });

  it("never ends as verified while a row is left", async () => {
    const { processor } = openTable("anna@example.org");
    const stubborn = ownData({
      by: "email",
      erase: async () => {},
      holds: async () => true,
    });
    expect(Object.keys(stubborn.operations)).toEqual(["erase"]);
    expect(Object.keys(processor.operations)).toEqual(["erase", "export"]);
    const once = await runOnce(stubborn, "erase", { email: "anna@example.org" }, { clock, withinMs: 0 });
    expect(once.finding).not.toBe("as-asked");
    expect(once.outcome).toBe("done");
  });
});

describe("what ownData is passed", () => {
  const erase = async () => {};
  const holds = async () => true;
  const whole = { by: "email", erase, holds };

  function refusalOf(given: unknown): InvalidInputError | undefined {
    try {
      ownData(given as Parameters<typeof ownData>[0]);
      return undefined;
    } catch (error) {
      if (error instanceof InvalidInputError) return error;
      throw error;
    }
  }

  /** Paths of what is wrong, with ~ where something is nearly called so; none when it is taken. */
  const refused = (given: unknown) =>
    refusalOf(given)?.issues.map(
      ({ path, message }) => path + (message.includes("nearly called so") ? "~" : ""),
    ) ?? [];

  it.each<[string, unknown, readonly string[]]>([
    ["nothing", undefined, ["ownData"]],
    ["a function alone", erase, ["ownData"]],
    ["no part at all", {}, ["by", "erase", "holds"]],
    ["a kind that is none of the two", { ...whole, by: "canary" }, ["by"]],
    ["a misspelled kind", { ...whole, by: "mail" }, ["by"]],
    ["no holds", { by: "email", erase }, ["holds"]],
    ["a misspelled holds", { by: "email", erase, hold: holds }, ["holds~"]],
    ["a misspelled erase", { by: "email", earse: erase, holds }, ["erase~"]],
    ["an erase that is no function", { ...whole, erase: "canary" }, ["erase"]],
    ["a misspelled export", { ...whole, exprt: holds }, ["export~"]],
    ["an export in capitals", { ...whole, Export: holds }, ["export~"]],
    ["an export that is no function", { ...whole, export: "canary" }, ["export"]],
  ])("is refused with what to pass: %s", (_, given, paths) => {
    expect(refused(given)).toEqual(paths);
  });

  it("is told in the message, with its place and without what was passed", () => {
    const { message = "", issues = [] } = refusalOf({ by: "canary", erase, hold: holds }) ?? {};
    expect(issues).toHaveLength(2);
    for (const issue of issues) expect(message).toContain(`${issue.path}: ${issue.message}`);
    expect(message).not.toContain("canary");
  });

  it("is refused where a class misspells a method", () => {
    class Rows {
      readonly by = "email" as const;
      async erase() {}
      async holds() {
        return true;
      }
      async exports() {}
    }
    expect(refused(new Rows())).toEqual(["export~"]);
  });

  it("may have names of its own, and no export", () => {
    expect(refused({ ...whole, table: "people", expires: holds, exports: ["people"] })).toEqual([]);
    expect(refused(new People())).toEqual([]);
    expect(refused({ ...whole, by: "accountId", export: undefined })).toEqual([]);
    expect(refused({ ...whole, export: holds, exports: holds })).toEqual([]);
  });
});
