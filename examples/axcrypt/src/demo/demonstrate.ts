import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openAccounts, type Accounts, type Elsewhere } from "../accounts/accounts.ts";
import { castAt } from "../accounts/cast.ts";
import { credentialsFrom, type Credentials } from "../accounts/credentials.ts";
import { readCast } from "../people.ts";
import { Refusal } from "../refusal.ts";
import { buildLaggingStandIns } from "../stand-ins.ts";
import type { Ask } from "./ask.ts";
import { cleanUp, showLeft } from "./clean-up.ts";
import { play } from "./play.ts";
import { propose } from "./proposal.ts";
import { bad, good, heading, note } from "./show.ts";
import { buildStage, type Stage } from "./stage.ts";

/** What the demo is started with. */
export interface Start {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--yes` answers the question that the demo asks before it works on accounts. */
  readonly args: readonly string[];
  readonly ask: Ask;
  readonly interrupted: AbortSignal;
  /** For tests: other places than the vendors themselves. */
  readonly elsewhere?: Elsewhere;
}

/** As a shell tells of a process that SIGINT ended. */
const interruptedCode = 130;

/** Plays the demo, among stand-ins or on accounts. Answers with the exit code. */
export async function demonstrate(start: Start): Promise<number> {
  try {
    const isSure = isYes(start.args);
    const credentials = credentialsFrom(start.env);
    return await (credentials === undefined
      ? playAmongStandIns(start)
      : playOnAccounts(start, credentials, isSure));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(bad(error.message));
    return 1;
  }
}

function isYes(args: readonly string[]): boolean {
  try {
    return parseArgs({ args: [...args], options: { yes: { type: "boolean" } } }).values.yes ?? false;
  } catch {
    throw new Refusal("The demo takes --yes, and nothing else.");
  }
}

async function playAmongStandIns({ interrupted }: Start): Promise<number> {
  const stage = await buildStage(await buildLaggingStandIns(), await readCast(), interrupted);
  try {
    introduce(stage);
    await orInterrupted(play(stage), interrupted);
    return conclude(stage);
  } catch (error) {
    if (interrupted.aborted) return interruptedCode;
    throw error;
  } finally {
    await stage.close();
  }
}

async function playOnAccounts(
  { ask, interrupted, elsewhere }: Start,
  credentials: Credentials,
  isSure: boolean,
): Promise<number> {
  const cast = await castAt(credentials.mailbox);
  const town = await openAccounts(credentials, cast, interrupted, elsewhere);
  const stage = await buildStage(town, cast, interrupted);
  let mayChange = false;
  const playing = (async () => {
    introduce(stage);
    await propose(stage);
    const { hubspot, stripe } = town.vendors;
    const question = `Do this at HubSpot ${hubspot.portalId} and Stripe ${stripe.account}?`;
    const answer = isSure ? "yes" : await ask(question, interrupted);
    if (answer === "nobody")
      throw new Refusal("Nothing was changed. There is no terminal to ask on: --yes answers.");
    if (answer === "no") {
      note("Nothing was changed.");
      return 0;
    }
    interrupted.throwIfAborted();
    mayChange = true;
    await tryMail(stage, credentials.mailbox);
    await cleanUp(stage, await play(stage));
    return conclude(stage);
  })();
  try {
    return await orInterrupted(playing, interrupted);
  } catch (error) {
    await stage.close();
    if (!interrupted.aborted && !mayChange) throw error;
    // What was under way when the reader interrupted may still arrive at a vendor.
    await Promise.race([playing.catch(() => {}), sleep(10_000, undefined, { ref: false })]);
    if (mayChange) await tellWhatIsLeft(town, cast.tag);
    else note("Nothing was changed.");
    if (interrupted.aborted) return interruptedCode;
    throw error instanceof Refusal ? error : new Refusal(wordOf(error), { cause: error });
  } finally {
    await stage.close();
  }
}

/** Before anybody is made: a mail server that takes nothing would end the demo in the middle. */
async function tryMail({ post }: Stage, mailbox: string): Promise<void> {
  const outcome = await post("account-notice", mailbox, "the-demo-begins");
  if (outcome !== "accepted")
    throw new Refusal(`The mail server takes no letter to the mailbox: ${outcome}.`);
}

async function tellWhatIsLeft(town: Accounts, tag: string): Promise<void> {
  heading(bad("The demo did not come to its end. It left behind:"));
  try {
    showLeft(await town.left());
  } catch (error) {
    note(`It could not be looked up: ${wordOf(error)}`);
  }
  note(`Everybody that it made has "${tag}" in the address: search for it at HubSpot and at Stripe.`);
}

const wordOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : "unknown error";

async function orInterrupted<T>(playing: Promise<T>, interrupted: AbortSignal): Promise<T> {
  let leave = () => {};
  const abort = new Promise<never>((_, reject) => {
    leave = () => reject(interrupted.reason);
    interrupted.addEventListener("abort", leave, { once: true });
    if (interrupted.aborted) leave();
  });
  try {
    return await Promise.race([playing, abort]);
  } finally {
    interrupted.removeEventListener("abort", leave);
  }
}

function introduce({ town }: Stage): void {
  heading("heed: AxCrypt's published privacy policy, carried out and read back");
  for (const line of town.about) note(line);
}

function conclude({ broken }: Stage): number {
  if (broken.size === 0) {
    heading(good("Everybody was found before, and nothing is left of the erased but what is named as kept."));
    return 0;
  }
  heading(bad("This did not hold:"));
  for (const what of broken) console.log(`  - ${what}`);
  return 1;
}
