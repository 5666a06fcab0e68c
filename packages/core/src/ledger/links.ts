import { randomBytes } from "node:crypto";
import type { HeedContext } from "../context.ts";
import { parseIdentifier, type ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { TopicClass } from "../contract/permit.ts";
import type { Row } from "../contract/tables.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import type { Policy } from "../policy/policy.ts";
import { scopeCode, scopeCodeBytes } from "../policy/scope-code.ts";
import type { Scope } from "./event.ts";
import { spellingOf } from "./identifiers.ts";
import { indexDigests, suppressionDigests, suppressionLookups } from "./name-subject.ts";
import { recordChoice } from "./record-choice.ts";
import type { SubjectLedger } from "./subject-record.ts";
import { erasedAt, suppress, suppressionScope } from "./suppression.ts";
import { lockNames, transactOnLedgers } from "./under-lock.ts";
import { untilStill } from "./until-still.ts";

const purpose = "unsubscribe";
const referenceBytes = 16;
/** Somebody who clicks twice, or whose mail program does, said it once. */
const repeatMs = 60_000;

/**
 * What a token is about that was issued for everything, and also one of a topic that the policy no longer has: an old link
 * must silence all the same.
 */
const everything = { topic: "all", title: "everything", class: "marketing" } as const;

/** A topic, and what the policy calls it: its name where it has no title. */
export interface TitledTopic {
  readonly topic: string;
  readonly title: string;
}

/** What an unsubscribe token is about. Names nobody. */
export interface Link extends TitledTopic {
  readonly class: TopicClass;
  /** All that may be unsubscribed from at once: the policy's marketing topics, in its order. */
  readonly lists: readonly TitledTopic[];
  /** What still comes to whoever unsubscribes from all of them: every other topic of the policy, in its order. */
  readonly stillComes: readonly TitledTopic[];
}

/**
 * An unsubscribe token: reference, code of the topic, MAC. At most 48 characters, nothing personal. It never
 * expires, because all it can do is reduce mail.
 */
export function issueLink(context: HeedContext, reference: string, topic: string): string {
  return context.keys.token(purpose, Buffer.concat([Buffer.from(reference, "base64url"), scopeCode(topic)]));
}

/** What a subject's tokens for one address point to, if there is such a thing yet. */
export function referenceOf(
  record: { readonly id: string } | undefined,
  references: readonly Row<"references">[],
): Row<"references"> | undefined {
  return references.find((row) => row.subjectId !== null && row.subjectId === record?.id);
}

export function newReference(
  context: HeedContext,
  { id }: { readonly id: string },
  identifier: ParsedIdentifier,
  address: string,
): Row<"references"> {
  return {
    id: randomBytes(referenceBytes).toString("base64url"),
    address,
    subjectId: id,
    suppressions: JSON.stringify(suppressionDigests(context, [identifier])),
  };
}

/**
 * The row of an address that somebody living has; nobody's after an erasure, until they come back, nor as long as nothing
 * but a request that anybody could have written names it.
 */
async function onFile<A>(
  context: HeedContext,
  email: string,
  found: (
    of: {
      readonly record: SubjectLedger;
      readonly row: Row<"identifiers">;
      readonly identifier: ParsedIdentifier;
    },
    references: readonly Row<"references">[],
  ) => Decision<A>,
): Promise<A | undefined> {
  const identifier = parseIdentifier("email", email);
  const digests = indexDigests(context, identifier);
  return transactOnLedgers(context, {
    select: { digests },
    needsEveryKey: true,
    read: {
      suppressions: { from: "suppressions", where: { digest: suppressionLookups(context, [identifier]) } },
      references: { from: "references", where: { address: digests } },
      sent: { from: "permits", where: { address: digests }, limit: 1 },
      makers: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } },
          madeSubject: 1,
        },
      },
    },
    decide: ([record], { suppressions, references, sent, makers }): Decision<A | undefined> => {
      const row = record?.identifiers.find(({ digest }) => digests.includes(digest));
      const isOnlyNamed =
        makers.length > 0 &&
        [record?.events ?? [], references, sent].every((known) => known.length === 0) &&
        record?.identifiers.every(({ verified }) => verified === 0);
      if (
        record === undefined ||
        row === undefined ||
        isOnlyNamed ||
        erasedAt(suppressions, record) !== undefined
      )
        return { writes: [], answer: undefined };
      return found({ record, row, identifier }, references);
    },
  });
}

/** The spelling that a person's address came with first. */
export function addressOnFile(context: HeedContext, email: string): Promise<string | undefined> {
  return onFile(context, email, ({ record, row }) => ({
    writes: [],
    answer: spellingOf(record.dataKey, row),
  }));
}

async function issueFor(
  context: HeedContext,
  { email, topic }: { readonly email: string; readonly topic: string },
): Promise<{ token: string; email: string } | undefined> {
  const issued = await onFile(context, email, ({ record, row, identifier }, references) => {
    const known = referenceOf(record, references);
    const reference = known ?? newReference(context, record, identifier, row.digest);
    const writes: Write[] = known === undefined ? [{ insert: "references", row: reference }] : [];
    return { writes, answer: { id: reference.id, email: spellingOf(record.dataKey, row) } };
  });
  return issued && { token: issueLink(context, issued.id, topic), email: issued.email };
}

/** The topics of a policy that are about marketing, or those that are not. */
function titled({ topics }: Policy, isMarketing: boolean): readonly TitledTopic[] {
  return Object.entries(topics)
    .filter(([, { class: topicClass }]) => (topicClass === "marketing") === isMarketing)
    .map(([topic, { title = topic }]) => ({ topic, title }));
}

interface OpenedLink extends TitledTopic {
  readonly class: TopicClass;
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
export interface Links<Topic extends string = string> {
  /**
   * What the token is about; undefined when it is not authentic. Changes nothing. One that was issued for all, and one of
   * a topic that the policy no longer has, is about everything: `{ topic: "all" }`.
   * @throws HeedError `restore-needed` when it may be in what a restored database lost
   */
  open(token: string): Promise<Link | undefined>;
  /**
   * A token for somebody whose address heed knows, as a permit for marketing has one: at most 48 characters, for a mail
   * that offers the way out to whoever asked for it. With the address as it is on file, which is where to send it: never
   * to whatever spelling somebody wrote from.
   * @returns undefined for somebody unknown or erased, and while nothing but requests without an identity name them
   * @throws InvalidInputError when the address cannot be read, or there is no such topic; HeedError `restore-needed`,
   *   `unknown-key`
   */
  issue(ask: {
    readonly email: string;
    readonly topic: Topic | "all";
  }): Promise<{ readonly token: string; readonly email: string } | undefined>;
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
        const [lists, stillComes] = [titled(context.policy, true), titled(context.policy, false)];
        return { topic, title, class: topicClass, lists, stillComes };
      } catch (error) {
        if (isHeedError(error) && error.code === "tampered-token") return undefined;
        throw error;
      }
    },
    issue: (ask) => issueFor(context, ask),
    unsubscribe: ({ token, scope }) =>
      untilStill("subject", async () => {
        const { topic, reference } = await openLink(context, token);
        const isAll = scope === "all" || topic === everything.topic;
        const about: Scope = isAll ? { scope: "all", name: null } : { scope: "topic", name: topic };
        const subjectId = reference.subjectId ?? (await livingSubject(context, reference));
        if (subjectId === undefined) return keepSilent(context, reference, about);
        const choice = {
          kind: "withdrawn",
          scope: about,
          channel: "email",
          method: "one-click",
          isOneForMs: repeatMs,
        } as const;
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
