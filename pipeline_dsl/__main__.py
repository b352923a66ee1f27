"""`python -m pipeline_dsl`: the same as `pdsl`."""

from pipeline_dsl.cli import main

if __name__ == "__main__":
    main()
