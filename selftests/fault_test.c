// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory, at every allocation there is: each thing that allocates is
 * done again and again, the first time with its first allocation failing, the
 * second time with its second one, and so on until all succeed.  Whatever
 * fails, no protection is lost, and the host keeps nothing (kmemleak looks
 * afterwards).
 *
 * Needs a kernel with CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC: the debug
 * kernel (make test-debug).
 */
#include "vtl_test.h"

#define SECRET		0x5ec7e75ec7e75ec7ULL
#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define PAGES		16

/* --- one allocation that fails ------------------------------------------- */

static int fail_nth;
static u32 injected, killed;

static void arm(u64 nth)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lu", nth);

	if (pwrite(fail_nth, text, n, 0) != n)
		abort();
}

/* Was there an nth allocation? */
static bool disarm(void)
{
	char text[24] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 1)
		abort();
	arm(0);
	if (strtoull(text, NULL, 0))
		return false;
	injected++;
	return true;
}

FIXTURE(fault) { };

/* Also where the caller could wait for memory, and single pages */
FIXTURE_SETUP(fault)
{
	static const char * const files[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
	};
	u32 i;

	fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		SKIP(return, "no fault injection in this kernel");
	for (i = 0; i < ARRAY_LEN(files); i++)
		ASSERT_EQ(0, write_file(files[i][0], files[i][1]));
}

FIXTURE_TEARDOWN(fault)
{
	close(fail_nth);
	TH_LOG("%u faults injected, %u partitions killed", injected, killed);
}

/* --- a new VM ------------------------------------------------------------ */

static int open_and_create(void)
{
	struct kvm_vtl_config config = { .size = sizeof(config), .max_vtl = 1 };
	int vm = -1, dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (dev >= 0 && !ioctl(dev, KVM_VTL_CONFIGURE, &config))
		vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (dev >= 0)
		close(dev);
	return vm;
}

TEST_F_TIMEOUT(fault, create_vm, 3000)
{
	bool fired = true;
	int vm;
	u64 n;

	for (n = 1; fired; n++) {
		arm(n);
		vm = open_and_create();
		fired = disarm();
		if (vm >= 0)
			close(vm);
	}
	EXPECT_LE(0, vm);
	EXPECT_LT(20, injected);
}

/* --- what the guest does ------------------------------------------------- */

static u64 secret[PAGE_SIZE / 8] __page;
static u8 pages[PAGES][PAGE_SIZE] __page;
static u64 op, status;

enum { BRING_UP, CLOSE, OPEN, PORT, ENABLE_VP, INTERCEPT, DISABLE, NR_OPS };

static const char * const op_names[NR_OPS] = {
	"enable VTL1", "close pages", "open pages", "intercept a port",
	"enable VTL1 on another VP", "memory intercept", "disable VTL1",
};

/* Pages of memory that nothing else has restricted yet, and of the program */
static u64 page_gfn(u32 i)
{
	return i & 1 ? GUEST_BIG / PAGE_SIZE + 17 * i :
		       (uintptr_t)pages[i] / PAGE_SIZE;
}

static u64 protect_pages(u64 flags, u64 b)
{
	struct hv_modify_protection *in = (void *)this_area()->in;
	u32 i;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->flags = flags;
	for (i = 0; i < PAGES; i++)
		in->gfn[i] = page_gfn(i);
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(PAGES), in, NULL);
}

static u64 intercept_port(u64 port, u64 b)
{
	struct {
		u64 partition;
		u32 access, type;
		u64 port;
	} *in = (void *)this_area()->in;

	in->partition = HV_PARTITION_SELF;
	in->access = 2;
	in->type = 0;
	in->port = port;
	return hv_call_mem(HV_INSTALL_INTERCEPT, in, NULL);
}

static u64 enable_vp(u64 vp, u64 b)
{
	return vsm_enable_vp(vp);
}

static u64 disable_vtl1(u64 a, u64 b)
{
	u64 in[2] = { HV_PARTITION_SELF, 1 };

	return hv_call_xmm(HV_DISABLE_PARTITION_VTL, in, 2);
}

static u64 zero_at_the_end(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(HV_RWX) |
		   HV_CONFIG_ZERO_MEMORY);
	return 0;
}

static void begin(void)
{
	hv_init();
	if (op == BRING_UP)
		return;
	secret[0] = SECRET;
	vsm_bring_up(1);
	vtl1_exec(zero_at_the_end, 0, 0);
	vtl1_close(secret, 1, HV_NONE);
	if (op == OPEN)
		GUEST_EQ(HV_REPS(PAGES), vtl1_exec(protect_pages, HV_NONE, 0));
}

static void act(void)
{
	switch (op) {
	case BRING_UP:
		status = vsm_enable_partition();
		if (!status)
			status = vsm_enable_vp(HV_VP_SELF);
		break;
	case CLOSE:
		status = vtl1_exec(protect_pages, HV_NONE, 0);
		break;
	case OPEN:
		status = vtl1_exec(protect_pages, HV_RWX, 0);
		break;
	case PORT:
		status = vtl1_exec(intercept_port, 0x70, 0);
		break;
	case ENABLE_VP:
		status = vtl1_exec(enable_vp, 1, 0);
		break;
	case INTERCEPT:
		status = probe_read(secret, NULL).vector;
		break;
	case DISABLE:
		vtl1[0].fn = disable_vtl1;
		vtl_call();
		break;
	}
}

/* As many pages are closed as the call says, and no others */
static void check_pages(u32 done, bool closed)
{
	struct guest_trap trap;
	u32 i;

	for (i = 0; i < PAGES; i++) {
		trap = probe_read((void *)(page_gfn(i) * PAGE_SIZE), NULL);
		GUEST_EQ((i < done) == closed ? GP_VECTOR : NO_TRAP,
			 trap.vector);
	}
}

static void check_status(u64 want)
{
	if (HV_STATUS(status) != HV_INSUFFICIENT_MEMORY)
		GUEST_EQ(want, status);
}

static void check_act(void)
{
	switch (op) {
	case BRING_UP:
	case ENABLE_VP:
		check_status(HV_SUCCESS);
		break;
	case CLOSE:
	case OPEN:
		check_status(HV_REPS(PAGES));
		check_pages(HV_REPS_DONE(status), op == CLOSE);
		break;
	case PORT:
		check_status(HV_SUCCESS);
		GUEST_EQ(status ? NO_TRAP : GP_VECTOR,
			 probe_outb(0x70, 0).vector);
		break;
	case INTERCEPT:
		GUEST_EQ(GP_VECTOR, status);
		break;
	case DISABLE:
		GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
		GUEST_EQ(0, secret[0]);
		break;
	}
}

static void guest(void)
{
	if (this_cpu()->vp)
		return;
	begin();
	GUEST_SYNC(0);
	act();
	GUEST_SYNC(1);
	check_act();
	/* Whatever it was, the secret is one. */
	if (op != BRING_UP && op != DISABLE)
		GUEST_TRAP(GP_VECTOR, probe_read(secret, NULL));
}

static u64 this_nth;
static bool this_fired;

/* KVM itself is out of memory: a VMM tries again. */
static int enter_armed(struct vcpu *vcpu)
{
	int ret;

	if (!this_nth || this_fired)
		return vcpu_run_once(vcpu);
	arm(this_nth);
	ret = vcpu_run_once(vcpu);
	this_fired = disarm();
	return this_fired && ret == -ENOMEM ? -EAGAIN : ret;
}

static bool is_dead(struct vcpu *vcpu)
{
	return strstr(vcpu->error, strerror(EIO));
}

/* A port, or whatever the guest writes to it */
static int ignore_io(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_IO &&
	       vcpu->run->io.port == 0x70 ? 0 : -1;
}

/* Returns false when there was no nth allocation. */
static bool try_guest(struct __test_metadata *_metadata, u64 what, u64 nth)
{
	struct vm *vm = VTL_VM(.vcpus = 2, .entry = guest, .big_area = true);
	struct vcpu *vcpu = &vm->vcpu[0];
	enum ucall_cmd cmd;

	vm_var(vm, op) = what;
	vcpu->enter = enter_armed;
	vcpu->on_exit = ignore_io;
	this_nth = 0;
	this_fired = false;
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	this_nth = nth;
	cmd = vcpu_run(vcpu);
	this_nth = 0;
	if (cmd == UCALL_SYNC)
		cmd = vcpu_run(vcpu);
	if (cmd == UCALL_ABORT && this_fired && is_dead(vcpu))
		killed++;
	else
		EXPECT_EQ(UCALL_DONE, cmd) {
			TH_LOG("%s, allocation %lu: %s", op_names[what], nth,
			       vcpu->error);
		}
	vm_destroy(vm);
	return this_fired;
}

TEST_F_TIMEOUT(fault, guest, 6000)
{
	u32 before, what;
	u64 n;

	for (what = 0; what < NR_OPS; what++) {
		before = injected;
		for (n = 1; try_guest(_metadata, what, n); n++)
			;
		TH_LOG("%s: %u", op_names[what], injected - before);
	}
	EXPECT_LT(20, injected);
}

/* --- what the VMM does --------------------------------------------------- */

static int set_partition(struct vm *vm)
{
	struct kvm_vtl_partition p = {
		.size = sizeof(p), .enabled_vtls = 3, .config[1] = 0x3f,
	};

	return ioctl(vm->fd, KVM_VTL_SET_PARTITION, &p);
}

static int set_vp(struct vm *vm)
{
	struct kvm_vtl_vp vp = {
		.size = sizeof(vp), .enabled_vtls = 3, .vina[1] = 0x130,
		.cr_intercept[4] = BIT(6), .tlb_waits = 2,
	};

	return ioctl(vm->vcpu[1].fd, KVM_VTL_SET_VP, &vp);
}

static int set_ranges(struct vm *vm)
{
	struct kvm_vtl_range ranges[] = {
		{ page_gfn(0), 1, HV_R }, { page_gfn(1), 5, HV_NONE },
		{ GUEST_BIG / PAGE_SIZE + 512, 512, HV_RW },
		{ (uintptr_t)secret / PAGE_SIZE, 1, HV_NONE },
	};
	struct kvm_vtl_protections p = {
		.size = sizeof(p), .vtl = 1, .nr_ranges = ARRAY_LEN(ranges),
		.ranges = (uintptr_t)ranges,
	};

	return ioctl(vm->fd, KVM_VTL_SET_PROTECTIONS, &p);
}

static int set_ports(struct vm *vm)
{
	static u8 bits[2][KVM_VTL_PORT_BITMAP_SIZE];
	struct kvm_vtl_ports p = {
		.size = sizeof(p), .vtl = 1,
		.read_bitmap = (uintptr_t)bits[0],
		.write_bitmap = (uintptr_t)bits[1],
	};

	bits[1][9] = 1;
	return ioctl(vm->fd, KVM_VTL_SET_PORTS, &p);
}

static int new_slot(struct vm *vm)
{
	return vm_set_slot(vm, SLOT_FREE, 0x80000000, PAGE_SIZE,
			   vm->big + 3 * PAGE_SIZE, 0);
}

static int delete_slot(struct vm *vm)
{
	return vm_set_slot(vm, SLOT_BIG, GUEST_BIG, 0, vm->big, 0);
}

static int move_slot(struct vm *vm)
{
	return vm_set_slot(vm, SLOT_BIG, GUEST_BIG + GUEST_BIG_SIZE,
			   GUEST_BIG_SIZE, vm->big, 0);
}

static int log_slot(struct vm *vm)
{
	return vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE, vm->big,
			   KVM_MEM_LOG_DIRTY_PAGES);
}

static int lapic_of_vtl1(struct vm *vm)
{
	struct kvm_lapic_state lapic;
	struct kvm_vtl_vcpu_ioctl v = {
		.size = sizeof(v), .vtl = 1, .cmd = KVM_GET_LAPIC,
		.arg = (uintptr_t)&lapic,
	};

	if (ioctl(vm->vcpu[0].fd, KVM_VTL_VCPU_IOCTL, &v))
		return -1;
	v.cmd = KVM_SET_LAPIC;
	return ioctl(vm->vcpu[0].fd, KVM_VTL_VCPU_IOCTL, &v);
}

static int new_vcpu(struct vm *vm)
{
	int fd = ioctl(vm->fd, KVM_CREATE_VCPU, 2);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int reset(struct vm *vm)
{
	int ret = vcpu_write_reset_state(&vm->vcpu[0]);

	errno = -ret;
	return ret ? -1 : 0;
}

static const struct {
	const char *name;
	int (*fn)(struct vm *vm);
	bool once;		/* nothing to try again after it */
} commands[] = {
	{ "SET_PARTITION", set_partition }, { "SET_VP", set_vp },
	{ "SET_PROTECTIONS", set_ranges }, { "SET_PORTS", set_ports },
	{ "new slot", new_slot }, { "delete a slot", delete_slot },
	{ "move a slot", move_slot }, { "log a slot", log_slot },
	{ "LAPIC of VTL1", lapic_of_vtl1 }, { "CREATE_VCPU", new_vcpu, true },
	{ "reset", reset, true },
};

/* The secret stays one, after each try. */
static void command_guest(void)
{
	if (this_cpu()->vp)
		return;
	begin();
	for (;;) {
		GUEST_SYNC(0);
		GUEST_TRAP(GP_VECTOR, probe_read(secret, NULL));
	}
}

static struct vm *command_vm(struct __test_metadata *_metadata)
{
	struct vm *vm = VTL_VM(.vcpus = 2, .entry = command_guest,
			       .big_area = true);

	vm_var(vm, op) = CLOSE;
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	return vm;
}

static bool has_vtl1(struct vm *vm)
{
	struct kvm_vtl_partition p = { .size = sizeof(p) };

	return ioctl(vm->fd, KVM_VTL_GET_PARTITION, &p) || p.enabled_vtls != 1;
}

/*
 * After a reset VTL0 may have the page, and it is empty.  Returns false when
 * the machine is of no more use.
 */
static bool check_command(struct __test_metadata *_metadata, struct vm *vm,
			  u32 i, int ret, u64 nth)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	enum ucall_cmd cmd;

	if (!has_vtl1(vm)) {
		EXPECT_EQ(0, vm_var(vm, secret[0]));
		return false;
	}
	cmd = vcpu_run(vcpu);
	if (cmd == UCALL_ABORT && ret && is_dead(vcpu)) {
		killed++;
		return false;
	}
	EXPECT_EQ(UCALL_SYNC, cmd) {
		TH_LOG("%s, allocation %lu: %s", commands[i].name, nth,
		       vcpu->error);
	}
	return ret && cmd == UCALL_SYNC && !commands[i].once;
}

/* What fails can be tried again on the same machine, as a rule. */
static void sweep_command(struct __test_metadata *_metadata, u32 i)
{
	struct vm *vm = NULL;
	bool fired = true;
	int ret;
	u64 n;

	for (n = 1; fired; n++) {
		if (!vm)
			vm = command_vm(_metadata);
		arm(n);
		ret = commands[i].fn(vm) ? errno : 0;
		fired = disarm();
		EXPECT_TRUE(!ret || (fired && (ret == ENOMEM || ret == EIO))) {
			TH_LOG("%s, allocation %lu: %s", commands[i].name, n,
			       strerror(ret));
		}
		if (!check_command(_metadata, vm, i, ret, n)) {
			vm_destroy(vm);
			vm = NULL;
		}
	}
}

TEST_F_TIMEOUT(fault, ioctls, 6000)
{
	u32 before, i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		before = injected;
		sweep_command(_metadata, i);
		TH_LOG("%s: %u", commands[i].name, injected - before);
	}
	EXPECT_LT(20, injected);
}

TEST_HARNESS_MAIN
