import type {
  Answers,
  Call,
  CallContext,
  Clearance,
  ExportedRecord,
  Finding,
  InputOf,
  Operation,
  OperationName,
  Outcome,
  ProcessorV1,
  Resolution,
} from "@heed/core/contract";
import { lend } from "./lend.ts";
import { destructive, type Scene } from "./processor-case.ts";
import type { Asked } from "./world.ts";

export type AnyOperation = Operation<OperationName, string, string>;

export function operationOf({ processor, operation }: Scene): AnyOperation {
  const found = (processor as ProcessorV1).operations[operation];
  if (found === undefined) throw new TypeError(`The processor has no operation "${operation}".`);
  return found as unknown as AnyOperation;
}

export const canReadBack = (scene: Scene): boolean => typeof operationOf(scene).verify === "function";

/** What an operation is asked for where the setup says nothing else. */
export function inputOf<N extends OperationName>({ processor, inputs }: Scene, operation: N): InputOf[N] {
  const topics = Object.keys(processor.topics);
  const defaults: { readonly [O in OperationName]: InputOf[O] | undefined } = {
    subscribe: { topics, basis: "consent", evidence: "event-1", givenAt: "2026-01-15T11:59:00.000Z" },
    unsubscribe: { topics: topics.length > 0 ? topics : "all" },
    erase: { suppress: false, keep: [] },
    exclude: {},
    restrict: { restricted: true },
    forgetTokens: { endsPaidService: "refused", keep: [] },
    export: { categories: "all" },
    rectify: undefined,
    observe: { saw: ["opted-out", "opted-in"] },
  };
  const input = inputs?.[operation] ?? defaults[operation];
  if (input === undefined)
    throw new TypeError(`The setup's \`inputs\` must say what "${operation}" is asked for.`);
  return input;
}

/** The calls for some people, with unlike ids, so that a positional slip shows. */
export function callsFor(
  scene: Scene,
  emails: readonly string[],
  input: InputOf[OperationName] = inputOf(scene, scene.operation),
): readonly Call[] {
  return emails.map((email, index) => ({
    id: `call-${emails.length - index}`,
    operation: scene.operation,
    input,
    identifiers: scene.world.identify?.(email) ?? [{ kind: "email", value: email }],
    targets: [],
  }));
}

/** Whether the world is as a call asks. An export leaves nothing to look at. */
export async function isDone({ world }: Scene, email: string, call: Call): Promise<boolean> {
  return world.isDone(email, { operation: call.operation, input: call.input } as Asked);
}

/** What one call came to. What is missing was left out, or never asked. */
export interface Story {
  /** With what was found, and the reference of what is pending. */
  readonly call: Call;
  readonly resolution?: Resolution;
  readonly clearance?: Clearance;
  readonly outcome?: Outcome;
  /** What an export yielded, to its end. */
  readonly records?: readonly ExportedRecord[];
  readonly finding?: Finding;
}

export interface Carried {
  readonly stories: readonly Story[];
  /** What was thrown, and the errors of outcomes that failed. */
  readonly troubles: readonly unknown[];
}

/** Resolves, guards, runs and reads back once each, as the engine does, whatever is thrown in between. */
export async function carryOut(
  scene: Scene,
  calls: readonly Call[],
  context: CallContext = lend(scene),
): Promise<Carried> {
  const operation = operationOf(scene);
  const troubles: unknown[] = [];
  const resolved = await resolve(operation, calls, context, troubles);
  const now = { ...context, moment: {} };
  const cleared = await clear(operation, resolved, now, troubles);
  const ran = await run(operation, cleared, now, troubles);
  await scene.world.settle?.();
  const asked = ran.filter(({ clearance }) => clearance === undefined || "clear" in clearance);
  const findings = await put(asked, (some) => look(scene, some, context), troubles);
  const stories = ran.map((story) => withAnswer(story, "finding", findings.get(story.call.id)));
  return {
    stories: calls.map((call) => stories.find((story) => story.call.id === call.id) ?? { call }),
    troubles,
  };
}

/**
 * Reads back as the engine does: what is to be gone is looked for anew in the same moment, and a finding counts where that
 * was answered too.
 */
async function look(scene: Scene, calls: readonly Call[], context: CallContext): Promise<Answers<Finding>> {
  const { resolve, verify } = operationOf(scene);
  if (typeof verify !== "function") return none();
  if (resolve === undefined || !destructive.includes(scene.operation)) return verify(calls, context);
  const now = { ...context, moment: {} };
  const seen = await resolve(calls, now);
  const findings = await verify(calls, now);
  return new Map([...findings].filter(([id]) => seen.has(id)));
}

/** One question alone, as it is: what it throws is thrown. */
export async function found(
  scene: Scene,
  calls: readonly Call[],
  context: CallContext = lend(scene),
): Promise<readonly Call[]> {
  const troubles: unknown[] = [];
  const stories = await resolve(operationOf(scene), calls, context, troubles);
  if (troubles.length > 0) throw troubles[0];
  return stories.map(({ call }) => call);
}

export async function readBack(
  scene: Scene,
  calls: readonly Call[],
  context: CallContext = lend(scene),
): Promise<readonly (Finding["seen"] | undefined)[]> {
  if (!canReadBack(scene)) return [];
  const findings = await look(scene, calls, context);
  return calls.map(({ id }) => findings.get(id)?.seen);
}

const none = <T>(): Answers<T> => new Map<string, T>();

async function put<T>(
  stories: readonly Story[],
  question: (calls: readonly Call[]) => Promise<Answers<T>>,
  troubles: unknown[],
): Promise<Answers<T>> {
  if (stories.length === 0) return none();
  try {
    return await question(stories.map(({ call }) => call));
  } catch (error) {
    troubles.push(error);
    return none();
  }
}

function withAnswer<K extends keyof Story>(story: Story, name: K, answer: Story[K] | undefined): Story {
  return answer === undefined ? story : { ...story, [name]: answer };
}

async function resolve(
  operation: AnyOperation,
  calls: readonly Call[],
  context: CallContext,
  troubles: unknown[],
): Promise<readonly Story[]> {
  const stories = calls.map((call) => ({ call }));
  if (operation.resolve === undefined) return stories;
  const answers = await put(stories, (some) => operation.resolve?.(some, context) ?? fails(), troubles);
  // A call that was left out is asked again later: it goes no further now.
  return calls.flatMap((call): Story[] => {
    const resolution = answers.get(call.id);
    if (resolution === undefined) return [];
    const targets = resolution.targets.map(({ kind, id, within }) => ({
      kind,
      id,
      ...(within === undefined ? {} : { within }),
    }));
    return [{ call: { ...call, targets }, resolution }];
  });
}

async function clear(
  operation: AnyOperation,
  stories: readonly Story[],
  context: CallContext,
  troubles: unknown[],
): Promise<readonly Story[]> {
  if (operation.guard === undefined) return stories;
  const answers = await put(stories, (some) => operation.guard?.(some, context) ?? fails(), troubles);
  return stories.flatMap((story): Story[] => {
    const clearance = answers.get(story.call.id);
    return clearance === undefined ? [] : [{ ...story, clearance }];
  });
}

async function run(
  operation: AnyOperation,
  stories: readonly Story[],
  context: CallContext,
  troubles: unknown[],
): Promise<readonly Story[]> {
  const cleared = stories.filter(({ clearance }) => clearance === undefined || "clear" in clearance);
  const outcomes = await put(cleared, (some) => operation.run(some, context), troubles);
  const ran: Story[] = [];
  for (const story of stories) {
    const outcome = outcomes.get(story.call.id);
    if (outcome?.status === "failed") troubles.push(outcome.error);
    const call = outcome?.status === "pending" ? { ...story.call, reference: outcome.reference } : story.call;
    const records = await recordsOf(outcome, troubles);
    // An export that breaks off has no outcome.
    const told = records === "broken off" ? undefined : outcome;
    ran.push({
      ...withAnswer({ ...story, call }, "outcome", told),
      ...(records === undefined || records === "broken off" ? {} : { records }),
    });
  }
  return ran;
}

async function recordsOf(
  outcome: Outcome | undefined,
  troubles: unknown[],
): Promise<readonly ExportedRecord[] | "broken off" | undefined> {
  if (outcome?.status !== "done" || !("records" in outcome) || outcome.records === undefined)
    return undefined;
  try {
    const records: ExportedRecord[] = [];
    for await (const record of outcome.records) records.push(record);
    return records;
  } catch (error) {
    troubles.push(error);
    return "broken off";
  }
}

function fails(): never {
  throw new TypeError("The operation lost one of its questions.");
}
