// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's instruction emulator and pages that VTL1 closed (experiment A3).
 *
 * VTL0 makes KVM execute an instruction for it: port and device access, or any
 * instruction behind KVM's emulation prefix.  One operand lies in a closed
 * page.  Each attack runs twice: on an open page, where it must work (else it
 * would prove nothing), and on a closed one.  There two outcomes are right, and
 * the log says which it was: VTL1 got an intercept, or the partition is dead.
 * Never may VTL0, a register, or user space see the data, or the page change.
 */
#include "vtl_test.h"

#define CANARY		0x5ec7e7ca7a5ec7e7ULL
#define OTHER		0x4141414141414141ULL
#define TEST_PORT	0x333
#define ALIAS		0x300000000
#define CODE_ALIAS	(0x300400000 - PAGE_SIZE)	/* two tables */
#define FEP		0x0f, 0x0b, 0x6b, 0x76, 0x6d	/* UD2; "kvm" */

static u8 victim[2][PAGE_SIZE] __page;
static u8 code[2][PAGE_SIZE] __page;

#define TARGET		((uintptr_t)victim[1] + 0x100)
#define DEVICE		GUEST_MMIO

FIXTURE(emulator)
{
	char before[16];
};

FIXTURE_VARIANT(emulator)
{
	u8 code[32];		/* RET follows */
	u32 length;
	u32 code_offset;	/* where in code[0], default 0 */
	u64 rax, rcx, rbx, rsi, rdi;
	u32 rights;		/* of victim[1] when closed */
	bool writes;		/* the open page is changed by it */
	bool close_table;	/* close the page table of ALIAS instead */
	bool close_code;	/* close code[1] instead */
	bool far_code;		/* run at CODE_ALIAS; close its last table */
	bool ldt;		/* LDT in the victim page */
	bool faults;		/* what it reads there is no good for it */
};

#define CODE(...)							\
	.code = { __VA_ARGS__ }, .length = sizeof((u8[]) { __VA_ARGS__ })
#define READS(...) CODE(__VA_ARGS__), .rights = HV_NONE
#define WRITES(...) CODE(__VA_ARGS__), .rights = HV_R, .writes = true
#define ATTACK(name) FIXTURE_VARIANT_ADD(emulator, name)

/* --- port instructions --------------------------------------------------- */

ATTACK(outs) {
	READS(0x66, 0xba, 0x33, 0x03,		/* mov $0x333, %dx */
	      0xfc, 0xf3, 0x6e),		/* rep outsb */
	.rsi = TARGET, .rcx = 8,
};

ATTACK(ins) {
	WRITES(0x66, 0xba, 0x33, 0x03, 0xfc, 0xf3, 0x6c),	/* rep insb */
	.rdi = TARGET, .rcx = 8,
};

/* --- device memory ------------------------------------------------------- */

ATTACK(movs_to_device) {
	READS(0xfc, 0x48, 0xa5),		/* movsq */
	.rsi = TARGET, .rdi = DEVICE,
};

ATTACK(movs_from_device) {
	WRITES(0xfc, 0x48, 0xa5),
	.rsi = DEVICE, .rdi = TARGET,
};

ATTACK(rep_movs_from_device) {
	WRITES(0xfc, 0xf3, 0xa4),		/* rep movsb */
	.rsi = DEVICE, .rdi = TARGET, .rcx = 4,
};

ATTACK(push_from_device) {
	WRITES(0x48, 0x89, 0xe3,		/* mov %rsp, %rbx */
	       0x48, 0x89, 0xf4,		/* mov %rsi, %rsp */
	       0xff, 0x37,			/* pushq (%rdi) */
	       0x48, 0x89, 0xdc),		/* mov %rbx, %rsp */
	.rsi = TARGET + 8, .rdi = DEVICE,
};

ATTACK(pop_to_device) {
	READS(0x48, 0x89, 0xe3, 0x48, 0x89, 0xf4,
	      0x8f, 0x07,			/* popq (%rdi) */
	      0x48, 0x89, 0xdc),
	.rsi = TARGET, .rdi = DEVICE,
};

ATTACK(call_through_device) {
	WRITES(0x48, 0x89, 0xe3, 0x48, 0x89, 0xf4,
	       0xff, 0x17,			/* call *(%rdi) */
	       0x48, 0x89, 0xdc),
	.rsi = TARGET + 8, .rdi = DEVICE,
};

/* --- any instruction, behind the emulation prefix ------------------------ */

ATTACK(mov_load) {
	READS(FEP, 0x48, 0x8b, 0x06),		/* mov (%rsi), %rax */
	.rsi = TARGET,
};

ATTACK(mov_store) {
	WRITES(FEP, 0x48, 0x89, 0x07),		/* mov %rax, (%rdi) */
	.rdi = TARGET, .rax = OTHER,
};

ATTACK(mov_straddling) {
	READS(FEP, 0x48, 0x8b, 0x06),
	.rsi = (uintptr_t)victim[1] - 4,
};

ATTACK(mov_store_straddling) {
	WRITES(FEP, 0x48, 0x89, 0x07),
	.rdi = (uintptr_t)victim[1] - 4, .rax = OTHER,
};

ATTACK(movs_out) {
	READS(FEP, 0x48, 0xa5),
	.rsi = TARGET, .rdi = (uintptr_t)victim[0],
};

ATTACK(movdqu_load) {
	READS(FEP, 0xf3, 0x0f, 0x6f, 0x06),	/* movdqu (%rsi), %xmm0 */
	.rsi = TARGET,
};

ATTACK(add_to_memory) {
	WRITES(FEP, 0x48, 0x01, 0x07),		/* add %rax, (%rdi) */
	.rdi = TARGET, .rax = 1,
};

ATTACK(lock_cmpxchg) {
	/* lock cmpxchg %rbx, (%rdi) */
	WRITES(FEP, 0xf0, 0x48, 0x0f, 0xb1, 0x1f),
	.rdi = TARGET, .rax = CANARY, .rbx = OTHER,
};

ATTACK(lock_xadd) {
	/* lock xadd %rbx, (%rdi) */
	WRITES(FEP, 0xf0, 0x48, 0x0f, 0xc1, 0x1f),
	.rdi = TARGET, .rbx = 1,
};

ATTACK(xchg_unreadable) {
	CODE(FEP, 0x48, 0x87, 0x07),		/* xchg %rax, (%rdi) */
	.rights = HV_NONE, .writes = true,
	.rdi = TARGET, .rax = OTHER,
};

ATTACK(push) {
	WRITES(0x48, 0x89, 0xe3, 0x48, 0x89, 0xf4,
	       FEP, 0x50,			/* push %rax */
	       0x48, 0x89, 0xdc),
	.rsi = TARGET + 8, .rax = OTHER,
};

ATTACK(pop) {
	READS(0x48, 0x89, 0xe3, 0x48, 0x89, 0xf4,
	      FEP, 0x59,			/* pop %rcx */
	      0x48, 0x89, 0xdc),
	.rsi = TARGET,
};

ATTACK(lidt) {
	READS(0x0f, 0x01, 0x0f,			/* sidt (%rdi) */
	      FEP, 0x0f, 0x01, 0x1e,		/* lidt (%rsi) */
	      0x0f, 0x01, 0x1f),		/* lidt (%rdi) */
	.rsi = TARGET, .rdi = (uintptr_t)victim[0], .faults = true,
};

/* A descriptor is read for the guest: from its LDT, in the closed page */
ATTACK(load_descriptor) {
	READS(FEP, 0x8e, 0xe0),			/* mov %eax, %fs */
	.rax = 4, .ldt = true,
};

/* The tables that translate the operand's address lie in the closed page. */
ATTACK(page_table) {
	READS(FEP, 0x48, 0x8b, 0x06),
	.rsi = ALIAS + 0x100, .close_table = true,
};

/* The instruction itself lies there: its first bytes are in an open page. */
ATTACK(fetch) {
	CODE(FEP, 0x48, 0x8b, 0x06),
	.code_offset = PAGE_SIZE - 6, .rights = HV_RW,
	.rsi = TARGET, .close_code = true,
};

/* Or it lies in an open page, and the table that translates it does not. */
ATTACK(fetch_page_table) {
	CODE(FEP, 0x48, 0x8b, 0x06),
	.code_offset = PAGE_SIZE - 6, .rights = HV_NONE,
	.rsi = TARGET, .close_table = true, .far_code = true,
};

/* --- the guest ----------------------------------------------------------- */

static struct _fixture_variant_emulator attack;
static bool closed, allowed;
static u64 table_gpa;

static void fill(void)
{
	u64 *p = (u64 *)victim[1];
	u32 i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		p[i] = CANARY;
}

static void *load_code(void)
{
	u8 *p = code[0] + attack.code_offset;

	memcpy(p, attack.code, attack.length);
	p[attack.length] = 0xc3;
	if (attack.far_code)
		return (void *)(CODE_ALIAS + attack.code_offset);
	return p;
}

/* A descriptor that would do: present, data, at its place in the canary page */
static void use_ldt(void)
{
	u64 *gdt = this_area()->gdt, base = (uintptr_t)victim[1];

	*(u64 *)victim[1] = 0x00cf93000000ffff;
	gdt[LDT_SEL / 8] |= (base & 0xffffff) << 16 | base >> 24 << 56;
	asm volatile("lldt %w0" : : "r" (LDT_SEL));
}

static bool is_canary(u64 value)
{
	return value == CANARY || (u32)value == (u32)CANARY ||
	       value >> 32 == CANARY >> 32;
}

static void check_registers(struct hv_io *io)
{
	u64 *regs = (u64 *)&this_cpu()->trap_regs;
	u32 i;

	for (i = 0; i < 15; i++)
		if (regs[i] != attack.rax)
			GUEST_ASSERT(!is_canary(regs[i]));
	for (i = 0; i < 16; i++) {
		GUEST_ASSERT(!is_canary(io->xmm[i][0]));
		GUEST_ASSERT(!is_canary(io->xmm[i][1]));
	}
	GUEST_ASSERT(!is_canary(*(u64 *)victim[0]));
}

static void close_it(void)
{
	if (attack.close_table)
		vtl1_close((void *)table_gpa, 1, attack.rights);
	else if (attack.close_code)
		vtl1_close(code[1], 1, attack.rights);
	else
		vtl1_close(victim[1], 1, attack.rights);
}

static void attack_guest(void)
{
	struct hv_io io = {
		.rax = attack.rax, .rcx = attack.rcx, .rbx = attack.rbx,
		.rsi = attack.rsi, .rdi = attack.rdi, .use_xmm = 1,
	};
	void *entry = load_code();

	fill();
	if (attack.ldt)
		use_ldt();
	vsm_init();
	if (closed)
		close_it();
	if (allowed)
		vtl1[0].policy = vtl1_allow;
	GUEST_SYNC(closed);
	hv_insn(&io, entry);
	GUEST_SYNC(io.trap.vector, vtl1[0].messages);
	if (closed && !allowed)
		check_registers(&io);
}

/* --- the host ------------------------------------------------------------ */

static const char *leak;
static bool saw_canary;

static bool holds_canary(const u8 *p, size_t size)
{
	u64 canary = CANARY;
	size_t i;

	for (i = 0; i + 4 <= size; i++)
		if (!memcmp(p + i, &canary, 4))
			return true;
	return false;
}

static int watch_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u8 *data = (u8 *)run + run->io.data_offset;

	if (holds_canary((u8 *)run, 2 * PAGE_SIZE))
		saw_canary = true;
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == TEST_PORT) {
		if (!run->io.direction)
			memset(data, 0x41, run->io.size * run->io.count);
		return 0;
	}
	if (run->exit_reason != KVM_EXIT_MMIO)
		return -1;
	if (run->mmio.phys_addr < GUEST_RAM_SIZE)
		leak = "the VMM was asked to access guest memory";
	if (!run->mmio.is_write) {
		u64 value = OTHER;

		/* call_through_device lands on a RET */
		if (attack.code[6] == 0xff && attack.code[7] == 0x17)
			value = (uintptr_t)code[0] + attack.length;
		memcpy(run->mmio.data, &value, run->mmio.len);
	}
	return 0;
}

#define PREFIX_PARAMETER "/sys/module/kvm/parameters/force_emulation_prefix"

FIXTURE_SETUP(emulator)
{
	snprintf(self->before, sizeof(self->before), "%s",
		 read_file(PREFIX_PARAMETER));
	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	attack = *variant;
}

FIXTURE_TEARDOWN(emulator)
{
	write_file(PREFIX_PARAMETER, self->before);
}

static struct vm *start_attack(struct __test_metadata *_metadata, bool close)
{
	u64 va = attack.far_code ? CODE_ALIAS + PAGE_SIZE : ALIAS;
	struct vm *vm;

	closed = close;
	leak = NULL;
	saw_canary = false;
	vm = VTL_VM(.entry = attack_guest);
	vm->vcpu[0].on_exit = watch_exit;
	vm_map(vm, ALIAS, (uintptr_t)victim[1], PTE_P | PTE_W);
	vm_map(vm, CODE_ALIAS, (uintptr_t)code[0], PTE_P | PTE_W);
	vm_map(vm, CODE_ALIAS + PAGE_SIZE, (uintptr_t)code[1], PTE_P | PTE_W);
	vm_var(vm, table_gpa) = ((u8 *)vm_pte(vm, 0, va) - vm->ram) & ~0xfffULL;
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	return vm;
}

TEST_F(emulator, open)
{
	struct vm *vm = start_attack(_metadata, false);
	struct vcpu *vcpu = &vm->vcpu[0];
	u8 before[PAGE_SIZE], *page = vm_hva(vm, (uintptr_t)victim[1]);

	memcpy(before, page, PAGE_SIZE);
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(attack.faults ? GP_VECTOR : NO_TRAP,
		  (long)vcpu->ucall.args[0]);
	EXPECT_EQ(0, vcpu->ucall.args[1]);
	EXPECT_EQ(attack.writes, !!memcmp(before, page, PAGE_SIZE));
	vm_destroy(vm);
}

/* How a closed page may answer; prints which it was. */
static void check_outcome(struct __test_metadata *_metadata, struct vcpu *vcpu,
			  enum ucall_cmd cmd)
{
	if (cmd == UCALL_ABORT && strstr(vcpu->error, strerror(EIO))) {
		TH_LOG("outcome: the partition is dead");
		EXPECT_EQ(-EIO, vcpu_run_once(vcpu));
		return;
	}
	ASSERT_EQ(UCALL_SYNC, cmd) {
		TH_LOG("%s", vcpu->error);
	}
	TH_LOG("outcome: intercept");
	EXPECT_EQ(GP_VECTOR, vcpu->ucall.args[0]);
	EXPECT_LE(1, vcpu->ucall.args[1]);
	EXPECT_UCALL(UCALL_DONE, vcpu);
}

TEST_F(emulator, closed)
{
	struct vm *vm = start_attack(_metadata, true);
	struct vcpu *vcpu = &vm->vcpu[0];
	u8 before[PAGE_SIZE], *page = vm_hva(vm, (uintptr_t)victim[1]);

	memcpy(before, page, PAGE_SIZE);
	check_outcome(_metadata, vcpu, vcpu_run(vcpu));
	EXPECT_EQ(NULL, leak) {
		TH_LOG("%s", leak);
	}
	EXPECT_FALSE(saw_canary);
	EXPECT_FALSE(holds_canary((u8 *)vcpu->run, 2 * PAGE_SIZE));
	EXPECT_EQ(0, memcmp(before, page, PAGE_SIZE));
	vm_destroy(vm);
}

/* VTL1 opens the page: the instruction runs again, and nothing is left over. */
TEST_F(emulator, allowed)
{
	u8 before[PAGE_SIZE], *page;
	struct vcpu *vcpu;
	struct vm *vm;

	allowed = true;
	vm = start_attack(_metadata, true);
	vcpu = &vm->vcpu[0];
	page = vm_hva(vm, (uintptr_t)victim[1]);
	memcpy(before, page, PAGE_SIZE);
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	/* Now the processor executes it: the prefix is done. */
	if (!attack.faults)
		EXPECT_EQ(NO_TRAP, (long)vcpu->ucall.args[0]);
	EXPECT_LE(1, vcpu->ucall.args[1]);
	EXPECT_EQ(NULL, leak) {
		TH_LOG("%s", leak);
	}
	EXPECT_EQ(attack.writes, !!memcmp(before, page, PAGE_SIZE));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- accessed bits ------------------------------------------------------- */

/*
 * A table that VTL0 may read can be walked, but gets no accessed bit.  Where
 * it is open there is one.
 */
FIXTURE(emulator_walk)
{
	char before[16];
};

FIXTURE_SETUP(emulator_walk)
{
	snprintf(self->before, sizeof(self->before), "%s",
		 read_file(PREFIX_PARAMETER));
	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	attack = (struct _fixture_variant_emulator) {
		CODE(FEP, 0x48, 0x8b, 0x06),	/* mov (%rsi), %rax */
	};
}

FIXTURE_TEARDOWN(emulator_walk)
{
	write_file(PREFIX_PARAMETER, self->before);
}

static void walk_guest(void)
{
	struct hv_io io = { .rsi = ALIAS + 0x100 };
	void *entry = load_code();

	fill();
	vsm_init();
	if (closed)
		vtl1_close((void *)table_gpa, 1, HV_R);
	hv_insn(&io, entry);
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(CANARY, io.rax);
	GUEST_EQ(0, vtl1[0].messages);
}

#define PTE_ACCESSED	BIT(5)

static void check_walk(struct __test_metadata *_metadata, bool close)
{
	struct vm *vm;
	u64 *pte;

	closed = close;
	vm = VTL_VM(.entry = walk_guest);
	vm_map(vm, ALIAS, (uintptr_t)victim[1], PTE_P | PTE_W);
	pte = vm_pte(vm, 0, ALIAS);
	vm_var(vm, table_gpa) = ((u8 *)pte - vm->ram) & ~0xfffULL;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	EXPECT_EQ((uintptr_t)victim[1] | PTE_P | PTE_W |
		  (close ? 0 : PTE_ACCESSED), *pte);
	vm_destroy(vm);
}

TEST_F(emulator_walk, open) { check_walk(_metadata, false); }
TEST_F(emulator_walk, read_only) { check_walk(_metadata, true); }

TEST_HARNESS_MAIN
