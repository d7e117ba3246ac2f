// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls and synthetic MSRs at random, from VTL0 against VTL1's secrets,
 * and from VTL1 against the host.
 *
 * New inputs follow from a seed, which is printed: KVM_VTL_FUZZ_SEED repeats a
 * run, KVM_VTL_FUZZ_ROUNDS makes it longer (make fuzz).  One input is a few
 * calls; corpus.c chooses it.
 */
#include "vtl_test.h"
#include "fuzz.h"

AREA(fuzz)

#define INPUTS		2000
#define INPUTS_A_CHECK	32
#define MACHINES	8
#define CALLS		2	/* of an input */

/* A value that is nowhere but in VTL1's page */
#define SECRET		0x5ec2e7c0ffee5ec2ULL

static u64 secret[PAGE_SIZE / 8] __page, readable[PAGE_SIZE / 8] __page;
static u64 sandbox[4][PAGE_SIZE / 8] __page;
static u64 seed, inputs;
/* The last call, for the one who wants to know what came before the end */
static struct hv_io io;
static u64 inputs_done;
static const struct fuzz_input vtl0_inputs[] = {
#include "corpus/fuzz_vtl0.inc"
}, vtl1_inputs[] = {
#include "corpus/fuzz_vtl1.inc"
};

/* --- values that are worth trying ---------------------------------------- */

static bool one_in(u64 n)
{
	return !below(n);
}

/* RAM that nobody misses, pages that are closed, and what is no RAM */
static u64 some_gpa(void)
{
	switch (below(10)) {
	case 0:
		return (uintptr_t)secret + below(512) * 8;
	case 1:
		return (uintptr_t)readable + below(512) * 8;
	case 2:
		return (uintptr_t)sandbox[below(4)] + PAGE_SIZE -
		       8 * (1 + below(4));
	case 3:
		return (uintptr_t)sandbox[below(4)] + below(PAGE_SIZE);
	case 4:
		return GUEST_MMIO + below(16) * 8;
	case 5:
		return GUEST_RAM_SIZE + below(2) * PAGE_SIZE;
	case 6:
		return any() | BIT(40);
	default:
		return (uintptr_t)sandbox[below(4)] + 8 * below(64);
	}
}

/* Closed pages look the same from both sides. */
static u64 some_gfn(void)
{
	return some_gpa() / PAGE_SIZE;
}

/*
 * Not the synthetic timers: one with a period of 100 ns keeps a VP from getting
 * anywhere, with KVM alone as well.
 */
static const u32 reg_ranges[][2] = {
	{ 0x00000000, 5 }, { 0x00000100, 1 }, { 0x00000200, 10 },
	{ 0x00000210, 6 }, { 0x00000240, 2 }, { 0x00010002, 8 },
	{ 0x00020000, 18 }, { 0x00030000, 26 }, { 0x00040000, 6 },
	{ 0x00050000, 6 }, { 0x00060000, 8 }, { 0x00070000, 2 },
	{ 0x00080000, 16 }, { 0x00080010, 128 }, { 0x00084802, 64 },
	{ 0x00090000, 32 }, { 0x000a0000, 24 }, { 0x000d0000, 48 },
	{ 0x000e0000, 5 },
};

static u32 some_reg(void)
{
	const u32 *range = reg_ranges[below(ARRAY_LEN(reg_ranges))];

	if (one_in(64))
		return any();
	return range[0] + below(range[1]);
}

static u64 some_value(void)
{
	switch (below(6)) {
	case 0:
		return 0;
	case 1:
		return below(64);
	case 2:
		return (some_gpa() & -PAGE_SIZE) | below(4);
	case 3:
		return BIT(below(64));
	case 4:
		return BIT(below(64)) - 1;
	default:
		return any();
	}
}

static u64 some_vp_and_vtl(void)
{
	static const u32 vps[] = { HV_VP_SELF, HV_VP_SELF, 0, 1, 0xffffffff };
	static const u8 vtls[] = { 0, 0, 0x10, 0x11, 0x12, 0x1f, 1, 2 };
	u64 word = vps[below(ARRAY_LEN(vps))];

	word |= (u64)vtls[below(ARRAY_LEN(vtls))] << 32;
	return one_in(32) ? any() : word;
}

/* --- inputs -------------------------------------------------------------- */

/*
 * One word behind the other: R a register's name, N two of them, V a value, G a
 * page number, A an address, Z zero.  The last one is repeated.
 */
struct shape {
	u16 code;
	u8 header;		/* words */
	u8 element;		/* the same; 0 for a simple call */
	const char *words;
};

static const struct shape shapes[] = {
	{ HV_MODIFY_PROTECTION, 3, 1, "VZG" },
	{ HV_ENABLE_PARTITION_VTL, 2, 0, "V" },
	{ HV_ENABLE_VP_VTL, 30, 0, "V" },
	{ HV_INSTALL_INTERCEPT, 4, 0, "V" },
	{ HV_GET_VP_REGISTERS, 2, 1, "N" },
	{ HV_SET_VP_REGISTERS, 2, 4, "RZVV" },
	{ HV_TRANSLATE_VA, 4, 0, "VG" },
	{ HV_TRANSLATE_VA_EX, 4, 0, "VG" },
	{ HV_CHECK_ACCESS, 3, 1, "VG" },
	{ HV_ASSERT_INTERRUPT, 4, 0, "V" },
	{ HV_START_VP, 30, 0, "V" },
	{ HV_VP_INDEX_FROM_APIC_ID, 2, 1, "V" },
	{ HV_DISABLE_PARTITION_VTL, 2, 0, "V" },
	{ HV_DISABLE_VP_VTL, 2, 0, "V" },
	{ HV_VTL_CALL, 0, 0, "Z" },
	{ HV_VTL_RETURN, 0, 0, "Z" },
	{ HV_FLUSH_SPACE, 3, 0, "V" },
	{ 0x03, 3, 1, "VVVA" },
	{ 0x13, 4, 0, "V" },
	{ 0x14, 4, 1, "VVVA" },
	{ HV_SEND_IPI, 2, 0, "V" },
	{ HV_SEND_IPI_EX, 3, 0, "V" },
	{ HV_POST_MESSAGE, 32, 0, "V" },
	{ HV_NOTIFY_LONG_SPIN_WAIT, 1, 0, "V" },
};

static u64 some_word(char kind)
{
	switch (kind) {
	case 'R':
		return some_reg();
	case 'N':
		return some_reg() | (u64)some_reg() << 32;
	case 'G':
		return some_gfn();
	case 'A':
		return some_gpa();
	case 'Z':
		return one_in(16) ? any() : 0;
	default:
		return some_value();
	}
}

#define DRAWN_WORDS	10

static char last_of(const char *words)
{
	while (words[1])
		words++;
	return *words;
}

/* Elements begin the row of words anew. */
static void fill_words(u64 *to, const struct shape *shape, u32 first, u32 end)
{
	u32 i, at;

	for (i = first; i < end; i++) {
		at = shape->element && i >= shape->header ?
		     (i - shape->header) % shape->element : 0;
		if (i == 0 && !one_in(16))
			to[i] = HV_PARTITION_SELF;
		else if (i == 1)
			to[i] = some_vp_and_vtl();
		else if (i < shape->header)
			to[i] = some_word(shape->words[0] == 'V' ? 'V' : 'Z');
		else if (shape->element > 1)
			to[i] = some_word(shape->words[at]);
		else
			to[i] = some_word(last_of(shape->words));
	}
}

static void fill(u64 *to, const struct shape *shape)
{
	u32 used;

	fill_words(to, shape, 0, DRAWN_WORDS);
	used = fuzz_derive_begin();
	fill_words(to, shape, DRAWN_WORDS, PAGE_SIZE / 8);
	fuzz_derive_end(used);
}

static u64 some_control(const struct shape *shape)
{
	static const u16 reps[] = { 1, 1, 2, 3, 8, 127, 510, 0xfff };
	u64 control = shape->code;

	if (one_in(4))
		control |= HV_FAST;
	if (shape->element && !one_in(16))
		control |= HV_REPS(reps[below(ARRAY_LEN(reps))]);
	if (one_in(16))
		control |= HV_REP_START(below(4));
	if (shape->code == HV_SEND_IPI_EX)
		control |= HV_VARHEAD(below(3));
	if (one_in(32))
		control ^= BIT(below(64));
	return control;
}

static void some_call(void)
{
	const struct shape *shape = &shapes[below(ARRAY_LEN(shapes))];
	u64 *in = sandbox[below(2)];
	u32 i;

	memset(&io, 0, sizeof(io));
	io.rcx = some_control(shape);
	io.rax = one_in(8) ? any() : 0;
	fill(in, shape);
	if (io.rcx & HV_FAST) {
		io.use_xmm = 1;
		io.rdx = in[0];
		io.r8 = in[1];
		for (i = 0; i < 12; i++)
			io.xmm[i / 2][i % 2] = in[2 + i];
		return;
	}
	io.rdx = one_in(4) ? some_gpa() : (uintptr_t)in;
	io.r8 = one_in(4) ? some_gpa() : (uintptr_t)sandbox[2];
}

static const u32 msrs[] = {
	HV_MSR_HYPERCALL, HV_MSR_VP_ASSIST_PAGE, HV_MSR_SIMP, HV_MSR_SIEFP,
	HV_MSR_SCONTROL, HV_MSR_EOM, HV_MSR_SINT0, HV_MSR_SINT0 + 3,
	HV_MSR_REFERENCE_TSC, HV_MSR_EOI,
};

/* Whatever happened to the VTL's own interface */
static void again(void)
{
	wrmsr(HV_MSR_GUEST_OS_ID, HV_TEST_OS_ID);
}

/* --- VTL0 ---------------------------------------------------------------- */

static u64 fill_secret(u64 a, u64 b)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(secret); i++) {
		secret[i] = SECRET;
		readable[i] = i;
	}
	GUEST_EQ(HV_REPS(1), hv_protect((uintptr_t)secret, 1, HV_NONE));
	return hv_protect((uintptr_t)readable, 1, HV_R);
}

static u64 check_secret(u64 a, u64 b)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(secret); i++) {
		GUEST_EQ(SECRET, secret[i]);
		GUEST_EQ(i, readable[i]);
	}
	return 0x600d;
}

/* INIT would end VTL0, which is its own affair. */
static u64 deny_startup(u64 a, u64 b)
{
	return hv_set_register(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
			       HV_CONFIG_ENABLE_PROTECTION |
			       HV_CONFIG_DEFAULT(HV_RWX) |
			       HV_CONFIG_DENY_LOWER_STARTUP, 0);
}

/* VTL0 can read its own registers: the value must not be in them for this. */
static bool is_secret(u64 word)
{
	asm volatile("notq %0" : "+r" (word));
	return word == ~SECRET;
}

static void look_for_secret(void)
{
	const u64 *words = (const void *)&io;
	u32 i, page;

	for (i = 0; i < sizeof(io) / 8; i++)
		GUEST_ASSERT(!is_secret(words[i]));
	for (page = 0; page < ARRAY_LEN(sandbox); page++)
		for (i = 0; i < ARRAY_LEN(sandbox[0]); i++)
			GUEST_ASSERT(!is_secret(sandbox[page][i]));
}

static void ignore(struct guest_cpu *cpu, struct guest_regs *regs)
{
}

static void check_all(void)
{
	u64 value;

	look_for_secret();
	GUEST_TRAP(GP_VECTOR, probe_read(secret, &value));
	GUEST_TRAP(GP_VECTOR, probe_write(secret, 1));
	GUEST_TRAP(GP_VECTOR, probe_write(readable, 1));
	again();
	GUEST_EQ(0x600d, vtl1_exec(check_secret, 0, 0));
}

static void one_input(void)
{
	u32 i;

	for (i = 0; i < CALLS; i++) {
		if (one_in(8))
			probe_wrmsr(msrs[below(ARRAY_LEN(msrs))], some_value());
		some_call();
		hv_insn(&io, hv_direct());
		again();
	}
}

static void random_vtl0(void)
{
	u64 i;

	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(deny_startup, 0, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(fill_secret, 0, 0));
	guest_on(NMI_VECTOR, ignore);
	fuzz_state = seed | 1;
	for (i = 0; i < inputs; i++) {
		WRITE_ONCE(inputs_done, i);
		GUEST_SYNC(i);
		one_input();
		if (i % INPUTS_A_CHECK == INPUTS_A_CHECK - 1)
			check_all();
	}
	GUEST_LE(inputs / INPUTS_A_CHECK, vtl1[0].messages);
}

static struct vm *machine(struct __test_metadata *_metadata,
			  void (*entry)(void), u64 nr, u64 count)
{
	struct vm *vm = VTL2_VM(.entry = entry);

	vm_var(vm, seed) = fuzz_seed(nr);
	vm_var(vm, inputs) = fuzz_rounds(count);
	TH_LOG("seed 0x%llx, %llu inputs", vm_var(vm, seed),
	       vm_var(vm, inputs));
	return vm;
}

/* Runs one input after the other, until the guest has done enough, or ends. */
static enum ucall_cmd run_inputs(struct fuzz_corpus *corpus, struct vm *vm)
{
	enum ucall_cmd cmd;

	while ((cmd = vcpu_run(&vm->vcpu[0])) == UCALL_SYNC) {
		corpus_judge(corpus, &vm_var(vm, fuzz_input));
		corpus_next(corpus, &vm_var(vm, fuzz_input));
	}
	return cmd;
}

/* The guest tells the VMM of a crash, and asks for its hypercalls. */
static int take_any(struct vcpu *vcpu)
{
	u32 reason = vcpu->run->exit_reason;

	return !(reason == KVM_EXIT_SYSTEM_EVENT || reason == KVM_EXIT_HYPERV);
}

TEST_F_TIMEOUT(fuzz, vtl0, 3600)
{
	struct vm *vm = machine(_metadata, random_vtl0, 0, INPUTS);
	struct fuzz_corpus *corpus;

	corpus = corpus_create("fuzz_vtl0", vtl0_inputs,
			       ARRAY_LEN(vtl0_inputs));
	corpus_watch(corpus);
	vm->vcpu[0].on_exit = take_any;
	EXPECT_EQ(UCALL_DONE, run_inputs(corpus, vm)) {
		TH_LOG("%s", vm->vcpu[0].error);
		TH_LOG("input %llu: RCX 0x%llx RDX 0x%llx R8 0x%llx RAX 0x%llx",
		       vm_var(vm, inputs_done), vm_var(vm, io).rcx,
		       vm_var(vm, io).rdx, vm_var(vm, io).r8,
		       vm_var(vm, io).rax);
	}
	corpus_report(corpus);
	vm_destroy(vm);
}

/* --- VTL1 ---------------------------------------------------------------- */

static u64 inputs_of_vtl1(u64 a, u64 b)
{
	while (inputs_done++ < inputs) {
		GUEST_SYNC(inputs_done);
		one_input();
	}
	return 0;
}

static void random_vtl1(void)
{
	vsm_init();
	fuzz_state = seed | 1;
	this_vtl1()->fn = inputs_of_vtl1;
	/* One of its calls may be a VTL return. */
	while (READ_ONCE(inputs_done) < inputs) {
		again();
		vtl_call();
	}
}

/*
 * VTL1 may ruin itself and VTL0, or have both wait for ever.  The host takes
 * any end, and the next machine works.
 */
TEST_F_TIMEOUT(fuzz, vtl1, 3600)
{
	struct fuzz_corpus *corpus;
	u64 i, ended = 0;
	struct vm *vm;

	corpus = corpus_create("fuzz_vtl1", vtl1_inputs,
			       ARRAY_LEN(vtl1_inputs));
	corpus_watch(corpus);
	for (i = 0; i < MACHINES; i++) {
		vm = machine(_metadata, random_vtl1, i, 250);

		vm->vcpu[0].on_exit = take_any;
		vm->vcpu[0].timeout = 5;
		if (run_inputs(corpus, vm) == UCALL_DONE)
			ended++;
		else
			TH_LOG("after %llu inputs: %s", vm_var(vm, inputs_done),
			       vm->vcpu[0].error);
		vm_destroy(vm);
	}
	corpus_report(corpus);
	TH_LOG("%llu of %u came to their end", ended, MACHINES);
	vm = VTL_VM();
	RUN_GUEST(vm, vsm_init);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
