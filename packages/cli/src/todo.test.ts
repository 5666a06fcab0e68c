import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ParkedStep } from "@heed/core";
import { afterAll, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { todoText } from "./todo.ts";

const nowMs = Date.parse("2026-01-15T12:00:00.000Z");
const step = {
  id: "s1",
  processor: "crm",
  operation: "unsubscribe",
  state: "failed",
  phase: "run",
  retained: [],
  because: "rejected",
  tries: 1,
  parkedAt: "2026-01-15T09:00:00.000Z",
} as const satisfies ParkedStep;

describe("what heed todo prints", () => {
  it("is which steps wait, why, since when and what to do, and what is overdue", () => {
    const manual = {
      ...step,
      id: "s2",
      operation: "erase",
      state: "manual",
      because: "by-hand",
      requestId: "r1",
      instruction: "Ring them.",
      held: true,
    } as const;
    const choice = { ...step, id: "s3", eventId: "e1" } as const;
    const overdue = {
      id: "r1",
      right: "erasure",
      state: "awaiting_manual",
      receivedAt: "2025-12-01T00:00:00.000Z",
      dueOn: "2026-01-01",
      overdue: true,
      steps: [
        manual,
        { ...step, state: "due", because: "period-end", nextAt: "2026-09-01T10:00:00.000Z" },
        { ...step, state: "verified" },
      ],
    } as const;
    const inquiry = {
      id: "r2",
      right: "inquiry",
      about: "access",
      state: "awaiting_manual",
      receivedAt: "2026-01-15T10:00:00.000Z",
      dueOn: "2026-02-16",
      overdue: false,
    } as const;
    expect(todoText([step, manual, choice], [inquiry], [overdue], nowMs)).toBe(
      [
        "step  processor  operation    state   because   since  request",
        "s1    crm        unsubscribe  failed  rejected  3 h    a choice",
        "s2    crm        erase        manual  by-hand   3 h    r1",
        "s3    crm        unsubscribe  failed  rejected  3 h    choice e1",
        "",
        "s2: Ring them.",
        "s2: a legal hold stands over it: destroy nothing, also not by hand.",
        "",
        "heed retry <step> tries again; heed acknowledge <step> says that it was done by hand.",
        "",
        "inquiry  about   since  due on",
        "r2       access  2 h    2026-02-16",
        "",
        "heed.requests.answer or deny ends one; what it turned out to be is opened with `follows`.",
        "",
        "overdue request  right    state            was due on  waits for",
        "r1               erasure  awaiting_manual  2026-01-01  crm: period-end, next on 2026-09-01",
        "",
      ].join("\n"),
    );
    expect(todoText([], [], [], nowMs)).toBe(
      "no step or request waits for a human; of holds, keys and the journal heed status tells\n",
    );
  });
});

describe("heed todo, retry and acknowledge", () => {
  const company = durableHome();
  afterAll(() => company.remove());
  const parked = async () => {
    const { status, stdout } = await company.heed(["todo", "--json"]);
    const { steps } = JSON.parse(stdout) as { steps: readonly ParkedStep[] };
    expect(status).toBe(steps.length === 0 ? 0 : 1);
    return steps.map(({ id }) => id);
  };

  it("take what failed from the human who is called to its end", async () => {
    const emails = ["canary.anna@example.org", "canary.bo@example.org", "canary.cy@example.org"];
    company.hold(...emails);
    expect(await company.heed(["todo"])).toMatchObject({
      status: 0,
      stdout: "no step or request waits for a human; of holds, keys and the journal heed status tells\n",
    });
    writeFileSync(company.file("refuses"), "");
    await company.live(async (app) => {
      for (const email of emails)
        await app.requests.open({ right: "erasure", identity: "signed-in", subject: { email } });
    });
    await company.heed(["work", "--once"]);
    const ids = await parked();
    expect(ids).toHaveLength(3);
    expect((await company.heed(["todo"])).stdout).toMatch(/app {8}erase {6}failed {2}rejected/);
    rmSync(company.file("refuses"));

    expect(await company.heed(["retry", ids[0] ?? ""])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^due/),
    });
    await company.heed(["work", "--once"]);
    expect(JSON.parse(readFileSync(company.file("people.json"), "utf8"))).toHaveLength(2);
    expect(await company.heed(["acknowledge", ids[1] ?? ""])).toMatchObject({
      status: 0,
      stdout: "acknowledged\n",
    });
    expect(await parked()).toEqual([ids[2]]);
    expect(await company.heed(["retry", "--all"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^1 step /),
    });
    await company.heed(["work", "--once"]);
    expect(await parked()).toEqual([]);
    // The one that was acknowledged was nobody's to take away.
    expect(JSON.parse(readFileSync(company.file("people.json"), "utf8"))).toHaveLength(1);

    const again = await company.heed(["retry", ids[0] ?? ""]);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("heed todo");
    const unknown = await company.heed(["acknowledge", "canary.anna@example.org"]);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain("heed todo lists them");
    expect(company.said()).not.toContain("canary");
  });

  it.each([[["retry"]], [["retry", "x", "--all"]], [["acknowledge"]], [["acknowledge", "x", "y"]]])(
    "refuse %j",
    async (args) => {
      expect((await company.heed(args)).status).toBe(2);
    },
  );
});
