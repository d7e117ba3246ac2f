// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a VTL: HvCallDisableVpVtl, HvCallDisablePartitionVtl.
 */
#include "vtl_test.h"

AREA(disable)

#define VTL2_GUEST_TEST(name) __GUEST_TEST(disable, name, VTL2_VM())

#define LSTAR_WRITE	BIT(6)	/* of CrInterceptControl */
#define SECRET		0x5ec2e75ec2e7ULL

static u64 secret[PAGE_SIZE / 8] __page, readable[PAGE_SIZE / 8] __page;

/* --- the calls ----------------------------------------------------------- */

static u64 end_on_vp(u64 vtl, u64 vp)
{
	u64 in[2] = { HV_PARTITION_SELF, vp | vtl << 32 };

	return hv_call_xmm(HV_DISABLE_VP_VTL, in, 2);
}

static u64 end_vtl(u64 vtl, u64 flags)
{
	u64 in[2] = { HV_PARTITION_SELF, vtl | flags << 8 };

	return hv_call_xmm(HV_DISABLE_PARTITION_VTL, in, 2);
}

static u64 vp_status(void)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS);
}

static u64 partition_status(void)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_STATUS);
}

/* A VTL call whose function does not come back to VTL1 */
static void last_call(vtl_fn fn, u64 a, u64 b)
{
	vtl1[this_cpu()->vp].args[0] = a;
	vtl1[this_cpu()->vp].args[1] = b;
	vtl1[this_cpu()->vp].fn = fn;
	vtl_call();
	GUEST_EQ((uintptr_t)fn, (uintptr_t)vtl1[this_cpu()->vp].fn);
	vtl1[this_cpu()->vp].fn = NULL;
}

static void no_vtl1(void)
{
	GUEST_EQ(0x10000, vp_status());
	GUEST_EQ(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0).vector);
}

/* --- who may, and what is wrong ------------------------------------------ */

GUEST_TEST(disable, not_from_below)
{
	vsm_init();
	vtl1_close(secret, 1, HV_NONE);
	GUEST_EQ(HV_ACCESS_DENIED, end_on_vp(1, 0));
	GUEST_EQ(HV_ACCESS_DENIED, end_on_vp(1, HV_VP_SELF));
	GUEST_EQ(HV_ACCESS_DENIED, end_vtl(1, 0));
	GUEST_EQ(0x30000, vp_status());
	GUEST_EQ(0x10003, partition_status());
	GUEST_TRAP(GP_VECTOR, probe_write(secret, 1));
	GUEST_EQ(1, vtl1[0].messages);
}

static u64 wrong(u64 a, u64 b)
{
	u64 vp_in[2] = { HV_PARTITION_SELF, HV_VP_SELF | 1ULL << 32 };
	u64 in[2] = { HV_PARTITION_SELF, 1 };

	GUEST_EQ(HV_INVALID_PARAMETER, end_on_vp(0, HV_VP_SELF));
	GUEST_EQ(HV_INVALID_PARAMETER, end_on_vp(2, HV_VP_SELF));
	GUEST_EQ(HV_INVALID_VP_INDEX, end_on_vp(1, 1));
	vp_in[1] |= BIT(40);
	GUEST_EQ(HV_INVALID_PARAMETER, hv_call_xmm(HV_DISABLE_VP_VTL, vp_in,
						   2));
	vp_in[0] = 1;
	GUEST_EQ(HV_INVALID_PARTITION_ID, hv_call_xmm(HV_DISABLE_VP_VTL, vp_in,
						      2));

	GUEST_EQ(HV_INVALID_PARAMETER, end_vtl(0, 0));
	GUEST_EQ(HV_INVALID_PARAMETER, end_vtl(2, 0));
	GUEST_EQ(HV_INVALID_PARAMETER, end_vtl(1, 1));
	in[1] |= BIT(16);
	GUEST_EQ(HV_INVALID_PARAMETER, hv_call_xmm(HV_DISABLE_PARTITION_VTL,
						   in, 2));
	in[0] = 1;
	GUEST_EQ(HV_INVALID_PARTITION_ID, hv_call_xmm(HV_DISABLE_PARTITION_VTL,
						      in, 2));
	return vp_status();
}

GUEST_TEST(disable, wrong_parameters)
{
	vsm_init();
	GUEST_EQ(0x30001, vtl1_exec(wrong, 0, 0));
	GUEST_EQ(0x10003, partition_status());
}

/* Else VTL0 could put something of its own there. */
GUEST_TEST(disable, last_vp)
{
	vsm_init();
	GUEST_EQ(HV_OPERATION_DENIED, vtl1_exec(end_on_vp, 1, HV_VP_SELF));
	GUEST_EQ(0x30000, vp_status());
}

/* --- the partition's ------------------------------------------------------ */

static u64 configure(u64 bits, u64 b)
{
	GUEST_EQ(HV_REPS(1),
		 hv_set_register(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
				 HV_CONFIG_ENABLE_PROTECTION |
				 HV_CONFIG_DEFAULT(HV_RWX) | bits, 0));
	return hv_set_register(HV_OWN_VTL, HV_REG_CR_INTERCEPT, LSTAR_WRITE, 0);
}

static void close_and_disable(u64 config)
{
	secret[1] = SECRET;
	readable[1] = SECRET;
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(configure, config, 0));
	vtl1_close(secret, 1, HV_NONE);
	vtl1_close(readable, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(readable, 1));
	GUEST_EQ(1, vtl1[0].messages);
	last_call(end_vtl, 1, 0);
}

GUEST_TEST(disable, partition)
{
	u64 value;

	close_and_disable(HV_CONFIG_ZERO_MEMORY);
	no_vtl1();
	GUEST_EQ(0x10001, partition_status());
	/* Open, and nothing in it that was secret */
	GUEST_NO_TRAP(probe_read(&secret[1], &value));
	GUEST_EQ(0, value);
	GUEST_NO_TRAP(probe_write(secret, 1));
	GUEST_EQ(SECRET, readable[1]);
	GUEST_NO_TRAP(probe_write(readable, 1));
	/* No register is intercepted. */
	wrmsr(MSR_LSTAR, 0x4000);
	GUEST_EQ(0x4000, rdmsr(MSR_LSTAR));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(HV_ACCESS_DENIED, end_vtl(1, 0));
}

GUEST_TEST(disable, memory_is_kept)
{
	close_and_disable(0);
	GUEST_EQ(SECRET, secret[1]);
	GUEST_NO_TRAP(probe_write(secret, 1));
}

static u64 read_lstar(u64 a, u64 b)
{
	return rdmsr(MSR_LSTAR);
}

/* A VTL1 that comes after it begins as the first one did. */
GUEST_TEST(disable, enabled_again)
{
	close_and_disable(0);
	vsm_bring_up(1);
	GUEST_EQ(0x30000, vp_status());
	GUEST_EQ(0, vtl1_exec(read_lstar, 0, 0));
	GUEST_NO_TRAP(probe_write(readable, 1));
	wrmsr(MSR_LSTAR, 0x4000);
	GUEST_EQ(1, vtl1[0].messages);
	vtl1_close(readable, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(readable, 1));
	GUEST_EQ(2, vtl1[0].messages);
}

/* --- several VPs --------------------------------------------------------- */

#define TWO_VPS_TEST(name, machine)					\
TEST_F_TIMEOUT(disable, name, 120)					\
{									\
	struct vm *vm = machine;					\
									\
	RUN_VPS(vm);							\
	vm_destroy(vm);							\
}

static u32 enabled, joined, disabled, enabled_again, finished;

static u64 enable_vp(u64 vp, u64 b)
{
	return vsm_enable_vp(vp);
}

/* VP 1 loses VTL1 while it runs in VTL0. */
static void lose_vtl1(void)
{
	u64 value;

	GUEST_WAIT(READ_ONCE(enabled));
	hv_init();
	vtl_call();
	GUEST_EQ(0x30000, vp_status());
	WRITE_ONCE(joined, 1);
	GUEST_WAIT(READ_ONCE(disabled));
	no_vtl1();
	/* The partition has it, and what it has closed stays closed. */
	GUEST_EQ(0x10003, partition_status());
	GUEST_TRAP(GP_VECTOR, probe_read(secret, &value));
	GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_vp(HV_VP_SELF));
	WRITE_ONCE(joined, 2);
	GUEST_WAIT(READ_ONCE(enabled_again));
	vtl_call();
	GUEST_EQ(0x30000, vp_status());
	/* By itself */
	last_call(end_on_vp, 1, HV_VP_SELF);
	no_vtl1();
	WRITE_ONCE(finished, 1);
}

static void take_vtl1(void)
{
	vsm_init();
	vtl1_close(secret, 1, HV_NONE);
	GUEST_EQ(HV_INVALID_VTL_STATE, vtl1_exec(end_on_vp, 1, 1));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 1, 0));
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(joined) == 1);
	GUEST_EQ(HV_INVALID_PARTITION_STATE,
		 vtl1_exec(end_vtl, 1, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(end_on_vp, 1, 1));
	GUEST_EQ(HV_OPERATION_DENIED, vtl1_exec(end_on_vp, 1, HV_VP_SELF));
	WRITE_ONCE(disabled, 1);
	GUEST_WAIT(READ_ONCE(joined) == 2);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 1, 0));
	WRITE_ONCE(enabled_again, 1);
	GUEST_WAIT(READ_ONCE(finished));
	/* Now the partition's can go. */
	last_call(end_vtl, 1, 0);
	GUEST_EQ(0x10001, partition_status());
}

static void one_by_one(void)
{
	if (this_cpu()->vp)
		lose_vtl1();
	else
		take_vtl1();
}

TWO_VPS_TEST(vp_by_vp, VTL_VM(.entry = one_by_one, .vcpus = 2))

/* --- VTL2 ---------------------------------------------------------------- */

static u64 in_vtl2(u64 fn, u64 a)
{
	return vtl_exec(2, (vtl_fn)(uintptr_t)fn, a, 0);
}

static u64 bring_up_vtl2(u64 a, u64 b)
{
	vsm_bring_up(2);
	return 0;
}

/* VTL2 ends the VTL1 that called it: the return goes to VTL0. */
VTL2_GUEST_TEST(by_vtl2)
{
	vsm_init();
	vtl1_exec(bring_up_vtl2, 0, 0);
	GUEST_EQ(0x70000, vp_status());
	vtl1_close(secret, 1, HV_NONE);
	last_call(in_vtl2, (uintptr_t)end_vtl, 1);
	GUEST_EQ(HV_SUCCESS, vtl2[0].result);
	GUEST_EQ(0x50000, vp_status());
	GUEST_EQ(0x20005, partition_status());
	GUEST_NO_TRAP(probe_write(secret, 1));
	/* A VTL call goes to VTL2 now. */
	GUEST_EQ(HV_INVALID_VTL_STATE, vtl_exec(2, end_vtl, 1, 0));
	GUEST_EQ(HV_INVALID_VTL_STATE, vtl_exec(2, end_on_vp, 1, HV_VP_SELF));
}

static u64 call_vtl2(u64 a, u64 b)
{
	vtl_call();
	return 0;
}

/* In the other order VTL1 stays, and its pages with it. */
VTL2_GUEST_TEST(of_vtl2)
{
	vsm_init();
	vtl1_exec(bring_up_vtl2, 0, 0);
	vtl1_close(secret, 1, HV_NONE);
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(end_vtl, 2, 0));
	vtl2[0].args[0] = 2;
	vtl2[0].args[1] = 0;
	vtl2[0].fn = end_vtl;
	vtl1_exec(call_vtl2, 0, 0);
	GUEST_EQ(0x30000, vp_status());
	GUEST_EQ(0x20003, partition_status());
	GUEST_TRAP(GP_VECTOR, probe_write(secret, 1));
	GUEST_EQ(1, vtl1[0].messages);
}

TEST_HARNESS_MAIN
