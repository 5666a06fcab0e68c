import { isHeedError, type Heed, type Restored } from "@heed/core";
import { counted } from "./amounts.ts";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import { progressOn } from "./progress.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

const flag = { type: "boolean", default: false } as const;

/**
 * `heed restore`: replays into a restored database what its journal has and it has not. May be interrupted and
 * called again. Ends with 1 while the database is held.
 */
export async function restore(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(
    args,
    { ...configured, "dry-run": flag, "accept-loss": flag },
    "heed restore takes --config, --dry-run and --accept-loss, and nothing else.",
  );
  const say = (line: string) => terminal.stdout.write(`${line}\n`);
  const isDry = values["dry-run"];
  return withHeed(values.config, async (heed) => {
    const before = await stateOf(heed);
    if (before === "level") {
      say("nothing to restore: the database has all that its journal has");
      return 0;
    }
    const progress = progressOn(terminal);
    const restored = await heed
      .restore({
        dryRun: isDry,
        acceptLoss: values["accept-loss"],
        onProgress: ({ done, of }) => progress.tell(`replayed ${done} of ${counted(of, "record")}`),
      })
      .finally(() => progress.end());
    if (before === "journal-missing") {
      say(
        isDry
          ? "would begin a new journal; what the old one had beyond this database stays lost"
          : "began a new journal; what the old one had beyond this database is lost",
      );
    } else if (before === "journal-compacted" && isDry)
      say("would go on without what was left out of the journal, and replay the rest");
    else say(`${isDry ? "would replay" : "replayed"} ${replayed(restored)}`);
    const { unknownErasures } = restored;
    if (unknownErasures > 0)
      say(
        `${counted(unknownErasures, "erasure is", "erasures are")} of people whom this back-up does not know: where your own tables were put back too, look for them there with suppression.check`,
      );
    if (isDry) return 0;
    if ((await heed.journal.state()).state === "level") {
      say("the database is let go: heed work carries out what follows from it");
      return 0;
    }
    say("the database is still held: run heed restore for each controller that shares it");
    return 1;
  });
}

/** Where the journal stands. One that is missing or too short, the restoration refuses, unless that was accepted. */
async function stateOf(
  heed: Heed,
): Promise<"level" | "restore-needed" | "journal-missing" | "journal-compacted"> {
  try {
    return (await heed.journal.state()).state;
  } catch (error) {
    const code = isHeedError(error) ? error.code : undefined;
    if (code === "journal-missing" || code === "journal-compacted") return code;
    throw error;
  }
}

function replayed({ records, choices, requests, erasures }: Restored): string {
  const parts = [
    counted(choices, "choice"),
    counted(requests, "request"),
    counted(erasures, "ended erasure"),
  ];
  return `${counted(records, "record")} of the journal, ${parts.slice(0, -1).join(", ")} and ${parts.at(-1)} among them`;
}
