// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - exceptions, reports to the host, odds and ends.
 */
#include "guest.h"
#include "hv.h"

struct extable {
	u64 from, to;
};

extern const struct extable __start_guest_extable[], __stop_guest_extable[];
extern const u8 guest_user_end[];

#define CODE32		0x00cf9b000000ffffULL	/* flat, 32 bit */

void guest_call32(struct regs32 *regs, const void *target);
void guest_exception(struct guest_regs *regs);

u64 guest_scale = 1;

void guest_ucall(struct ucall *uc)
{
	outl(UCALL_PORT, (uintptr_t)uc);
}

u64 rdmsr(u32 msr)
{
	u64 value = 0;
	struct guest_trap trap = probe_rdmsr(msr, &value);

	if (trap.vector != NO_TRAP)
		GUEST_FAIL("rdmsr 0x%llx: vector %lld", msr, trap.vector);
	return value;
}

void wrmsr(u32 msr, u64 value)
{
	struct guest_trap trap = probe_wrmsr(msr, value);

	if (trap.vector != NO_TRAP)
		GUEST_FAIL("wrmsr 0x%llx, 0x%llx: vector %lld", msr, value,
			   trap.vector);
}

void guest_relax(u64 loops)
{
	static u32 vendor;
	u32 a, b, c, d;

	cpu_pause();
	if (!vendor)
		vendor = 1 + hv_is_amd();
	if (vendor == 1 && !(loops & 0x3ff))
		cpuid(0, 0, &a, &b, &c, &d);
}

void guest_on(u32 vector, guest_handler handler)
{
	this_cpu()->handler[vector] = handler;
}

void guest_eoi(void)
{
	wrmsr(HV_MSR_EOI, 0);
}

/*
 * QEMU's emulation of SVM knows no intercept of XSETBV: what the guest writes
 * there is gone at the next exit.
 */
void guest_need_xcr0(u64 value)
{
	u32 a, b, c, d;
	u64 was;

	if (!(read_cr4() & CR4_OSXSAVE))
		GUEST_SKIP("no XSAVE");
	was = xgetbv(0);
	if (probe_xsetbv(0, value).vector != NO_TRAP)
		GUEST_SKIP("no such XCR0");
	cpuid(0, 0, &a, &b, &c, &d);
	if (xgetbv(0) != value)
		GUEST_SKIP("this host does not intercept XSETBV");
	probe_xsetbv(0, was);
}

struct guest_trap run_user(void (*fn)(void))
{
	struct guest_area *area = this_area();

	return __run_user(fn, area->user_stack + sizeof(area->user_stack) - 8);
}

void call32(struct regs32 *regs, const void *target)
{
	this_area()->gdt[CODE32_SEL / 8] = CODE32;
	guest_call32(regs, target);
}

/* Leaves regs so that the code goes on at rip, with the trap as its result. */
static void resume(struct guest_cpu *cpu, struct guest_regs *regs, u64 rip,
		   u64 rsp)
{
	cpu->trap_rip = regs->rip;
	cpu->trap_cr2 = regs->vector == PF_VECTOR ? read_cr2() : 0;
	cpu->trap_regs = *regs;
	regs->rip = rip;
	regs->rsp = rsp;
	regs->rax = regs->vector;
	regs->rdx = regs->error;
}

static bool resume_by_table(struct guest_cpu *cpu, struct guest_regs *regs)
{
	const struct extable *e;

	for (e = __start_guest_extable; e < __stop_guest_extable; e++)
		if (e->from == regs->rip) {
			resume(cpu, regs, e->to, regs->rsp);
			return true;
		}
	return false;
}

static void end_user(struct guest_cpu *cpu, struct guest_regs *regs)
{
	resume(cpu, regs, (uintptr_t)guest_user_end, cpu->user_rsp);
	regs->cs = KERNEL_CS;
	regs->ss = KERNEL_DS;
	regs->rflags &= ~RFLAGS_IF;
}

static void interrupt(struct guest_cpu *cpu, struct guest_regs *regs)
{
	if (cpu->handler[regs->vector])
		cpu->handler[regs->vector](cpu, regs);
	if (!(cpu->auto_eoi[regs->vector / 64] & BIT(regs->vector % 64)))
		guest_eoi();
}

void guest_exception(struct guest_regs *regs)
{
	struct guest_cpu *cpu = this_cpu();
	u64 vector = regs->vector;

	cpu->count[vector]++;
	if (vector >= 32 && vector != USER_RETURN_VECTOR)
		interrupt(cpu, regs);
	else if (cpu->handler[vector])
		cpu->handler[vector](cpu, regs);
	else if (regs->cs & 3)
		end_user(cpu, regs);
	else if (resume_by_table(cpu, regs))
		return;
	else if (cpu->recover && cpu->recover == (regs->rip & -PAGE_SIZE))
		resume(cpu, regs, cpu->recover_rip, cpu->recover_rsp);
	else
		GUEST_FAIL("VTL%lld: exception %lld, error 0x%llx at 0x%llx (CR2 0x%llx, RSP 0x%llx)",
			   cpu->vtl, vector,
			   regs->error, regs->rip, read_cr2(), regs->rsp);
}
