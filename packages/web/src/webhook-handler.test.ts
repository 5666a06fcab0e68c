import { HeedError, TamperedEvidenceError } from "@heed/core/contract";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { listen, webhookHandler, type WebhookHandlerOptions } from "./index.ts";

interface Taken {
  readonly recipient: string;
  readonly url: string;
  readonly signature: string | null;
  readonly body: string;
}

async function setting(options: Partial<WebhookHandlerOptions<"crm">> = {}) {
  const taken: Taken[] = [];
  const warned: unknown[] = [];
  let failure: Error | undefined;
  const server = await listen(
    webhookHandler({
      recipient: "crm",
      webhooks: {
        async receive(recipient, request) {
          const body = await request.text();
          if (failure !== undefined) throw failure;
          taken.push({ recipient, url: request.url, signature: request.headers.get("x-signature"), body });
        },
      },
      logger: { warn: (...told) => void warned.push(told) },
      ...options,
    }),
  );
  onTestFinished(() => server.close());
  const url = `${server.url}/webhooks/crm?a=1`;
  const post = (body: string) => fetch(url, { method: "POST", body, headers: { "x-signature": "s" } });
  return { taken, warned, url, post, fail: (error: Error) => void (failure = error) };
}

describe("a vendor's webhook", () => {
  it("is answered 200 once it is stored, with its body, its headers and its address as they came", async () => {
    const { taken, url, post } = await setting();
    const body = '[{"id":1, "ä":"\\u00e4"}]';
    expect((await post(body)).status).toBe(200);
    expect(taken).toEqual([{ recipient: "crm", url, signature: "s", body }]);
  });

  it("is handed on under the address that the vendor was given", async () => {
    const publicUrl = "https://heed.example/hooks/hubspot";
    const { taken, post } = await setting({ publicUrl });
    await post("[]");
    expect(taken.map((each) => each.url)).toEqual([publicUrl]);
  });

  it("is refused when the vendor has not signed it", async () => {
    const { post, fail, warned } = await setting();
    fail(new TamperedEvidenceError("no"));
    expect((await post("[]")).status).toBe(401);
    expect(warned).toEqual([]);
  });

  it("is asked for again when it could not be stored, and nothing of it is told", async () => {
    const { post, fail, warned } = await setting();
    fail(new HeedError("canary@example.org", { code: "storage-failed" }));
    const answer = await post("canary");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(warned).toEqual([[{ error: "HeedError", code: "storage-failed" }, expect.any(String)]]);
    expect(inspect(warned) + (await answer.text())).not.toContain("canary");
  });

  it.each(["GET", "PUT", "DELETE"])("is none when it is a %s", async (method) => {
    const { taken, url } = await setting();
    const answer = await fetch(url, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    expect(taken).toEqual([]);
  });

  it("is not read beyond a mebibyte", async () => {
    const { taken, post } = await setting();
    expect((await post("x".repeat(1024 * 1024))).status).toBe(200);
    expect((await post("x".repeat(1024 * 1024 + 1))).status).toBe(413);
    expect(taken).toHaveLength(1);
  });

  it("is not waited for for ever", async () => {
    const { taken, url } = await setting({ bodyTimeoutMs: 50 });
    const body = new ReadableStream({ start: (sender) => sender.enqueue(new TextEncoder().encode("[")) });
    const answer = await fetch(url, { method: "POST", body, duplex: "half" });
    expect(answer.status).toBe(408);
    expect(taken).toEqual([]);
  });
});

it("takes no option that it does not know", () => {
  const given = { recipient: "crm", webhooks: { receive: async () => {} }, publicURL: "x" } as never;
  expect(() => webhookHandler(given)).toThrow(/Did you mean `publicUrl`\?/);
});
