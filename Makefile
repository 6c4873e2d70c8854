# The front door. Each target installs the Debian packages it needs when they are missing (packaging/packages-*.txt;
# CAMVAULT_NO_APT=1 skips that) and then hands over to CMake's presets.

DURATION ?= 20
SOURCE ?= test
CODEC ?= h264
BACKEND ?= software
OUT ?= out
PREFIX ?= /usr/local
ARCH ?= arm64
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

INSTALL := packaging/install-packages.sh
RUN_LIST := packaging/packages-run.txt
TEST_LIST := $(RUN_LIST) packaging/packages-test.txt
DEV_LIST := $(TEST_LIST) packaging/packages-dev.txt
SYSTEM_LIST := $(TEST_LIST) packaging/packages-test-system.txt
WEB_LIST := packaging/packages-web.txt
BIN := build/release/bin

# Configuring is many lines of little news: they are kept in a file and shown only when it fails.
# $(1) preset, $(2) further arguments
configure = mkdir -p build && echo "camvault: configuring build/$(1)" && \
  { cmake --preset $(1) $(2) > build/$(1)-configure.log 2>&1 || { cat build/$(1)-configure.log; exit 1; }; }
compile = cmake --build build/$(1) -j $(JOBS) $(if $(2),--target $(2))
say = @echo "camvault: $(1)"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run build web web-test test test-system bench fuzz check format install cross asan tsan clean

help:  ## this list
	@echo "Camvault: camera video that can prove where it comes from. Start with: make run"
	@echo
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo "CAMVAULT_NO_APT=1 installs no packages. docs/building.md says more."

run:  ## a software camera signs live video; see it verified and forgeries exposed (DURATION= SOURCE= CODEC= BACKEND=)
	$(call say,a camera that signs its video: $(DURATION) s of $(SOURCE) in $(CODEC). First the build if it is missing)
	@test -n "$(filter $(BACKEND),software tpm2 pkcs11 se05x)" || { echo "BACKEND can be software, tpm2, pkcs11 or se05x" >&2; exit 64; }
	@$(INSTALL) $(RUN_LIST) $(wildcard packaging/packages-$(BACKEND).txt)
	@test -f build/release/build.ninja && $(if $(filter software se05x,$(BACKEND)),true,grep -qs "keystore_$(BACKEND)" build/release/build.ninja) || { $(call configure,release,-DCAMVAULT_TESTS=OFF); }
	@$(call compile,release,programs)
	@$(BIN)/camvault demo --out "$(OUT)" --duration "$(DURATION)" --source "$(SOURCE)" --codec "$(CODEC)" --backend "$(BACKEND)"

build:  ## the programs, optimised and hardened, in build/release/bin
	$(call say,building the programs into $(BIN))
	@$(INSTALL) $(RUN_LIST)
	@test -f build/release/build.ninja || { $(call configure,release,-DCAMVAULT_TESTS=OFF); }
	@$(call compile,release,programs)
	@ls -1 $(BIN)

web:  ## the browser page that verifies clips offline: build/web/camvault-verify.html
	$(call say,building the browser page)
	@$(INSTALL) $(RUN_LIST) $(WEB_LIST)
	@JOBS=$(JOBS) web/build.sh build/web

web-test: web  ## the page in a headless Chromium: same answers as the program, speed, screenshots in build/web/screens
	$(call say,testing the browser page)
	@$(INSTALL) $(TEST_LIST) $(WEB_LIST) packaging/packages-web-test.txt
	@$(call configure,release,-DCAMVAULT_TESTS=ON)
	@$(call compile,release,camvault_cli)
	@ctest --test-dir build/release --output-on-failure --no-tests=error -L '^web$$'

test:  ## build everything and run all tests but the slow suites
	$(call say,building and running the tests)
	@$(INSTALL) $(TEST_LIST)
	@$(call configure,release,-DCAMVAULT_TESTS=ON)
	@$(call compile,release)
	@ctest --preset release -j $$(($(JOBS) * 2))  # half of them wait for a server or a clock

test-system: web  ## the slow suites: attacks, crashes, large files, batch engines, the browser page
	$(call say,building and running the slow suites)
	@$(INSTALL) $(SYSTEM_LIST) $(WEB_LIST) packaging/packages-web-test.txt
	@tests/network/guest_kernel.sh build/guest-kernel
	@$(call configure,release,-DCAMVAULT_TESTS=ON)
	@$(call compile,release)
	@ctest --test-dir build/release --output-on-failure --no-tests=error -L '^system$$'

bench:  ## speed of signing, verifying and the keystore (docs/performance.md has our figures)
	$(call say,building and running the benchmarks)
	@$(INSTALL) $(TEST_LIST)
	@$(call configure,release,-DCAMVAULT_BENCH=ON)
	@$(call compile,release)
	@bench/run.sh

fuzz:  ## fuzz every reader of foreign bytes, FUZZ_SECONDS each (clang 16, ASan, UBSan)
	$(call say,fuzzing every target for $(FUZZ_SECONDS) s)
	@$(INSTALL) $(DEV_LIST)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run.sh

check:  ## formatting and static analysis
	$(call say,checking format and clang-tidy)
	@$(INSTALL) $(DEV_LIST)
	@$(call configure,dev,-DCAMVAULT_TESTS=ON)
	@tools/dev/check-format.sh
	@tools/dev/check-tidy.sh build/dev $(JOBS)

format:  ## rewrite all sources in the project's format
	@$(INSTALL) $(DEV_LIST)
	@tools/dev/check-format.sh --fix

install: build  ## programs, libcamvault, headers, pkg-config and CMake files (DESTDIR= PREFIX=)
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

cross:  ## libraries, keystored and CLI for ARCH=arm64; the unit tests run under qemu
	$(call say,cross-building for $(ARCH))
	@test -f cmake/toolchains/$(ARCH).cmake || { echo "no cmake/toolchains/$(ARCH).cmake: ARCH can be arm64" >&2; exit 64; }
	@$(INSTALL) $(TEST_LIST) packaging/packages-cross-$(ARCH).txt
	@$(call configure,cross-$(ARCH))
	@$(call compile,cross-$(ARCH))
	@ctest --preset cross-$(ARCH) -j $(JOBS)

asan:  ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call say,the tests under AddressSanitizer)
	@$(INSTALL) $(TEST_LIST)
	@$(call configure,asan)
	@$(call compile,asan)
	@ctest --preset asan -j $(JOBS)

tsan:  ## the tests under ThreadSanitizer
	$(call say,the tests under ThreadSanitizer)
	@$(INSTALL) $(TEST_LIST)
	@$(call configure,tsan)
	@$(call compile,tsan)
	@ctest --preset tsan -j $(JOBS)

clean:  ## remove build/ and out/
	rm -rf build out
