// Starts a Postfix, says where it is, and does nothing until it is killed.
import { startPostfix } from "./postfix.ts";

const { port, directory } = await startPostfix({});
console.log(JSON.stringify({ port, directory }));
setInterval(() => {}, 1_000);
