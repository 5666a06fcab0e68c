import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { RateLimitedError } from "@heed/core";
import { instrument } from "@heed/core/opentelemetry";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, it, onTestFinished } from "vitest";
import { company } from "./people.ts";

const canary = "canary.trace@example.org";

/** An erasure and an opt-out, with a vendor that misbehaves and says whom it is about. */
async function someWork(): Promise<void> {
  const { heed, crm, person, settle } = company();
  const about = { processor: "crm", operation: "erase" } as const;
  crm.fault({ at: "run", throws: new TypeError(`${canary} is broken`) });
  crm.fault({
    at: "verify",
    throws: new RateLimitedError(`slow, ${canary}`, { ...about, retryAfterMs: 1_000 }),
  });
  const lazy = Object.defineProperty({}, "status", {
    get: () => {
      throw new Error(`${canary} has no status`);
    },
  });
  crm.fault({ at: "run", operation: "unsubscribe", answers: lazy });
  await heed.subscriptions.unsubscribe({ subject: { email: `2.${canary}` }, topic: "newsletter" });
  await heed.requests.open({ right: "erasure", identity: "signed-in", subject: person(canary) });
  await settle();
}

const channels = ["batch", "claim", "call", "settle"].flatMap((name) =>
  ["start", "end", "asyncStart", "asyncEnd", "error"].map((event) => `tracing:heed:${name}:${event}`),
);

describe("the channels of node:diagnostics_channel", () => {
  it("tell of claims, questions and settling, in slugs and counts", async () => {
    const told: { readonly channel: string; readonly payload: Record<string, unknown> }[] = [];
    const listen = (payload: unknown, channel: string | symbol) =>
      void told.push({ channel: String(channel), payload: { ...(payload as object) } });
    for (const channel of channels) subscribe(channel, listen);
    onTestFinished(() => {
      for (const channel of channels) unsubscribe(channel, listen);
    });
    await someWork();
    const ended = (name: string) =>
      told.filter(({ channel }) => channel === `tracing:heed:${name}:asyncEnd`).map(({ payload }) => payload);
    expect(ended("call")).toContainEqual({
      namespace: "default",
      processor: "crm",
      operation: "erase",
      question: "resolve",
      calls: 1,
      turns: 1,
    });
    expect(ended("call")).toContainEqual(
      expect.objectContaining({ processor: "crm", question: "check", turns: 1 }),
    );
    expect(ended("call").map(({ trouble }) => trouble)).toEqual(
      expect.arrayContaining(["adapter-failed", "rate-limited", undefined]),
    );
    expect(ended("batch")).toContainEqual(
      expect.objectContaining({ processor: "heed", operation: "erase", phase: "run", steps: 1, claimed: 1 }),
    );
    expect(ended("claim").length).toBeGreaterThanOrEqual(ended("batch").length);
    expect(ended("settle")).toContainEqual(expect.objectContaining({ states: { verified: 1 } }));
    expect(inspect(told, { depth: null })).not.toContain("canary");
    // Node adds the result of what it traces to the payload; here that would be whom it is about.
    for (const { payload } of told) expect(payload["result"]).toBeUndefined();
  });

  it("are silent again once nobody listens", async () => {
    let heard = 0;
    const listen = () => void (heard += 1);
    subscribe("tracing:heed:batch:start", listen);
    unsubscribe("tracing:heed:batch:start", listen);
    await someWork();
    expect(heard).toBe(0);
  });
});

describe("instrument", () => {
  it("makes spans that nest, and measurements, without anything personal", async () => {
    const spans = new InMemorySpanExporter();
    const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] });
    const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    const stop = instrument({ tracer: tracers.getTracer("test"), meter: meters.getMeter("test") });
    onTestFinished(async () => {
      stop();
      await meters.shutdown();
    });
    await someWork();
    const finished = spans.getFinishedSpans();
    const named = (name: string) => finished.filter((span) => span.name === name);
    expect(named("heed batch").length).toBeGreaterThan(5);
    const batchIds = new Set(named("heed batch").map((span) => span.spanContext().spanId));
    for (const name of ["heed claim", "heed call", "heed settle"]) {
      expect(named(name).length).toBeGreaterThan(0);
      for (const span of named(name)) expect(batchIds).toContain(span.parentSpanContext?.spanId);
    }
    expect(named("heed call").map(({ attributes }) => attributes)).toContainEqual({
      "heed.processor": "crm",
      "heed.operation": "erase",
      "heed.question": "resolve",
      "heed.calls": 1,
      "heed.turns": 1,
    });
    const failed = named("heed call").find(({ attributes }) => attributes["error.type"] === "adapter-failed");
    expect(failed?.status).toEqual({ code: 2 });

    await reader.forceFlush();
    const measured = metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const points = (name: string): readonly { readonly attributes: object; readonly value: unknown }[] =>
      measured
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => [...dataPoints]);
    const ended = points("heed.steps").filter(
      ({ attributes }) => "heed.state" in attributes && attributes["heed.state"] === "verified",
    );
    expect(ended.reduce((sum, { value }) => sum + Number(value), 0)).toBe(5);
    expect(points("heed.call.duration").length).toBeGreaterThan(3);
    expect(points("heed.batch.duration").length).toBeGreaterThan(3);
    expect(points("heed.turns").length).toBeGreaterThan(0);

    const everything = JSON.stringify([
      measured,
      finished.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    ]);
    expect(everything).toContain("crm");
    expect(everything).not.toContain("canary");
    const before = finished.length;
    stop();
    await someWork();
    expect(spans.getFinishedSpans()).toHaveLength(before);
  });
});
