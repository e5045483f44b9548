"""The sections of docs/reproduction.md, each from the stored figures of all tasks."""
