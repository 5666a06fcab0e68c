import type { MailedRight } from "./inbox-heed.ts";
import type { Duty, Settings } from "./inbox-options.ts";
import { listSaid, readIntents } from "./read-intents.ts";
import type { Intent } from "./words.ts";
import type { Written } from "./written.ts";

/** What a mail asks for. */
export interface Wishes<T extends string, P extends string, R extends string> {
  readonly unsubscribe: readonly (T | "all")[];
  readonly withdraw: readonly P[];
  readonly exercise: readonly MailedRight<R>[];
  readonly language: string | undefined;
}

/** What the addresses that a mail was sent to, and its words, make of it. */
export function wishesOf<T extends string, P extends string, R extends string>(
  written: Written,
  duties: readonly Duty<T, P, R>[],
  { words, lists = [], purposes }: Pick<Settings<T, P, R>, "words" | "lists" | "purposes">,
): Wishes<T, P, R> {
  const { wishes, language } = readIntents(written, words);
  const unsubscribe = new Set<T | "all">();
  const withdraw = new Set<P>();
  const exercise = new Map<string, MailedRight<R>>();
  const ask = (right: MailedRight<R>): unknown => exercise.set(JSON.stringify(right), right);

  for (const duty of duties) {
    if (typeof duty === "object") {
      if ("unsubscribe" in duty) unsubscribe.add(duty.unsubscribe);
      else if ("withdraw" in duty) withdraw.add(duty.withdraw);
      else ask(duty);
      continue;
    }
    // An empty mail to where one unsubscribes says what it says.
    const saysNothing = written.isEmpty && duty !== "rights";
    if (wishes.includes("unsubscribe") || saysNothing) {
      const named = listSaid(written, lists);
      unsubscribe.add(duty === "unsubscribe-all" ? "all" : (named ?? "all"));
    }
    if (wishes.includes("withdrawal")) {
      unsubscribe.add("all");
      for (const purpose of purposes) withdraw.add(purpose);
    }
    for (const intent of wishes.filter(isForPeople)) {
      ask(intent === "erasure" ? { right: intent } : { right: "inquiry", about: intent });
    }
    if (wishes.length === 0 && duty === "rights") ask({ right: "inquiry" });
  }
  return {
    // All is every list.
    unsubscribe: unsubscribe.has("all") ? ["all"] : [...unsubscribe],
    withdraw: [...withdraw],
    exercise: [...exercise.values()],
    language,
  };
}

const isForPeople = (intent: Intent): boolean => intent !== "unsubscribe" && intent !== "withdrawal";
