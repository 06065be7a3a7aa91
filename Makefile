# SPDX-License-Identifier: GPL-2.0-only
# vmxhv: `make help` says what there is. Kbuild lists the module's objects.

# The running kernel's headers; where there are none, the newest installed.
RUNNING := /lib/modules/$(shell uname -r)/build
NEWEST := $(lastword $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V))
KDIR ?= $(if $(wildcard $(RUNNING)),$(RUNNING),$(NEWEST))

PREFIX ?= /usr/local
OUT := $(CURDIR)/build/user
JOBS := -j$(shell nproc)
DEPS := tests/machine/deps.sh -q
RUN := python3 tests/run.py

# Ours to format: every C file that git knows.
C_FILES = $(shell git ls-files '*.c' '*.h')

all: module tools

help:
	@echo 'make                     vmxhv.ko here, for the running kernel (KDIR=... for another),'
	@echo '                         and the tools in build/user/'
	@echo 'make deps                install the Debian packages that all this needs'
	@echo 'make demo                boot a Debian kernel as a guest of /dev/vmxhv, on an emulated'
	@echo '                         machine with VMX: nothing here needs VT-x'
	@echo 'make check [T=prefix]    run the tests; T= those whose names begin so, LIST=1 lists'
	@echo '                         MACHINE=bochs|qemu-tcg|qemu-kvm, KEEP=1 keeps all logs;'
	@echo '                         KERNEL=debug runs them on KASAN, lockdep, UBSAN ...'
	@echo 'make shell [KERNEL=6.1]  a shell in the emulated machine, vmxhv.ko loaded (Ctrl-A X ends)'
	@echo 'make bench               instructions per operation, beside KVM'
	@echo 'make check-mutants       planted faults in the module, each caught by a named test'
	@echo 'make check-deep          what takes hours, in parts; DEEP_MINUTES=n begins none after n'
	@echo 'make install             the module, the tools, the library (PREFIX, DESTDIR)'
	@echo 'make format-check        clang-format; make compile_commands.json for editors'
	@echo 'make clean               what was built here; make distclean: the cache too'

deps:
	@tests/machine/deps.sh

# What needs packages asks for them, silently when they are there.
.quiet-deps:
	@$(DEPS)

module: .quiet-deps
	@test -n "$(KDIR)" || { echo 'make: no kernel headers under /lib/modules'; exit 1; }
	@test "$(KDIR)" = "$(RUNNING)" || \
		echo 'make: building for $(KDIR) (the running kernel, $(shell uname -r), has no headers)'
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools: .quiet-deps
	@test ! -f tools/Makefile || $(MAKE) -C tools OUT=$(OUT)

check: .quiet-deps
	@$(RUN) $(if $(LIST),-l) $(if $(KERNEL),-k $(KERNEL)) $(T)

demo: .quiet-deps
	@python3 tests/demo.py

shell: .quiet-deps
	@python3 tests/shell.py $(KERNEL)

bench: .quiet-deps
	@python3 tests/bench.py

check-mutants: .quiet-deps
	@python3 tests/mutants.py

check-deep: .quiet-deps
	@python3 tests/deep.py

install: all
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	$(MAKE) -C tools OUT=$(OUT) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

compile_commands.json: .quiet-deps
	@python3 tests/machine/compile_commands.py > $@.tmp && mv $@.tmp $@

format-check: .quiet-deps
	@python3 tests/machine/format_check.py $(C_FILES)

clean:
	rm -rf build compile_commands.json
	@test ! -d "$(KDIR)" || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean

distclean: clean
	rm -rf $${XDG_CACHE_HOME:-$$HOME/.cache}/vmxhv

.PHONY: all help deps .quiet-deps module tools check demo shell bench check-mutants check-deep install \
	compile_commands.json format-check clean distclean
