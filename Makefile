# Needs Go; for measuring and training also a C compiler (cgo), and npm or
# network access to the npm registry for ONNX Runtime. Exploring works without.

GO          ?= go
BIN         := bin/binas-tui
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 1000x
# Of one package's tests: some take half a minute, and ten times that and more
# where others have the processors.
TIMEOUT     ?= 60m
BENCH       ?= .
PEERS       ?= ../peers

# Packages whose code or tests run at several places at once, for the race
# detector: found, so that none is forgotten when it moves.
CONCURRENT = $(shell grep -rlE --include=*.go --exclude-dir=e2e $(GOROUTINES) . | xargs -n1 dirname | sort -u)
GOROUTINES := '"sync(/atomic)?"|"golang.org/x/sync/errgroup"|/internal/parallel"|\bgo func\b'

.PHONY: run build cross setup onnxruntime node tools data test fmt check unit race fuzz bench peers baselines supernet-baselines loading roofline screenshots terminals keys clean

run: setup ## build with all set-up, start the explorer
	@$(BIN)

build: ## build the program
	$(GO) build -o $(BIN) .

cross: ## build it for Linux, on ARM too, and for Windows, needs x86_64-linux-gnu-gcc, aarch64-linux-gnu-gcc and x86_64-w64-mingw32-gcc; for macOS without cgo, to explore
	GOOS=linux GOARCH=amd64 CGO_ENABLED=1 CC=x86_64-linux-gnu-gcc $(GO) build -o $(BIN)-linux-amd64 .
	GOOS=linux GOARCH=arm64 CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc $(GO) build -o $(BIN)-linux-arm64 .
	GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc $(GO) build -o $(BIN)-windows-amd64.exe .
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o $(BIN)-darwin-arm64 .
	GOOS=darwin GOARCH=amd64 CGO_ENABLED=0 $(GO) build -o $(BIN)-darwin-amd64 .

setup: build
	@$(BIN) doctor --install-onnxruntime >/dev/null || \
		echo "ONNX Runtime was not installed: exploring works, measuring and training do not" >&2

onnxruntime: build ## install ONNX Runtime for the user, or fail
	$(BIN) doctor --install-onnxruntime

node: ## install onnxruntime-node and sharp, with which tests run exported networks
	@if ! command -v npm >/dev/null; then \
		echo "npm is not installed: exported networks are not tried in another runtime" >&2; \
	elif ! test -d e2e/node/node_modules/onnxruntime-node -a -d e2e/node/node_modules/sharp; then \
		(cd e2e/node && npm ci --ignore-scripts --no-audit --no-fund) || \
			echo "onnxruntime-node was not installed: exported networks are not tried in another runtime" >&2; \
	fi

tools: ## install the programs that tests compare with (as root, on Debian), or name them as missing
	@missing=; for pair in glpsol:glpk-utils node:nodejs python3:python3 g++:g++ ssh:openssh-client /usr/sbin/sshd:openssh-server mpirun.openmpi:openmpi-bin mpirun.mpich:mpich chromium:chromium ip:iproute2; do \
		command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if test -z "$$missing"; then exit 0; fi; \
	{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } || \
		echo "not installed:$$missing; the tests that compare with them are skipped" >&2

data: build ## make the digits data set, from MNIST of the Go module proxy
	$(BIN) data digits

test: check setup node tools unit race fuzz ## all set-up, every test

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

# The last one keeps the program building without cgo and on other systems.
check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
		test -z "$$unformatted" || { echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build ./...

unit:
	$(GO) test -timeout $(TIMEOUT) ./...

race:
	$(GO) test -timeout $(TIMEOUT) -race -short $(CONCURRENT)
# The explorer itself, as it runs.
	BINAS_RACE=1 $(GO) test -timeout $(TIMEOUT) -count 1 -run 'Budget|Method|Job|Resize' ./e2e

# Every fuzz target for some inputs; FUZZTIME=1m for longer.
fuzz:
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$dir; \
		done; \
	done

bench: ## every benchmark, or BENCH=name
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

peers: ## PyTorch 2, timm, ONNX Runtime, OpenVINO and pillow in a virtual environment beside the project, to compare with; users never need it
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet 'torch>=2.6,<3' timm safetensors onnxruntime openvino pillow torchvision

# Takes half an hour with a compiled PyTorch; ARGS='--ways kernels,off --sizes 96x64' is less.
baselines: ## how fast training is, beside PyTorch's of make peers: the table of docs/TRAINING.md
	$(PEERS)/bin/python docs/baselines/train.py $(ARGS)

loading: ## how fast images are read, beside torchvision of make peers: a table of docs/TRAINING.md
	$(PEERS)/bin/python docs/baselines/loading.py $(ARGS)

supernet-baselines: ## how fast a supernet trains and its networks are evaluated, beside PyTorch's of make peers
	$(PEERS)/bin/python docs/baselines/supernet.py $(ARGS)

roofline: ## where a training step spends its time, against what the machine can do: a table of docs/TRAINING.md
	python3 docs/baselines/roofline.py $(ARGS)

screenshots: ## the pictures of README and guide, from the real program
	$(GO) test ./e2e -run '^TestScreenshots$$' -count 1 -screenshots $(CURDIR)/docs

terminals: build ## pictures of xterm itself at five sizes, in four themes: needs Xvfb, xterm, xdotool and ImageMagick
	docs/screenshots/xterm.sh $(CURDIR)/$(BIN) docs/screenshots

keys: ## docs/KEYS.md, from the key table
	$(GO) test ./tui -run '^TestKeysDocument' -count 1 -update

clean:
	rm -rf bin
