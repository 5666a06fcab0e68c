// Starts a server, says where it is, and does nothing until it is killed.
import { startPostgres } from "./start-postgres.ts";

const { url, directory } = await startPostgres();
console.log(JSON.stringify({ url, directory }));
setInterval(() => {}, 1_000);
