// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - interrupts by hypercall into a VTL that is named:
 * HvCallSendSyntheticClusterIpi, HvCallSendSyntheticClusterIpiEx,
 * HvCallAssertVirtualInterrupt
 *
 * IPIs that name no VTL go to the caller's own, which KVM does.
 */
#include <linux/kvm_host.h>
#include <asm/apicdef.h>

#include "hooks.h"
#include "hypercall.h"
#include "interrupt.h"
#include "kvm_glue.h"
#include "partition.h"
#include "tlfs.h"
#include "vp.h"

#define FIRST_VECTOR	16
#define LAST_VECTOR	255

/* Words of 64 VPs each that can name a VP of ours */
#define NR_BANKS	DIV_ROUND_UP(VTL_MAX_VPS, 64)

/**
 * struct ipi_input - input of both forms of the cluster IPI
 * @vector: the vector
 * @input_vtl: HV_INPUT_VTL
 * @reserved: not looked at, as in KVM
 * @mask: simple form: mask of VPs 0 to 63; extended form: HV_GENERIC_SET_*
 * @valid_banks: extended form: which words there are
 * @banks: extended form: the words
 */
struct ipi_input {
	u32 vector;
	u8 input_vtl;
	u8 reserved[3];
	u64 mask;
	u64 valid_banks;
	u64 banks[NR_BANKS];
};

static_assert(sizeof(struct ipi_input) == (3 + NR_BANKS) * sizeof(u64));

/**
 * vtl_vcpu_raise - raise an edge-triggered interrupt on a vCPU's APIC
 * @vcpu: vCPU of any VP
 * @vector: 16 to 255
 */
void vtl_vcpu_raise(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_lapic_irq irq = {
		.vector = vector,
		.delivery_mode = APIC_DM_FIXED,
		.level = 1,
	};

	vtl_kvm_kvm_apic_set_irq(vcpu, &irq, NULL);
}

static unsigned int nr_banks(const struct vtl_hypercall *hc)
{
	return (hc->control & HV_HC_VARHEAD_BITS) >> HV_HC_VARHEAD_SHIFT;
}

static bool is_extended(const struct vtl_hypercall *hc)
{
	return vtl_hypercall_code(hc) == HVCALL_SEND_IPI_EX;
}

/* Words behind those that can name a VP of ours are not read. */
static u16 read_input(struct vtl_hypercall *hc, struct kvm_vcpu *vcpu,
		      struct ipi_input *in)
{
	u64 fast[2 + 2 * VTL_FAST_XMM_REGS] = { hc->in_gpa, hc->out_gpa };
	unsigned int len = offsetof(struct ipi_input, valid_banks);

	memset(in, 0, sizeof(*in));
	if (is_extended(hc))
		len = offsetof(struct ipi_input, banks) +
		      min(nr_banks(hc), NR_BANKS) * sizeof(u64);
	if (!(hc->control & HV_HC_FAST))
		return vtl_kvm_kvm_vcpu_read_guest(vcpu, hc->in_gpa, in, len) ?
		       HV_STATUS_INVALID_HYPERCALL_INPUT : HV_STATUS_SUCCESS;
	if (is_extended(hc))
		vtl_xmm_read(0, VTL_FAST_XMM_REGS, &fast[2]);
	memcpy(in, fast, len);
	return HV_STATUS_SUCCESS;
}

/* Makes an extended form of the simple one. */
static u16 check_input(const struct vtl_hypercall *hc, struct ipi_input *in)
{
	if (hc->control & (HV_HC_RESERVED | HV_HC_ALL_REP_BITS))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (!is_extended(hc)) {
		if (nr_banks(hc))
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
		in->valid_banks = BIT_ULL(0);
		in->banks[0] = in->mask;
		in->mask = HV_GENERIC_SET_SPARSE_4K;
	} else if (nr_banks(hc) != hweight64(in->valid_banks)) {
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	}
	if (in->vector < FIRST_VECTOR || in->vector > LAST_VECTOR)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

static bool names_vp(const struct ipi_input *in, unsigned int index)
{
	unsigned int bank = index / 64;

	if (in->mask == HV_GENERIC_SET_ALL)
		return true;
	if (!(in->valid_banks & BIT_ULL(bank)))
		return false;
	/* Only the words of valid banks are there. */
	bank = hweight64(in->valid_banks & (BIT_ULL(bank) - 1));
	return in->banks[bank] & BIT_ULL(index % 64);
}

/* KVM refuses what a guest with enforced CPUID was not offered. */
static bool is_offered(const struct vtl_hypercall *hc, struct kvm_vcpu *vcpu)
{
	const struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;
	u32 want = HV_X64_CLUSTER_IPI_RECOMMENDED;

	if (is_extended(hc))
		want |= HV_X64_EX_PROCESSOR_MASKS_RECOMMENDED;
	return !hv->enforce_cpuid ||
	       (hv->cpuid_cache.enlightenments_eax & want) == want;
}

/**
 * vtl_ipi_send - send a cluster IPI that names a VTL
 * @vp: the calling VP
 * @vcpu: its active vCPU, loaded
 *
 * The answers are those of KVM's own implementation.
 *
 * Context: the hook of kvm_hv_hypercall().
 * Return: -ENOENT when it is KVM's to do; HV_STATUS_SUCCESS; ACCESS_DENIED for
 * a VTL above the caller's; INVALID_PARAMETER for reserved bits of the VTL;
 * INVALID_HYPERCALL_INPUT.
 */
int vtl_ipi_send(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct vtl_hypercall *hc = &vp->hypercall;
	struct ipi_input in;
	unsigned int i;
	int status;
	u8 vtl;

	/* An input that cannot be read is KVM's to refuse. */
	if (!is_offered(hc, vcpu) || read_input(hc, vcpu, &in) || !in.input_vtl)
		return -ENOENT;
	status = vtl_hv_input_vtl(vp, in.input_vtl, &vtl);
	if (!status)
		status = check_input(hc, &in);
	for (i = 0; !status && i < VTL_MAX_VPS; i++) {
		struct vtl_vp *target = vtl_partition_vp(vp->partition, i);

		if (target && names_vp(&in, i))
			vtl_vcpu_raise(vtl_vp_vcpu(target, vtl), in.vector);
	}
	return status;
}

static bool valid_interrupt(const struct hv_vtl_assert_interrupt *in)
{
	u32 type = in->control & HV_INTERRUPT_TYPE;

	if ((in->control & ~(HV_INTERRUPT_TYPE | HV_INTERRUPT_LOGICAL)) ||
	    memchr_inv(in->reserved, 0, sizeof(in->reserved)) ||
	    in->destination > U32_MAX)
		return false;
	if (type == HV_INTERRUPT_NMI)
		return true;
	return type == HV_INTERRUPT_FIXED && in->vector >= FIRST_VECTOR &&
	       in->vector <= LAST_VECTOR;
}

/**
 * vtl_hv_assert_interrupt - HvCallAssertVirtualInterrupt
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; ACCESS_DENIED unless the VTL is below the
 * caller's; INVALID_PARAMETER for types other than fixed and NMI, a level
 * triggered interrupt, vectors below 16 and reserved bits.  What nobody accepts
 * is lost, as on the bus of the APICs.
 */
u16 vtl_hv_assert_interrupt(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_assert_interrupt *in = hc->in;
	struct kvm_lapic_irq irq = {
		.vector = in->vector,
		.delivery_mode = APIC_DM_FIXED,
		.dest_mode = APIC_DEST_PHYSICAL,
		.level = 1,
		.dest_id = in->destination,
	};
	struct kvm *kvm;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (in->target_vtl >= vp->active_vtl)
		return HV_STATUS_ACCESS_DENIED;
	if (!valid_interrupt(in))
		return HV_STATUS_INVALID_PARAMETER;

	if ((in->control & HV_INTERRUPT_TYPE) == HV_INTERRUPT_NMI)
		irq.delivery_mode = APIC_DM_NMI;
	if (in->control & HV_INTERRUPT_LOGICAL)
		irq.dest_mode = APIC_DEST_LOGICAL;
	kvm = vtl_vp_vcpu(vp, in->target_vtl)->kvm;
	vtl_kvm_kvm_irq_delivery_to_apic(kvm, NULL, &irq, NULL);
	return HV_STATUS_SUCCESS;
}
