// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - VTL1 and VTL2: the way up, and the service that runs there.
 */
#include <string.h>
#include "vsm.h"

extern const u8 vtl_start[];

struct vtl_service vtl1[GUEST_MAX_VPS], vtl2[GUEST_MAX_VPS];
u8 vsm_enable_flags;

void service_init(struct guest_regs *regs);
void service_dispatch(struct guest_regs *regs);

static struct vtl_service *service(u8 vtl)
{
	return vtl == 2 ? this_vtl2() : this_vtl1();
}

static struct vtl_service *this_service(void)
{
	return service(this_cpu()->vtl);
}

u64 vsm_enable_partition_vtl(u8 vtl)
{
	struct hv_enable_partition_vtl in = {
		.partition = HV_PARTITION_SELF, .vtl = vtl,
		.flags = vsm_enable_flags,
	};

	return hv_call_xmm(HV_ENABLE_PARTITION_VTL, &in, 2);
}

static void table(struct hv_table *t, const void *base, u16 limit)
{
	t->base = (uintptr_t)base;
	t->limit = limit;
}

/* 64 bit, with the VTL's own tables, stack and page tables */
static void fill_context(struct hv_context *context, u32 vp, u8 vtl,
			 const void *rip)
{
	struct guest_area *area = guest_area(vp, vtl);
	struct hv_segment data = {
		.limit = 0xffffffff, .selector = KERNEL_DS,
		.attributes = 0xc093,
	};

	memset(context, 0, sizeof(*context));
	context->rip = (uintptr_t)rip;
	context->rsp = (uintptr_t)area->stack + sizeof(area->stack) - 8;
	context->rflags = 2;
	context->ds = data;
	context->es = data;
	context->ss = data;
	context->gs.base = (uintptr_t)&area->cpu;
	context->cs = (struct hv_segment) {
		.limit = 0xffffffff, .selector = KERNEL_CS,
		.attributes = 0xa09b,
	};
	context->tr = (struct hv_segment) {
		.base = (uintptr_t)area->tss, .limit = TSS_LIMIT,
		.selector = TSS_SEL, .attributes = 0x8b,
	};
	table(&context->gdtr, area->gdt, sizeof(area->gdt) - 1);
	table(&context->idtr, area->idt, sizeof(area->idt) - 1);
	context->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	context->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	context->cr3 = GUEST_PAGE_TABLES_OF(vtl);
	context->cr4 = read_cr4();
	context->pat = 0x0007040600070406;
}

void vsm_context_of(struct hv_context *context, u32 vp, u8 vtl)
{
	fill_context(context, vp, vtl, vtl_start);
}

void vsm_context_of_vtl0(struct hv_context *context, u32 vp, void (*fn)(void))
{
	fill_context(context, vp, 0, fn);
}

u64 vsm_enable_vp_vtl(u32 vp, u8 vtl)
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	in->vtl = vtl;
	vsm_context_of(&in->context, vp == HV_VP_SELF ? this_cpu()->vp : vp,
		       vtl);
	return hv_call_mem(HV_ENABLE_VP_VTL, in, NULL);
}

u64 vsm_start_vp(u32 vp, void (*fn)(void))
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;

	memset(in, 0, sizeof(*in));
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	vsm_context_of_vtl0(&in->context, vp, fn);
	return hv_call_mem(HV_START_VP, in, NULL);
}

void vsm_bring_up(u8 vtl)
{
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition_vtl(vtl));
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp_vtl(HV_VP_SELF, vtl));
	vtl_call();
}

void vsm_init(void)
{
	hv_init();
	vsm_bring_up(1);
}

struct guest_trap vtl_try_call(u64 rcx, u64 rax)
{
	struct hv_io io = { .rcx = rcx, .rax = rax };

	hv_insn(&io, hv_direct());
	return io.trap;
}

void vtl_call(void)
{
	struct guest_trap trap = vtl_try_call(HV_VTL_CALL, 0);

	if (trap.vector != NO_TRAP)
		GUEST_FAIL("VTL call: exception %lld", trap.vector);
}

u32 vtl_call_offset(u8 vtl)
{
	return hv_reg(vtl, HV_REG_CODE_PAGE_OFFSETS) & 0xfff;
}

u32 vtl_return_offset(u8 vtl)
{
	return hv_reg(vtl, HV_REG_CODE_PAGE_OFFSETS) >> 12 & 0xfff;
}

void vtl_call_by_page(void)
{
	struct hv_io io = { };

	hv_insn(&io, this_area()->hypercall_page + vtl_call_offset(0));
	GUEST_NO_TRAP(io.trap);
}

u64 vtl_exec(u8 vtl, vtl_fn fn, u64 a, u64 b)
{
	struct vtl_service *v = service(vtl);

	v->args[0] = a;
	v->args[1] = b;
	v->fn = fn;
	vtl_call();
	if (READ_ONCE(v->fn))
		GUEST_FAIL("VTL%lld did not take the call", vtl);
	return v->result;
}

u64 vtl_protect(u64 gpa, u64 pages_and_flags)
{
	return hv_protect(gpa, pages_and_flags >> 32, (u32)pages_and_flags);
}

u64 vtl1_protect(const volatile void *p, u32 pages, u32 flags)
{
	return vtl1_exec(vtl_protect, (uintptr_t)p, (u64)pages << 32 | flags);
}

void vtl1_close(const volatile void *p, u32 pages, u32 flags)
{
	u64 result = vtl1_protect(p, pages, flags);

	if (result != HV_REPS(pages))
		GUEST_FAIL("protect 0x%llx, %lld pages, as 0x%llx: 0x%llx",
			   (uintptr_t)p, pages, flags, result);
}

/* The VTL that the message is about, as HV_INPUT_VTL */
static u8 intercepted_vtl(struct vtl_service *v)
{
	return HV_INPUT_VTL(vtl1_intercept(v)->state >> 7 & 0xf);
}

void vtl1_deny(struct vtl_service *v)
{
	hv_set_reg(intercepted_vtl(v), HV_REG_PENDING_EVENT0,
		   HV_EVENT_EXCEPTION(GP_VECTOR) | HV_EVENT_HAS_ERROR);
}

void vtl1_allow(struct vtl_service *v)
{
	u64 gpa = vtl1_intercept(v)->gpa & -PAGE_SIZE;

	GUEST_EQ(HV_REPS(1), hv_protect(gpa, 1, HV_RWX));
}

void vtl1_skip(struct vtl_service *v)
{
	u64 rip = hv_reg(intercepted_vtl(v), HV_REG_RIP);

	hv_set_reg(intercepted_vtl(v), HV_REG_RIP, rip + v->policy_arg);
}

void vtl1_ignore(struct vtl_service *v)
{
}

/* SINT0: takes the message, applies the policy, frees the slot. */
static void sint0(struct guest_cpu *cpu, struct guest_regs *regs)
{
	struct hv_message *slot = (void *)this_area()->simp;
	struct vtl_service *v = this_service();

	if (!READ_ONCE(slot->type))
		return;
	v->message = *slot;
	v->messages++;
	(v->policy ?: vtl1_deny)(v);
	if (v->keep_slot)
		return;
	WRITE_ONCE(slot->type, 0);
	if (slot->flags & 1)
		wrmsr(HV_MSR_EOM, 0);
}

/* First entry.  RAX and RCX of the return go where vtl_start expects them. */
static void leave(struct vtl_service *v, struct guest_regs *regs)
{
	regs->rcx = v->return_by_rcx ? v->fast_return : HV_VTL_RETURN;
	regs->rax = v->fast_return;
}

void service_init(struct guest_regs *regs)
{
	struct guest_cpu *cpu = this_cpu();
	struct vtl_service *v = this_service();

	v->regs_seen = *regs;
	cpu->vtl_return = hv_direct();
	cpu->vtl_flags = 2;
	hv_init();
	if (!v->bare) {
		hv_assist_init();
		guest_on(VTL1_SINT_VECTOR, sint0);
		hv_synic_init(v->sint0 ?: VTL1_SINT_VECTOR |
			      HV_SINT_AUTO_EOI);
	}
	if (!v->no_protection)
		hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
			   HV_CONFIG_ENABLE_PROTECTION |
			   HV_CONFIG_DEFAULT(HV_RWX));
	leave(v, regs);
}

void service_dispatch(struct guest_regs *regs)
{
	struct hv_assist *assist = (void *)this_area()->assist;
	struct vtl_service *v = this_service();
	vtl_fn fn = v->fn;

	v->regs = regs;
	v->regs_seen = *regs;
	v->entry_reason = v->bare ? 0 : READ_ONCE(assist->entry_reason);
	if (v->entry_reason == HV_ENTRY_INTERRUPT) {
		v->interrupts++;
		irq_window();
	} else if (v->entry_reason == HV_ENTRY_INTERCEPT) {
		v->message = assist->message;
		v->messages++;
		(v->policy ?: vtl1_deny)(v);
	} else {
		v->calls++;
		if (fn) {
			v->result = fn(v->args[0], v->args[1]);
			WRITE_ONCE(v->fn, NULL);
		}
	}
	leave(v, regs);
}
