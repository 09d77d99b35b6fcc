// Sends a mail with nodemailer, which looks the host up by Node's own resolver: node send.js RECIPIENT may|verify
const { resolveMx } = require("node:dns/promises");
const nodemailer = require("nodemailer");

async function send(recipient, verify) {
  const found = await resolveMx(recipient.split("@")[1]);
  const [best] = found.sort((one, other) => one.priority - other.priority);
  const transport = nodemailer.createTransport({
    host: best.exchange,
    port: 25,
    name: "app.sender.example",
    requireTLS: verify,
    ignoreTLS: !verify,
  });
  await transport.sendMail({ from: "bob@app.example", to: recipient, subject: "hi", text: "hello" });
}

send(process.argv[2], process.argv[3] === "verify").catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
