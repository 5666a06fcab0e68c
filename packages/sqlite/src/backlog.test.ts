import { describeBacklog } from "@heed/testing/private";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

describeBacklog({ name: "sqlite", create: () => sqlite(temporaryFile()) });
