import type { TopicClass } from "@heed/core/contract";
import type { PerStream } from "./options.ts";

/** Mail that people can be rid of, and mail that they cannot: told apart, as mailbox providers ask. */
export type Stream = "marketing" | "other";

export const streamOf = (topicClass: TopicClass): Stream =>
  topicClass === "marketing" ? "marketing" : "other";

/** Each stream's own, or the one that both share. */
export function eachStream<T extends string | object>(value: PerStream<T>): Readonly<Record<Stream, T>> {
  if (isApart(value)) return value;
  return { marketing: value, other: value };
}

function isApart<T extends string | object>(
  value: T | { readonly marketing: T; readonly other: T },
): value is { readonly marketing: T; readonly other: T } {
  return typeof value === "object" && "marketing" in value;
}
