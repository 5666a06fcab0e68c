import { describe, expect, it } from "vitest";
import { EventHub } from "./event-hub.ts";

describe("the event hub", () => {
  it("tells listeners until they stop, and one that throws harms nobody", () => {
    const hub = new EventHub();
    const heard: string[] = [];
    hub.on("request.changed", () => {
      throw new Error("mine");
    });
    const stop = hub.on("request.changed", ({ state }) => heard.push(state));
    hub.emit("request.changed", { requestId: "r1", state: "executing" });
    stop();
    hub.emit("request.changed", { requestId: "r1", state: "fulfilled" });
    expect(heard).toEqual(["executing"]);
  });

  it("takes the rejection of a listener that is asynchronous: left alone, it would end the process", async () => {
    const rejected: unknown[] = [];
    const note = (reason: unknown) => rejected.push(reason);
    process.on("unhandledRejection", note);
    const hub = new EventHub();
    hub.on("request.changed", async () => {
      throw new Error("mine");
    });
    hub.emit("request.changed", { requestId: "r1", state: "executing" });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(rejected).toEqual([]);
  });

  it.each(["step.setled", "", "constructor", "request", undefined])(
    "refuses to listen for what it never tells: %s",
    (name) => {
      const hub = new EventHub();
      expect(() => hub.on(name as "step.settled", () => {})).toThrow(TypeError);
      expect(() => hub.on(name as "step.settled", () => {})).toThrow(/step\.settled/);
    },
  );
});
