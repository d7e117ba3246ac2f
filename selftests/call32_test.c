// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls and VTL calls of 32-bit code in VTL0 (compatibility mode): other
 * registers, other sequences in the hypercall page, no XMM.
 */
#include "vtl_test.h"

AREA(call32)

#define OF_VTL0		HV_INPUT_VTL(0)

/* Result value of a hypercall of 32-bit code */
static u64 hypercall32(u64 control, u64 in, u64 out)
{
	struct regs32 regs = {
		.edx = control >> 32, .eax = control,
		.ebx = in >> 32, .ecx = in,
		.edi = out >> 32, .esi = out,
	};

	call32(&regs, hv_direct());
	/* The parameters are what they were. */
	GUEST_EQ(in, (u64)regs.ebx << 32 | regs.ecx);
	GUEST_EQ(out, (u64)regs.edi << 32 | regs.esi);
	return (u64)regs.edx << 32 | regs.eax;
}

static struct hv_vp_registers *names(u32 name, u32 n)
{
	struct hv_vp_registers *in = (void *)this_area()->in;
	u32 i;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	for (i = 0; i < n; i++)
		in->name[i] = name;
	return in;
}

GUEST_TEST(call32, memory)
{
	union hv_value *out = (void *)this_area()->out;

	hv_init();
	out->low = 0;
	GUEST_EQ(HV_REPS(1),
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(1),
			     (uintptr_t)names(HV_REG_VSM_VP_STATUS, 1),
			     (uintptr_t)out));
	GUEST_EQ(0x10000, out->low);
	/* Alignment, reserved bits, unknown code */
	GUEST_EQ(HV_INVALID_ALIGNMENT,
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(1),
			     (uintptr_t)names(0, 1) + 4, (uintptr_t)out));
	GUEST_EQ(HV_INVALID_INPUT,
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(1) | BIT(60 - 16),
			     (uintptr_t)names(0, 1), (uintptr_t)out));
	GUEST_EQ(HV_INVALID_CODE, hypercall32(0x19, 0, 0));
	/* High halves count. */
	GUEST_EQ(HV_INVALID_INPUT,
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(1),
			     (uintptr_t)names(0, 1) | 1ULL << 40,
			     (uintptr_t)out));
}

GUEST_TEST(call32, fast)
{
	hv_init();
	GUEST_EQ(HV_INVALID_PARTITION_ID,
		 hypercall32(HV_ENABLE_PARTITION_VTL | HV_FAST, 5, 1));
	GUEST_EQ(HV_SUCCESS,
		 hypercall32(HV_ENABLE_PARTITION_VTL | HV_FAST,
			     HV_PARTITION_SELF, 1));
	GUEST_EQ(3, hv_reg(0, HV_REG_VSM_PARTITION_STATUS) & 0xffff);
	/* No XMM registers in this mode: 20 bytes are too many. */
	GUEST_EQ(HV_INVALID_INPUT,
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(1) | HV_FAST,
			     HV_PARTITION_SELF, HV_VP_SELF));
}

/* A long call continues in EDX:EAX. */
GUEST_TEST(call32, continued)
{
	union hv_value *out = (void *)this_area()->out;
	u32 i;

	hv_init();
	memset(out, 0, PAGE_SIZE);
	GUEST_EQ(HV_REPS(255),
		 hypercall32(HV_GET_VP_REGISTERS | HV_REPS(255),
			     (uintptr_t)names(HV_REG_CR3, 255),
			     (uintptr_t)out));
	for (i = 0; i < 255; i++)
		GUEST_EQ(GUEST_PAGE_TABLES_OF(0), out[i].low);
}

/* VTL1 sees the registers, and VTL0's mode. */
static u64 look(u64 a, u64 b)
{
	struct guest_regs *regs = this_vtl1()->regs;
	union hv_value cs;

	GUEST_EQ(0x1111, (u32)regs->rbx);
	GUEST_EQ(0x2222, (u32)regs->rdx);
	GUEST_EQ(HV_REPS(1), hv_get_register(OF_VTL0, HV_REG_CS, &cs));
	GUEST_EQ(CODE32_SEL, cs.segment.selector);
	GUEST_EQ(0, cs.segment.attributes & BIT(13));
	/* So its sequences are the ones for 32-bit code. */
	GUEST_EQ(0x04 | 0x1b << 12, hv_reg(OF_VTL0, HV_REG_CODE_PAGE_OFFSETS));
	regs->rbx = 0x3333;
	return 7;
}

static void check_call(u32 eax, u32 ecx, const void *target)
{
	struct regs32 regs = {
		.eax = eax, .ecx = ecx, .ebx = 0x1111, .edx = 0x2222,
		.esi = 0x4444, .edi = 0x5555,
	};

	vtl1[0].fn = look;
	vtl1[0].result = 0;
	call32(&regs, target);
	GUEST_EQ(7, vtl1[0].result);
	GUEST_EQ(0x3333, regs.ebx);
	GUEST_EQ(0x2222, regs.edx);
	GUEST_EQ(0x4444, regs.esi);
	GUEST_EQ(0x5555, regs.edi);
}

GUEST_TEST(call32, vtl_call)
{
	vsm_init();
	check_call(HV_VTL_CALL, 0, hv_direct());
	GUEST_EQ(1, vtl1[0].calls);
}

/* By the sequence in the page, which takes the control input in EAX */
GUEST_TEST(call32, vtl_call_by_page)
{
	vsm_init();
	check_call(0, 0x9999, this_area()->hypercall_page + 4);
	GUEST_EQ(1, vtl1[0].calls);
}

static void try32(u32 eax, u32 ecx)
{
	struct regs32 regs = { .eax = eax, .ecx = ecx };

	call32(&regs, hv_direct());
}

static void on_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
	GUEST_EQ(CODE32_SEL, regs->cs);
	regs->rip += 3;
}

/* #UD for a bad control input, and for a return from VTL0 */
GUEST_TEST(call32, bad_vtl_call)
{
	vsm_init();
	guest_on(UD_VECTOR, on_ud);
	try32(HV_VTL_CALL, 1);
	GUEST_EQ(1, this_cpu()->count[UD_VECTOR]);
	try32(HV_VTL_RETURN, 0);
	GUEST_EQ(2, this_cpu()->count[UD_VECTOR]);
	GUEST_EQ(0, vtl1[0].calls);
}

TEST_HARNESS_MAIN
