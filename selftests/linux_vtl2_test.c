// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mainline Linux in VTL2, with its driver for VTL0 (mshv_vtl), and a program of
 * its user space that runs VTL0.  Kernel and program come with the test machine
 * (guest/linux_vtl2).
 */
#include "vtl_test.h"
#include "linux_boot.h"

#define KERNEL		"/vtl/linux_vtl2/vmlinux"
#define INITRAMFS	"/vtl/linux_vtl2/initramfs"
/* No XSAVE: the driver refuses it. */
#define WORDS		"earlyprintk=serial,ttyS0,115200,keep noxsave " \
			"panic=-1 printk.devkmsg=on loglevel=5"

#define SECONDS		120

#define COM1		0x3f8
#define COM1_LSR	(COM1 + 5)
#define LSR_EMPTY	0x60

/* What the kernel and the program say */
static char console[1 << 18];
static u32 console_n, console_shown;
static bool ended, stop_others;

static void end_line(void)
{
	const char *line = console + console_shown;

	if (strstr(line, "vtl2: end") || strstr(line, "Kernel panic"))
		WRITE_ONCE(ended, true);
	console_shown = console_n + 1;
}

static void put_char(char c)
{
	if (c == '\r' || console_n == sizeof(console) - 1)
		return;
	if (c == '\n')
		end_line();
	console[console_n++] = c;
}

static int on_port(struct kvm_run *run)
{
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i, n = run->io.size * run->io.count;

	if (run->io.direction == KVM_EXIT_IO_IN) {
		memset(data, run->io.port == COM1_LSR ? LSR_EMPTY : 0, n);
		return 0;
	}
	for (i = 0; run->io.port == COM1 && i < n; i++)
		put_char(data[i]);
	return 0;
}

/* There is no VMBus to connect to. */
static int on_hypercall(struct kvm_run *run)
{
	if (run->hyperv.type != KVM_EXIT_HYPERV_HCALL)
		return 0;
	run->hyperv.u.hcall.result =
		(u16)run->hyperv.u.hcall.input == HV_POST_MESSAGE ?
		HV_INVALID_CONNECTION_ID : HV_INVALID_CODE;
	return 0;
}

static int on_exit_of_linux(struct vcpu *vcpu)
{
	if (READ_ONCE(ended))
		return -1;
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		return on_port(vcpu->run);
	case KVM_EXIT_HYPERV:
		return on_hypercall(vcpu->run);
	}
	return -1;
}

/* A VP that was not started yet; the program ends on another one. */
static void *run_other(void *arg)
{
	struct vcpu *vcpu = arg;

	while (!READ_ONCE(stop_others)) {
		int ret = vcpu_run_once(vcpu);

		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret || on_exit_of_linux(vcpu))
			break;
	}
	return NULL;
}

static bool said(const char *line)
{
	return strstr(console, line);
}

static void show_console(void)
{
	char *line, *next = console;

	while ((line = strsep(&next, "\n")))
		printf("# %s\n", line);
}

static void on_signal(int sig)
{
}

FIXTURE(linux_vtl2)
{
	struct vm *vm;
	struct linux_boot boot;
};

FIXTURE_VARIANT(linux_vtl2)
{
	u32 vps;
};

FIXTURE_VARIANT_ADD(linux_vtl2, one_vp) { .vps = 1 };
FIXTURE_VARIANT_ADD(linux_vtl2, two_vps) { .vps = 2 };

FIXTURE_SETUP(linux_vtl2)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	u32 i;

	if (access(KERNEL, R_OK))
		SKIP(return, "no Linux for VTL2 (scripts/deps.sh guest-vtl2)");
	self->vm = VTL2_VM(.vcpus = variant->vps);
	for (i = 1; i < variant->vps; i++)
		ASSERT_EQ(0, ioctl(self->vm->vcpu[i].fd, KVM_SET_MP_STATE,
				   &state));
	ASSERT_EQ(0, linux_boot_load(&self->boot, self->vm, KERNEL, INITRAMFS,
				     WORDS)) {
		TH_LOG("%s", self->boot.error);
	}
	ASSERT_EQ(0, linux_boot_enter(&self->boot, 2)) {
		TH_LOG("%s", self->boot.error);
	}
}

FIXTURE_TEARDOWN(linux_vtl2)
{
	if (self->vm)
		vm_destroy(self->vm);
}

/* VP 0 runs until the program has said that it has ended, or for too long. */
static void run_linux(struct vm *vm)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t threads[GUEST_MAX_VPS];
	struct vcpu *vcpu = vm->vcpu;
	u32 i;

	sigaction(SIGUSR1, &action, NULL);
	for (i = 1; i < vm->nr_vcpus; i++)
		if (pthread_create(&threads[i], NULL, run_other, &vcpu[i]))
			abort();
	vcpu->timeout = SECONDS;
	vcpu->on_exit = on_exit_of_linux;
	vcpu_run(vcpu);
	WRITE_ONCE(stop_others, true);
	for (i = 1; i < vm->nr_vcpus; i++)
		while (pthread_tryjoin_np(threads[i], NULL)) {
			pthread_kill(threads[i], SIGUSR1);
			usleep(10000);
		}
}

static const char *const rounds[] = {
	"call", "memory", "denied", "interrupt", "preemption",
};

TEST_F_TIMEOUT(linux_vtl2, runs_vtl0, 4 * SECONDS)
{
	char line[64];
	u32 i, vp;

	run_linux(self->vm);
	EXPECT_TRUE(ended) {
		TH_LOG("%s", self->vm->vcpu[0].error);
	}
	EXPECT_FALSE(said("WARNING:"));
	for (vp = 0; vp < variant->vps; vp++)
		for (i = 0; i < ARRAY_LEN(rounds); i++) {
			snprintf(line, sizeof(line), "vtl2: ok %u %s\n", vp,
				 rounds[i]);
			EXPECT_TRUE(said(line)) {
				TH_LOG("VP %u: %s", vp, rounds[i]);
			}
		}
	EXPECT_TRUE(said("vtl2: end\n"));
	if (!__test_passed(_metadata))
		show_console();
}

TEST_HARNESS_MAIN
