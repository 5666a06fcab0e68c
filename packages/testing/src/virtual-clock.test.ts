import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { virtualClock } from "./virtual-clock.ts";

const start = "2026-03-01T00:00:00.000Z";

describe("now", () => {
  it("stands still", async () => {
    const clock = virtualClock(start);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now().toISOString()).toBe(start);
  });

  it("hands out a date that cannot move the clock", () => {
    const clock = virtualClock(start);
    clock.now().setFullYear(1999);
    expect(clock.now().toISOString()).toBe(start);
  });

  it("refuses a start that is no instant", () => {
    expect(() => virtualClock("soon")).toThrow(TypeError);
  });
});

describe("advance", () => {
  it("wakes sleepers in the order of their time, each at its own instant", async () => {
    const clock = virtualClock(start);
    const woken: string[] = [];
    for (const ms of [300, 100, 200, 100]) {
      void clock.sleep(ms).then(() => woken.push(`${ms} at ${clock.now().getMilliseconds()}`));
    }
    await clock.advance(1000);
    expect(woken).toEqual(["100 at 100", "100 at 100", "200 at 200", "300 at 300"]);
    expect(clock.now().toISOString()).toBe("2026-03-01T00:00:01.000Z");
  });

  it("leaves those asleep whose time has not come", async () => {
    const clock = virtualClock(start);
    let isAwake = false;
    void clock.sleep(101).then(() => (isAwake = true));
    await clock.advance(100);
    expect(isAwake).toBe(false);
    await clock.advance(1);
    expect(isAwake).toBe(true);
  });

  it("wakes again those who fall asleep again on the way", async () => {
    const clock = virtualClock(start);
    const rounds: number[] = [];
    const loop = async () => {
      for (let round = 0; round < 5; round += 1) {
        await clock.sleep(10);
        rounds.push(clock.now().getMilliseconds());
      }
    };
    const looped = loop();
    await clock.advance(50);
    await looped;
    expect(rounds).toEqual([10, 20, 30, 40, 50]);
  });

  it("refuses to go backward", async () => {
    await expect(virtualClock(start).advance(-1)).rejects.toThrow(TypeError);
  });
});

describe("set", () => {
  it("wakes on the way forward", async () => {
    const clock = virtualClock(start);
    const slept = clock.sleep(3_600_000);
    await clock.set("2026-03-01T02:00:00.000Z");
    await slept;
    expect(clock.now().toISOString()).toBe("2026-03-01T02:00:00.000Z");
  });

  it("steps back without waking anybody, and keeps the time that sleepers had left", async () => {
    const clock = virtualClock(start);
    let isAwake = false;
    void clock.sleep(1000).then(() => (isAwake = true));
    await clock.set("2026-02-28T00:00:00.000Z");
    await clock.advance(999);
    expect(isAwake).toBe(false);
    await clock.advance(1);
    expect(isAwake).toBe(true);
    expect(clock.now().toISOString()).toBe("2026-02-28T00:00:01.000Z");
  });
});

describe("sleep", () => {
  it("does not wait for zero or less", async () => {
    const clock = virtualClock(start);
    await clock.sleep(0);
    await clock.sleep(-5);
    expect(clock.now().toISOString()).toBe(start);
  });

  it("rejects with the signal's reason, and wakes nobody else", async () => {
    const clock = virtualClock(start);
    const reason = new Error("lease lost");
    const controller = new AbortController();
    const aborted = clock.sleep(100, controller.signal);
    let isAwake = false;
    void clock.sleep(200).then(() => (isAwake = true));
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await clock.advance(150);
    expect(isAwake).toBe(false);
  });

  it("rejects at once under a signal that aborted before", async () => {
    const reason = new Error("too late");
    await expect(virtualClock(start).sleep(100, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("autoAdvance", () => {
  it("jumps to the earliest sleeper, and on to the next", async () => {
    const clock = virtualClock(start, { autoAdvance: true });
    const woken: number[] = [];
    await Promise.all([3, 1, 2].map((days) => clock.sleep(days * 86_400_000).then(() => woken.push(days))));
    expect(woken).toEqual([1, 2, 3]);
    expect(clock.now().toISOString()).toBe("2026-03-04T00:00:00.000Z");
  });

  it("does not jump while a server in this process still answers", async () => {
    const server = createServer((_incoming, outgoing) => setImmediate(() => outgoing.end("here")));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const clock = virtualClock(start, { autoAdvance: true });
    const timeLimit = new AbortController();
    const late = clock.sleep(30_000, timeLimit.signal).then(
      () => "time is up",
      () => "in time",
    );
    for (let n = 0; n < 50; n += 1) {
      clock.now();
      await fetch(`http://127.0.0.1:${port}`).then((answer) => answer.text());
    }
    timeLimit.abort();
    expect(await late).toBe("in time");
    expect(clock.now().toISOString()).toBe(start);
  });

  it("does not jump to a sleeper that was aborted", async () => {
    const clock = virtualClock(start, { autoAdvance: true });
    const controller = new AbortController();
    const aborted = clock.sleep(3_600_000, controller.signal);
    controller.abort(new Error("no longer"));
    await expect(aborted).rejects.toThrow("no longer");
    await clock.sleep(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now().toISOString()).toBe("2026-03-01T00:00:01.000Z");
  });

  it("stands still when nobody sleeps", async () => {
    const clock = virtualClock(start, { autoAdvance: true });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now().toISOString()).toBe(start);
  });
});

describe("during", () => {
  const later = (work: () => void) => new Promise<void>((resolve) => setTimeout(resolve, 30)).then(work);

  it("stands still until the work has ended, well or not, and goes on then", async () => {
    const clock = virtualClock(start, { autoAdvance: true });
    const ends: string[] = [];
    const end = () => void ends.push(clock.now().toISOString());
    const slept = clock.sleep(1000).then(end);
    const failed = clock.during(
      later(() => {
        end();
        throw new Error("the server is down");
      }),
    );
    await expect(failed).rejects.toThrow("the server is down");
    await slept;
    await Promise.all([clock.sleep(1000).then(end), clock.during(later(end))]);
    expect(ends).toEqual([
      start,
      "2026-03-01T00:00:01.000Z",
      "2026-03-01T00:00:01.000Z",
      "2026-03-01T00:00:02.000Z",
    ]);
  });

  it("lets an advance wait, too", async () => {
    const clock = virtualClock(start);
    let endedAt = "";
    void clock.during(later(() => void (endedAt = clock.now().toISOString())));
    void clock.sleep(10);
    await clock.advance(20);
    expect(endedAt).toBe(start);
  });
});
