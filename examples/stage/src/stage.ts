import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ephemeralKeys, memory, type Clock, type HeedStorage, type Keyring } from "@heed/core";
import {
  mailReceiver,
  type DnsResolver,
  type Inbox,
  type KeptAbout,
  type Mailer,
  type SmtpOptions,
} from "@heed/mailer";
import { mailServer, type MailServer, type ReceivedMessage } from "@heed/mailer/testing";
import {
  invitationHandler,
  listen,
  unsubscribeHandler,
  type PageInvitations,
  type UnsubscribeLinks,
} from "@heed/web";
import { openCorrespondence, type Letter } from "./correspondence.ts";
import { skippingClock, type SkippingClock } from "./skipping-clock.ts";

/** What a company finds where it opens. */
export interface Place {
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly clock: Clock;
  /** Its mail server for what goes out. */
  readonly transport: SmtpOptions;
  readonly dkimKey: KeyObject;
  /** Where its pages are. */
  readonly pages: { readonly unsubscribe: string; readonly invitations: string };
  readonly resolver: DnsResolver;
  /** The help desk. */
  readonly keep: (raw: Uint8Array, about: KeptAbout) => Promise<void>;
}

/** What of a company the stage has to know. */
interface Company {
  readonly heed: {
    readonly links: UnsubscribeLinks;
    readonly invitations: PageInvitations;
    readonly work: { drain(): Promise<{ readonly nextAt?: string }> };
    close(): Promise<void>;
  };
  readonly mailer: Pick<Mailer, "close">;
  readonly inbox: Inbox;
}

/** A company in a world that can be asked: who got what mail, what the help desk has. */
export type Stage<C extends Company> = C & {
  readonly clock: SkippingClock;
  /** The mail server of everybody whom the company writes to. */
  readonly post: MailServer;
  /** What the help desk was given. */
  readonly desk: readonly { readonly text: string; readonly about: KeptAbout }[];
  /** Somebody writes to the company, over SMTP. @returns what the company's mail server said */
  write(letter: Letter): Promise<string>;
  /** The mails that an address has got, oldest first. */
  lettersTo(address: string): readonly ReceivedMessage[];
  /** A link in the newest mail to an address: that of its headers, or that of a page in its text. */
  linkTo(address: string, of?: "unsubscribe" | "invitations"): string;
  /** Works, and skips the pauses, until nothing is due within a day. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

/** Opens a company on this machine: real SMTP in both directions, real pages over HTTP, and a clock that can skip. */
export async function openStage<C extends Company>(
  controller: string,
  open: (place: Place) => C,
): Promise<Stage<C>> {
  const clock = skippingClock();
  const post = await mailServer();
  const correspondence = openCorrespondence();
  const desk: { text: string; about: KeptAbout }[] = [];
  let answer: (request: Request) => Promise<Response>;
  const web = await listen((request) => answer(request));
  const pages = { unsubscribe: `${web.url}/u`, invitations: `${web.url}/i` };
  const company = open({
    storage: memory(),
    keys: ephemeralKeys(),
    clock,
    transport: { host: post.host, port: post.port },
    dkimKey: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    pages,
    resolver: correspondence.resolver,
    keep: async (raw, about) => {
      desk.push({ text: Buffer.from(raw).toString(), about });
    },
  });
  const { heed, mailer, inbox } = company;
  const onUnsubscribe = unsubscribeHandler({ links: heed.links, controller });
  const onInvitation = invitationHandler({ invitations: heed.invitations, controller });
  answer = (request) =>
    new URL(request.url).pathname.startsWith("/u/") ? onUnsubscribe(request) : onInvitation(request);
  const receiver = await mailReceiver({ inbox, port: 0, host: "127.0.0.1" });
  const lettersTo = (address: string) =>
    post.messages.filter(({ envelope }) =>
      envelope.to.some((to) => to.toLowerCase() === address.toLowerCase()),
    );
  return {
    ...company,
    clock,
    post,
    desk,
    write: (letter) => correspondence.write(letter, receiver),
    lettersTo,
    linkTo(address, of = "unsubscribe") {
      const newest = lettersTo(address).at(-1);
      const found = newest?.text?.match(new RegExp(`${pages[of]}/[\\w.-]+`));
      if (!found) throw new Error(`The newest mail has no link to ${of}.`);
      return found[0];
    },
    async settle() {
      for (;;) {
        const { nextAt } = await heed.work.drain();
        const waitMs = nextAt === undefined ? Infinity : Date.parse(nextAt) - clock.now().getTime();
        if (waitMs > 86_400_000) return;
        clock.skip(Math.max(0, waitMs));
      }
    },
    async close() {
      await receiver.close();
      await mailer.close();
      await web.close();
      await heed.close();
      await post.close();
    },
  };
}
