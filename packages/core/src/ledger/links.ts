import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { TopicClass } from "../contract/permit.ts";
import type { Row } from "../contract/tables.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { scopeCode, scopeCodeBytes } from "../policy/scope-code.ts";
import type { Scope } from "./event.ts";
import { recordChoice } from "./record-choice.ts";
import { suppress, suppressionScope } from "./suppression.ts";
import { lockNames } from "./under-lock.ts";
import { untilStill } from "./until-still.ts";

const purpose = "unsubscribe";
const referenceBytes = 16;

/** What a token of a topic that the policy no longer has is about: an old link must silence all the same. */
const everything = { topic: "all", title: "everything", class: "marketing" } as const satisfies Link;

/** What an unsubscribe token is about. Names nobody. */
export interface Link {
  readonly topic: string;
  /** What the policy calls the topic. */
  readonly title: string;
  readonly class: TopicClass;
}

/**
 * An unsubscribe token: reference, code of the topic, MAC. At most 48 characters, nothing personal. It never
 * expires, because all it can do is reduce mail.
 */
export function issueLink(context: HeedContext, reference: string, topic: string): string {
  return context.keys.token(purpose, Buffer.concat([Buffer.from(reference, "base64url"), scopeCode(topic)]));
}

interface OpenedLink extends Link {
  readonly reference: Row<"references">;
}

async function openLink(context: HeedContext, token: string): Promise<OpenedLink> {
  const payload = Buffer.from(context.keys.openToken(purpose, token, referenceBytes + scopeCodeBytes));
  const id = payload.subarray(0, referenceBytes).toString("base64url");
  const code = payload.subarray(referenceBytes);
  const [name, topic] =
    Object.entries(context.policy.topics).find(([each]) => scopeCode(each).equals(code)) ?? [];
  const reference = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { references: { from: "references", where: { id } } },
    decide: ({ references }) => ({ writes: [], answer: references[0] }),
  });
  if (reference === undefined) {
    // It may be in what a restored database lost: whoever asks again will be heard.
    if ((await context.journaled?.isHeld()) === true) throw restoreNeeded();
    throw new TamperedEvidenceError("The token is not authentic.", { code: "tampered-token" });
  }
  if (name === undefined || topic === undefined) return { ...everything, reference };
  return { topic: name, title: topic.title ?? name, class: topic.class, reference };
}

/** What unsubscribe links need: `@heed/web` serves them. */
export interface Links {
  /**
   * What the token is about; undefined when it is not authentic. Changes nothing. Where the policy has the
   * topic no longer, it is about everything: `{ topic: "all" }`.
   * @throws HeedError `restore-needed` when it may be in what a restored database lost
   */
  open(token: string): Promise<Link | undefined>;
  /**
   * Ends the topic of the token, or all marketing, for the person it was issued for. Resolves after the commit.
   * After an erasure it keeps the address silent.
   * @throws TamperedEvidenceError when the token is not authentic; HeedError `restore-needed`, as `open`
   */
  unsubscribe(ask: {
    readonly token: string;
    readonly scope: "topic" | "all";
  }): Promise<{ readonly changed: boolean }>;
}

export function linksOf(context: HeedContext): Links {
  return {
    async open(token) {
      try {
        const { topic, title, class: topicClass } = await openLink(context, token);
        return { topic, title, class: topicClass };
      } catch (error) {
        if (isHeedError(error) && error.code === "tampered-token") return undefined;
        throw error;
      }
    },
    unsubscribe: ({ token, scope }) =>
      untilStill("subject", async () => {
        const { topic, reference } = await openLink(context, token);
        const isAll = scope === "all" || topic === everything.topic;
        const about: Scope = isAll ? { scope: "all", name: null } : { scope: "topic", name: topic };
        const subjectId = reference.subjectId ?? (await livingSubject(context, reference));
        if (subjectId === undefined) return keepSilent(context, reference, about);
        const choice = { kind: "withdrawn", scope: about, channel: "email", method: "one-click" } as const;
        const { changed, eventId } = await recordChoice(context, { subjectId }, choice);
        // Where nothing was recorded, the subject was linked or erased since the token was opened: look again.
        return eventId === undefined && !changed ? "moved" : { changed };
      }),
  };
}

/** Somebody erased who came back under the address of the token. */
async function livingSubject(
  context: HeedContext,
  reference: Row<"references">,
): Promise<string | undefined> {
  const digests = JSON.parse(reference.suppressions) as string[];
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { identifiers: { from: "identifiers", where: { suppression: digests } } },
    decide: ({ identifiers }) => ({ writes: [], answer: identifiers[0]?.subjectId }),
  });
}

/**
 * The person was erased; of the token's reference only the suppression digests are left, and enough.
 * @returns "moved" when the digests were others by now: a rotation of keys has found whose they are
 */
async function keepSilent(
  context: HeedContext,
  reference: Row<"references">,
  scope: Scope,
): Promise<{ changed: boolean } | "moved"> {
  const digests = JSON.parse(reference.suppressions) as string[];
  return context.storage.transact({
    lock: lockNames({ addresses: digests }),
    clock: context.clock,
    read: {
      known: { from: "suppressions", where: { digest: digests, scope: suppressionScope(scope) } },
      same: { from: "references", where: { id: reference.id, suppressions: reference.suppressions } },
    },
    decide: ({ known, same }, now): Decision<{ changed: boolean } | "moved"> =>
      same.length === 0
        ? { writes: [], answer: "moved" }
        : {
            writes: suppress(digests, suppressionScope(scope), "opted-out", now),
            answer: { changed: known.length < digests.length },
          },
  });
}
