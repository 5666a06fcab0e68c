import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "@heed/core/evidence";
import { describe, expect, it, onTestFinished } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { runCommand } from "../test/run-command.ts";

function company() {
  const home = durableHome();
  onTestFinished(() => home.remove());
  return home;
}

/** A log of two checkpoints in the folder of an auditor, who has it, the public keys, and nothing else. */
async function handedOver() {
  const { heed, live, file, hold, said, remove } = durableHome();
  const email = "canary.anna@example.org";
  hold(email);
  const published: Checkpoint[] = [];
  await live(async (app) => {
    await app.subscriptions.unsubscribe({ subject: { email: "canary.b@example.org" }, topic: "news" });
    await app.evidence.seal();
    await app.requests.open({ right: "erasure", identity: "signed-in", subject: { email } });
    await app.work.drain();
    const { checkpoint } = await app.evidence.seal();
    if (checkpoint !== undefined) published.push(checkpoint);
  });
  const exported = await heed(["evidence", file("log.jsonl")]);
  writeFileSync(file("public.json"), (await heed(["verify", "--public-keys"])).stdout);

  const auditor = mkdtempSync(join(tmpdir(), "heed-auditor-"));
  onTestFinished(() => rmSync(auditor, { recursive: true }));
  for (const name of ["log.jsonl", "public.json"]) copyFileSync(file(name), join(auditor, name));
  remove();
  const at = (name: string) => join(auditor, name);
  return {
    exported,
    size: published[0]?.size ?? 0,
    published,
    said,
    at,
    bytes: readFileSync(at("log.jsonl")),
    verify: (name: string, ...more: readonly string[]) =>
      runCommand(auditor, ["verify", at(name), "--keys", at("public.json"), ...more]),
  };
}

describe("heed evidence", () => {
  it("writes a log that an auditor checks without the database, and that names nobody", async () => {
    const { exported, size, published, said, at, bytes, verify } = await handedOver();
    const lines = bytes.toString().trimEnd().split("\n");
    expect([exported.status, exported.stdout]).toEqual([
      0,
      `${lines.length} lines: check them with heed verify <file> --keys <public keys>\n`,
    ]);
    expect(lines).toHaveLength(2 + size);
    writeFileSync(at("published.json"), JSON.stringify(published));
    const whole = await verify("log.jsonl", "--published", at("published.json"));
    expect([whole.status, whole.stderr]).toEqual([0, ""]);
    expect(whole.stdout).toBe(
      [
        "ok      checkpoint signatures  3",
        `ok      entries in the log     ${size}`,
        "ok      pruned entries         0",
        "ok      published checkpoints  1",
        "",
      ].join("\n"),
    );
    expect(bytes.toString() + said()).not.toContain("canary");
  });

  it("is found out where one byte of it was altered, wherever that is", async () => {
    const { at, bytes, verify } = await handedOver();
    for (const place of [0, 0.3, 0.6, 0.9, 1]) {
      const altered = Buffer.from(bytes);
      const index = Math.round(place * (bytes.length - 1));
      altered[index] = (altered[index] ?? 0) ^ 1;
      writeFileSync(at("altered.jsonl"), altered);
      const { status, stdout, stderr } = await verify("altered.jsonl");
      expect([place, status]).toEqual([place, 1]);
      expect(`${stdout}${stderr}`).toMatch(/^(NOT OK {2}|heed: )\S/);
    }
  });

  it("misses its end only where a checkpoint that was kept elsewhere had it", async () => {
    const { published, at, bytes, verify } = await handedOver();
    const lines = bytes.toString().split("\n");
    const last = lines.findLastIndex((line) => line.includes("heed-checkpoint/"));
    writeFileSync(at("published.json"), JSON.stringify(published));
    writeFileSync(at("cut.jsonl"), lines.slice(0, last).join("\n"));
    expect((await verify("cut.jsonl")).status).toBe(0);
    const cut = await verify("cut.jsonl", "--published", at("published.json"));
    expect([cut.status, cut.stdout]).toEqual([1, expect.stringMatching(/^NOT OK {2}missing-tail\n/)]);
    writeFileSync(at("gap.jsonl"), lines.toSpliced(last - 1, 1).join("\n"));
    expect((await verify("gap.jsonl")).stdout).toMatch(/^NOT OK {2}(missing-entry|altered-entry)\n/);
  });

  it("overwrites nothing, and makes no file where there is no log", async () => {
    const { heed, live, file } = company();
    const early = await heed(["evidence", file("log.jsonl")]);
    expect([early.status, early.stdout]).toEqual([1, ""]);
    expect(early.stderr).toContain("Nothing is sealed yet");
    expect(existsSync(file("log.jsonl"))).toBe(false);
    await live(async (app) => {
      await app.subscriptions.unsubscribe({ subject: { email: "b@example.org" }, topic: "news" });
      await app.evidence.seal();
    });
    writeFileSync(file("log.jsonl"), "mine");
    const again = await heed(["evidence", file("log.jsonl")]);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("overwrites nothing")]);
    expect(readFileSync(file("log.jsonl"), "utf8")).toBe("mine");
    const nowhere = await heed(["evidence", file("no-such-folder/log.jsonl")]);
    expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringContaining("could not be written")]);
    expect((await heed(["evidence"])).status).toBe(2);
  });
});
