/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test of the module includes, after the system's headers.
 */
#ifndef _SELFTESTS_VTL_TEST_H
#define _SELFTESTS_VTL_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm.h"
/* The harness's time limits are for a kernel that nothing watches. */
#define alarm(seconds) alarm((seconds) * host_scale())
#include "kselftest_harness.h"
#undef alarm
#include "vsm.h"

/* A machine, or the end of the test */
#define VM_CREATE(...)							\
({									\
	struct vm_options __options = { __VA_ARGS__ };			\
	const char *__error;						\
	struct vm *__vm = vm_create(&__options, &__error);		\
									\
	ASSERT_NE(NULL, __vm) {						\
		TH_LOG("cannot create the machine: %s", __error);	\
	}								\
	__vm;								\
})

#define VTL_VM(...) VM_CREATE(.max_vtl = 1, ##__VA_ARGS__)
#define VTL2_VM(...) VM_CREATE(.max_vtl = 2, ##__VA_ARGS__)
#define PLAIN_VM(...) VM_CREATE(.device = KVM_DEVICE, ##__VA_ARGS__)

/* Runs to the next report, which must be that one. */
#define EXPECT_UCALL(cmd, _vcpu)					\
do {									\
	struct vcpu *__vcpu = _vcpu;					\
									\
	ASSERT_EQ(cmd, vcpu_run(__vcpu)) {				\
		TH_LOG("%s", __vcpu->error);				\
	}								\
} while (0)

/* Runs all VPs until they are done. */
#define RUN_VPS(_vm)							\
do {									\
	struct vm *__vps = _vm;						\
									\
	EXPECT_EQ(UCALL_DONE, vm_run(__vps)) {				\
		for (u32 __i = 0; __i < __vps->nr_vcpus; __i++)		\
			TH_LOG("VP %u: %s", __i,			\
			       __vps->vcpu[__i].error);			\
	}								\
} while (0)

#define RUN_GUEST(_vm, fn)						\
do {									\
	struct vm *__run_vm = _vm;					\
	struct vcpu *__run_vcpu = &__run_vm->vcpu[0];			\
	enum ucall_cmd __run_cmd;					\
									\
	ASSERT_EQ(0, vcpu_set_entry(__run_vcpu, fn));			\
	__run_cmd = vcpu_run(__run_vcpu);				\
	if (__run_cmd == UCALL_SKIP)					\
		SKIP(return, "%s", __run_vcpu->ucall.text);		\
	ASSERT_EQ(UCALL_DONE, __run_cmd) {				\
		TH_LOG("%s", __run_vcpu->error);			\
	}								\
} while (0)

/*
 * A test whose body runs in the guest: VP 0, VTL0, of a machine that offers
 * VTL1 (GUEST_TEST), or of plain KVM (PLAIN_GUEST_TEST).
 */
#define __GUEST_TEST(area, name, machine)				\
static void area##_##name##_guest(void);				\
TEST_F(area, name)							\
{									\
	struct vm *vm = machine;					\
									\
	RUN_GUEST(vm, area##_##name##_guest);				\
	vm_destroy(vm);							\
}									\
static void area##_##name##_guest(void)

#define GUEST_TEST(area, name) __GUEST_TEST(area, name, VTL_VM())
#define PLAIN_GUEST_TEST(area, name) __GUEST_TEST(area, name, PLAIN_VM())
#define BIG_GUEST_TEST(area, name) \
	__GUEST_TEST(area, name, VTL_VM(.big_area = true))

/* The harness wants a fixture to name an area. */
#define AREA(name)							\
FIXTURE(name) { };							\
FIXTURE_SETUP(name) { }							\
FIXTURE_TEARDOWN(name) { }

#endif /* _SELFTESTS_VTL_TEST_H */
