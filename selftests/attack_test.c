// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scenario of the demo, without QEMU: VTL1 keeps a secret in memory that it
 * closed, and serves VTL0 with it.  An attacker with all rights of VTL0 reads,
 * overwrites, maps elsewhere.  The control is the same on plain KVM, where the
 * "secure" service is but a function, and every attack works.
 */
#include "vtl_test.h"

AREA(attack)

#define SECRET		0x5ec7e75ec7e75ec7ULL
#define KEY		0x1234567890abcdefULL
#define ALIAS		0x300000000

/* The service: memory with code and data of its own */
static u8 service_code[PAGE_SIZE] __page;
static u64 service_data[PAGE_SIZE / 8] __page;

/*
 * mov $data, %rax; mov (%rax), %rax; xor %rdi, %rax; ret
 *
 * What it does is keyed by the secret, and tells nothing about it to those who
 * cannot undo it.
 */
static void install_service(void)
{
	static const u8 code[] = {
		0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
		0x48, 0x8b, 0x00, 0x48, 0x31, 0xf8, 0xc3,
	};

	memcpy(service_code, code, sizeof(code));
	*(u64 *)(service_code + 2) = (uintptr_t)service_data;
	service_data[0] = SECRET;
}

static u64 call_service(u64 x, u64 b)
{
	u64 (*fn)(u64) = (void *)service_code;

	return fn(x);
}

struct attack {
	const char *name;
	struct guest_trap (*run)(void);
};

static u64 stolen;

static struct guest_trap read_secret(void)
{
	return probe_read(service_data, &stolen);
}

static struct guest_trap read_by_alias(void)
{
	return probe_read((void *)ALIAS, &stolen);
}

static struct guest_trap overwrite_code(void)
{
	return probe_write(service_code + 10, 0xc3c3c3c3c3c3c3c3);
}

static struct guest_trap overwrite_secret(void)
{
	return probe_write(service_data, 0);
}

static struct guest_trap overwrite_by_alias(void)
{
	return probe_write((void *)(ALIAS + 8), 1);
}

static struct guest_trap run_its_code(void)
{
	return probe_exec(service_code);
}

static const struct attack attacks[] = {
	{ "reads the secret", read_secret },
	{ "maps the page elsewhere and reads it", read_by_alias },
	{ "calls the service's code itself", run_its_code },
	{ "writes through the mapping", overwrite_by_alias },
	{ "overwrites the code", overwrite_code },
	{ "overwrites the secret", overwrite_secret },
};

static void protected_guest(void)
{
	struct guest_trap trap;
	u32 i;

	install_service();
	vsm_init();
	GUEST_EQ(SECRET ^ KEY, vtl1_exec(call_service, KEY, 0));
	vtl1_close(service_code, 1, HV_NONE);
	vtl1_close(service_data, 1, HV_NONE);
	GUEST_SYNC(0);
	for (i = 0; i < ARRAY_LEN(attacks); i++) {
		trap = attacks[i].run();
		if (trap.vector != GP_VECTOR || stolen)
			GUEST_FAIL("attacker %s: vector %lld, stolen 0x%llx",
				   (uintptr_t)attacks[i].name, trap.vector,
				   stolen);
		/* VTL1 was told, and the service still answers. */
		GUEST_EQ(i + 1, vtl1[0].messages);
		GUEST_EQ(SECRET ^ KEY, vtl1_exec(call_service, KEY, 0));
	}
}

TEST_F(attack, stopped)
{
	struct vm *vm = VTL_VM(.entry = protected_guest);
	u64 *data, zero[PAGE_SIZE / 8 - 1] = { };

	vm_map(vm, ALIAS, (uintptr_t)service_data, PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, trace_start());
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	trace_stop();
	EXPECT_EQ(ARRAY_LEN(attacks), trace_count("kvm_vtl_fault", NULL));
	EXPECT_EQ(ARRAY_LEN(attacks), trace_count("kvm_vtl_intercept", NULL));
	data = vm_hva(vm, (uintptr_t)service_data);
	EXPECT_EQ(SECRET, data[0]);
	EXPECT_EQ(0, memcmp(data + 1, zero, sizeof(zero)));
	vm_destroy(vm);
}

/* Without VTL1 the attacker has what he wants. */
static void unprotected_guest(void)
{
	struct guest_trap trap;
	u32 i;

	install_service();
	GUEST_EQ(SECRET ^ KEY, call_service(KEY, 0));
	for (i = 0; i < ARRAY_LEN(attacks); i++) {
		trap = attacks[i].run();
		GUEST_EQ(NO_TRAP, trap.vector);
	}
	GUEST_EQ(SECRET, stolen);
	GUEST_EQ(0, service_data[0]);
	GUEST_NE(SECRET ^ KEY, call_service(KEY, 0));
}

TEST_F(attack, succeeds_on_plain_kvm)
{
	struct vm *vm = PLAIN_VM(.entry = unprotected_guest);

	vm_map(vm, ALIAS, (uintptr_t)service_data, PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* and on the device of the module when VTL1 is offered but not used */
TEST_F(attack, succeeds_without_vtl1)
{
	struct vm *vm = VTL_VM(.entry = unprotected_guest);

	vm_map(vm, ALIAS, (uintptr_t)service_data, PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
