"""Pages of docs/reference/, written from the code that they describe: `just reference`. A test holds each against it."""
