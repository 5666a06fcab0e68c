// AxCrypt's published policy, kept: letters, one click, a withdrawal, cards, erasures, a crash, and a search.
import { carryOutWithACrash, openErasures } from "./demo/erasures.ts";
import { sendNewsletters, signUpEverybody } from "./demo/letters.ts";
import { bad, good, heading, note } from "./demo/show.ts";
import { carryOutSmallWishes } from "./demo/small-wishes.ts";
import { buildStage } from "./demo/stage.ts";
import { showAfter, showBefore, showOutcomes } from "./demo/whereabouts.ts";

const stage = await buildStage();
const { town, broken } = stage;
try {
  heading("heed: AxCrypt's published privacy policy, carried out and read back");
  note(`HubSpot: ${town.vendors.hubspot.url}   Stripe: ${town.vendors.stripe.url}   (stateful stand-ins)`);
  note(`SMTP: ${town.mail.host}:${town.mail.port}   (a real server)`);
  await signUpEverybody(stage);
  await sendNewsletters(stage);
  await carryOutSmallWishes(stage);
  const erasures = await openErasures(stage);
  const before = await showBefore(stage, erasures);
  await carryOutWithACrash(stage, erasures);
  const requests = await showOutcomes(stage, erasures);
  await showAfter(stage, erasures, before, requests);
} finally {
  await stage.close();
}

if (broken.size === 0) {
  heading(good("Everybody was found before, and nothing is left of the erased but what is named as kept."));
} else {
  heading(bad("This did not hold:"));
  for (const what of broken) console.log(`  - ${what}`);
  process.exitCode = 1;
}
