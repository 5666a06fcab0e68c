import { describe, expect, it } from "vitest";
import { handClock } from "../test/hand-clock.ts";
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
