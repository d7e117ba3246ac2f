// SPDX-License-Identifier: GPL-2.0-only
/*
 * Secure kernel - hypercalls.
 */
#include "hv.h"

/* An operating system without a registered vendor; anything but zero. */
#define OS_ID		0x8100000000000002ULL

static void *hypercall_page;

void hv_init(void *page)
{
	hypercall_page = page;
	wrmsr(HV_MSR_GUEST_OS_ID, OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (u64)page | HV_MSR_ENABLE);
}

/* Memory is mapped one to one: pointers are guest physical addresses. */
static u16 hypercall(u64 control)
{
	register u64 output asm("r8") = (u64)hv_out;
	u64 input = (u64)hv_in;
	u64 result;

	asm volatile("call *%[page]"
		     : "=a" (result), "+c" (control), "+d" (input),
		       "+r" (output)
		     : [page] "r" (hypercall_page)
		     : "memory", "cc", "r9", "r10", "r11");
	return HV_STATUS(result);
}

static void set_header(struct hv_header *header, u32 vp, u8 vtl)
{
	*header = (struct hv_header) {
		.partition = HV_PARTITION_SELF, .vp = vp, .vtl = vtl,
	};
}

u16 hv_get_register(u8 vtl, u32 name, u64 *value)
{
	struct hv_get_register *get = (void *)hv_in;
	u16 status;

	set_header(&get->header, HV_VP_SELF, vtl);
	get->name = name;
	status = hypercall(HV_GET_VP_REGISTERS | HV_REPS(1));
	*value = *(u64 *)hv_out;
	return status;
}

u16 hv_set_register(u8 vtl, u32 name, u64 value)
{
	struct hv_set_register *set = (void *)hv_in;

	*set = (struct hv_set_register) { .name = name, .low = value };
	set_header(&set->header, HV_VP_SELF, vtl);
	return hypercall(HV_SET_VP_REGISTERS | HV_REPS(1));
}

u16 hv_protect(const void *start, const void *end, u32 map)
{
	struct hv_modify_protection *modify = (void *)hv_in;
	u64 gfn = (u64)start / PAGE_SIZE;
	u32 n = (u64)end / PAGE_SIZE - gfn;
	u32 i;

	set_header(&modify->header, map, HV_OWN_VTL);
	for (i = 0; i < n; i++)
		modify->gfn[i] = gfn + i;
	return hypercall(HV_MODIFY_PROTECTION | HV_REPS(n));
}
