// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user ABI: sizes and numbers, how structs grow, which error comes first,
 * and that /dev/kvm-vtl is /dev/kvm where it should be.
 */
#include <stddef.h>
#include "vtl_test.h"

AREA(uapi)

/* --- pinned -------------------------------------------------------------- */

#define PIN_SIZE(type, size) EXPECT_EQ(size, sizeof(struct type))
#define PIN(type, member, offset) \
	EXPECT_EQ(offset, offsetof(struct type, member))

TEST_F(uapi, layout)
{
	PIN_SIZE(kvm_vtl_info, 40);
	PIN(kvm_vtl_info, out_abi, 8);
	PIN(kvm_vtl_info, out_vendor, 12);
	PIN(kvm_vtl_info, out_features, 16);
	PIN(kvm_vtl_info, out_errata, 24);
	PIN(kvm_vtl_info, out_max_vtl, 32);
	PIN(kvm_vtl_info, out_config_max_vtl, 36);
	PIN_SIZE(kvm_vtl_config, 24);
	PIN(kvm_vtl_config, max_vtl, 8);
	PIN(kvm_vtl_config, __reserved, 12);
	PIN(kvm_vtl_config, features, 16);
	PIN_SIZE(kvm_vtl_partition, 64);
	PIN(kvm_vtl_partition, enabled_vtls, 8);
	PIN(kvm_vtl_partition, out_max_vtl, 12);
	PIN(kvm_vtl_partition, config, 16);
	PIN(kvm_vtl_partition, mbec_vtls, 48);
	PIN(kvm_vtl_partition, out_features, 56);
	PIN_SIZE(kvm_vtl_range, 24);
	PIN(kvm_vtl_range, nr_pages, 8);
	PIN(kvm_vtl_range, prot, 16);
	PIN(kvm_vtl_range, __reserved, 20);
	PIN_SIZE(kvm_vtl_protections, 48);
	PIN(kvm_vtl_protections, vtl, 8);
	PIN(kvm_vtl_protections, nr_ranges, 12);
	PIN(kvm_vtl_protections, start_gfn, 16);
	PIN(kvm_vtl_protections, ranges, 24);
	PIN(kvm_vtl_protections, out_nr_ranges, 32);
	PIN(kvm_vtl_protections, __reserved, 36);
	PIN(kvm_vtl_protections, out_next_gfn, 40);
	PIN_SIZE(kvm_vtl_vp, 256);
	PIN(kvm_vtl_vp, enabled_vtls, 8);
	PIN(kvm_vtl_vp, active_vtl, 12);
	PIN(kvm_vtl_vp, pending_event, 16);
	PIN(kvm_vtl_vp, vina, 80);
	PIN(kvm_vtl_vp, tlb_locks, 112);
	PIN(kvm_vtl_vp, tlb_waits, 116);
	PIN(kvm_vtl_vp, cr_intercept, 120);
	PIN(kvm_vtl_vp, mbec, 248);
	PIN_SIZE(kvm_vtl_vcpu_ioctl, 24);
	PIN(kvm_vtl_ports, vtl, 8);
	PIN(kvm_vtl_ports, read_bitmap, 16);
	PIN(kvm_vtl_ports, write_bitmap, 24);
	PIN(kvm_vtl_vcpu_ioctl, vtl, 8);
	PIN(kvm_vtl_vcpu_ioctl, cmd, 12);
	PIN(kvm_vtl_vcpu_ioctl, arg, 16);
}

TEST_F(uapi, numbers)
{
	EXPECT_EQ(0xc028b900, KVM_VTL_GET_INFO);
	EXPECT_EQ(0x4018b901, KVM_VTL_CONFIGURE);
	EXPECT_EQ(0xc040b902, KVM_VTL_GET_PARTITION);
	EXPECT_EQ(0xc040b903, KVM_VTL_SET_PARTITION);
	EXPECT_EQ(0xc030b904, KVM_VTL_GET_PROTECTIONS);
	EXPECT_EQ(0xc030b905, KVM_VTL_SET_PROTECTIONS);
	EXPECT_EQ(0xc100b906, KVM_VTL_GET_VP);
	EXPECT_EQ(0xc100b907, KVM_VTL_SET_VP);
	EXPECT_EQ(0x4018b908, KVM_VTL_VCPU_IOCTL);
	EXPECT_EQ(0xc020b909, KVM_VTL_GET_PORTS);
	EXPECT_EQ(0x4020b90a, KVM_VTL_SET_PORTS);
	EXPECT_EQ(3, KVM_VTL_ABI);
}

/* --- how every command takes its struct ---------------------------------- */

enum object { DEV, VM, VCPU };

struct command {
	const char *name;
	unsigned long number;
	enum object object;
	u32 size;
	u32 reserved;		/* offset of a reserved member, 0: none */
	u64 good[4];		/* first words after size and flags */
	u32 first;		/* size of the first version, 0: size */
};

static struct kvm_regs regs;

static u8 ports[KVM_VTL_PORT_BITMAP_SIZE];

static const struct command commands[] = {
	{ "GET_INFO", KVM_VTL_GET_INFO, DEV, 40 },
	{ "CONFIGURE", KVM_VTL_CONFIGURE, DEV, 24, 12, { 1 } },
	{ "GET_PARTITION", KVM_VTL_GET_PARTITION, VM, 64, .first = 48 },
	{ "SET_PARTITION", KVM_VTL_SET_PARTITION, VM, 64, 52, { 1 },
	  .first = 48 },
	{ "GET_PROTECTIONS", KVM_VTL_GET_PROTECTIONS, VM, 48, 36, { 1 } },
	{ "SET_PROTECTIONS", KVM_VTL_SET_PROTECTIONS, VM, 48, 36, { 1 } },
	{ "GET_PORTS", KVM_VTL_GET_PORTS, VM, 32, 12,
	  { 1, (uintptr_t)ports, (uintptr_t)ports } },
	{ "SET_PORTS", KVM_VTL_SET_PORTS, VM, 32, 12,
	  { 1, (uintptr_t)ports, (uintptr_t)ports } },
	{ "GET_VP", KVM_VTL_GET_VP, VCPU, 256, .first = 80 },
	{ "SET_VP", KVM_VTL_SET_VP, VCPU, 256, 252, { 1 }, .first = 80 },
	{ "VCPU_IOCTL", KVM_VTL_VCPU_IOCTL, VCPU, 24, 0,
	  { (u64)KVM_GET_REGS << 32, (uintptr_t)&regs } },
};

#define ARG_SIZE	8192

static int fd_of(struct vm *vm, int dev, enum object object)
{
	return object == DEV ? dev : object == VM ? vm->fd : vm->vcpu[0].fd;
}

/* A good argument, in memory that ends behind it */
static u8 *argument(const struct command *c)
{
	static u8 arg[ARG_SIZE];

	memset(arg, 0, sizeof(arg));
	*(u32 *)arg = c->size;
	memcpy(arg + 8, c->good, sizeof(c->good));
	return arg;
}

static int call(int fd, const struct command *c, void *arg)
{
	return ioctl(fd, c->number, arg) ? -errno : 0;
}

struct fds {
	struct vm *vm;
	int dev;		/* a second one, where CONFIGURE works */
};

static int fd_for(struct fds *fds, const struct command *c)
{
	return fd_of(fds->vm, fds->dev, c->object);
}

static struct fds open_fds(struct __test_metadata *_metadata)
{
	struct fds fds = { .vm = VTL_VM() };

	ASSERT_EQ(0, ioctl(fds.vm->dev, KVM_VTL_GET_INFO,
			   argument(&commands[0])));
	fds.dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fds.dev);
	return fds;
}

static u32 first_size(const struct command *c)
{
	return c->first ?: c->size;
}

#define for_each_command(c) \
	for (c = commands; c < commands + ARRAY_LEN(commands); c++)

/* SET_PROTECTIONS is in no state to succeed here; all others are. */
static int good_result(const struct command *c)
{
	return c->number == KVM_VTL_SET_PROTECTIONS ||
	       c->number == KVM_VTL_SET_PORTS ? -EBUSY : 0;
}

TEST_F(uapi, good_arguments)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;

	for_each_command(c) {
		EXPECT_EQ(good_result(c), call(fd_for(&fds, c), c,
					       argument(c))) {
			TH_LOG("%s", c->name);
		}
	}
}

TEST_F(uapi, too_short)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;
	u32 size;

	for_each_command(c)
		for (size = 0; size < first_size(c); size++) {
			arg = argument(c);
			*(u32 *)arg = size;
			ASSERT_EQ(-EINVAL, call(fd_for(&fds, c), c, arg)) {
				TH_LOG("%s with size %u", c->name, size);
			}
		}
}

TEST_F(uapi, longer_with_zero_tail)
{
	static const u32 more[] = { 1, 8, 64, 4096 - 256 };
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;
	u32 i;

	for_each_command(c)
		for (i = 0; i < ARRAY_LEN(more); i++) {
			arg = argument(c);
			*(u32 *)arg = c->size + more[i];
			EXPECT_EQ(good_result(c),
				  call(fd_for(&fds, c), c, arg)) {
				TH_LOG("%s with %u more", c->name, more[i]);
			}
		}
}

TEST_F(uapi, longer_with_dirty_tail)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;
	u32 i;

	for_each_command(c)
		for (i = 0; i < 16; i++) {
			arg = argument(c);
			*(u32 *)arg = c->size + 16;
			arg[c->size + i] = 1;
			EXPECT_EQ(-E2BIG, call(fd_for(&fds, c), c, arg)) {
				TH_LOG("%s, byte %u", c->name, i);
			}
		}
}

TEST_F(uapi, absurd_size)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;

	for_each_command(c) {
		arg = argument(c);
		*(u32 *)arg = 0xffffffff;
		EXPECT_EQ(-E2BIG, call(fd_for(&fds, c), c, arg));
	}
}

TEST_F(uapi, flags)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;
	u32 i;

	for_each_command(c)
		for (i = 0; i < 32; i++) {
			arg = argument(c);
			*(u32 *)(arg + 4) = 1U << i;
			EXPECT_EQ(-EINVAL, call(fd_for(&fds, c), c, arg)) {
				TH_LOG("%s, flag %u", c->name, i);
			}
		}
}

TEST_F(uapi, reserved_members)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;

	for_each_command(c) {
		if (!c->reserved)
			continue;
		arg = argument(c);
		*(u32 *)(arg + c->reserved) = 1;
		EXPECT_EQ(-EINVAL, call(fd_for(&fds, c), c, arg)) {
			TH_LOG("%s", c->name);
		}
	}
	/* Entry 0 of an array: VTL0 has no config. */
	arg = argument(&commands[3]);
	*(u64 *)(arg + 16) = 1;
	EXPECT_EQ(-EINVAL, call(fds.vm->fd, &commands[3], arg));
}

TEST_F(uapi, bad_pointers)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *map, *arg;

	map = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + PAGE_SIZE, PAGE_SIZE));
	for_each_command(c) {
		EXPECT_EQ(-EFAULT, call(fd_for(&fds, c), c, NULL));
		EXPECT_EQ(-EFAULT, call(fd_for(&fds, c), c, (void *)-4096L));
		/* The struct reaches into nothing. */
		arg = map + PAGE_SIZE - 16;
		memcpy(arg, argument(c), 16);
		EXPECT_EQ(-EFAULT, call(fd_for(&fds, c), c, arg)) {
			TH_LOG("%s", c->name);
		}
		/* One that ends with the page is fine. */
		arg = map + PAGE_SIZE - c->size;
		memcpy(arg, argument(c), c->size);
		EXPECT_EQ(good_result(c), call(fd_for(&fds, c), c, arg)) {
			TH_LOG("%s", c->name);
		}
	}
}

/* Results cannot be written where there is no right to. */
TEST_F(uapi, read_only_argument)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *map;

	map = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	for_each_command(c) {
		mprotect(map, PAGE_SIZE, PROT_READ | PROT_WRITE);
		memcpy(map, argument(c), 256);
		mprotect(map, PAGE_SIZE, PROT_READ);
		EXPECT_EQ(_IOC_DIR(c->number) & _IOC_READ ?
			  good_result(c) ?: -EFAULT : good_result(c),
			  call(fd_for(&fds, c), c, map)) {
			TH_LOG("%s", c->name);
		}
	}
}

/* The errors in their order: each argument is wrong in two ways. */
TEST_F(uapi, order_of_checks)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	u8 *arg;

	for_each_command(c) {
		/* too short before unknown flag */
		arg = argument(c);
		*(u32 *)arg = first_size(c) - 1;
		*(u32 *)(arg + 4) = 1;
		EXPECT_EQ(-EINVAL, call(fd_for(&fds, c), c, arg));
		/* dirty tail before unknown flag */
		arg = argument(c);
		*(u32 *)arg = c->size + 8;
		*(u32 *)(arg + 4) = 1;
		arg[c->size] = 1;
		EXPECT_EQ(-E2BIG, call(fd_for(&fds, c), c, arg)) {
			TH_LOG("%s", c->name);
		}
	}
	/* reserved before a value that this host cannot do */
	arg = argument(&commands[1]);
	*(u32 *)(arg + 8) = 3;
	*(u32 *)(arg + 12) = 1;
	EXPECT_EQ(-EINVAL, call(fds.dev, &commands[1], arg));
	/* value before state: this file made a VM long ago */
	*(u32 *)(arg + 12) = 0;
	EXPECT_EQ(-EOPNOTSUPP, call(fds.vm->dev, &commands[1], arg));
}

/* Numbers are known on their own kind of file only. */
TEST_F(uapi, unknown_numbers)
{
	struct fds fds = open_fds(_metadata);
	u32 nr, dir;
	int object, fd;
	const struct command *c;
	u8 *arg = argument(&commands[0]);

	for_each_command(c) {
		for (object = DEV; object <= VCPU; object++) {
			if (object == c->object)
				continue;
			fd = fd_of(fds.vm, fds.dev, object);
			EXPECT_EQ(-ENOTTY, call(fd, c, argument(c))) {
				TH_LOG("%s on %d", c->name, object);
			}
			/* before anything else is looked at */
			EXPECT_EQ(-ENOTTY, call(fd, c, NULL));
		}
	}
	for (nr = 0xb; nr < 256; nr++)
		for (dir = 0; dir < 4; dir++)
			for (object = DEV; object <= VCPU; object++) {
				fd = fd_of(fds.vm, fds.dev, object);
				ASSERT_EQ(-1, ioctl(fd, _IOC(dir, 0xb9, nr, 40),
						    arg));
				ASSERT_EQ(ENOTTY, errno);
			}
}

/* The size in the number is that of the caller's header: it may have grown. */
TEST_F(uapi, grown_number)
{
	struct fds fds = open_fds(_metadata);
	const struct command *c;
	unsigned long number;

	for_each_command(c) {
		number = _IOC(_IOC_DIR(c->number), 0xb9, _IOC_NR(c->number),
			      c->size + 64);
		EXPECT_EQ(-good_result(c),
			  ioctl(fd_for(&fds, c), number, argument(c)) ?
			  errno : 0) {
			TH_LOG("%s", c->name);
		}
	}
}

/* What neither KVM nor the module knows */
TEST_F(uapi, foreign_numbers)
{
	static const unsigned long numbers[] = {
		_IO(0xae, 0xff), _IOW(0xae, 0xfe, u64), _IO('T', 1), 0,
		0xffffffff,
	};
	struct fds fds = open_fds(_metadata);
	int object;
	u32 i;

	for (i = 0; i < ARRAY_LEN(numbers); i++)
		for (object = DEV; object <= VCPU; object++) {
			EXPECT_EQ(-1, ioctl(fd_of(fds.vm, fds.vm->dev, object),
					    numbers[i], 0));
			EXPECT_TRUE(errno == ENOTTY || errno == EOPNOTSUPP ||
				    errno == EINVAL) {
				TH_LOG("0x%lx on %d: %s", numbers[i], object,
				       strerror(errno));
			}
		}
}

/* --- GET_INFO and CONFIGURE ---------------------------------------------- */

static int get_info(int dev, struct kvm_vtl_info *info)
{
	*info = (struct kvm_vtl_info) { .size = sizeof(*info) };
	return ioctl(dev, KVM_VTL_GET_INFO, info) ? -errno : 0;
}

static int configure(int dev, u32 max_vtl)
{
	struct kvm_vtl_config config = {
		.size = sizeof(config), .max_vtl = max_vtl,
	};

	return ioctl(dev, KVM_VTL_CONFIGURE, &config) ? -errno : 0;
}

TEST_F(uapi, info)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kvm_vtl_info info;

	ASSERT_LE(0, dev);
	ASSERT_EQ(0, get_info(dev, &info));
	EXPECT_EQ(40, info.size);
	EXPECT_EQ(3, info.out_abi);
	EXPECT_EQ(access("/sys/module/kvm_amd", F_OK) ?
		  KVM_VTL_VENDOR_INTEL : KVM_VTL_VENDOR_AMD, info.out_vendor);
	EXPECT_EQ(KVM_VTL_FEATURE_VSM,
		  info.out_features & ~KVM_VTL_FEATURE_MBEC);
	EXPECT_EQ(0, info.out_errata);
	EXPECT_EQ(2, info.out_max_vtl);
	EXPECT_EQ(0, info.out_config_max_vtl);
	ASSERT_EQ(0, configure(dev, 1));
	ASSERT_EQ(0, get_info(dev, &info));
	EXPECT_EQ(1, info.out_config_max_vtl);
	close(dev);
}

TEST_F(uapi, configure)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	u32 i;

	EXPECT_EQ(0, configure(dev, 1));
	EXPECT_EQ(0, configure(dev, 0));
	EXPECT_EQ(0, configure(dev, 1));
	EXPECT_EQ(0, configure(dev, 2));
	EXPECT_EQ(-EOPNOTSUPP, configure(dev, 3));
	for (i = 2; i < 32; i++) {
		EXPECT_EQ(-EOPNOTSUPP, configure(dev, 1U << i));
	}
	EXPECT_EQ(-EOPNOTSUPP, configure(dev, ~0U));
	ASSERT_EQ(KVM_API_VERSION, ioctl(dev, KVM_GET_API_VERSION, 0));
	EXPECT_EQ(-EBUSY, configure(dev, 0));
	EXPECT_EQ(-EBUSY, configure(dev, 1));
	EXPECT_EQ(-EOPNOTSUPP, configure(dev, 3));
	close(dev);
}

/* Features that are optional, of those that the host has */
TEST_F(uapi, configure_features)
{
	struct kvm_vtl_config config = { .size = sizeof(config), .max_vtl = 1 };
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	u64 has = host_features() & KVM_VTL_FEATURE_MBEC;
	u32 i;

	for (i = 0; i < 64; i++) {
		int want = -EINVAL;

		config.features = BIT(i);
		if (config.features == KVM_VTL_FEATURE_MBEC)
			want = has ? 0 : -EOPNOTSUPP;
		EXPECT_EQ(want, ioctl(dev, KVM_VTL_CONFIGURE, &config) ?
				-errno : 0);
	}
	close(dev);
}

/* Each open file for itself */
TEST_F(uapi, configure_is_per_file)
{
	int a = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	int b = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kvm_vtl_info info;

	ASSERT_EQ(0, configure(a, 1));
	ASSERT_EQ(0, get_info(b, &info));
	EXPECT_EQ(0, info.out_config_max_vtl);
	close(a);
	close(b);
}

/* The module parameter is what a new file begins with. */
TEST_F(uapi, default_max_vtl)
{
	const char *path = "/sys/module/kvm_vtl/parameters/default_max_vtl";
	struct kvm_vtl_info info;
	int dev;

	EXPECT_STREQ("0\n", read_file(path));
	ASSERT_EQ(0, write_file(path, "1"));
	dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	write_file(path, "0");
	ASSERT_EQ(0, get_info(dev, &info));
	EXPECT_EQ(1, info.out_config_max_vtl);
	EXPECT_EQ(0, configure(dev, 0));
	close(dev);
}

/* --- not configured: /dev/kvm -------------------------------------------- */

#define LAST_CAP	260

TEST_F(uapi, plain_capabilities)
{
	int kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	int kvm_vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int vm = ioctl(dev, KVM_CREATE_VM, 0);
	int cap;

	ASSERT_LE(0, vm);
	for (cap = 0; cap <= LAST_CAP; cap++) {
		EXPECT_EQ(ioctl(kvm, KVM_CHECK_EXTENSION, cap),
			  ioctl(dev, KVM_CHECK_EXTENSION, cap)) {
			TH_LOG("capability %d", cap);
		}
		EXPECT_EQ(ioctl(kvm_vm, KVM_CHECK_EXTENSION, cap),
			  ioctl(vm, KVM_CHECK_EXTENSION, cap));
	}
	EXPECT_EQ(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		  ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(vm);
	close(kvm_vm);
	close(dev);
	close(kvm);
}

static struct kvm_cpuid2 *get_cpuid(int dev, unsigned long request)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	c->nent = 256;
	return ioctl(dev, request, c) ? NULL : c;
}

TEST_F(uapi, plain_cpuid)
{
	static const unsigned long requests[] = {
		KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID,
		KVM_GET_SUPPORTED_HV_CPUID,
	};
	int kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kvm_cpuid2 *a, *b;
	u32 i, n;

	for (i = 0; i < ARRAY_LEN(requests); i++) {
		a = get_cpuid(kvm, requests[i]);
		b = get_cpuid(dev, requests[i]);
		ASSERT_NE(NULL, a);
		ASSERT_NE(NULL, b);
		ASSERT_EQ(a->nent, b->nent);
		for (n = 0; n < a->nent; n++) {
			/* the APIC id of whatever CPU asked */
			if (a->entries[n].function == 1 ||
			    a->entries[n].function == 0xb ||
			    a->entries[n].function == 0x1f ||
			    a->entries[n].function == 0x8000001e)
				continue;
			EXPECT_EQ(0, memcmp(&a->entries[n], &b->entries[n],
					    sizeof(a->entries[n]))) {
				TH_LOG("leaf 0x%x", a->entries[n].function);
			}
		}
		free(a);
		free(b);
	}
	close(dev);
	close(kvm);
}

/* The module's own commands do not exist on the files of plain VMs. */
TEST_F(uapi, plain_vm_has_no_own_commands)
{
	struct vm *vm = VM_CREATE();
	const struct command *c;

	for_each_command(c) {
		if (c->object == DEV)
			continue;
		EXPECT_GT(0, call(fd_of(vm, vm->dev, c->object), c,
				  argument(c)));
	}
	vm_destroy(vm);
}

/* --- configured: what is filtered ---------------------------------------- */

static const int hidden_caps[] = {
	KVM_CAP_NESTED_STATE, KVM_CAP_SYNC_REGS, KVM_CAP_XEN_HVM,
	KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
	KVM_CAP_HYPERV_ENLIGHTENED_VMCS, KVM_CAP_SGX_ATTRIBUTE,
	KVM_CAP_VM_COPY_ENC_CONTEXT_FROM, KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM,
	230 /* MEMORY_FAULT_INFO.. */, 233 /* MEMORY_ATTRIBUTES */,
	234 /* GUEST_MEMFD */, 236 /* PRE_FAULT_MEMORY */,
	244 /* GUEST_MEMFD_FLAGS */, KVM_CAP_ONE_REG,
};

TEST_F(uapi, hidden_capabilities)
{
	struct vm *vm = VTL_VM();
	u32 i;

	for (i = 0; i < ARRAY_LEN(hidden_caps); i++) {
		EXPECT_EQ(0, ioctl(vm->dev, KVM_CHECK_EXTENSION,
				   hidden_caps[i])) {
			TH_LOG("capability %d", hidden_caps[i]);
		}
		EXPECT_EQ(0, ioctl(vm->fd, KVM_CHECK_EXTENSION,
				   hidden_caps[i]));
	}
	/* and what a VMM needs is there */
	EXPECT_LT(0, ioctl(vm->dev, KVM_CHECK_EXTENSION,
			   KVM_CAP_SPLIT_IRQCHIP));
	EXPECT_LT(0, ioctl(vm->dev, KVM_CHECK_EXTENSION,
			   KVM_CAP_HYPERV_SYNIC2));
	EXPECT_LT(0, ioctl(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD));
	vm_destroy(vm);
}

static u32 cpuid_bits(struct kvm_cpuid2 *c, u32 leaf, u32 index, int reg)
{
	u32 i, bits = 0;

	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];
		u32 regs[] = { e->eax, e->ebx, e->ecx, e->edx };

		if (e->function == leaf && e->index == index)
			bits |= regs[reg];
	}
	return bits;
}

TEST_F(uapi, hidden_cpuid)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kvm_cpuid2 *c, *hv;

	ASSERT_EQ(0, configure(dev, 1));
	c = get_cpuid(dev, KVM_GET_SUPPORTED_CPUID);
	hv = get_cpuid(dev, KVM_GET_SUPPORTED_HV_CPUID);
	ASSERT_NE(NULL, c);
	ASSERT_NE(NULL, hv);
	EXPECT_EQ(0, cpuid_bits(c, 1, 0, 2) & BIT(5));		/* VMX */
	EXPECT_EQ(0, cpuid_bits(c, 0x80000001, 0, 2) & BIT(2));	/* SVM */
	EXPECT_EQ(0, cpuid_bits(c, 0x8000000a, 0, 0));
	EXPECT_EQ(0, cpuid_bits(c, 0x8000000a, 0, 3));
	EXPECT_EQ(0, cpuid_bits(c, 0x40000001, 0, 0));		/* KVM PV */
	EXPECT_EQ(0, cpuid_bits(c, 7, 0, 2) & BIT(7));		/* CET */
	EXPECT_EQ(0, cpuid_bits(c, 7, 0, 3) & BIT(20));
	EXPECT_EQ(0, cpuid_bits(c, 7, 0, 3) &			/* AMX */
		     (BIT(22) | BIT(24) | BIT(25)));
	EXPECT_EQ(0, cpuid_bits(c, 0xd, 0, 0) & (BIT(17) | BIT(18)));
	EXPECT_EQ(0, cpuid_bits(hv, 0x4000000a, 0, 0));
	/* and what is needed is there */
	EXPECT_EQ(BIT(2) | BIT(4) | BIT(5) | BIT(6),
		  cpuid_bits(hv, HV_CPUID_FEATURES, 0, 0) &
		  (BIT(2) | BIT(4) | BIT(5) | BIT(6)));
	free(c);
	free(hv);
	close(dev);
}

/* No MSR of nested virtualization either, else a VMM would set them. */
TEST_F(uapi, hidden_msrs)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kvm_msr_list *list;
	u32 i;

	ASSERT_EQ(0, configure(dev, 1));
	list = calloc(1, sizeof(*list) + 1024 * sizeof(u32));
	list->nmsrs = 1024;
	ASSERT_EQ(0, ioctl(dev, KVM_GET_MSR_FEATURE_INDEX_LIST, list));
	for (i = 0; i < list->nmsrs; i++) {
		EXPECT_FALSE(list->indices[i] >= 0x480 &&
			     list->indices[i] <= 0x491) {
			TH_LOG("MSR 0x%x", list->indices[i]);
		}
	}
	list->nmsrs = 1024;
	ASSERT_EQ(0, ioctl(dev, KVM_GET_MSR_INDEX_LIST, list));
	for (i = 0; i < list->nmsrs; i++) {
		EXPECT_FALSE(list->indices[i] >> 8 == 0x4b564d) {
			TH_LOG("MSR 0x%x", list->indices[i]);
		}
	}
	free(list);
	close(dev);
}

struct refused {
	const char *name;
	unsigned long number;
	enum object object;
};

#define REFUSED(object, name) { #name, name, object }

static const struct refused refused[] = {
	REFUSED(VM, KVM_XEN_HVM_CONFIG),
	REFUSED(VM, KVM_XEN_HVM_SET_ATTR),
	REFUSED(VM, KVM_CREATE_DEVICE),
	REFUSED(VM, KVM_MEMORY_ENCRYPT_OP),
	REFUSED(VM, KVM_RESET_DIRTY_RINGS),
	REFUSED(VM, _IOWR(KVMIO, 0xd4, char[64])),	/* CREATE_GUEST_MEMFD */
	REFUSED(VM, _IOW(KVMIO, 0xd2, char[32])),	/* memory attributes */
	REFUSED(VM, _IOW(KVMIO, 0x49, char[160])),	/* memory region 2 */
	REFUSED(VCPU, KVM_GET_NESTED_STATE),
	REFUSED(VCPU, KVM_SET_NESTED_STATE),
	REFUSED(VCPU, KVM_XEN_VCPU_SET_ATTR),
	REFUSED(VCPU, KVM_TPR_ACCESS_REPORTING),
	REFUSED(VCPU, _IOWR(KVMIO, 0xd5, char[64])),	/* PRE_FAULT_MEMORY */
};

TEST_F(uapi, refused_commands)
{
	struct vm *vm = VTL_VM();
	static u8 arg[65536];
	u32 i;

	for (i = 0; i < ARRAY_LEN(refused); i++) {
		EXPECT_EQ(-1, ioctl(fd_of(vm, vm->dev, refused[i].object),
				    refused[i].number, arg)) {
			TH_LOG("%s", refused[i].name);
		}
		EXPECT_EQ(EOPNOTSUPP, errno) {
			TH_LOG("%s: %s", refused[i].name, strerror(errno));
		}
	}
	vm_destroy(vm);
}

TEST_F(uapi, vm_types)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	int type;

	ASSERT_EQ(0, configure(dev, 1));
	for (type = 1; type < 8; type++) {
		EXPECT_EQ(-1, ioctl(dev, KVM_CREATE_VM, type));
	}
	close(dev);
}

/* VTLs need a local APIC in the kernel. */
TEST_F(uapi, irqchip_first)
{
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC), vm;

	ASSERT_EQ(0, configure(dev, 1));
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	ASSERT_LE(0, vm);
	EXPECT_EQ(-1, ioctl(vm, KVM_CREATE_VCPU, 0));
	close(vm);
	close(dev);
}

TEST_HARNESS_MAIN
