"""`python -m d2k` is the console command `d2k`."""

from d2k.cli import main

if __name__ == "__main__":
    main()
