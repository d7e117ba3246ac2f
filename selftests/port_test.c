// SPDX-License-Identifier: GPL-2.0-only
/*
 * InstallIntercept: VTL1 is told of VTL0's use of I/O ports.
 */
#include "vtl_test.h"

AREA(port)

#define PORT		0x600		/* the VMM has something there */
#define READ		1
#define WRITE		2
#define TYPE_PORT	0
#define TYPE_RANGE	0x11
#define REGS_VALUE	0x1122334455667788ULL

/* --- the VMM ------------------------------------------------------------- */

static u32 seen_by_vmm;

/* Counts, and answers reads with 0xa5. */
static int count_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port < PORT - 16 ||
	    run->io.port > PORT + 64)
		return -1;
	seen_by_vmm++;
	if (run->io.direction == KVM_EXIT_IO_IN)
		memset((u8 *)run + run->io.data_offset, 0xa5,
		       run->io.size * run->io.count);
	return 0;
}

static struct vm *machine(struct __test_metadata *_metadata, u32 vps,
			  void (*entry)(void))
{
	struct vm *vm = VTL_VM(.entry = entry, .vcpus = vps);
	u32 i;

	seen_by_vmm = 0;
	for (i = 0; i < vm->nr_vcpus; i++)
		vm->vcpu[i].on_exit = count_exit;
	return vm;
}

/* A test whose VMM is to see that many accesses */
#define PORT_TEST(name, exits)						\
static void name##_guest(void);						\
TEST_F(port, name)							\
{									\
	struct vm *vm = machine(_metadata, 1, name##_guest);		\
									\
	RUN_GUEST(vm, name##_guest);					\
	EXPECT_EQ(exits, seen_by_vmm);					\
	vm_destroy(vm);							\
}									\
static void name##_guest(void)

/* --- the guest ----------------------------------------------------------- */

static u64 install(u64 port, u64 access)
{
	u64 in[3] = { HV_PARTITION_SELF, access, port };

	return hv_call_xmm(HV_INSTALL_INTERCEPT, in, 3);
}

static u64 install_range(u64 ports, u64 access)
{
	u64 in[3] = { HV_PARTITION_SELF, access | (u64)TYPE_RANGE << 32,
		      ports };
	u64 *page = (u64 *)this_area()->in;

	memcpy(page, in, sizeof(in));
	return hv_call_mem(HV_INSTALL_INTERCEPT, page, NULL);
}

static u32 gps;

static struct hv_io_intercept *intercept(void)
{
	return (void *)this_vtl1()->message.payload;
}

/* A denied instruction is left out. */
static void on_gp(struct guest_cpu *cpu, struct guest_regs *regs)
{
	gps++;
	GUEST_EQ(regs->rip, intercept()->rip);
	GUEST_NE(0, intercept()->length);
	regs->rip += intercept()->length;
}

static void init(void)
{
	vsm_init();
	guest_on(GP_VECTOR, on_gp);
}

static void check_message(u32 access, u32 port, u32 info, u32 length)
{
	struct hv_io_intercept *i = intercept();
	struct vtl_service *v = this_vtl1();

	GUEST_EQ(1, gps);
	GUEST_EQ(1, v->messages);
	GUEST_EQ(HV_ENTRY_INTERRUPT, v->entry_reason);
	GUEST_EQ(HV_MSG_IO_INTERCEPT, v->message.type);
	GUEST_EQ(128, v->message.size);
	GUEST_EQ(access, i->access);
	GUEST_EQ(port, i->port);
	GUEST_EQ(info, i->info);
	GUEST_EQ(length, i->length);
	GUEST_EQ(0, i->state & HV_STATE_CPL);
	GUEST_EQ(0, HV_STATE_VTL(i->state));
	GUEST_EQ(KERNEL_CS, i->cs.selector);
	GUEST_EQ(KERNEL_DS, i->ds.selector);
	GUEST_EQ(KERNEL_DS, i->es.selector);
	gps = 0;
	v->messages = 0;
}

static void expect_none(void)
{
	GUEST_EQ(0, gps);
	GUEST_EQ(0, this_vtl1()->messages);
}

PORT_TEST(write, 1)
{
	init();
	outb(PORT, 1);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, WRITE));
	asm volatile("outb %%al, %%dx" : : "a" (REGS_VALUE), "d" (PORT));
	check_message(HV_ACCESS_WRITE, PORT, 1, 1);
	GUEST_EQ(REGS_VALUE, intercept()->rax);
	GUEST_EQ(PORT, (u16)vtl1[0].regs_seen.rdx);
}

/* Length of an instruction with a port in it; below 0x100 the VMM is absent */
PORT_TEST(immediate, 0)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, 0xe9, READ | WRITE));
	asm volatile("outl %%eax, $0xe9" : : "a" (7));
	check_message(HV_ACCESS_WRITE, 0xe9, 4, 2);
	asm volatile("inw $0xe9, %%ax" : : : "rax");
	check_message(HV_ACCESS_READ, 0xe9, 2, 3);
}

PORT_TEST(read, 1)
{
	u64 rax = REGS_VALUE;

	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ));
	asm volatile("inb %%dx, %%al" : "+a" (rax) : "d" (PORT));
	check_message(HV_ACCESS_READ, PORT, 1, 1);
	GUEST_EQ(REGS_VALUE, rax);
	/* Writes are not intercepted. */
	outb(PORT, 1);
	expect_none();
}

PORT_TEST(write_only, 1)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, WRITE));
	GUEST_EQ(0xa5, inb(PORT));
	expect_none();
}

/* A port is meant, whatever instruction covers it. */
PORT_TEST(overlap, 3)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT + 3, READ | WRITE));
	outl(PORT, 1);
	check_message(HV_ACCESS_WRITE, PORT, 4, 1);
	GUEST_NE(0xa5a5a5a5, inl(PORT + 3));
	check_message(HV_ACCESS_READ, PORT + 3, 4, 1);
	asm volatile("outw %%ax, %%dx" : : "a" (1), "d" (PORT + 2));
	check_message(HV_ACCESS_WRITE, PORT + 2, 2, 2);
	outb(PORT + 2, 1);
	outb(PORT + 4, 1);
	outl(PORT - 1, 1);
	expect_none();
}

static u8 buffer[64];

/* Nothing has happened yet: RSI, RDI and RCX are as before. */
PORT_TEST(strings, 0)
{
	const void *p = buffer;
	u64 count = 3;

	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	asm volatile("rep outsb" : "+S" (p), "+c" (count) : "d" (PORT));
	check_message(HV_ACCESS_WRITE, PORT, 1 | HV_IO_STRING | HV_IO_REP, 2);
	GUEST_EQ((uintptr_t)buffer, p);
	GUEST_EQ(3, count);
	GUEST_EQ((uintptr_t)buffer, intercept()->rsi);
	GUEST_EQ(3, intercept()->rcx);

	asm volatile("insl" : "+D" (p) : "d" (PORT) : "memory");
	check_message(HV_ACCESS_READ, PORT, 4 | HV_IO_STRING, 1);
	GUEST_EQ((uintptr_t)buffer, p);
	GUEST_EQ((uintptr_t)buffer, intercept()->rdi);
	GUEST_EQ(0, buffer[0]);
}

/* What is not intercepted reaches the VMM as ever. */
PORT_TEST(other_ports, 3)
{
	const void *p = buffer;

	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	outb(PORT + 1, 1);
	GUEST_EQ(0xa5, inb(PORT + 1));
	asm volatile("outsb" : "+S" (p) : "d" (PORT + 1));
	GUEST_EQ((uintptr_t)buffer + 1, p);
	expect_none();
}

/* VTL1 does the access and says what comes of it. */
static void emulate(struct vtl_service *v)
{
	struct hv_io_intercept *i = (void *)v->message.payload;
	struct hv_assist *assist = (void *)this_area()->assist;

	if (i->access == HV_ACCESS_READ)
		assist->rax = (i->rax & ~0xffULL) | inb(i->port);
	else
		outb(i->port, i->rax);
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RIP, i->rip + i->length);
}

PORT_TEST(emulated_by_vtl1, 2)
{
	u64 rax = REGS_VALUE;

	init();
	vtl1[0].policy = emulate;
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	asm volatile("inb %%dx, %%al" : "+a" (rax) : "d" (PORT));
	GUEST_EQ((REGS_VALUE & ~0xffULL) | 0xa5, rax);
	outb(PORT, 1);
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_EQ(0, gps);
}

static u64 use_port(u64 a, u64 b)
{
	outb(PORT, 1);
	return inb(PORT);
}

PORT_TEST(not_for_vtl1, 2)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	GUEST_EQ(0xa5, vtl1_exec(use_port, 0, 0));
	expect_none();
}

PORT_TEST(removed, 2)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	outb(PORT, 1);
	check_message(HV_ACCESS_WRITE, PORT, 1, 1);
	/* The last call counts, for both kinds of access. */
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ));
	outb(PORT, 1);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, 0));
	GUEST_EQ(0xa5, inb(PORT));
	expect_none();
}

static u64 range(u32 first, u32 last)
{
	return first | (u64)last << 16;
}

PORT_TEST(ranges, 2)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install_range,
				       range(PORT, PORT + 9), WRITE));
	outb(PORT - 1, 1);
	outb(PORT + 10, 1);
	expect_none();
	outb(PORT, 1);
	check_message(HV_ACCESS_WRITE, PORT, 1, 1);
	outb(PORT + 9, 1);
	check_message(HV_ACCESS_WRITE, PORT + 9, 1, 1);
}

/* All of them; the last one and the first one are ports, too. */
PORT_TEST(all_ports, 0)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install_range, range(0, 0xffff),
				       READ | WRITE));
	outb(0, 1);
	check_message(HV_ACCESS_WRITE, 0, 1, 2);
	outl(0xffff, 1);
	check_message(HV_ACCESS_WRITE, 0xffff, 4, 1);
	/* This test reports by a port, too. */
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install_range, range(0, 0xffff), 0));
}

/* --- refused ------------------------------------------------------------- */

static u64 raw[3];

static u64 install_raw(u64 a, u64 b)
{
	return hv_call_xmm(HV_INSTALL_INTERCEPT, raw, 3);
}

static void refused(u64 status, u64 partition, u64 access, u64 type,
		    u64 parameters)
{
	raw[0] = partition;
	raw[1] = access | type << 32;
	raw[2] = parameters;
	GUEST_EQ(status, vtl1_exec(install_raw, 0, 0));
}

PORT_TEST(bad_input, 1)
{
	u32 i;

	init();
	refused(HV_INVALID_PARTITION_ID, 1, WRITE, TYPE_PORT, PORT);
	for (i = 2; i < 32; i++)
		refused(HV_INVALID_PARAMETER, HV_PARTITION_SELF,
			BIT(i) | WRITE, TYPE_PORT, PORT);
	for (i = 1; i < 0x20; i++)
		if (i != TYPE_RANGE)
			refused(HV_INVALID_PARAMETER, HV_PARTITION_SELF,
				WRITE, i, PORT);
	for (i = 16; i < 64; i++)
		refused(HV_INVALID_PARAMETER, HV_PARTITION_SELF, WRITE,
			TYPE_PORT, BIT(i) | PORT);
	refused(HV_INVALID_PARAMETER, HV_PARTITION_SELF, WRITE, TYPE_RANGE,
		range(PORT + 1, PORT));
	refused(HV_INVALID_PARAMETER, HV_PARTITION_SELF, WRITE, TYPE_RANGE,
		BIT(32) | range(PORT, PORT));
	outb(PORT, 1);
	expect_none();
}

PORT_TEST(not_from_vtl0, 1)
{
	hv_init();
	GUEST_EQ(HV_ACCESS_DENIED, install(PORT, WRITE));
	init();
	GUEST_EQ(HV_ACCESS_DENIED, install(PORT, WRITE));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, WRITE));
	GUEST_EQ(HV_ACCESS_DENIED, install(PORT, 0));
	outb(PORT, 1);
	check_message(HV_ACCESS_WRITE, PORT, 1, 1);
	GUEST_EQ(0xa5, inb(PORT));
}

/* --- other VPs ----------------------------------------------------------- */

static u32 installed, done;

/* Intercepts are the partition's.  Without VTL1 on the VP nobody decides. */
static void other_vp(void)
{
	if (this_cpu()->vp) {
		GUEST_WAIT(READ_ONCE(installed));
		GUEST_TRAP(GP_VECTOR, probe_outb(PORT, 1));
		WRITE_ONCE(done, 1);
		return;
	}
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, WRITE));
	WRITE_ONCE(installed, 1);
	GUEST_WAIT(READ_ONCE(done));
	GUEST_EQ(0, vtl1[0].messages + vtl1[1].messages);
}

TEST_F(port, other_vp)
{
	struct vm *vm = machine(_metadata, 2, other_vp);

	RUN_VPS(vm);
	EXPECT_EQ(0, seen_by_vmm);
	vm_destroy(vm);
}

/* --- the emulator -------------------------------------------------------- */

#define PREFIX_PARAMETER "/sys/module/kvm/parameters/force_emulation_prefix"
#define FEP		".byte 0x0f, 0x0b, 'k', 'v', 'm';"

FIXTURE(port_emulator)
{
	char before[16];
};

FIXTURE_VARIANT(port_emulator)
{
	bool in;
};

FIXTURE_VARIANT_ADD(port_emulator, out) { .in = false };
FIXTURE_VARIANT_ADD(port_emulator, in) { .in = true };

FIXTURE_SETUP(port_emulator)
{
	snprintf(self->before, sizeof(self->before), "%s",
		 read_file(PREFIX_PARAMETER));
	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
}

FIXTURE_TEARDOWN(port_emulator)
{
	write_file(PREFIX_PARAMETER, self->before);
}

static bool by_in;

static void use_emulator(u64 port)
{
	if (by_in)
		asm volatile(FEP "inb %%dx, %%al" : : "d" (port) : "rax");
	else
		asm volatile(FEP "outb %%al, %%dx" : : "d" (port), "a" (1));
}

/* An instruction that left the guest as another one, as far as KVM knows */
static void emulated(void)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	use_emulator(PORT + 1);
	GUEST_SYNC(1);
	use_emulator(PORT);
	GUEST_FAIL("the access was made", 0);
}

TEST_F(port_emulator, refused)
{
	struct vm *vm = machine(_metadata, 1, emulated);
	struct vcpu *vcpu = &vm->vcpu[0];

	vm_var(vm, by_in) = variant->in;
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(1, seen_by_vmm);
	EXPECT_EQ(UCALL_ABORT, vcpu_run(vcpu));
	EXPECT_NE(NULL, strstr(vcpu->error, strerror(EIO))) {
		TH_LOG("%s", vcpu->error);
	}
	EXPECT_EQ(-EIO, vcpu_run_once(vcpu));
	EXPECT_EQ(1, seen_by_vmm);
	vm_destroy(vm);
}

/* --- state --------------------------------------------------------------- */

static u8 maps[2][KVM_VTL_PORT_BITMAP_SIZE];

static int ports_ioctl(struct vm *vm, unsigned long cmd, u32 vtl)
{
	struct kvm_vtl_ports ports = {
		.size = sizeof(ports), .vtl = vtl,
		.read_bitmap = (uintptr_t)maps[0],
		.write_bitmap = (uintptr_t)maps[1],
	};

	return ioctl(vm->fd, cmd, &ports) ? -errno : 0;
}

static u32 bits(const u8 *map)
{
	u32 i, n = 0;

	for (i = 0; i < KVM_VTL_PORT_BITMAP_SIZE; i++)
		n += __builtin_popcount(map[i]);
	return n;
}

static void state_guest(void)
{
	init();
	GUEST_SYNC(1);
	outb(PORT, 1);
	check_message(HV_ACCESS_WRITE, PORT, 1, 1);
	GUEST_EQ(0xa5, inb(PORT));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT + 2, READ));
	GUEST_SYNC(2);
	outb(PORT, 1);
	inb(PORT + 2);
	expect_none();
}

TEST_F(port, state)
{
	struct vm *vm = machine(_metadata, 1, state_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	memset(maps, 0, sizeof(maps));
	EXPECT_EQ(-EBUSY, ports_ioctl(vm, KVM_VTL_SET_PORTS, 1));
	EXPECT_EQ(-ENOENT, ports_ioctl(vm, KVM_VTL_SET_PORTS, 0));
	EXPECT_EQ(-ENOENT, ports_ioctl(vm, KVM_VTL_GET_PORTS, 2));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	memset(maps, 0xff, sizeof(maps));
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_GET_PORTS, 1));
	EXPECT_EQ(0, bits(maps[0]) + bits(maps[1]));

	maps[1][PORT / 8] = 1;
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_SET_PORTS, 1));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	memset(maps, 0, sizeof(maps));
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_GET_PORTS, 1));
	EXPECT_EQ(1, bits(maps[0]));
	EXPECT_EQ(1 << 2, maps[0][PORT / 8]);
	EXPECT_EQ(1, bits(maps[1]));
	EXPECT_EQ(1, maps[1][PORT / 8]);

	memset(maps, 0, sizeof(maps));
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_SET_PORTS, 1));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_F(port, state_bad_pointers)
{
	struct vm *vm = machine(_metadata, 1, state_guest);
	struct kvm_vtl_ports ports = {
		.size = sizeof(ports), .vtl = 1,
		.read_bitmap = (uintptr_t)maps[0], .write_bitmap = 8,
	};

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_GET_PORTS, &ports));
	EXPECT_EQ(EFAULT, errno);
	maps[0][PORT / 8] = 0xff;
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_VTL_SET_PORTS, &ports));
	EXPECT_EQ(EFAULT, errno);
	/* Nothing of it was taken. */
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_GET_PORTS, 1));
	EXPECT_EQ(0, bits(maps[0]) + bits(maps[1]));
	vm_destroy(vm);
}

static void before_reset(void)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(install, PORT, READ | WRITE));
	GUEST_SYNC(1);
	GUEST_FAIL("ran on after the reset", 0);
}

static void after_reset(void)
{
	outb(PORT, 1);
	GUEST_EQ(0xa5, inb(PORT));
}

TEST_F(port, reset)
{
	struct vm *vm = machine(_metadata, 1, before_reset);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vcpu_write_reset_state(vcpu));
	ASSERT_EQ(0, vcpu_set_entry(vcpu, after_reset));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	EXPECT_EQ(2, seen_by_vmm);
	memset(maps, 0xff, sizeof(maps));
	EXPECT_EQ(0, ports_ioctl(vm, KVM_VTL_GET_PORTS, 1));
	EXPECT_EQ(0, bits(maps[0]) + bits(maps[1]));
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
