"""The places at which an application can die, and its death there: by SIGKILL, or by an exception."""
