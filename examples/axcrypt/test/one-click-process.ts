// A web process: `node one-click-process.ts <file> <keys> <fate>`. One that "dies" is killed between record and answer.
import { createHeed, definePolicy, keyring } from "@heed/core";
import { sqlite } from "@heed/sqlite";
import { listen, unsubscribeHandler } from "@heed/web";

const [file = "", keys = "", fate] = process.argv.slice(2);
const policy = definePolicy({
  controller: { name: "AxCrypt AB", country: "SE", contact: "support@axcrypt.net" },
  purposes: { marketing: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "marketing" } },
});
const { links, consent, permits } = createHeed({ policy, storage: sqlite(file), keys: keyring(keys) });
const email = "anna@dest.example";
if (fate === "dies") {
  await consent.give({ subject: { email }, purpose: "marketing", evidence: { none: true } });
  const permit = await permits.take({ topic: "newsletter", email, messageKey: "first" });
  console.log(permit.allowed ? permit.unsubscribeToken : "");
}
const handler = unsubscribeHandler({
  controller: "AxCrypt",
  links: {
    open: (token) => links.open(token),
    async unsubscribe(ask) {
      await links.unsubscribe(ask);
      if (fate === "dies") process.kill(process.pid, "SIGKILL");
    },
  },
});
console.log((await listen(handler)).url);
