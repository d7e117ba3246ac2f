// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host offers what the module needs: KVM with nested paging.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

static const char *parameter(const char *module, const char *name)
{
	static char value[32];
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	f = fopen(path, "re");
	if (!f)
		return "";
	if (!fgets(value, sizeof(value), f))
		value[0] = '\0';
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
	return value;
}

FIXTURE(host)
{
	int kvm;
};

FIXTURE_SETUP(host)
{
	self->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->kvm, 0);
}

FIXTURE_TEARDOWN(host)
{
	close(self->kvm);
}

TEST_F(host, api_version)
{
	EXPECT_EQ(KVM_API_VERSION, ioctl(self->kvm, KVM_GET_API_VERSION, 0));
}

TEST_F(host, user_memory)
{
	EXPECT_EQ(1, ioctl(self->kvm, KVM_CHECK_EXTENSION,
			   KVM_CAP_USER_MEMORY));
}

TEST_F(host, vm_and_vcpu)
{
	int vm, vcpu;

	vm = ioctl(self->kvm, KVM_CREATE_VM, 0);
	ASSERT_GE(vm, 0);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	EXPECT_GE(vcpu, 0);
	close(vcpu);
	close(vm);
}

TEST(nested_paging_svm)
{
	if (access("/sys/module/kvm_amd", F_OK))
		SKIP(return, "kvm_amd is not loaded");
	EXPECT_STREQ("Y", parameter("kvm_amd", "npt"));
}

TEST(nested_paging_vmx)
{
	if (access("/sys/module/kvm_intel", F_OK))
		SKIP(return, "kvm_intel is not loaded");
	EXPECT_STREQ("Y", parameter("kvm_intel", "ept"));
	EXPECT_STREQ("Y", parameter("kvm_intel", "unrestricted_guest"));
}

TEST(two_cpus)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	EXPECT_GE(cpus, 1);
	if (cpus < 2)
		SKIP(return, "this host has one CPU");
}

TEST_HARNESS_MAIN
