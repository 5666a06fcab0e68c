import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { keyring, newKey } from "@heed/core";
import type { Receipt } from "@heed/core/evidence";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { runCommand } from "../test/run-command.ts";

const company = durableHome();
const { file, heed } = company;
afterAll(() => company.remove());

let receipt: Receipt;

function written(name: string, value: unknown): string {
  writeFileSync(file(name), typeof value === "string" ? value : JSON.stringify(value));
  return file(name);
}

beforeAll(async () => {
  const email = "canary.anna@example.org";
  company.hold(email);
  await company.live(async (app) => {
    await app.subscriptions.unsubscribe({ subject: { email: "canary.b@example.org" }, topic: "news" });
    await app.evidence.seal();
    const request = { right: "erasure", identity: "signed-in", subject: { email } } as const;
    const { id } = await app.requests.open(request);
    await app.work.drain();
    receipt = await app.requests.receipt(id);
  });
  written("public.json", (await heed(["verify", "--public-keys"])).stdout);
});

/** Checks a file where there is no configuration, with no keyring. */
const offline = (name: string, ...more: readonly string[]) =>
  runCommand(tmpdir(), ["verify", file(name), "--keys", file("public.json"), ...more]);

const changed = (change: (copy: Receipt) => void): Receipt => {
  const copy = structuredClone(receipt);
  change(copy);
  return copy;
};

describe("heed verify <receipt>", () => {
  it("takes the public keys that it prints, and they hold no secret", async () => {
    const key = newKey();
    const { stdout } = await runCommand(tmpdir(), ["verify", "--public-keys"], { HEED_KEYS: key });
    expect(JSON.parse(stdout)).toEqual(keyring(key).publicKeys());
    expect(stdout).not.toContain(key.split(":")[2]);
  });

  it("says what was checked, and what the receipt states", async () => {
    written("receipt.json", receipt);
    const { status, stdout, stderr } = await offline("receipt.json");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("ok      receipt signature      1\n");
    expect(stdout).toContain(`request   ${receipt.summary.requestId}\n`);
    expect(stdout).toMatch(/^asked {5}erasure, under gdpr, identity signed-in, received 2/m);
    expect(stdout).not.toContain("canary");
  });

  it.each([
    ["a word of the summary", "altered-receipt", () => changed((it) => void (it.summary.late = true))],
    [
      "the time of issue",
      "forged-signature",
      () => changed((it) => void (it.issuedAt = "2027-01-01T00:00:00.000Z")),
    ],
    [
      "an entry",
      "altered-entry",
      () => changed((it) => void (it.entries[0]!.at = "2020-01-01T00:00:00.000Z")),
    ],
    ["its form", "unreadable", () => ({ format: "heed-receipt/v9", canary: "canary" })],
  ])("sees that %s was changed", async (_case, code, forge) => {
    written("forged.json", forge());
    const { status, stdout, stderr } = await offline("forged.json");
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout).toMatch(new RegExp(`^NOT OK  ${code}\n {8}\\S.*\n$`));
    expect(stdout).not.toContain("canary");
  });

  it("believes no key but those that it was given", async () => {
    written("receipt.json", receipt);
    written("public.json.other", keyring(newKey()).publicKeys());
    const args = ["verify", file("receipt.json"), "--keys", file("public.json.other")];
    const { status, stdout } = await runCommand(tmpdir(), args);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^NOT OK {2}wrong-key\n/)]);
  });

  it.each([
    ["no JSON", "canary, not JSON", /is not JSON/],
    ["something else", { canary: "canary" }, /neither a receipt .* nor a log/],
    ["nothing", "", /is not JSON/],
  ])("refuses a file that holds %s, and repeats nothing of it", async (_case, content, hint) => {
    written("canary.json", content);
    const { status, stdout, stderr } = await offline("canary.json");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(hint);
    expect(stderr).not.toContain("canary");
  });

  it.each([
    ["lines of JSON", '{"canary":1}\n{"canary":2}\n'],
    ["nothing", ""],
  ])(
    "says what a published checkpoint is, and how to get one, when the file holds %s",
    async (_case, content) => {
      written("receipt.json", receipt);
      written("published.jsonl", content);
      const { status, stdout, stderr } = await offline(
        "receipt.json",
        "--published",
        file("published.jsonl"),
      );
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/one checkpoint as JSON, or an array .* heed\.evidence\.checkpoint\(\)/);
      expect(stderr).not.toContain("canary");
    },
  );

  it("refuses keys that are none", async () => {
    written("receipt.json", receipt);
    for (const keys of ["receipt.json", "nowhere.json"]) {
      const { status, stderr } = await runCommand(tmpdir(), [
        "verify",
        file("receipt.json"),
        "--keys",
        file(keys),
      ]);
      expect([status, stderr]).toEqual([1, expect.stringContaining("public keys")]);
    }
  });
});

describe("heed receipt", () => {
  const id = () => receipt.summary.requestId;

  it("prints the receipt, or writes it to a new file and overwrites nothing", async () => {
    const printed = await heed(["receipt", id()]);
    expect([printed.status, printed.stderr]).toEqual([0, ""]);
    expect(JSON.parse(printed.stdout)).toMatchObject({ format: "heed-receipt/v1", summary: receipt.summary });
    expect((await heed(["receipt", id(), "--out", file("out.json")])).status).toBe(0);
    const content = readFileSync(file("out.json"), "utf8");
    const again = await heed(["receipt", id(), "--out", file("out.json")]);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("overwrites nothing")]);
    expect(readFileSync(file("out.json"), "utf8")).toBe(content);
  });

  it("says so where there is no such request, and repeats nothing", async () => {
    const unknown = await heed(["receipt", "canary"]);
    expect([unknown.status, unknown.stdout]).toEqual([1, ""]);
    expect(unknown.stderr).toContain("no such request");
    expect(company.said()).not.toContain("canary");
  });
});

describe("heed verify", () => {
  it("checks the whole log in the storage, and sees a row that was altered there", async () => {
    written("published.json", receipt.checkpoint);
    const before = await heed(["verify", "--published", file("published.json")]);
    expect([before.status, before.stderr]).toEqual([0, ""]);
    expect(before.stdout).toMatch(new RegExp(`^ok +entries in the log +${receipt.checkpoint.size}$`, "m"));
    const database = new DatabaseSync(file("heed.db"));
    database.exec("UPDATE heed_evidence SET at = '2020-01-01T00:00:00.000Z' WHERE sealedAs = 2");
    database.close();
    const after = await heed(["verify"]);
    expect([after.status, after.stdout]).toEqual([1, expect.stringMatching(/^NOT OK {2}altered-entry\n/)]);
    expect(company.said()).not.toContain("canary");
  });
});
