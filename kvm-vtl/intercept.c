// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - intercepts: what a lower VTL did and a higher one is told
 *
 * An intercept is a message in slot 0 of the higher VTL's message page on the
 * same VP and an interrupt of SINT0 (TLFS, "Memory Access Violations").  The
 * instruction has not completed and RIP stays, so a message that finds its slot
 * busy can be dropped: the lower VTL runs the instruction again and the
 * violation comes back.
 *
 * A higher VTL that has set InterceptPage finds the message in its VP assist
 * page and is entered at once, without an interrupt.
 *
 * When the higher VTL is not enabled on the VP, or takes no messages, nobody
 * can decide: the lower VTL gets #GP (errata.rst, "Undeliverable intercepts").
 * The access is refused in every case.
 */
#include <linux/kvm_host.h>

#include "event.h"
#include "hooks.h"
#include "intercept.h"
#include "kvm_glue.h"
#include "overlay.h"
#include "port.h"
#include "switch.h"
#include "tlfs.h"
#include "trace.h"
#include "vendor.h"
#include "wake.h"

/* Bytes of a message before its payload */
#define MESSAGE_HEADER	16

#define ASSIST_MESSAGE	offsetof(struct hv_vp_assist_page, intercept_message)

/* VMCALL, VMMCALL */
#define HYPERCALL_LENGTH	3

static u8 access_type(vtl_prot_t access)
{
	if (access & VTL_PROT_W)
		return HV_INTERCEPT_ACCESS_WRITE;
	if (access & (VTL_PROT_KX | VTL_PROT_UX))
		return HV_INTERCEPT_ACCESS_EXECUTE;
	return HV_INTERCEPT_ACCESS_READ;
}

/* The lowest VTL above that denies is told first. */
static u8 protecting_vtl(struct vtl_vp *vp, gfn_t gfn, vtl_prot_t access)
{
	u8 vtl = vp->active_vtl;

	while (++vtl < vp->partition->max_vtl) {
		vtl_prot_t prot;

		prot = vtl_protect_get(&vp->partition->protect[vtl], gfn);
		if ((prot & access) != access)
			break;
	}
	return vtl;
}

static void fill_header(struct hv_vtl_intercept_header *msg, u32 type,
			u8 payload_size, struct vtl_vp *vp,
			struct kvm_vcpu *vcpu)
{
	struct kvm_segment cs, ss;
	u16 state;

	vtl_kvm_kvm_get_segment(vcpu, &cs, VCPU_SREG_CS);
	vtl_kvm_kvm_get_segment(vcpu, &ss, VCPU_SREG_SS);
	vtl_segment_to_hv(&cs, &msg->cs);

	/* CPL is SS.DPL: both vendors keep it there. */
	state = ss.dpl & 3;
	if (vcpu->arch.cr0 & X86_CR0_PE)
		state |= BIT(2);
	if (vcpu->arch.cr0 & X86_CR0_AM)
		state |= BIT(3);
	if (vcpu->arch.efer & EFER_LMA)
		state |= BIT(4);
	if (vtl_pending_interruption(vcpu))
		state |= BIT(6);
	state |= vp->active_vtl << 7;
	if (vtl_vendor()->interrupt_state(vcpu) & HV_INTERRUPT_SHADOW)
		state |= BIT(12);

	msg->message_type = type;
	msg->payload_size = payload_size;
	msg->vp_index = vp->index;
	msg->execution_state = state;
	msg->rip = vtl_kvm_kvm_arch_vcpu_get_ip(vcpu);
	msg->rflags = vtl_kvm_kvm_get_rflags(vcpu);
}

/* Is the message to be in the VP assist page? */
static bool uses_page(struct vtl_vp *vp, u8 owner)
{
	return (READ_ONCE(vp->partition->config[owner]) &
		HV_VSM_CONFIG_INTERCEPT_PAGE) &&
	       vtl_vcpu_has_assist(vtl_vp_vcpu(vp, owner));
}

/*
 * Begins with the message for a higher VTL.  Returns false when it cannot have
 * one, and the lower VTL gets #GP.
 */
static bool begin(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 owner, u32 type,
		  unsigned int size)
{
	if (!vtl_vp_has_vtl(vp, owner) ||
	    (!uses_page(vp, owner) &&
	     !vtl_vcpu_takes_messages(vtl_vp_vcpu(vp, owner)))) {
		vtl_kvm_kvm_queue_exception_e(vcpu, GP_VECTOR, 0);
		return false;
	}
	memset(&vp->intercept, 0, sizeof(vp->intercept));
	fill_header(&vp->intercept.header, type, size - MESSAGE_HEADER, vp,
		    vcpu);
	vp->intercept_vtl = owner;
	vp->action = VTL_ACTION_INTERCEPT;
	return true;
}

/**
 * vtl_intercept_memory - a lower VTL's access to a page is denied
 * @vp: the VP
 * @vcpu: its active vCPU
 * @gpa: address
 * @access: what it tried and may not
 * @insn: bytes of the instruction, or NULL
 * @insn_len: number of bytes
 *
 * Context: exit of the active vCPU, which is loaded.
 * Return: as KVM's exit handlers: 0 leaves KVM_RUN, 1 enters the guest with an
 * exception.
 */
int vtl_intercept_memory(struct vtl_vp *vp, struct kvm_vcpu *vcpu, gpa_t gpa,
			 vtl_prot_t access, const void *insn, int insn_len)
{
	struct hv_vtl_memory_intercept *msg = &vp->intercept.memory;
	u8 owner = protecting_vtl(vp, gpa_to_gfn(gpa), access);

	trace_kvm_vtl_fault(vp, gpa, access, owner);
	if (!begin(vp, vcpu, owner, HV_MESSAGE_TYPE_GPA_INTERCEPT,
		   sizeof(*msg)))
		return 1;
	msg->header.access_type = access_type(access);
	msg->cache_type = HV_CACHE_TYPE_WB;
	msg->gpa = gpa;
	if (insn && insn_len > 0 &&
	    msg->header.access_type != HV_INTERCEPT_ACCESS_EXECUTE) {
		insn_len = min_t(int, insn_len,
				 sizeof(msg->instruction_bytes));
		memcpy(msg->instruction_bytes, insn, insn_len);
		msg->instruction_byte_count = insn_len;
	}
	return 0;
}

/**
 * vtl_intercept_gva - say in a memory intercept what the linear address was
 * @vp: the VP, for which vtl_intercept_memory() has just returned 0
 * @error_code: KVM's error code of the page fault
 *
 * An access to a page table has the address that was being translated, which
 * does not translate to the GPA of the message.
 *
 * Context: exit of the active vCPU, which is loaded.
 */
void vtl_intercept_gva(struct vtl_vp *vp, u64 error_code)
{
	struct hv_vtl_memory_intercept *msg = &vp->intercept.memory;
	u64 gva;

	if (!vtl_vendor()->fault_gva(error_code, &gva))
		return;
	msg->gva = gva;
	msg->memory_access_info = HV_ACCESS_INFO_GVA_VALID;
	if (error_code & PFERR_GUEST_FINAL_MASK)
		msg->memory_access_info |= HV_ACCESS_INFO_GVA_GPA_VALID;
}

static void fill_msr(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct hv_vtl_msr_intercept *msg = &vp->intercept.msr;

	msg->msr = vp->access.msr;
	msg->rdx = vcpu->arch.regs[VCPU_REGS_RDX];
	msg->rax = vcpu->arch.regs[VCPU_REGS_RAX];
}

static void fill_register(struct vtl_vp *vp)
{
	struct hv_vtl_register_intercept *msg = &vp->intercept.reg;

	msg->name = vp->access.name;
	msg->value = vp->access.value;
}

/**
 * vtl_intercept_register - a lower VTL's access to a register is intercepted
 * @vp: the VP, whose vtl_vp.access says what it is
 * @vcpu: its active vCPU
 * @length: length of the instruction, 0 when it is not known
 *
 * Context: exit of the active vCPU, which is loaded.
 * Return: as KVM's exit handlers: 0 leaves KVM_RUN, 1 enters the guest with an
 * exception.
 */
int vtl_intercept_register(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 length)
{
	u8 owner = vp->access.owner;
	bool is_msr = !vp->access.name;

	vp->access.owner = 0;
	if (!begin(vp, vcpu, owner,
		   is_msr ? HV_MESSAGE_TYPE_MSR_INTERCEPT :
			    HV_MESSAGE_TYPE_REGISTER_INTERCEPT,
		   is_msr ? sizeof(vp->intercept.msr) :
			    sizeof(vp->intercept.reg)))
		return 1;
	vp->intercept.header.instruction_length = length;
	vp->intercept.header.access_type = vp->access.write ?
					   HV_INTERCEPT_ACCESS_WRITE :
					   HV_INTERCEPT_ACCESS_READ;
	if (is_msr)
		fill_msr(vp, vcpu);
	else
		fill_register(vp);
	return 0;
}

/**
 * vtl_intercept_port - a lower VTL's access to ports is intercepted
 * @vp: the VP
 * @vcpu: its active vCPU
 * @owner: the VTL that is told
 * @access: the access
 *
 * Context: exit of the active vCPU, which is loaded.
 * Return: as KVM's exit handlers: 0 leaves KVM_RUN, 1 enters the guest with an
 * exception.
 */
int vtl_intercept_port(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 owner,
		       const struct vtl_port_access *access)
{
	struct hv_vtl_io_intercept *msg = &vp->intercept.io;
	unsigned long *regs = vcpu->arch.regs;
	struct kvm_segment ds, es;

	if (!begin(vp, vcpu, owner, HV_MESSAGE_TYPE_IO_PORT_INTERCEPT,
		   sizeof(*msg)))
		return 1;
	msg->header.instruction_length = access->length;
	msg->header.access_type = access->write ? HV_INTERCEPT_ACCESS_WRITE :
						  HV_INTERCEPT_ACCESS_READ;
	msg->port = access->port;
	msg->access_info = access->size |
			   (access->string ? HV_IO_ACCESS_STRING : 0) |
			   (access->rep ? HV_IO_ACCESS_REP : 0);
	vtl_kvm_kvm_get_segment(vcpu, &ds, VCPU_SREG_DS);
	vtl_kvm_kvm_get_segment(vcpu, &es, VCPU_SREG_ES);
	vtl_segment_to_hv(&ds, &msg->ds);
	vtl_segment_to_hv(&es, &msg->es);
	msg->rax = regs[VCPU_REGS_RAX];
	msg->rcx = regs[VCPU_REGS_RCX];
	msg->rsi = regs[VCPU_REGS_RSI];
	msg->rdi = regs[VCPU_REGS_RDI];
	return 0;
}

/**
 * vtl_intercept_hypercall - a lower VTL's hypercall is intercepted
 * @vp: the VP
 * @vcpu: its active vCPU
 * @owner: the VTL that is told
 *
 * Context: exit of the active vCPU, which is loaded, guest FPU loaded.
 * Return: as KVM's exit handlers: 0 leaves KVM_RUN, 1 enters the guest with an
 * exception.
 */
int vtl_intercept_hypercall(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 owner)
{
	struct hv_vtl_hypercall_intercept *msg = &vp->intercept.hypercall;
	unsigned long *regs = vcpu->arch.regs;

	if (!begin(vp, vcpu, owner, HV_MESSAGE_TYPE_HYPERCALL_INTERCEPT,
		   sizeof(*msg)))
		return 1;
	msg->header.instruction_length = HYPERCALL_LENGTH;
	msg->header.access_type = HV_INTERCEPT_ACCESS_EXECUTE;
	msg->rax = regs[VCPU_REGS_RAX];
	msg->rbx = regs[VCPU_REGS_RBX];
	msg->rcx = regs[VCPU_REGS_RCX];
	msg->rdx = regs[VCPU_REGS_RDX];
	msg->r8 = regs[VCPU_REGS_R8];
	msg->rsi = regs[VCPU_REGS_RSI];
	msg->rdi = regs[VCPU_REGS_RDI];
	vtl_xmm_read(0, ARRAY_SIZE(msg->xmm), msg->xmm);
	return 0;
}

static void trace_delivery(struct vtl_vp *vp, u8 owner, int ret)
{
	const union hv_vtl_intercept *msg = &vp->intercept;

	if (msg->header.message_type == HV_MESSAGE_TYPE_GPA_INTERCEPT)
		trace_kvm_vtl_intercept(vp, owner, &msg->memory, ret);
	else
		trace_kvm_vtl_register_intercept(vp, owner, msg, ret);
}

/* Returns 0 when the message is where the higher VTL will find it. */
static int write_message(struct vtl_vp *vp, u8 owner, bool page)
{
	struct hv_vtl_intercept_header *msg = &vp->intercept.header;
	unsigned int len = MESSAGE_HEADER + msg->payload_size;
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, owner);
	int idx, ret;

	vtl_vcpu_enter(vcpu, &idx);
	if (!page)
		ret = vtl_vcpu_post_message(vcpu, msg, len);
	else if (vtl_vcpu_write_assist(vcpu, ASSIST_MESSAGE, msg, len))
		ret = 0;
	else
		ret = -EFAULT;
	vtl_vcpu_leave(vcpu, idx);
	return ret;
}

/**
 * vtl_intercept_deliver - tell the higher VTL
 * @vp: the VP, whose intercept waits
 *
 * Switches to it, by interrupt only when its priority allows; otherwise the
 * lower VTL tries again.
 *
 * Context: the run loop; the active vCPU locked, none loaded.
 */
void vtl_intercept_deliver(struct vtl_vp *vp)
{
	u8 owner = vp->intercept_vtl;
	bool page = uses_page(vp, owner);
	int ret = write_message(vp, owner, page);
	u8 next;

	trace_delivery(vp, owner, ret);
	if (page && !ret) {
		vtl_switch_preempt(vp, owner, HV_VTL_ENTRY_INTERCEPT);
		/* A still higher one may have an interrupt. */
		vp->pending = 1;
		return;
	}
	next = vtl_wake_next_vtl(vp);
	if (next != vp->active_vtl)
		vtl_switch_preempt(vp, next, HV_VTL_ENTRY_INTERRUPT);
}
