import { describeProcessor, type Asked, type CannotShow } from "@heed/testing";
import { mailWorld } from "../test/mail-world.ts";

type World = Awaited<ReturnType<typeof mailWorld>>;

async function isDone({ heed, waiting }: World, email: string, asked: Asked): Promise<boolean> {
  const left = await waiting(email);
  if (asked.operation !== "unsubscribe")
    return left.length === 0 && (await heed.messages.sent({ email })).length === 0;
  const { topics } = asked.input;
  return left.every((topic) =>
    topics === "all" ? topic !== "product-news" && topic !== "offers" : !topics.includes(topic),
  );
}

const noWire =
  "Send log and queue are heed's and the mailer's own, in this process: nothing is asked over a network.";

/** What they are about is shown in mail-processor.test.ts, as far as it can happen here: a log that fails, or lies. */
const ofTheWire: readonly CannotShow["case"][] = [
  "does not believe an answer that says done when nothing was done",
  "sends no write in a second run",
  "works through every page of a set, also while it shrinks",
  "gives each call of a batch its own outcome when one is refused",
  "reads answers by what they are about, in whatever order they come",
  "takes what a partial answer leaves out for unknown",
  "takes a turn before every request, and none besides",
  "makes no request where the turn is refused",
  "is refused on 401",
  "is refused on 403",
  "takes a missing scope for a refusal, never for success",
  "takes an unknown URL for a missing capability, never for success",
  "slows down on 429, for as long as Retry-After says",
  "slows down on 429 without Retry-After",
  "finds a failing vendor unavailable",
  "takes a cut connection for no answer",
  "takes a garbled answer for no answer",
  "believes no malformed answer",
  "says before anything is done which permission is missing",
  "has one effect when an answer was lost and it is asked again",
  "stops waiting when it is aborted",
  "asks nobody when it was aborted before",
  "knows nothing of a write that it no longer waits for, until it reads back",
  "says not yet while the vendor's reads lag, and as asked when they have caught up",
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes",
];

const cannot: readonly CannotShow[] = [
  ...ofTheWire.map((each) => ({ case: each, reason: noWire })),
  {
    case: "proves which account it is",
    reason: "There are no credentials, and so no account that they open.",
  },
  {
    case: "names the topics whose list the vendor does not know",
    reason: "A topic is bound to no list: the policy's own topics are all there is.",
  },
  {
    case: "reports what it retains, with reason and date",
    reason: "The send log is kept by the address, and an erasure leaves none.",
  },
];

describeProcessor({
  name: "mailer",
  async create() {
    const world = await mailWorld();
    return {
      processor: world.mail,
      world: {
        async add(email) {
          for (const topic of ["product-news", "welcome"] as const) await world.log(email, topic);
          for (const topic of ["product-news", "offers", "outages", "welcome"] as const)
            await world.queue(email, topic);
        },
        isDone: (email, asked) => isDone(world, email, asked),
        async snapshot(email) {
          const held = [await world.heed.messages.sent({ email }), await world.waiting(email)];
          return held.flat().length === 0 ? "" : JSON.stringify(held);
        },
        twin: (email) => world.queue(email.toUpperCase(), "offers"),
        async alike(email) {
          const other = `x${email}`;
          await world.log(other, "welcome");
          await world.queue(other, "product-news");
          return other;
        },
        facts: () => ["product-news", "marketing", "welcome", "transactional", "accepted"],
      },
      close: () => world.close(),
    };
  },
  cannot,
});
