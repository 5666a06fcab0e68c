export { heed } from "../durable/heed.config.ts";

// What an application opens besides, and nobody closes: a client of a cache, say.
setInterval(() => {}, 60_000);
