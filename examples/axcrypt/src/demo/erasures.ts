import type { Preview } from "@heed/core";
import { startWorker, type StepNews } from "../worker-process.ts";
import type { Person } from "../people.ts";
import { Refusal } from "../refusal.ts";
import { heading, note, progress, table } from "./show.ts";
import type { Stage } from "./stage.ts";

/** Somebody who asked to be erased. */
export interface Erasure {
  readonly email: string;
  /** Absent for somebody whom nobody knows. */
  readonly person: Person | undefined;
  readonly id: string;
}

/**
 * Previews every erasure by reading only, and opens it on condition that this still holds.
 *
 * @throws Refusal when a preview finds more of somebody than the demo has put there: that would be somebody else's
 */
export async function openErasures(
  { people, heed }: Stage,
  emails: readonly string[],
): Promise<readonly Erasure[]> {
  const rows: string[][] = [];
  const erasures: Erasure[] = [];
  for (const email of emails) {
    const subject = { email };
    const person = people.find((each) => each.email.toLowerCase() === email.toLowerCase());
    const preview = await heed.requests.preview({ right: "erasure", subject });
    refuseOthers(preview, person);
    const { id, dueOn } = await heed.requests.open({
      right: "erasure",
      subject,
      identity: "signed-in",
      preview,
    });
    erasures.push({ email, person, id });
    const found = (processor: string, operation: string) =>
      String(
        preview.steps.find((step) => step.processor === processor && step.operation === operation)?.found ??
          "-",
      );
    const keeps = new Set(preview.steps.flatMap((step) => step.keeps.map(({ category }) => category)));
    rows.push([email, found("crm", "erase"), found("billing", "forgetTokens"), [...keeps].join(", "), dueOn]);
  }
  table(
    ["person", "HubSpot contacts", "Stripe customers and cards", "would be kept, if there", "due by"],
    rows,
  );
  return erasures;
}

function refuseOthers({ steps }: Preview, person: Person | undefined): void {
  const own: Readonly<Record<string, number>> = {
    crm: person?.isHubspotContact ? 1 : 0,
    billing: (person?.stripe ?? []).reduce((sum, { cards }) => sum + 1 + cards, 0),
  };
  for (const { processor, operation, found = 0 } of steps) {
    if (operation !== "unsubscribe" && found > (own[processor] ?? found))
      throw new Refusal(
        `${processor} has ${found} records of a person of the demo, who has ${own[processor]} there.`,
      );
  }
}

/** A worker process carries them out; in the middle of it, it is dropped dead, and another goes on. */
export async function carryOutWithACrash(stage: Stage, erasures: readonly Erasure[]): Promise<void> {
  const { heed, town, files, keys, interrupted, mustHold } = stage;
  const { settlingMs, leaseMs, patienceMs } = town.pace;
  const config = {
    heedFile: files.heed,
    applicationFile: files.application,
    vendors: town.vendors,
    ...(settlingMs === undefined ? {} : { settlingMs }),
    leaseMs,
  };
  const steps = async () =>
    (await Promise.all(erasures.map(({ id }) => heed.requests.get(id)))).flatMap((request) => request.steps);
  const total = (await steps()).length;
  const ended = new Set<string>();
  const line = progress();
  const onStep = ({ stepId, processor, operation, ended: isEnded }: StepNews) => {
    if (isEnded) ended.add(stepId);
    line.tell(ended.size, total, `${processor}: ${operation}`);
  };

  heading("6  Carried out by a worker process, dropped dead in the middle");
  const first = startWorker(config, keys, files.logs[0], onStep, interrupted);
  await until(
    async () => ended.size >= total / 3 && (await steps()).some(({ state }) => state === "running"),
  );
  await first.kill();
  line.end();
  const left = (await steps()).filter(
    ({ state }) => state === "running" || state === "due" || state === "waiting",
  );
  const inHand = left.filter(({ state }) => state === "running").length;
  note(
    `  Worker ${first.pid} was killed (SIGKILL) with ${inHand} steps in hand; ${left.length} are open. Another takes over.`,
  );
  mustHold("The worker dies in the middle of its work.", left.length > 0 && left.length < total);
  const second = startWorker(config, keys, files.logs[1], onStep, interrupted);
  await until(async () =>
    (await steps()).every(
      ({ state, nextAt = "" }) =>
        state !== "running" && (state !== "due" || Date.parse(nextAt) - Date.now() > patienceMs),
    ),
  );
  await second.stop();
  line.end();
  const open = (await steps()).filter(({ state }) => state === "due" || state === "waiting").length;
  note(`  ${total - open} of ${total} steps have ended; ${open} wait for somebody who still pays.`);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
