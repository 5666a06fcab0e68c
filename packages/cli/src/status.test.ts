import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { newKey, type ProcessorStatus, type WorkStatus } from "@heed/core";
import { afterAll, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { durableCompany } from "../test/durable/company.ts";
import { runCommand } from "../test/run-command.ts";
import { needsHuman } from "./needs-human.ts";
import { statusText } from "./status-text.ts";

const idle: ProcessorStatus = {
  waiting: 0,
  due: 0,
  later: 0,
  running: 0,
  failed: 0,
  manual: 0,
  breaker: { state: "closed", failures: 0 },
  pushedBackUntil: {},
};

const status = (processors: Record<string, ProcessorStatus>, overdue = 0): WorkStatus => ({
  at: "2026-01-15T12:00:00.000Z",
  processors: { ...processors, heed: idle },
  requests: { open: 1_000, overdue },
  holds: { active: 0, pastReview: 0 },
  unknownKeys: [],
});

describe("what heed status prints", () => {
  it("is a table that says how long, until when, and what stands in the way", () => {
    const crm: ProcessorStatus = {
      ...idle,
      waiting: 4,
      due: 1_000,
      later: 2,
      running: 1,
      oldestDueAt: "2026-01-15T11:30:00.000Z",
      nextAt: "2026-01-15T12:05:00.000Z",
      breaker: { state: "open", failures: 5, until: "2026-01-15T12:00:45.000Z" },
      pushedBackUntil: { search: "2026-01-15T12:00:10.000Z" },
    };
    expect(statusText(status({ crm }), undefined, [])).toBe(
      [
        "       open    due  running  oldest  next      parked  breaker        limiter",
        "crm   1000+  1000+        1  30 min  in 5 min       0  open for 45 s  search in 10 s",
        "heed      0      0        0                         0  closed         free",
        "",
        "requests  1000+ open, 0 overdue",
        "holds     0 active, 0 past review",
        "journal   none",
        "",
      ].join("\n"),
    );
  });

  it("calls a human for what does not go on by itself, and for nothing else", () => {
    const breaker = { state: "open", failures: 9, until: "2026-01-15T12:10:00.000Z" } as const;
    const busy = {
      ...idle,
      due: 900,
      later: 50,
      breaker,
      pushedBackUntil: { calls: "2026-01-15T12:10:00Z" },
    };
    expect(needsHuman(status({ crm: busy }), { state: "level", lost: 0 })).toEqual([]);
    const reasons = (...given: Parameters<typeof needsHuman>) =>
      needsHuman(...given).map(({ about, because }) => `${about} ${because}`);
    expect(reasons(status({ crm: { ...idle, manual: 1 }, app: { ...idle, failed: 1 } }), undefined)).toEqual([
      "crm parked",
      "app parked",
    ]);
    for (const refused of ["account-refused", "wrong-account"] as const)
      expect(reasons(status({ crm: { ...idle, later: 1, refused } }), undefined)).toEqual([`crm ${refused}`]);
    expect(reasons(status({}, 2), undefined)).toEqual(["requests overdue"]);
    expect(reasons({ ...status({}), holds: { active: 3, pastReview: 1 } }, undefined)).toEqual([
      "holds review-due",
    ]);
    expect(reasons(status({}), { state: "restore-needed", lost: 0 })).toEqual(["journal restore-needed"]);
    expect(reasons({ ...status({}), unknownKeys: ["k1", "k2"] }, undefined)).toEqual([
      "keys unknown-key",
      "keys unknown-key",
    ]);
  });
});

const optOut = (email: string) => ({ subject: { email }, topic: "news" }) as const;

describe("heed status", () => {
  const company = durableHome();
  afterAll(() => company.remove());

  it("ends with 1 while a step is parked, and says so to programs too", async () => {
    const email = "canary.anna@example.org";
    company.hold(email);
    writeFileSync(company.file("refuses"), "");
    await company.live((app) =>
      app.requests.open({ right: "erasure", identity: "signed-in", subject: { email } }),
    );
    const before = await company.heed(["status", "--json"]);
    expect(before.status).toBe(0);
    expect(JSON.parse(before.stdout)).toMatchObject({
      processors: { app: { due: 1 } },
      requests: { open: 1, overdue: 0 },
      journal: { state: "level", lost: 0 },
      needsHuman: [],
    });
    await company.heed(["work", "--once"]);
    const after = await company.heed(["status", "--json"]);
    expect([after.status, after.stderr]).toEqual([1, ""]);
    expect(JSON.parse(after.stdout)).toMatchObject({
      processors: { app: { due: 0, failed: 1 } },
      needsHuman: [{ about: "app", because: "parked" }],
    });
    expect((await company.heed(["status"])).stdout).toMatch(/^app: parked\n {2}1 step went to a human/m);
    expect(company.said()).not.toContain("canary");
  });

  it("ends with 1 where another process wrote under a key that this one lacks, and names it", async () => {
    const [one, other] = [newKey(), newKey()];
    const lacking = durableHome(one);
    await lacking.live((app) => app.subscriptions.unsubscribe(optOut("canary.anna@example.org")));
    expect((await lacking.heed(["status"])).status).toBe(0);
    const both = `${other},${one.replace(":active:", ":lookup:")}`;
    const ahead = durableCompany(lacking.home, both);
    await ahead.subscriptions.unsubscribe(optOut("canary.ben@example.org"));
    await ahead.close();
    const { status: code, stdout } = await lacking.heed(["status"]);
    const [id] = other.split(":");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`^keys: unknown-key\\n {2}.* the key ${id}, .* HEED_KEYS as lookup`, "m"),
    );
    const given = `${one},${other.replace(":active:", ":lookup:")}`;
    expect((await lacking.heed(["status"], { HEED_KEYS: given })).status).toBe(0);
    expect(lacking.said()).not.toContain("canary");
    lacking.remove();
  });

  it("asks whether the path is right where the database is empty beside a journal that is not", async () => {
    const moved = durableHome();
    const remove = () => {
      for (const end of ["", "-wal", "-shm"]) rmSync(moved.file(`heed.db${end}`), { force: true });
    };
    await moved.live((app) => app.subscriptions.unsubscribe(optOut("canary.anna@example.org")));
    await moved.heed(["backup", moved.file("old.db")]);
    await moved.live((app) => app.subscriptions.unsubscribe(optOut("canary.ben@example.org")));
    remove();
    const empty = await moved.heed(["status"]);
    expect([empty.status, empty.stdout]).toEqual([
      1,
      expect.stringMatching(/lacks 2 records .* heed restore\. It is empty, .* the path .* is right\.$/m),
    ]);
    remove();
    copyFileSync(moved.file("old.db"), moved.file("heed.db"));
    const old = await moved.heed(["status"]);
    expect([old.status, old.stdout]).toEqual([
      1,
      expect.stringMatching(/lacks 1 record .* heed restore\.$/m),
    ]);
    expect(moved.said()).not.toContain("canary");
    moved.remove();
  });

  it("tells a company without a journal that it has none", async () => {
    const plain = fileURLToPath(new URL("../test/company/", import.meta.url));
    const { status, stdout } = await runCommand(plain, ["status"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^app {6}1 {4}1 /m);
    expect(stdout).toMatch(/journal {3}none\n$/);
  });
});
