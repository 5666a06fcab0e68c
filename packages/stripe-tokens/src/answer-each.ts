import { type Answers, ProcessorError } from "@heed/core/contract";

/**
 * Asks for each call of a batch by itself, all at once: the turns set the pace. A call that Stripe fails is
 * left out, so that nothing is known about it and the others keep their answers; when none was answered the
 * first failure is thrown, so that the engine learns why. Anything but a failed call (a lost lease) concerns
 * the whole batch and is thrown, when nothing runs on behind it.
 */
export async function answerEach<C extends { readonly id: string }, T>(
  calls: readonly C[],
  one: (call: C) => Promise<T>,
): Promise<Answers<T>> {
  const answers = new Map<string, T>();
  const failures: unknown[] = [];
  await Promise.all(
    calls.map(async (call) => {
      try {
        answers.set(call.id, await one(call));
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  const beyond = failures.find((error) => !(error instanceof ProcessorError));
  if (beyond !== undefined) throw beyond;
  if (answers.size === 0 && failures.length > 0) throw failures[0];
  return answers;
}
