import type { Cast } from "../people.ts";
import { carryOutWithACrash, openErasures, type Erasure } from "./erasures.ts";
import { sendNewsletters, signUpEverybody } from "./letters.ts";
import { heading } from "./show.ts";
import { carryOutSmallWishes } from "./small-wishes.ts";
import type { Stage } from "./stage.ts";
import { showAfter, showBefore, showOutcomes } from "./whereabouts.ts";

/** Plays the parts one to nine, in whatever town it is. Answers with the erasures that were asked for. */
export async function play(stage: Stage): Promise<readonly Erasure[]> {
  await signUpEverybody(stage);
  await sendNewsletters(stage);
  await carryOutSmallWishes(stage);
  heading("4  Erasures, previewed before anything is destroyed");
  const erasures = await openErasures(stage, whoIsErased(stage));
  const before = await showBefore(stage, erasures);
  await carryOutWithACrash(stage, erasures);
  const requests = await showOutcomes(stage, erasures);
  await showAfter(stage, erasures, before, requests);
  return erasures;
}

const whoIsErased = ({ wishes }: Cast): readonly string[] =>
  wishes.flatMap(({ email, wish }) => (wish === "erase" ? email : []));
