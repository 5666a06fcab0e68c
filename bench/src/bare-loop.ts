// The bare HTTP loop: so many calls, so many at a time. Arguments: the vendor's URL, calls, concurrency.
import { vendorCall } from "./vendor-call.ts";

const [url = "", calls = "0", concurrency = "1"] = process.argv.slice(2);
const count = Number(calls);

async function loop(upTo: number): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < upTo) {
      next += 1;
      await vendorCall(url, `call-${next}`);
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, one));
}

await loop(count / 10); // Connections and the compiler are warm.
const cpu = process.cpuUsage();
const began = performance.now();
await loop(count);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ perSecond: count / seconds, cpuMicros: (user + system) / count }));
