import type { Answers, Outcome } from "@heed/core/contract";
import type { lostAnswers } from "../../src/describe-processor/cases/lost-answers.ts";
import { type BrokenFor, done } from "./broken.ts";

export const lostAnswersBroken: BrokenFor<typeof lostAnswers> = {
  "has one effect when an answer was lost and it is asked again": [
    {
      that: "writes again what was written before the answer was lost",
      in: "unsubscribe",
      slip: ({ writesFor }) => ({
        writesFor: (call, person, context) =>
          writesFor(call, { ...person, lists: { news: true, offers: true } }, context),
      }),
    },
    {
      that: "sends a lost call again at once",
      in: "subscribe",
      slip: ({ ask }) => ({
        ask: (request, context, operation) =>
          ask(request, context, operation).catch((error: unknown) => {
            if ((error as Error).name !== "UnavailableError") throw error;
            return ask(request, context, operation);
          }),
      }),
    },
  ],
  "stops waiting when it is aborted": [
    {
      that: "waits for ever",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, { ...context, signal: new AbortController().signal, turn: context.turn }),
      }),
    },
  ],
  "asks nobody when it was aborted before": [
    {
      that: "calls although nobody waits",
      in: "erase",
      slip: ({ send }) => ({
        send: (request, context) =>
          send(request, {
            ...context,
            signal: context.signal.aborted ? new AbortController().signal : context.signal,
            turn: (...buckets) => context.turn(...buckets).catch(() => {}),
          }),
      }),
    },
  ],
  "knows nothing of a write that it no longer waits for, until it reads back": [
    {
      that: "says done of what it no longer waits for",
      in: "erase",
      slip: ({ runAll }) => ({
        runAll: (calls, context) =>
          runAll(calls, context).catch((error: unknown): Answers<Outcome> => {
            if (!context.signal.aborted) throw error;
            return new Map(calls.map(({ id }) => [id, done]));
          }),
      }),
    },
  ],
};
