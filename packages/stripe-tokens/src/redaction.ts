import { type Outcome, RejectedError } from "@heed/core/contract";
import type { StripeCalls } from "./stripe-calls.ts";
import { isUnknownUrl, wasRefused } from "./stripe-error.ts";

const mostIds = 10;
const minuteMs = 60_000;

/** What is to be redacted: Stripe's ids by their kind. */
export type Redactable = Readonly<Record<"customers" | "payment_intents", readonly string[]>>;

/** Whether redaction is there for this key. */
export type Capability = "there" | "absent" | "not-permitted";

/** Asks for the newest job, which changes nothing. An unknown URL says that the account has no redaction. */
export async function redactionCapability(calls: StripeCalls): Promise<Capability> {
  try {
    await calls.anyRedaction();
    return "there";
  } catch (error) {
    if (isUnknownUrl(error)) return "absent";
    if (error instanceof RejectedError && error.status === 403) return "not-permitted";
    throw error;
  }
}

/**
 * Creates the jobs, of ten ids each, and answers their ids; `"refused"` where Stripe does not take these objects
 * (a customer that is deleted already, perhaps), which is never success.
 */
export async function createRedactions(
  calls: StripeCalls,
  objects: Redactable,
): Promise<readonly string[] | "refused"> {
  const jobs: string[] = [];
  for (const part of parts(objects)) {
    try {
      jobs.push((await calls.createRedaction(part)).id);
    } catch (error) {
      if (wasRefused(error) && !isUnknownUrl(error) && jobs.length === 0) return "refused";
      throw error;
    }
  }
  return jobs;
}

function parts(objects: Redactable): readonly Record<string, string[]>[] {
  const all = Object.entries(objects).flatMap(([kind, ids]) => ids.map((id) => ({ kind, id })));
  const made: Record<string, string[]>[] = [];
  for (let at = 0; at < all.length; at += mostIds) {
    const part: Record<string, string[]> = {};
    for (const { kind, id } of all.slice(at, at + mostIds)) (part[kind] ??= []).push(id);
    made.push(part);
  }
  return made;
}

/** Jobs as the engine carries them: as the reference of a pending step. */
export const referenceOf = (jobs: readonly string[]): string => jobs.join(",");
const jobsIn = (reference: string): readonly string[] => reference.split(",");

/** Where some jobs stand, the most urgent first. */
export type Progress = "failed" | "ready" | "working" | "succeeded";

/** Reads where the jobs stand. A status that Stripe may add counts as one that it works in. */
export async function progressOf(
  calls: StripeCalls,
  reference: string,
): Promise<{ progress: Progress; jobs: readonly { readonly id: string; readonly status: string }[] }> {
  const jobs: { id: string; status: string }[] = [];
  for (const id of jobsIn(reference)) {
    const job = await calls.redaction(id);
    jobs.push(job);
  }
  const has = (...statuses: string[]) => jobs.some(({ status }) => statuses.includes(status));
  if (has("failed", "canceled", "canceling")) return { progress: "failed", jobs };
  if (has("ready")) return { progress: "ready", jobs };
  return { progress: jobs.every(({ status }) => status === "succeeded") ? "succeeded" : "working", jobs };
}

/**
 * The next step of the jobs: what is ready is told to run, which cannot be taken back; what failed or was
 * cancelled goes to a human, with Stripe's reasons.
 * @param affected how many objects this run has changed before
 */
export async function continueRedactions(
  calls: StripeCalls,
  reference: string,
  affected: number,
): Promise<Outcome<"erase">> {
  const { progress, jobs } = await progressOf(calls, reference);
  switch (progress) {
    case "succeeded":
      return { status: "done", affected: affected + jobs.length };
    case "failed":
      return { status: "manual", instruction: await whatFailed(calls, jobs) };
    case "ready":
      for (const { id, status } of jobs) if (status === "ready") await calls.runRedaction(id);
      return { status: "pending", reference, checkAfterMs: redactingMs, affected };
    case "working":
      return { status: "pending", reference, checkAfterMs: redactingMs, affected };
    default: {
      const never: never = progress;
      return never;
    }
  }
}

/** When to look at a job again: Stripe validates within minutes and redacts within days. */
export const redactingMs = 30 * minuteMs;

async function whatFailed(
  calls: StripeCalls,
  jobs: readonly { readonly id: string; readonly status: string }[],
): Promise<string> {
  const codes = new Set<string>();
  const over: string[] = [];
  for (const { id, status } of jobs) {
    if (status === "canceled" || status === "canceling") codes.add("cancelled");
    else if (status !== "failed") continue;
    else for (const { code } of await calls.redactionErrors(id)) codes.add(slugOf(code));
    over.push(id);
  }
  return (
    `The customer is deleted, and Stripe did not redact what it keeps (${[...codes].join(", ") || "no reason given"}). ` +
    `Look at the redaction job ${over.join(", ")}, remove what stands in its way, redact by hand, and acknowledge the step.`
  );
}

/** Stripe's code in the form of a slug; nothing else of its text is repeated. */
function slugOf(code: string): string {
  return /^[a-z_]{1,64}$/.test(code) ? code.replaceAll("_", "-") : "unknown-code";
}
