// Reads a manifest, makes the bodies of its rows, and sends them by undici: one pool, no pipelining, one loop for each slot.
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { Pool } from "undici";

const [url, manifest, operationsFile, inFlight] = process.argv.slice(2);
const operations = JSON.parse(readFileSync(operationsFile, "utf8"));
const [header, ...rows] = parse(readFileSync(manifest, "utf8"));

function typed(cell) {
  if (cell === "<null>") return null;
  if (cell === "true") return true;
  if (cell === "false") return false;
  return /^-?\d+$/.test(cell) ? Number(cell) : cell;
}

// The operation, the path inside its settings, and how a cell is read.
const columns = header.slice(1).map((name) => {
  const [path, operation = "envoy"] = name.split(":").reverse();
  const parents = path.split(".");
  const member = parents.pop();
  return { operation, parents, member, read: path.endsWith("List") ? (cell) => cell.split(";") : typed };
});

function* requests() {
  for (const [org, ...cells] of rows) {
    const settings = {};
    cells.forEach((cell, place) => {
      if (cell === "") return;
      const { operation, parents, member, read } = columns[place];
      let at = (settings[operation] ??= {});
      for (const parent of parents) at = at[parent] ??= {};
      at[member] = read(cell);
    });
    for (const [operation, values] of Object.entries(settings)) {
      const { path, wrap } = operations[operation];
      yield { org, path, body: JSON.stringify({ [wrap]: values }) };
    }
  }
}

const pool = new Pool(url, { connections: Number(inFlight), pipelining: 1 });
const work = requests();
let failed = 0;

async function slot() {
  for (let next = work.next(); !next.done; next = work.next()) {
    const { org, path, body } = next.value;
    const reply = await pool.request({
      path,
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
