import { generateKeyPairSync } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyring, newKey, type Keyring } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { createMailer } from "@heed/mailer";
import { sqlite } from "@heed/sqlite";
import { listen, unsubscribeHandler } from "@heed/web";
import { openApplication, type Application } from "../application.ts";
import { createAxcrypt, type Axcrypt } from "../axcrypt.ts";
import { closeDown } from "../close-down.ts";
import { skippingClock, type SkippingClock } from "heed-example-stage";
import type { Cast } from "../people.ts";
import type { Town } from "../town.ts";

/** A letter of AxCrypt's to one person; what became of it, in a word. */
type Post = (
  topic: "newsletter" | "offers" | "account-notice",
  to: string,
  messageKey: string,
) => Promise<string>;

/** Everything that the demo plays with. */
export interface Stage<T extends Town = Town> extends Cast {
  readonly town: T;
  readonly application: Application;
  readonly heed: Axcrypt;
  /** The machine's time, which the last part of the demo puts forward. */
  readonly clock: SkippingClock;
  readonly storage: HeedStorage;
  readonly keys: string;
  readonly keyring: Keyring;
  readonly files: {
    readonly heed: string;
    readonly application: string;
    readonly logs: readonly [string, string];
  };
  readonly post: Post;
  /** The one-click address in the newest letter to somebody: from the mailbox, or as it was written. */
  oneClickLink(to: string): string;
  /** Notes what must hold; a demo that showed something untrue ends with these, and exit code 1. */
  mustHold(what: string, holds: boolean): void;
  readonly broken: ReadonlySet<string>;
  /** Aborted when the reader has interrupted the demo. */
  readonly interrupted: AbortSignal;
  /** Stops all work; the second time it is the same. */
  close(): Promise<void>;
}

/** Builds it in a town: the application's file and heed's, in a folder that goes. */
export async function buildStage<T extends Town>(
  town: T,
  cast: Cast,
  interrupted: AbortSignal,
): Promise<Stage<T>> {
  const folder = await mkdtemp(join(tmpdir(), "heed-demo-"));
  const files = {
    heed: join(folder, "heed.db"),
    application: join(folder, "app.db"),
    logs: [join(folder, "worker-1.log"), join(folder, "worker-2.log")],
  } as const;
  const keys = newKey();
  const application = openApplication(files.application);
  const clock = skippingClock();
  const storage = sqlite(files.heed);
  const ring = keyring(keys);
  const { settlingMs } = town.pace;
  const heed = createAxcrypt({
    storage,
    keys: ring,
    application,
    vendors: town.vendors,
    clock,
    ...(settlingMs === undefined ? {} : { settlingMs }),
  });
  const web = await listen(
    unsubscribeHandler({ links: heed.links, controller: "AxCrypt AB", contact: "support@axcrypt.net" }),
  );
  const written = new Map<string, string>();
  let newestLink = "";
  const mailer = createMailer({
    permits: heed.permits,
    transport: town.mail.transport,
    from: { name: "AxCrypt", address: town.mail.from },
    // No domain has this key's record, so nobody can verify the signature: the demo shows other things.
    dkim: {
      domain: town.mail.from.split("@")[1] ?? "",
      selector: "heed-demo",
      privateKey: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    },
    unsubscribe: { url: (token) => (newestLink = `${web.url}/u/${token}`) },
  });
  const broken = new Set<string>();
  let closing: Promise<void> | undefined;
  return {
    ...cast,
    town,
    clock,
    application,
    heed,
    storage,
    keys,
    keyring: ring,
    files,
    broken,
    interrupted,
    mustHold(what, holds) {
      if (!holds) broken.add(what);
    },
    async post(topic, to, messageKey) {
      const outcome = await mailer.send({ topic, to, messageKey, message: letters[topic] });
      if (outcome.status === "accepted") written.set(to, newestLink);
      return outcome.status === "blocked" ? `refused: ${outcome.because}` : outcome.status;
    },
    oneClickLink: (to) => town.linkReceived(to) ?? written.get(to) ?? "",
    close: () => (closing ??= closeDown({ mailer, web, heed, town, application, folder })),
  };
}

const news = {
  subject: "News from AxCrypt",
  text: "There is news.\n\nUnsubscribe: {{unsubscribe}}\n",
  html: '<p>There is news.</p><p><a href="{{unsubscribe}}">Unsubscribe</a></p>',
};

const letters = {
  newsletter: news,
  offers: news,
  "account-notice": { subject: "The heed demo begins", text: "Letters to people of the demo follow.\n" },
};
