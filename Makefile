# make quickstart   winning tickets on MNIST, in minutes; DATA=fashion_mnist
# make test         the quick tests
# make check        those, and everything that is slower
# make api          the reference of all modules, in build/api
# make notebooks    the notebooks at full size, and their exercises: ten minutes
# make bench        speed and memory
# make replicate    the paper's whole study: hours; FLAGS="--parts=[tickets]" for less
# Each sets up what it needs in .venv.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
TRIALS := 3
DATA := mnist
OTHER := $(filter-out mnist,$(DATA))
QUICKSTART := experiments/quickstart$(OTHER:%=_%)

# The paper's recipe in rounds of three and a half of the paper's, which meet the
# levels that its figures label: 45.9, 21.1, 9.7 and 4.5% of the weights remain.
QUICK := --experiment_path=$(QUICKSTART) --trials=$(TRIALS) \
  --iterations=4 --training_len=iterations,10000 \
  --prune_percents={'layer0':.542,'layer1':.542,'layer2':.308} \
  $(OTHER:%=--mnist_location=data/%)

.DELETE_ON_ERROR:
.PHONY: quickstart test slow-test lint types imports wheel wheel-installs api \
  check bench notebooks replicate clean

quickstart: $(INSTALLED)
	@echo '1/3  $(DATA)'
	@$(RUN) mnist_fc/download_data.py --datasets=$(DATA) $(OTHER:%=--location=data/%)
	@echo '2/3  Winning tickets: $(TRIALS) networks, trained and pruned 4 times;'
	@echo '     then the same tickets with new random initial weights'
	@$(RUN) argfile_runner.py \
	  runners/lottery_experiment.py \
	  "argfiles/lottery_experiment_argfile.py $(QUICK)" \
	  runners/reinitialize.py \
	  "argfiles/reinitialize_argfile.py $(QUICK) --levels=[1,2,3,4] \
	  --reinitializations=1"
	@echo '3/3  Results'
	@$(RUN) mnist_fc/runners/report.py --experiment_path=$(QUICKSTART)
	@$(RUN) mnist_fc/runners/summarize.py --experiment_path=$(QUICKSTART)

replicate: $(INSTALLED)
	@$(RUN) mnist_fc/download_data.py --datasets=mnist
	@$(RUN) mnist_fc/runners/replicate.py $(FLAGS)

test: $(INSTALLED)
	$(RUN) -m pytest -q -n auto --dist=loadfile -m 'not slow'

check: test slow-test lint types imports wheel api

slow-test: $(INSTALLED)
	$(RUN) -m pytest -q -n auto --dist=loadfile -m slow

lint: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m check_jsonschema --builtin-schema=vendor.github-workflows \
	  .github/workflows/check.yml

# Types and imports are checked where the modules have their real names: in
# the wheel, installed aside.
types: build/wheel
	cd build/wheel && ../../$(RUN) -m mypy --config-file=../../pyproject.toml \
	  -p lottery_ticket

imports: build/wheel
	cd build/wheel && ../../$(VENV)/bin/lint-imports \
	  --config=../../pyproject.toml --no-cache

wheel: build/wheel
	$(RUN) tests/wheel_check.py build/wheel

# The wheel in a fresh environment of each Python at hand; takes minutes.
PYTHONS ?= $(foreach v,10 11 12 13,$(shell python3.$(v) -c \
  'import sys; print(sys.executable)' 2>/dev/null))

wheel-installs: build/wheel
	for python in $(PYTHONS); do \
	  rm -rf build/fresh && $$python -m venv build/fresh \
	  && build/fresh/bin/pip install -q "$$(ls build/dist/*.whl)[analysis]" \
	  && build/fresh/bin/python tests/wheel_check.py || exit 1; \
	done
	rm -rf build/fresh

api: build/wheel
	cd build/wheel && TF_CPP_MIN_LOG_LEVEL=3 ../../$(RUN) -m pdoc \
	  --docformat=google --output-directory=../api lottery_ticket

build/wheel: $(INSTALLED) $(shell git ls-files '*.py' 2>/dev/null)
	rm -rf build/wheel build/lib build/dist
	$(RUN) -m pip wheel --quiet --no-deps --wheel-dir=build/dist .
	$(RUN) -m pip install --quiet --no-deps --target=build/wheel build/dist/*.whl
	@touch $@

notebooks: $(INSTALLED)
	@$(RUN) mnist_fc/download_data.py --datasets=mnist
	LOTTERY_TICKET_NOTEBOOK_SIZE=full $(RUN) -m pytest -q --durations=2 \
	  tests/notebooks_test.py

bench: $(INSTALLED)
	@$(RUN) mnist_fc/download_data.py --datasets=mnist
	$(RUN) benchmarks/speed.py
	$(RUN) benchmarks/sparse.py
	$(RUN) benchmarks/convolutions.py
	$(RUN) benchmarks/many.py

$(INSTALLED): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo '$(PYTHON): wanted Python 3.10 to 3.13; try make PYTHON=python3.12'; exit 1; }
	@echo 'Setting up $(VENV): some minutes, once'
	@$(PYTHON) -m venv $(VENV) || \
	  { echo '$(PYTHON) has no venv; on Debian: apt-get install python3-venv'; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf build dist $(VENV) *.egg-info
