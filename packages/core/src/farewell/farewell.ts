import type { Permits, SendOutcome } from "../contract/permit.ts";
import { asked } from "../asked.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { known } from "../policy/known-name.ts";
import type { Policy } from "../policy/policy.ts";

/** The one message to somebody whose erasure is done. */
export interface FarewellMessage<Topic extends string = string> {
  /** Where to. heed knows it no more when this has ended: keep it nowhere. */
  readonly email: string;
  /** The erasure. What became of it, and what is kept by law and until when: `requests.get`. */
  readonly requestId: string;
  /** As it was passed to `createHeed`. */
  readonly topic: Topic;
  /** The same at every try. For this topic, with this key, the address gets a permit although it is erased. */
  readonly messageKey: string;
  /** This heed's, for a sender that was made before it. */
  readonly permits: Permits;
  /** Aborts when the answer is no longer waited for. */
  readonly signal: AbortSignal;
}

/**
 * What became of it: `"not-sent"` and `"deferred"` are tried again; everything else is the end, and so is a promise that
 * rejects, for nobody can say whether the message left. The mailer's outcomes fit as they are.
 */
export type FarewellStatus = SendOutcome | "notSent" | "blocked";

/** What a sender answers. */
export type FarewellAnswer = FarewellStatus | { readonly status: FarewellStatus };

/** How whoever was erased is told that it is done. */
export interface Farewell<Topic extends string = string> {
  /** A topic of class `legal` or `transactional`. */
  readonly topic: Topic;
  /**
   * Sends the message, and says what became of it within ten minutes; after that it counts as `"unknown"`. Write its
   * return type down, `Promise<FarewellAnswer>`, where it uses a mailer that is made with this heed's permits.
   */
  send(message: FarewellMessage<Topic>): Promise<FarewellAnswer>;
}

/** How a farewell ended, for good. `not-sent`: nothing left, in seven days or because nothing may. */
export type FarewellOutcome = "accepted" | "rejected" | "unknown" | "not-sent";

/** How long an address is kept for its farewell, in milliseconds. */
export const farewellTermMs = 7 * 86_400_000;

const prefix = "farewell:";

/** Which message it is. */
export const farewellKey = (requestId: string): string => `${prefix}${requestId}`;

/** Whose farewell a message key names, if any's. */
export const farewellOf = (messageKey: string): string | undefined =>
  messageKey.startsWith(prefix) ? messageKey.slice(prefix.length) : undefined;

const statuses: Readonly<Record<FarewellStatus, FarewellOutcome | "deferred">> = {
  accepted: "accepted",
  rejected: "rejected",
  unknown: "unknown",
  deferred: "deferred",
  "not-sent": "deferred",
  notSent: "deferred",
  blocked: "not-sent",
};

/** What a sender's answer comes to; undefined where it is none. `"deferred"`: to be tried again. */
export function outcomeOf(answer: unknown): FarewellOutcome | "deferred" | undefined {
  const status: unknown =
    typeof answer === "object" && answer !== null && "status" in answer ? answer.status : answer;
  return typeof status === "string" && Object.hasOwn(statuses, status)
    ? statuses[status as FarewellStatus]
    : undefined;
}

/** @throws InvalidInputError when the topic is none that may be sent to whoever was erased, or nobody sends */
export function checkFarewell(policy: Policy, farewell: Farewell): Farewell {
  asked(farewell, "createHeed's farewell", "{ topic, send }", { topic: true, send: true });
  const topic = policy.topics[known(policy, "topics", farewell.topic)];
  if (topic?.class !== "legal" && topic?.class !== "transactional")
    throw new InvalidInputError(
      "Whoever was erased gets no other mail: a farewell's topic is of class legal or transactional.",
      { issues: [{ path: "farewell.topic", message: "another class" }] },
    );
  if (typeof farewell.send !== "function")
    throw new InvalidInputError("A farewell needs somebody who sends it. Pass `send`, a function.", {
      issues: [{ path: "farewell.send", message: "no function" }],
    });
  return farewell;
}
