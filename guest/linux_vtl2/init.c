// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space of a Linux in VTL2: makes VTL0 and runs it, by /dev/mshv.
 *
 * What it finds is told in the kernel's log, which the VMM reads:
 *
 *	vtl2: ok VP NAME		that went well
 *	vtl2: failed ...		and nothing else follows
 *	vtl2: end
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "mshv.h"
#include "vtl0.h"

extern const u8 vtl0_code[], vtl0_code_end[], vtl0_gp[], vtl0_irq[], vtl0_any[];
extern const u8 vtl0_loop[], vtl0_after_loop[];

static int log_fd, vtl, hvcalls, cpu;
static struct mshv_run *run;
static u8 *memory;

/* One write is one line of the log. */
static void say(const char *fmt, ...)
{
	char line[200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(log_fd, line, n) != n)
		abort();
}

static void __attribute__((noreturn)) end(void)
{
	say("vtl2: end\n");
	reboot(RB_AUTOBOOT);
	abort();
}

#define FAIL(fmt, ...)							\
do {									\
	say("vtl2: failed CPU %d, line %d: " fmt "\n", cpu, __LINE__,	\
	    ##__VA_ARGS__);						\
	end();								\
} while (0)

#define MUST(cond)							\
do {									\
	if (!(cond))							\
		FAIL("%s, errno %d", #cond, errno);			\
} while (0)

#define MUST_BE(want, expr)						\
do {									\
	u64 __want = want, __have = expr;				\
									\
	if (__want != __have)						\
		FAIL("%s is 0x%lx, not 0x%lx", #expr, __have, __want);	\
} while (0)

static void ok(const char *what)
{
	say("vtl2: ok %d %s\n", cpu, what);
}

/* --- hypercalls and registers -------------------------------------------- */

static u64 hvcall(u64 control, const void *in, u32 size)
{
	struct mshv_hvcall call = {
		.control = control, .in = (uintptr_t)in, .in_size = size,
	};

	MUST(!ioctl(hvcalls, MSHV_HVCALL, &call));
	return call.result;
}

static void protect(u64 gpa, u32 flags)
{
	struct {
		u64 partition;
		u32 flags, vtl;
		u64 gfn;
	} in = { HV_PARTITION_SELF, flags, 0, gpa / PAGE_SIZE };

	MUST_BE(HV_REPS(1), hvcall(HV_MODIFY_PROTECTION | HV_REPS(1), &in,
				   sizeof(in)));
}

static void intercept_port(u16 port, u32 access)
{
	struct {
		u64 partition;
		u32 access, type;
		u64 port;
	} in = { HV_PARTITION_SELF, access, 0, port };

	MUST_BE(HV_SUCCESS, hvcall(HV_INSTALL_INTERCEPT, &in, sizeof(in)));
}

static void assert_interrupt(u32 vector)
{
	struct {
		u64 partition, control, apic_id;
		u32 vector;
		u8 vtl, reserved[3];
	} in = { HV_PARTITION_SELF, 0, cpu, vector, 0, { } };

	MUST_BE(HV_SUCCESS, hvcall(HV_ASSERT_INTERRUPT, &in, sizeof(in)));
}

static union hv_value get_register(u32 name)
{
	struct mshv_assoc assoc = { .name = name };
	struct mshv_registers arg = { .count = 1, .assoc = (uintptr_t)&assoc };

	if (ioctl(vtl, MSHV_GET_VP_REGISTERS, &arg))
		FAIL("get register 0x%x, errno %d", name, errno);
	return assoc.value;
}

static void set_register(u32 name, union hv_value value)
{
	struct mshv_assoc assoc = { .name = name, .value = value };
	struct mshv_registers arg = { .count = 1, .assoc = (uintptr_t)&assoc };

	if (ioctl(vtl, MSHV_SET_VP_REGISTERS, &arg))
		FAIL("set register 0x%x, errno %d", name, errno);
}

static void set(u32 name, u64 value)
{
	set_register(name, (union hv_value) { .low = value });
	MUST_BE(value, get_register(name).low);
}

static void set_segment(u32 name, u16 selector, u16 attributes, u32 limit)
{
	set_register(name, (union hv_value) { .segment = {
		.limit = limit, .selector = selector,
		.attributes = attributes,
	} });
}

static void set_table(u32 name, u64 base, u16 limit)
{
	set_register(name, (union hv_value) { .table = {
		.base = base, .limit = limit,
	} });
}

/* --- VTL0 ---------------------------------------------------------------- */

static void *vtl0(u64 gpa)
{
	return memory + gpa - VTL0_MEMORY;
}

static u64 code_gpa(const u8 *label)
{
	return VTL0_CODE + (label - vtl0_code);
}

static void gate(u32 vector, const u8 *handler)
{
	u64 *entry = (u64 *)vtl0(VTL0_IDT) + 2 * vector;
	u64 to = code_gpa(handler);

	entry[0] = (to & 0xffff) | VTL0_CS << 16 | 0x8eULL << 40 |
		   to >> 16 << 48;
	entry[1] = 0;
}

/* The first 4 GiB, one to one */
static void make_tables(void)
{
	u64 *table = vtl0(VTL0_TABLES), *gdt = vtl0(VTL0_GDT), i;

	table[0] = (VTL0_TABLES + PAGE_SIZE) | 3;
	for (i = 0; i < 4; i++)
		table[512 + i] = (VTL0_TABLES + (2 + i) * PAGE_SIZE) | 3;
	for (i = 0; i < 4 * 512; i++)
		table[1024 + i] = i << 21 | BIT(7) | 3;
	gdt[VTL0_CS / 8] = 0x00af9b000000ffff;
	gdt[VTL0_DS / 8] = 0x00cf93000000ffff;
	for (i = 0; i < 256; i++)
		gate(i, vtl0_any);
	gate(GP_VECTOR, vtl0_gp);
	gate(VTL0_VECTOR, vtl0_irq);
	memcpy(vtl0(VTL0_CODE), vtl0_code, vtl0_code_end - vtl0_code);
}

static void make_vtl0(void)
{
	struct mshv_memory ram = {
		VTL0_MEMORY / PAGE_SIZE, VTL0_MEMORY_END / PAGE_SIZE,
	};
	int low = open("/dev/mshv_vtl_low", O_RDWR);

	MUST(!ioctl(vtl, MSHV_ADD_VTL0_MEMORY, &ram));
	memory = mmap(NULL, VTL0_MEMORY_END - VTL0_MEMORY,
		      PROT_READ | PROT_WRITE, MAP_SHARED, low, VTL0_MEMORY);
	MUST(memory != MAP_FAILED);
	make_tables();
	intercept_port(VTL0_STEP_PORT, 2);
	intercept_port(VTL0_ASK_PORT, 1);
}

static u64 page(u32 n)
{
	return VTL0_PAGES + (3 * cpu + n) * PAGE_SIZE;
}

/* 64-bit mode at the beginning of the code, register by register */
static void set_registers(void)
{
	u32 name;

	set(HV_REG_RIP, VTL0_CODE);
	set(HV_REG_RSP, VTL0_STACKS + (cpu + 1) * VTL0_STACK_SIZE);
	set(HV_REG_RFLAGS, 2);
	set_segment(HV_REG_CS, VTL0_CS, 0xa09b, ~0);
	for (name = HV_REG_ES; name <= HV_REG_GS; name++)
		if (name != HV_REG_CS)
			set_segment(name, VTL0_DS, 0xc093, ~0);
	set_segment(HV_REG_TR, 0, 0x8b, TSS_LIMIT);
	set_segment(HV_REG_LDTR, 0, 0x82, 0);
	set_table(HV_REG_GDTR, VTL0_GDT, 0x17);
	set_table(HV_REG_IDTR, VTL0_IDT, 0xfff);
	set(HV_REG_CR0, CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	set(HV_REG_CR3, VTL0_TABLES);
	set(HV_REG_CR4, CR4_PAE | CR4_OSFXSR);
	set(HV_REG_EFER, EFER_LME | EFER_LMA);
	/* Other VPs wait for a SIPI there. */
	set(HV_REG_ACTIVITY, 0);
	run->rdi = page(0);
}

/* --- what VTL0 does ------------------------------------------------------ */

/* Runs VTL0 until it wants something: the message */
static const struct hv_message *run_vtl0(void)
{
	memset(&run->message, 0, sizeof(run->message));
	MUST(!ioctl(vtl, MSHV_RETURN_TO_LOWER_VTL));
	return &run->message;
}

static const struct hv_io_intercept *run_to_port(u16 port)
{
	const struct hv_message *m = run_vtl0();
	const struct hv_io_intercept *io = (const void *)m->payload;

	if (m->type != HV_MSG_IO_INTERCEPT)
		FAIL("message 0x%x, RIP 0x%lx", m->type, io->rip);
	MUST_BE(port, io->port);
	MUST_BE(cpu, io->vp);
	MUST_BE(4, io->info & 7);
	MUST_BE(io->rip, get_register(HV_REG_RIP).low);
	return io;
}

static void skip(const struct hv_io_intercept *io)
{
	MUST_BE(1, io->length & 0xf);
	set(HV_REG_RIP, io->rip + 1);
}

static void run_to_step(u32 step)
{
	const struct hv_io_intercept *io = run_to_port(VTL0_STEP_PORT);

	MUST_BE(HV_ACCESS_WRITE, io->access);
	MUST_BE(step, io->rax);
	MUST_BE(step, run->rax);
	skip(io);
}

static const struct hv_memory_intercept *run_to_page(u32 n, u8 access)
{
	const struct hv_message *m = run_vtl0();
	const struct hv_memory_intercept *memory = (const void *)m->payload;

	if (m->type != HV_MSG_GPA_INTERCEPT)
		FAIL("message 0x%x, RIP 0x%lx", m->type, memory->rip);
	MUST_BE(page(n), memory->gpa & -PAGE_SIZE);
	MUST_BE(access, memory->access);
	return memory;
}

/* VTL0 asks, VTL2 answers. */
static void call(void)
{
	const struct hv_io_intercept *io;

	run_to_step(VTL0_BEGIN);
	MUST_BE(0x1111, run->rbx);
	MUST_BE(0x9999, run->r8_to_r15[1]);
	io = run_to_port(VTL0_ASK_PORT);
	MUST_BE(HV_ACCESS_READ, io->access);
	run->rax = VTL0_ANSWER;
	skip(io);
	run_to_step(VTL0_ANSWERED);
	ok("call");
}

/* VTL0 wants a page that is closed, VTL2 opens it. */
static void memory_opened(void)
{
	u64 *word = vtl0(page(0));

	run_to_page(0, HV_ACCESS_WRITE);
	MUST_BE(0, *word);
	protect(page(0), HV_RWX);
	run_to_step(VTL0_WROTE);
	MUST_BE(VTL0_WRITTEN, *word);
	ok("memory");
}

/* VTL0 writes to a page that is read-only: VTL2 has it find a #GP. */
static void memory_denied(void)
{
	run_to_page(1, HV_ACCESS_WRITE);
	set(HV_REG_PENDING_EVENT0,
	    HV_EVENT_EXCEPTION(GP_VECTOR) | HV_EVENT_HAS_ERROR);
	run_to_step(VTL0_DENIED);
	MUST_BE(0, *(u64 *)vtl0(page(1)));
	ok("denied");
}

static void interrupt_of_vtl0(void)
{
	run_to_step(VTL0_READY);
	assert_interrupt(VTL0_VECTOR);
	run_to_step(VTL0_INTERRUPTED);
	MUST_BE(1, ((u64 *)vtl0(page(2)))[1]);
	ok("interrupt");
}

/* A timer of VTL2 ends what VTL0 would never end. */
static void preemption(void)
{
	struct itimerspec when = { .it_value.tv_nsec = 30000000 };
	struct mshv_poll_file poll = { .cpu = cpu };
	u64 rip;

	poll.fd = timerfd_create(CLOCK_MONOTONIC, 0);
	MUST(!ioctl(vtl, MSHV_SET_POLL_FILE, &poll));
	MUST(!timerfd_settime(poll.fd, 0, &when, NULL));
	errno = 0;
	MUST_BE(-1, ioctl(vtl, MSHV_RETURN_TO_LOWER_VTL));
	MUST_BE(EINTR, errno);
	run->cancel = 0;
	rip = get_register(HV_REG_RIP).low;
	MUST(rip >= code_gpa(vtl0_loop) && rip < code_gpa(vtl0_after_loop));
	set(HV_REG_RIP, code_gpa(vtl0_after_loop));
	run_to_step(VTL0_END);
	ok("preemption");
}

static void on_cpu(int n)
{
	cpu_set_t set;

	cpu = n;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(!sched_setaffinity(0, sizeof(set), &set));
	run = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vtl,
		   cpu * PAGE_SIZE);
	MUST(run != MAP_FAILED);
	set_registers();
	protect(page(0), HV_NONE);
	protect(page(1), HV_R);
	call();
	memory_opened();
	memory_denied();
	interrupt_of_vtl0();
	preemption();
}

static void open_devices(void)
{
	static u8 all[8192];
	struct mshv_allowed allowed = { sizeof(all), (uintptr_t)all };
	int dev;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	log_fd = open("/dev/kmsg", O_WRONLY);
	dev = open("/dev/mshv", O_RDWR);
	MUST(dev >= 0);
	vtl = ioctl(dev, MSHV_CREATE_VTL);
	MUST(vtl >= 0);
	hvcalls = open("/dev/mshv_hvcall", O_RDWR);
	memset(all, 0xff, sizeof(all));
	MUST(!ioctl(hvcalls, MSHV_HVCALL_SETUP, &allowed));
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), i;

	open_devices();
	say("vtl2: CPUs %d\n", cpus);
	make_vtl0();
	for (i = 0; i < cpus; i++)
		on_cpu(i);
	end();
}
