# SPDX-License-Identifier: GPL-2.0-only
#
# The human side of the build; the kernel's build system reads Kbuild.

ifeq ($(KERNELRELEASE),)

# Without a word about it `make test` takes several kernels.
test_series := $(SERIES)
SERIES ?= 6.12
HOST ?= svm
TEST ?=
FLAVOUR ?= debug
ROUNDS ?= 200000
RACE_ROUNDS ?= 5000
SOAK_ROUNDS ?= 200
SEED ?= $(shell date +%s)
TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
DEPS := $(TOP)/scripts/deps.sh

# The running kernel's headers when they are of a supported series (or of the one
# that is named), else the newest Debian kernel of 6.12, which deps.sh fetches.
supported := $(or $(test_series),6.12 7.3)
running := $(wildcard /lib/modules/$(shell uname -r)/build)
ifneq ($(filter $(supported:=.%),$(shell uname -r)),)
KDIR ?= $(running)
endif
kdir = $(or $(KDIR),$(shell $(DEPS) tools build && $(DEPS) kernel $(SERIES))/build)

all: module

module:
	+$(MAKE) -C $(kdir) M=$(TOP) modules

modules_install:
	+$(MAKE) -C $(kdir) M=$(TOP) modules_install

selftests:
	@$(DEPS) tools build
	+$(MAKE) -C $(TOP)/selftests

test:
	@$(TOP)/scripts/test.sh $(test_series)

vmtest:
	@$(TOP)/selftests/vmtest/run.sh -m $(HOST) -k $(SERIES) \
		$(if $(TEST),-t $(TEST)) $(VMTEST_ARGS)

test-debug:
	@FLAVOUR=$(FLAVOUR) $(TOP)/scripts/test-debug.sh $(SERIES) $(HOST) $(TEST)

# More rounds of what make test runs for a minute
race:
	@$(TOP)/selftests/vmtest/run.sh -m $(HOST) -k $(SERIES) -t race -v \
		-s 7200 --cmdline "KVM_VTL_RACE_ROUNDS=$(RACE_ROUNDS)" $(VMTEST_ARGS)

soak:
	@$(TOP)/selftests/vmtest/run.sh -m $(HOST) -k $(SERIES) -t load_soak \
		-v -s 7200 --cmdline "KVM_VTL_SOAK_ROUNDS=$(SOAK_ROUNDS) \
		KVM_VTL_SOAK_SEED=$(SEED)" $(VMTEST_ARGS)

fuzz:
	@$(TOP)/scripts/fuzz.sh $(SERIES) $(HOST) $(ROUNDS) $(SEED)

check:
	@$(TOP)/scripts/check.sh all

bench:
	@$(TOP)/scripts/bench.sh

demo:
	@$(TOP)/guest/demo.sh

clean:
	rm -rf $(TOP)/build
	find $(TOP) -path $(TOP)/.git -prune -o -type f \( -name '*.o' \
		-o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name modules.order \
		-o -name Module.symvers \) -exec rm -f {} +

help:
	@echo 'Targets:'
	@echo '  all              build kvm-vtl/kvm-vtl.ko (default)'
	@echo '  modules_install  install it for that kernel'
	@echo '  selftests        build the test programs, in build/selftests/'
	@echo '  test             every test, on both emulated hosts, and some of'
	@echo '                   them with the second kernel; all with one kernel:'
	@echo '                   make test SERIES=7.3'
	@echo '  vmtest           tests on one host: HOST=vmx TEST=switch'
	@echo '  test-debug       tests on one host, on a kernel with KASAN, lockdep'
	@echo '                   and others, or with KCSAN, which is built when it'
	@echo '                   is not there yet'
	@echo '  fuzz             hypercalls and ioctls at random: HOST, SEED,'
	@echo '                   ROUNDS=$(ROUNDS); SERIES=6.12-debug is guided by'
	@echo '                   coverage and adds to selftests/corpus/'
	@echo '  race             VTL0 against VTL1 on one page, while the VMM and the'
	@echo '                   host move it: HOST, RACE_ROUNDS=$(RACE_ROUNDS)'
	@echo '  soak             eight VMMs at once, killed wherever they are, and the'
	@echo '                   module reloaded: HOST, SOAK_ROUNDS=$(SOAK_ROUNDS), SEED'
	@echo '  check            build W=1, sparse, checkpatch, kernel-doc,'
	@echo '                   shellcheck, headers, hooks'
	@echo '  bench            the figures, per host'
	@echo '  demo             a secret kept from the kernel of a Linux guest,'
	@echo '                   on /dev/kvm and on /dev/kvm-vtl'
	@echo '  clean            remove what was built; the cache stays'
	@echo '  help             this text'
	@echo
	@echo 'Variables:'
	@echo '  KDIR=DIR         headers of the kernel to build for (default: the'
	@echo '                   running kernel if it is $(supported), else the'
	@echo '                   newest Debian kernel of $(SERIES))'
	@echo '  SERIES=$(SERIES)      kernel series for the emulated hosts'
	@echo '  HOST=svm|vmx     host of vmtest, test-debug: AMD (QEMU), Intel (Bochs)'
	@echo '  TEST=a,b         tests of vmtest, test-debug (default: all)'
	@echo '  FLAVOUR=kcsan    test-debug: the kernel with KCSAN (default: debug)'
	@echo '  VMTEST_ARGS=...  more options, see selftests/vmtest/run.sh --help'
	@echo '  BOCHS=packaged   take Debian'"'"'s Bochs, not the faster build'
	@echo '  KVM_VTL_CACHE=DIR  where kernels and emulators are kept'

.PHONY: all module modules_install selftests test test-debug vmtest fuzz race soak \
	check bench demo clean help

endif
