import { describeWebhooks } from "@heed/testing/private";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

describeWebhooks({
  name: "sqlite",
  async create() {
    const file = temporaryFile();
    return {
      storage: sqlite(file),
      traces: async (text) =>
        bytesOnDisk(file).toString("latin1").toLowerCase().includes(text.toLowerCase()) ? ["the file"] : [],
    };
  },
});
