"""A test's own answers: `mailnet.gmail.on_rcpt(...).reply("550 ...")`."""
