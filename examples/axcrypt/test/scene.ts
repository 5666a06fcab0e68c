import { generateKeyPairSync } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ephemeralKeys, memory } from "@heed/core";
import { createMailer, mailProcessor, mailReceiver } from "@heed/mailer";
import { invitationHandler, listen, unsubscribeHandler } from "@heed/web";
import { openCorrespondence, skippingClock, type Letter } from "heed-example-stage";
import { openApplication } from "../src/application.ts";
import { createAxcrypt } from "../src/axcrypt.ts";
import { closeDown } from "../src/close-down.ts";
import { createAxcryptInbox } from "../src/inbox.ts";
import type { Person } from "../src/people.ts";
import { policy } from "../src/policy.ts";
import { buildStandIns } from "../src/stand-ins.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

export const evidence = { noticeVersion: "2026-01", language: "en" } as const;

/** AxCrypt in its town: everything real but the vendors, which are stateful stand-ins on loopback. */
export async function scene() {
  const folder = await mkdtemp(join(tmpdir(), "heed-axcrypt-"));
  const application = openApplication(join(folder, "app.db"));
  const town = await buildStandIns();
  const clock = skippingClock();
  const mail = mailProcessor({ policy });
  const heed = createAxcrypt({
    mail,
    storage: memory(),
    keys: ephemeralKeys(),
    application,
    vendors: town.vendors,
    clock,
    settlingMs: 0,
  });
  const onUnsubscribe = unsubscribeHandler({ links: heed.links, controller: "AxCrypt AB" });
  const onInvitation = invitationHandler({ invitations: heed.invitations, controller: "AxCrypt AB" });
  const web = await listen((request) =>
    new URL(request.url).pathname.startsWith("/u/") ? onUnsubscribe(request) : onInvitation(request),
  );
  const mailer = createMailer({
    permits: heed.permits,
    transport: town.mail.transport,
    from: { name: "AxCrypt", address: town.mail.from },
    dkim: { domain: "axcrypt.example", selector: "s1", privateKey },
    unsubscribe: { url: `${web.url}/u` },
    clock,
  });
  mail.connect({ messages: heed.messages, mailer });
  const correspondence = openCorrespondence();
  const desk: string[] = [];
  const inbox = createAxcryptInbox({
    heed,
    mailer,
    pages: { unsubscribe: `${web.url}/u`, invitations: `${web.url}/i` },
    keep: async (raw) => void desk.push(Buffer.from(raw).toString()),
    resolver: correspondence.resolver,
    clock,
  });
  const receiver = await mailReceiver({ inbox, port: 0, host: "127.0.0.1" });
  return {
    ...town,
    mail: town.server,
    mailLog: mail,
    application,
    heed,
    mailer,
    web,
    clock,
    /** What support was given to read. */
    desk,
    /** Somebody writes to AxCrypt, over SMTP. */
    write: (letter: Letter) => correspondence.write(letter, receiver),
    /** Somebody whom the application and all vendors know; consent is given unless told otherwise. */
    async person(email: string, more: Partial<Person> = {}) {
      const person: Person = {
        name: "Somebody",
        email,
        alsoAtHubspot: [],
        hasAccount: true,
        isHubspotContact: true,
        consents: true,
        stripe: [],
        ...more,
      };
      await town.settle(person, application);
      if (person.consents)
        await heed.consent.give({ subject: { email }, purpose: "direct-marketing", evidence });
      clock.skip(1_000);
      return { email };
    },
    /** A letter of a topic, as AxCrypt writes them. */
    letter: (
      topic: "newsletter" | "offers" | "product-info" | "account-notice",
      to: string,
      messageKey = `${topic}-1`,
    ) =>
      mailer.send({
        topic,
        to,
        messageKey,
        message:
          topic === "account-notice"
            ? { subject: "Your account", text: "Your password was changed." }
            : {
                subject: "News",
                text: "Read this.\n\nUnsubscribe: {{unsubscribe}}",
                html: '<p>Read this.</p><p><a href="{{unsubscribe}}">Unsubscribe</a></p>',
              },
      }),
    /** The one-click address in the newest message to somebody. */
    linkIn: (to: string) => town.linkReceived(to) ?? "",
    /** Works, and skips the pauses between tries, until nothing is due within a day. */
    async settle() {
      for (;;) {
        const { nextAt } = await heed.work.drain();
        const waitMs =
          nextAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(nextAt) - clock.now().getTime();
        if (waitMs > 86_400_000) return;
        clock.skip(Math.max(0, waitMs));
      }
    },
    async close() {
      await receiver.close();
      await closeDown({ mailer, web, heed, town, application, folder });
    },
  };
}

export type Scene = Awaited<ReturnType<typeof scene>>;
