/** What one choice says, as the model remembers it. Instants in milliseconds since 1970. */
export interface Said {
  readonly id: string;
  readonly isOptOut: boolean;
  readonly scope: "topic" | "purpose" | "all";
  /** The topic or purpose; empty for all. */
  readonly name: string;
  readonly effectiveAtMs: number;
}

interface Silence {
  readonly scope: string;
  readonly atMs: number;
}

export type ModelState = "given" | "not-given" | "never-asked";

/**
 * One person as somebody would keep book of them by hand, without heed: what they said since they were last
 * erased, which of their addresses are silenced, and whether an erasure runs. Everything here is marketing of
 * one purpose: `topics` lists it.
 */
export class Person {
  readonly name: string;
  readonly emails: readonly string[];
  readonly purpose: string;
  said: Said[] = [];
  /** Opt-ins that arrived while an erasure ran and are not applied yet, by the id of their event. */
  readonly parked = new Map<string, Said>();
  /** Whether heed knows a subject under all of the addresses. */
  isKnown = false;
  /** The erasure that runs. */
  frozenBy: string | undefined;
  frozenAtMs = 0;
  /** When the person was erased, until they come back. */
  erasedAtMs: number | undefined;
  /** The last opt-outs as they were recorded. */
  readonly optOutsAtMs: { readonly said: Said; readonly atMs: number }[] = [];
  readonly #silences = new Map<string, Silence[]>();
  /** What they objected to, by request: it outlives their erasure. */
  readonly #objections = new Map<string, { readonly recipient: string; readonly atMs: number }>();

  constructor(name: string, emails: readonly string[], purpose: string) {
    this.name = name;
    this.emails = emails;
    this.purpose = purpose;
  }

  object(requestId: string, recipient: string, atMs: number): void {
    this.#objections.set(requestId, { recipient, atMs });
  }

  takeBack(requestId: string): void {
    this.#objections.delete(requestId);
  }

  lift(recipient: string): void {
    for (const [id, objection] of this.#objections)
      if (objection.recipient === recipient) this.#objections.delete(id);
  }

  /** Since when they are not to be at the recipient; undefined where they may be. */
  keptOutSinceMs(recipient: string): number | undefined {
    const since = [...this.#objections.values()].filter((each) => each.recipient === recipient);
    return since.length === 0 ? undefined : Math.min(...since.map(({ atMs }) => atMs));
  }

  silence(emails: readonly string[], scope: string, atMs: number): void {
    for (const email of emails)
      this.#silences.set(email, [...(this.#silences.get(email) ?? []), { scope, atMs }]);
  }

  silencedAtMs(email: string, topic: string): number {
    const covering = new Set(["everything", "all", `topic:${topic}`, `purpose:${this.purpose}`]);
    const all = (this.#silences.get(email) ?? []).filter(({ scope }) => covering.has(scope));
    return Math.max(-1, ...all.map(({ atMs }) => atMs));
  }

  optOut(said: Omit<Said, "isOptOut">, atMs: number): void {
    const optOut = { ...said, isOptOut: true };
    this.said.push(optOut);
    this.optOutsAtMs.push({ said: optOut, atMs });
    this.silence(
      this.emails,
      said.scope === "all" ? "all" : `${said.scope}:${said.name}`,
      said.effectiveAtMs,
    );
    this.isKnown = true;
  }

  /** An opt-in counts, unless the person was erased since it was meant. */
  optIn(said: Omit<Said, "isOptOut">, isRepeat = false): void {
    if (this.erasedAtMs !== undefined && said.effectiveAtMs <= this.erasedAtMs) return;
    this.erasedAtMs = undefined;
    if (!isRepeat) this.said.push({ ...said, isOptOut: false });
    this.isKnown = true;
  }

  freeze(requestId: string, atMs: number): void {
    this.frozenBy = requestId;
    this.frozenAtMs = atMs;
    this.isKnown = true;
    this.silence(this.emails, "everything", atMs);
  }

  /** The erasure has ended; `isErased` when it was carried out. */
  unfreeze(isErased: boolean): void {
    if (isErased) {
      this.said = [];
      this.isKnown = false;
      this.erasedAtMs = this.frozenAtMs;
    }
    this.frozenBy = undefined;
  }

  /** The latest choice that covers the topic; of two at one instant, the opt-out. */
  latest(topic: string): Said | undefined {
    const covering = this.said.filter(
      ({ scope, name, isOptOut }) =>
        (scope === "all" && isOptOut) ||
        (scope === "purpose" && name === this.purpose) ||
        (scope === "topic" && name === topic),
    );
    let latest: Said | undefined;
    for (const each of covering) {
      const isLater =
        latest === undefined ||
        each.effectiveAtMs > latest.effectiveAtMs ||
        (each.effectiveAtMs === latest.effectiveAtMs && each.isOptOut);
      if (isLater) latest = each;
    }
    return latest;
  }

  state(topic: string): ModelState {
    const latest = this.latest(topic);
    if (latest === undefined) return "never-asked";
    return latest.isOptOut ? "not-given" : "given";
  }

  /** Whether a marketing message of the topic may go to the address now. */
  mayMail(email: string, topic: string): boolean {
    if (this.frozenBy !== undefined || this.erasedAtMs !== undefined) return false;
    const latest = this.latest(topic);
    if (latest === undefined || latest.isOptOut) return false;
    return latest.effectiveAtMs > this.silencedAtMs(email, topic);
  }

  /** Whether an opt-out of the topic was recorded in this time, the beginning excluded. */
  optedOutBetween(topic: string, fromMs: number, toMs: number): boolean {
    return this.optOutsAtMs.some(
      ({ said: { scope, name }, atMs }) =>
        atMs > fromMs && atMs < toMs && (scope !== "topic" || name === topic),
    );
  }
}
