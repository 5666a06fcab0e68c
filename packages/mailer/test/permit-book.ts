import { randomInt } from "node:crypto";
import type { Permits, SendOutcome, TopicClass } from "@heed/core/contract";

/** The two topics of the tests. */
export type Topic = "news" | "receipts";

const classes: Record<Topic, TopicClass> = { news: "marketing", receipts: "transactional" };

function newTag(): string {
  return Array.from({ length: 26 }, () => "abcdefghijklmnopqrstuvwxyz234567"[randomInt(32)]).join("");
}

/** A permit and what became of it. */
export interface Entry {
  readonly email: string;
  /** The `returnTag` of its permit. */
  readonly tag: string;
  readonly messageKey: string;
  state: "given" | "revoked" | "handing-over";
  outcome?: SendOutcome;
  /** The person said no while the message was on its way. */
  inFlight?: true;
}

/**
 * Permits kept in memory, as strict as the contract says: an opt-out revokes what is not handing over yet,
 * a settled permit cannot be settled again, a key is used once unless nothing was sent.
 */
export class PermitBook implements Permits<Topic> {
  readonly entries: Entry[] = [];
  readonly optedOut = new Set<string>();
  /** Whether permits name their message, so that it can be reported about. */
  tagged = true;
  /** What happens between a question and its answer: the world's chance to change its mind. */
  readonly interrupt: { take?: () => unknown; handOver?: () => unknown; settle?: () => unknown } = {};

  optOut(email: string): void {
    this.optedOut.add(email.toLowerCase());
    for (const entry of this.entries) {
      if (entry.email.toLowerCase() !== email.toLowerCase()) continue;
      if (entry.state === "given") entry.state = "revoked";
      else if (entry.outcome === undefined) entry.inFlight = true;
    }
  }

  take: Permits<Topic>["take"] = async ({ topic, email, messageKey }) => {
    await this.interrupt.take?.();
    if (this.optedOut.has(email.toLowerCase())) return { allowed: false, because: "suppressed" };
    const again = this.entries.find((entry) => entry.email === email && entry.messageKey === messageKey);
    if (again && again.outcome !== "not-sent") return { allowed: false, because: "already-sent" };
    // A repeat of what may have arrived goes by the same tag, so that mail programs see one message.
    const entry: Entry = { email, messageKey, tag: again?.tag ?? newTag(), state: "given" };
    this.entries.push(entry);
    return {
      allowed: true,
      class: classes[topic],
      signal: new AbortController().signal,
      ...(this.tagged && { returnTag: entry.tag }),
      ...(topic === "news" && {
        unsubscribeToken: `k1.${"Zm9vYmFyYmF6cXV4".repeat(2)}${this.entries.length}`,
      }),
      handOver: async () => {
        await this.interrupt.handOver?.();
        if (entry.state !== "given") return false;
        entry.state = "handing-over";
        return true;
      },
      settle: async (outcome) => {
        await this.interrupt.settle?.();
        if (entry.outcome) throw new Error("settled twice");
        entry.outcome = outcome;
      },
    };
  };
}
