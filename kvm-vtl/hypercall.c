// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the hypercall ABI: decode, read the parameters, dispatch, complete
 *
 * A VSM hypercall passes through three places:
 *
 *   the hook         vCPU loaded: checks the control word, reads the parameters
 *                    once into vtl_hypercall.in, leaves KVM_RUN;
 *   the run loop     no vCPU loaded: the handler works on kernel memory only
 *                    and may touch the vCPUs of other VTLs;
 *   the next entry   vCPU loaded: writes the results, RAX or RCX, and steps
 *                    over the instruction.
 *
 * VTL call and VTL return have an ABI of their own and take no status.
 */
#include <linux/kvm_host.h>

#include "hooks.h"
#include "hypercall.h"
#include "intercept.h"
#include "interrupt.h"
#include "kvm_glue.h"
#include "nest.h"
#include "return_action.h"
#include "startup.h"
#include "switch.h"
#include "tlb.h"
#include "trace.h"
#include "vendor.h"
#include "vp.h"

/**
 * struct call - a hypercall that the module implements
 * @code: call code
 * @privilege: bit of CPUID 0x40000003 EBX without which it is denied
 * @header: bytes of the fixed header
 * @in_element: bytes of one input element; 0 for a simple call
 * @out_element: bytes of one output element, or of all output of a simple call
 * @handler: does it; returns HV_STATUS_*
 */
struct call {
	u16 code;
	u32 privilege;
	u16 header;
	u16 in_element;
	u16 out_element;
	u16 (*handler)(struct vtl_vp *vp, struct vtl_hypercall *hc);
};

static const struct call calls[] = {
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_modify_protection), sizeof(u64), 0,
	  vtl_hv_modify_protection },
	{ HVCALL_ENABLE_PARTITION_VTL, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_enable_partition), 0, 0,
	  vtl_hv_enable_partition_vtl },
	{ HVCALL_DISABLE_PARTITION_VTL, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_enable_partition), 0, 0,
	  vtl_hv_disable_partition_vtl },
	{ HVCALL_ENABLE_VP_VTL, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_enable_vp), 0, 0,
	  vtl_hv_enable_vp_vtl },
	{ HVCALL_DISABLE_VP_VTL, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_disable_vp), 0, 0,
	  vtl_hv_disable_vp_vtl },
	{ HVCALL_GET_VP_REGISTERS, HV_FEATURE_EBX_ACCESS_VP_REGS,
	  sizeof(struct hv_vtl_vp_registers), sizeof(u32),
	  sizeof(union hv_vtl_reg_value), vtl_hv_get_vp_registers },
	{ HVCALL_SET_VP_REGISTERS, HV_FEATURE_EBX_ACCESS_VP_REGS,
	  sizeof(struct hv_vtl_vp_registers), sizeof(struct hv_vtl_reg_assoc),
	  0, vtl_hv_set_vp_registers },
	{ HVCALL_INSTALL_INTERCEPT, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_install_intercept), 0, 0,
	  vtl_hv_install_intercept },
	{ HVCALL_TRANSLATE_VIRTUAL_ADDRESS, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_translate), 0,
	  sizeof(struct hv_vtl_translate_out), vtl_hv_translate },
	{ HVCALL_TRANSLATE_VIRTUAL_ADDRESS_EX, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_translate), 0,
	  sizeof(struct hv_vtl_translate_ex_out), vtl_hv_translate_ex },
	{ HVCALL_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_check_access), sizeof(u64), sizeof(u64),
	  vtl_hv_check_access },
	{ HVCALL_ASSERT_VIRTUAL_INTERRUPT, HV_FEATURE_EBX_ACCESS_VSM,
	  sizeof(struct hv_vtl_assert_interrupt), 0, 0,
	  vtl_hv_assert_interrupt },
	{ HVCALL_START_VP, HV_FEATURE_EBX_START_VP,
	  sizeof(struct hv_vtl_enable_vp), 0, 0, vtl_hv_start_vp },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, HV_FEATURE_EBX_START_VP,
	  sizeof(struct hv_vtl_get_vp_index), sizeof(u32), sizeof(u32),
	  vtl_hv_get_vp_index },
};

static const struct call *find_call(u16 code)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].code == code)
			return &calls[i];
	return NULL;
}

/**
 * vtl_hv_input_vtl - decode an HV_INPUT_VTL
 * @vp: the calling VP
 * @input_vtl: the byte
 * @vtl: out: the VTL that is meant
 *
 * Return: HV_STATUS_SUCCESS, INVALID_PARAMETER for reserved bits,
 * ACCESS_DENIED for a VTL above the caller's.
 */
int vtl_hv_input_vtl(struct vtl_vp *vp, u8 input_vtl, u8 *vtl)
{
	if (input_vtl & HV_INPUT_VTL_RESERVED)
		return HV_STATUS_INVALID_PARAMETER;

	*vtl = vp->active_vtl;
	if (input_vtl & HV_INPUT_VTL_USE_TARGET)
		*vtl = input_vtl & HV_INPUT_VTL_TARGET;
	if (*vtl > vp->active_vtl)
		return HV_STATUS_ACCESS_DENIED;
	return HV_STATUS_SUCCESS;
}

/**
 * vtl_hv_vp - decode a VP index
 * @vp: the calling VP
 * @index: HV_SELF_VP or an index
 *
 * Return: the VP that is meant, NULL when there is none.
 */
struct vtl_vp *vtl_hv_vp(struct vtl_vp *vp, u32 index)
{
	if (index == HV_SELF_VP)
		return vp;
	return vtl_partition_vp(vp->partition, index);
}

static void decode_registers(struct vtl_hypercall *hc, struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;

	if (hc->is_64bit) {
		hc->control = regs[VCPU_REGS_RCX];
		hc->in_gpa = regs[VCPU_REGS_RDX];
		hc->out_gpa = regs[VCPU_REGS_R8];
		return;
	}
	hc->control = (u64)regs[VCPU_REGS_RDX] << 32 |
		      (u32)regs[VCPU_REGS_RAX];
	hc->in_gpa = (u64)regs[VCPU_REGS_RBX] << 32 | (u32)regs[VCPU_REGS_RCX];
	hc->out_gpa = (u64)regs[VCPU_REGS_RDI] << 32 | (u32)regs[VCPU_REGS_RSI];
}

static u16 check_control(struct vtl_hypercall *hc, const struct call *call)
{
	u64 control = hc->control;
	unsigned int reps;

	hc->fast = control & HV_HC_FAST;
	hc->rep_count = (control >> HV_HC_REP_COUNT_SHIFT) & HV_HC_REP_BITS;
	hc->rep_start = (control >> HV_HC_REP_START_SHIFT) & HV_HC_REP_BITS;
	hc->reps_done = hc->rep_start;
	hc->out_begin = 0;
	hc->out_end = 0;

	if (control & (HV_HC_RESERVED | HV_HC_VARHEAD_BITS))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (!call->in_element) {
		if (hc->rep_count || hc->rep_start)
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
	} else if (hc->rep_start >= hc->rep_count) {
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	}

	reps = hc->rep_count;
	hc->in_bytes = call->header + reps * call->in_element;
	hc->out_bytes = (call->in_element ? reps : 1) * call->out_element;
	if (hc->in_bytes > PAGE_SIZE || hc->out_bytes > PAGE_SIZE)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

static unsigned int fast_limit(const struct vtl_hypercall *hc)
{
	return hc->is_64bit ? VTL_FAST_BYTES : VTL_FAST_GPR_BYTES;
}

/* Output of a fast call begins at the next 16-byte boundary of the input. */
static unsigned int fast_out_offset(const struct vtl_hypercall *hc)
{
	return round_up(hc->in_bytes, 16);
}

static u16 read_fast(struct vtl_hypercall *hc)
{
	unsigned int out = hc->out_bytes;
	u64 *in = hc->in;

	if (hc->in_bytes > fast_limit(hc) ||
	    (out && fast_out_offset(hc) + out > fast_limit(hc)))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;

	in[0] = hc->in_gpa;
	in[1] = hc->out_gpa;
	if (hc->in_bytes > VTL_FAST_GPR_BYTES)
		vtl_xmm_read(0, VTL_FAST_XMM_REGS, &in[2]);
	return HV_STATUS_SUCCESS;
}

static u16 check_gpa(u64 gpa, unsigned int bytes)
{
	if (gpa % 8)
		return HV_STATUS_INVALID_ALIGNMENT;
	if (offset_in_page(gpa) + bytes > PAGE_SIZE)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

/* May the caller's VTL access the page as the hypercall does for it? */
static bool may_access(struct vtl_vp *vp, u64 gpa, vtl_prot_t access)
{
	vtl_prot_t prot = vtl_effective_prot(vp->partition, vp->active_vtl,
					     gpa_to_gfn(gpa));

	return (prot & access) == access;
}

/*
 * The output list is written at the end; whether it can be is checked first,
 * so that no call takes effect and then fails to say so.
 */
static u16 check_lists(const struct vtl_hypercall *hc)
{
	u16 status;

	status = check_gpa(hc->in_gpa, hc->in_bytes);
	if (!status && hc->out_bytes)
		status = check_gpa(hc->out_gpa, hc->out_bytes);
	return status;
}

/* Returns -ENOENT when nothing is denied, else what the hook returns. */
static int deny_lists(struct vtl_vp *vp, struct kvm_vcpu *vcpu, bool in,
		      bool out)
{
	struct vtl_hypercall *hc = &vp->hypercall;

	if (in && !may_access(vp, hc->in_gpa, VTL_PROT_R))
		return vtl_intercept_memory(vp, vcpu, hc->in_gpa, VTL_PROT_R,
					    NULL, 0);
	if (out && !may_access(vp, hc->out_gpa, VTL_PROT_W))
		return vtl_intercept_memory(vp, vcpu, hc->out_gpa, VTL_PROT_W,
					    NULL, 0);
	return -ENOENT;
}

/* 32-bit code has the control word and the result in the same registers. */
static void set_64(struct vtl_hypercall *hc, struct kvm_vcpu *vcpu,
		   enum kvm_reg reg, u64 value)
{
	if (hc->is_64bit) {
		vcpu->arch.regs[reg] = value;
		return;
	}
	vcpu->arch.regs[VCPU_REGS_RAX] = (u32)value;
	vcpu->arch.regs[VCPU_REGS_RDX] = value >> 32;
}

static void set_result(struct vtl_hypercall *hc, struct kvm_vcpu *vcpu)
{
	set_64(hc, vcpu, VCPU_REGS_RAX,
	       hc->status | (u64)hc->reps_done << HV_HC_REP_COUNT_SHIFT);
}

/* The guest executes the hypercall again, and takes interrupts before. */
static void set_rep_start(struct vtl_hypercall *hc, struct kvm_vcpu *vcpu)
{
	u64 rest = hc->control &
		   ~((u64)HV_HC_REP_BITS << HV_HC_REP_START_SHIFT);

	set_64(hc, vcpu, VCPU_REGS_RCX,
	       rest | (u64)hc->reps_done << HV_HC_REP_START_SHIFT);
}

static int finish(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;

	trace_kvm_vtl_hypercall(vp, hc);
	set_result(hc, vcpu);
	return vtl_kvm_kvm_skip_emulated_instruction(vcpu);
}

static int start_call(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
		      const struct call *call)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	u8 owner;
	int r;

	if (!(vcpu->arch.hyperv->cpuid_cache.features_ebx &
	      call->privilege)) {
		hc->reps_done = 0;
		hc->status = HV_STATUS_ACCESS_DENIED;
		return finish(vp, vcpu);
	}

	owner = call->code == HVCALL_START_VP ? vtl_startup_interceptor(vp) : 0;
	if (owner)
		return vtl_intercept_hypercall(vp, vcpu, owner);

	hc->status = check_control(hc, call);
	if (!hc->status && hc->fast)
		hc->status = read_fast(hc);
	else if (!hc->status)
		hc->status = check_lists(hc);
	if (hc->status)
		return finish(vp, vcpu);

	if (!hc->fast) {
		r = deny_lists(vp, vcpu, true, hc->out_bytes);
		if (r != -ENOENT)
			return r;
		if (vtl_kvm_kvm_vcpu_read_guest(vcpu, hc->in_gpa, hc->in,
						hc->in_bytes)) {
			hc->status = HV_STATUS_INVALID_HYPERCALL_INPUT;
			return finish(vp, vcpu);
		}
	}

	vp->action = VTL_ACTION_HYPERCALL;
	return 0;
}

/* TLFS, "Hypercall Continuation" */
#define MAX_WORK_NS	(50 * NSEC_PER_USEC)

/**
 * vtl_hypercall_begin_work - a handler begins with reps
 * @hc: the hypercall
 */
void vtl_hypercall_begin_work(struct vtl_hypercall *hc)
{
	hc->deadline = ktime_get_ns() + MAX_WORK_NS;
}

/**
 * vtl_hypercall_is_late - has a handler worked long enough?
 * @hc: a rep hypercall of which at least one rep was done now
 *
 * Return: true when the handler is to return VTL_STATUS_CONTINUE.
 */
bool vtl_hypercall_is_late(const struct vtl_hypercall *hc)
{
	return hc->reps_done < hc->rep_count && ktime_get_ns() >= hc->deadline;
}

/**
 * vtl_hypercall_run - run the handler of the hypercall that left KVM_RUN
 * @vp: the VP
 *
 * vtl_hypercall_complete() is to follow as entry work.
 *
 * Context: the run loop; vp->mutex held, no vCPU loaded.
 */
void vtl_hypercall_run(struct vtl_vp *vp)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	const struct call *call = find_call(vtl_hypercall_code(hc));

	memset(hc->out, 0, hc->out_bytes);
	hc->status = call->handler(vp, hc);
	if (!call->in_element) {
		hc->out_end = hc->status ? 0 : hc->out_bytes;
		return;
	}
	hc->out_begin = hc->rep_start * call->out_element;
	hc->out_end = hc->reps_done * call->out_element;
}

static int write_output(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	unsigned int len = hc->out_end - hc->out_begin;
	u8 regs[VTL_FAST_XMM_REGS][16];
	unsigned int offset, first, nr;

	if (!len)
		return 0;
	if (!hc->fast)
		return vtl_kvm_kvm_vcpu_write_guest(vcpu,
						    hc->out_gpa + hc->out_begin,
						    hc->out + hc->out_begin,
						    len);

	/* Bytes that are no output keep their values. */
	offset = fast_out_offset(hc) - VTL_FAST_GPR_BYTES + hc->out_begin;
	first = offset / 16;
	nr = DIV_ROUND_UP(offset + len, 16) - first;
	vtl_xmm_read(first, nr, regs);
	memcpy((u8 *)regs + offset % 16, hc->out + hc->out_begin, len);
	vtl_xmm_write(first, nr, regs);
	return 0;
}

/**
 * vtl_hypercall_complete - write the results and step over the instruction
 * @vp: the VP
 * @vcpu: its active vCPU
 *
 * Context: entry of the vCPU, loaded, guest FPU loaded.
 * Return: as KVM's exit handlers: 1 to enter the guest, 0 to leave KVM_RUN.
 */
int vtl_hypercall_complete(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;

	if (unlikely(hc->status == VTL_STATUS_AGAIN))
		return 1;
	/* The VMM took the memory slot away in between. */
	if (write_output(vp, vcpu)) {
		hc->status = HV_STATUS_INVALID_HYPERCALL_INPUT;
		hc->reps_done = 0;
	}
	if (hc->status == VTL_STATUS_CONTINUE) {
		trace_kvm_vtl_hypercall(vp, hc);
		set_rep_start(hc, vcpu);
		return 1;
	}
	return finish(vp, vcpu);
}

static int raise_ud(struct kvm_vcpu *vcpu)
{
	vtl_kvm_kvm_queue_exception(vcpu, UD_VECTOR);
	return 1;
}

/*
 * Asks for a switch.  A vCPU that is switched out must not rely on the
 * preemption timer.  Where the CPU does not tell the next RIP KVM fetches the
 * instruction, and may fail: then there is an exit to user space, or an action
 * of the hooks on the way.
 */
static void leave_vtl(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
		      enum vtl_action action)
{
	vtl_kvm_kvm_lapic_switch_to_sw_timer(vcpu);
	if (likely(vtl_kvm_kvm_skip_emulated_instruction(vcpu) && !vp->action))
		vp->action = action;
}

static int vtl_call(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	if (vp->active_vtl >= vtl_vp_highest_vtl(vp))
		return raise_ud(vcpu);
	leave_vtl(vp, vcpu, VTL_ACTION_CALL);
	return likely(vp->action == VTL_ACTION_CALL) ?
	       vtl_nest_call(vp, vcpu) : 0;
}

static int vtl_return(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u64 input)
{
	if (!vp->active_vtl)
		return raise_ud(vcpu);
	leave_vtl(vp, vcpu, VTL_ACTION_RETURN);
	if (unlikely(vp->action != VTL_ACTION_RETURN))
		return 0;
	vtl_return_actions(vp, vcpu);
	if (!(input & HV_VTL_RETURN_FAST))
		vtl_switch_restore_return_regs(vp, vcpu);
	return 0;
}

static bool is_call(u64 selector, u64 input)
{
	return selector == HVCALL_VTL_CALL && !input;
}

static bool is_return(u64 selector, u64 input)
{
	return selector == HVCALL_VTL_RETURN && !(input & ~HV_VTL_RETURN_FAST);
}

static __always_inline int call_or_return(struct vtl_vp *vp,
					  struct kvm_vcpu *vcpu,
					  u64 selector, u64 input)
{
	if (is_call(selector, input))
		return vtl_call(vp, vcpu);
	if (is_return(selector, input))
		return vtl_return(vp, vcpu, input);
	return raise_ud(vcpu);
}

/* At most a page of bytes: -ENOENT when allowed, else what the hook returns. */
static int check_range(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u64 gpa,
		       unsigned int len, vtl_prot_t access)
{
	if (!len)
		return -ENOENT;
	if (!may_access(vp, gpa, access))
		return vtl_intercept_memory(vp, vcpu, gpa, access, NULL, 0);
	gpa += len - 1;
	if (!may_access(vp, gpa, access))
		return vtl_intercept_memory(vp, vcpu, gpa, access, NULL, 0);
	return -ENOENT;
}

/**
 * struct vmm_call - a hypercall of KVM's own that the VMM does
 * @first: call code
 * @last: call code, inclusive
 * @reads: bytes that the VMM reads from the input GPA
 * @writes: bytes that it writes to the output GPA
 */
struct vmm_call {
	u16 first;
	u16 last;
	u16 reads;
	u16 writes;
};

static const struct vmm_call vmm_calls[] = {
	{ HVCALL_POST_MESSAGE, HVCALL_POST_MESSAGE, 256, 0 },
	{ HVCALL_SIGNAL_EVENT, HVCALL_SIGNAL_EVENT, 8, 0 },
	{ HVCALL_POST_DEBUG_DATA, HVCALL_RESET_DEBUG_SESSION, PAGE_SIZE,
	  PAGE_SIZE },
	{ HV_EXT_CALL_QUERY_CAPABILITIES, HV_EXT_CALL_MAX, PAGE_SIZE,
	  PAGE_SIZE },
};

static const struct vmm_call *find_vmm_call(u16 code)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmm_calls); i++)
		if (code >= vmm_calls[i].first && code <= vmm_calls[i].last)
			return &vmm_calls[i];
	return NULL;
}

/*
 * The VMM has the rights of none: check what it will touch for the guest.
 * Returns -ENOENT when nothing is denied, else what the hook returns.
 */
static int check_vmm_call(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	const struct vmm_call *call = find_vmm_call(vtl_hypercall_code(hc));
	int r;

	if (!call || (hc->control & HV_HC_FAST))
		return -ENOENT;
	r = check_range(vp, vcpu, hc->in_gpa, call->reads, VTL_PROT_R);
	if (r != -ENOENT)
		return r;
	return check_range(vp, vcpu, hc->out_gpa, call->writes, VTL_PROT_W);
}

/* Returns -ENOENT to have KVM do it. */
static int check_ipi(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	u16 code = vtl_hypercall_code(hc);
	int status;

	if (code != HVCALL_SEND_IPI && code != HVCALL_SEND_IPI_EX)
		return -ENOENT;
	status = vtl_ipi_send(vp, vcpu);
	if (status < 0)
		return status;
	hc->reps_done = 0;
	hc->status = status;
	return finish(vp, vcpu);
}

/* The instruction stays where it is: it is executed again. */
static int check_flush(struct vtl_vp *vp)
{
	switch (vtl_hypercall_code(&vp->hypercall)) {
	case HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE:
	case HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST:
	case HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX:
	case HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX:
		if (likely(!vtl_tlb_is_locked(vp)))
			return -ENOENT;
		vp->action = VTL_ACTION_TLB_WAIT;
		return 0;
	}
	return -ENOENT;
}

static bool is_64bit_caller(struct kvm_vcpu *vcpu)
{
	struct kvm_segment cs;

	if (!(vcpu->arch.efer & EFER_LMA))
		return false;
	vtl_kvm_kvm_get_segment(vcpu, &cs, VCPU_SREG_CS);
	return cs.l;
}

/*
 * A valid VTL call or return of 64-bit code tells the mode by itself: in 32-bit
 * code these registers would be a hypercall that there is not, 0x0000 or
 * 0x0001.  Reading CS costs as much as the switch of the registers.
 */
static bool is_64bit_switch(struct kvm_vcpu *vcpu)
{
	u64 selector = vcpu->arch.regs[VCPU_REGS_RCX];
	u64 input = vcpu->arch.regs[VCPU_REGS_RAX];

	return (vcpu->arch.efer & EFER_LMA) &&
	       (is_call(selector, input) || is_return(selector, input));
}

/* 32-bit code sets EAX and ECX alone. */
static int other_switch(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	unsigned long *regs = vcpu->arch.regs;

	if (hc->is_64bit)
		return call_or_return(vp, vcpu, hc->control,
				      regs[VCPU_REGS_RAX]);
	return call_or_return(vp, vcpu, (u32)hc->control,
			      (u32)regs[VCPU_REGS_RCX]);
}

/* Not part of the hook: the way of a VTL call is to stay short. */
static noinline int hypercall(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	const struct call *call;
	int r;

	hc->is_64bit = is_64bit_caller(vcpu);
	decode_registers(hc, vcpu);

	switch (vtl_hypercall_code(hc)) {
	case HVCALL_VTL_CALL:
	case HVCALL_VTL_RETURN:
		return other_switch(vp, vcpu);
	}

	call = find_call(vtl_hypercall_code(hc));
	if (call)
		return start_call(vp, vcpu, call);

	r = check_vmm_call(vp, vcpu);
	if (r == -ENOENT)
		r = check_ipi(vp, vcpu);
	if (r == -ENOENT)
		r = check_flush(vp);
	return r == -ENOENT ? vtl_orig_kvm_hv_hypercall(vcpu) : r;
}

int vtl_hook_kvm_hv_hypercall(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	unsigned long *regs = vcpu->arch.regs;

	/* KVM raises #UD for callers outside of ring 0 and in real mode. */
	if (!vp || vtl_vendor()->cpl(vcpu) ||
	    !(vcpu->arch.cr0 & X86_CR0_PE))
		return VTL_PASS(vtl_orig_kvm_hv_hypercall(vcpu));

	if (is_64bit_switch(vcpu))
		return call_or_return(vp, vcpu, regs[VCPU_REGS_RCX],
				      regs[VCPU_REGS_RAX]);
	return hypercall(vp, vcpu);
}
