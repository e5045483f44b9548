"""The four ways to pretrain a student, compared under one budget (docs/results.md)."""
