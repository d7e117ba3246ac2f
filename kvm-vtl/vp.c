// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - a virtual processor and its run loop
 *
 * The VMM's KVM_RUN becomes a loop of KVM_RUNs of the active VTL's vCPU.  A
 * hook that wants something done outside of KVM_RUN stores an action in the VP
 * and makes the vCPU leave; no decision is taken from the kvm_run page, which
 * the VMM writes at any time.
 *
 * The loop holds the lock of the active vCPU; it gives it up for hypercalls,
 * whose handlers lock what they need.
 *
 * The VMM sees VTL0's kvm_run page.  Higher VTLs have a page of their own that
 * nobody maps; on the rare userspace exit from a higher VTL the exit is copied
 * over, and the reply back when the VMM runs the VP again.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/task_work.h>

#include "forward.h"
#include "hooks.h"
#include "intercept.h"
#include "kvm_glue.h"
#include "partition.h"
#include "run_on.h"
#include "startup.h"
#include "switch.h"
#include "tlb.h"
#include "trace.h"
#include "vina.h"
#include "vp.h"
#include "wake.h"

/**
 * vtl_vp_running - the VP of a vCPU that the run loop has entered
 * @vcpu: a vCPU of a partition with VTLs
 *
 * Context: the thread that runs @vcpu.
 * Return: the VP; NULL when @vcpu does not run in the run loop of the current
 * thread (the VMM uses a leaked descriptor, or this is an ioctl).
 */
struct vtl_vp *vtl_vp_running(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp;
	u8 vtl;

	/* Cheaper than rcu_read_lock(), on the way of every switch. */
	rcu_read_lock_sched();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	/* In its own run loop the VP cannot go away. */
	if (vp && (rcu_access_pointer(vp->task) != current ||
		   vp->active_vtl != vtl))
		vp = NULL;
	rcu_read_unlock_sched();
	return vp;
}

/*
 * The run loop works for VTLs above the active one, too: timers, messages.
 * With VINA it looks after the lower VTLs' timers as well.
 */
static bool vp_is_inside(struct vtl_vp *vp, struct kvm *kvm)
{
	u8 active = READ_ONCE(vp->active_vtl);

	return rcu_access_pointer(vp->task) &&
	       (vtl_vp_vcpu(vp, active)->kvm == kvm ||
		vtl_vp_vcpu(vp, 0)->kvm != kvm ||
		vtl_vina_enabled(vp, active));
}

/**
 * vtl_vp_quiesce - wait until no VP uses a host address found with old rights
 * @kvm: VM of a lower VTL whose pages lost rights
 *
 * KVM emulates, walks page tables and copies for the guest inside kvm->srcu.
 * A VP that begins after this was called sees the new rights.
 *
 * Context: may sleep; the store is updated, SPTEs are zapped and flushed.
 */
void vtl_vp_quiesce(struct kvm *kvm)
{
	struct vtl_partition *partition = NULL;
	struct vtl_vm *vm;
	unsigned int i;

	rcu_read_lock();
	vm = vtl_registry_find_rcu(kvm);
	if (vm)
		partition = vm->partition;
	rcu_read_unlock();
	if (!partition)
		return;

	/* Pairs with the barrier in enter_loop() and vtl_switch(). */
	smp_mb();
	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *vp = vtl_partition_vp(partition, i);

		if (vp && vp_is_inside(vp, kvm)) {
			synchronize_srcu_expedited(&kvm->srcu);
			return;
		}
	}
}

static void set_run_page_for_higher_vtl(struct kvm_run *run0)
{
	/* KVM_INTERRUPT is for VTL0, which is not there to take it. */
	run0->ready_for_interrupt_injection = 0;
	run0->if_flag = 0;
}

/* Copies the part of an exit that holds its parameters and its reply. */
static void copy_exit(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	to->run->exit_reason = from->run->exit_reason;
	memcpy(to->run->padding, from->run->padding,
	       sizeof(to->run->padding));
	if (from->arch.pio_data && to->arch.pio_data)
		memcpy(to->arch.pio_data, from->arch.pio_data, PAGE_SIZE);
}

static void publish_exit(struct vtl_vp *vp)
{
	struct kvm_vcpu *vcpu0 = vtl_vp_vcpu(vp, 0);

	if (!vp->active_vtl)
		return;
	copy_exit(vtl_vp_active_vcpu(vp), vcpu0);
	set_run_page_for_higher_vtl(vcpu0->run);
	vp->exit_vtl = vp->active_vtl;
}

/*
 * The VMM may have scribbled over the whole page; KVM treats what it reads
 * from a kvm_run page as untrusted.
 */
static void take_reply(struct vtl_vp *vp)
{
	if (!vp->exit_vtl)
		return;
	copy_exit(vtl_vp_vcpu(vp, 0), vtl_vp_vcpu(vp, vp->exit_vtl));
	vp->exit_vtl = 0;
}

static long interrupted(struct vtl_vp *vp)
{
	struct kvm_run *run0 = vtl_vp_vcpu(vp, 0)->run;

	run0->exit_reason = KVM_EXIT_INTR;
	if (vp->active_vtl)
		set_run_page_for_higher_vtl(run0);
	return -EINTR;
}

/**
 * vtl_vp_move_shared - move the shared state outside of the run loop
 * @vp: the VP
 * @from: the VTL whose vCPU holds it
 * @to: the VTL whose vCPU gets it
 *
 * Context: may sleep; vp->mutex held, no vCPU loaded.
 */
void vtl_vp_move_shared(struct vtl_vp *vp, u8 from, u8 to)
{
	if (from == to)
		return;
	vtl_vp_lock_vcpu(vp, from);
	vtl_vp_lock_vcpu(vp, to);
	vtl_switch_move_shared(vp, from, to);
	vtl_vp_unlock_vcpu(vp, to);
	vtl_vp_unlock_vcpu(vp, from);
}

/* The first run by a thread: by way of KVM's ioctl, which locks the vCPU. */
static long run_by_ioctl(struct vtl_vp *vp, struct vtl_vp_vtl *v)
{
	long r;

	if (vp->active_vtl)
		v->vcpu->run->immediate_exit__unsafe = !vtl_vp_wants_to_run(vp);
	vtl_vp_unlock_vcpu(vp, vp->active_vtl);
	r = v->file->f_op->unlocked_ioctl(v->file, KVM_RUN, 0);
	vtl_vp_lock_vcpu(vp, vp->active_vtl);
	return r;
}

static long run_active(struct vtl_vp *vp, bool enter)
{
	u8 vtl = vp->active_vtl;
	struct vtl_vp_vtl *v = &vp->vtl[vtl];
	long r;

	vp->action = VTL_ACTION_NONE;
	if (unlikely(v->no_context || v->mode.waits)) {
		vtl_partition_kill(vp->partition,
				   "a VTL without registers was entered");
		return -EIO;
	}
	if (unlikely(enter && !vtl_vcpu_knows_thread(v->vcpu)))
		return run_by_ioctl(vp, v);

	vp->may_nest = enter;
	r = vtl_vcpu_run(v->vcpu, enter);
	vp->may_nest = false;
	if (likely(vp->active_vtl == vtl))
		return r;
	/* It left because of a VTL that it had called. */
	vtl_vp_unlock_vcpu(vp, vtl);
	return vp->nested_result;
}

/* KVM's SynIC tells the VMM about pages; those of VTL1 are not its business. */
static bool is_synic_exit_of_higher_vtl(struct vtl_vp *vp)
{
	struct kvm_run *run = vtl_vp_active_vcpu(vp)->run;

	return vp->active_vtl && run->exit_reason == KVM_EXIT_HYPERV &&
	       run->hyperv.type == KVM_EXIT_HYPERV_SYNIC;
}

/*
 * A denied access to RAM must never reach the VMM as MMIO: the hooks in
 * access.c see to that.  Should KVM have a path that they do not know, this is
 * the last line.
 */
static bool is_denied_mmio(struct vtl_vp *vp)
{
	struct kvm_vcpu *vcpu = vtl_vp_active_vcpu(vp);
	vtl_prot_t prot;
	gfn_t gfn;

	if (!vcpu->mmio_needed)
		return false;
	gfn = gpa_to_gfn(vcpu->mmio_fragments[vcpu->mmio_cur_fragment].gpa);
	prot = vtl_effective_prot(vp->partition, vp->active_vtl, gfn);
	return (prot & (VTL_PROT_R | VTL_PROT_W)) !=
	       (VTL_PROT_R | VTL_PROT_W) && vtl_gfn_is_ram(vcpu->kvm, gfn);
}

static void do_return(struct vtl_vp *vp)
{
	u8 to = vtl_vp_next_lower_vtl(vp);

	vtl_tlb_unlock(vp, vp->active_vtl, VTL_TLB_ALL);
	vtl_switch(vp, to, 0);
	/* The higher VTL's kicks did not set vp->pending while it ran. */
	vp->pending = 1;
}

/* The vCPU left by the hook: it cannot have a completion of KVM's. */
static void arm_hypercall(struct vtl_vp *vp)
{
	if (!vtl_switch_arm_entry(&vp->vtl[vp->active_vtl],
				  VTL_ENTRY_HYPERCALL))
		vtl_partition_kill(vp->partition,
				   "hypercall while a completion waits");
}

static void do_action(struct vtl_vp *vp)
{
	switch (vp->action) {
	case VTL_ACTION_CALL:
		vtl_switch(vp, vtl_vp_next_higher_vtl(vp), HV_VTL_ENTRY_CALL);
		break;
	case VTL_ACTION_RETURN:
		do_return(vp);
		break;
	case VTL_ACTION_HYPERCALL:
		vtl_vp_unlock_vcpu(vp, vp->active_vtl);
		vtl_hypercall_run(vp);
		vtl_vp_lock_vcpu(vp, vp->active_vtl);
		arm_hypercall(vp);
		if (unlikely(vtl_vina_enabled(vp, vp->active_vtl)))
			vp->pending = 1;
		break;
	case VTL_ACTION_TLB_WAIT:
		vtl_tlb_wait();
		break;
	case VTL_ACTION_INTERCEPT:
		vtl_intercept_deliver(vp);
		break;
	case VTL_ACTION_RESUME:
	case VTL_ACTION_NONE:
		break;
	}
}

/* Returns false when the active vCPU has to finish an exit first. */
static bool preempt(struct vtl_vp *vp)
{
	u8 next = vtl_wake_next_vtl(vp);
	bool vina;

	if (unlikely(vtl_run_on_due(&vp->run_on))) {
		if (!vtl_run_on_serve(vp)) {
			vp->pending = 1;
			return false;
		}
		next = vtl_wake_next_vtl(vp);
	}
	vina = next == vp->active_vtl && vtl_vina_due(vp);
	if (vina && vtl_switch_arm_entry(&vp->vtl[next], VTL_ENTRY_VINA))
		return true;
	if (next == vp->active_vtl && !vina)
		return true;
	if (vtl_vp_has_completion(vp)) {
		vp->pending = 1;
		return false;
	}
	vtl_switch_preempt(vp, next, HV_VTL_ENTRY_INTERRUPT);
	return true;
}

/* The same */
static bool arm_event(struct vtl_vp *vp)
{
	struct vtl_vp_vtl *v = &vp->vtl[vp->active_vtl];

	return likely(!v->pending_event[0]) ||
	       vtl_switch_arm_entry(v, VTL_ENTRY_EVENT);
}

/* A VMM that wants to have KVM_RUN back gets it. */
static bool must_wait(struct vtl_vp *vp)
{
	return vtl_vp_wants_to_run(vp) && vtl_tlb_must_wait(vp);
}

static long run_loop(struct vtl_vp *vp)
{
	bool finish, stuck = false;
	long r;

	for (;;) {
		/*
		 * As KVM_RUN: first finish what was begun, then look for
		 * signals.  KVM does no more than that while one waits.
		 */
		if (vtl_wake_is_signal(vp) && (!vtl_vp_has_completion(vp) ||
					       fatal_signal_pending(current)))
			return interrupted(vp);
		finish = unlikely(READ_ONCE(vp->pending)) && !preempt(vp);
		if (READ_ONCE(vp->partition->dead))
			return -EIO;
		if (unlikely(vp->tlb_waits) && !finish && must_wait(vp)) {
			finish = vtl_vp_has_completion(vp);
			if (!finish) {
				vtl_tlb_wait();
				continue;
			}
		}
		finish |= !arm_event(vp);
		finish &= !stuck;

		r = run_active(vp, !finish && vtl_vp_wants_to_run(vp));
		if (unlikely(READ_ONCE(vp->init_dropped)))
			vtl_startup_undo_init(vp);
		if (vp->action) {
			do_action(vp);
			continue;
		}
		if (r == -EINTR && finish) {
			/* KVM does not for a VP that waits for a SIPI. */
			stuck = vtl_vp_has_completion(vp);
			continue;
		}
		if (r == -EINTR) {
			/*
			 * A signal may be open in the vCPU's mask only, which
			 * KVM took back: what was no kick is a signal.
			 */
			if (!vtl_wake_take_kick(vp) ||
			    task_sigpending(current) ||
			    !vtl_vp_wants_to_run(vp))
				return interrupted(vp);
			continue;
		}
		if (r || !is_synic_exit_of_higher_vtl(vp))
			break;
	}
	if (unlikely(is_denied_mmio(vp))) {
		vtl_partition_kill(vp->partition, "MMIO to a closed page");
		return -EIO;
	}
	publish_exit(vp);
	return r;
}

static void enter_loop(struct vtl_vp *vp)
{
	rcu_assign_pointer(vp->task, current);
	/* Wakes that came while the VP was in userspace, and a new store. */
	vp->pending = 1;
	/* Pairs with the barrier in vtl_vp_quiesce(). */
	smp_mb();
}

static void leave_loop(struct vtl_vp *vp)
{
	RCU_INIT_POINTER(vp->task, NULL);
}

/**
 * vtl_vp_run - the VMM's KVM_RUN
 * @vp: the VP
 *
 * Context: ioctl; may sleep; vp->mutex held.
 * Return: as KVM_RUN: 0 with an exit in the kvm_run page of VTL0, or -errno.
 */
long vtl_vp_run(struct vtl_vp *vp)
{
	long r;

	lockdep_assert_held(&vp->mutex);
	/* Somebody with a leaked descriptor may run it for ever. */
	if (vtl_vp_lock_vcpu_killable(vp, vp->active_vtl))
		return -EINTR;
	take_reply(vp);
	enter_loop(vp);
	r = run_loop(vp);
	vtl_vp_unlock_vcpu(vp, vp->active_vtl);
	leave_loop(vp);
	trace_kvm_vtl_userspace_exit(vp, r);
	return r;
}

static int vp_release(struct inode *inode, struct file *file)
{
	struct vtl_vp *vp = file->private_data;

	vtl_partition_put(vp->partition);
	return 0;
}

static int vp_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vtl_vp *vp = file->private_data;
	struct file *inner = vp->vtl[0].file;

	/* KVM's fault handler takes the vCPU from vma->vm_file. */
	vma_set_file(vma, inner);
	return inner->f_op->mmap(inner, vma);
}

static long vp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vtl_forward_vcpu(file->private_data, cmd, arg);
}

static const struct file_operations vp_fops = {
	.owner		= THIS_MODULE,
	.release	= vp_release,
	.unlocked_ioctl	= vp_ioctl,
	.mmap		= vp_mmap,
	.llseek		= noop_llseek,
};

/**
 * vtl_vp_destroy - free a VP
 * @vp: the VP, which no file and no thread uses; NULL is fine
 */
void vtl_vp_destroy(struct vtl_vp *vp)
{
	u8 vtl;

	if (!vp)
		return;
	for (vtl = 0; vtl < VTL_LEVELS; vtl++)
		if (vp->vtl[vtl].file)
			fput(vp->vtl[vtl].file);
	free_page((unsigned long)vp->hypercall.in);
	free_page((unsigned long)vp->hypercall.out);
	mutex_destroy(&vp->mutex);
	kfree(vp);
}

static struct vtl_vp *alloc_vp(struct vtl_partition *partition, u32 index)
{
	struct vtl_vp *vp;

	vp = kzalloc(sizeof(*vp), GFP_KERNEL_ACCOUNT);
	if (!vp)
		return NULL;
	vp->partition = partition;
	vp->index = index;
	vp->enabled_vtls = BIT(0);
	mutex_init(&vp->mutex);
	init_completion(&vp->run_on.done);
	vp->hypercall.in = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	vp->hypercall.out = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vp->hypercall.in || !vp->hypercall.out) {
		vtl_vp_destroy(vp);
		return NULL;
	}
	return vp;
}

/*
 * KVM_CREATE_VCPU installs a descriptor that other threads of the VMM can see
 * and replace before it is taken here: trust nothing but what the VM itself
 * knows as this vCPU.  A stats file has the vCPU as private data, too, but no
 * ioctls.
 */
static int create_vcpu(struct vtl_vp *vp, struct vtl_vm *vm)
{
	struct vtl_vp_vtl *v = &vp->vtl[vm->vtl];
	struct kvm_vcpu *vcpu;
	struct file *file;
	long fd;

	fd = vm->file->f_op->unlocked_ioctl(vm->file, KVM_CREATE_VCPU,
					    vp->index);
	file = vtl_inner_file(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	v->file = file;

	vcpu = kvm_get_vcpu_by_id(vm->kvm, vp->index);
	if (!vcpu || file->private_data != vcpu || !file->f_op->mmap ||
	    !file->f_op->unlocked_ioctl || !vcpu->arch.apic)
		return -EBADF;
	v->vcpu = vcpu;
	vtl_vcpu_hide_pv(vcpu);
	if (!vtl_vcpu_can_restrict(vcpu)) {
		pr_err("VTLs need EPT with accessed and dirty bits, or NPT\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int create_vcpus(struct vtl_vp *vp)
{
	struct vtl_vm *vm;
	int ret;

	vtl_for_each_vm(vm, vp->partition) {
		ret = create_vcpu(vp, vm);
		if (ret)
			return ret;
	}
	return 0;
}

/* VTLs need an APIC of KVM's: preemption is by its interrupts. */
static bool has_irqchips(struct vtl_partition *partition)
{
	struct vtl_vm *vm;

	vtl_for_each_vm(vm, partition)
		if (!vtl_kvm_has_irqchip(vm->kvm))
			return false;
	return true;
}

static struct vtl_vp *create_vp_locked(struct vtl_partition *partition,
				       u32 index)
{
	struct vtl_vp *vp;
	int ret;

	lockdep_assert_held(&partition->lock);
	if (!has_irqchips(partition))
		return ERR_PTR(-EOPNOTSUPP);
	if (partition->vps[index])
		return ERR_PTR(-EEXIST);

	vp = alloc_vp(partition, index);
	if (!vp)
		return ERR_PTR(-ENOMEM);
	ret = create_vcpus(vp);
	if (ret) {
		vtl_vp_destroy(vp);
		return ERR_PTR(ret);
	}
	return vp;
}

/* The VP stays with its partition when no descriptor can be had for it. */
static int install_fd(struct vtl_vp *vp)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("kvm-vtl-vp", &vp_fops, vp, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	vtl_partition_get(vp->partition);
	fd_install(fd, file);
	return fd;
}

/**
 * vtl_vp_create_fd - the VMM's KVM_CREATE_VCPU
 * @partition: partition
 * @id: KVM's vCPU id, below VTL_MAX_VPS
 *
 * Context: ioctl; may sleep.
 * Return: a file descriptor; -EINVAL for @id; -EEXIST; -EOPNOTSUPP without an
 * in-kernel APIC or the paging that protections need; an error of KVM.
 */
int vtl_vp_create_fd(struct vtl_partition *partition, unsigned long id)
{
	struct vtl_vp *vp;
	int fd;

	if (id >= VTL_MAX_VPS)
		return -EINVAL;

	mutex_lock(&partition->lock);
	vp = create_vp_locked(partition, id);
	if (IS_ERR(vp)) {
		fd = PTR_ERR(vp);
		goto out;
	}

	/* Before anybody can run it; pairs with vtl_partition_vp(). */
	smp_store_release(&partition->vps[id], vp);
	fd = install_fd(vp);
out:
	mutex_unlock(&partition->lock);
	return fd;
}
