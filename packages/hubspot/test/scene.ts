import { inspect } from "node:util";
import type {
  Answers,
  Call,
  CallContext,
  Finding,
  InputOf,
  OperationName,
  Outcome,
  ProcessorV1,
  Resolution,
  Target,
} from "@heed/core/contract";
import { onTestFinished } from "vitest";
import type { HubspotKind } from "../src/addresses.ts";
import { hubspot } from "../src/hubspot.ts";
import type { HubspotOptions } from "../src/options.ts";
import type { HubspotBucket } from "../src/rate-limits.ts";
import { hubspotPortal } from "../src/testing/portal.ts";
import type { HubspotPortal } from "../src/testing/portal.ts";
import type { HubspotPortalOptions } from "../src/testing/options.ts";

type Topic = "product-news" | "events";
type Processor = ProcessorV1<HubspotKind, Topic, HubspotBucket>;
export type HubspotCall<N extends OperationName> = Call<N, HubspotKind>;

/** A portal that listens on loopback, an adapter to it, and what the engine would lend. */
export interface Scene {
  readonly portal: HubspotPortal;
  readonly processor: Processor;
  readonly context: CallContext<HubspotBucket>;
  /** The instant, in RFC 3339, so many milliseconds from now. */
  at(ms?: number): string;
  /** For every turn that was taken: how many calls the portal had seen by then. */
  readonly turns: readonly number[];
  /** Ends the engine's patience. */
  abort(): void;
  /** Lets time pass. */
  pass(ms: number): void;
}

const definitions = [{ id: "4711" }, { id: "4712", brandId: "7" }];

export async function openScene(
  portalOptions: HubspotPortalOptions = {},
  adapterOptions: Partial<Omit<HubspotOptions<Topic>, "client" | "accessToken" | "baseUrl">> = {},
): Promise<Scene> {
  let instant = Date.parse("2026-11-21T10:00:00.000Z");
  const now = () => new Date(instant);
  const portal = hubspotPortal({
    now,
    definitions,
    burst: { calls: 10_000, perMs: 10_000 },
    ...portalOptions,
  });
  const server = await portal.listen();
  onTestFinished(() => server.close());
  const turns: number[] = [];
  const patience = new AbortController();
  const processor = hubspot({
    accessToken: "pat-eu1-stand-in",
    baseUrl: server.url,
    portalId: "8675309",
    topics: { "product-news": { subscriptionId: "4711" }, events: { subscriptionId: "4712", brandId: "7" } },
    ...adapterOptions,
  });
  return {
    portal,
    processor,
    turns,
    context: {
      now,
      signal: patience.signal,
      turn: async () => {
        turns.push(portal.calls.length);
      },
    },
    at: (ms = 0) => new Date(instant + ms).toISOString(),
    abort: () => patience.abort(),
    pass(ms) {
      instant += ms;
    },
  };
}

type Named = { readonly email?: string | readonly string[]; readonly hubspotContactId?: string };

export function callOf<N extends OperationName>(
  operation: N,
  input: InputOf[N],
  id: string,
  { email = [], hubspotContactId }: Named,
): HubspotCall<N> {
  const [first, ...others] = [
    ...[email].flat().map((value) => ({ kind: "email" as const, value })),
    ...(hubspotContactId === undefined
      ? []
      : [{ kind: "hubspotContactId" as const, value: hubspotContactId }]),
  ];
  if (first === undefined) throw new TypeError("A call names at least one identifier.");
  return { id, operation, input, identifiers: [first, ...others], targets: [] };
}

export function eraseCall(
  id: string,
  named: Named,
  input: Partial<InputOf["erase"]> = {},
): HubspotCall<"erase"> {
  return callOf("erase", { suppress: true, keep: [], ...input }, id, named);
}

export function unsubscribeCall(
  id: string,
  named: Named,
  topics: InputOf["unsubscribe"]["topics"] = ["product-news"],
): HubspotCall<"unsubscribe"> {
  return callOf("unsubscribe", { topics }, id, named);
}

export function subscribeCall(
  id: string,
  named: Named,
  input: Partial<InputOf["subscribe"]> = {},
): HubspotCall<"subscribe"> {
  const given = { evidence: "event-1", givenAt: "2026-11-21T09:59:00.000Z" };
  return callOf("subscribe", { topics: ["product-news"], basis: "consent", ...given, ...input }, id, named);
}

/** What one operation said at each of its three questions. */
export interface CarriedOut<N extends OperationName> {
  readonly resolutions: Answers<Resolution>;
  readonly outcomes: Answers<Outcome<N>>;
  readonly findings: Answers<Finding>;
}

/** The operations that find, do and read back. */
type ReadBack = "erase" | "exclude" | "rectify" | "subscribe" | "unsubscribe";

/** Resolves a batch, runs it with what was found, and verifies it. */
export async function carryOut<N extends ReadBack>(
  scene: Scene,
  operation: N,
  calls: readonly HubspotCall<N>[],
): Promise<CarriedOut<N>> {
  const { resolve, run, verify } = questionsOf(scene, operation);
  const resolutions = await resolve(calls);
  const resolved = calls.map((call) => withTargets(call, resolutions.get(call.id)?.targets ?? []));
  const outcomes = await run(resolved);
  return { resolutions, outcomes, findings: await verify(resolved) };
}

export function withTargets<N extends OperationName>(
  call: HubspotCall<N>,
  targets: readonly Target[],
): HubspotCall<N> {
  return {
    ...call,
    targets: targets.map(({ kind, id, within }) => ({
      kind,
      id,
      ...(within === undefined ? {} : { within }),
    })),
  };
}

/** The three questions of an operation, asked with the scene's context. */
export function questionsOf<N extends ReadBack>({ processor, context }: Scene, operation: N) {
  const given = processor.operations[operation];
  if (given?.resolve === undefined || typeof given.verify !== "function")
    throw new TypeError("Not complete.");
  const { resolve, run, verify } = given;
  return {
    resolve: (calls: readonly HubspotCall<N>[]) => resolve(calls, context),
    run: (calls: readonly HubspotCall<N>[]) => run(calls, context),
    verify: (calls: readonly HubspotCall<N>[]) => verify(calls, context),
  };
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It was expected to fail.");
}

/** Everything that printing a value can show, hidden and nested parts included. */
export function printed(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity }).toLowerCase();
}
