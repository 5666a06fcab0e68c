import type { SmtpOptions } from "@heed/mailer";
import type { Application } from "./application.ts";
import type { Vendors } from "./axcrypt.ts";
import type { Person } from "./people.ts";

/** The world around AxCrypt: its vendors and its mail server. Stand-ins of them, or accounts of yours. */
export interface Town {
  /** What it is made of, for the reader: a line each. */
  readonly about: readonly string[];
  readonly vendors: Vendors;
  readonly mail: {
    readonly transport: SmtpOptions;
    /** Whom the letters are from. */
    readonly from: string;
  };
  readonly pace: Pace;
  /** Puts a person into the application and at the vendors, as the past has done. */
  settle(person: Person, application: Application): Promise<void>;
  /** The one-click address in the newest letter to somebody, where the mailbox can be looked into. */
  linkReceived(to: string): string | undefined;
  /** Where a text occurs at HubSpot: HubSpot is asked, and no adapter. */
  searchHubspot(text: string): Promise<readonly string[]>;
  /** In what kinds of objects a text occurs at Stripe. */
  searchStripe(text: string): Promise<readonly string[]>;
  /** How many cards Stripe stores for somebody. */
  countCards(email: string): Promise<number>;
  close(): Promise<void>;
}

/** How fast the town is, in milliseconds. */
export interface Pace {
  /** How long the vendors may lag behind a write. Default: what each adapter knows of its vendor. */
  readonly settlingMs?: number;
  /** How long a worker has a step for itself, unless it says that it is still at it. */
  readonly leaseMs: number;
  /** What is due within so long is waited for. */
  readonly patienceMs: number;
}
