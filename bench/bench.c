// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - what the module costs, measured inside one test machine.
 *
 * Prints one line per row,
 *
 *	bench	name	text	unit	median	min	max	samples	must
 *
 * with numbers in TSC ticks (unit "op": per operation, "page": per page), or in
 * what the unit says.  scripts/bench.sh makes tables of them.
 *
 * The sections run in processes of their own: when one fails the others still
 * give their rows.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

#define MODULE			"kvm_vtl"
#define MAX_SAMPLES		128
#define SECTION_SECONDS		300

u64 bench_n;
bool on_amd;

#define THREE(row, name, text)						\
	[row] = { name "-absent", text ", module absent", "op" },	\
	[row + 1] = { name "-idle", text ", module idle", "op" },	\
	[row + 2] = { name "-active", text ", other VM has VTLs", "op" }

static const struct {
	const char *name, *text, *unit, *must;
} rows[NR_ROWS] = {
	THREE(ROW_HYPERCALL, "hypercall", "hypercall exit (hooked)"),
	THREE(ROW_CPUID, "cpuid", "CPUID exit"),
	THREE(ROW_RDMSR, "rdmsr", "RDMSR exit (hooked)"),
	THREE(ROW_HV_RDMSR, "rdmsr-hv", "RDMSR exit, synthetic (hooked)"),
	THREE(ROW_PORT, "port", "user-space exit and back, port"),
	THREE(ROW_FAULT, "fault", "EPT/NPT violation, 4K mapped (hooked)"),
	[ROW_VTL_HYPERCALL] = { "vtl-hypercall",
		"VM with VTLs: unknown hypercall", "op" },
	[ROW_VTL_CPUID] = { "vtl-cpuid", "VM with VTLs: CPUID exit", "op" },
	[ROW_VTL_RDMSR] = { "vtl-rdmsr", "VM with VTLs: RDMSR exit", "op" },
	[ROW_VTL_PORT] = { "vtl-port",
		"VM with VTLs: user-space exit and back", "op" },
	[ROW_VTL_FAULT] = { "vtl-fault",
		"VM with VTLs: EPT/NPT violation, 4K mapped", "op" },
	[ROW_SWITCH_FAST] = { "switch-fast",
		"VTL call + fast return", "op", "4300" },
	[ROW_SWITCH] = { "switch",
		"VTL call + return, with assist page", "op", "4300" },
	[ROW_INTERRUPT] = { "interrupt",
		"timer of VTL1: from VTL0 to VTL1's handler", "op" },
	[ROW_INTERCEPT] = { "intercept",
		"memory intercept, VTL1 moves VTL0's RIP", "op" },
	[ROW_VPS_1] = { "switch-vps-1",
		"VTL call + return, 1 VP, all processors", "op" },
	[ROW_VPS_2] = { "switch-vps-2", "... 2 VPs at once", "op" },
	[ROW_VPS_4] = { "switch-vps-4", "... 4 VPs at once", "op" },
	[ROW_VPS_8] = { "switch-vps-8", "... 8 VPs at once", "op" },
	[ROW_PORT_L1D] = { "port-l1d",
		"user-space exit, with L1D flush by software", "op" },
	[ROW_SWITCH_L1D] = { "switch-l1d",
		"VTL call + fast return, with the same", "op" },
	[ROW_USER_GPRS] = { "user-switch-gprs",
		"user-space switch pair, GPRs only", "op" },
	[ROW_USER_FPU] = { "user-switch-fpu",
		"... and XSAVE, debug registers", "op" },
	[ROW_USER_ALL] = { "user-switch-all",
		"... and CR2: all that is shared", "op" },
	[ROW_PROTECT_1] = { "protect-1", "protect 1 page", "page" },
	[ROW_UNPROTECT_1] = { "unprotect-1", "unprotect 1 page", "page" },
	[ROW_PROTECT_512] = { "protect-512",
		"protect 512 pages, contiguous", "page", "300" },
	[ROW_UNPROTECT_512] = { "unprotect-512",
		"unprotect 512 pages, contiguous", "page" },
	[ROW_PROTECT_UNMAPPED] = { "protect-512-unmapped",
		"protect 512 pages, contiguous, not mapped", "page" },
	[ROW_PROTECT_SCATTERED] = { "protect-scattered",
		"protect 512 pages, scattered", "page" },
	[ROW_UNPROTECT_SCATTERED] = { "unprotect-scattered",
		"unprotect 512 pages, scattered", "page" },
	[ROW_FLUSHES_1] = { "flushes-1",
		"remote flushes for 1 page", "flushes" },
	[ROW_FLUSHES_512] = { "flushes-512",
		"remote flushes for 512 pages (2 calls)", "flushes",
		"1 a call" },
	[ROW_HUGE_BEFORE] = { "huge-before",
		"guest memory on 2 MiB pages", "%" },
	[ROW_HUGE_DURING] = { "huge-during",
		"... one page of each second 2 MiB closed", "%" },
	[ROW_HUGE_AFTER] = { "huge-after",
		"... all open again", "%", "as before" },
	[ROW_RESTRICT_GIB] = { "restrict-gib",
		"restrict 1 GiB, mixed, not mapped", "page" },
	[ROW_MEMORY] = { "memory",
		"kernel memory per GiB restricted, mixed", "KiB", "192" },
	[ROW_CREATE] = { "create", "VM with a VP, made and closed", "op" },
	[ROW_CREATE_VTL1] = { "create-vtl1",
		"... VTL1 offered, not enabled", "op" },
	[ROW_CREATE_VTL2] = { "create-vtl2",
		"... VTL1 and VTL2 offered", "op" },
	[ROW_HOOKS_IN] = { "hooks-in",
		"first partition made, hooks in", "op" },
	[ROW_HOOKS_OUT] = { "hooks-out",
		"last partition closed, hooks out", "op" },
};

/* Shared with the sections; in hundredths */
static struct {
	u32 count;
	u64 value[MAX_SAMPLES];
} *results;

u64 hundredths(u64 total, u64 count)
{
	return (total * 100 + count / 2) / count;
}

void record(enum bench_row row, u64 total, u64 count)
{
	if (results[row].count < MAX_SAMPLES)
		results[row].value[results[row].count++] =
			hundredths(total, count);
}

static void take_report(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u32 gpa = *(u32 *)((u8 *)run + run->io.data_offset);

	vcpu->ucall = *(struct ucall *)vm_hva(vcpu->vm, gpa);
	if (vcpu->ucall.cmd == UCALL_ABORT)
		die("guest, %s:%u: %s (0x%llx, 0x%llx)", vcpu->ucall.file,
		    vcpu->ucall.line, vcpu->ucall.text,
		    (unsigned long long)vcpu->ucall.args[0],
		    (unsigned long long)vcpu->ucall.args[1]);
}

void run_to_report(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno != EINTR)
				die("KVM_RUN: %s", strerror(errno));
			continue;
		}
		if (run->exit_reason == KVM_EXIT_IO) {
			if (run->io.port == BENCH_PORT)
				continue;
			if (run->io.port == UCALL_PORT)
				break;
		}
		if (run->exit_reason == KVM_EXIT_HYPERV)
			continue;
		if (!vcpu->on_exit || vcpu->on_exit(vcpu))
			die("unexpected exit %u", run->exit_reason);
	}
	take_report(vcpu);
}

u64 sample(struct vcpu *vcpu, u64 n)
{
	vm_var(vcpu->vm, bench_n) = n;
	run_to_report(vcpu);
	return vcpu->ucall.args[0];
}

/*
 * Until a vCPU takes its first interrupt KVM searches its APIC for one before
 * each entry, which no guest that does something sees.
 */
static u64 take_interrupt(u64 a, u64 b)
{
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_ICR, 0x40000 | 0x50);	/* to itself */
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x50]);
	return 0;
}

void bench_init(void)
{
	on_amd = hv_is_amd();
	hv_init();
	take_interrupt(0, 0);
}

void bench_init_vtl(void)
{
	bench_init();
	vsm_init();
	vtl1_exec(take_interrupt, 0, 0);
}

struct vm *bench_vm(const struct vm_options *options)
{
	const char *error;
	struct vm *vm = vm_create(options, &error);

	if (!vm)
		die("cannot create the machine: %s", error);
	return vm;
}

void set_entry(struct vcpu *vcpu, void (*fn)(void))
{
	if (vcpu_set_entry(vcpu, fn))
		die("cannot set registers");
}

void *bench_slot(struct vm *vm, u64 gpa, u64 size, bool populate)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	madvise(p, size, MADV_NOHUGEPAGE);
	if (populate)
		memset(p, 0x5a, size);
	if (vm_set_slot(vm, SLOT_FREE, gpa, size, p, 0))
		die("memory slot: %s", strerror(errno));
	return p;
}

/* --- the module ---------------------------------------------------------- */

static bool unload_module(void)
{
	if (!syscall(SYS_delete_module, MODULE, O_NONBLOCK) || errno == ENOENT)
		return true;
	printf("# cannot unload the module: %s, references: %s",
	       strerror(errno), read_file("/sys/module/" MODULE "/refcnt"));
	return false;
}

static bool load_module(void)
{
	int fd = open(getenv("KVM_VTL_KO") ?: "", O_RDONLY | O_CLOEXEC);
	int ret = -1;

	if (fd >= 0) {
		ret = syscall(SYS_finit_module, fd, "", 0);
		if (ret && errno == EEXIST)
			ret = 0;
	}
	if (ret)
		printf("# cannot load the module: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
	return !ret;
}

/* --- the run ------------------------------------------------------------- */

static void absent(void) { bench_exits(STATE_ABSENT); }
static void idle(void) { bench_exits(STATE_IDLE); }

static bool section(const char *name, void (*fn)(void))
{
	u64 start = rdtsc();
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(SECTION_SECONDS);
		fn();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		printf("# %s: failed, status 0x%x\n", name, status);
	printf("# %s: %lu million ticks\n", name, (rdtsc() - start) / 1000000);
	fflush(stdout);
	return !status;
}

/*
 * KVM wants an L1D flush at the first VM entry of each KVM_RUN.  The emulated
 * Intel CPU has no instruction for it: KVM's loop of 4200 instructions stands
 * for what is one MSR write elsewhere, and is measured by rows of its own.
 */
#define L1D_FLUSH "/sys/module/kvm_intel/parameters/vmentry_l1d_flush"

static bool set_l1d_flush(const char *how)
{
	return !access(L1D_FLUSH, F_OK) && !write_file(L1D_FLUSH, how);
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void print_value(u64 value)
{
	printf("\t%lu.%02lu", value / 100, value % 100);
}

static void print_row(enum bench_row row)
{
	u32 n = results[row].count;
	u64 *v = results[row].value;

	printf("bench\t%s\t%s\t%s", rows[row].name, rows[row].text,
	       rows[row].unit);
	if (n) {
		qsort(v, n, sizeof(*v), compare);
		print_value(n % 2 ? v[n / 2] : (v[n / 2] + v[n / 2 - 1]) / 2);
		print_value(v[0]);
		print_value(v[n - 1]);
	} else {
		printf("\t-\t-\t-");
	}
	printf("\t%u\t%s\n", n, rows[row].must ?: "-");
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(void)
{
	u32 round, rounds = strcmp(host_name(), "vmx") ? 3 : 1;
	enum bench_row row;
	bool ok = true;

	/* What the library's constructor opened holds the module. */
	close_range(3, ~0U, 0);
	pin();
	results = mmap(NULL, NR_ROWS * sizeof(*results),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (results == MAP_FAILED)
		die("mmap: %s", strerror(errno));

	set_l1d_flush("never");

	/*
	 * The states take turns where the clock is one, since a busy machine
	 * changes its speed; Bochs's TSC counts instructions.
	 */
	for (round = 0; round < rounds; round++) {
		ok &= unload_module() && section("module absent", absent);
		if (!load_module()) {
			ok = false;
			break;
		}
		ok &= section("module idle", idle);
		ok &= section("other VM has VTLs", bench_active);
	}
	ok &= section("switch by user space", bench_user_switch);
	if (!access("/dev/kvm-vtl", F_OK)) {
		ok &= section("exits of a VM with VTLs", bench_vtl_exits);
		ok &= section("switch", bench_switch);
		ok &= section("latency", bench_latency);
		if (!host_is_slow())
			ok &= section("several VPs", bench_vps);
		ok &= section("create", bench_create);
		ok &= section("protect", bench_protect);
		ok &= section("huge pages", bench_huge);
		ok &= section("memory", bench_memory);
	}

	if (set_l1d_flush("cond")) {
		ok &= section("user-space exit, L1D flush", bench_port_l1d);
		if (!access("/dev/kvm-vtl", F_OK))
			ok &= section("switch, L1D flush", bench_switch_l1d);
	}

	for (row = 0; row < NR_ROWS; row++)
		print_row(row);
	return ok ? 0 : 1;
}
