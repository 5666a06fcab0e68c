import { isHeedError, type Heed, type Keyring } from "@heed/core";
import type { Company } from "./company.ts";
import type { Mirror } from "./mirror.ts";
import type { Person } from "./model.ts";
import { startProcess, type Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Watch } from "./watch.ts";

const dayMs = 86_400_000;

/** What heed may answer to an act that comes at the wrong moment. */
const mayBe: ReadonlySet<string> = new Set([
  "frozen",
  "request-ended",
  "too-late",
  "already-verified",
  "subject-erased",
  "nothing-to-retry",
  "not-parked",
  "legal-hold",
  "excluded",
  "request-open",
  "unverified-address",
]);

type Answer<T> =
  | { readonly answer: T; readonly refused?: never }
  | { readonly answer?: never; readonly refused: string };

/** What the office works with: the one process through which it asks heed, started again whenever it dies. */
export class Desk {
  readonly company: Company;
  readonly random: Random;
  readonly watch: Watch;
  readonly mirror: Mirror;
  readonly #keys: Keyring;
  #made = 0;
  #process: Process;

  constructor(company: Company, random: Random, watch: Watch, mirror: Mirror, keys: Keyring) {
    this.company = company;
    this.random = random;
    this.watch = watch;
    this.mirror = mirror;
    this.#keys = keys;
    this.#process = this.#start();
  }

  nowMs(): number {
    return this.company.clock.now().getTime();
  }

  nextId(): string {
    this.#made += 1;
    return `act-${this.#made}`;
  }

  /** Asks until there is an answer: a failed storage, and a process that dies, are no answer. */
  async ask<T>(person: Person, what: string, work: (heed: Heed) => Promise<T>): Promise<Answer<T>> {
    this.watch.acting = person;
    this.watch.count(`act ${what}`);
    try {
      for (;;) {
        const current = this.#process;
        const asked = current
          .inside(() => work(current.heed))
          .then(
            (answer): Answer<T> => ({ answer }),
            (error: unknown): Answer<T> => ({ refused: this.#codeOf(error) }),
          );
        const answer = await Promise.race([asked, current.storage.died.then(() => "died" as const)]);
        if (answer === "died") this.#process = this.#start();
        else if (answer.refused !== "storage-failed") {
          this.watch.note(`${person.name} ${what} ${answer.refused ?? "done"}`);
          if (answer.refused !== undefined && !mayBe.has(answer.refused))
            this.watch.wrong("INV-08", `${what} was refused: ${answer.refused}`);
          return answer;
        }
        this.#made += 1;
      }
    } finally {
      this.watch.acting = undefined;
    }
  }

  /** The person, by some of their addresses where heed knows them all, and spelled as people do. */
  subject(person: Person): { readonly email: readonly string[] } {
    const emails = person.isKnown ? this.random.some(person.emails) : person.emails;
    return { email: emails.map((email) => (this.random.chance(0.2) ? email.toUpperCase() : email)) };
  }

  /** Who comes back after an erasure, or waits for one to end, names every address again. */
  optingIn(person: Person): { readonly email: readonly string[] } {
    const isGoing = person.frozenBy !== undefined || person.erasedAtMs !== undefined;
    return isGoing ? { email: person.emails } : this.subject(person);
  }

  #start(): Process {
    const luck = { fails: 0.03, dies: 0.01 };
    const started = startProcess(
      `office ${this.#made}`,
      this.company,
      this.#keys,
      this.random.fork(`office ${this.#made}`),
      luck,
      {
        pollMs: dayMs,
      },
    );
    for (const event of ["choice.recorded", "request.opened", "request.changed", "step.settled"] as const)
      started.heed.on(event, (told) => this.#mayNotTell(JSON.stringify(told)));
    return started;
  }

  #codeOf(error: unknown): string {
    const cause = error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error);
    this.#mayNotTell(cause);
    return isHeedError(error) ? error.code : `a defect: ${cause}`;
  }

  #mayNotTell(text: string): void {
    if (text.includes("canary")) this.watch.wrong("INV-14", "an event or an error quotes an address");
  }
}
