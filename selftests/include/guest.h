/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - what guest code can use.
 *
 * Guest code is ordinary C of the test program.  It must not call the C
 * library.  It uses no vector registers, so that these belong to the tests;
 * therefore this header comes after those of the system.
 */
#ifndef _SELFTESTS_GUEST_H
#define _SELFTESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "layout.h"

/* From here on the compiler leaves the vector registers alone. */
#pragma GCC target("general-regs-only")

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define __aligned(n) __attribute__((aligned(n)))
#define __packed __attribute__((packed))
#define __used __attribute__((used))
#define __weak __attribute__((weak))
#define noinline __attribute__((noinline))
#define __page __aligned(PAGE_SIZE)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (1ULL << (n))

/* Architectural constants, as far as tests use them */
#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_PAT			0x277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_X2APIC(reg)		(0x800 + (reg) / 16)

#define APIC_BASE		0xfee00000
#define APIC_ENABLE_X2		(BIT(10) | BIT(11))
#define APIC_ID			0x020
#define APIC_TPR		0x080
#define APIC_EOI		0x0b0
#define APIC_LDR		0x0d0
#define APIC_DFR		0x0e0
#define APIC_SVR		0x0f0
#define APIC_ISR		0x100
#define APIC_IRR		0x200
#define APIC_ICR		0x300
#define APIC_LVT_TIMER		0x320
#define APIC_TIMER_INIT		0x380
#define APIC_TIMER_CURRENT	0x390
#define APIC_TIMER_DIVIDE	0x3e0

#define CR0_PE			BIT(0)
#define CR0_MP			BIT(1)
#define CR0_TS			BIT(3)
#define CR0_ET			BIT(4)
#define CR0_NE			BIT(5)
#define CR0_WP			BIT(16)
#define CR0_AM			BIT(18)
#define CR0_PG			BIT(31)
#define CR4_TSD			BIT(2)
#define CR4_DE			BIT(3)
#define CR4_PAE			BIT(5)
#define CR4_PGE			BIT(7)
#define CR4_OSFXSR		BIT(9)
#define CR4_OSXMMEXCPT		BIT(10)
#define CR4_OSXSAVE		BIT(18)
#define CR4_SMEP		BIT(20)
#define EFER_SCE		BIT(0)
#define EFER_LME		BIT(8)
#define EFER_LMA		BIT(10)
#define EFER_NX			BIT(11)
#define RFLAGS_IF		BIT(9)

#define DE_VECTOR		0
#define DB_VECTOR		1
#define NMI_VECTOR		2
#define UD_VECTOR		6
#define DF_VECTOR		8
#define GP_VECTOR		13
#define PF_VECTOR		14

/* Registers of interrupted guest code */
struct guest_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * What an access ended with: vector is -1 when there was no exception.  The
 * two members are what the assembly side returns in RAX and RDX.
 */
struct guest_trap {
	long vector;
	u64 error;
};

#define NO_TRAP			(-1L)

struct guest_cpu;
typedef void (*guest_handler)(struct guest_cpu *cpu, struct guest_regs *regs);

/* Of one VTL of one VP; GS.base points here. */
struct guest_cpu {
	struct guest_cpu *self;
	u64 user_rsp;		/* CPU_USER_RSP: kernel stack of run_user */
	const void *call;	/* CPU_CALL: target of guest_call() */
	u64 recover;		/* CPU_RECOVER: page whose faults end it */
	u64 recover_rip;	/* CPU_RECOVER_RIP */
	u64 recover_rsp;	/* CPU_RECOVER_RSP */
	const void *vtl_return;	/* CPU_VTL_RETURN: see vtl_start */
	u64 vtl_flags;		/* CPU_VTL_FLAGS: RFLAGS at the VTL return */
	u32 vp, vtl;
	u64 trap_rip;		/* of the last exception caught */
	u64 trap_cr2;
	struct guest_regs trap_regs;
	u64 auto_eoi[4];	/* vectors that need no EOI */
	u32 count[256];
	guest_handler handler[256];
};

/* All that one VTL of one VP owns.  Filled by the host, see vm_setup_area(). */
struct guest_area {
	union {
		struct {
			u64 gdt[10];
			u8 tss[TSS_LIMIT + 1];
		};
		u8 tables[PAGE_SIZE];
	};
	union {
		struct guest_cpu cpu;
		u8 cpu_pages[2 * PAGE_SIZE];
	};
	struct {
		u64 low, high;
	} idt[256];
	u8 ist[2][4 * PAGE_SIZE];
	u8 stack[16 * PAGE_SIZE];
	u8 user_stack[2 * PAGE_SIZE];
	u8 hypercall_page[PAGE_SIZE];
	u8 assist[PAGE_SIZE];
	u8 simp[PAGE_SIZE];
	u8 siefp[PAGE_SIZE];
	u8 reference_tsc[PAGE_SIZE];
	u8 in[PAGE_SIZE];
	u8 out[PAGE_SIZE];
} __page;

_Static_assert(GUEST_AREAS + GUEST_MAX_VPS * GUEST_VTLS *
	       sizeof(struct guest_area) <= GUEST_PAGE_TABLES,
	       "the areas lie in the page tables");

static inline struct guest_area *guest_area(u32 vp, u32 vtl)
{
	struct guest_area *areas = (void *)(uintptr_t)GUEST_AREAS;

	return areas + vp * GUEST_VTLS + vtl;
}

static inline struct guest_cpu *this_cpu(void)
{
	struct guest_cpu *cpu;

	asm volatile("mov %%gs:0, %0" : "=r" (cpu));
	return cpu;
}

static inline struct guest_area *this_area(void)
{
	struct guest_cpu *cpu = this_cpu();

	return guest_area(cpu->vp, cpu->vtl);
}

/*
 * Reports to the host, by a port write whose value is the address of a struct
 * ucall.
 */
#define UCALL_PORT		0x5f0

enum ucall_cmd {
	UCALL_NONE,		/* (host side: none arrived) */
	UCALL_DONE,
	UCALL_SYNC,
	UCALL_PRINT,
	UCALL_ABORT,
	UCALL_SKIP,
};

#define UCALL_ARGS		6

struct ucall {
	u32 cmd;
	u32 line;
	const char *file;
	const char *text;	/* format or failed expression */
	u64 args[UCALL_ARGS];
};

void guest_ucall(struct ucall *uc);

#define __GUEST_UCALL(_cmd, _text, ...)					\
do {									\
	struct ucall __uc = {						\
		.cmd = _cmd, .line = __LINE__, .file = __FILE__,	\
		.text = _text, .args = { __VA_ARGS__ },			\
	};								\
	guest_ucall(&__uc);						\
} while (0)

/* Stops KVM_RUN with the numbers given, and goes on when run again. */
#define GUEST_SYNC(...)	__GUEST_UCALL(UCALL_SYNC, "", __VA_ARGS__)
#define GUEST_DONE()	__GUEST_UCALL(UCALL_DONE, "")
/* This test cannot be run here; the text says what is missing. */
#define GUEST_SKIP(text)						\
do {									\
	__GUEST_UCALL(UCALL_SKIP, text);				\
	__builtin_unreachable();					\
} while (0)
/* Arguments are 64 bit: %llx and the like only, or %s. */
#define GUEST_PRINT(fmt, ...) __GUEST_UCALL(UCALL_PRINT, fmt, __VA_ARGS__)
#define GUEST_FAIL(text, ...)						\
do {									\
	__GUEST_UCALL(UCALL_ABORT, text, __VA_ARGS__);			\
	__builtin_unreachable();					\
} while (0)

#define GUEST_ASSERT(cond)						\
do {									\
	if (!(cond))							\
		GUEST_FAIL("expected " #cond, 0);			\
} while (0)

#define __GUEST_ASSERT_OP(a, op, b)					\
do {									\
	u64 __a = (u64)(a), __b = (u64)(b);				\
	if (!(__a op __b))						\
		GUEST_FAIL("expected " #a " " #op " " #b		\
			   ", seen 0x%llx and 0x%llx", __a, __b);	\
} while (0)

/* As in the kselftest harness, what is expected comes first. */
#define GUEST_EQ(a, b)	__GUEST_ASSERT_OP(a, ==, b)
#define GUEST_NE(a, b)	__GUEST_ASSERT_OP(a, !=, b)
#define GUEST_LE(a, b)	__GUEST_ASSERT_OP(a, <=, b)
#define GUEST_LT(a, b)	__GUEST_ASSERT_OP(a, <, b)

#define GUEST_NO_TRAP(expr)	GUEST_EQ(NO_TRAP, (expr).vector)
#define GUEST_TRAP(_vector, expr) GUEST_EQ(_vector, (expr).vector)

/*
 * Accesses that may fault.  probe_exec() calls code that must end in RET.
 */
struct guest_trap probe_read(const volatile void *p, u64 *value);
struct guest_trap probe_write(volatile void *p, u64 value);
struct guest_trap probe_write8(volatile void *p, u8 value);
struct guest_trap probe_exec(const void *p);
struct guest_trap probe_rdmsr(u32 msr, u64 *value);
struct guest_trap probe_wrmsr(u32 msr, u64 value);
struct guest_trap probe_outb(u16 port, u8 value);
struct guest_trap probe_xsetbv(u32 index, u64 value);
struct guest_trap probe_cmpxchg(volatile void *p, u64 old, u64 value);

/* host_scale(), for times that the guest lets pass */
extern u64 guest_scale;
/* A millisecond in units of 100 ns, more on a slow machine */
#define TIMER_TICK	(10000 * guest_scale)

u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 value);

/* Runs fn with CPL 3.  The trap says what ended it; 0x80 is a return. */
#define USER_RETURN_VECTOR	0x80
struct guest_trap run_user(void (*fn)(void));
struct guest_trap __run_user(void (*fn)(void), void *stack);

struct regs32 {
	u32 eax, ebx, ecx, edx, esi, edi;
};

/*
 * Calls target in 32-bit code with the registers of *regs, and stores them
 * again.  It keeps the caller's stack, which lies below 4 GiB as all does.
 */
void call32(struct regs32 *regs, const void *target);

/* Skips the test where XCR0 cannot be that value, or is not virtualized. */
void guest_need_xcr0(u64 value);

void guest_on(u32 vector, guest_handler handler);
void guest_eoi(void);

#define CR_ACCESSORS(reg)						\
static inline u64 read_##reg(void)					\
{									\
	u64 value;							\
									\
	asm volatile("mov %%" #reg ", %0" : "=r" (value) : : "memory");	\
	return value;							\
}									\
static inline void write_##reg(u64 value)				\
{									\
	asm volatile("mov %0, %%" #reg : : "r" (value) : "memory");	\
}

CR_ACCESSORS(cr0)
CR_ACCESSORS(cr2)
CR_ACCESSORS(cr3)
CR_ACCESSORS(cr4)
CR_ACCESSORS(cr8)
CR_ACCESSORS(dr0)
CR_ACCESSORS(dr1)
CR_ACCESSORS(dr2)
CR_ACCESSORS(dr3)
CR_ACCESSORS(dr6)
CR_ACCESSORS(dr7)

static inline void cpuid(u32 leaf, u32 index, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid" : "=a" (*a), "=b" (*b), "=c" (*c), "=d" (*d)
		     : "0" (leaf), "2" (index));
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return low | (u64)high << 32;
}

static inline u64 xgetbv(u32 index)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (index));
	return low | (u64)high << 32;
}

static inline u64 read_rflags(void)
{
	u64 flags;

	asm volatile("pushf; pop %0" : "=r" (flags) : : "memory");
	return flags;
}

static inline void irq_enable(void) { asm volatile("sti" : : : "memory"); }
static inline void irq_disable(void) { asm volatile("cli" : : : "memory"); }
static inline void cpu_pause(void) { asm volatile("pause" : : : "memory"); }

/* Takes what is pending, and no more. */
static inline void irq_window(void)
{
	asm volatile("sti; nop; cli" : : : "memory");
}

/* Sleeps until an interrupt was taken. */
static inline void irq_wait(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a" (value), "Nd" (port) : "memory");
}

static inline void outl(u16 port, u32 value)
{
	asm volatile("outl %0, %1" : : "a" (value), "Nd" (port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a" (value) : "Nd" (port) : "memory");
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a" (value) : "Nd" (port) : "memory");
	return value;
}

/* APIC in xAPIC mode, as it is after reset */
static inline u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(uintptr_t)(APIC_BASE + reg);
}

static inline void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(uintptr_t)(APIC_BASE + reg) = value;
}

#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

/*
 * For loops without exits.  Bochs does not deliver the host's interrupts while
 * the guest runs with IF = 0 and has no exit, so there is one now and then.
 */
void guest_relax(u64 loops);

/* Spins until cond, but not for ever. */
#define GUEST_WAIT(cond)						\
do {									\
	u64 __loops = 0;						\
									\
	while (!(cond)) {						\
		guest_relax(++__loops);					\
		if (__loops > 200 * 1000 * 1000)			\
			GUEST_FAIL("waited too long for " #cond, 0);	\
	}								\
} while (0)

#endif /* _SELFTESTS_GUEST_H */
