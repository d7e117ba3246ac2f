// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL0 - bringing VTL1 up, and calls into it.
 *
 * Linux has set up VTL0's hypercall page; the sequence for VTL calls lies in
 * it, at an offset that a register tells.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/mshyperv.h>
#include <asm/nospec-branch.h>

#include "sk.h"
#include "vsm.h"

#define HVCALL_ENABLE_PARTITION_VTL	0x000d
#define HV_REGISTER_CODE_PAGE_OFFSETS	0x000d0002
#define HV_REGISTER_PARTITION_STATUS	0x000d0004

/* CPUID 0x40000003, EBX */
#define ACCESS_VSM			BIT(16)
#define ACCESS_VP_REGISTERS		BIT(17)

#define ONE_REP				BIT_ULL(HV_HYPERCALL_REP_COMP_OFFSET)

/* Attributes of segments: 64-bit code, data, busy task state segment */
#define ATTR_CODE64			0xa09b
#define ATTR_DATA			0xc093
#define ATTR_TSS			0x008b
#define TSS_LIMIT			0x67

#define PAT_DEFAULT			0x0007040600070406ULL

struct enable_partition_vtl {
	u64 partition;
	u8 vtl;
	u8 flags;
	u8 reserved[6];
};

static void *vtl_call_entry;

bool vsm_is_offered(void)
{
	u32 need = ACCESS_VSM | ACCESS_VP_REGISTERS;

	return hv_hypercall_pg &&
	       (cpuid_ebx(HYPERV_CPUID_FEATURES) & need) == need;
}

static int check(const char *what, u64 result)
{
	u16 status = result & HV_HYPERCALL_RESULT_MASK;

	if (!status)
		return 0;
	pr_err("%s: status 0x%x\n", what, status);
	return -EIO;
}

/* @page: for input and output */
static int get_register(void *page, u32 name, u64 *value)
{
	struct hv_get_vp_registers_input *in = page;
	struct hv_get_vp_registers_output *out = page + PAGE_SIZE / 2;
	int ret;

	memset(in, 0, sizeof(in->header));
	in->header.partitionid = HV_PARTITION_ID_SELF;
	in->header.vpindex = HV_VP_INDEX_SELF;
	in->element[0].name0 = name;
	ret = check("GetVpRegisters",
		    hv_do_hypercall(HVCALL_GET_VP_REGISTERS | ONE_REP, in,
				    out));
	*value = out->as64.low;
	return ret;
}

static int enable_partition(void *page)
{
	struct enable_partition_vtl *in = page;

	*in = (struct enable_partition_vtl) {
		.partition = HV_PARTITION_ID_SELF, .vtl = 1,
	};
	return check("EnablePartitionVtl",
		     hv_do_hypercall(HVCALL_ENABLE_PARTITION_VTL, in, NULL));
}

static void set_segment(struct hv_x64_segment_register *segment, u16 selector,
			u16 attributes)
{
	segment->limit = U32_MAX;
	segment->selector = selector;
	segment->attributes = attributes;
}

static void set_context(struct hv_init_vp_context *context,
			struct sk_header *image)
{
	u64 base = virt_to_phys(image);

	context->rip = base + image->entry;
	context->rsp = base + image->stack;
	context->rflags = X86_EFLAGS_FIXED;
	set_segment(&context->cs, SK_CS, ATTR_CODE64);
	set_segment(&context->ds, SK_DS, ATTR_DATA);
	set_segment(&context->es, SK_DS, ATTR_DATA);
	set_segment(&context->ss, SK_DS, ATTR_DATA);
	set_segment(&context->tr, 0, ATTR_TSS);
	context->tr.base = base + image->tss;
	context->tr.limit = TSS_LIMIT;
	context->gdtr.base = base + image->gdt;
	context->gdtr.limit = image->gdt_limit;
	context->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	context->cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE |
		       X86_CR0_WP | X86_CR0_PG;
	context->cr3 = base + image->page_tables;
	context->cr4 = X86_CR4_PAE;
	context->msr_cr_pat = PAT_DEFAULT;
}

static int enable_vp(void *page, struct sk_header *image)
{
	struct hv_enable_vp_vtl *in = page;

	memset(in, 0, sizeof(*in));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->target_vtl.as_uint8 = 1;
	set_context(&in->vp_context, image);
	return check("EnableVpVtl",
		     hv_do_hypercall(HVCALL_ENABLE_VP_VTL, in, NULL));
}

/* One to one, with 2 MiB pages, up to 4 GiB */
static void fill_page_tables(struct sk_header *image)
{
	u64 *table = (void *)image + image->page_tables;
	u64 base = virt_to_phys(table);
	u64 *pdpt = table + PTRS_PER_PGD;
	u64 *pd = pdpt + PTRS_PER_PUD;
	int i;

	table[0] = (base + PAGE_SIZE) | _PAGE_PRESENT | _PAGE_RW;
	for (i = 0; i < SK_PAGE_TABLES - 2; i++)
		pdpt[i] = (base + (i + 2) * PAGE_SIZE) | _PAGE_PRESENT |
			  _PAGE_RW;
	for (i = 0; i < (SK_PAGE_TABLES - 2) * PTRS_PER_PMD; i++)
		pd[i] = (u64)i * PMD_SIZE | _PAGE_PRESENT | _PAGE_RW |
			_PAGE_PSE;
}

static int start(void *page, struct sk_header *image)
{
	struct vsm_call call = {};
	u64 offsets;
	int ret;

	fill_page_tables(image);
	ret = enable_partition(page);
	if (!ret)
		ret = enable_vp(page, image);
	if (!ret)
		ret = get_register(page, HV_REGISTER_CODE_PAGE_OFFSETS,
				   &offsets);
	if (ret)
		return ret;
	vtl_call_entry = hv_hypercall_pg + (offsets & 0xfff);
	vsm_call(&call);
	return check("first VTL call", call.args[0]);
}

int vsm_start(struct sk_header *image)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = start(page, image);
	free_page((unsigned long)page);
	return ret;
}

/* VTL1 keeps all registers but those of the results; RAX and RCX select. */
void vsm_call(struct vsm_call *call)
{
	register u64 r8 asm("r8") = call->args[0];
	register u64 r9 asm("r9") = call->args[1];
	register u64 r10 asm("r10") = call->args[2];
	register u64 r11 asm("r11") = call->args[3];
	u64 control = 0;

	asm volatile(CALL_NOSPEC
		     : ASM_CALL_CONSTRAINT, "+c" (control), "+r" (r8),
		       "+r" (r9), "+r" (r10), "+r" (r11)
		     : "d" (call->service), THUNK_TARGET(vtl_call_entry)
		     : "rax", "cc", "memory");
	call->args[0] = r8;
	call->args[1] = r9;
	call->args[2] = r10;
	call->args[3] = r11;
}
