import { describe, expect, it } from "vitest";
import { listen } from "./listen.ts";

describe("listen", () => {
  it("serves until it is closed, also while someone waits", async () => {
    let asked: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    const server = await listen(({ url }) => {
      if (!url.endsWith("/wait")) return new Response("hello");
      asked?.();
      return new Promise<Response>(() => {});
    });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(server.url)).text()).toBe("hello");
    const broken = fetch(`${server.url}/wait`).catch(() => "broken");
    await waiting;
    await server.close();
    expect(await broken).toBe("broken");
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });

  it("rejects when the port is taken", async () => {
    const first = await listen(() => new Response());
    await expect(
      listen(() => new Response(), { port: Number(new URL(first.url).port) }),
    ).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await first.close();
  });
});
