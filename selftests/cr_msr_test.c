// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register intercepts (experiment A12): this version offers none.  So VTL0 can
 * clear CR0.WP and move LSTAR without VTL1 being asked, and VTL1 is told so: a
 * value of CrInterceptControl other than 0 is refused, not swallowed.
 */
#include "vtl_test.h"

AREA(cr_msr)

GUEST_TEST(cr_msr, nothing_is_intercepted)
{
	vsm_init();
	write_cr0(read_cr0() & ~CR0_WP);
	GUEST_EQ(0, read_cr0() & CR0_WP);
	write_cr0(read_cr0() | CR0_WP);
	write_cr4(read_cr4() ^ CR4_DE);
	wrmsr(MSR_LSTAR, 0x1234000);
	GUEST_EQ(0x1234000, rdmsr(MSR_LSTAR));
	wrmsr(MSR_STAR, 0x10ULL << 32);
	wrmsr(MSR_SFMASK, 0x200);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SCE);
	wrmsr(MSR_SYSENTER_EIP, 0x5678);
	GUEST_EQ(0, vtl1[0].interrupts);
	GUEST_EQ(0, vtl1[0].messages);
}

static u64 set_reg(u64 name, u64 value)
{
	return hv_set_register(HV_OWN_VTL, name, value, 0);
}

static u64 get_reg(u64 name, u64 b)
{
	return hv_reg(HV_OWN_VTL, name);
}

GUEST_TEST(cr_msr, control_is_refused)
{
	u32 i;

	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_reg, HV_REG_CR_INTERCEPT, 0));
	for (i = 0; i < 64; i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_reg, HV_REG_CR_INTERCEPT, BIT(i)));
	GUEST_EQ(0, vtl1_exec(get_reg, HV_REG_CR_INTERCEPT, 0));
}

/* Masks mean nothing without the control bits. */
GUEST_TEST(cr_msr, masks)
{
	static const u32 names[] = {
		HV_REG_CR0_MASK, HV_REG_CR4_MASK, HV_REG_MISC_MASK,
	};
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(names); i++) {
		GUEST_EQ(0, vtl1_exec(get_reg, names[i], 0));
		GUEST_EQ(HV_REPS(1), vtl1_exec(set_reg, names[i], 0));
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_reg, names[i], CR0_WP));
	}
}

GUEST_TEST(cr_msr, not_from_vtl0)
{
	static const u32 names[] = {
		HV_REG_CR_INTERCEPT, HV_REG_CR0_MASK, HV_REG_CR4_MASK,
		HV_REG_MISC_MASK,
	};
	union hv_value value;
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(names); i++) {
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_set_register(HV_INPUT_VTL(1), names[i], 0, 0));
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_get_register(HV_INPUT_VTL(1), names[i], &value));
		GUEST_NE(HV_SUCCESS, HV_STATUS(hv_set_register(HV_OWN_VTL,
							       names[i], 0,
							       0)));
		GUEST_NE(HV_SUCCESS, HV_STATUS(hv_get_register(HV_OWN_VTL,
							       names[i],
							       &value)));
	}
}

/* Nor are the intercepts of ports, MSRs, CPUID by hypercall. */
static u64 install(u64 type, u64 b)
{
	u64 in[3] = { HV_PARTITION_SELF, 2 | type << 32, 0xcf8 };

	return hv_call_xmm(HV_INSTALL_INTERCEPT, in, 3);
}

GUEST_TEST(cr_msr, install_intercept)
{
	u32 i;

	vsm_init();
	for (i = 0; i < 4; i++)
		GUEST_EQ(HV_INVALID_CODE, vtl1_exec(install, i, 0));
}

TEST_HARNESS_MAIN
