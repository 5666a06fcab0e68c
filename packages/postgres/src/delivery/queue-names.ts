/** Where jobs go whose worker died again and again. */
export const deadQueue = "heed.dead";

/** pg-boss takes letters, digits and `_ . - /` in a queue's name. `-` begins the byte of any other character. */
function encoded(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `-${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

function decoded(name: string): string {
  return decodeURIComponent(name.replaceAll("-", "%"));
}

/** The queue of one processor in one namespace: `heed/acme/crm`. */
export function queueOf(namespace: string, processor: string): string {
  return `heed/${encoded(namespace)}/${encoded(processor)}`;
}

/** The processor whose queue this is in the namespace; undefined when it is none of this namespace's. */
export function processorOf(namespace: string, queue: string): string | undefined {
  const prefix = queueOf(namespace, "");
  return queue.startsWith(prefix) ? decoded(queue.slice(prefix.length)) : undefined;
}
