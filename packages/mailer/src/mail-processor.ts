import {
  each,
  parseIdentifier,
  type Call,
  type InputOf,
  type Messages,
  type Operation,
  type ProcessorV1,
  type TopicClass,
} from "@heed/core/contract";
import type { MailQueue } from "./mail-queue.ts";

/** What {@link mailProcessor} needs before there is a heed. */
export interface MailProcessorOptions<Topic extends string = string> {
  /** The policy that heed goes by: which topics there are, and which of them "all" is about. */
  readonly policy: {
    readonly topics: { readonly [T in Topic]: { readonly class: TopicClass } };
  };
  /** Tells two mailers apart in evidence. Default `"mailer"`. */
  readonly account?: string;
}

/** What it works on. */
export interface MailProcessorParts {
  /** `heed.messages`: the send log, with the tags that bounces come back by. */
  readonly messages: Pick<Messages, "sent" | "forget">;
  /**
   * The mailer of this process, if it has one. What waits in another process needs no telling: it asks for its permit when
   * its turn comes, and gets none.
   */
  readonly mailer?: { readonly queue: MailQueue };
}

/** The mailer as one of heed's processors. */
export interface MailProcessor<Topic extends string = string> extends ProcessorV1<"email", Topic, never> {
  /**
   * Call it once there are both: heed needs its processors first, and a mailer needs heed's permits.
   *
   * @throws TypeError when it is passed something else
   */
  connect(parts: MailProcessorParts): void;
}

/**
 * The mailer as a processor: an unsubscribe takes what waits for the person out of the queue; an erasure also forgets what
 * was sent to them, and with it how bounces would find them; an export tells what kinds of messages they were sent
 * (category `sent-messages`), and not what those said. Each is read back.
 *
 * @example
 * const mail = mailProcessor({ policy });
 * const heed = createHeed({ policy, storage, keys, processors: { mail } });
 * const mailer = createMailer({ permits: heed.permits, transport, from, dkim, unsubscribe });
 * mail.connect({ messages: heed.messages, mailer });
 */
export function mailProcessor<Topic extends string>(
  options: MailProcessorOptions<Topic>,
): MailProcessor<Topic> {
  const { account = "mailer" } = options;
  const topics: Readonly<Record<string, { readonly class: TopicClass }>> = options.policy.topics;
  let connected: MailProcessorParts | undefined;
  const parts = (): MailProcessorParts => {
    if (connected === undefined)
      throw new TypeError(
        "mailProcessor is not connected: call connect({ messages: heed.messages, mailer })",
      );
    return connected;
  };
  const sent = async (call: Call) => {
    const logs = await Promise.all(addressesOf(call).map((email) => parts().messages.sent({ email })));
    return logs.flat();
  };
  const inQueue = (call: Call, what: "waiting" | "drop", of?: readonly string[]): number =>
    addressesOf(call).reduce((sum, email) => sum + (parts().mailer?.queue[what](email, of) ?? 0), 0);
  /** Nobody unsubscribes from their invoices. */
  const named = ({ topics: given }: InputOf["unsubscribe"]): readonly string[] =>
    given === "all" ? Object.keys(topics).filter((topic) => topics[topic]?.class === "marketing") : given;

  const unsubscribe: Operation<"unsubscribe", "email", never> = {
    batchSize,
    repeat: "safe",
    settlingMs: 0,
    run: each(async (call) => {
      const affected = inQueue(call, "drop", named(call.input));
      if (affected > 0 || (await sent(call)).length > 0) return { status: "done", affected };
      return { status: "absent" };
    }),
    verify: each(async (call) => {
      const of = named(call.input);
      const open = (await sent(call)).filter(
        ({ topic, handedOver, outcome }) => of.includes(topic) && !handedOver && outcome === undefined,
      );
      return { seen: open.length + inQueue(call, "waiting", of) === 0 ? "as-asked" : "not-as-asked" };
    }),
  };

  const erase: Operation<"erase", "email", never> = {
    batchSize,
    repeat: "safe",
    settlingMs: 0,
    // As many as there were messages.
    matches: "several",
    effects: ["irreversible"],
    run: each(async (call, context) => {
      await context.proceed?.();
      let affected = inQueue(call, "drop");
      for (const email of addressesOf(call)) affected += (await parts().messages.forget({ email })).forgotten;
      return affected === 0 ? { status: "absent" } : { status: "done", affected };
    }),
    verify: each(async (call) => {
      const left = (await sent(call)).length + inQueue(call, "waiting");
      return { seen: left === 0 ? "as-asked" : "not-as-asked" };
    }),
  };

  const tell: Operation<"export", "email", never> = {
    batchSize,
    repeat: "safe",
    settlingMs: 0,
    run: each(async (call) => {
      const log = await sent(call);
      if (log.length === 0) return { status: "absent" };
      const records = log.map(({ topic, class: topicClass, at, outcome }) => ({
        category: "sent-messages",
        data: { topic, class: topicClass, at, ...(outcome === undefined ? {} : { outcome }) },
      }));
      return { status: "done", records };
    }),
    verify: { acknowledgedOnly: "an export changes nothing that could be read back" },
  };

  return {
    specificationVersion: "v1",
    name: "mailer",
    account,
    identifiers: { email: /@/ },
    topics: options.policy.topics,
    limits: {},
    operations: { unsubscribe, erase, export: tell },
    async check() {
      parts();
      return { account, lacks: [], unknownTopics: [] };
    },
    connect(given) {
      const { messages, mailer } = given ?? {};
      const isMailer = mailer === undefined || typeof mailer.queue?.drop === "function";
      if (typeof messages?.sent !== "function" || !isMailer)
        throw new TypeError(
          "connect() takes { messages: heed.messages, mailer }, a mailer of createMailer()",
        );
      connected = given;
    },
  };
}

/** People in one transaction's worth of work: nothing here is slow. */
const batchSize = 20;

/** The addresses of a call, each once, however often it is spelled. */
function addressesOf({ identifiers }: Pick<Call, "identifiers">): readonly string[] {
  const own = identifiers.filter(({ kind }) => kind === "email");
  return [...new Map(own.map(({ value }) => [parseIdentifier("email", value).canonical, value])).values()];
}
