import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyring, newKey, type Keyring } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { createMailer } from "@heed/mailer";
import { sqlite } from "@heed/sqlite";
import { listen, unsubscribeHandler } from "@heed/web";
import { openApplication, type Application } from "../application.ts";
import { createAxcrypt, type Axcrypt } from "../axcrypt.ts";
import {
  buildTown,
  personSchema,
  readInput,
  wishSchema,
  type Person,
  type Town,
  type Wish,
} from "../town.ts";

/** A letter of AxCrypt's to one person; what became of it, in a word. */
type Post = (topic: "newsletter" | "offers", to: string, messageKey: string) => Promise<string>;

/** Everything that the demo plays with. */
export interface Stage {
  readonly people: readonly Person[];
  readonly wishes: readonly Wish[];
  readonly town: Town;
  readonly application: Application;
  readonly heed: Axcrypt;
  readonly storage: HeedStorage;
  readonly keys: string;
  readonly keyring: Keyring;
  readonly files: {
    readonly heed: string;
    readonly application: string;
    readonly logs: readonly [string, string];
  };
  readonly post: Post;
  /** Notes what must hold; a demo that showed something untrue ends with these, and exit code 1. */
  mustHold(what: string, holds: boolean): void;
  readonly broken: ReadonlySet<string>;
  close(): Promise<void>;
}

/** How long the stand-ins lag behind a write, and how long heed gives them to settle, in milliseconds. */
const lagMs = 150;
export const settlingMs = 400;

/** Builds it: stand-ins on loopback, a mail server, the application's file and heed's, in a folder that goes. */
export async function buildStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "heed-demo-"));
  const files = {
    heed: join(folder, "heed.db"),
    application: join(folder, "app.db"),
    logs: [join(folder, "worker-1.log"), join(folder, "worker-2.log")],
  } as const;
  const keys = newKey();
  const town = await buildTown({ hubspot: { lagMs } });
  const application = openApplication(files.application);
  const storage = sqlite(files.heed);
  const ring = keyring(keys);
  const heed = createAxcrypt({ storage, keys: ring, application, vendors: town.vendors, settlingMs });
  const web = await listen(
    unsubscribeHandler({ links: heed.links, controller: "AxCrypt AB", contact: "support@axcrypt.net" }),
  );
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: town.mail.host, port: town.mail.port },
    from: { name: "AxCrypt", address: "news@axcrypt.example" },
    dkim: {
      domain: "axcrypt.example",
      selector: "s1",
      privateKey: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    },
    unsubscribe: { url: `${web.url}/u` },
  });
  const broken = new Set<string>();
  return {
    people: await readInput("people.json", personSchema),
    wishes: await readInput("wishes.json", wishSchema),
    town,
    application,
    heed,
    storage,
    keys,
    keyring: ring,
    files,
    broken,
    mustHold(what, holds) {
      if (!holds) broken.add(what);
    },
    async post(topic, to, messageKey) {
      const outcome = await mailer.send({ topic, to, messageKey, message: letter });
      return outcome.status === "blocked" ? `refused: ${outcome.because}` : outcome.status;
    },
    async close() {
      await mailer.close();
      await web.close();
      await heed.close();
      await town.close();
      application.close();
      await rm(folder, { recursive: true });
    },
  };
}

const letter = {
  subject: "News from AxCrypt",
  text: "There is news.\n\nUnsubscribe: {{unsubscribe}}\n",
  html: '<p>There is news.</p><p><a href="{{unsubscribe}}">Unsubscribe</a></p>',
};
