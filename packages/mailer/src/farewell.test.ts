import { createHeed, definePolicy, ephemeralKeys, memory, type FarewellAnswer } from "@heed/core";
import { searchStorage } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { keys as dkimKeys } from "../test/setting.ts";
import { createMailer } from "./index.ts";
import { mailServer } from "./testing/index.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { law: { basis: "legal-obligation" } },
  topics: { farewell: { class: "legal", purpose: "law" } },
});

const anna = "Anna.Canary+x@dest.example";

/** A clock that a test moves, and at which nobody's sleep ends. */
function standingClock(nowMs = Date.parse("2026-01-15T12:00:00.000Z")) {
  return {
    now: () => new Date(nowMs),
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
      ),
    advance: (ms: number) => void (nowMs += ms),
  };
}

async function company(faults: Parameters<typeof mailServer>[0] = {}) {
  const post = await mailServer(faults);
  const clock = standingClock();
  const storage = memory();
  const keys = ephemeralKeys();
  const heed = createHeed({
    policy,
    storage,
    keys,
    clock,
    farewell: {
      topic: "farewell",
      send: async ({ email, topic, messageKey }): Promise<FarewellAnswer> =>
        mailer.send({
          topic,
          to: email,
          messageKey,
          message: { subject: "Done", text: "You are forgotten." },
        }),
    },
  });
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: post.host, port: post.port, replyTimeoutMs: 400 },
    from: "privacy@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey: dkimKeys.privateKey },
    unsubscribe: { url: "https://acme.example/u" },
  });
  onTestFinished(async () => {
    await mailer.close();
    await post.close();
    await heed.close();
  });
  const erase = async () => {
    const { id } = await heed.requests.open({
      right: "erasure",
      subject: { email: anna },
      identity: "signed-in",
    });
    await heed.work.drain();
    return id;
  };
  const endOf = async (id: string) =>
    (await heed.requests.evidence(id)).flatMap(({ entry }) =>
      entry.kind === "farewell.ended" ? [entry.outcome] : [],
    );
  const found = () => searchStorage(storage, keys, "canary");
  return { post, clock, heed, erase, endOf, found };
}

describe("a farewell by mail", () => {
  it("arrives once at the address that was erased, which is nowhere then", async () => {
    const { post, erase, endOf, found } = await company();
    const id = await erase();
    expect(post.messages.map(({ envelope }) => envelope.to)).toEqual([[anna]]);
    expect([await endOf(id), await found()]).toEqual([["accepted"], []]);
  });

  it("comes when the server is back, and until then the address is sealed in one place alone", async () => {
    const { post, clock, heed, erase, endOf, found } = await company({
      faults: [{ at: "mail", answer: "451 later", times: 2 }],
    });
    const id = await erase();
    expect(await found()).toEqual([{ table: "farewells", column: "sealed", sealed: true }]);
    for (const minutes of [5, 10]) {
      clock.advance(minutes * 60_000);
      await heed.work.drain();
    }
    expect([post.messages.length, await endOf(id), await found()]).toEqual([1, ["accepted"], []]);
  });

  it("is not repeated when nobody knows whether it arrived", async () => {
    const { post, clock, heed, erase, endOf, found } = await company({
      faults: [{ at: "final-dot", answer: "drop", times: 1 }],
    });
    const id = await erase();
    clock.advance(86_400_000);
    await heed.work.drain();
    expect([post.connections, await endOf(id), await found()]).toEqual([1, ["unknown"], []]);
  });
});
