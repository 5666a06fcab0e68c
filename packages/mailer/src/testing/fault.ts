/** The points of an SMTP session at which something can go wrong. */
export type Stage =
  /** Instead of the greeting. */
  | "connect"
  | "ehlo"
  | "starttls"
  | "auth"
  | "mail"
  | "rcpt"
  | "rset"
  /** Instead of the 354 that lets the message come. */
  | "data"
  /** After the first line of the message, which the server then does not get. */
  | "content"
  /** After the whole message. `drop` and `stall`: the server has it, and only its answer is lost. */
  | "final-dot";

/** What goes wrong, or what happens meanwhile. */
export interface Fault {
  readonly at: Stage;
  /**
   * `"drop"` closes the connection, `"stall"` says nothing more, anything else is the reply: `"550 5.1.1 No"`.
   * Default: the session goes on as if nothing had been.
   */
  readonly answer?: string;
  /** Something that happens in the world at this very moment: the session waits for it. */
  readonly meanwhile?: () => unknown;
  /** How often it happens. Default: always. */
  readonly times?: number;
  /** How many messages pass before it happens. Default: 0. */
  readonly afterMessages?: number;
}

/** Answers with what is to go wrong now, if anything, after what happens meanwhile. */
export type TakeFault = (
  at: Stage,
  wanted?: (answer: string | undefined) => boolean,
) => Promise<string | undefined>;

/**
 * Counts how often each fault has happened, over all connections.
 *
 * @param passed how many messages were answered with a yes that their client got
 */
export function countFaults(faults: readonly Fault[], passed: () => number): TakeFault {
  const left = faults.map(({ times = Infinity, afterMessages = 0, ...fault }) => ({
    ...fault,
    times,
    afterMessages,
  }));
  return async (at, wanted = () => true) => {
    const fault = left.find(
      (each) => each.at === at && each.times > 0 && passed() >= each.afterMessages && wanted(each.answer),
    );
    if (!fault) return undefined;
    fault.times -= 1;
    await fault.meanwhile?.();
    return fault.answer;
  };
}

/** True for the faults that are no reply. */
export const isSilent = (answer: string): boolean => answer === "drop" || answer === "stall";
