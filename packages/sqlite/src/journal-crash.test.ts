import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as timer } from "node:timers/promises";
import { fileJournal } from "@heed/core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startChild } from "../test/child.ts";
import { journaledCompany } from "../test/journaled.ts";

const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" }) as const;

/** What a new database knows that has the journal and nothing else. */
async function rebuilt(
  company: ReturnType<typeof journaledCompany>,
  emails: readonly string[],
  journal?: string,
) {
  const empty = company.on(`${company.base}.rebuilt`, journal === undefined ? {} : { journal });
  await empty.heed.restore();
  const silent: string[] = [];
  for (const email of emails) {
    const { state } = await empty.heed.subscriptions.state(optOut(email));
    if (state === "not-given") silent.push(email);
  }
  await empty.heed.close();
  return silent;
}

describe("processes killed at any instant", () => {
  it(
    "leave every opt-out that they answered in the one journal, and no database behind it",
    { timeout: 120_000 },
    async () => {
      const company = journaledCompany();
      const answered: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        const children = [0, 1, 2].map((n) =>
          startChild(
            "opt-out-until-killed.ts",
            company.base,
            company.journal,
            company.keys,
            `p${round}-${n}`,
          ),
        );
        await Promise.all(children.map((child) => child.printed(4)));
        await timer(Math.random() * 80);
        await Promise.all(children.map((child) => child.kill()));
        for (const child of children) answered.push(...child.lines);
        const { heed } = company.on(company.base);
        expect({ round, ...(await heed.journal.state()) }).toEqual({ round, state: "level", lost: 0 });
        await heed.close();
      }
      expect(answered.length).toBeGreaterThan(48);
      expect(readFileSync(company.journal, "latin1")).not.toContain("canary");
      expect(await rebuilt(company, answered)).toEqual(answered);
    },
  );

  it("between the commit and the journal, leave what the next start appends", async () => {
    const company = journaledCompany();
    const real = fileJournal(company.journal);
    const stopped = company.on(company.base, {
      // As if the process died here: nobody is ever answered.
      through: { ...real, append: () => new Promise(() => {}) },
    });
    void stopped.heed.subscriptions.unsubscribe(optOut("anna@example.org"));
    const database = () => {
      const file = new DatabaseSync(company.base);
      try {
        return file.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'heed_journal'").get()?.[
          "n"
        ] === 1
          ? Number(file.prepare("SELECT count(*) AS n FROM heed_journal").get()?.["n"])
          : 0;
      } finally {
        file.close();
      }
    };
    while (!existsSync(company.base) || database() === 0) await timer(5);
    const lines = () => readFileSync(company.journal, "utf8").split("\n").filter(Boolean);
    expect(lines()).toHaveLength(1);

    const next = company.on(company.base);
    expect(await next.heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await next.heed.close();
    expect(lines()).toHaveLength(2);
    expect(await rebuilt(company, ["anna@example.org"])).toEqual(["anna@example.org"]);
  });
});

describe("a journal whose disk is slow", () => {
  /** What this process asks of its files: bytes to be blanked, and the disk to have them. */
  async function fileHandles(journal: string): Promise<FileHandle> {
    const handle = await open(journal);
    await handle.close();
    return Object.getPrototypeOf(handle) as FileHandle;
  }

  /** Has the disk take nothing any more, from when `isSlow` says so, until it is resolved. */
  function slowDisk(handles: FileHandle, isSlow: () => boolean): PromiseWithResolvers<void> {
    const disk = Promise.withResolvers<void>();
    const { datasync } = handles;
    const slow = vi.spyOn(handles, "datasync").mockImplementation(async function (this: FileHandle) {
      if (isSlow()) await disk.promise;
      return datasync.call(this);
    });
    onTestFinished(() => slow.mockRestore());
    return disk;
  }

  it("has each choice on the disk before that is answered", async () => {
    const company = journaledCompany();
    const { heed } = company.on(company.base);
    await heed.subscriptions.unsubscribe(optOut("a@example.org"));
    const disk = slowDisk(await fileHandles(company.journal), () => true);
    const lines = () => readFileSync(company.journal, "utf8").split("\n").filter(Boolean).length;
    const before = lines();
    let isAnswered = false;
    const answer = heed.subscriptions.unsubscribe(optOut("b@example.org")).finally(() => (isAnswered = true));
    // Written, as far as other processes can see. A power loss would take it along still.
    await vi.waitUntil(() => lines() > before);
    await timer(100);
    expect(isAnswered).toBe(false);
    disk.resolve();
    expect(await answer).toMatchObject({ changed: true });
    await heed.close();
  });

  it("has whoever is erased blanked on the disk before the erasure has ended", async () => {
    const company = journaledCompany();
    const { heed, settle } = company.on(company.base);
    const subject = company.person("anna.canary@example.org");
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    const { id } = await heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    const handles = await fileHandles(company.journal);
    // Appending goes another way: only what is blanked is written by a handle.
    const blanking = vi.spyOn(handles, "write");
    onTestFinished(() => blanking.mockRestore());
    const disk = slowDisk(handles, () => blanking.mock.calls.length > 0);
    const settled = settle();
    await vi.waitUntil(() => blanking.mock.calls.length > 0, { timeout: 10_000 });
    await timer(200);
    expect((await heed.requests.get(id)).state).toBe("executing");
    disk.resolve();
    await settled;
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    await heed.close();
  });
});

describe("a journal that cannot be written", () => {
  it("is told to the caller; the choice stands, and follows in the journal when it can", async () => {
    const company = journaledCompany();
    const directory = join(dirname(company.base), "elsewhere");
    mkdirSync(directory);
    const journal = join(directory, "heed.journal");
    const { heed } = company.on(company.base, { journal });
    await heed.subscriptions.unsubscribe(optOut("a@example.org"));
    renameSync(directory, `${directory}.gone`);
    await expect(heed.subscriptions.unsubscribe(optOut("b@example.org"))).rejects.toMatchObject({
      code: "journal-failed",
    });
    expect(
      await heed.subscriptions.state(optOut("b@example.org")).catch((error: unknown) => error),
    ).toMatchObject({
      code: "journal-failed",
    });
    renameSync(`${directory}.gone`, directory);
    expect(await heed.subscriptions.state(optOut("b@example.org"))).toMatchObject({ state: "not-given" });
    await heed.subscriptions.unsubscribe(optOut("c@example.org"));
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
    await heed.close();
    const all = ["a@example.org", "b@example.org", "c@example.org"];
    expect(await rebuilt(company, all, journal)).toEqual(all);
  });
});

describe("a choice in the application's own transaction", () => {
  it("begins no journal while the application may still roll it back", async () => {
    const company = journaledCompany();
    const { heed, rows } = company.on(company.base);
    await rows("subjects");
    const application = new DatabaseSync(company.base);
    onTestFinished(() => application.close());
    for (const end of ["ROLLBACK", "COMMIT"] as const) {
      application.exec("BEGIN IMMEDIATE");
      await heed.subscriptions.unsubscribe({ ...optOut("first@example.org"), within: application });
      application.exec(end);
      expect(existsSync(company.journal)).toBe(false);
    }
    await heed.work.drain();
    expect(readFileSync(company.journal, "utf8").split("\n").filter(Boolean)).toHaveLength(2);
    expect(await heed.journal.state()).toEqual({ state: "level", lost: 0 });
  });

  it("follows in the journal once that is committed, and never when it is rolled back", async () => {
    const company = journaledCompany();
    const first = company.on(company.base);
    await first.heed.subscriptions.unsubscribe(optOut("first@example.org"));
    await first.heed.close();
    // Its first use is inside the application's transaction.
    const { heed } = company.on(company.base);
    const application = new DatabaseSync(company.base);
    onTestFinished(() => application.close());
    const lines = () => readFileSync(company.journal, "utf8").split("\n").filter(Boolean).length;
    const before = lines();
    for (const [email, end] of [
      ["undone@example.org", "ROLLBACK"],
      ["done@example.org", "COMMIT"],
    ] as const) {
      application.exec("BEGIN IMMEDIATE");
      await heed.subscriptions.unsubscribe({ ...optOut(email), within: application });
      expect(lines()).toBe(before);
      application.exec(end);
    }
    await heed.work.drain();
    expect(lines()).toBe(before + 1);
    await heed.close();
    expect(await rebuilt(company, ["undone@example.org", "done@example.org"])).toEqual(["done@example.org"]);
  });
});
