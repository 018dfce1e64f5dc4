// All requests of a file by undici: one pool, no pipelining, one loop for each slot.
import { readFileSync } from "node:fs";
import { Pool } from "undici";

const [url, file, orgs, inFlight] = process.argv.slice(2);
const target = new URL(url);
const requests = readFileSync(file, "utf8").split("\n", Number(orgs)).map((line) => line.split("\t", 2));
const pool = new Pool(target.origin, { connections: Number(inFlight), pipelining: 1 });
let next = 0;
let failed = 0;

async function slot() {
  while (next < requests.length) {
    const [org, body] = requests[next++];
    const reply = await pool.request({
      path: target.pathname,
      method: "POST",
      headers: {
        "x-auth-scheme": "partner-api-token",
        "x-auth-apikey": "sandbox",
        "x-auth-org": org,
        "content-type": "application/json",
      },
      body,
    });
    await reply.body.dump();
    if (reply.statusCode !== 200) failed += 1;
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, slot));
await pool.close();
process.exit(failed ? 1 : 0);
