import type { OpenRequestView, ParkedStep, StepView } from "@heed/core";
import { duration } from "./amounts.ts";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import { table } from "./table.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

const mostListed = 1_000;

/** A request whose deadline has passed, with its steps. */
export type Overdue = OpenRequestView & { readonly steps: readonly StepView[] };

/**
 * `heed todo`: the steps that wait for a human, with what to do, the inquiries that are to be read, next deadline first, and
 * the open requests whose deadline has passed.
 * Ends with 1 when there are any.
 */
export async function todo(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(
    args,
    { ...configured, json: { type: "boolean", default: false } },
    "heed todo takes --config and --json, and nothing else.",
  );
  return withHeed(values.config, async (heed) => {
    const steps = await heed.steps.parked({ limit: mostListed });
    const overdue: Overdue[] = [];
    const requests = await heed.requests.list({ limit: mostListed });
    const inquiries = requests.filter(({ right }) => right === "inquiry");
    for (const request of requests)
      if (request.overdue) overdue.push({ ...request, steps: (await heed.requests.get(request.id)).steps });
    terminal.stdout.write(
      values.json
        ? `${JSON.stringify({ steps, inquiries, overdue }, undefined, 2)}\n`
        : todoText(steps, inquiries, overdue, Date.now()),
    );
    return steps.length + inquiries.length + overdue.length === 0 ? 0 : 1;
  });
}

/** What `heed todo` prints for people. */
export function todoText(
  steps: readonly ParkedStep[],
  inquiries: readonly OpenRequestView[],
  overdue: readonly Overdue[],
  nowMs: number,
): string {
  if (steps.length + inquiries.length + overdue.length === 0)
    return "no step or request waits for a human; of holds, keys and the journal heed status tells\n";
  const parts: (readonly string[])[] = [];
  if (steps.length > 0) {
    const rows = steps.map((step) => [
      step.id,
      step.processor,
      step.operation,
      step.state,
      step.because ?? "",
      duration(nowMs - Date.parse(step.parkedAt)),
      step.requestId ?? (step.eventId === undefined ? "a choice" : `choice ${step.eventId}`),
    ]);
    parts.push(table([["step", "processor", "operation", "state", "because", "since", "request"], ...rows]));
    const told = steps.flatMap(({ id, instruction, held }) => [
      ...(instruction === undefined ? [] : [`${id}: ${instruction}`]),
      ...(held === true ? [`${id}: a legal hold stands over it: destroy nothing, also not by hand.`] : []),
    ]);
    if (told.length > 0) parts.push(told);
    parts.push(["heed retry <step> tries again; heed acknowledge <step> says that it was done by hand."]);
  }
  if (inquiries.length > 0) {
    const rows = inquiries.map(({ id, about, receivedAt, dueOn }) => [
      id,
      about ?? "",
      duration(nowMs - Date.parse(receivedAt)),
      dueOn,
    ]);
    parts.push(table([["inquiry", "about", "since", "due on"], ...rows]));
    parts.push(["heed.requests.answer or deny ends one; what it turned out to be is opened with `follows`."]);
  }
  if (overdue.length > 0) {
    const rows = overdue.map(({ id, right, state, dueOn, steps }) => [
      id,
      right,
      state,
      dueOn,
      steps.flatMap(waitsFor).join("; "),
    ]);
    parts.push(table([["overdue request", "right", "state", "was due on", "waits for"], ...rows]));
  }
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Why a step goes on later, so that whoever asked can be told. What is parked is listed by itself. */
function waitsFor({ processor, state, because, nextAt }: StepView): readonly string[] {
  if (state !== "due" || because === undefined) return [];
  return [`${processor}: ${because}${nextAt === undefined ? "" : `, next on ${nextAt.slice(0, 10)}`}`];
}
