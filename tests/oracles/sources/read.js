// Reads mail with imapflow: node read.js OPTIONS, the client's as JSON, with what it does with its `client` on standard
// input, as JavaScript; what that returns is printed as JSON.
const { readFileSync } = require("node:fs");
const { ImapFlow } = require("imapflow");

const AsyncFunction = (async () => {}).constructor;

async function read(options, does) {
  const client = new ImapFlow({ secure: true, logger: false, ...options });
  await client.connect();
  const found = await new AsyncFunction("client", does)(client);
  await client.logout();
  console.log(JSON.stringify(found, plain));
}

// Sets, maps and large numbers as JSON has them.
function plain(_key, value) {
  if (typeof value === "bigint") return String(value);
  return value instanceof Set || value instanceof Map ? [...value] : value;
}

read(JSON.parse(process.argv[2]), readFileSync(0, "utf8")).catch((error) => {
  console.error(error.responseText ?? error.stack);
  process.exitCode = 1;
});
