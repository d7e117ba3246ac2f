// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole guests: the order of calls of Windows with VBS, of Linux with a secure
 * kernel (LVBS), and of Linux as VTL2, each from the first CPUID to normal work
 * on four VPs.
 */
#include "vtl_test.h"

AREA(guests)

#define VPS		4
#define OF_VTL0		HV_INPUT_VTL(0)

static u32 ready, attacked;
static u8 secure_pages[512][PAGE_SIZE] __page;
static u8 driver[PAGE_SIZE] __page;
static u8 data[PAGE_SIZE] __page;

static void count(u32 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

static void must(u64 want, u64 have, const char *what)
{
	if (want != have)
		GUEST_FAIL("%s: 0x%llx, not 0x%llx", (uintptr_t)what, have,
			   want);
}

#define CALL(want, expr)	must(want, expr, #expr)

/* MBEC: 1 where the secure kernel finds it offered and takes it */
static u64 mbec;

/* What all look at before anything else */
static void check_offer(void)
{
	u32 a, b, c, d, want = HV_EBX_ACCESS_VSM | HV_EBX_ACCESS_VP_REGISTERS |
			       HV_EBX_START_VP;

	cpuid(0x40000001, 0, &a, &b, &c, &d);
	GUEST_EQ(0x31237648, a);
	cpuid(HV_CPUID_FEATURES, 0, &a, &b, &c, &d);
	GUEST_EQ(want, b & want);
	GUEST_EQ(HV_EDX_XMM_INPUT, d & HV_EDX_XMM_INPUT);
	/* No nesting: Windows would start a hypervisor of its own. */
	cpuid(1, 0, &a, &b, &c, &d);
	GUEST_EQ(0, c & BIT(5));
}

/* In VTL1: the pages that lie at an MSR are read back as written. */
static void place(u32 msr, const void *page)
{
	wrmsr(msr, (uintptr_t)page | HV_MSR_ENABLE);
	GUEST_EQ((uintptr_t)page | HV_MSR_ENABLE, rdmsr(msr));
}

static u64 protect_secure_pages(u32 flags)
{
	u32 n, done;

	/* As many as a call takes */
	for (n = 0; n < 512; n += done) {
		u64 result = hv_protect((uintptr_t)secure_pages[n],
					512 - n > 510 ? 510 : 512 - n, flags);

		done = HV_REPS_DONE(result);
		GUEST_EQ(HV_SUCCESS, HV_STATUS(result));
	}
	return HV_SUCCESS;
}

static struct vm *machine_with(struct __test_metadata *_metadata, u8 max_vtl,
			       void (*entry)(void), bool wait, u64 features)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = VM_CREATE(.max_vtl = max_vtl, .entry = entry,
				  .vcpus = VPS, .features = features);
	u32 i;

	for (i = 1; wait && i < VPS; i++)
		ASSERT_EQ(0, ioctl(vm->vcpu[i].fd, KVM_SET_MP_STATE, &state));
	return vm;
}

static struct vm *machine(struct __test_metadata *_metadata, u8 max_vtl,
			  void (*entry)(void), bool wait)
{
	return machine_with(_metadata, max_vtl, entry, wait, 0);
}

static struct vm *mbec_machine(struct __test_metadata *_metadata,
			       void (*entry)(void), bool wait)
{
	struct vm *vm = machine_with(_metadata, 1, entry, wait,
				     KVM_VTL_FEATURE_MBEC);

	vm_var(vm, mbec) = 1;
	return vm;
}

static bool has_mbec(void)
{
	return host_features() & KVM_VTL_FEATURE_MBEC;
}

/* --- Windows ------------------------------------------------------------- */

/* A secure call: 104 bytes in RBX and XMM10 to XMM15, in both directions */
struct skcall {
	u64 code;
	u64 args[12];
};

enum {
	SK_INIT = 0x100,	/* what VTL1 does for each VP */
	SK_START_VP,
	SK_PHASE3,
	SK_ADD,
	SK_TRANSLATE,
	SK_DRIVER,		/* code integrity: page no. of a driver */
	SK_IPI,			/* patch guard looks at all VPs' VTL0 */
};

#define SK_VINA_VECTOR	0xe0
#define SK_TIMER_VECTOR	0xe1
#define NT_IPI_VECTOR	0xd1

static void get_xmm10(u64 (*xmm)[2])
{
	asm volatile("movdqu %%xmm10, %0\n movdqu %%xmm11, %1\n"
		     "movdqu %%xmm12, %2\n movdqu %%xmm13, %3\n"
		     "movdqu %%xmm14, %4\n movdqu %%xmm15, %5"
		     : "=m" (xmm[0]), "=m" (xmm[1]), "=m" (xmm[2]),
		       "=m" (xmm[3]), "=m" (xmm[4]), "=m" (xmm[5]));
}

static void set_xmm10(u64 (*xmm)[2])
{
	asm volatile("movdqu %0, %%xmm10\n movdqu %1, %%xmm11\n"
		     "movdqu %2, %%xmm12\n movdqu %3, %%xmm13\n"
		     "movdqu %4, %%xmm14\n movdqu %5, %%xmm15"
		     : : "m" (xmm[0]), "m" (xmm[1]), "m" (xmm[2]),
		       "m" (xmm[3]), "m" (xmm[4]), "m" (xmm[5]));
}

static void nt_ap(void);

/* Every VP: VINA, HyperGuard's intercepts, the secure timer */
static void sk_init_vp(void)
{
	union hv_value value;

	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_VINA,
		   SK_VINA_VECTOR | BIT(8) | BIT(9) | BIT(10));
	/* MBEC, if it is offered */
	GUEST_EQ(mbec << 1,
		 hv_reg(HV_OWN_VTL, HV_REG_VSM_CAPABILITIES) & BIT(1));
	CALL(HV_REPS(1), hv_get_register(HV_OWN_VTL,
					 HV_REG_VSM_SECURE_CONFIG_VTL0,
					 &value));
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0,
		   value.low | mbec);
	/* CR4.SMEP, LSTAR, EFER, APIC_BASE, GDTR, IDTR, LDTR, TR */
	hv_set_reg(HV_OWN_VTL, HV_REG_CR4_MASK, BIT(20));
	hv_set_reg(HV_OWN_VTL, HV_REG_CR_INTERCEPT,
		   BIT(1) | BIT(6) | BIT(12) | BIT(14) | 0xfULL << 15);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(SK_TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + 100);
}

/* The first one: the partition, too */
static void sk_init_partition(void)
{
	struct {
		u64 partition;
		u32 access, type;
		u64 port;
	} *port = (void *)this_area()->in;

	place(HV_MSR_REFERENCE_TSC, this_area()->reference_tsc);
	place(HV_MSR_SIEFP, this_area()->siefp);
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_DEFAULT(HV_RWX) | HV_CONFIG_ZERO_MEMORY |
		   HV_CONFIG_DENY_LOWER_STARTUP);
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_DEFAULT(HV_RWX) | HV_CONFIG_ZERO_MEMORY |
		   HV_CONFIG_DENY_LOWER_STARTUP | HV_CONFIG_ENABLE_PROTECTION);
	/* PCI configuration space, writes */
	port->partition = HV_PARTITION_SELF;
	port->access = 2;
	port->type = 0;
	port->port = 0xcf8;
	CALL(HV_SUCCESS, hv_call_mem(HV_INSTALL_INTERCEPT, port, NULL));
	protect_secure_pages(HV_R);
}

static u64 sk_translate(u64 gva)
{
	u64 *in = (u64 *)this_area()->in, *out = (u64 *)this_area()->out;

	in[0] = HV_PARTITION_SELF;
	in[1] = HV_VP_SELF;
	/* Read, TLB flush inhibited */
	in[2] = (u64)OF_VTL0 << 56 | 0x21;
	in[3] = gva / PAGE_SIZE;
	CALL(HV_SUCCESS, hv_call_mem(HV_TRANSLATE_VA, in, out));
	GUEST_EQ(0, (u32)out[0]);
	return out[1] * PAGE_SIZE;
}

static u64 sk_start_vp(u32 vp)
{
	CALL(HV_SUCCESS, vsm_enable_vp(vp));
	return vsm_start_vp(vp, nt_ap);
}

static u64 sk_ipi(void)
{
	u64 *in = (u64 *)this_area()->in;

	in[0] = NT_IPI_VECTOR | (u64)OF_VTL0 << 32;
	in[1] = BIT(VPS) - 1;
	return hv_call_mem(HV_SEND_IPI, in, NULL);
}

static u64 sk_dispatch(u64 a, u64 b)
{
	struct guest_regs *regs = this_vtl1()->regs;
	u64 xmm[6][2];

	get_xmm10(xmm);
	switch (regs->rbx) {
	case SK_INIT:
		if (!this_cpu()->vp)
			sk_init_partition();
		sk_init_vp();
		break;
	case SK_START_VP:
		xmm[0][1] = sk_start_vp(xmm[0][0]);
		break;
	case SK_PHASE3:
		xmm[0][1] = protect_secure_pages(HV_NONE);
		break;
	case SK_ADD:
		xmm[5][1] = xmm[0][0] + xmm[2][1] + xmm[5][0];
		break;
	case SK_TRANSLATE:
		xmm[0][1] = sk_translate(xmm[0][0]);
		break;
	case SK_DRIVER:
		xmm[0][1] = hv_protect(xmm[0][0] * PAGE_SIZE, 1, HV_RX);
		break;
	case SK_IPI:
		xmm[0][1] = sk_ipi();
		break;
	}
	irq_window();
	regs->rbx = 0;
	set_xmm10(xmm);
	return 0;
}

static void secure_call(struct skcall *sk)
{
	struct hv_io io = { .rbx = sk->code, .use_xmm = 1 };
	u32 offset = vtl_call_offset(0);

	memcpy(io.xmm[10], sk->args, sizeof(sk->args));
	this_vtl1()->fn = sk_dispatch;
	hv_insn(&io, this_area()->hypercall_page + offset);
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(0, io.rbx);
	memcpy(sk->args, io.xmm[10], sizeof(sk->args));
}

static u64 secure_call1(u64 code, u64 arg)
{
	struct skcall sk = { code, { arg } };

	secure_call(&sk);
	GUEST_EQ(arg, sk.args[0]);
	return sk.args[1];
}

/* Many secure calls, interrupts from VTL1's timer among them */
static void nt_work(void)
{
	u32 i, vp = this_cpu()->vp;
	struct guest_cpu *vtl1 = &guest_area(vp, 1)->cpu;

	for (i = 0; i < 50; i++) {
		struct skcall sk = { SK_ADD, { i, 0, 0, 0, 0, vp, [10] = 7 } };

		secure_call(&sk);
		GUEST_EQ(i + vp + 7, sk.args[11]);
	}
	GUEST_WAIT(READ_ONCE(vtl1->count[SK_TIMER_VECTOR]));
	GUEST_EQ((uintptr_t)driver,
		 secure_call1(SK_TRANSLATE, (uintptr_t)driver));
}

/* What malware in VTL0's kernel would do; the secure kernel denies it. */
static void nt_attack(void)
{
	u32 vp = this_cpu()->vp, n = vtl1[vp].messages;
	u64 lstar = rdmsr(MSR_LSTAR);

	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x1000));
	GUEST_EQ(HV_MSG_MSR_INTERCEPT, vtl1[vp].message.type);
	GUEST_EQ(lstar, rdmsr(MSR_LSTAR));
	GUEST_TRAP(GP_VECTOR, probe_outb(0xcf8, 0));
	GUEST_EQ(HV_MSG_IO_INTERCEPT, vtl1[vp].message.type);
	GUEST_TRAP(GP_VECTOR, probe_read(secure_pages[511], NULL));
	GUEST_TRAP(GP_VECTOR, probe_write(driver, 0x90));
	GUEST_EQ(HV_MSG_GPA_INTERCEPT, vtl1[vp].message.type);
	GUEST_NO_TRAP(probe_exec(driver));
	GUEST_EQ(n + 4, vtl1[vp].messages);
	count(&attacked);
	GUEST_WAIT(READ_ONCE(attacked) == VPS);
	if (!vp)
		GUEST_EQ(HV_SUCCESS, secure_call1(SK_IPI, 0));
	while (!READ_ONCE(this_cpu()->count[NT_IPI_VECTOR]))
		irq_wait();
}

static void nt_ap(void)
{
	/* VTL1 was here first. */
	GUEST_ASSERT(READ_ONCE(guest_area(this_cpu()->vp, 1)->cpu.vtl_return));
	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	secure_call1(SK_INIT, 0);
	nt_work();
	count(&ready);
	GUEST_WAIT(READ_ONCE(ready) == VPS);
	nt_attack();
}

static u64 index_of_apic_id(u32 id)
{
	u64 *in = (u64 *)this_area()->in, *out = (u64 *)this_area()->out;

	in[0] = HV_PARTITION_SELF;
	in[1] = 0;
	in[2] = id;
	CALL(HV_REPS(1),
	     hv_call_mem(HV_VP_INDEX_FROM_APIC_ID | HV_REPS(1), in, out));
	return (u32)out[0];
}

static void winload_and_nt(void)
{
	u32 vp;

	check_offer();
	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(1, hv_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_STATUS) >> 16 & 15);
	GUEST_EQ(mbec ? 6 : 0,
		 hv_reg(HV_OWN_VTL, HV_REG_VSM_CAPABILITIES) & 0x1fffe);
	CALL(HV_SUCCESS, hv_call(HV_ENABLE_PARTITION_VTL | HV_FAST,
				 HV_PARTITION_SELF, mbec << 8 | 1));
	CALL(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	GUEST_EQ(0x30000, hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS));
	for (vp = 0; vp < VPS; vp++)
		vtl1[vp].no_protection = true;
	memset(driver, 0xc3, PAGE_SIZE);
	/* First entry; then VTL1 sets itself up. */
	vtl_call_by_page();
	secure_call1(SK_INIT, 0);
	/* VTL1's pages: readable until phase 3 */
	GUEST_NO_TRAP(probe_read(secure_pages[3], NULL));
	GUEST_TRAP(GP_VECTOR, probe_write(secure_pages[3], 1));
	GUEST_EQ(HV_SUCCESS, secure_call1(SK_PHASE3, 0));
	GUEST_EQ(HV_REPS(1),
		 secure_call1(SK_DRIVER, (uintptr_t)driver / PAGE_SIZE));
	for (vp = 1; vp < VPS; vp++) {
		GUEST_EQ(vp, index_of_apic_id(vp));
		GUEST_EQ(HV_SUCCESS, secure_call1(SK_START_VP, vp));
	}
	nt_work();
	count(&ready);
	GUEST_WAIT(READ_ONCE(ready) == VPS);
	nt_attack();
}

TEST_F_TIMEOUT(guests, windows, 180)
{
	struct vm *vm = machine(_metadata, 1, winload_and_nt, true);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_F_TIMEOUT(guests, windows_mbec, 180)
{
	struct vm *vm;

	if (!has_mbec())
		SKIP(return, "this host has no MBEC");
	vm = mbec_machine(_metadata, winload_and_nt, true);
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- Linux with a secure kernel ------------------------------------------ */

/* CR0, CR4, LSTAR, STAR, CSTAR, APIC_BASE, EFER, tables, SYSENTER, SFMASK */
#define LVBS_INTERCEPTS	0x7fd543
#define LVBS_CR4_MASK	(~(BIT(6) | BIT(7) | BIT(8) | BIT(13)))
#define LVBS_CR0_MASK	(CR0_PE | CR0_WP | CR0_PG)

enum { LVBS_BOOT_AP = 1, LVBS_LOCK, LVBS_PROTECT };

static u64 pinned_cr4;
static u32 aps_may_call;

/* Compares with what was pinned; writes it for VTL0, or #GP. */
static void lvbs_policy(struct vtl_service *v)
{
	const struct hv_register_intercept *i = (void *)v->message.payload;

	if (v->message.type != HV_MSG_REGISTER_INTERCEPT ||
	    i->name != HV_REG_CR4 || (i->value ^ pinned_cr4) & ~BIT(7)) {
		hv_set_reg(OF_VTL0, HV_REG_PENDING_EVENT0, 0xd0101);
		return;
	}
	hv_set_reg(OF_VTL0, HV_REG_CR4, i->value);
	hv_set_reg(OF_VTL0, HV_REG_RIP, i->rip + i->length);
}

/* Of each VP, at its first VTL call */
static void lvbs_init_vp(void)
{
	struct vtl_service *v = this_vtl1();

	place(HV_MSR_VP_ASSIST_PAGE, this_area()->assist);
	GUEST_EQ(HV_TEST_OS_ID, rdmsr(HV_MSR_GUEST_OS_ID));
	GUEST_EQ(HV_MSR_ENABLE, rdmsr(HV_MSR_HYPERCALL) & HV_MSR_ENABLE);
	place(HV_MSR_SIMP, this_area()->simp);
	GUEST_EQ(VTL1_SINT_VECTOR | HV_SINT_AUTO_EOI, rdmsr(HV_MSR_SINT0));
	GUEST_EQ(1, rdmsr(HV_MSR_SCONTROL));
	v->policy = lvbs_policy;
}

static void lvbs_init_partition(void)
{
	union hv_value value;

	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_DEFAULT(HV_RWX) | HV_CONFIG_ENABLE_PROTECTION);
	CALL(HV_REPS(1), hv_get_register(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS,
					 &value));
	protect_secure_pages(HV_NONE);
}

/* MBEC and TLB lock; without MBEC the lock alone */
static void lvbs_secure_config(void)
{
	CALL(mbec ? HV_REPS(1) : HV_INVALID_REGISTER_VALUE,
	     hv_set_register(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0, 3, 0));
	CALL(mbec ? HV_INVALID_REGISTER_VALUE : HV_REPS(1),
	     hv_set_register(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0, 2, 0));
}

static u64 lvbs_init(u64 a, u64 b)
{
	lvbs_init_vp();
	lvbs_secure_config();
	if (!this_cpu()->vp)
		lvbs_init_partition();
	return 0;
}

/* Both at once, in one call; the masks in another */
static u64 lvbs_lock(void)
{
	pinned_cr4 = hv_reg(OF_VTL0, HV_REG_CR4);
	hv_set_reg(HV_OWN_VTL, HV_REG_CR_INTERCEPT, LVBS_INTERCEPTS);
	hv_set_reg(HV_OWN_VTL, HV_REG_CR4_MASK, LVBS_CR4_MASK);
	hv_set_reg(HV_OWN_VTL, HV_REG_CR0_MASK, LVBS_CR0_MASK);
	return 0;
}

static u64 lvbs_boot_aps(void)
{
	u32 vp;

	for (vp = 1; vp < VPS; vp++)
		CALL(HV_SUCCESS, vsm_enable_vp(vp));
	return 0;
}

/* RDI: function; RSI, RDX: arguments; R8: result */
static u64 lvbs_dispatch(u64 a, u64 b)
{
	struct guest_regs *regs = this_vtl1()->regs;

	switch (regs->rdi) {
	case LVBS_BOOT_AP:
		regs->r8 = lvbs_boot_aps();
		break;
	case LVBS_LOCK:
		regs->r8 = lvbs_lock();
		break;
	case LVBS_PROTECT:
		regs->r8 = hv_protect(regs->rsi, 1, regs->rdx);
		break;
	}
	return 0;
}

static u64 lvbs_call(u64 fn, u64 a, u64 b)
{
	struct hv_io io = {
		.rcx = HV_VTL_CALL, .rdi = fn, .rsi = a, .rdx = b, .r8 = ~0ULL,
	};

	this_vtl1()->fn = lvbs_dispatch;
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	return io.r8;
}

static void lvbs_locked(void)
{
	u32 vp = this_cpu()->vp, n;
	u64 cr4 = read_cr4();

	GUEST_EQ(0, lvbs_call(LVBS_LOCK, 0, 0));
	count(&ready);
	GUEST_WAIT(READ_ONCE(ready) == VPS);
	n = vtl1[vp].messages;
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x1000));
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_EFER, rdmsr(MSR_EFER)));
	GUEST_TRAP(GP_VECTOR, probe_read(secure_pages[0], NULL));
	GUEST_EQ(n + 3, vtl1[vp].messages);
	/* PGE is not in the mask: VTL1 is not asked.  DE is. */
	write_cr4(cr4 ^ BIT(7));
	write_cr4(cr4);
	GUEST_EQ(n + 3, vtl1[vp].messages);
	pinned_cr4 = cr4 | CR4_DE;
	count(&attacked);
	GUEST_WAIT(READ_ONCE(attacked) == VPS);
	write_cr4(cr4 | CR4_DE);
	GUEST_EQ(cr4 | CR4_DE, read_cr4());
	GUEST_EQ(n + 4, vtl1[vp].messages);
	/* VTL0 sees that MBEC is on, or gives up. */
	GUEST_EQ(mbec << 4, hv_reg(0, HV_REG_VSM_VP_STATUS) & BIT(4));
	/* A module: its data, then as it was checked */
	if (mbec) {
		GUEST_EQ(HV_REPS(1), lvbs_call(LVBS_PROTECT, (uintptr_t)data,
					       HV_R | HV_UX));
		GUEST_TRAP(GP_VECTOR, probe_write(data, 0));
		GUEST_TRAP(GP_VECTOR, probe_exec(data));
	}
	GUEST_EQ(HV_REPS(1), lvbs_call(LVBS_PROTECT, (uintptr_t)driver, HV_RX));
	GUEST_TRAP(GP_VECTOR, probe_write(driver, 0));
	GUEST_NO_TRAP(probe_exec(driver));
}

static void lvbs_bsp(void)
{
	check_offer();
	hv_init();
	memset(driver, 0xc3, PAGE_SIZE);
	GUEST_LE(1, hv_reg(0, HV_REG_VSM_PARTITION_STATUS) >> 16 & 15);
	/* With EnableMbec, as newer kernels insist; then as older ones do */
	CALL(mbec ? HV_SUCCESS : HV_INVALID_PARAMETER,
	     hv_call(HV_ENABLE_PARTITION_VTL | HV_FAST, HV_PARTITION_SELF,
		     0x101));
	CALL(mbec ? HV_INVALID_VTL_STATE : HV_SUCCESS, vsm_enable_partition());
	GUEST_EQ(3, hv_reg(0, HV_REG_VSM_PARTITION_STATUS) & 0xffff);
	GUEST_EQ(mbec ? 3 : 0,
		 hv_reg(0, HV_REG_VSM_PARTITION_STATUS) >> 20 & 0xffff);
	CALL(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	vtl1[0].no_protection = true;
	vtl_call();
	vtl1_exec(lvbs_init, 0, 0);
	GUEST_EQ(0, lvbs_call(LVBS_BOOT_AP, 0, 0));
	WRITE_ONCE(aps_may_call, 1);
	lvbs_locked();
}

/* Runs in VTL0 all the time; VTL1 is there when it calls. */
static void lvbs_ap(void)
{
	GUEST_WAIT(READ_ONCE(aps_may_call));
	hv_init();
	this_vtl1()->no_protection = true;
	vtl_call();
	vtl1_exec(lvbs_init, 0, 0);
	lvbs_locked();
}

static void lvbs(void)
{
	if (this_cpu()->vp)
		lvbs_ap();
	else
		lvbs_bsp();
}

TEST_F_TIMEOUT(guests, lvbs, 180)
{
	struct vm *vm = machine(_metadata, 1, lvbs, false);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_F_TIMEOUT(guests, lvbs_mbec, 180)
{
	struct vm *vm;

	if (!has_mbec())
		SKIP(return, "this host has no MBEC");
	vm = mbec_machine(_metadata, lvbs, false);
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- Linux in VTL2 ------------------------------------------------------- */

static u32 vtl0_done;

/* hv_vtl.c: which VTL is this?  A failure there is a BUG(). */
static u64 get_vtl(void)
{
	struct hv_vp_registers *in = (void *)this_area()->in;
	union hv_value *out = (void *)this_area()->out;

	memset(in, 0, 24);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->name[0] = HV_REG_VSM_VP_STATUS;
	CALL(HV_REPS(1),
	     hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1), in, out));
	return out->low & 0xf;
}

/* Intercepts: of CPUs and memory of VTL0, as a VMM in VTL2 handles them */
static void mshv_policy(struct vtl_service *v)
{
	const struct hv_memory_intercept *i = (void *)v->message.payload;

	GUEST_EQ(HV_ENTRY_INTERCEPT, v->entry_reason);
	GUEST_EQ(HV_MSG_GPA_INTERCEPT, v->message.type);
	GUEST_EQ(HV_REPS(1), hv_protect(i->gpa & -PAGE_SIZE, 1, HV_RWX));
}

/* mshv_vtl.c, when it is loaded, on each VP */
static u64 mshv_init(u64 a, u64 b)
{
	u64 caps = hv_reg(HV_OWN_VTL, HV_REG_VSM_CAPABILITIES);
	union hv_value value;

	GUEST_EQ(2, get_vtl());
	GUEST_EQ(BIT(27), caps & BIT(27));
	CALL(HV_REPS(1), hv_get_register(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS,
					 &value));
	this_vtl2()->policy = mshv_policy;
	if (this_cpu()->vp)
		return 0;
	/* InterceptVpStartup, InterceptCpuidUnimplemented among them */
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(HV_RWX) |
		   HV_CONFIG_ZERO_MEMORY | HV_CONFIG_INTERCEPT_STARTUP |
		   BIT(10) | HV_CONFIG_INTERCEPT_PAGE);
	return hv_protect((uintptr_t)secure_pages[0], VPS, HV_NONE);
}

/* What VTL0 does once VTL2 has let it go */
static void vtl2_work(void)
{
	u32 vp = this_cpu()->vp;
	u64 value;

	/* VTL2 opens the page: the access goes on. */
	GUEST_NO_TRAP(probe_write(secure_pages[vp], 0x4444 + vp));
	GUEST_NO_TRAP(probe_read(secure_pages[vp], &value));
	GUEST_EQ(0x4444 + vp, value);
	GUEST_EQ(1, vtl2[vp].messages);
	count(&vtl0_done);
	GUEST_WAIT(READ_ONCE(vtl0_done) == VPS);
}

static void vtl2_ap(void)
{
	GUEST_ASSERT(READ_ONCE(guest_area(this_cpu()->vp, 2)->cpu.vtl_return));
	hv_init();
	vtl_exec(2, mshv_init, 0, 0);
	vtl2_work();
}

/* hv_vtl.c: VTL2 on the other VPs, then the VPs */
static u64 start_aps(u64 a, u64 b)
{
	u32 vp;

	for (vp = 1; vp < VPS; vp++) {
		GUEST_EQ(vp, index_of_apic_id(vp));
		CALL(HV_SUCCESS, vsm_enable_vp_vtl(vp, 2));
		CALL(HV_VTL_ALREADY_ENABLED, vsm_enable_vp_vtl(vp, 2));
		CALL(HV_SUCCESS, vsm_start_vp(vp, vtl2_ap));
	}
	return 0;
}

/* Registers of VTL0 by hypercall, shared ones in place */
static u64 look_at_vtl0(u64 a, u64 b)
{
	static const u32 names[] = {
		HV_REG_RIP, HV_REG_RFLAGS, HV_REG_CR3, HV_REG_EFER, HV_REG_CS,
	};
	union hv_value values[ARRAY_LEN(names)];

	CALL(HV_REPS(5), hv_get_registers(OF_VTL0, names, 5, values));
	GUEST_EQ((uintptr_t)hv_direct() + 3, values[0].low);
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), values[2].low);
	GUEST_EQ(KERNEL_CS, values[4].segment.selector);
	return 0;
}

static void vtl2_bsp(void)
{
	u32 vp;

	check_offer();
	hv_init();
	for (vp = 0; vp < VPS; vp++)
		vtl2[vp].no_protection = true;
	vsm_bring_up(2);
	vtl_exec(2, look_at_vtl0, 0, 0);
	vtl_exec(2, mshv_init, 0, 0);
	vtl_exec(2, start_aps, 0, 0);
	vtl2_work();
}

TEST_F_TIMEOUT(guests, vtl2, 180)
{
	struct vm *vm = machine(_metadata, 2, vtl2_bsp, true);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
