import type {
  Call,
  CallContext,
  Finding,
  InputOf,
  Operation,
  OperationName,
  Outcome,
  ProcessorV1,
} from "@heed/core/contract";
import type { JudgedOperation } from "./world.ts";

/** A context that grants every turn at once, and counts them. */
export interface CountingContext extends CallContext {
  readonly turns: number;
}

export function countingContext(signal: AbortSignal = new AbortController().signal): CountingContext {
  let turns = 0;
  return {
    signal,
    now: () => new Date(),
    get turns() {
      return turns;
    },
    turn: async () => {
      signal.throwIfAborted();
      turns += 1;
    },
  };
}

type AnyOperation = Operation<OperationName, string, string>;

export function operationOf(processor: ProcessorV1, name: JudgedOperation): AnyOperation {
  const operation = processor.operations[name];
  if (operation === undefined) throw new TypeError(`The processor has no operation "${name}".`);
  return operation as unknown as AnyOperation;
}

function inputFor(processor: ProcessorV1, name: JudgedOperation): InputOf[OperationName] {
  if (name === "unsubscribe") return { topics: Object.keys(processor.topics) };
  if (name === "erase") return { suppress: false, keep: [] };
  return { endsPaidService: "refused", keep: [] };
}

/** The calls for some people, with unlike ids, so that a positional slip shows. */
export function callsFor(
  processor: ProcessorV1,
  name: JudgedOperation,
  emails: readonly string[],
  input = inputFor(processor, name),
): readonly Call[] {
  return emails.map((email, index) => ({
    id: `call-${emails.length - index}`,
    operation: name,
    input,
    identifiers: [{ kind: "email", value: email }],
    targets: [],
  }));
}

/** What each phase answered, by call id. */
export interface Carried {
  readonly calls: readonly Call[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly findings: ReadonlyMap<string, Finding>;
}

/** Resolve, guard, run and verify once each, as the engine does when all goes well. */
export async function carryOut(
  processor: ProcessorV1,
  name: JudgedOperation,
  calls: readonly Call[],
  context: CallContext = countingContext(),
): Promise<Carried> {
  const operation = operationOf(processor, name);
  const resolved = await resolve(operation, calls, context);
  const cleared = await clear(operation, resolved, context);
  const outcomes = cleared.length === 0 ? new Map<string, Outcome>() : await operation.run(cleared, context);
  return { calls: resolved, outcomes, findings: await readBack(processor, name, resolved, context) };
}

export async function resolve(
  operation: AnyOperation,
  calls: readonly Call[],
  context: CallContext,
): Promise<readonly Call[]> {
  if (operation.resolve === undefined) return calls;
  const found = await operation.resolve(calls, context);
  return calls.map((call) => ({
    ...call,
    targets: (found.get(call.id)?.targets ?? []).map(({ kind, id, within }) => ({
      kind,
      id,
      ...(within === undefined ? {} : { within }),
    })),
  }));
}

async function clear(
  operation: AnyOperation,
  calls: readonly Call[],
  context: CallContext,
): Promise<readonly Call[]> {
  if (operation.guard === undefined) return calls;
  const clearances = await operation.guard(calls, context);
  return calls.filter((call) => {
    const clearance = clearances.get(call.id);
    return clearance !== undefined && "clear" in clearance;
  });
}

/** Reads back; an operation that cannot be read back has no findings. */
export async function readBack(
  processor: ProcessorV1,
  name: JudgedOperation,
  calls: readonly Call[],
  context: CallContext,
): Promise<ReadonlyMap<string, Finding>> {
  const { verify } = operationOf(processor, name);
  return typeof verify === "function" ? verify(calls, context) : new Map();
}
