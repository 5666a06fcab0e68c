import { HeedError } from "../errors/heed-error.ts";

/** More often than anybody is linked, erased or moved on while one call runs. */
const mostRounds = 8;

/**
 * Who is concerned is found first and locked then, and may have become another in between: looks again until not.
 *
 * @param attempt answers `"moved"` when it was so, with nothing written
 * @throws HeedError `busy`
 */
export async function untilStill<T>(
  what: "subject" | "request" | "step" | "message",
  attempt: () => Promise<T | "moved">,
): Promise<T> {
  for (let round = 0; round < mostRounds; round += 1) {
    const answer = await attempt();
    if (answer !== "moved") return answer;
  }
  throw new HeedError(`The ${what} kept changing under this call. Try it again.`, { code: "busy" });
}
