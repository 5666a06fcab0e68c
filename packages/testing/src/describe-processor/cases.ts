import { batches } from "./cases/batches.ts";
import { byHand } from "./cases/by-hand.ts";
import { effect } from "./cases/effect.ts";
import { keeping } from "./cases/keeping.ts";
import { lag } from "./cases/lag.ts";
import { lostAnswers } from "./cases/lost-answers.ts";
import { people } from "./cases/people.ts";
import { privacy } from "./cases/privacy.ts";
import { refusals } from "./cases/refusals.ts";
import { turns } from "./cases/turns.ts";

/** Everything that a processor must do, in the order in which it is reported. */
export const processorCases = {
  ...effect,
  ...people,
  ...batches,
  ...keeping,
  ...turns,
  ...refusals,
  ...lostAnswers,
  ...lag,
  ...privacy,
  ...byHand,
};

/** The name of a case, as it is reported. */
export type CaseName = keyof typeof processorCases;
