// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - hypercalls and synthetic MSRs.
 */
#include <string.h>
#include "hv.h"

bool hv_is_amd(void)
{
	u32 a, b, c, d;

	cpuid(0, 0, &a, &b, &c, &d);
	return b == 0x68747541;		/* "Auth" */
}

const void *hv_direct(void)
{
	return hv_is_amd() ? hv_vmmcall : hv_vmcall;
}

struct guest_trap hv_try(u64 control, u64 rdx, u64 r8)
{
	struct hv_io io = { .rcx = control, .rdx = rdx, .r8 = r8 };

	hv_insn(&io, hv_direct());
	return io.trap;
}

static u64 result_of(struct hv_io *io)
{
	if (io->trap.vector != NO_TRAP)
		GUEST_FAIL("hypercall 0x%llx: exception %lld", io->rcx,
			   io->trap.vector);
	return io->rax;
}

u64 hv_call(u64 control, u64 rdx, u64 r8)
{
	struct hv_io io = { .rcx = control, .rdx = rdx, .r8 = r8 };

	hv_insn(&io, hv_direct());
	return result_of(&io);
}

u64 hv_call_mem(u64 control, const void *in, void *out)
{
	return hv_call(control, (uintptr_t)in, (uintptr_t)out);
}

u64 hv_call_xmm(u64 control, const void *data, u32 count)
{
	const u64 *word = data;
	struct hv_io io = {
		.rcx = control | HV_FAST,
		.rdx = word[0],
		.r8 = count > 1 ? word[1] : 0,
		.use_xmm = 1,
	};
	u32 i;

	for (i = 2; i < count; i++)
		io.xmm[i / 2 - 1][i % 2] = word[i];
	hv_insn(&io, hv_direct());
	return result_of(&io);
}

void hv_init(void)
{
	struct guest_area *area = this_area();

	wrmsr(HV_MSR_GUEST_OS_ID, HV_TEST_OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (uintptr_t)area->hypercall_page |
	      HV_MSR_ENABLE);
}

void hv_assist_init(void)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, (uintptr_t)this_area()->assist |
	      HV_MSR_ENABLE);
}

void hv_synic_init(u64 sint0)
{
	struct guest_area *area = this_area();
	struct guest_cpu *cpu = this_cpu();
	u32 vector = sint0 & 0xff;

	wrmsr(HV_MSR_SIMP, (uintptr_t)area->simp | HV_MSR_ENABLE);
	wrmsr(HV_MSR_SIEFP, (uintptr_t)area->siefp | HV_MSR_ENABLE);
	wrmsr(HV_MSR_SCONTROL, HV_MSR_ENABLE);
	if (sint0 & HV_SINT_AUTO_EOI)
		cpu->auto_eoi[vector / 64] |= BIT(vector % 64);
	wrmsr(HV_MSR_SINT0, sint0);
}

/* Input and output pages are those of the current VTL and VP. */
static u64 get_registers(u32 vp, u8 vtl, const u32 *names, u32 count,
			 union hv_value *values)
{
	struct guest_area *area = this_area();
	struct hv_vp_registers *in = (void *)area->in;
	u64 result;
	u32 i;

	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	in->vtl = vtl;
	memset(in->reserved, 0, sizeof(in->reserved));
	for (i = 0; i < count; i++)
		in->name[i] = names[i];
	result = hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(count), in,
			     area->out);
	memcpy(values, area->out, HV_REPS_DONE(result) * sizeof(*values));
	return result;
}

u64 hv_get_registers(u8 vtl, const u32 *names, u32 count,
		     union hv_value *values)
{
	return get_registers(HV_VP_SELF, vtl, names, count, values);
}

u64 hv_get_vp_register(u32 vp, u8 vtl, u32 name, union hv_value *value)
{
	return get_registers(vp, vtl, &name, 1, value);
}

u64 hv_get_register(u8 vtl, u32 name, union hv_value *value)
{
	return hv_get_vp_register(HV_VP_SELF, vtl, name, value);
}

u64 hv_set_vp_register(u32 vp, u8 vtl, u32 name, u64 low, u64 high)
{
	struct hv_vp_registers *in = (void *)this_area()->in;

	memset(in, 0, 48);
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	in->vtl = vtl;
	in->set[0].name = name;
	in->set[0].value.low = low;
	in->set[0].value.high = high;
	return hv_call_mem(HV_SET_VP_REGISTERS | HV_REPS(1), in, NULL);
}

u64 hv_set_register(u8 vtl, u32 name, u64 low, u64 high)
{
	return hv_set_vp_register(HV_VP_SELF, vtl, name, low, high);
}

u64 hv_reg(u8 vtl, u32 name)
{
	union hv_value value = { };
	u64 result = hv_get_register(vtl, name, &value);

	if (result != HV_REPS(1))
		GUEST_FAIL("get register 0x%llx of 0x%llx: result 0x%llx",
			   name, vtl, result);
	return value.low;
}

void hv_set_reg(u8 vtl, u32 name, u64 value)
{
	u64 result = hv_set_register(vtl, name, value, 0);

	if (result != HV_REPS(1))
		GUEST_FAIL("set register 0x%llx of 0x%llx to 0x%llx: result 0x%llx",
			   name, vtl, value, result);
}

u64 hv_flush(u64 vps)
{
	u64 *in = (u64 *)this_area()->in;

	in[0] = 0;
	in[1] = 2;	/* all address spaces */
	in[2] = vps;
	return hv_call_mem(HV_FLUSH_SPACE, in, NULL);
}

u64 hv_protect(u64 gpa, u32 pages, u32 flags)
{
	struct hv_modify_protection *in = (void *)this_area()->in;
	u32 i;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->flags = flags;
	for (i = 0; i < pages; i++)
		in->gfn[i] = gpa / PAGE_SIZE + i;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(pages), in, NULL);
}
