# What a developer runs; the package itself is built by debian/rules.
# Every target installs with apt what it needs and the machine does not have. What Debian does not have is fetched from
# PyPI once: vermin and SARIF's schema for check, axe-core, meson and atheris for other targets.

PYTHON = /usr/bin/python3

.PHONY: check-upstream check-fresh check-browser fuzz kill help check lint man check-qemu check-package check-builder demo bench clean

help:
	@echo 'make check          the fast tests (no QEMU is built), then mypy, and no newer Python needed'
	@echo 'make man            the parts of man/ that are made from the manifest'\''s table'
	@echo 'make check-qemu     the tests on real QEMU: fetches and builds 7.2, 10.0 and 10.2'
	@echo 'make check-upstream TREE=QEMU-SOURCE [BUILD=FOLDER]   a newer QEMU: hooks, generation, search; its binaries'
	@echo 'make check-browser  the report in a real browser: valid, accessible, nothing cut off'
	@echo 'make check-package  builds packages that use it, and itself in clean chroots, with its tests and lintian'
	@echo 'make check-builder  builds Debian'\''s QEMU 10.0 with machine types in a chroot, as a builder does (root)'
	@echo 'make check-fresh    demo and check on a bare Debian 12, in a chroot with an empty cache (root)'
	@echo 'make demo           the whole way once, on Debian'\''s QEMU 7.2'
	@echo 'make fuzz           every input mutated 200,000 times, by what reaches new code'
	@echo 'make kill           500 runs, each killed at another moment, and a disk that is full'
	@echo 'make bench          what a build step costs, beside what a build has anyway'
	@echo 'make clean          remove what the tests left in this folder'

# The tests first: what they say need not wait for a linter that has to be fetched.
check:
	tests/install-needed check
	$(PYTHON) -m pytest -n auto -m 'not qemu and not package and not root and not browser'
	$(MAKE) lint

# Dash has "local" (Debian Policy 10.4); the strings in single quotes are for another shell.
SHELLCHECK = --exclude=SC1091,SC2016,SC3043

lint:
	tests/install-needed check
	$(PYTHON) -m mypy --strict lib man/generate
	tests/oldest-python
	grep -rlI '^#!/bin/sh' --exclude='*.py' .ci debian tests | xargs shellcheck $(SHELLCHECK)

man:
	tests/install-needed check
	$(PYTHON) man/generate

check-qemu:
	tests/install-needed qemu
	$(PYTHON) -m pytest -m qemu -s tests/qemu

# On a QEMU that is newer than what is known; not in CI, because what is found wants a person (CONTRIBUTING.md). BUILD is
# a folder with binaries of what it prepared in a first run.
check-upstream:
	@[ -n '$(TREE)' ] || { echo 'usage: make check-upstream TREE=QEMU-SOURCE [BUILD=FOLDER]' >&2; exit 2; }
	tests/install-needed qemu
	tests/qemu/upstream '$(TREE)' $(if $(BUILD),'$(BUILD)')

check-browser:
	tests/install-needed browser
	$(PYTHON) -m pytest -s -m browser tests/browser

# Before a release: make check-package SUITES='bookworm trixie sid'
SUITES = bookworm trixie
check-package:
	tests/install-needed package
	QEMU_MACHINES_ALL_TESTS=1 $(PYTHON) -m pytest -m package
	tests/chroot $(SUITES)

check-builder:
	tests/qemu/builder

# By hand, the other targets, for example: make check-fresh FRESH=bench
FRESH = demo check
check-fresh:
	tests/fresh $(FRESH)

demo:
	tests/qemu/demo

# About two hours and a half of one core; FUZZ=1000 is for a first look.
FUZZ = 200000
fuzz:
	tests/install-needed fuzz
	for target in $$($(PYTHON) -c 'import sys; sys.path.insert(0, "tests/fuzz"); import targets; print(*targets.TARGETS)'); do \
		tests/fuzz/run $$target $(FUZZ) || exit 1; \
	done

# Alone, because what kills a run at a random moment wants a quiet machine.
kill:
	tests/install-needed check
	KILL_RUNS=500 $(PYTHON) -m pytest -s -m 'root or not root' tests/test_writing.py

bench:
	tests/install-needed bench
	tests/bench/run

clean:
	rm -rf .mypy_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
