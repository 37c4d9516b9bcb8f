"""The script that d2k and the real engine both run, and the differences that are known."""
