import type { Answers } from "@heed/core/contract";

/** Calls under way at once: enough for HubSpot's highest limit, 25 a second, also at a second an answer. */
const lanes = 32;

/**
 * Asks for each call of a batch by itself, a few at once; turns set the pace. After the first throw no
 * further call is begun: those answered keep their answers and the rest stay unknown. When none was answered
 * the throw fails the batch, so that the engine learns why.
 */
export async function answerEach<C extends { readonly id: string }, T>(
  calls: readonly C[],
  one: (call: C) => Promise<T>,
): Promise<Answers<T>> {
  const answers = new Map<string, T>();
  const failures: unknown[] = [];
  // All lanes draw from one iterator, so that each call is taken once.
  const waiting = calls.values();
  async function lane(): Promise<void> {
    for (const call of waiting) {
      if (failures.length > 0) return;
      try {
        answers.set(call.id, await one(call));
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));
  if (answers.size === 0 && failures.length > 0) throw failures[0];
  return answers;
}
