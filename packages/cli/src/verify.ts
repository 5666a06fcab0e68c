import { isHeedError, keyring } from "@heed/core";
import type { Checkpoint, PublicKeys, Receipt } from "@heed/core/evidence";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import { progressOn } from "./progress.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import { checkpointsIn, publicKeysIn, verifyFile, type VerifiedFile } from "./verify-file.ts";

const takes =
  "heed verify takes one file with --keys, or no file, then --config; --published with either; or --public-keys alone.";

/**
 * `heed verify`: checks the whole log in the storage; with a file, a receipt or an exported log, offline: no
 * configuration, no secret. Ends with 1 at the first thing that does not hold.
 */
export async function verify(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = optionsOf(
    args,
    {
      ...configured,
      keys: { type: "string" },
      published: { type: "string", multiple: true, default: [] },
      "public-keys": { type: "boolean", default: false },
    },
    takes,
    { atMost: 1 },
  );
  if (values["public-keys"]) {
    if (args.length > 1) throw new UsageError(takes);
    terminal.stdout.write(
      `${JSON.stringify(keyring(terminal.env["HEED_KEYS"]).publicKeys(), undefined, 2)}\n`,
    );
    return 0;
  }
  const [file] = positionals;
  // Without keys that were come by elsewhere, a file proves nothing.
  if (file !== undefined && (values.keys === undefined || values.config !== undefined))
    throw new UsageError(takes);
  const publicKeys = values.keys === undefined ? {} : await publicKeysIn(values.keys);
  const published = await checkpointsIn(values.published);
  try {
    const verified =
      file === undefined
        ? await verifyLive(values.config, { publicKeys, published }, terminal)
        : await verifyFile(file, publicKeys, published);
    terminal.stdout.write(textOf(verified));
    if (file === undefined && published.length === 0 && terminal.stderr.isTTY === true) {
      terminal.stderr.write(
        "\nWhether the end of the log was cut off is seen only against a checkpoint that was kept elsewhere: --published.\n",
      );
    }
    return 0;
  } catch (error) {
    if (!isHeedError(error) || error.name !== "TamperedEvidenceError") throw error;
    terminal.stdout.write(`NOT OK  ${error.code}\n        ${error.message}\n`);
    return 1;
  }
}

async function verifyLive(
  config: string | undefined,
  against: { readonly publicKeys: PublicKeys; readonly published: readonly Checkpoint[] },
  terminal: Terminal,
): Promise<VerifiedFile> {
  const progress = progressOn(terminal);
  const onProgress = ({ entries, of }: { readonly entries: number; readonly of: number }) =>
    progress.tell(`checked ${entries} of ${of} entries`);
  const checked = await withHeed(config, (heed) =>
    heed.evidence.verify({ ...against, onProgress }).finally(() => progress.end()),
  );
  return { checked };
}

function textOf({ checked, receipt }: VerifiedFile): string {
  const width = Math.max(...checked.map(({ what }) => what.length));
  const lines = checked.map(({ what, count }) => `ok      ${what.padEnd(width)}  ${count}`);
  return [...lines, ...(receipt === undefined ? [] : ["", ...receiptLines(receipt)]), ""].join("\n");
}

/** What a receipt states, once it was found to hold. */
function receiptLines({ summary, backups, checkpoint }: Receipt): readonly string[] {
  const { requestId, right, state, because, late, regime, identity, receivedAt, dueOn, closedAt } = summary;
  return [
    `request   ${requestId}`,
    `asked     ${right}, under ${regime}, identity ${identity}, received ${receivedAt}`,
    `ended     ${state}${because === undefined ? "" : ` (${because})`}, ${closedAt}, ${late ? "late: it was" : "in time:"} due ${dueOn}`,
    ...summary.retained.map(
      ({ processor, category, reason, until }) =>
        `kept      ${category} at ${processor}: ${reason}${until === undefined ? "" : `, until ${until}`}`,
    ),
    ...summary.purges.map(
      ({ processor, purgedBy }) => `purged    from the disks at ${processor} by ${purgedBy}`,
    ),
    ...(backups === null ? [] : [`back-ups  of before can be opened until ${backups.openUntil}`]),
    `log       ${checkpoint.namespace}, checkpoint ${checkpoint.seq} of ${checkpoint.at}, signed with key ${checkpoint.keyId}`,
  ];
}
