// Works until it is killed. Arguments: file, keys, the vendor's URL.
import { crashHeed } from "./crash-heed.ts";

const [file = "", keys = "", url = ""] = process.argv.slice(2);
const { heed } = crashHeed(file, keys, url);
heed.on("work.failed", ({ error }) => console.error(error));
heed.work.start();
console.log("working");
