# Grading once more, as on a machine without bubblewrap, and then without warm processes too; and small changes of the
# reference answers: do the judges see them? (a third of the stages each day.) Each with one core: make -j2 takes two.
# BARE: a folder with every command that is here, but not bubblewrap
export OMP_NUM_THREADS := 1
PYTEST := .venv/bin/python -m pytest
.PHONY: all bare cold-agreement cold-workers mutants

all: cold-agreement bare cold-workers mutants

bare:
	PATH="$(BARE)" $(PYTEST) tests/test_executing.py

cold-agreement:
	LABKIT_COLD=1 PATH="$(BARE)" $(PYTEST) tests/test_agreement.py

cold-workers:
	LABKIT_COLD=1 PATH="$(BARE)" $(PYTEST) tests/test_workers.py

mutants:
	.venv/bin/python benchmarks/mutants.py --turn --check --jobs 1
