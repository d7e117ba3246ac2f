// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - I/O port intercepts: HvCallInstallIntercept
 *
 * A higher VTL names ports whose use by lower VTLs it wants to be told of.  The
 * intercepts are the partition's, not a VP's.
 *
 * KVM has every I/O instruction leave the guest.  The vendors' exit handlers
 * are where an access is intercepted, before anything has happened: they know
 * the port and the length of the instruction.  KVM's emulator executes string
 * instructions after that, and at times an instruction that is not the one that
 * left the guest; there is no way to take such an access back, and it ends the
 * partition.
 */
#include <linux/bitmap.h>
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hooks.h"
#include "hypercall.h"
#include "intercept.h"
#include "partition.h"
#include "port.h"
#include "tlfs.h"

#define NR_PORTS	0x10000

/**
 * struct vtl_ports - the ports that one VTL intercepts
 * @map: for reads and for writes
 *
 * Once there, it stays until the partition goes.
 */
struct vtl_ports {
	DECLARE_BITMAP(map[2], NR_PORTS);
};

static_assert(sizeof(struct vtl_ports) == 2 * KVM_VTL_PORT_BITMAP_SIZE);

static struct vtl_ports *ports_of(struct vtl_partition *partition, u8 vtl)
{
	/* Pairs with get_ports_locked(). */
	return smp_load_acquire(&partition->ports[vtl]);
}

static bool is_wanted(struct vtl_partition *partition, u8 vtl, bool write,
		      u16 port, unsigned int size)
{
	struct vtl_ports *ports = ports_of(partition, vtl);
	unsigned int i, end = min(port + size, NR_PORTS);

	if (!ports)
		return false;
	for (i = port; i < end; i++)
		if (test_bit(i, ports->map[write]))
			return true;
	return false;
}

/* The lowest VTL above @vtl that wants to know, or 0 */
static u8 owner_of(struct vtl_partition *partition, u8 vtl, bool write,
		   u16 port, unsigned int size)
{
	while (++vtl <= partition->max_vtl)
		if (is_wanted(partition, vtl, write, port, size))
			return vtl;
	return 0;
}

/* --- accesses ------------------------------------------------------------- */

/**
 * vtl_port_vp - the VP of an exit, when anybody intercepts ports
 * @vcpu: vCPU, loaded
 *
 * Context: exit of @vcpu.
 * Return: the VP, or NULL when KVM has to do with the access alone.
 */
struct vtl_vp *vtl_port_vp(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	u8 vtl;

	if (!vp)
		return NULL;
	for (vtl = vp->active_vtl + 1; vtl <= vp->partition->max_vtl; vtl++)
		if (ports_of(vp->partition, vtl))
			return vp;
	return NULL;
}

/**
 * vtl_port_exit - an I/O instruction has left the guest
 * @vp: the VP
 * @vcpu: its active vCPU, loaded
 * @access: the access
 *
 * Context: exit of the active vCPU.
 * Return: as KVM's exit handlers; -ENOENT when nobody wants to know.
 */
int vtl_port_exit(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
		  const struct vtl_port_access *access)
{
	u8 owner = owner_of(vp->partition, vp->active_vtl, access->write,
			    access->port, access->size);

	if (!owner)
		return -ENOENT;
	return vtl_intercept_port(vp, vcpu, owner, access);
}

/**
 * vtl_port_unknown - nobody can say what an I/O instruction does
 * @vp: the VP
 *
 * Context: exit of the active vCPU.
 * Return: as KVM's exit handlers.
 */
int vtl_port_unknown(struct vtl_vp *vp)
{
	vtl_partition_kill(vp->partition, "port access cannot be decoded");
	return -EIO;
}

static bool is_refused(struct kvm_vcpu *vcpu, bool write, u16 port, int size)
{
	struct vtl_vp *vp = vtl_port_vp(vcpu);

	if (!vp || !owner_of(vp->partition, vp->active_vtl, write, port, size))
		return false;
	vtl_partition_kill(vp->partition, "port access by the emulator");
	return true;
}

/* KVM-INTERNAL: struct x86_emulate_ctxt::vcpu is first. */
static struct kvm_vcpu *ctxt_vcpu(struct x86_emulate_ctxt *ctxt)
{
	return *(struct kvm_vcpu **)ctxt;
}

/* With pio.count set it is the end of one that has been looked at. */
int vtl_hook_emulator_pio_in_emulated(struct x86_emulate_ctxt *ctxt, int size,
				      unsigned short port, void *val,
				      unsigned int count)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);

	if (!vcpu->arch.pio.count && is_refused(vcpu, false, port, size))
		return 0;
	return VTL_PASS(vtl_orig_emulator_pio_in_emulated(ctxt, size, port, val,
							  count));
}

int vtl_hook_emulator_pio_out_emulated(struct x86_emulate_ctxt *ctxt, int size,
				       unsigned short port, const void *val,
				       unsigned int count)
{
	if (is_refused(ctxt_vcpu(ctxt), true, port, size))
		return 0;
	return VTL_PASS(vtl_orig_emulator_pio_out_emulated(ctxt, size, port,
							   val, count));
}

/* --- the hypercall -------------------------------------------------------- */

static struct vtl_ports *get_ports_locked(struct vtl_partition *partition,
					  u8 vtl)
{
	struct vtl_ports *ports = partition->ports[vtl];

	lockdep_assert_held(&partition->lock);
	if (ports)
		return ports;
	ports = kvzalloc(sizeof(*ports), GFP_KERNEL_ACCOUNT);
	/* Pairs with ports_of(). */
	smp_store_release(&partition->ports[vtl], ports);
	return ports;
}

/* Readers see each port as it was or as it is to be. */
static void set_ports(struct vtl_ports *ports, bool write, unsigned int first,
		      unsigned int last, bool on)
{
	for (; first <= last; first++)
		assign_bit(first, ports->map[write], on);
}

/* Returns false for types and parameters that there are not. */
static bool decode_ports(const struct hv_vtl_install_intercept *in,
			 unsigned int *first, unsigned int *last)
{
	*first = in->parameters & 0xffff;
	*last = *first;
	switch (in->intercept_type) {
	case HV_INTERCEPT_TYPE_IO_PORT:
		return in->parameters <= U16_MAX;
	case HV_INTERCEPT_TYPE_IO_PORT_RANGE:
		*last = in->parameters >> 16;
		return in->parameters <= U32_MAX && *first <= *last;
	}
	return false;
}

/* Exit handlers run inside kvm->srcu.  What the VMM has got already is made. */
static void wait_for_accesses(struct vtl_partition *partition, u8 owner)
{
	u8 vtl;

	for (vtl = 0; vtl < owner; vtl++)
		vtl_vp_quiesce(partition->vm[vtl].kvm);
}

/**
 * vtl_hv_install_intercept - HvCallInstallIntercept
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * The caller's VTL is told.  An access type of 0 ends it.
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; ACCESS_DENIED for VTL0; INVALID_PARAMETER for
 * intercepts of anything but ports, and for access types but read and write;
 * INSUFFICIENT_MEMORY.
 */
u16 vtl_hv_install_intercept(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_install_intercept *in = hc->in;
	struct vtl_partition *partition = vp->partition;
	unsigned int first, last;
	struct vtl_ports *ports;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (!vp->active_vtl)
		return HV_STATUS_ACCESS_DENIED;
	if ((in->access_type & ~(HV_INTERCEPT_ACCESS_MASK_READ |
				 HV_INTERCEPT_ACCESS_MASK_WRITE)) ||
	    !decode_ports(in, &first, &last))
		return HV_STATUS_INVALID_PARAMETER;

	mutex_lock(&partition->lock);
	ports = get_ports_locked(partition, vp->active_vtl);
	if (ports) {
		set_ports(ports, false, first, last,
			  in->access_type & HV_INTERCEPT_ACCESS_MASK_READ);
		set_ports(ports, true, first, last,
			  in->access_type & HV_INTERCEPT_ACCESS_MASK_WRITE);
	}
	mutex_unlock(&partition->lock);
	if (!ports)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	wait_for_accesses(partition, vp->active_vtl);
	return HV_STATUS_SUCCESS;
}

/* --- state ---------------------------------------------------------------- */

/**
 * vtl_port_reset_locked - a VTL intercepts no ports any more
 * @partition: partition
 * @vtl: the VTL
 *
 * Context: partition's lock held; no VP runs.
 */
void vtl_port_reset_locked(struct vtl_partition *partition, u8 vtl)
{
	struct vtl_ports *ports = partition->ports[vtl];

	lockdep_assert_held(&partition->lock);
	if (ports)
		memset(ports, 0, sizeof(*ports));
}

/**
 * vtl_port_destroy - free what the partition knows of ports
 * @partition: partition that no VP and no hook uses
 */
void vtl_port_destroy(struct vtl_partition *partition)
{
	u8 vtl;

	for (vtl = 0; vtl < VTL_LEVELS; vtl++)
		kvfree(partition->ports[vtl]);
}

static int check_state(struct vtl_partition *partition,
		       const struct kvm_vtl_ports *state)
{
	if (state->__reserved)
		return -EINVAL;
	if (!state->vtl || state->vtl > partition->max_vtl)
		return -ENOENT;
	return 0;
}

static int copy_out(const struct vtl_ports *ports,
		    const struct kvm_vtl_ports *state)
{
	if (copy_to_user(u64_to_user_ptr(state->read_bitmap), ports->map[0],
			 sizeof(ports->map[0])) ||
	    copy_to_user(u64_to_user_ptr(state->write_bitmap), ports->map[1],
			 sizeof(ports->map[1])))
		return -EFAULT;
	return 0;
}

static int copy_in(struct vtl_ports *ports, const struct kvm_vtl_ports *state)
{
	if (copy_from_user(ports->map[0], u64_to_user_ptr(state->read_bitmap),
			   sizeof(ports->map[0])) ||
	    copy_from_user(ports->map[1], u64_to_user_ptr(state->write_bitmap),
			   sizeof(ports->map[1])))
		return -EFAULT;
	return 0;
}

/**
 * vtl_state_get_ports - KVM_VTL_GET_PORTS
 * @partition: partition
 * @arg: struct kvm_vtl_ports
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EINVAL; -ENOENT; -ENOMEM; -EFAULT.
 */
int vtl_state_get_ports(struct vtl_partition *partition, void *arg)
{
	struct vtl_ports *copy, *ports;
	int ret;

	ret = check_state(partition, arg);
	if (ret)
		return ret;
	copy = kvzalloc(sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	mutex_lock(&partition->lock);
	ports = partition->ports[((struct kvm_vtl_ports *)arg)->vtl];
	if (ports)
		*copy = *ports;
	mutex_unlock(&partition->lock);
	ret = copy_out(copy, arg);
	kvfree(copy);
	return ret;
}

/**
 * vtl_state_set_ports - KVM_VTL_SET_PORTS
 * @partition: partition
 * @arg: struct kvm_vtl_ports
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EINVAL; -ENOENT; -EBUSY when the VTL is not enabled; -ENOMEM;
 * -EFAULT.
 */
int vtl_state_set_ports(struct vtl_partition *partition, void *arg)
{
	struct kvm_vtl_ports *state = arg;
	struct vtl_ports *copy, *ports;
	int ret;

	ret = check_state(partition, state);
	if (ret)
		return ret;
	copy = kvzalloc(sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	ret = copy_in(copy, state);
	if (ret)
		goto out;

	mutex_lock(&partition->lock);
	ports = NULL;
	if (!vtl_partition_has_vtl(partition, state->vtl))
		ret = -EBUSY;
	else
		ports = get_ports_locked(partition, state->vtl);
	if (ports)
		*ports = *copy;
	else
		ret = ret ?: -ENOMEM;
	mutex_unlock(&partition->lock);
out:
	kvfree(copy);
	return ret;
}
