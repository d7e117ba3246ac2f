// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL state as the VMM sees it: get and set, and the reset by a VMM that knows
 * nothing of VTLs.
 */
#include "vtl_test.h"

AREA(state)

#define CONFIG_RWX (HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(HV_RWX))

static u8 pages[8][PAGE_SIZE] __page;

static int get_partition(struct vm *vm, struct kvm_vtl_partition *state)
{
	*state = (struct kvm_vtl_partition) { .size = sizeof(*state) };
	return ioctl(vm->fd, KVM_VTL_GET_PARTITION, state);
}

static int set_partition(struct vm *vm, u32 vtls, u64 config)
{
	struct kvm_vtl_partition state = {
		.size = sizeof(state), .enabled_vtls = vtls,
		.config = { 0, config },
	};

	return ioctl(vm->fd, KVM_VTL_SET_PARTITION, &state) ? -errno : 0;
}

static int get_vp(struct vcpu *vcpu, struct kvm_vtl_vp *state)
{
	*state = (struct kvm_vtl_vp) { .size = sizeof(*state) };
	return ioctl(vcpu->fd, KVM_VTL_GET_VP, state);
}

static int set_vp(struct vcpu *vcpu, u32 vtls, u32 active)
{
	struct kvm_vtl_vp state = {
		.size = sizeof(state), .enabled_vtls = vtls,
		.active_vtl = active,
	};

	return ioctl(vcpu->fd, KVM_VTL_SET_VP, &state) ? -errno : 0;
}

static int get_ranges(struct vm *vm, u64 start, struct kvm_vtl_range *ranges,
		      u32 count, u64 *next)
{
	struct kvm_vtl_protections p = {
		.size = sizeof(p), .vtl = 1, .nr_ranges = count,
		.start_gfn = start, .ranges = (uintptr_t)ranges,
	};

	if (ioctl(vm->fd, KVM_VTL_GET_PROTECTIONS, &p))
		return -errno;
	*next = p.out_next_gfn;
	return p.out_nr_ranges;
}

static int set_ranges(struct vm *vm, u32 vtl, struct kvm_vtl_range *ranges,
		      u32 count)
{
	struct kvm_vtl_protections p = {
		.size = sizeof(p), .vtl = vtl, .nr_ranges = count,
		.ranges = (uintptr_t)ranges,
	};

	return ioctl(vm->fd, KVM_VTL_SET_PROTECTIONS, &p) ? -errno :
	       p.out_nr_ranges;
}

/* --- partition and VP ---------------------------------------------------- */

static u64 stop_in_vtl1(u64 a, u64 b)
{
	GUEST_SYNC(2);
	return 0;
}

static void state_guest(void)
{
	hv_init();
	GUEST_SYNC(0);
	vsm_init();
	GUEST_SYNC(1);
	vtl1_exec(stop_in_vtl1, 0, 0);
}

TEST_F(state, follows_the_guest)
{
	struct vm *vm = VTL_VM(.entry = state_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_partition p;
	struct kvm_vtl_vp vp;

	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(1, p.enabled_vtls);
	EXPECT_EQ(1, p.out_max_vtl);
	EXPECT_EQ(0, p.config[0]);
	EXPECT_EQ(0, p.config[1]);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(1, vp.enabled_vtls);
	EXPECT_EQ(0, vp.active_vtl);

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(3, p.enabled_vtls);
	EXPECT_EQ(CONFIG_RWX, p.config[1]);
	EXPECT_EQ(0, p.config[0] | p.config[2] | p.config[3]);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(3, vp.enabled_vtls);
	EXPECT_EQ(0, vp.active_vtl);

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(2, vcpu->ucall.args[0]);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(1, vp.active_vtl);
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* A VMM that does not ask for MBEC does not get it. */
TEST_F(state, mbec_not_offered)
{
	struct kvm_vtl_partition p = {
		.size = sizeof(p), .enabled_vtls = 3, .mbec_vtls = BIT(1),
	};
	struct vm *vm = VTL_VM();

	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PARTITION, &p));
	EXPECT_EQ(EOPNOTSUPP, errno);
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(1, p.enabled_vtls);
	EXPECT_EQ(0, p.out_features);
	EXPECT_EQ(0, p.mbec_vtls);
	vm_destroy(vm);
}

TEST_F(state, set_partition)
{
	struct vm *vm = VTL_VM(.entry = state_guest);
	struct kvm_vtl_partition p;

	EXPECT_EQ(-EINVAL, set_partition(vm, 0, 0));
	EXPECT_EQ(-EINVAL, set_partition(vm, 2, CONFIG_RWX));
	EXPECT_EQ(-EINVAL, set_partition(vm, 5, 0));
	EXPECT_EQ(-EINVAL, set_partition(vm, 0x10001, 0));
	EXPECT_EQ(-EINVAL, set_partition(vm, 1, CONFIG_RWX));
	EXPECT_EQ(-EINVAL, set_partition(vm, 3, BIT(20)));
	EXPECT_EQ(-EINVAL, set_partition(vm, 3, HV_CONFIG_DEFAULT(HV_W)));
	EXPECT_EQ(0, set_partition(vm, 1, 0));
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(1, p.enabled_vtls);
	EXPECT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(3, p.enabled_vtls);
	EXPECT_EQ(CONFIG_RWX, p.config[1]);
	EXPECT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	EXPECT_EQ(-EBUSY, set_partition(vm, 1, 0));
	vm_destroy(vm);
}

TEST_F(state, set_partition_reserved_config)
{
	struct vm *vm = VTL_VM();
	struct kvm_vtl_partition p = {
		.size = sizeof(p), .enabled_vtls = 1, .config = { 1 },
	};

	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PARTITION, &p));
	EXPECT_EQ(EINVAL, errno);
	p.config[0] = 0;
	p.config[3] = 1;
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PARTITION, &p));
	EXPECT_EQ(EINVAL, errno);
	vm_destroy(vm);
}

/* How far a set came */
TEST_F(state, set_protections_in_part)
{
	struct vm *vm = VTL_VM();
	struct kvm_vtl_range r[3] = {
		{ .start_gfn = 16, .nr_pages = 1, .prot = HV_R },
		{ .start_gfn = 17, .nr_pages = 0, .prot = HV_R },
		{ .start_gfn = 18, .nr_pages = 1, .prot = HV_R },
	}, now[4];
	struct kvm_vtl_protections p = {
		.size = sizeof(p), .vtl = 1, .nr_ranges = 3,
		.ranges = (uintptr_t)r, .out_nr_ranges = 77,
	};
	u64 next;

	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PROTECTIONS, &p));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, p.out_nr_ranges);
	ASSERT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PROTECTIONS, &p));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, p.out_nr_ranges);
	EXPECT_EQ(1, get_ranges(vm, 0, now, 4, &next));
	EXPECT_EQ(16, now[0].start_gfn);
	vm_destroy(vm);
}

TEST_F(state, set_vp)
{
	struct vm *vm = VTL_VM();
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp;

	EXPECT_EQ(-EINVAL, set_vp(vcpu, 0, 0));
	EXPECT_EQ(-EINVAL, set_vp(vcpu, 2, 1));
	EXPECT_EQ(-EINVAL, set_vp(vcpu, 1, 1));
	EXPECT_EQ(-EINVAL, set_vp(vcpu, 3, 2));
	EXPECT_EQ(-EINVAL, set_vp(vcpu, 7, 0));
	/* Not for the partition yet */
	EXPECT_GT(0, set_vp(vcpu, 3, 0));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(1, vp.enabled_vtls);
	ASSERT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	EXPECT_EQ(0, set_vp(vcpu, 3, 1));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(3, vp.enabled_vtls);
	EXPECT_EQ(1, vp.active_vtl);
	EXPECT_EQ(0, set_vp(vcpu, 3, 0));
	EXPECT_EQ(-EBUSY, set_vp(vcpu, 1, 0));
	vm_destroy(vm);
}

TEST_F(state, pending_events)
{
	struct vm *vm = VTL_VM();
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp;

	ASSERT_EQ(0, get_vp(vcpu, &vp));
	vp.pending_event[0] = HV_EVENT_EXCEPTION(PF_VECTOR) |
			      HV_EVENT_HAS_ERROR;
	vp.pending_event[1] = 0x1234;
	EXPECT_EQ(0, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(HV_EVENT_EXCEPTION(PF_VECTOR) | HV_EVENT_HAS_ERROR,
		  vp.pending_event[0]);
	EXPECT_EQ(0x1234, vp.pending_event[1]);
	vp.pending_event[0] |= BIT(2);		/* not an exception */
	EXPECT_EQ(-1, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_EQ(EINVAL, errno);
	vp.pending_event[0] = 0;
	vp.pending_event[1] = 0;
	vp.pending_event[4] = 1;		/* VTL2 */
	EXPECT_EQ(-1, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_EQ(EINVAL, errno);
	vm_destroy(vm);
}

/* An event that the VMM restores reaches VTL0. */
static void count_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
}

static void event_guest(void)
{
	guest_on(UD_VECTOR, count_ud);
	GUEST_SYNC(0);
	GUEST_SYNC(this_cpu()->count[UD_VECTOR]);
	GUEST_SYNC(this_cpu()->count[UD_VECTOR]);
}

static int set_event(struct vcpu *vcpu, u64 event)
{
	struct kvm_vtl_vp vp;

	if (get_vp(vcpu, &vp))
		return -errno;
	vp.pending_event[0] = event;
	return ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp) ? -errno : 0;
}

/* Completes the exit, as a VMM does before it saves or restores state. */
static int complete_exit(struct vcpu *vcpu)
{
	int ret;

	vcpu->run->immediate_exit = 1;
	ret = vcpu_run_once(vcpu);
	vcpu->run->immediate_exit = 0;
	return ret;
}

static void check_event(struct __test_metadata *_metadata, struct vcpu *vcpu,
			u64 count)
{
	struct kvm_vtl_vp vp;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(count, vcpu->ucall.args[0]);
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(count, vcpu->ucall.args[0]);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(0, vp.pending_event[0]);
}

TEST_F(state, restored_event_is_delivered)
{
	struct vm *vm = VTL_VM(.entry = event_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(-EINTR, complete_exit(vcpu));
	EXPECT_EQ(0, set_event(vcpu, HV_EVENT_EXCEPTION(UD_VECTOR)));
	check_event(_metadata, vcpu, 1);
	vm_destroy(vm);
}

/* In the middle of an exit it may be refused, but does no harm. */
TEST_F(state, event_before_completion)
{
	struct vm *vm = VTL_VM(.entry = event_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	int ret;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ret = set_event(vcpu, HV_EVENT_EXCEPTION(UD_VECTOR));
	if (ret)
		EXPECT_EQ(-EBUSY, ret);
	check_event(_metadata, vcpu, !ret);
	vm_destroy(vm);
}

/* --- protections --------------------------------------------------------- */

#define GFN(n)		((uintptr_t)pages[n] / PAGE_SIZE)

static void protections_guest(void)
{
	vsm_init();
	vtl1_close(pages[0], 3, HV_R);
	vtl1_close(pages[3], 1, HV_NONE);
	vtl1_close(pages[5], 1, HV_NONE);
	vtl1_close(pages[6], 1, HV_RX);
	GUEST_SYNC(1);
	vtl1_close(pages[1], 1, HV_RWX);
	GUEST_SYNC(2);
	vtl1_close(pages[0], 8, HV_RWX);
	GUEST_SYNC(3);
}

static const struct {
	u32 page, nr, prot;
} expected[] = {
	{ 0, 3, HV_R }, { 3, 1, HV_NONE }, { 5, 1, HV_NONE }, { 6, 1, HV_RX },
};

TEST_F(state, get_protections)
{
	struct vm *vm = VTL_VM(.entry = protections_guest);
	struct kvm_vtl_range r[8], one;
	u64 next, cursor = 0;
	u32 i;

	EXPECT_EQ(0, get_ranges(vm, 0, r, 8, &next));
	EXPECT_EQ(~0ULL, next);
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	memset(r, 0xff, sizeof(r));
	ASSERT_EQ(4, get_ranges(vm, 0, r, 8, &next));
	EXPECT_EQ(~0ULL, next);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(GFN(expected[i].page), r[i].start_gfn);
		EXPECT_EQ(expected[i].nr, r[i].nr_pages);
		EXPECT_EQ(expected[i].prot, r[i].prot);
		EXPECT_EQ(0, r[i].__reserved);
	}
	/* one by one */
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, get_ranges(vm, cursor, &one, 1, &cursor));
		EXPECT_EQ(0, memcmp(&one, &r[i], sizeof(one)));
		EXPECT_NE(~0ULL, cursor);
	}
	EXPECT_EQ(0, get_ranges(vm, cursor, &one, 1, &cursor));
	EXPECT_EQ(~0ULL, cursor);
	/* from the middle of a range */
	ASSERT_EQ(1, get_ranges(vm, GFN(2), &one, 1, &next));
	EXPECT_EQ(GFN(2), one.start_gfn);
	EXPECT_EQ(1, one.nr_pages);
	/* no room */
	EXPECT_EQ(0, get_ranges(vm, 0, NULL, 0, &next));
	EXPECT_LE(next, GFN(0));

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_EQ(5, get_ranges(vm, 0, r, 8, &next));
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_EQ(0, get_ranges(vm, 0, r, 8, &next));
	vm_destroy(vm);
}

TEST_F(state, bad_protections)
{
	struct vm *vm = VTL_VM();
	struct kvm_vtl_range good = {
		.start_gfn = 0x100, .nr_pages = 1, .prot = HV_R,
	}, r = good;

	/* No VTL1, no protections */
	EXPECT_GT(0, set_ranges(vm, 1, &good, 1));
	ASSERT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	EXPECT_EQ(1, set_ranges(vm, 1, &good, 1));
	EXPECT_EQ(-ENOENT, set_ranges(vm, 2, &good, 1));
	EXPECT_EQ(-ENOENT, set_ranges(vm, 4, &good, 1));
	EXPECT_GT(0, set_ranges(vm, 0, &good, 1));
	EXPECT_EQ(-EFAULT, set_ranges(vm, 1, NULL, 1));
	r.__reserved = 1;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	r = good;
	r.prot = 0x10;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	r.prot = HV_W;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	r = good;
	r.nr_pages = 0;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	r.nr_pages = ~0ULL;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	r.start_gfn = ~0ULL;
	r.nr_pages = 1;
	EXPECT_EQ(-EINVAL, set_ranges(vm, 1, &r, 1));
	vm_destroy(vm);
}

/* A second machine gets what the first one had, and holds its VTL0 to it. */
static void restored_guest(void)
{
	u32 i;

	for (i = 0; i < 4; i++)
		GUEST_TRAP(GP_VECTOR, probe_write(pages[i], 1));
	GUEST_NO_TRAP(probe_read(pages[0], NULL));
	GUEST_TRAP(GP_VECTOR, probe_read(pages[3], NULL));
	GUEST_NO_TRAP(probe_write(pages[4], 1));
	GUEST_TRAP(GP_VECTOR, probe_write(pages[6], 1));
	GUEST_NO_TRAP(probe_write(pages[7], 1));
}

TEST_F(state, round_trip)
{
	struct vm *vm = VTL_VM(.entry = protections_guest), *other;
	struct kvm_vtl_partition p;
	struct kvm_vtl_range r[8], again[8];
	struct kvm_vtl_vp vp;
	u64 next;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, get_partition(vm, &p));
	ASSERT_EQ(0, get_vp(&vm->vcpu[0], &vp));
	ASSERT_EQ(4, get_ranges(vm, 0, r, 8, &next));
	vm_destroy(vm);

	other = VTL_VM(.entry = restored_guest);
	ASSERT_EQ(0, ioctl(other->fd, KVM_VTL_SET_PARTITION, &p));
	ASSERT_EQ(0, ioctl(other->vcpu[0].fd, KVM_VTL_SET_VP, &vp));
	ASSERT_EQ(4, set_ranges(other, 1, r, 4));
	ASSERT_EQ(4, get_ranges(other, 0, again, 8, &next));
	EXPECT_EQ(0, memcmp(r, again, 4 * sizeof(r[0])));
	EXPECT_UCALL(UCALL_DONE, &other->vcpu[0]);
	vm_destroy(other);
}

/* --- the registers of VTL1 ------------------------------------------------ */

static int vtl_ioctl(struct vcpu *vcpu, u32 vtl, u32 cmd, void *arg)
{
	struct kvm_vtl_vcpu_ioctl in = {
		.size = sizeof(in), .vtl = vtl, .cmd = cmd,
		.arg = (uintptr_t)arg,
	};
	int ret = ioctl(vcpu->fd, KVM_VTL_VCPU_IOCTL, &in);

	return ret < 0 ? -errno : ret;
}

/* What a VP keeps per VTL, in the order in which it is restored */
static const u32 saved_msrs[] = {
	HV_MSR_GUEST_OS_ID, HV_MSR_HYPERCALL, HV_MSR_VP_ASSIST_PAGE,
	HV_MSR_SCONTROL, HV_MSR_SIMP, HV_MSR_SINT0, MSR_LSTAR,
	MSR_KERNEL_GS_BASE,
};

struct saved_vtl {
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp_state;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[ARRAY_LEN(saved_msrs)];
	} msrs;
};

#define STATE(command, member)						\
	{ KVM_GET_##command, KVM_SET_##command,				\
	  offsetof(struct saved_vtl, member) }

static const struct {
	u32 get, set, offset;
} saved_state[] = {
	STATE(SREGS, sregs), STATE(XCRS, xcrs), STATE(XSAVE, xsave),
	STATE(MSRS, msrs), STATE(LAPIC, lapic), STATE(DEBUGREGS, debugregs),
	STATE(VCPU_EVENTS, events), STATE(MP_STATE, mp_state),
	STATE(REGS, regs),
};

static void save_vtl(struct __test_metadata *_metadata, struct vcpu *vcpu,
		     u32 vtl, struct saved_vtl *s)
{
	u32 i;

	s->msrs.head.nmsrs = ARRAY_LEN(saved_msrs);
	for (i = 0; i < ARRAY_LEN(saved_msrs); i++)
		s->msrs.entry[i].index = saved_msrs[i];
	for (i = 0; i < ARRAY_LEN(saved_state); i++)
		ASSERT_LE(0, vtl_ioctl(vcpu, vtl, saved_state[i].get,
				       (u8 *)s + saved_state[i].offset)) {
			TH_LOG("get %u of VTL%u", i, vtl);
		}
}

static void restore_vtl(struct __test_metadata *_metadata, struct vcpu *vcpu,
			u32 vtl, struct saved_vtl *s)
{
	u32 i;
	int ret;

	for (i = 0; i < ARRAY_LEN(saved_state); i++) {
		ret = vtl_ioctl(vcpu, vtl, saved_state[i].set,
				(u8 *)s + saved_state[i].offset);
		ASSERT_EQ(saved_state[i].set == KVM_SET_MSRS ?
			  ARRAY_LEN(saved_msrs) : 0, ret) {
			TH_LOG("set %u of VTL%u", i, vtl);
		}
	}
}

static struct vm *move_vm(struct __test_metadata *_metadata, struct vm *vm)
{
	static struct saved_vtl saved[2];
	struct vm *other = VTL_VM();
	struct kvm_vtl_partition p;
	struct kvm_vtl_range r[8];
	struct kvm_vtl_vp vp;
	u64 next;
	int n, vtl;

	complete_exit(&vm->vcpu[0]);
	ASSERT_EQ(0, get_partition(vm, &p));
	ASSERT_EQ(0, get_vp(&vm->vcpu[0], &vp));
	n = get_ranges(vm, 0, r, 8, &next);
	for (vtl = 0; vtl < 2; vtl++)
		save_vtl(_metadata, &vm->vcpu[0], vtl, &saved[vtl]);
	memcpy(other->ram, vm->ram, GUEST_RAM_SIZE);
	vm_destroy(vm);

	ASSERT_EQ(0, ioctl(other->fd, KVM_VTL_SET_PARTITION, &p));
	ASSERT_EQ(0, ioctl(other->vcpu[0].fd, KVM_VTL_SET_VP, &vp));
	ASSERT_EQ(n, set_ranges(other, 1, r, n));
	for (vtl = 1; vtl >= 0; vtl--)
		restore_vtl(_metadata, &other->vcpu[0], vtl, &saved[vtl]);
	return other;
}

static u64 before_move(u64 a, u64 b)
{
	wrmsr(MSR_LSTAR, 0x1111);
	wrmsr(MSR_KERNEL_GS_BASE, 0x2222);
	return 0;
}

static u64 after_move(u64 a, u64 b)
{
	GUEST_EQ(1, this_cpu()->vtl);
	GUEST_EQ(GUEST_PAGE_TABLES_OF(1), read_cr3());
	GUEST_EQ(0x1111, rdmsr(MSR_LSTAR));
	GUEST_EQ(0x2222, rdmsr(MSR_KERNEL_GS_BASE));
	return a + b;
}

static void moved_guest(void)
{
	u64 value;

	*(u64 *)pages[0] = 0x5ec4e7;
	vsm_init();
	wrmsr(MSR_LSTAR, 0x3333);
	vtl1_exec(before_move, 0, 0);
	vtl1_close(pages[0], 1, HV_NONE);
	GUEST_SYNC(0);
	/* On the other machine */
	GUEST_EQ(0x3333, rdmsr(MSR_LSTAR));
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), read_cr3());
	GUEST_EQ(7, vtl1_exec(after_move, 3, 4));
	GUEST_TRAP(GP_VECTOR, probe_read(pages[0], &value));
	GUEST_EQ(1, vtl1[0].messages);
	vtl1_close(pages[0], 1, HV_RWX);
	GUEST_EQ(0x5ec4e7, *(u64 *)pages[0]);
}

/* A running machine with its secure kernel goes on elsewhere. */
TEST_F(state, moved_to_another_machine)
{
	struct vm *vm = VTL_VM(.entry = moved_guest);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	vm = move_vm(_metadata, vm);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

static u64 moved_in_vtl1(u64 a, u64 b)
{
	before_move(0, 0);
	GUEST_SYNC(0);
	return after_move(a, b);
}

static void moved_in_vtl1_guest(void)
{
	vsm_init();
	GUEST_EQ(11, vtl1_exec(moved_in_vtl1, 5, 6));
}

TEST_F(state, moved_while_vtl1_runs)
{
	struct vm *vm = VTL_VM(.entry = moved_in_vtl1_guest);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	vm = move_vm(_metadata, vm);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* VINA of VTL1, whose vector needs no EOI: KVM learns that anew. */
#define VINA_VECTOR		0x61
#define VINA (VINA_VECTOR | HV_VINA_ENABLED | HV_VINA_AUTO_EOI)

static u64 set_vina(u64 vina, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_VINA, vina);
	return 0;
}

static u64 use_vina(u64 vina, u64 b)
{
	this_cpu()->auto_eoi[VINA_VECTOR / 64] |= BIT(VINA_VECTOR % 64);
	GUEST_EQ(vina, hv_reg(HV_OWN_VTL, HV_REG_VSM_VINA));
	apic_write(APIC_ICR, 0x40000 | VINA_VECTOR);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[VINA_VECTOR]);
	GUEST_EQ(0, apic_read(APIC_ISR + VINA_VECTOR / 32 * 16));
	return 0;
}

static void vina_guest(void)
{
	vsm_init();
	vtl1_exec(set_vina, VINA, 0);
	GUEST_SYNC(0);
	vtl1_exec(use_vina, VINA, 0);
}

TEST_F(state, vina)
{
	struct vm *vm = VTL_VM(.entry = vina_guest);
	struct kvm_vtl_vp vp;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, get_vp(&vm->vcpu[0], &vp));
	EXPECT_EQ(0, vp.vina[0]);
	EXPECT_EQ(VINA, vp.vina[1]);
	vm = move_vm(_metadata, vm);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* The same when a SINT is written afterwards that has, or had, its vector */
TEST_F(state, vina_and_sint)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry = {
			.index = HV_MSR_SINT0 + 5,
			.data = VINA_VECTOR | HV_SINT_MASKED,
		},
	};
	struct kvm_vtl_vcpu_ioctl in = {
		.size = sizeof(in), .vtl = 1, .cmd = KVM_SET_MSRS,
		.arg = (uintptr_t)&msrs,
	};
	struct vm *vm = VTL_VM(.entry = vina_guest);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_EQ(1, ioctl(vm->vcpu[0].fd, KVM_VTL_VCPU_IOCTL, &in));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(state, bad_vina)
{
	struct vm *vm = VTL_VM(.entry = vina_guest);
	struct kvm_vtl_vp vp, bad;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, get_vp(&vm->vcpu[0], &vp));
	bad = vp;
	bad.vina[0] = VINA;
	EXPECT_EQ(-1, ioctl(vm->vcpu[0].fd, KVM_VTL_SET_VP, &bad));
	EXPECT_EQ(EINVAL, errno);
	bad = vp;
	bad.vina[1] = HV_VINA_ENABLED | 15;
	EXPECT_EQ(-1, ioctl(vm->vcpu[0].fd, KVM_VTL_SET_VP, &bad));
	EXPECT_EQ(EINVAL, errno);
	bad = vp;
	bad.vina[2] = VINA;
	EXPECT_EQ(-1, ioctl(vm->vcpu[0].fd, KVM_VTL_SET_VP, &bad));
	EXPECT_EQ(EINVAL, errno);
	/* The first version of the struct has none: it stays. */
	bad = vp;
	bad.size = offsetof(struct kvm_vtl_vp, vina);
	EXPECT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_VTL_SET_VP, &bad));
	ASSERT_EQ(0, get_vp(&vm->vcpu[0], &vp));
	EXPECT_EQ(VINA, vp.vina[1]);
	vm_destroy(vm);
}

TEST_F(state, vcpu_ioctl_errors)
{
	static const u32 bad[] = {
		0, KVM_RUN, KVM_SET_CPUID2, KVM_NMI, KVM_ENABLE_CAP,
		KVM_GET_STATS_FD, KVM_SET_USER_MEMORY_REGION, KVM_VTL_GET_VP,
	};
	struct vm *vm = VTL_VM(.entry = protections_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs regs;
	u32 i;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_EQ(-EOPNOTSUPP, vtl_ioctl(vcpu, 1, bad[i], &regs)) {
			TH_LOG("command 0x%x", bad[i]);
		}
	EXPECT_EQ(-ENOENT, vtl_ioctl(vcpu, 2, KVM_GET_REGS, &regs));
	EXPECT_EQ(-ENOENT, vtl_ioctl(vcpu, 257, KVM_GET_REGS, &regs));
	EXPECT_EQ(-EFAULT, vtl_ioctl(vcpu, 1, KVM_GET_REGS, (void *)1));
	EXPECT_EQ(0, vtl_ioctl(vcpu, 0, KVM_GET_REGS, &regs));
	vm_destroy(vm);

	vm = VTL_VM(.entry = protections_guest);
	EXPECT_EQ(-EBUSY, vtl_ioctl(&vm->vcpu[0], 1, KVM_GET_REGS, &regs));
	vm_destroy(vm);
}

/* General registers are one set, RSP and RIP are each VTL's own. */
TEST_F(state, shared_registers_of_both)
{
	struct vm *vm = VTL_VM(.entry = protections_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs low, high;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	complete_exit(vcpu);
	ASSERT_EQ(0, vtl_ioctl(vcpu, 0, KVM_GET_REGS, &low));
	ASSERT_EQ(0, vtl_ioctl(vcpu, 1, KVM_GET_REGS, &high));
	EXPECT_EQ(low.rbx, high.rbx);
	EXPECT_NE(low.rsp, high.rsp);
	EXPECT_NE(low.rip, high.rip);
	high.r15 = 0x1515;
	ASSERT_EQ(0, vtl_ioctl(vcpu, 1, KVM_SET_REGS, &high));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_REGS, &low));
	EXPECT_EQ(0x1515, low.r15);
	EXPECT_NE(low.rsp, high.rsp);
	vm_destroy(vm);
}

/* --- reset --------------------------------------------------------------- */

static void before_reset(void)
{
	*(u64 *)pages[0] = 1;
	*(u64 *)pages[1] = 2;
	vsm_init();
	vtl1_close(pages[0], 1, HV_NONE);
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 5));
	GUEST_SYNC(1);
	GUEST_FAIL("ran on after the reset", 0);
}

static u64 stay(u64 a, u64 b)
{
	GUEST_SYNC(1);
	return 0;
}

static void before_reset_in_vtl1(void)
{
	vsm_init();
	vtl1_close(pages[0], 1, HV_NONE);
	vtl1_exec(stay, 0, 0);
	GUEST_FAIL("ran on after the reset", 0);
}

/* All as at the first time, and the program's data as they were left */
static void after_reset(void)
{
	u64 value;

	GUEST_NO_TRAP(probe_write(pages[0], 3));
	GUEST_NO_TRAP(probe_write(pages[1], 4));
	memset(vtl1, 0, sizeof(vtl1));
	memset(guest_area(0, 1)->simp, 0, PAGE_SIZE);
	hv_init();
	GUEST_EQ(0x10001, hv_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(0x10000, hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS));
	GUEST_TRAP(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0));
	vsm_init();
	vtl1_close(pages[0], 1, HV_NONE);
	GUEST_TRAP(GP_VECTOR, probe_read(pages[0], &value));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_NO_TRAP(probe_write(pages[1], 5));
}

static void reset_and_check(struct __test_metadata *_metadata, struct vm *vm)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_partition p;
	struct kvm_vtl_range r[8];
	struct kvm_vtl_vp vp;
	u64 next;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vcpu_write_reset_state(vcpu));
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(1, p.enabled_vtls);
	EXPECT_EQ(0, p.config[1]);
	EXPECT_EQ(0, get_ranges(vm, 0, r, 8, &next));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(1, vp.enabled_vtls);
	EXPECT_EQ(0, vp.active_vtl);
	ASSERT_EQ(0, vcpu_set_entry(vcpu, after_reset));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_F(state, reset)
{
	reset_and_check(_metadata, VTL_VM(.entry = before_reset));
}

TEST_F(state, reset_while_vtl1_runs)
{
	reset_and_check(_metadata, VTL_VM(.entry = before_reset_in_vtl1));
}

/* The same writes on a machine that did not use VTLs change nothing. */
static void unused_guest(void)
{
	GUEST_SYNC(1);
}

TEST_F(state, reset_without_vtl1)
{
	reset_and_check(_metadata, VTL_VM(.entry = unused_guest));
}

/* Writing other registers, or to another VP, is no reset. */
static void no_reset_guest(void)
{
	vsm_init();
	vtl1_close(pages[0], 1, HV_NONE);
	GUEST_SYNC(1);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	vtl_call();
}

TEST_F(state, ordinary_sregs_are_no_reset)
{
	struct vm *vm = VTL_VM(.entry = no_reset_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_sregs sregs;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/*
 * ZeroMemoryOnReset: what VTL0 could not read does not outlive VTL1; the rest
 * stays.
 */
static u64 zero_on_reset(u64 zero, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   CONFIG_RWX | (zero ? HV_CONFIG_ZERO_MEMORY : 0));
	return 0;
}

static void secret_guest(void)
{
	*(u64 *)pages[0] = 1;
	*(u64 *)pages[1] = 2;
	*(u64 *)pages[2] = 3;
	vsm_init();
	vtl1_exec(zero_on_reset, 1, 0);
	vtl1_close(pages[0], 1, HV_NONE);
	vtl1_close(pages[1], 1, HV_R);
	GUEST_SYNC(1);
}

static void after_secret(void)
{
	GUEST_EQ(0, *(u64 *)pages[0]);
	GUEST_EQ(2, *(u64 *)pages[1]);
	GUEST_EQ(3, *(u64 *)pages[2]);
}

TEST_F(state, reset_zeroes_secrets)
{
	struct vm *vm = VTL_VM(.entry = secret_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vcpu_write_reset_state(vcpu));
	ASSERT_EQ(0, vcpu_set_entry(vcpu, after_secret));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* A secret whose memory was taken away cannot be zeroed. */
TEST_F(state, reset_without_memory)
{
	struct kvm_userspace_memory_region gone = { .slot = SLOT_RAM };
	struct vm *vm = VTL_VM(.entry = secret_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &gone));
	EXPECT_EQ(-EIO, vcpu_write_reset_state(vcpu));
	EXPECT_EQ(-EIO, vcpu_run_once(vcpu));
	vm_destroy(vm);
}

/* The reset state in a VP other than the first resets that VP only. */
TEST_F(state, reset_of_another_vp)
{
	struct vm *vm = VTL_VM(.entry = no_reset_guest, .vcpus = 2);
	struct kvm_vtl_partition p;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vcpu_write_reset_state(&vm->vcpu[1]));
	ASSERT_EQ(0, get_partition(vm, &p));
	EXPECT_EQ(3, p.enabled_vtls);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* What a VTL1 left behind does not wait for the next one, or for VTL0. */
static struct {
	u64 os_id, hypercall, reference_tsc;
} left;

static void first_in_vtl1(void)
{
	left.os_id = rdmsr(HV_MSR_GUEST_OS_ID);
	left.hypercall = rdmsr(HV_MSR_HYPERCALL);
	left.reference_tsc = rdmsr(HV_MSR_REFERENCE_TSC);
	wrmsr(HV_MSR_GUEST_OS_ID, HV_TEST_OS_ID);
	vtl_try_call(HV_VTL_RETURN, 0);
	GUEST_FAIL("entered twice", 0);
}

static u64 leave_behind(u64 a, u64 b)
{
	wrmsr(HV_MSR_REFERENCE_TSC, (uintptr_t)pages[0] | HV_MSR_ENABLE);
	hv_set_reg(HV_OWN_VTL, HV_REG_CR0_MASK, CR0_WP | CR0_TS);
	hv_set_reg(HV_OWN_VTL, HV_REG_CR_INTERCEPT, BIT(29) - 1);
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_PENDING_EVENT0,
		   HV_EVENT_EXCEPTION(UD_VECTOR));
	GUEST_NE(0, rdmsr(HV_MSR_GUEST_OS_ID));
	GUEST_NE(0, rdmsr(HV_MSR_HYPERCALL));
	GUEST_SYNC(1);
	return 0;
}

static void leaving_guest(void)
{
	vsm_init();
	vtl1_exec(leave_behind, 0, 0);
	GUEST_FAIL("ran on after the reset", 0);
}

static void clean_guest(void)
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;

	/* Whatever VTL1 had locked is VTL0's again. */
	wrmsr(MSR_LSTAR, 0x1234000);
	write_cr0(read_cr0() ^ CR0_WP);
	hv_init();
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->vtl = 1;
	vsm_context(&in->context, 0);
	in->context.rip = (uintptr_t)first_in_vtl1;
	memset(&left, 0xff, sizeof(left));
	GUEST_EQ(HV_SUCCESS, hv_call_mem(HV_ENABLE_VP_VTL, in, NULL));
	vtl_call();
	GUEST_EQ(0, left.os_id);
	GUEST_EQ(0, left.hypercall);
	GUEST_EQ(0, left.reference_tsc);
	GUEST_EQ(0, this_cpu()->count[UD_VECTOR]);
}

TEST_F(state, reset_leaves_nothing)
{
	struct vm *vm = VTL_VM(.entry = leaving_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vcpu_write_reset_state(vcpu));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(0, vp.pending_event[0]);
	EXPECT_EQ(0, vp.cr_intercept[4] | vp.cr_intercept[5]);
	ASSERT_EQ(0, vcpu_set_entry(vcpu, clean_guest));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* A secret that cannot be zeroed: the machine is dead rather than open. */
static void secret_in_big_guest(void)
{
	vsm_init();
	vtl1_exec(zero_on_reset, 1, 0);
	vtl1_close((void *)GUEST_BIG, 1, HV_NONE);
	GUEST_SYNC(1);
}

TEST_F(state, failed_reset_is_the_end)
{
	struct vm *vm = VTL_VM(.entry = secret_in_big_guest, .big_area = true);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_partition p;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, munmap(vm->big, GUEST_BIG_SIZE));
	EXPECT_EQ(-EIO, vcpu_write_reset_state(vcpu));
	EXPECT_EQ(-EIO, vcpu_run_once(vcpu));
	EXPECT_EQ(-1, get_partition(vm, &p));
	EXPECT_EQ(EIO, errno);
	vm_destroy(vm);
}

/* --- the TLB lock -------------------------------------------------------- */

static u64 tlb_lock_in_vtl1(u64 a, u64 b)
{
	u32 reg = HV_REG_VSM_SECURE_CONFIG_VTL0;

	hv_set_reg(HV_OWN_VTL, reg, 2);
	GUEST_SYNC(1);
	GUEST_EQ(0, hv_reg(HV_OWN_VTL, reg));
	GUEST_SYNC(2);
	GUEST_EQ(2, hv_reg(HV_OWN_VTL, reg));
	return 0;
}

static void tlb_lock_guest(void)
{
	vsm_init();
	vtl1_exec(tlb_lock_in_vtl1, 0, 0);
	GUEST_SYNC(3);
}

static int set_tlb_locks(struct vcpu *vcpu, u32 holder, u8 vtls)
{
	struct kvm_vtl_vp vp;

	if (get_vp(vcpu, &vp))
		return -errno;
	memset(vp.tlb_locks, 0, sizeof(vp.tlb_locks));
	vp.tlb_locks[holder] = vtls;
	return ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp) ? -errno : 0;
}

/*
 * A lock that is never released, set while the VP is in an exit: the VMM gets
 * its thread back, and can let the VP go on.
 */
static void wait_guest(void)
{
	vsm_init();
	GUEST_SYNC(1);
}

TEST_F(state, tlb_wait_in_an_exit)
{
	struct vm *vm = VTL_VM(.entry = wait_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	vp.tlb_locks[1] = 0x10;
	vp.tlb_waits = 2;
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	vcpu->timeout = 1;
	EXPECT_EQ(UCALL_ABORT, vcpu_run(vcpu));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(2, vp.tlb_waits);
	EXPECT_EQ(0, set_tlb_locks(vcpu, 1, 0));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_F(state, tlb_lock)
{
	struct vm *vm = VTL_VM(.entry = tlb_lock_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(1, vp.tlb_locks[1]);
	/* Only VTLs below the holder, which is not above the active one */
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 0, 1));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 1, 2));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 1, 3));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 2, 1));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 3, 1));
	EXPECT_EQ(0, set_tlb_locks(vcpu, 1, 0));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(0, vp.tlb_locks[1]);
	EXPECT_EQ(0, set_tlb_locks(vcpu, 1, 1));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	/* The return to VTL0 has ended it. */
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(0, vp.active_vtl);
	EXPECT_EQ(0, vp.tlb_locks[1]);
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 1, 1));
	/* Set by another VP it does not need the VTL to be active. */
	EXPECT_EQ(0, set_tlb_locks(vcpu, 1, 0x10));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 1, 0x20));
	EXPECT_EQ(-EINVAL, set_tlb_locks(vcpu, 2, 0x10));
	ASSERT_EQ(0, get_vp(vcpu, &vp));
	EXPECT_EQ(0x10, vp.tlb_locks[1]);
	EXPECT_EQ(0, set_tlb_locks(vcpu, 1, 0));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- VTLs that the VMM enables ------------------------------------------- */

static void call_guest(void)
{
	hv_init();
	vtl_try_call(HV_VTL_CALL, 0);
}

/* It never runs with other registers than the VMM's. */
TEST_F(state, vtl_without_registers)
{
	struct vm *vm = VTL_VM(.entry = call_guest);

	ASSERT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	ASSERT_EQ(0, set_vp(&vm->vcpu[0], 3, 0));
	EXPECT_EQ(-EIO, vcpu_run_once(&vm->vcpu[0]));
	EXPECT_EQ(-EIO, vcpu_run_once(&vm->vcpu[0]));
	vm_destroy(vm);

	vm = VTL_VM(.entry = call_guest);
	ASSERT_EQ(0, set_partition(vm, 3, CONFIG_RWX));
	ASSERT_EQ(0, set_vp(&vm->vcpu[0], 3, 1));
	EXPECT_EQ(-EIO, vcpu_run_once(&vm->vcpu[0]));
	vm_destroy(vm);
}

/* --- VTL0's registers while VTL1 is active ------------------------------- */

static u64 registers_in_vtl1(u64 a, u64 b)
{
	wrmsr(MSR_LSTAR, 0x2222);
	GUEST_SYNC(1);
	GUEST_EQ(0x2222, rdmsr(MSR_LSTAR));
	GUEST_EQ(GUEST_PAGE_TABLES_OF(1), read_cr3());
	GUEST_EQ(1, this_cpu()->vtl);
	return 0;
}

static void registers_guest(void)
{
	vsm_init();
	wrmsr(MSR_LSTAR, 0x1111);
	vtl1_exec(registers_in_vtl1, 0, 0);
	GUEST_EQ(0x3333, rdmsr(MSR_LSTAR));
	GUEST_EQ(0, this_cpu()->vtl);
}

static u64 get_msr(struct vcpu *vcpu, u32 index)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = { .head.nmsrs = 1, .entry.index = index };

	return ioctl(vcpu->fd, KVM_GET_MSRS, &m) == 1 ? m.entry.data : ~0ULL;
}

static int set_msr(struct vcpu *vcpu, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(vcpu->fd, KVM_SET_MSRS, &m);
}

/* A VMM reads and writes everything back, in the middle of VTL1. */
TEST_F(state, synchronize_while_vtl1_runs)
{
	struct vm *vm = VTL_VM(.entry = registers_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state lapic;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	EXPECT_EQ(GUEST_PAGE_TABLES_OF(0), sregs.cr3);
	EXPECT_EQ((uintptr_t)&guest_area(0, 0)->cpu, sregs.gs.base);
	EXPECT_EQ(0x1111, get_msr(vcpu, MSR_LSTAR));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_REGS, &regs));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_XSAVE, &xsave));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &debug));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_XSAVE, &xsave));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic));
	ASSERT_EQ(1, set_msr(vcpu, MSR_LSTAR, 0x3333));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
