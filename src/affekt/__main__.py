"""`python -m affekt`, which `torchrun -m affekt train` needs."""

from affekt.cli import main

if __name__ == "__main__":
    main()
