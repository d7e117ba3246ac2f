// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading the module, and the hooks that it puts into KVM while a
 * partition exists.
 *
 * The harness leaves the module out for tests whose name begins with "load".
 */
#include <sys/stat.h>
#include <sys/syscall.h>
#include "vtl_test.h"

bool vm_hooks_come_and_go = true;

#define MODULE			"kvm_vtl"
#define ENABLED_FUNCTIONS	"/sys/kernel/tracing/enabled_functions"
#define FTRACE_ENABLED		"/proc/sys/kernel/ftrace_enabled"

static u8 page[PAGE_SIZE] __page;

static int load_file(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int load(const char *params)
{
	return load_file(getenv("KVM_VTL_KO") ?: "/lib/modules/kvm-vtl.ko",
			 params);
}

/* Replaces text in a file's contents by text of the same length. */
static int replace(u8 *data, size_t size, const char *from, const char *to)
{
	size_t len = strlen(from);
	u8 *p = data;
	int n = 0;

	for (; (p = memmem(p, data + size - p, from, len)); p += len, n++)
		memcpy(p, to, len);
	return n;
}

/* Loads the module with other words in it: "from", "to", ..., NULL. */
static int load_changed(const char *const *words)
{
	int fd = open(getenv("KVM_VTL_KO") ?: "/lib/modules/kvm-vtl.ko",
		      O_RDONLY | O_CLOEXEC), ret;
	struct stat st;
	u8 *data;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	data = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		    0);
	close(fd);
	if (data == MAP_FAILED)
		return -errno;
	for (; words[0]; words += 2)
		if (!replace(data, st.st_size, words[0], words[1]))
			return -ENOKEY;
	ret = syscall(SYS_init_module, data, st.st_size, "") ? -errno : 0;
	munmap(data, st.st_size);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

/* Functions that are redirected into the module */
static int hooks(void)
{
	const char *p = read_file(ENABLED_FUNCTIONS);
	int n = 0;

	for (; (p = strstr(p, " I ")); p++)
		n++;
	return n;
}

/*
 * Hooks come and go all the time here, and with them the kernel patches its
 * text.  QEMU's TCG now and then lets another CPU run into the int3 of such a
 * patch when it is gone already, which the kernel takes for a bug of its own.
 */
#define SECOND_CPU		"/sys/devices/system/cpu/cpu1/online"

static void __attribute__((constructor)) one_cpu(void)
{
	if (!access(SECOND_CPU, F_OK))
		write_file(SECOND_CPU, "0");
}

static void __attribute__((destructor)) all_cpus(void)
{
	if (!access(SECOND_CPU, F_OK))
		write_file(SECOND_CPU, "1");
}

FIXTURE(load) { };

FIXTURE_SETUP(load)
{
	ASSERT_EQ(0, load(""));
}

FIXTURE_TEARDOWN(load)
{
	EXPECT_EQ(0, hooks());
	EXPECT_EQ(0, unload());
	EXPECT_EQ(-1, access("/sys/module/" MODULE, F_OK));
	EXPECT_EQ(-1, access(KVM_VTL_DEVICE, F_OK));
}

static void work(void)
{
	vsm_init();
	vtl1_close(page, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[0].messages);
}

static void use(struct __test_metadata *_metadata)
{
	struct vm *vm = VTL_VM(.entry = work);

	EXPECT_LT(0, hooks());
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(load, and_unload)
{
	EXPECT_EQ(0, hooks());
}

TEST_F(load, use_and_unload)
{
	use(_metadata);
}

TEST_F_TIMEOUT(load, loop, 100)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		use(_metadata);
		use(_metadata);
		ASSERT_EQ(0, unload());
		ASSERT_EQ(0, load(""));
	}
}

TEST_F(load, twice)
{
	EXPECT_EQ(-EEXIST, load(""));
}

/* No partition with VTLs, no hooks: also for plain machines on the device. */
TEST_F(load, no_hooks_without_vtls)
{
	struct vm *vm = VM_CREATE();

	EXPECT_EQ(0, hooks());
	vm_destroy(vm);
}

TEST_F(load, hooks_go_with_the_last)
{
	struct vm *a = VTL_VM(), *b;
	int n = hooks();

	EXPECT_LT(0, n);
	b = VTL_VM();
	EXPECT_EQ(n, hooks());
	vm_destroy(a);
	EXPECT_EQ(n, hooks());
	vm_destroy(b);
	EXPECT_EQ(0, hooks());
}

/* Anything open keeps the module. */
TEST_F(load, in_use)
{
	struct vm *vm;
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, dev);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(dev);

	vm = VTL_VM();
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(vm->dev);
	vm->dev = -1;
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(vm->fd);
	vm->fd = -1;
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(vm->vcpu[0].fd);
	vm->vcpu[0].fd = -1;
	/* The run page that is still mapped is KVM's. */
	EXPECT_EQ(0, hooks());
	ASSERT_EQ(0, unload());
	EXPECT_EQ(KVM_EXIT_UNKNOWN, vm->vcpu[0].run->exit_reason);
	ASSERT_EQ(0, load(""));
	munmap(vm->vcpu[0].run, 0x3000);
	vm->vcpu[0].run = NULL;
	vm_destroy(vm);
}

TEST_F(load, parameter)
{
	struct kvm_vtl_info info = { .size = sizeof(info) };
	int dev;

	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load("default_max_vtl=1"));
	dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, ioctl(dev, KVM_VTL_GET_INFO, &info));
	EXPECT_EQ(1, info.out_config_max_vtl);
	close(dev);
}

static u64 count(u64 a, u64 b)
{
	return a + 1;
}

static void switching_guest(void)
{
	u64 n = 0;

	vsm_init();
	while (n < 100)
		n = vtl1_exec(count, n, 0);
}

static void expect_switches(struct __test_metadata *_metadata)
{
	struct vm *vm = VTL_VM(.entry = switching_guest);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(load, mitigations)
{
	const char *path = "/sys/module/kvm_vtl/parameters/mitigations";

	ASSERT_EQ(0, unload());
	EXPECT_EQ(-EINVAL, load("mitigations=never"));
	ASSERT_EQ(0, load(""));
	EXPECT_STREQ("host\n", read_file(path));
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load("mitigations=always"));
	EXPECT_STREQ("always\n", read_file(path));
	expect_switches(_metadata);
	EXPECT_EQ(0, write_file(path, "host"));
	EXPECT_EQ(-EINVAL, write_file(path, "both"));
	EXPECT_STREQ("host\n", read_file(path));
	expect_switches(_metadata);
}

/* --- ftrace -------------------------------------------------------------- */

/* Newer kernels refuse it to everybody, without hooks, too. */
static bool can_disable_ftrace(struct __test_metadata *_metadata)
{
	int ret = write_file(FTRACE_ENABLED, "0");

	if (ret == -EOPNOTSUPP)
		return false;
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, write_file(FTRACE_ENABLED, "1"));
	return true;
}

TEST_F(load, ftrace_cannot_be_disabled)
{
	int error = can_disable_ftrace(_metadata) ? -EBUSY : -EOPNOTSUPP;
	struct vm *vm = VTL_VM(.entry = work);

	EXPECT_EQ(error, write_file(FTRACE_ENABLED, "0"));
	EXPECT_EQ('1', read_file(FTRACE_ENABLED)[0]);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* Refused as a whole, and works again later. */
TEST_F(load, ftrace_disabled)
{
	struct vm_options options = { .max_vtl = 1 };
	const char *error;
	struct vm *vm;

	if (!can_disable_ftrace(_metadata))
		SKIP(return, "this kernel does not disable ftrace");
	ASSERT_EQ(0, write_file(FTRACE_ENABLED, "0"));
	vm = vm_create(&options, &error);
	EXPECT_EQ(NULL, vm);
	EXPECT_NE(NULL, strstr(error, "KVM_CREATE_VM"));
	EXPECT_EQ(0, hooks());
	ASSERT_EQ(0, write_file(FTRACE_ENABLED, "1"));
	use(_metadata);
}

/* --- hooks that cannot be ------------------------------------------------ */

/* Kernel messages with these words since position start of the log */
static u32 messages(int log, const char *words)
{
	char line[1024];
	u32 count = 0;
	ssize_t n;

	while ((n = read(log, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		count += !!strstr(line, words);
	}
	return count;
}

static int open_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	lseek(log, 0, SEEK_END);
	return log;
}

/* No partition with VTLs, one line that says why, and others go on. */
static void expect_refused(struct __test_metadata *_metadata,
			   const char *device, int error, const char *words)
{
	struct kvm_vtl_config config = { .size = sizeof(config), .max_vtl = 1 };
	int dev = open(device, O_RDWR | O_CLOEXEC);
	int log = open_log(), n = hooks();

	ASSERT_LE(0, dev);
	ASSERT_LE(0, log);
	ASSERT_EQ(0, ioctl(dev, KVM_VTL_CONFIGURE, &config));
	EXPECT_EQ(-1, ioctl(dev, KVM_CREATE_VM, 0));
	EXPECT_EQ(error, errno);
	EXPECT_EQ(1, messages(log, words));
	EXPECT_EQ(n, hooks());
	close(log);
	close(dev);
}

TEST_F(load, hook_is_missing)
{
	static const char *const words[] = {
		"kvm:make_spte", "kvm:make_sqte", NULL,
	};

	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_changed(words));
	expect_refused(_metadata, KVM_VTL_DEVICE, ENOENT,
		       "kvm:make_sqte: no such function");
}

/* How many functions of this name has KVM? */
static int nr_functions(const char *name)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[512], words[128];
	int n = 0;

	if (!symbols)
		return 0;
	snprintf(words, sizeof(words), " %s\t[kvm]", name);
	while (fgets(line, sizeof(line), symbols))
		n += !!strstr(line, words);
	fclose(symbols);
	return n;
}

/* Several functions of one name, which the compiler left in; by kernel */
TEST_F(load, hook_is_ambiguous)
{
	static const char *const words[][3] = {
		{ "kvm:vcpu_load", "kvm:pfn_valid", NULL },
		{ "kvm:kvm_vcpu_read_guest_atomic",
		  "kvm:kvm_pr_unimpl_wrmsr.part.0", NULL },
	};
	char message[64];
	u32 i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (nr_functions(words[i][1] + strlen("kvm:")) > 1)
			break;
	if (i == ARRAY_LEN(words))
		SKIP(return, "KVM has no two functions of one name");
	snprintf(message, sizeof(message), "%s: ambiguous", words[i][1]);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_changed(words[i]));
	expect_refused(_metadata, KVM_VTL_DEVICE, ENOENT, message);
}

/* Another module redirects the same functions: a copy under another name. */
TEST_F(load, hook_is_taken)
{
	static const char *const words[] = {
		"kvm_vtl", "kvm_vtx", "kvm-vtl", "kvm-vtx", NULL,
	};
	struct vm *vm = VTL_VM(.entry = work);

	ASSERT_EQ(0, load_changed(words));
	expect_refused(_metadata, "/dev/kvm-vtx", EBUSY,
		       "redirected by a livepatch");
	ASSERT_EQ(0, syscall(SYS_delete_module, "kvm_vtx", O_NONBLOCK));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* A tracer on the same functions disturbs nothing. */
TEST_F(load, function_tracer)
{
	const char *filter = "/sys/kernel/tracing/set_ftrace_filter";
	const char *tracer = "/sys/kernel/tracing/current_tracer";
	struct vm *vm;

	ASSERT_EQ(0, write_file(filter, "kvm_hv_hypercall"));
	ASSERT_EQ(0, write_file(tracer, "function"));
	vm = VTL_VM(.entry = work);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	ASSERT_EQ(0, write_file(tracer, "nop"));
	ASSERT_EQ(0, write_file(filter, ""));
	vm_destroy(vm);
}

/* --- the vendor module --------------------------------------------------- */

static const char *vendor(void)
{
	return access("/sys/module/kvm_amd", F_OK) ? "kvm_intel" : "kvm_amd";
}

static int unload_vendor(void)
{
	return syscall(SYS_delete_module, vendor(), O_NONBLOCK) ? -errno : 0;
}

/* Parameters as PID 1 gives them: words "MODULE.NAME=VALUE" */
static const char *vendor_parameters(const char *name)
{
	static char text[256];
	char words[4096], *word, *save = NULL;
	size_t n = strlen(name), used = 0;

	text[0] = '\0';
	snprintf(words, sizeof(words), "%s", read_file("/proc/cmdline"));
	for (word = strtok_r(words, "\n ", &save); word;
	     word = strtok_r(NULL, "\n ", &save))
		if (!strncmp(word, name, n) && word[n] == '.' &&
		    used < sizeof(text))
			used += snprintf(text + used, sizeof(text) - used,
					 "%s ", word + n + 1);
	return text;
}

/* With one parameter more */
static int load_vendor_with(const char *name, const char *param)
{
	const char *path = strcmp(name, "kvm_amd") ?
			   "/lib/modules/kvm-intel.ko" :
			   "/lib/modules/kvm-amd.ko";
	char params[300];

	snprintf(params, sizeof(params), "%s%s", vendor_parameters(name),
		 param);
	return load_file(path, params);
}

static int load_vendor(const char *name)
{
	return load_vendor_with(name, "");
}

TEST_F(load, vendor_module_is_pinned)
{
	struct vm *vm = VTL_VM();

	EXPECT_EQ(-EWOULDBLOCK, unload_vendor());
	vm_destroy(vm);
}

/* It may go and come back while no partition exists. */
TEST_F(load, vendor_module_is_replaced)
{
	const char *name = vendor();

	use(_metadata);
	ASSERT_EQ(0, unload_vendor()) {
		TH_LOG("%s", strerror(errno));
	}
	ASSERT_EQ(0, load_vendor(name));
	use(_metadata);
}

/* Rights cannot be taken from shadow pages, nor without A and D bits. */
static void expect_no_paging(struct __test_metadata *_metadata,
			     const char *param)
{
	struct vm_options options = { .max_vtl = 1 };
	const char *name = vendor(), *error;
	struct vm *vm;

	ASSERT_EQ(0, unload_vendor());
	ASSERT_EQ(0, load_vendor_with(name, param));
	EXPECT_EQ(NULL, vm_create(&options, &error));
	EXPECT_NE(NULL, strstr(error, "KVM_CREATE_VCPU"));
	EXPECT_NE(NULL, strstr(error, strerror(EOPNOTSUPP))) {
		TH_LOG("%s: %s", param, error);
	}
	options.max_vtl = 0;
	vm = vm_create(&options, &error);
	EXPECT_NE(NULL, vm);
	vm_destroy(vm);
	ASSERT_EQ(0, unload_vendor());
	ASSERT_EQ(0, load_vendor(name));
	use(_metadata);
}

TEST_F(load, no_two_dimensional_paging)
{
	expect_no_paging(_metadata, strcmp(vendor(), "kvm_amd") ? "ept=0" :
								  "npt=0");
}

TEST_F(load, no_accessed_bits)
{
	if (!strcmp(vendor(), "kvm_amd"))
		SKIP(return, "NPT always has accessed and dirty bits");
	expect_no_paging(_metadata, "eptad=0");
}

/* What a VM of a file offers that nobody configured; ~0 when there is none */
static u64 default_features(void)
{
	const char *path = "/sys/module/kvm_vtl/parameters/default_max_vtl";
	struct kvm_vtl_partition p = { .size = sizeof(p) };
	int dev, vm;

	write_file(path, "1");
	dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	write_file(path, "0");
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (ioctl(vm, KVM_VTL_GET_PARTITION, &p))
		p.out_features = ~0ULL;
	close(vm);
	close(dev);
	return p.out_features;
}

/* KVM can be told not to use MBEC: then it is not offered. */
TEST_F(load, mbec_off)
{
	struct vm_options options = {
		.max_vtl = 1, .features = KVM_VTL_FEATURE_MBEC,
	};
	const char *name = vendor(), *error;

	if (!(host_features() & KVM_VTL_FEATURE_MBEC))
		SKIP(return, "this host has no MBEC");
	EXPECT_EQ(KVM_VTL_FEATURE_MBEC, default_features());
	ASSERT_EQ(0, unload_vendor());
	ASSERT_EQ(0, load_vendor_with(name, strcmp(name, "kvm_amd") ?
					    "mbec=0" : "gmet=0"));
	EXPECT_EQ(0, default_features());
	EXPECT_EQ(NULL, vm_create(&options, &error));
	EXPECT_NE(NULL, strstr(error, "KVM_CREATE_VM"));
	EXPECT_NE(NULL, strstr(error, strerror(EOPNOTSUPP))) {
		TH_LOG("%s", error);
	}
	ASSERT_EQ(0, unload_vendor());
	ASSERT_EQ(0, load_vendor(name));
	use(_metadata);
}

/* Without one there is nothing to run on. */
TEST_F(load, no_vendor_module)
{
	struct kvm_vtl_info info = { .size = sizeof(info) };
	const char *name = vendor();
	int dev;

	ASSERT_EQ(0, unload_vendor());
	dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dev);
	EXPECT_EQ(0, ioctl(dev, KVM_VTL_GET_INFO, &info));
	EXPECT_GT(0, ioctl(dev, KVM_CREATE_VM, 0));
	close(dev);
	ASSERT_EQ(0, load_vendor(name));
	use(_metadata);
}

TEST_HARNESS_MAIN
