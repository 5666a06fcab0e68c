import { AsyncLocalStorage } from "node:async_hooks";
import type { TracingChannel } from "node:diagnostics_channel";
import {
  context,
  metrics,
  SpanStatusCode,
  trace,
  type Attributes,
  type Meter,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import { batchChannel, callChannel, claimChannel, settleChannel } from "./engine/tracing.ts";
import { isHeedError } from "./errors/heed-error.ts";

/** Where spans and measurements go. Default: what is registered with `@opentelemetry/api`, as `@heed/core`. */
export interface InstrumentOptions {
  readonly tracer?: Tracer;
  readonly meter?: Meter;
}

/** One piece of work that is under way. */
interface Under {
  readonly span: Span;
  readonly startedMs: number;
  errorType: string | undefined;
}

/** How a channel's payload is told. */
interface Telling<P> {
  readonly name: string;
  /** Known at the start. */
  readonly attributes: (payload: P) => Attributes;
  /** Known at the end. */
  readonly outcome: (payload: P) => Attributes;
  /** Why it failed, where that is no error that was thrown. */
  readonly trouble?: (payload: P) => string | undefined;
  readonly measure?: (payload: P, seconds: number, errorType: string | undefined) => void;
}

/**
 * Tells OpenTelemetry what heed's workers do, from the `node:diagnostics_channel` channels that they tell it on.
 *
 * Spans: `heed batch`, and in it `heed claim`, `heed call` (one question to a processor) and `heed settle`.
 * Metrics: `heed.batch.duration` and `heed.call.duration` (seconds), `heed.turns` (turns taken at processors) and
 * `heed.steps` (steps that were settled, by the state they are in then). Attributes are slugs and counts: no
 * identifier, no message of an error.
 *
 * Call it once, before or after `createHeed`; it covers every heed of the process. What nobody instruments costs
 * nothing.
 *
 * @returns ends it
 * @example instrument(); // after the OpenTelemetry SDK has started
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const tracer = options.tracer ?? trace.getTracer("@heed/core");
  const meter = options.meter ?? metrics.getMeter("@heed/core");
  const batches = meter.createHistogram("heed.batch.duration", {
    unit: "s",
    description: "One batch of steps at a processor, from its claim to its settling.",
  });
  const calls = meter.createHistogram("heed.call.duration", {
    unit: "s",
    description: "One question to a processor, waiting for turns included.",
  });
  const turns = meter.createCounter("heed.turns", { description: "Turns taken at processors." });
  const steps = meter.createCounter("heed.steps", {
    description: "Steps that were settled, by the state they are in then.",
  });
  const about = (traced: { readonly processor: string; readonly operation: string }): Attributes => ({
    "heed.processor": traced.processor,
    "heed.operation": traced.operation,
  });
  const failure = (errorType: string | undefined): Attributes =>
    errorType === undefined ? {} : { "error.type": errorType };

  const stops = [
    follow(tracer, batchChannel, {
      name: "heed batch",
      attributes: (batch) => ({
        ...about(batch),
        "heed.namespace": batch.namespace,
        "heed.phase": batch.phase,
        "heed.steps": batch.steps,
      }),
      outcome: ({ claimed }) => (claimed === undefined ? {} : { "heed.claimed": claimed }),
      measure: (batch, seconds, errorType) =>
        batches.record(seconds, { ...about(batch), "heed.phase": batch.phase, ...failure(errorType) }),
    }),
    follow(tracer, claimChannel, {
      name: "heed claim",
      attributes: (claim) => ({ ...about(claim), "heed.steps": claim.steps }),
      outcome: ({ claimed }) => (claimed === undefined ? {} : { "heed.claimed": claimed }),
    }),
    follow(tracer, callChannel, {
      name: "heed call",
      attributes: (call) => ({
        ...about(call),
        "heed.question": call.question,
        "heed.calls": call.calls,
      }),
      outcome: (call) => (call.turns === undefined ? {} : { "heed.turns": call.turns }),
      trouble: (call) => call.trouble,
      measure: (call, seconds, errorType) => {
        calls.record(seconds, { ...about(call), "heed.question": call.question, ...failure(errorType) });
        if (call.turns) turns.add(call.turns, about(call));
      },
    }),
    follow(tracer, settleChannel, {
      name: "heed settle",
      attributes: (settle) => ({ ...about(settle), "heed.steps": settle.steps }),
      outcome: () => ({}),
      measure: (settle) => {
        for (const [state, count] of Object.entries(settle.states ?? {}))
          steps.add(count, { ...about(settle), "heed.state": state });
      },
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** The span of the work that goes on here. OpenTelemetry's own context cannot be entered from a channel. */
const current = new AsyncLocalStorage<unknown>();

function follow<P extends object>(
  tracer: Tracer,
  channel: TracingChannel<unknown, P>,
  telling: Telling<P>,
): () => void {
  const underWay = new WeakMap<object, Under>();
  const begin = (payload: P): Span => {
    const parent = current.getStore() as Span | undefined;
    const around = parent === undefined ? context.active() : trace.setSpan(context.active(), parent);
    const span = tracer.startSpan(telling.name, { attributes: telling.attributes(payload) }, around);
    underWay.set(payload, { span, startedMs: performance.now(), errorType: undefined });
    return span;
  };
  channel.start.bindStore(current, (payload) => begin(payload));
  const onError = (message: unknown): void => {
    const payload = message as P & { readonly error?: unknown };
    const under = underWay.get(payload);
    if (under !== undefined) under.errorType = typeOf(payload.error);
  };
  const onEnd = (message: unknown): void => {
    const payload = message as P;
    const under = underWay.get(payload);
    if (under === undefined) return;
    underWay.delete(payload);
    const { span, startedMs } = under;
    const errorType = under.errorType ?? telling.trouble?.(payload);
    span.setAttributes(telling.outcome(payload));
    if (errorType !== undefined) {
      span.setAttribute("error.type", errorType);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    telling.measure?.(payload, (performance.now() - startedMs) / 1000, errorType);
    span.end();
  };
  channel.error.subscribe(onError);
  channel.asyncEnd.subscribe(onEnd);
  return () => {
    channel.start.unbindStore(current);
    channel.error.unsubscribe(onError);
    channel.asyncEnd.unsubscribe(onEnd);
  };
}

/** An error's code or name. Its message is nobody's here: what threw it may have quoted somebody. */
function typeOf(error: unknown): string {
  if (isHeedError(error)) return error.code;
  return error instanceof Error ? error.constructor.name : "unknown";
}
