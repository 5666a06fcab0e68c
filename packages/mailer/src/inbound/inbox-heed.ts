import type { Messages } from "@heed/core/contract";

/** How a mail's choice is recorded: see `ChoiceDetails` of `@heed/core`. */
interface MailedChoice {
  readonly subject: { readonly email: string };
  readonly id?: string;
  readonly channel: "email";
  readonly method: "dmarc-aligned" | "unverified-sender";
}

/** A right that can be exercised by mail. `inquiry`: somebody has to read what it is. */
export type MailedRight<Recipient extends string = string> =
  | { readonly right: "erasure" | "forget-tokens" }
  | { readonly right: "objection"; readonly recipient: Recipient }
  /** `about`: what it seems to be, as a slug. */
  | { readonly right: "inquiry"; readonly about?: string };

/** All that an inbox needs of heed; `heed` itself fits. */
export interface InboxHeed<
  Topic extends string = string,
  Purpose extends string = string,
  Recipient extends string = string,
> {
  readonly links: {
    /** @throws an error with code `tampered-token` when the token is not authentic */
    unsubscribe(ask: { readonly token: string; readonly scope: "topic" | "all" }): Promise<unknown>;
    /** A token for somebody known, and their address as it is on file. */
    issue(ask: {
      readonly email: string;
      readonly topic: Topic | "all";
    }): Promise<{ readonly token: string; readonly email: string } | undefined>;
  };
  readonly subscriptions: {
    unsubscribe(ask: MailedChoice & { readonly topic: Topic | "all" }): Promise<unknown>;
  };
  readonly consent: {
    withdraw(ask: MailedChoice & { readonly purpose: Purpose }): Promise<unknown>;
  };
  readonly requests: {
    open(
      ask: MailedRight<Recipient> & {
        readonly subject: { readonly email: string };
        readonly identity: "unverified";
        readonly receivedAt: string;
      },
    ): Promise<{
      readonly id: string;
      readonly state: string;
      readonly dueOn: string;
      readonly changed: boolean;
    }>;
    /** A token by which whoever asks shows that the address is theirs. */
    invite(id: string): Promise<{ readonly token: string; readonly expiresAt: string }>;
  };
  readonly messages: Pick<Messages, "report">;
  readonly subjects: {
    addressOnFile(ask: { readonly email: string }): Promise<string | undefined>;
  };
}
