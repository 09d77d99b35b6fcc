// Mails the jobs of a file: node worker.js JOBS.json
//
// A job is {"id", "to", "subject", "text", "state"}; its state is waiting, sent or failed, and `reason` has what the
// server said. What is put off stays waiting for the next run. Exits with 0, with 75 (EX_TEMPFAIL) if jobs are still
// waiting, or with 78 (EX_CONFIG) if the provider does not let the worker in.
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const nodemailer = require("nodemailer");

const EX_TEMPFAIL = 75;
const EX_CONFIG = 78;

class NotConfigured extends Error {}

const transport = nodemailer.createTransport({
  host: "smtp.mailgun.org",
  port: 587,
  requireTLS: true, // or nothing is sent: without it, nodemailer goes on in the clear where no TLS is offered
  auth: { user: process.env.MAILGUN_USER, pass: process.env.MAILGUN_PASSWORD },
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 60_000,
});

async function send(job) {
  try {
    await transport.sendMail({
      from: "Shop <orders@shop.example>",
      to: job.to,
      subject: job.subject,
      text: job.text,
      // The same at each try: who gets a mail twice sees that it is one.
      messageId: `<${job.id}@shop.example>`,
    });
    return { ...job, state: "sent", reason: "" };
  } catch (error) {
    const forGood = error.responseCode >= 500;
    if (forGood && error.code === "EAUTH") throw new NotConfigured(error.response);
    // A 502 to STARTTLS says nothing of the mail.
    const refused = forGood && ["EENVELOPE", "EMESSAGE"].includes(error.code);
    return { ...job, state: refused ? "failed" : "waiting", reason: error.response ?? error.message };
  }
}

function save(file, jobs) {
  writeFileSync(`${file}.new`, JSON.stringify(jobs));
  renameSync(`${file}.new`, file); // a worker that dies leaves the old file or the new one, and no half
}

async function work(file) {
  const jobs = JSON.parse(readFileSync(file, "utf8"));
  for (const [index, job] of jobs.entries()) {
    if (job.state !== "waiting") continue;
    jobs[index] = await send(job);
    save(file, jobs);
  }
  return jobs.some((job) => job.state === "waiting") ? EX_TEMPFAIL : 0;
}

work(process.argv[2]).then(
  (status) => (process.exitCode = status),
  (error) => {
    console.error(error instanceof NotConfigured ? `Mailgun does not let us in: ${error.message}` : error);
    process.exitCode = error instanceof NotConfigured ? EX_CONFIG : 1;
  },
);
